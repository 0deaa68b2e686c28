"""The field's book: one append-only table for consents, visits, engineers, parts, duties, surveys, complaints, training.

Each of these is a fold of its own lines, in the order of recording (`seq`); every line keeps both times, so that what
was entered late or offline stays visible. The database refuses to change or delete a line, as for the ledger.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from desk.tables import guard, metadata

field_book = sa.Table(
    "field_book",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),  # consent | visit | engineer | part | duty | …
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),  # when it happened
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("customer", sa.String),
    sa.Column("site", sa.String),
    sa.Column("device", sa.String),
    sa.Column("ticket", sa.String),
    sa.Column("text_en", sa.Text, nullable=False),
    sa.Column("text_zh", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),  # JSON
)
sa.Index("field_book_ticket", field_book.c.kind, field_book.c.ticket)
sa.Index("field_book_device", field_book.c.kind, field_book.c.device)
sa.Index("field_book_customer", field_book.c.kind, field_book.c.customer)
sa.Index("field_book_recorded", field_book.c.recorded_at)


@sa.event.listens_for(field_book, "after_create")
def _guard(_table: sa.Table, conn: sa.Connection, **_: Any) -> None:
    for verb in ("UPDATE", "DELETE"):
        for statement in guard(field_book.name, verb, conn.dialect.name):
            conn.exec_driver_sql(statement)

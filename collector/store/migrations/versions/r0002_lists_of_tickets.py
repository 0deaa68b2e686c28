"""Tickets are listed by what is due next, by site and equipment, and know their kind and owner.

On PostgreSQL text gets its bounds off, which SQLite never kept, and numbers that rise for ever become 64 bits wide.
"""

import sqlalchemy as sa
from alembic import op

from collector.store.migrations.steps import append_only, device_of, not_append_only

revision = "0002"
down_revision = "0001"

_RISING = (
    ("batches", "cursor"),
    ("snapshots", "cursor"),
    ("clock_offsets", "id"),
    ("events", "id"),
    ("quarantine", "id"),
)


def upgrade() -> None:
    for column in (
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("kind", sa.String(), server_default="incident", nullable=False),
        sa.Column("device", sa.String()),
        sa.Column("owner", sa.String()),
        sa.Column("touched", sa.BigInteger(), server_default="0", nullable=False),
    ):
        op.add_column("tickets", column)
    _fill()
    op.drop_index("tickets_next_due", table_name="tickets")
    op.create_index("tickets_next_moment", "tickets", ["next_due"])
    op.create_index("tickets_touched", "tickets", ["touched"])
    op.create_index(
        "tickets_open_due",
        "tickets",
        ["due_at", "number"],
        sqlite_where=sa.text("open IS 1"),
        postgresql_where=sa.text("open IS true"),
    )
    op.create_index("tickets_opened", "tickets", ["opened_at", "number"])
    op.create_index("tickets_site", "tickets", ["site", "opened_at"])
    op.create_index("tickets_device", "tickets", ["device", "opened_at"])
    op.create_index("tickets_key", "tickets", ["key", "number"])
    op.create_index("tickets_root", "tickets", ["root", "number"])
    if op.get_bind().dialect.name == "postgresql":
        _widen()


def _fill() -> None:
    """What the new columns say of old tickets. Open ones count as due, so that the first ticks bring them in line."""
    conn = op.get_bind()
    tickets = sa.table("tickets", *(sa.column(name) for name in ("id", "number", "root", "open", "opened_at")))
    tickets.append_column(sa.column("next_due"))
    tickets.append_column(sa.column("device"))
    tickets.append_column(sa.column("touched"))
    for row in conn.execute(sa.select(tickets.c.id, tickets.c.number, tickets.c.root)).all():
        values = {"device": device_of(row.root), "touched": row.number}
        conn.execute(tickets.update().where(tickets.c.id == row.id).values(values))
    conn.execute(tickets.update().where(tickets.c.open.is_(sa.true())).values(next_due=tickets.c.opened_at))


def _widen() -> None:
    inspector = sa.inspect(op.get_bind())
    for table in inspector.get_table_names():
        for column in inspector.get_columns(table):
            if isinstance(column["type"], sa.String) and column["type"].length and table != "alembic_version":
                op.alter_column(table, column["name"], type_=sa.String())
    for table, name in (*_RISING, ("outbox", "id")):
        op.alter_column(table, name, type_=sa.BigInteger())
        sequence = op.get_bind().scalar(sa.select(sa.func.pg_get_serial_sequence(table, name)))
        if sequence:
            op.get_bind().exec_driver_sql(f"ALTER SEQUENCE {sequence} AS BIGINT")
    for table in ("ledger", "policies"):
        not_append_only(table)
        append_only(table)

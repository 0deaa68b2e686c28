"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells apart."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite


def insert(table: sa.Table, dialect: str) -> sqlite.Insert:
    """An insert into `table` that has `on_conflict_do_update`, for `conn.dialect.name`; both kinds have the same methods."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # a tenth of a second that no start on SQLite need pay

        return postgresql.insert(table)  # type: ignore[return-value]
    return sqlite.insert(table)

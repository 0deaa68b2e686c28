"""What revisions have in common."""

from __future__ import annotations

from alembic import op

from desk.tables import guard


def append_only(table: str) -> None:
    """Let the database refuse to change or delete a line of `table`."""
    conn = op.get_bind()
    for verb in ("UPDATE", "DELETE"):
        for statement in guard(table, verb, conn.dialect.name):
            conn.exec_driver_sql(statement)


def not_append_only(table: str) -> None:
    """Take the guards of `table` away, to put newer ones there (PostgreSQL)."""
    for verb in ("UPDATE", "DELETE"):
        op.get_bind().exec_driver_sql(f"DROP FUNCTION {table}_no_{verb.lower()}() CASCADE")


def device_of(root: str) -> str | None:
    """The equipment that a ticket's root names: `site/device`, with `#index` for a part of it; None for a site or line."""
    device = root.partition("#")[0]
    return device if "/" in device else None

"""The desk's tables. Times are integer ms; the ledger and the policies are append-only, and the database itself sees to it.

`tickets` is the ledger's present sum, kept for queries: it can be rebuilt from the ledger and is written only with it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()
_MS = sa.BigInteger

policies = sa.Table(
    "policies",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("version", sa.String, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("first_used_at", _MS, nullable=False),
)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # T-000001
    sa.Column("number", sa.Integer, nullable=False, unique=True),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("customer", sa.String, nullable=False),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("root", sa.String, nullable=False),
    sa.Column("incident", sa.String, nullable=False),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("title_zh", sa.Text, nullable=False),
    sa.Column("policy_id", sa.String, nullable=False),
    sa.Column("policy_version", sa.String, nullable=False),
    sa.Column("level", sa.String, nullable=False),
    sa.Column("impact", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("opened_at", _MS, nullable=False),
    sa.Column("changed_at", _MS, nullable=False),
    sa.Column("closed_at", _MS),
    sa.Column("next_call_en", sa.Text),
    sa.Column("next_call_zh", sa.Text),
    sa.Column("next_due", _MS),  # when time alone will change it
    sa.Column("due_at", _MS),  # the nearest end of a promise that still runs, also one that is past
    sa.Column("kind", sa.String, nullable=False, server_default="incident"),
    sa.Column("device", sa.String),
    sa.Column("owner", sa.String),
    sa.Column("touched", sa.BigInteger, nullable=False, server_default="0"),  # rises over all tickets with each change
    sa.ForeignKeyConstraint(["policy_id", "policy_version"], ["policies.id", "policies.version"]),
)
# One open ticket per cause, whatever crashes, repeats or races.
sa.Index(
    "one_open_ticket_per_key",
    tickets.c.key,
    unique=True,
    sqlite_where=tickets.c.open.is_(True),
    postgresql_where=tickets.c.open.is_(True),
)
# A closed ticket may have a moment to come, too: a report that is still owed.
sa.Index("tickets_next_moment", tickets.c.next_due)
sa.Index("tickets_touched", tickets.c.touched)
sa.Index(
    "tickets_open_due",
    tickets.c.due_at,
    tickets.c.number,
    sqlite_where=tickets.c.open.is_(True),
    postgresql_where=tickets.c.open.is_(True),
)
sa.Index("tickets_opened", tickets.c.opened_at, tickets.c.number)
sa.Index("tickets_site", tickets.c.site, tickets.c.opened_at)
sa.Index("tickets_device", tickets.c.device, tickets.c.opened_at)
sa.Index("tickets_key", tickets.c.key, tickets.c.number)
sa.Index("tickets_root", tickets.c.root, tickets.c.number)
sa.Index("tickets_incident", tickets.c.incident)
sa.Index("tickets_customer", tickets.c.customer, tickets.c.opened_at)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("ticket", sa.String, sa.ForeignKey("tickets.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", _MS, nullable=False),
    sa.Column("recorded_at", _MS, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("text_en", sa.Text, nullable=False),
    sa.Column("text_zh", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),  # JSON
)

connectors = sa.Table(
    "connectors",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("customer", sa.String, nullable=False),  # `*` for all
    sa.Column("audience", sa.String, nullable=False),  # customer | desk
    sa.Column("active", sa.Boolean, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("key", sa.String, nullable=False, unique=True),  # TICKET:SEQ:CONNECTOR
    sa.Column("ticket", sa.String, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("connector", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", _MS, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # pending | delivered | refused
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("tried_at", _MS),
    sa.Column("error", sa.Text),
    sa.Column("external", sa.Text),
    sa.ForeignKeyConstraint(["ticket", "seq"], ["ledger.ticket", "ledger.seq"]),
)
sa.Index("outbox_pending", outbox.c.connector, outbox.c.state, outbox.c.id)


def _append_only(table: sa.Table) -> None:
    """Let the database refuse what no code of ours may do."""

    @sa.event.listens_for(table, "after_create")
    def _create(_table: sa.Table, conn: sa.Connection, **_: Any) -> None:
        for verb in ("UPDATE", "DELETE"):
            for statement in guard(table.name, verb, conn.dialect.name):
                conn.exec_driver_sql(statement)


def guard(table: str, verb: str, dialect: str) -> list[str]:
    """The statements that make `verb` on `table` an error; none on a database we do not know."""
    name = f"{table}_no_{verb.lower()}"
    if dialect == "sqlite":
        refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
        return [f"CREATE TRIGGER {name} BEFORE {verb} ON {table} BEGIN {refuse}; END"]
    if dialect == "postgresql":
        refuse = f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'"
        made = [
            f"CREATE FUNCTION {name}() RETURNS trigger AS $$ BEGIN {refuse}; END $$ LANGUAGE plpgsql",
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
        if verb == "DELETE":  # TRUNCATE fires no trigger of a row
            made.append(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {name}()")
        return made
    return []


_append_only(ledger)
_append_only(policies)

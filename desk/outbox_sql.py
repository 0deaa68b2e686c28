"""Every query of the outbox: messages that wait, went out or were refused, and whom they are for. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from desk.tables import connectors, outbox

_PUT = outbox.insert()


def set_connectors(conn: sa.Connection, wanted: Sequence[dict[str, Any]]) -> None:
    """What the collector's file says now; a connector that left the file stays known, inactive."""
    conn.execute(connectors.update().values(active=False))
    for row in wanted:
        changed = conn.execute(connectors.update().where(connectors.c.id == row["id"]).values(**row, active=True))
        if changed.rowcount == 0:
            conn.execute(connectors.insert().values(**row, active=True))


def insert(conn: sa.Connection, new: Sequence[dict[str, Any]]) -> None:
    """Queue messages, in the transaction of the entries that they announce."""
    if new:
        conn.execute(_PUT, list(new))


def heads(conn: sa.Connection, connector: str, limit: int) -> list[sa.Row[Any]]:
    """The oldest pending row of each ticket: order per ticket is kept, one stuck ticket holds up no other."""
    first = (
        sa.select(sa.func.min(outbox.c.id))
        .where(outbox.c.connector == connector, outbox.c.state == "pending")
        .group_by(outbox.c.ticket)
    )
    query = sa.select(outbox).where(outbox.c.id.in_(first)).order_by(outbox.c.id).limit(limit)
    return list(conn.execute(query))


def settle(conn: sa.Connection, id: int, state: str, now: int, error: str | None, external: str | None) -> bool:
    """Note an attempt; False when the row had been settled before."""
    done = conn.execute(
        outbox.update()
        .where(outbox.c.id == id, outbox.c.state == "pending")
        .values(state=state, attempts=outbox.c.attempts + 1, tried_at=now, error=error, external=external)
    )
    return done.rowcount == 1


def requeue(conn: sa.Connection, key: str) -> bool:
    """A person wants a refused message sent again."""
    done = conn.execute(outbox.update().where(outbox.c.key == key, outbox.c.state == "refused").values(state="pending"))
    return done.rowcount == 1


def rows(conn: sa.Connection, ticket: str | None, state: str | None) -> list[sa.Row[Any]]:
    """What went out, waits, or was refused, for people to see."""
    query = sa.select(outbox).order_by(outbox.c.id)
    if ticket is not None:
        query = query.where(outbox.c.ticket == ticket)
    if state is not None:
        query = query.where(outbox.c.state == state)
    return list(conn.execute(query))

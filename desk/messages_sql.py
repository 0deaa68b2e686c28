"""Every query about what lies outside: mirrors, what was heard, what is on its way. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from desk.messages_tables import inbound, looks, mirrors, sendings, tastes
from desk.tables import connectors, ledger, outbox

#: Databases bound the number of parameters of one statement.
_MOST_IN = 500


def set_tastes(conn: sa.Connection, wanted: Sequence[dict[str, Any]]) -> None:
    """What the collector's file says now."""
    conn.execute(tastes.delete())
    if wanted:
        conn.execute(tastes.insert(), list(wanted))


# Made once: it runs with every change of every ticket.
_RECEIVERS = (
    sa.select(connectors.c.id, connectors.c.audience, tastes.c.kinds, tastes.c.roles)
    .join(tastes, tastes.c.connector == connectors.c.id, isouter=True)
    .where(
        connectors.c.active.is_(True),
        sa.or_(connectors.c.customer == "*", connectors.c.customer == sa.bindparam("customer", type_=sa.String)),
    )
    .order_by(connectors.c.id)
)


def receivers(conn: sa.Connection, customer: str) -> list[sa.Row[Any]]:
    """The active connectors that hear of a customer's tickets, each with what it wants to hear."""
    return list(conn.execute(_RECEIVERS, {"customer": customer}))


def mirror(conn: sa.Connection, connector: str, ticket: str) -> sa.Row[Any] | None:
    """Their ticket for ours."""
    return conn.execute(
        sa.select(mirrors).where(mirrors.c.connector == connector, mirrors.c.ticket == ticket)
    ).one_or_none()


def mirrored(conn: sa.Connection, connector: str) -> list[sa.Row[Any]]:
    """All tickets that a connector keeps in step."""
    return list(conn.execute(sa.select(mirrors).where(mirrors.c.connector == connector)))


def ticket_of(conn: sa.Connection, connector: str, external: str) -> str | None:
    """Our ticket for theirs."""
    query = sa.select(mirrors.c.ticket).where(mirrors.c.connector == connector, mirrors.c.external == external)
    return conn.execute(query.order_by(mirrors.c.ticket).limit(1)).scalar_one_or_none()


def set_mirror(conn: sa.Connection, connector: str, ticket: str, external: str, pushed: str | None) -> None:
    """A delivery told their name for it; `pushed` None leaves what was known."""
    values: dict[str, Any] = {"external": external} | ({} if pushed is None else {"pushed": pushed})
    changed = conn.execute(
        mirrors.update().where(mirrors.c.connector == connector, mirrors.c.ticket == ticket).values(**values)
    )
    if changed.rowcount == 0:
        conn.execute(
            mirrors.insert().values(connector=connector, ticket=ticket, seen="", pushed=pushed, external=external)
        )


def set_seen(conn: sa.Connection, connector: str, external: str, seen: str) -> None:
    conn.execute(
        mirrors.update().where(mirrors.c.connector == connector, mirrors.c.external == external).values(seen=seen)
    )


def known(conn: sa.Connection, connector: str, id: str) -> bool:
    """Whether this was heard before."""
    query = sa.select(inbound.c.id).where(inbound.c.connector == connector, inbound.c.id == id)
    return conn.execute(query).first() is not None


def insert_inbound(conn: sa.Connection, row: dict[str, Any]) -> None:
    conn.execute(inbound.insert().values(**row))


def dropped(conn: sa.Connection, limit: int) -> list[sa.Row[Any]]:
    """What was heard and became no entry, newest first, for people to see."""
    query = sa.select(inbound).where(inbound.c.dropped.is_not(None)).order_by(inbound.c.heard_at.desc())
    return list(conn.execute(query.limit(limit)))


def cursor(conn: sa.Connection, connector: str) -> str:
    """How far a connector has looked; empty at first."""
    return conn.execute(sa.select(looks.c.cursor).where(looks.c.connector == connector)).scalar_one_or_none() or ""


def set_cursor(conn: sa.Connection, connector: str, cursor: str, now: int) -> None:
    values = {"cursor": cursor, "looked_at": now}
    if conn.execute(looks.update().where(looks.c.connector == connector).values(**values)).rowcount == 0:
        conn.execute(looks.insert().values(connector=connector, **values))


def began(conn: sa.Connection, key: str) -> int | None:
    """When the sending of a message began whose end is not known (real ms)."""
    return conn.execute(sa.select(sendings.c.began_at).where(sendings.c.key == key)).scalar_one_or_none()


def begin(conn: sa.Connection, key: str, wall: int) -> None:
    conn.execute(sendings.delete().where(sendings.c.key == key))
    conn.execute(sendings.insert().values(key=key, began_at=wall))


def end(conn: sa.Connection, key: str) -> None:
    conn.execute(sendings.delete().where(sendings.c.key == key))


def delivered_later(conn: sa.Connection, connector: str, ticket: str, seq: int) -> bool:
    """Whether a later entry of the ticket has reached them already."""
    return any(row.state == "delivered" for row in _of_ticket(conn, connector, ticket, seq))


def waits_for(conn: sa.Connection, connector: str, ticket: str) -> bool:
    """Whether anything of a ticket still waits for a connector."""
    return any(row.state == "pending" for row in _of_ticket(conn, connector, ticket))


def pending_of(conn: sa.Connection, connector: str, ticket: str) -> list[sa.Row[Any]]:
    """All that waits of a ticket, in order, for one digest."""
    return [row for row in _of_ticket(conn, connector, ticket) if row.state == "pending"]


def sent_times(conn: sa.Connection, connector: str, ticket: str, since: int) -> list[int]:
    """When messages about a ticket reached the person behind a connector, by whichever way; a digest counts once."""
    person = conn.execute(sa.select(tastes.c.person).where(tastes.c.connector == connector)).scalar_one_or_none()
    ways = [connector]
    if person:
        ways = list(conn.execute(sa.select(tastes.c.connector).where(tastes.c.person == person)).scalars())
    sent = {
        (way, row.tried_at, row.external)
        for way in ways
        for row in _of_ticket(conn, way, ticket)
        if row.state == "delivered" and row.tried_at > since
    }
    return sorted(at for _, at, _ in sent)


def _of_ticket(conn: sa.Connection, connector: str, ticket: str, after: int = 0) -> list[sa.Row[Any]]:
    """A ticket's rows for one connector, in order, by their keys: an outbox of years is never scanned."""
    last = conn.execute(sa.select(sa.func.max(ledger.c.seq)).where(ledger.c.ticket == ticket)).scalar_one() or 0
    keys = [f"{ticket}:{seq}:{connector}" for seq in range(after + 1, last + 1)]
    found: list[sa.Row[Any]] = []
    for start in range(0, len(keys), _MOST_IN):
        found += conn.execute(sa.select(outbox).where(outbox.c.key.in_(keys[start : start + _MOST_IN])))
    return sorted(found, key=lambda row: row.id)


def waiting(conn: sa.Connection) -> list[sa.Row[Any]]:
    """How many messages wait for each connector, and since when; and how many were refused."""
    query = sa.select(
        outbox.c.connector,
        outbox.c.state,
        sa.func.count().label("count"),
        sa.func.min(outbox.c.created_at).label("oldest"),
    ).where(outbox.c.connector.in_(sa.select(connectors.c.id)), outbox.c.state.in_(("pending", "refused")))
    return list(conn.execute(query.group_by(outbox.c.connector, outbox.c.state)))


def last_error(conn: sa.Connection, connector: str) -> str | None:
    """Why the oldest waiting message of a connector has not gone yet."""
    query = sa.select(outbox.c.error).where(
        outbox.c.connector == connector, outbox.c.state == "pending", outbox.c.error.is_not(None)
    )
    return conn.execute(query.order_by(outbox.c.id).limit(1)).scalar_one_or_none()

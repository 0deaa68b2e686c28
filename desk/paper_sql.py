"""The queries of reports over many tickets: which there were, and what was diagnosed, without reading every ledger."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from desk.tables import ledger, tickets
from desk.types import EntryKind, TicketState

_EPISODES = (EntryKind.OPENED, EntryKind.RELAPSED, EntryKind.REOPENED, EntryKind.DIAGNOSED)


class Told(NamedTuple):
    """One entry that begins an episode or names its failure mode; `about` is the ticket's device or root."""

    ticket: str
    about: str
    at: int
    kind: EntryKind
    data: dict[str, str | int | float | None]


def worked_on(
    conn: sa.Connection,
    start: int,
    end: int,
    *,
    customer: str | None = None,
    site: str | None = None,
    policy: str | None = None,
) -> list[str]:
    """Tickets that were open at any time in [start, end), oldest first; those merged into others are left out."""
    t = tickets.c
    query = sa.select(t.id).where(t.opened_at < end, sa.or_(t.closed_at.is_(None), t.closed_at >= start))
    for column, wanted in ((t.customer, customer), (t.site, site), (t.policy_id, policy)):
        if wanted is not None:
            query = query.where(column == wanted)
    query = query.where(t.state != TicketState.MERGED.value)
    return list(conn.execute(query.order_by(t.opened_at, t.number)).scalars())


def episodes(conn: sa.Connection, end: int) -> list[Told]:
    """Openings, returns and diagnoses before `end` of all tickets that were ever diagnosed, as they happened in each."""
    diagnosed = sa.select(ledger.c.ticket).where(ledger.c.kind == EntryKind.DIAGNOSED.value)
    query = (
        sa.select(ledger.c.ticket, tickets.c.device, tickets.c.root, ledger.c.at, ledger.c.kind, ledger.c.data)
        .join(tickets, tickets.c.id == ledger.c.ticket)
        .where(ledger.c.ticket.in_(diagnosed), ledger.c.kind.in_([k.value for k in _EPISODES]), ledger.c.at < end)
        .where(tickets.c.state != TicketState.MERGED.value)
        .order_by(tickets.c.number, ledger.c.at, ledger.c.seq)
    )
    return [
        Told(
            ticket=row.ticket,
            about=row.device or row.root.partition("#")[0],
            at=row.at,
            kind=EntryKind(row.kind),
            data=msgspec.json.decode(row.data),
        )
        for row in conn.execute(query)
    ]

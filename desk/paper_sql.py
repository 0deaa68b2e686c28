"""The queries of reports over many tickets: which there were, and what was diagnosed, without reading every ledger."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from desk.paper_tables import faq
from desk.tables import ledger, tickets
from desk.types import EntryKind, TicketKind, TicketState

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


#: A look for what can be learned goes back so far, a resolved ticket rests so long, and one turn takes so many.
_LEARN_BACK_MS, _REST_MS, _LEARN_MOST = 35 * 86_400_000, 3_600_000, 50


def unlearned(conn: sa.Connection, now: int) -> list[str]:
    """Tickets with a named failure mode of which no FAQ entry was made, oldest first: those that are closed, or were
    resolved an hour ago (a part that is written down late still belongs to it)."""
    t, mine = tickets.c, ledger.c.ticket == tickets.c.id
    named = sa.exists().where(
        mine, ledger.c.kind == EntryKind.DIAGNOSED.value, ledger.c.data.contains('"failure_mode"')
    )
    solved = sa.exists().where(mine, ledger.c.kind == EntryKind.RESOLVED.value, ledger.c.recorded_at <= now - _REST_MS)
    over = sa.or_(t.state == TicketState.CLOSED.value, solved)
    query = sa.select(t.id).where(
        t.changed_at >= now - _LEARN_BACK_MS, t.state != TicketState.MERGED.value, over, named
    )
    query = query.where(~sa.exists().where(faq.c.ticket == t.id))
    return list(conn.execute(query.order_by(t.opened_at, t.number).limit(_LEARN_MOST)).scalars())


def judged(conn: sa.Connection) -> list[str]:
    """Closed tickets in which somebody named a failure mode or wrote that there was no fault, oldest first."""
    said = ledger.c.data
    word = sa.exists().where(
        ledger.c.ticket == tickets.c.id, sa.or_(said.contains('"failure_mode"'), said.contains('"no_fault"'))
    )
    query = sa.select(tickets.c.id).where(tickets.c.state == TicketState.CLOSED.value, word)
    return list(conn.execute(query.order_by(tickets.c.opened_at, tickets.c.number)).scalars())


def without_evidence(conn: sa.Connection, part: str, since: int, until: int, most: int) -> list[tuple[str, int]]:
    """Tickets that telemetry opened, and when they opened (`opening`) or were restored (`restored`) in [since, until],
    of which the document of that moment is not kept, oldest first."""
    t, said, d = tickets.c, ledger.c, ledger.alias("kept")
    kind = EntryKind.OPENED if part == "opening" else EntryKind.RESTORED
    kept = sa.exists().where(
        d.c.ticket == said.ticket,
        d.c.kind == EntryKind.DOCUMENT.value,
        d.c.data.contains(f'"evidence":"{part}"'),
        d.c.recorded_at >= said.at,
    )
    query = (
        sa.select(t.id, sa.func.max(said.at).label("at"))
        .join(ledger, said.ticket == t.id)
        .where(t.changed_at >= since, t.kind == TicketKind.INCIDENT.value, t.state != TicketState.MERGED.value)
        .where(said.kind == kind.value, said.at >= since, said.at <= until, ~kept)
        .group_by(t.id, t.number)
        .order_by(t.number)
        .limit(most)
    )
    return [(row.id, row.at) for row in conn.execute(query)]

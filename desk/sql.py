"""Every query about tickets and their ledgers, each with why it exists. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from alerts.types import CauseKey, Impact
from desk.tables import ledger, policies, tickets
from desk.types import Draft, Entry, EntryKind, Ticket, TicketKind, TicketState
from model.text import Text

#: Databases bound the number of parameters of one statement.
_MOST_IN = 500
_ENDED = (TicketState.CLOSED, TicketState.MERGED)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list by next due; a page goes on after its last line."""

    ticket: Ticket
    due_at: int | None  #: the nearest end of a promise that still runs, ms; past, where it is broken
    number: int


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The tickets that an incident may belong to."""

    of_incident: Ticket | None = None  #: open; its key may have changed when it took another cause over
    of_cause: Ticket | None = None  #: open, with the incident's key
    ended_of_incident: Ticket | None = None  #: the newest: a person may have closed it while the incident goes on
    ended_of_cause: Ticket | None = None  #: the newest: it may be opened anew


# Made once: building a statement costs more than running it, and these run with every incident, act and tick.
_P, _T, _L, _I = policies.c, tickets.c, ledger.c, tickets.alias("inner_tickets").c
_ONE: sa.BindParameter[str] = sa.bindparam("one")
_BODY = sa.select(_P.body).where(_P.id == sa.bindparam("id"), _P.version == sa.bindparam("version"))
_OPEN = sa.select(tickets).where(_T.key == _ONE, _T.open.is_(True)).limit(1)
_OPEN_OF = sa.select(tickets).where(_T.incident == _ONE, _T.open.is_(True)).order_by(_T.opened_at, _T.number).limit(1)


def _number_of(*where: sa.ColumnElement[bool], first: Sequence[sa.UnaryExpression[Any] | sa.Column[Any]]) -> Any:
    return sa.select(_I.number).where(*where).order_by(*first).limit(1).scalar_subquery()


# Several questions in one statement, each along its own index: the way to the database costs more than the answer.
_INCIDENT: sa.BindParameter[str] = sa.bindparam("incident")
_HELD = (
    sa.select(tickets)
    .where(
        _T.number.in_(
            (
                _number_of(_I.incident == _INCIDENT, _I.open.is_(True), first=(_I.opened_at, _I.number)),
                _number_of(_I.key == _ONE, _I.open.is_(True), first=(_I.number,)),
                _number_of(_I.incident == _INCIDENT, _I.open.is_(False), first=(_I.number.desc(),)),
                _number_of(_I.key == _ONE, _I.open.is_(False), first=(_I.number.desc(),)),
            )
        )
    )
    .order_by(_T.opened_at, _T.number)
)
_BESIDE = sa.select(_I.number).where(_I.site == sa.bindparam("site"), _I.open.is_(True))
_PAST = sa.select(_I.number).where(_I.root == sa.bindparam("root"), _I.state == TicketState.CLOSED.value)
_AROUND = (
    sa.select(tickets)
    .where(
        sa.or_(
            _T.number.in_(_BESIDE.order_by(_I.opened_at.desc()).limit(sa.bindparam("beside"))),
            _T.number.in_(_PAST.order_by(_I.number.desc()).limit(sa.bindparam("past"))),
        )
    )
    .order_by(_T.number.desc())
)
_TICKET = sa.select(tickets).where(_T.id == _ONE)
_ENTRIES = sa.select(ledger).where(_L.ticket == _ONE).order_by(_L.seq)
_PINNED = sa.exists().where(_P.id == sa.bindparam("id"), _P.version == sa.bindparam("version"))
_NEXT = sa.select(sa.func.coalesce(sa.func.max(_T.number), 0) + 1, _PINNED)
_LAST_TOUCHED = sa.select(sa.func.coalesce(sa.func.max(_T.touched), 0))
#: The next of a row of numbers that all changes of all tickets share; writers come one at a time.
_TOUCH = (_LAST_TOUCHED.with_only_columns(sa.func.coalesce(sa.func.max(_T.touched), 0) + 1)).scalar_subquery()
_NEW: dict[str, Any] = {c.name: sa.bindparam(f"new_{c.name}") for c in tickets.c if c.name != "touched"} | {
    "touched": _TOUCH
}
#: One statement of its own kind on each database: a savepoint around an insert that may collide costs three.
_INSERT = {
    "sqlite": sqlite.insert(tickets).values(_NEW).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(tickets).values(_NEW).on_conflict_do_nothing(),
}
_UPDATE = (
    tickets.update()
    .where(_T.id == _ONE)
    .values(touched=_TOUCH)
    .values({c.name: sa.bindparam(f"new_{c.name}") for c in tickets.c if c.name not in ("id", "number", "touched")})
)
_PUT_ENTRIES = ledger.insert()


def pin_policy(conn: sa.Connection, id: str, version: str, body: str, now: int) -> None:
    """Keep a policy's text at its first use, so that a later change of the file touches no old ticket."""
    conn.execute(policies.insert().values(id=id, version=version, body=body, first_used_at=now))


def policy_body(conn: sa.Connection, pin: str) -> str | None:
    """The text that a ticket was opened under."""
    id, _, version = pin.partition("@")
    return conn.execute(_BODY, {"id": id, "version": version}).scalar_one_or_none()


def open_ticket(conn: sa.Connection, key: CauseKey) -> Ticket | None:
    """The one open ticket of a cause."""
    return _first(conn, _OPEN, str(key))


def open_ticket_of(conn: sa.Connection, incident: str) -> Ticket | None:
    """The open ticket behind which an incident stands (its key may have changed when it took another over)."""
    return _first(conn, _OPEN_OF, incident)


def held(conn: sa.Connection, incident: str, key: CauseKey) -> Held:
    """The tickets that an incident may belong to."""
    rows = conn.execute(_HELD, {"incident": incident, "one": str(key)})
    found = [(row.number, _ticket(row)) for row in rows]
    if not found:
        return Held()
    opened = [ticket for _, ticket in found if ticket.state not in _ENDED]
    ended = [ticket for _, ticket in sorted(found, key=lambda f: -f[0]) if ticket.state in _ENDED]
    return Held(
        of_incident=next((t for t in opened if t.incident == incident), None),
        of_cause=next((t for t in opened if t.key == key), None),
        ended_of_incident=next((t for t in ended if t.incident == incident), None),
        ended_of_cause=next((t for t in ended if t.key == key), None),
    )


def ticket(conn: sa.Connection, id: str) -> Ticket | None:
    return _first(conn, _TICKET, id)


def around(conn: sa.Connection, site: str, root: str, beside: int, past: int) -> tuple[list[Ticket], list[Ticket]]:
    """The newest open tickets of a site, from which a new one is told apart; the newest closed ones of its root."""
    found = conn.execute(_AROUND, {"site": site, "root": root, "beside": beside, "past": past})
    tickets = [_ticket(row) for row in found]
    opened = sorted((t for t in tickets if t.state not in _ENDED), key=lambda t: -t.opened_at)
    return opened, [t for t in tickets if t.state in _ENDED]


def ticket_list(
    conn: sa.Connection, open_only: bool, limit: int | None, before: tuple[int, int] | None, **whose: str | None
) -> list[Ticket]:
    """Newest first; `before` (opened_at, number) is the last line of the page before; `whose` as in `by_due`."""
    query = _whose(sa.select(tickets), whose).order_by(tickets.c.opened_at.desc(), tickets.c.number.desc())
    if open_only:
        query = query.where(tickets.c.open.is_(True))
    if before is not None:
        query = query.where(sa.tuple_(tickets.c.opened_at, tickets.c.number) < sa.tuple_(*before))
    return [_ticket(row) for row in conn.execute(query.limit(limit))]


def by_due(conn: sa.Connection, limit: int, after: Due | None, **whose: str | None) -> list[Due]:
    """Open tickets, what is due first on top, those without a promised end last; `whose` are columns with one value."""
    # In two steps, each along the index of open tickets: sorting ten thousand rows for a page of a hundred takes too long.
    due, number = tickets.c.due_at, tickets.c.number
    query = _whose(sa.select(tickets).where(tickets.c.open.is_(True)), whose)
    promised = query.where(due.is_not(None)).order_by(due, number)
    free = query.where(due.is_(None)).order_by(number)
    if after is not None and after.due_at is not None:
        promised = promised.where(
            sa.tuple_(due, number) > sa.tuple_(sa.literal(after.due_at), sa.literal(after.number))
        )
    elif after is not None:
        free = free.where(number > after.number)
    rows = [] if after is not None and after.due_at is None else list(conn.execute(promised.limit(limit)))
    if len(rows) < limit:
        rows += conn.execute(free.limit(limit - len(rows)))
    return [Due(ticket=_ticket(row), due_at=row.due_at, number=row.number) for row in rows]


def due_tickets(conn: sa.Connection, now: int, most: int) -> list[str]:
    """The tickets that time alone has changed, the longest due first: only these are computed at a tick."""
    query = sa.select(tickets.c.id).where(tickets.c.next_due <= now)
    return list(conn.scalars(query.order_by(tickets.c.next_due, tickets.c.number).limit(most)))


def count_due(conn: sa.Connection, now: int) -> int:
    """How many tickets time alone has changed."""
    return int(conn.scalar(sa.select(sa.func.count()).where(tickets.c.next_due <= now)) or 0)


def news(conn: sa.Connection, after: int) -> list[sa.Row[Any]]:
    """(id, site, touched) of the tickets that changed since `touched` was `after`, whoever changed them."""
    columns = (tickets.c.id, tickets.c.site, tickets.c.touched)
    return list(conn.execute(sa.select(*columns).where(tickets.c.touched > after).order_by(tickets.c.touched)))


def last_touched(conn: sa.Connection) -> int:
    return int(conn.execute(_LAST_TOUCHED).scalar_one())


def next_number(conn: sa.Connection, id: str, version: str) -> tuple[int, bool]:
    """The next of rising numbers, and whether the policy is kept; of two writers with one number the second collides."""
    number, pinned = conn.execute(_NEXT, {"id": id, "version": version}).one()
    return int(number), bool(pinned)


def insert_ticket(
    conn: sa.Connection, number: int, ticket: Ticket, next_due: int | None, due_at: int | None = None
) -> bool:
    """False, and nothing written, when the number is taken or the cause has an open ticket."""
    values = {"new_id": ticket.id, "new_number": number, **_columns(ticket, next_due, due_at)}
    return conn.execute(_INSERT[conn.dialect.name], values, execution_options={"preserve_rowcount": True}).rowcount == 1


def update_ticket(conn: sa.Connection, ticket: Ticket, next_due: int | None, due_at: int | None = None) -> None:
    """Bring the row in line with its ledger."""
    conn.execute(_UPDATE, {"one": ticket.id, **_columns(ticket, next_due, due_at)})


def _whose(query: sa.Select[Any], whose: dict[str, str | None]) -> sa.Select[Any]:
    return query.where(*(tickets.c[name] == value for name, value in whose.items() if value is not None))


def entries(conn: sa.Connection, ticket: str) -> list[Entry]:
    """A ticket's ledger in the order of recording."""
    return [_entry(row) for row in conn.execute(_ENTRIES, {"one": ticket})]


def entries_of(conn: sa.Connection, tickets: Sequence[str]) -> dict[str, list[Entry]]:
    """The ledgers of several tickets, read together: a page of tickets must not cost a query for each."""
    found: dict[str, list[Entry]] = {ticket: [] for ticket in tickets}
    for start in range(0, len(tickets), _MOST_IN):
        some = tickets[start : start + _MOST_IN]
        query = sa.select(ledger).where(ledger.c.ticket.in_(some)).order_by(ledger.c.ticket, ledger.c.seq)
        for row in conn.execute(query):
            found[row.ticket].append(_entry(row))
    return found


def insert_entries(conn: sa.Connection, new: Sequence[Entry]) -> None:
    rows = [
        {
            "ticket": e.ticket,
            "seq": e.seq,
            "at": e.at,
            "recorded_at": e.recorded_at,
            "who": e.who,
            "kind": e.kind.value,
            "text_en": e.text.en,
            "text_zh": e.text.zh,
            "data": msgspec.json.encode(e.data).decode(),
        }
        for e in new
    ]
    if rows:
        conn.execute(_PUT_ENTRIES, rows)


def numbered(ticket: str, after: int, drafts: Iterable[Draft], now: int) -> list[Entry]:
    """Drafts as entries that follow entry `after`."""
    return [
        Entry(
            ticket=ticket,
            seq=seq,
            at=d.at,
            recorded_at=max(now, d.at),
            who=d.who,
            kind=d.kind,
            text=d.text,
            data=d.data,
        )
        for seq, d in enumerate(drafts, start=after + 1)
    ]


def _columns(ticket: Ticket, next_due: int | None, due_at: int | None) -> dict[str, Any]:
    policy_id, _, version = ticket.policy.partition("@")
    call = ticket.next_call
    return {
        "new_key": str(ticket.key),
        "new_customer": ticket.key.customer,
        "new_cause": ticket.key.cause,
        "new_root": ticket.key.root,
        "new_incident": ticket.incident,
        "new_site": ticket.site,
        "new_title_en": ticket.title.en,
        "new_title_zh": ticket.title.zh,
        "new_policy_id": policy_id,
        "new_policy_version": version,
        "new_level": ticket.level,
        "new_impact": ticket.impact.value,
        "new_state": ticket.state.value,
        "new_open": ticket.state not in _ENDED,
        "new_opened_at": ticket.opened_at,
        "new_changed_at": ticket.changed_at,
        "new_closed_at": ticket.closed_at,
        "new_next_call_en": call.en if call else None,
        "new_next_call_zh": call.zh if call else None,
        "new_next_due": next_due,
        "new_due_at": due_at,
        "new_kind": ticket.kind.value,
        "new_device": ticket.device,
        "new_owner": ticket.owner,
    }


def _first(conn: sa.Connection, query: sa.Select[Any], one: str) -> Ticket | None:
    row = conn.execute(query, {"one": one}).first()
    return None if row is None else _ticket(row)


def _ticket(row: sa.Row[Any]) -> Ticket:
    return Ticket(
        id=row.id,
        key=CauseKey(row.customer, row.cause, row.root),
        incident=row.incident,
        customer=row.customer,
        site=row.site,
        title=Text(row.title_en, row.title_zh),
        policy=f"{row.policy_id}@{row.policy_version}",
        level=row.level,
        impact=Impact(row.impact),
        state=TicketState(row.state),
        kind=TicketKind(row.kind),
        device=row.device,
        owner=row.owner,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        closed_at=row.closed_at,
        next_call=Text(row.next_call_en, row.next_call_zh) if row.next_call_en else None,
    )


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(
        ticket=row.ticket,
        seq=row.seq,
        at=row.at,
        recorded_at=row.recorded_at,
        who=row.who,
        kind=EntryKind(row.kind),
        text=Text(row.text_en, row.text_zh),
        data=msgspec.json.decode(row.data),
    )

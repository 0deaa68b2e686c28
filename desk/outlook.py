"""Open tickets held against the people and parts that there are: a promise that cannot be kept is said before it breaks.

The one place where the field's book and a ticket's clocks meet for desk.feasibility, which decides. In the caller's
transaction; once for each promise, whatever restarts or repeats. Nobody on the roster: nothing is said about ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa
import structlog

import desk.store as desk
from desk import engineers, feasibility, field_sql, roster, sql, storeroom, visits
from desk.clocks import clocks
from desk.engineers import Engineer
from desk.feasibility import Known, Reach
from desk.lines import by_id
from desk.policy import Policy
from desk.types import Entry, Ticket, TicketState

#: So many tickets are looked at in one turn, what is due first on top: the others have time.
MOST = 100
log = structlog.get_logger()


class House(msgspec.Struct, frozen=True, kw_only=True):
    """Who is there, what ways are known, who is on a visit until when: read once for all tickets of a turn."""

    roster: Sequence[Engineer]
    ways: Mapping[tuple[str, str], float]
    busy: Mapping[str, int | None]
    reach: dict[tuple[str, str, str], tuple[Reach, ...]] = {}  #: by (policy, level, site): the same for many tickets


def look(conn: sa.Connection, now: int, most: int = MOST) -> list[str]:
    """Warn where it is certain; the ids of the tickets that were warned of."""
    tickets = [due.ticket for due in _ahead(conn, now, most) if due.ticket.state is not TicketState.RESTORED]
    if not tickets:
        return []
    house, ledgers = of_house(conn), sql.entries_of(conn, [ticket.id for ticket in tickets])
    changed = []
    for ticket in tickets:
        try:
            with conn.begin_nested():
                if _look_at(conn, house, ticket, ledgers[ticket.id], now):
                    changed.append(ticket.id)
        except sa.exc.DBAPIError:
            raise
        except Exception:  # supervisor: one ticket that cannot be judged hides no warning of another
            log.exception("a ticket's outlook cannot be judged", ticket=ticket.id)
    return changed


def of_house(conn: sa.Connection) -> House:
    """What the field's book says now."""
    under_way = [visits.fold(lines) for lines in by_id(field_sql.lines(conn, "visit")).values()]
    return House(roster=roster.everybody(conn), ways=roster.ways(conn), busy=visits.busy(under_way))


def known(conn: sa.Connection, house: House, policy: Policy, ticket: Ticket, now: int) -> Known:
    """What roster and storeroom know of this ticket."""
    about = (policy.pin, ticket.level, ticket.site)
    if about not in house.reach:
        house.reach[about] = _reach(house, policy, ticket, now)
    reach = house.reach[about]
    lent = any(part.machine for part in storeroom.listed(conn, ticket=ticket.id, open_only=True))
    return Known(reach=reach or None, part_at=storeroom.expected_at(conn, ticket.id), spare_machine=lent)


def _reach(house: House, policy: Policy, ticket: Ticket, now: int) -> tuple[Reach, ...]:
    found = engineers.suitable(house.roster, policy, ticket.level, ticket.site, now, travel=house.ways, busy=house.busy)
    return tuple(
        Reach(engineer=c.engineer.name, fits=c.fits, leaves_at=c.ready_at, arrives_at=c.arrives_at) for c in found
    )


def _ahead(conn: sa.Connection, now: int, most: int) -> list[desk.Due]:
    """What is due from now on, the nearest first: what is broken already needs no warning."""
    head = desk.by_due(conn, limit=1)
    if not head or head[0].due_at is None or head[0].due_at >= now:
        found = desk.by_due(conn, limit=most)
    else:
        found = desk.by_due(conn, limit=most, after=msgspec.structs.replace(head[0], due_at=now - 1, number=0))
    return [due for due in found if due.due_at is not None]


def _look_at(conn: sa.Connection, house: House, ticket: Ticket, ledger: list[Entry], now: int) -> bool:
    policy = desk.policy(conn, ticket)
    told = known(conn, house, policy, ticket, now)
    drafts = feasibility.warnings(policy, ticket, ledger, clocks(policy, ledger, now), told, now)
    if drafts:
        desk.append(conn, ticket.id, drafts, now)
    return bool(drafts)

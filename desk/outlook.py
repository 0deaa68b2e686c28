"""Open tickets held against the people and parts that there are: a promise that cannot be kept is said before it breaks.

The one place where the field's book and a ticket's clocks meet for desk.feasibility, which decides. In the caller's
transaction; once for each promise, whatever restarts or repeats. Nobody on the roster: nothing is said about ways.
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
import structlog

import desk.store as desk
from desk import feasibility, roster, storeroom
from desk.feasibility import Known, Reach
from desk.types import Ticket, TicketState

#: So many tickets are looked at in one turn, what is due first on top: the others have time.
MOST = 200
log = structlog.get_logger()


def look(conn: sa.Connection, now: int, most: int = MOST) -> list[str]:
    """Warn where it is certain; the ids of the tickets that were warned of."""
    changed = []
    for due in _ahead(conn, now, most):
        if due.due_at is None or due.ticket.state is TicketState.RESTORED:
            continue
        try:
            with conn.begin_nested():
                if look_at(conn, due.ticket, now):
                    changed.append(due.ticket.id)
        except sa.exc.DBAPIError:
            raise
        except Exception:  # supervisor: one ticket that cannot be judged hides no warning of another
            log.exception("a ticket's outlook cannot be judged", ticket=due.ticket.id)
    return changed


def _ahead(conn: sa.Connection, now: int, most: int) -> list[desk.Due]:
    """What is due from now on, the nearest first: what is broken already needs no warning."""
    head = desk.by_due(conn, limit=1)
    if not head or head[0].due_at is None or head[0].due_at >= now:
        return desk.by_due(conn, limit=most)
    return desk.by_due(conn, limit=most, after=msgspec.structs.replace(head[0], due_at=now - 1, number=0))


def look_at(conn: sa.Connection, ticket: Ticket, now: int) -> int:
    """How many warnings one ticket needed."""
    policy, ledger = desk.policy(conn, ticket), desk.ledger(conn, ticket.id)
    clocks = desk.clocks(conn, ticket.id, now)
    drafts = feasibility.warnings(policy, ticket, ledger, clocks, known(conn, ticket, now), now)
    if drafts:
        desk.append(conn, ticket.id, drafts, now)
    return len(drafts)


def known(conn: sa.Connection, ticket: Ticket, now: int) -> Known:
    """What roster and storeroom know of this ticket."""
    found = roster.candidates(conn, ticket.id, now)
    reach = tuple(
        Reach(engineer=c.engineer.name, fits=c.fits, leaves_at=c.ready_at, arrives_at=c.arrives_at) for c in found
    )
    lent = any(part.machine for part in storeroom.listed(conn, ticket=ticket.id, open_only=True))
    return Known(
        reach=reach or None,
        part_at=storeroom.expected_at(conn, ticket.id),
        spare_machine=lent,
    )

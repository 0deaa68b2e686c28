"""What the desk holds, read: tickets, ledgers, clocks, the policies that they were opened under. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa

from desk import sql
from desk.clocks import clocks as compute
from desk.explain import Explained
from desk.explain import explain as _explain
from desk.policy import Policy
from desk.policy_file import parse
from desk.sql import Due
from desk.types import Clock, Entry, EntryKind, Ticket, WarrantyVerdict


class UnknownTicket(LookupError):
    """No ticket has this id."""


def tickets(
    conn: sa.Connection,
    customer: str | None = None,
    open_only: bool = False,
    *,
    site: str | None = None,
    device: str | None = None,
    limit: int | None = None,
    before: Ticket | None = None,
) -> list[Ticket]:
    """Newest first; `customer`, `site`, `device` limit them to one. `before`: the last of the page before."""
    from_here = None if before is None else (before.opened_at, int(before.id.removeprefix("T-")))
    return sql.ticket_list(conn, open_only, limit, from_here, customer=customer, site=site, device=device)


def by_due(
    conn: sa.Connection,
    *,
    customer: str | None = None,
    site: str | None = None,
    device: str | None = None,
    owner: str | None = None,
    limit: int = 100,
    after: Due | None = None,
) -> list[Due]:
    """Open tickets by the nearest end of a promise, a page at a time: what is broken first, what has no end last."""
    return sql.by_due(conn, limit, after, customer=customer, site=site, device=device, owner=owner)


def ticket(conn: sa.Connection, id: str) -> Ticket:
    """Raises UnknownTicket."""
    found = sql.ticket(conn, id)
    if found is None:
        raise UnknownTicket(id)
    return found


def ledger(conn: sa.Connection, id: str) -> list[Entry]:
    """In the order of recording. Raises UnknownTicket."""
    return sql.entries(conn, ticket(conn, id).id)


def clocks(conn: sa.Connection, id: str, now: int) -> list[Clock]:
    """The ticket's clocks under the policy it was opened under. Raises UnknownTicket."""
    return compute(policy(conn, ticket(conn, id)), sql.entries(conn, id), now)


def clocks_of(conn: sa.Connection, held: Sequence[Ticket], now: int) -> dict[str, list[Clock]]:
    """The clocks of several tickets by id, as `clocks` would give them one by one."""
    ledgers = sql.entries_of(conn, [ticket.id for ticket in held])
    policies = {pin: policy(conn, ticket) for pin, ticket in {ticket.policy: ticket for ticket in held}.items()}
    return {ticket.id: compute(policies[ticket.policy], ledgers[ticket.id], now) for ticket in held}


def explain(conn: sa.Connection, id: str, now: int) -> Explained:
    """Every clock with its intervals, so that the sums can be checked by hand (show.explain_lines prints it)."""
    held = ticket(conn, id)
    return _explain(policy(conn, held), held, sql.entries(conn, id), now)


def warranty(conn: sa.Connection, id: str) -> list[WarrantyVerdict]:
    """The verdicts given at opening. Raises UnknownTicket."""
    return [
        WarrantyVerdict(
            item=str(e.data["item"]),
            verdict=str(e.data["verdict"]),
            until=None if e.data.get("until") is None else str(e.data["until"]),
            source=str(e.data["source"]),
            text=e.text,
        )
        for e in ledger(conn, id)
        if e.kind is EntryKind.WARRANTY
    ]


def policy(conn: sa.Connection, of: Ticket) -> Policy:
    """The policy as it was when the ticket was opened, from the kept text."""
    body = sql.policy_body(conn, of.policy)
    if body is None:
        raise LookupError(f"{of.id}: the text of policy {of.policy} is not kept; a foreign key should have seen to it")
    return _parsed(body)


@lru_cache(maxsize=64)
def _parsed(body: str) -> Policy:
    found, problems = parse(body, "kept policy")
    if found is None:  # it had no errors when it was pinned: a later version of the reader became stricter
        raise LookupError("; ".join(p.render("en") for p in problems))
    return found

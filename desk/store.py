"""The desk on a database: incidents, people and time in; tickets, ledger and outbox rows out, in the caller's transaction.

Every write goes the same way: decide (pure) → append to the ledger → fold the ledger into the row → what falls due by
now → queue for the world outside. Nothing is committed here: the caller's transaction is the unit, so a crash leaves
all of it or nothing. A repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from alerts.types import Incident
from desk import consent, ladder, sql, words
from desk import ticket as rules
from desk.acts import ActRefused, Data, act_draft, repeated
from desk.announce import announce
from desk.clocks import clocks as compute
from desk.explain import Explained
from desk.explain import explain as _explain
from desk.policies import load
from desk.policy import Policy
from desk.policy_file import parse
from desk.tables import metadata
from desk.types import Clock, Draft, Entry, EntryKind, Ticket, TicketState, WarrantyVerdict
from model.inventory import Inventory
from model.text import Text

__all__ = [
    "ActRefused",
    "UnknownTicket",
    "act",
    "append",
    "apply",
    "clocks",
    "explain",
    "ledger",
    "metadata",
    "policy",
    "tick",
    "ticket",
    "tickets",
    "warranty",
]


class UnknownTicket(LookupError):
    """No ticket has this id."""


def apply(conn: sa.Connection, incidents: Sequence[Incident], inventory: Inventory, now: int) -> list[str]:
    """Let new or changed incidents act on the tickets; the ids of those that changed, in order."""
    changed: dict[str, None] = {}
    in_order = sorted(incidents, key=lambda i: (i.opened_at, i.id))
    for incident in in_order:
        if incident.merged_into is not None:
            changed.update(dict.fromkeys(_absorb(conn, incident, in_order, inventory, now)))
    for incident in in_order:
        if incident.merged_into is None:
            changed.update(dict.fromkeys(_take(conn, incident, inventory, now)))
    return list(changed)


def tick(conn: sa.Connection, inventory: Inventory, now: int) -> list[str]:  # noqa: ARG001  the ledger holds the facts
    """What time alone brings: warnings, breaks, the ladder. The ids of the tickets that changed."""
    return [due.id for due in sql.due_tickets(conn, now) if _settle(conn, due.id, [], now)]


def act(
    conn: sa.Connection,
    id: str,
    kind: EntryKind,
    who: str,
    text: str | Text,
    at: int,
    now: int,
    data: Data | None = None,
) -> Entry:
    """A person's act; told twice it is one entry. Raises UnknownTicket, ActRefused.

    `data` carries what the kind needs: `level` for a re-grade. Free text stands in the language it was written in.
    """
    held = ticket(conn, id)
    words_said = text if isinstance(text, Text) else Text(text, text)
    draft = act_draft(policy(conn, held), held, kind, who, words_said, at, now, data)
    said = repeated(sql.entries(conn, id), draft)
    return said or _settle(conn, id, [draft], now)[0]


def append(conn: sa.Connection, id: str, drafts: Sequence[Draft], now: int) -> list[Entry]:
    """Add to a ticket's ledger, with everything that follows from it. Raises UnknownTicket."""
    ticket(conn, id)
    return _settle(conn, id, drafts, now)


def tickets(conn: sa.Connection, customer: str | None = None, open_only: bool = False) -> list[Ticket]:
    """Newest first; `customer` limits them to one."""
    return sql.ticket_list(conn, customer, open_only)


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


def _take(conn: sa.Connection, incident: Incident, inventory: Inventory, now: int) -> list[str]:
    """One incident that was not merged away: into its open ticket, or a new one."""
    held = sql.open_ticket_of(conn, incident.id) or sql.open_ticket(conn, incident.key) or _heir(conn, incident)
    if held is None:
        return _open(conn, incident, inventory, now)
    drafts = rules.decide(held, sql.entries(conn, held.id), incident, inventory, policy(conn, held), now)
    return [held.id] if drafts and _settle(conn, held.id, drafts, now) else []


def _open(conn: sa.Connection, incident: Incident, inventory: Inventory, now: int) -> list[str]:
    if not rules.wants(incident) or _dismissed(conn, incident):
        return []
    chosen, notes = _policy_for(incident, inventory, now)
    drafts = [*rules.decide(None, [], incident, inventory, chosen, now), *notes]
    sql.pin_policy(conn, chosen.id, chosen.version, chosen.body, now)
    for _ in range(5):  # another writer may take the number, or open the same cause, between our look and our insert
        number = sql.next_number(conn)
        id = f"T-{number:06d}"
        entries = sql.numbered(id, 0, drafts, now)
        try:
            with conn.begin_nested():
                sql.insert_ticket(conn, number, rules.fold(entries), None)
        except sa.exc.IntegrityError:
            if sql.open_ticket(conn, incident.key) is not None:
                return _take(conn, incident, inventory, now)
            continue
        _settle(conn, id, drafts, now)
        return [id]
    raise RuntimeError(f"no free ticket number for {incident.key} after five tries")


def _dismissed(conn: sa.Connection, incident: Incident) -> bool:
    """Whether a person closed this very incident's ticket; if it has grown worse since, that no longer holds."""
    ended = sql.ended_ticket_of(conn, incident.id)
    if ended is None:
        return False
    return incident.worst.rank >= rules.last_seen(sql.entries(conn, ended.id)).worst.rank


def _heir(conn: sa.Connection, incident: Incident) -> Ticket | None:
    """The open ticket into which this incident's own ticket was merged."""
    held = sql.ended_ticket_of(conn, incident.id)
    while held is not None and held.state is TicketState.MERGED:
        into = next(e.data["into"] for e in sql.entries(conn, held.id) if e.kind is EntryKind.MERGED)
        held = sql.ticket(conn, str(into))
    return held if held is not None and held.state not in rules.ENDED else None


def _policy_for(incident: Incident, inventory: Inventory, now: int) -> tuple[Policy, list[Draft]]:
    """The contract's policy on the day of opening; `default`, with a note, when its file cannot serve."""
    at = min(incident.opened_at, now)
    named = inventory.policy(incident.key.customer, rules.day_of(inventory.site(incident.site), at))
    chosen = load(named)
    if chosen is not None:
        return chosen, []
    default = load("default")
    assert default is not None, "the shipped default policy has no errors: tests/contracts sees to it"
    text = words.NO_POLICY.format(policy=named)
    return default, [Draft(at=at, who=words.SELF, kind=EntryKind.NOTE, text=text, data={"policy": named})]


def _absorb(
    conn: sa.Connection, gone: Incident, batch: Sequence[Incident], inventory: Inventory, now: int
) -> list[str]:
    """An incident went into a later cause: the oldest ticket and its clocks stay, the other closes as merged."""
    mine = sql.open_ticket_of(conn, gone.id)
    if mine is None or gone.merged_into is None:
        return []
    cause = next((i for i in batch if i.id == gone.merged_into), None)
    theirs = sql.open_ticket_of(conn, gone.merged_into)
    if theirs is None and cause is not None:
        theirs = sql.open_ticket(conn, cause.key)
    if theirs is not None and theirs.id != mine.id:
        older, younger = sorted((mine, theirs), key=lambda t: (t.opened_at, t.id))
        _settle(conn, younger.id, [rules.merge(younger, older.id, now)], now)
        changed = [younger.id]
    else:
        older, changed = mine, []
    if cause is not None and older.id == mine.id:
        drafts = rules.decide(older, sql.entries(conn, older.id), cause, inventory, policy(conn, older), now)
        if drafts and _settle(conn, older.id, drafts, now):
            changed.append(older.id)
    return changed


def _settle(conn: sa.Connection, id: str, drafts: Sequence[Draft], now: int) -> list[Entry]:
    """Append, fold, add what is due by now, bring the row in line, queue the news. The entries that were added."""
    kept = sql.entries(conn, id)
    added = sql.numbered(id, len(kept), drafts, now)
    book = [*kept, *added]
    before = rules.fold(book)
    rule = policy(conn, before)
    for draft in drafts:
        refused = consent.refusal(conn, rule, id, kept, draft, now)
        if refused is not None:
            raise ActRefused(refused)
    times = compute(rule, book, now)
    due = sql.numbered(id, len(book), ladder.fall_due(rule, before, book, times, now), now)
    book, added = [*book, *due], [*added, *due]
    after = rules.fold(book)
    after = msgspec.structs.replace(after, next_call=ladder.next_call(rule, after, book, now))
    sql.insert_entries(conn, added)
    sql.update_ticket(conn, after, ladder.next_moment(rule, after, book, times, now))
    announce(conn, after, added, rule, now)
    return added

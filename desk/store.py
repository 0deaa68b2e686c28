"""The desk on a database: incidents, people and time in; tickets, ledger and outbox rows out, in the caller's transaction.

Every write goes the same way: decide (pure) → append to the ledger → fold the ledger into the row → what falls due by
now → queue for the world outside. Nothing is committed here: the caller's transaction is the unit, so a crash leaves
all of it or nothing. A repeat changes nothing.

Writers come one at a time (collector.store.engines), so two people who act at once both stand, one after the other. Who
says what they had seen (`act(seen=…)`) is refused when somebody acted meanwhile. Where no lock kept two writers apart, the
ledger's key (ticket, seq) is the version of the row: the second that adds the same line is undone as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa
import structlog

from alerts.types import CauseKey, Incident
from desk import consent, faq, field_tables, ladder, paper_tables, spares, sql, words
from desk import ticket as rules
from desk.acts import ActRefused, Data, act_draft, repeated
from desk.announce import announce
from desk.clocks import clocks as compute
from desk.opening import NOTHING, Background, Past, apart
from desk.policies import load
from desk.policy import Facts, Policy
from desk.reading import UnknownTicket, by_due, clocks, clocks_of, explain, ledger, policy, ticket, tickets, warranty
from desk.sql import Due
from desk.tables import metadata
from desk.types import Clock, ClockState, Draft, Entry, EntryKind, Ticket, TicketKind, TicketState
from model.inventory import Inventory
from model.text import Text

__all__ = [
    "ActRefused",
    "Due",
    "Meanwhile",
    "UnknownTicket",
    "act",
    "append",
    "apply",
    "by_due",
    "clocks",
    "clocks_of",
    "explain",
    "ledger",
    "metadata",
    "open_by_person",
    "policy",
    "tick",
    "ticket",
    "tickets",
    "warranty",
]


#: Everything that the desk keeps stands in one `metadata`: these rooms' tables, too.
TABLES = (field_tables, paper_tables)
#: Tickets that one tick brings up to the time at most: after an outage the others wait for the next, and batches do not.
TICK_MOST = 250
#: What the caller knows around an incident: the findings of its alerts, and older cases like it.
Around = Callable[[Incident], Background]
log = structlog.get_logger()


class Meanwhile(ActRefused):
    """Somebody else acted on the ticket since the caller looked at it; `entries` says what they did."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        last = entries[-1]
        kind = words.ENTRIES[last.kind]
        super().__init__(
            Text(
                f"expected the ticket as you had seen it, got entry {last.seq} by {last.who} meanwhile ({kind.en}); "
                "fix: look at it again, then act",
                f"应为您所见的工单状态，但 {last.who} 已新增第 {last.seq} 条（{kind.zh}）；改法：重新查看后再操作",
            )
        )


def apply(
    conn: sa.Connection,
    incidents: Sequence[Incident],
    inventory: Inventory,
    now: int,
    around: Around = lambda _: NOTHING,
) -> list[str]:
    """Let new or changed incidents act on the tickets; the ids of those that changed, in order."""
    changed: dict[str, None] = {}
    in_order = sorted(incidents, key=lambda i: (i.opened_at, i.id))
    for incident in in_order:
        if incident.merged_into is not None:
            changed.update(dict.fromkeys(_absorb(conn, incident, in_order, inventory, now, around)))
    for incident in in_order:
        if incident.merged_into is None:
            changed.update(dict.fromkeys(_take(conn, incident, inventory, now, around)))
    return list(changed)


def tick(
    conn: sa.Connection,
    inventory: Inventory,  # noqa: ARG001  the ledger holds the facts
    now: int,
    stuck: dict[str, str] | None = None,
    most: int = TICK_MOST,
) -> list[str]:
    """What time alone brings: warnings, breaks, the ladder. The ids of the tickets that changed.

    A ticket that cannot be computed holds up no other: it is logged, put into `stuck` with the reason, and tried again.
    """
    changed = []
    for id in sql.due_tickets(conn, now, most):
        try:
            with conn.begin_nested():
                if _settle(conn, id, [], now):
                    changed.append(id)
        except sa.exc.DBAPIError:
            raise
        except Exception as error:  # supervisor: a defect in one ticket's clocks must not stop those of all others
            log.exception("a ticket cannot be brought up to the time", ticket=id)
            if stuck is not None:
                stuck[id] = f"{type(error).__name__}: {error}"
    return changed


def open_by_person(
    conn: sa.Connection,
    kind: TicketKind,
    place: str,
    title: str | Text,
    who: str,
    at: int,
    inventory: Inventory,
    now: int,
    data: Data | None = None,
    facts: Facts | None = None,
) -> str:
    """A ticket that somebody told of, its id; the same call told twice is one ticket. Raises ActRefused.

    `place` is a device (`site/device`) or a site; `data` and `facts` as `desk.opening.open_by_person` takes them.
    """
    site = inventory.site(place.partition("/")[0])
    chosen, notes = _policy_for(site.customer, rules.day_of(site, min(at, now)), inventory, now)
    drafts = rules.open_by_person(chosen, inventory, facts or Facts(), kind, place, title, who, at, now, data)
    told = drafts[0].data
    key = CauseKey(str(told["customer"]), str(told["cause"]), str(told["root"]))
    known = sql.held(conn, "", key)
    told_before = known.of_cause or known.ended_of_cause
    if told_before is not None:
        return told_before.id
    return _number(conn, chosen, [*drafts, *notes], now) or open_by_person(
        conn, kind, place, title, who, at, inventory, now, data, facts
    )


def act(
    conn: sa.Connection,
    id: str,
    kind: EntryKind,
    who: str,
    text: str | Text,
    at: int,
    now: int,
    data: Data | None = None,
    seen: int | None = None,
) -> Entry:
    """A person's act; told twice it is one entry. Raises UnknownTicket, ActRefused, Meanwhile.

    `data` carries what the kind needs: `level` for a re-grade. Free text stands in the language it was written in.
    `seen`: the last entry that the person had before them; a note is welcome whatever came since.
    """
    held = ticket(conn, id)
    words_said = text if isinstance(text, Text) else Text(text, text)
    entries = sql.entries(conn, id)
    try:
        draft = act_draft(policy(conn, held), held, kind, who, words_said, at, now, data, entries)
    except ActRefused:
        again = next((e for e in entries if (e.kind, e.who, e.at) == (kind, who, at) and e.text == words_said), None)
        if again is None:
            raise
        return again  # a double click on "close": what it did the first time forbids it now
    said = repeated(entries, draft)
    if said is not None:
        return said
    if seen is not None and kind is not EntryKind.NOTE:
        came = [e for e in entries if e.seq > seen and e.who not in (words.SELF, who)]
        if came:
            raise Meanwhile(came)
    return _settle(conn, id, [draft], now)[0]


def append(conn: sa.Connection, id: str, drafts: Sequence[Draft], now: int) -> list[Entry]:
    """Add to a ticket's ledger, with everything that follows from it. Raises UnknownTicket."""
    ticket(conn, id)
    return _settle(conn, id, drafts, now)


def _take(conn: sa.Connection, incident: Incident, inventory: Inventory, now: int, around: Around) -> list[str]:
    """One incident that was not merged away: into its open ticket, a closed one that comes back, or a new one."""
    known = sql.held(conn, incident.id, incident.key)
    ended = known.ended_of_incident
    held = known.of_incident or known.of_cause or _heir(conn, ended)
    if held is None:
        if not rules.wants(incident):
            return []
        back = _back(conn, incident, known.ended_of_cause, now, around)
        return back or _open(conn, incident, ended, inventory, now, around)
    entries, rule = sql.entries(conn, held.id), policy(conn, held)
    drafts = rules.decide(held, entries, incident, inventory, rule, now, around(incident))
    return [held.id] if drafts and _settle(conn, held.id, drafts, now) else []


def _back(conn: sa.Connection, incident: Incident, ended: Ticket | None, now: int, around: Around) -> list[str]:
    """The last ticket of the same cause, where its policy lets it come back."""
    if ended is None:
        return []
    drafts = rules.returns(ended, sql.entries(conn, ended.id), incident, policy(conn, ended), now, around(incident))
    return [ended.id] if drafts and _settle(conn, ended.id, drafts, now) else []


def _open(
    conn: sa.Connection, incident: Incident, ended: Ticket | None, inventory: Inventory, now: int, around: Around
) -> list[str]:
    if ended is not None and _dismissed(conn, incident, ended):
        return []
    day = rules.day_of(inventory.site(incident.site), min(incident.job_at, now))
    chosen, notes = _policy_for(incident.key.customer, day, inventory, now)
    background = _with_past(conn, incident, around(incident), inventory)
    drafts = [*rules.decide(None, [], incident, inventory, chosen, now, background), *notes]
    opened = _number(conn, chosen, drafts, now)
    return [opened] if opened else _take(conn, incident, inventory, now, around)


def _with_past(conn: sa.Connection, incident: Incident, known: Background, inventory: Inventory) -> Background:
    """What it is told apart from; the last cases of the same root and what was learned from cases like it, unless the
    caller knows more telling ones."""
    beside, past = sql.around(conn, incident.site, incident.key.root, beside=20, past=3)
    known = msgspec.structs.replace(known, apart=apart(incident, beside))
    if known.similar:
        return known
    found = [Past(ticket=t.id, why=_of_before(t)) for t in past]
    device = inventory.devices.get(incident.key.root.partition("#")[0])
    learned = faq.past(conn, incident, known.findings, device.model if device else "")
    return msgspec.structs.replace(known, similar=(*learned, *found))


def _of_before(t: Ticket) -> Text:
    return Text(f"the same equipment or place: {t.title.en}", f"同一设备或地点：{t.title.zh}")


def _number(conn: sa.Connection, chosen: Policy, drafts: Sequence[Draft], now: int) -> str | None:
    """Open a ticket with these drafts under the next free number; None when another writer opened its cause first."""
    for _ in range(5):  # without the write lock another writer may take the number between our look and our insert
        number, pinned = sql.next_number(conn, chosen.id, chosen.version)
        if not pinned:
            sql.pin_policy(conn, chosen.id, chosen.version, chosen.body, now)
        work = _work(chosen, [], sql.numbered(f"T-{number:06d}", 0, drafts, now), now)
        if sql.insert_ticket(conn, number, work.ticket, work.next_due, work.due_at):
            _keep(conn, chosen, work, now)
            return work.ticket.id
        if sql.open_ticket(conn, work.ticket.key) is not None:
            return None
    raise RuntimeError("no free ticket number after five tries")


def _dismissed(conn: sa.Connection, incident: Incident, ended: Ticket) -> bool:
    """Whether a person closed this very incident's ticket; if it has grown worse since, that no longer holds."""
    return incident.worst.rank >= rules.last_seen(sql.entries(conn, ended.id)).worst.rank


def _heir(conn: sa.Connection, ended: Ticket | None) -> Ticket | None:
    """The open ticket into which an incident's own ticket, now ended, was merged."""
    held = ended
    while held is not None and held.state is TicketState.MERGED:
        into = next(e.data["into"] for e in sql.entries(conn, held.id) if e.kind is EntryKind.MERGED)
        held = sql.ticket(conn, str(into))
    return held if held is not None and held.state not in rules.ENDED else None


def _policy_for(customer: str, day: str, inventory: Inventory, now: int) -> tuple[Policy, list[Draft]]:
    """The contract's policy on the day of opening; `default`, with a note, when its file cannot serve."""
    named = inventory.policy(customer, day)
    chosen = load(named)
    if chosen is not None:
        return chosen, []
    default = load("default")
    assert default is not None, "the shipped default policy has no errors: tests/contracts sees to it"
    text = words.NO_POLICY.format(policy=named)
    return default, [Draft(at=now, who=words.SELF, kind=EntryKind.NOTE, text=text, data={"policy": named})]


def _absorb(
    conn: sa.Connection, gone: Incident, batch: Sequence[Incident], inventory: Inventory, now: int, around: Around
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
        entries, rule = sql.entries(conn, older.id), policy(conn, older)
        drafts = rules.decide(older, entries, cause, inventory, rule, now, around(cause))
        if drafts and _settle(conn, older.id, drafts, now):
            changed.append(older.id)
    return changed


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket after some entries: what they add to the ledger, and the row that it makes."""

    added: list[Entry]
    ticket: Ticket
    next_due: int | None
    due_at: int | None


def _settle(conn: sa.Connection, id: str, drafts: Sequence[Draft], now: int) -> list[Entry]:
    """Append, fold, add what is due by now, bring the row in line, queue the news. The entries that were added."""
    kept = sql.entries(conn, id)
    rule = policy(conn, rules.fold(kept))
    for draft in drafts:
        refused = consent.refusal(conn, rule, id, kept, draft, now)
        if refused is not None:
            raise ActRefused(refused)
    work = _work(rule, kept, sql.numbered(id, len(kept), drafts, now), now)
    sql.update_ticket(conn, work.ticket, work.next_due, work.due_at)
    _keep(conn, rule, work, now)
    return work.added


def _work(rule: Policy, kept: list[Entry], added: list[Entry], now: int) -> _Work:
    """Pure: the ledger with `added` and with what time brings on top."""
    book = [*kept, *added]
    before = rules.fold(book)
    times = compute(rule, book, now)
    drafts = [*ladder.fall_due(rule, before, book, times, now), *spares.fall_due(rule, book, added, now)]
    due = sql.numbered(before.id, len(book), drafts, now)
    book = [*book, *due]
    after = rules.fold(book) if due else before
    return _Work(
        added=[*added, *due],
        ticket=msgspec.structs.replace(after, next_call=ladder.next_call(rule, after, book, now)),
        next_due=ladder.next_moment(rule, after, book, times, now),
        due_at=min((c.due_at for c in times if _runs(c) and c.due_at is not None), default=None),
    )


def _runs(clock: Clock) -> bool:
    return clock.state is ClockState.RUNNING or (clock.state is ClockState.BROKEN and clock.stopped_at is None)


def _keep(conn: sa.Connection, rule: Policy, work: _Work, now: int) -> None:
    sql.insert_entries(conn, work.added)
    announce(conn, work.ticket, work.added, rule, now)

"""Whom to call next, and what falls due while nobody acts: warnings, breaks, steps. Pure; each once.

What was missed while the desk was down is not replayed step by step: the highest step that is due fires, once, and a
clock that is already broken is no longer warned of. Entries are dated when they fell due.
"""

from __future__ import annotations

from datetime import datetime

from desk import calendars, words
from desk.calendars import Place, zone
from desk.clocks import place_of, story
from desk.policy import Policy, Step
from desk.ticket import ENDED
from desk.types import Clock, ClockState, Draft, Entry, EntryKind, Ticket, TicketState
from model.text import Text

_OVER = (*ENDED, TicketState.RESTORED)


def next_call(policy: Policy, ticket: Ticket, ledger: list[Entry], now: int) -> Text | None:
    """The name on the highest rung reached; None when the equipment runs again or the case is over."""
    if ticket.state in _OVER:
        return None
    reached = [s for s in policy.ladder if (due := _due(s, ticket, ledger)) is not None and due <= now]
    return policy.roles[reached[-1].to].name if reached else None


def fall_due(policy: Policy, ticket: Ticket, ledger: list[Entry], clocks: list[Clock], now: int) -> list[Draft]:
    """The entries that time alone brings, up to `now`."""
    place = place_of(story(ledger)[0])
    drafts: list[Draft] = []
    for clock in clocks:
        if clock.state is ClockState.BROKEN:
            if not _told(ledger, EntryKind.BROKEN, clock.name):
                drafts.append(_broken(clock, place))
        elif _near(clock, ledger, ticket) and clock.warn_at is not None and clock.warn_at <= now:
            drafts.append(_draft(EntryKind.WARNED, words.WARNED, clock, clock.warn_at, place))
    return [*drafts, *_escalate(policy, ticket, ledger, now)]


def next_moment(policy: Policy, ticket: Ticket, ledger: list[Entry], clocks: list[Clock], now: int) -> int | None:
    """When `fall_due` or `next_call` must be asked again if nothing else happens; None for never."""
    if ticket.state in ENDED:
        return None
    moments: list[int | None] = []
    for clock in clocks:
        if clock.state is ClockState.RUNNING:
            moments.append(clock.warn_at if _near(clock, ledger, ticket) else None)
            moments.append(None if clock.due_at is None else clock.due_at + 1)
    if ticket.state not in _OVER:
        moments += [_due(s, ticket, ledger) for s in policy.ladder]
    return min((m for m in moments if m is not None and m > now), default=None)


def _near(clock: Clock, ledger: list[Entry], ticket: Ticket) -> bool:
    """Whether a warning is still to come: once for a clock under one promise."""
    if clock.state is not ClockState.RUNNING or ticket.state in ENDED:
        return False
    return not any(
        e.kind is EntryKind.WARNED and e.data.get("clock") == clock.name and e.data.get("source") == clock.source
        for e in ledger
    )


def _told(ledger: list[Entry], kind: EntryKind, clock: str) -> bool:
    return any(e.kind is kind and e.data.get("clock") == clock for e in ledger)


def _broken(clock: Clock, place: Place) -> Draft:
    since = next(i.since for i in clock.intervals if i.state is ClockState.BROKEN)
    return _draft(EntryKind.BROKEN, words.BROKEN, clock, since, place)


def _draft(kind: EntryKind, sentence: Text, clock: Clock, at: int, place: Place) -> Draft:
    due = datetime.fromtimestamp((clock.due_at or at) / 1000, zone(place.tz)).strftime("%Y-%m-%d %H:%M:%S %z")
    return Draft(
        at=at,
        who=words.SELF,
        kind=kind,
        text=Text(sentence.en.format(clock=clock.title.en, due=due), sentence.zh.format(clock=clock.title.zh, due=due)),
        data={"clock": clock.name, "source": clock.source, "due_at": clock.due_at},
    )


def _escalate(policy: Policy, ticket: Ticket, ledger: list[Entry], now: int) -> list[Draft]:
    if ticket.state in _OVER:
        return []
    fired = max((int(e.data.get("step") or 0) for e in ledger if e.kind is EntryKind.ESCALATED), default=-1)
    due = [
        (step, at)
        for step in policy.ladder
        if step.wait is not None and step.index > fired and (at := _due(step, ticket, ledger)) is not None and at <= now
    ]
    if not due:
        return []
    step, at = due[-1]
    role = policy.roles[step.to].name
    return [
        Draft(
            at=at,
            who=words.SELF,
            kind=EntryKind.ESCALATED,
            text=Text(
                words.ESCALATED.en.format(to=role.en, why=step.text.en),
                words.ESCALATED.zh.format(to=role.zh, why=step.text.zh),
            ),
            data={"step": step.index, "to": step.to, "source": step.source},
        )
    ]


def _due(step: Step, ticket: Ticket, ledger: list[Entry]) -> int | None:
    """When a rung is reached; None while its `after` has not happened, or when `unless` came in time."""
    if ticket.level not in step.levels:
        return None
    began = min((e.at for e in ledger if e.kind == step.after), default=None)
    if began is None or step.wait is None:
        return began
    opened = next(e for e in ledger if e.kind is EntryKind.OPENED)
    due = calendars.add(step.calendar, place_of(opened), began, calendars.target_ms(step.calendar, step.wait))
    if due is None or any(e.kind in step.unless and e.at <= due for e in ledger):
        return None
    return due

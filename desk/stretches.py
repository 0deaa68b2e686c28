"""The lives of a clock: a ledger cut where something changes for it. Pure; desk.clocks counts what is found here.

Rules:
- Entries count at the time they *happened*, whatever the order in which they were recorded; one that is dated before
  the opening counts at the opening.
- A life begins with the rule's start and ends with its stop. `opened` begins one; a resolution or restoration begins
  another after each relapse; a part each time it is needed; any other event each time it happens anew.
- A relapse runs a life on that a restoration or resolution had stopped; reopening also one that the closing had
  stopped. What a relapse proves premature, a clock that counts from the resolution, ends there.
- `resolved` says more than `restored`: what the one stops, the other stops. Not the other way round: a restoration
  counts as resolution only where the policy's stop list has it (`restored`, or `restored:telemetry`).
- Readings outweigh a click: if a person said "restored" and readings became normal only later, it was restored later.
- Waiting (`paused`) stops the count only of clocks that the policy lets wait. A relapse or reopening ends the waiting.
- A case that is closed without a resolution counts as resolved by its closing: a report that is due after a resolution
  is not lost because nobody wrote that word. A merged ticket ends all; its clocks go on in the other one.
"""

from __future__ import annotations

import msgspec

from desk.calendars import Calendar
from desk.policy import ClockRule, Facts, Policy, Promise, applicable
from desk.types import ClockState, Entry, EntryKind

_ORDER = {kind: n for n, kind in enumerate(EntryKind)}
_BACK = (EntryKind.RELAPSED, EntryKind.REOPENED)
_DONE = (EntryKind.RESTORED, EntryKind.RESOLVED)
_MENDED = tuple(kind.value for kind in _DONE)
#: Which entries may tell what conditions ask about.
_TELLING = (
    EntryKind.OPENED,
    EntryKind.CONVERTED,
    EntryKind.FACTS,
    EntryKind.INCIDENT,
    EntryKind.RELAPSED,
    EntryKind.REMOTE_FAILED,
    EntryKind.DIAGNOSED,
)
_LEVELLING = (EntryKind.OPENED, EntryKind.CONVERTED, EntryKind.LEVEL)


class Stretch(msgspec.Struct, kw_only=True):
    """A time in which nothing changed. `mode` is running, paused or stopped; `until` is `now` for the last."""

    since: int
    until: int
    mode: ClockState
    promise: Promise | None
    others: tuple[Promise, ...]
    by: int
    calendar: Calendar

    @property
    def alive(self) -> bool:
        return self.mode is not ClockState.STOPPED


class Life(msgspec.Struct, kw_only=True):
    """One run of a clock. `begun` is the entry (seq) that began it; `subject` the part it is about, if one."""

    begun: int
    subject: str | None
    stretches: list[Stretch]
    stopped_by: Entry | None = None
    premature: bool = False  #: it counted from a resolution that was none

    @property
    def mode(self) -> ClockState:
        return self.stretches[-1].mode


class Standing(msgspec.Struct, kw_only=True):
    """What holds for the whole ticket at one moment of its story."""

    level: str = ""
    facts: Facts = Facts()
    waiting: bool = False
    closed: bool = False
    back: bool = False  #: it came back since the last life began
    changed: bool = False  #: by the entry in hand


def story(ledger: list[Entry]) -> list[Entry]:
    """The ledger in the order in which things happened; the opening is always first."""
    return sorted(ledger, key=lambda e: (e.kind is not EntryKind.OPENED, e.at, _ORDER[e.kind], e.seq))


def facts_of(entry: Entry, before: Facts) -> Facts:
    """What conditions ask about, from the newest entry that says it; None there: not known any more."""
    if entry.kind not in _TELLING:
        return before
    told = {name: entry.data[name] for name in Facts.__struct_fields__ if name in entry.data}
    if entry.kind is EntryKind.REMOTE_FAILED:
        told["remote_solvable"] = 0
    if entry.kind is EntryKind.DIAGNOSED:
        told["cause_known"] = 1
    if not told:
        return before
    kva, local = told.pop("kva", before.kva), told.pop("local", before.local)
    flags = {name: None if value is None else bool(value) for name, value in told.items()}
    return msgspec.structs.replace(before, kva=None if kva is None else float(kva), local=bool(local), **flags)


def level_after(entry: Entry, before: str) -> str:
    """The level from this entry on."""
    return str(entry.data.get("level") or before) if entry.kind in _LEVELLING else before


def lives(policy: Policy, rule: ClockRule, events: list[Entry], now: int) -> list[Life]:
    """Every run of the clock, in the order in which they began; `events` as `story` gives them."""
    found: list[Life] = []
    standing = Standing()
    start = events[0].at
    for event in events:
        at = max(event.at, start)
        _stand(standing, event)
        for life in found:
            _pass(policy, rule, life, event, at, standing)
        if _begins(rule, found, event, standing):
            life = Life(begun=event.seq, subject=_subject(event), stretches=[])
            mode = ClockState.PAUSED if standing.waiting and rule.pauses else ClockState.RUNNING
            _cut(policy, rule, life, event, at, standing, mode)
            found.append(life)
            standing.back = False
    for life in found:
        life.stretches[-1].until = now
        _give_calendars(rule, life)
    return found


def _stand(standing: Standing, event: Entry) -> None:
    facts, level = facts_of(event, standing.facts), level_after(event, standing.level)
    standing.changed = (level, facts) != (standing.level, standing.facts)
    standing.level, standing.facts = level, facts
    if event.kind is EntryKind.PAUSED:
        standing.waiting = True
    elif event.kind is EntryKind.RESUMED:
        standing.waiting = False
    elif event.kind in (EntryKind.CLOSED, EntryKind.MERGED):
        standing.closed = True
    elif event.kind is EntryKind.REOPENED:
        standing.closed, standing.waiting, standing.back = False, False, True
    elif event.kind is EntryKind.RELAPSED and not standing.closed:
        standing.waiting, standing.back = False, True


def _begins(rule: ClockRule, found: list[Life], event: Entry, standing: Standing) -> bool:
    counts_from_end = rule.start in _MENDED
    if event.kind is EntryKind.CLOSED:
        if rule.start != EntryKind.RESOLVED:
            return False
    elif event.kind != rule.start or (standing.closed and not rule.after_close):
        return False
    if counts_from_end:
        return not found or (standing.back and found[-1].premature)
    if event.kind is EntryKind.PART_NEEDED:
        subject = _subject(event)
        return not any(life.subject == subject and life.mode is not ClockState.STOPPED for life in found)
    return not found or (rule.start != EntryKind.OPENED and found[-1].mode is ClockState.STOPPED)


def _pass(policy: Policy, rule: ClockRule, life: Life, event: Entry, at: int, standing: Standing) -> None:
    """What one entry does to one life."""
    if life.premature:
        return
    if life.mode is ClockState.STOPPED:
        _maybe_runs_on(policy, rule, life, event, at, standing)
    elif _ends(rule, event) or _stops(rule, life, event):
        life.stopped_by = event
        _cut(policy, rule, life, event, at, standing, ClockState.STOPPED)
    elif rule.start in _MENDED and event.kind in _BACK:
        life.premature = True
        _cut(policy, rule, life, event, at, standing, ClockState.STOPPED)
    else:
        mode = ClockState.PAUSED if standing.waiting and rule.pauses else ClockState.RUNNING
        if mode is not life.mode or (standing.changed and _others(policy, rule, life, standing)):
            _cut(policy, rule, life, event, at, standing, mode)


def _maybe_runs_on(policy: Policy, rule: ClockRule, life: Life, event: Entry, at: int, standing: Standing) -> None:
    by = life.stopped_by
    if by is None:
        return
    if rule.start in _MENDED:
        life.premature = event.kind in _BACK and (event.kind is EntryKind.REOPENED or not standing.closed)
        return
    done = by.kind in _DONE
    back = event.kind is EntryKind.RELAPSED and done and not standing.closed
    if back or (event.kind is EntryKind.REOPENED and (done or by.kind is EntryKind.CLOSED)):
        life.stopped_by = None
        _cut(policy, rule, life, event, at, standing, ClockState.RUNNING)
    elif _proof(event) == "telemetry" and done and _proof(by) != "telemetry" and _stops(rule, life, event):
        life.stretches.pop()
        life.stopped_by = event
        _cut(policy, rule, life, event, at, standing, ClockState.STOPPED)


def _others(policy: Policy, rule: ClockRule, life: Life, standing: Standing) -> bool:
    """Whether other promises hold now than in the stretch in hand."""
    last = life.stretches[-1]
    held = [] if last.promise is None else [last.promise, *last.others]
    return applicable(policy, rule, standing.level, standing.facts) != held


def _cut(
    policy: Policy, rule: ClockRule, life: Life, event: Entry, at: int, standing: Standing, mode: ClockState
) -> None:
    if life.stretches:
        life.stretches[-1].until = at
    alive = mode is not ClockState.STOPPED
    promises = applicable(policy, rule, standing.level, standing.facts) if alive else []
    life.stretches.append(
        Stretch(
            since=at,
            until=at,
            mode=mode,
            promise=promises[0] if promises else None,
            others=tuple(promises[1:]),
            by=event.seq,
            calendar=rule.calendar,
        )
    )


def _ends(rule: ClockRule, event: Entry) -> bool:
    return event.kind is EntryKind.MERGED or (event.kind is EntryKind.CLOSED and not rule.after_close)


def _stops(rule: ClockRule, life: Life, event: Entry) -> bool:
    kind = event.kind.value
    if event.kind is EntryKind.PART_FITTED and life.subject is not None:
        part = _subject(event)
        if part is not None and part != life.subject:
            return False
    if kind in rule.stop or (event.kind is EntryKind.RESOLVED and EntryKind.RESTORED in rule.stop):
        return True
    return f"{kind}:{event.data.get('to')}" in rule.stop or f"{kind}:{_proof(event)}" in rule.stop


def _proof(event: Entry) -> str | None:
    """By what a restoration is known: telemetry or person."""
    if event.kind not in _DONE:
        return None
    return str(event.data.get("proof") or "person")


def _subject(event: Entry) -> str | None:
    if event.kind not in (EntryKind.PART_NEEDED, EntryKind.PART_FITTED):
        return None
    part = event.data.get("part")
    return None if part is None else str(part)


def _give_calendars(rule: ClockRule, life: Life) -> None:
    """Each stretch counts on its promise's calendar; one without promise on that of the promise before, or after it."""
    first = next((s.promise.calendar for s in life.stretches if s.promise), rule.calendar)
    for stretch in life.stretches:
        if stretch.promise:
            first = stretch.promise.calendar
        stretch.calendar = first

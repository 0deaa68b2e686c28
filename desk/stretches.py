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
  is not lost because nobody wrote that word; not so for a question, or where the closing says `no_fault`.
- A merged ticket ends all; its clocks go on in the other one.
"""

from __future__ import annotations

import msgspec

from desk.calendars import Calendar
from desk.policy import ClockRule, Facts, Policy, Promise
from desk.terms import NOTHING, Terms, promised, turning
from desk.types import ClockState, Entry, EntryKind, TicketKind

_ORDER = {kind: n for n, kind in enumerate(EntryKind)}
_ENDS = (EntryKind.CLOSED, EntryKind.MERGED)
_DONE = (EntryKind.RESTORED, EntryKind.RESOLVED)
_MENDED = tuple(kind.value for kind in _DONE)
#: What may turn any clock.
_TURNING = frozenset((*_ENDS, *_DONE, EntryKind.PAUSED, EntryKind.RESUMED, EntryKind.RELAPSED, EntryKind.REOPENED))
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
_FACTS = frozenset(Facts.__struct_fields__)
_SORTING = (EntryKind.OPENED, EntryKind.CONVERTED)
_LEVELLING = (EntryKind.OPENED, EntryKind.CONVERTED, EntryKind.LEVEL)


class Stretch(msgspec.Struct, kw_only=True, gc=False):
    """A time in which nothing changed. `mode` is running, paused or stopped; `until` is `now` for the last."""

    since: int
    until: int
    mode: ClockState
    terms: Terms
    by: int
    calendar: Calendar

    @property
    def promise(self) -> Promise | None:
        return self.terms.promise

    @property
    def alive(self) -> bool:
        return self.mode is not ClockState.STOPPED


class Life(msgspec.Struct, kw_only=True, gc=False):
    """One run of a clock. `begun` is the entry (seq) that began it; `subject` the part it is about, if one."""

    begun: int
    subject: str | None
    stretches: list[Stretch]
    stopped_by: Entry | None = None
    premature: bool = False  #: it counted from a resolution that was none

    @property
    def mode(self) -> ClockState:
        return self.stretches[-1].mode


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What holds for the whole ticket from one entry of its story on; made once for all of its clocks."""

    event: Entry
    at: int  #: when it counts: never before the opening
    level: str
    terms: tuple[Terms, ...]  #: of all clocks, in the order of the policy
    waiting: bool
    closed: bool
    changed: bool  #: level or facts are others than before
    back: bool  #: it came back: a relapse, a reopening
    fault: bool  #: it is no mere question
    matters: bool  #: to any clock; else only to those that begin or stop with it


def story(ledger: list[Entry]) -> list[Entry]:
    """The ledger in the order in which things happened; the opening is always first."""
    return sorted(ledger, key=lambda e: (e.kind is not EntryKind.OPENED, e.at, _ORDER[e.kind], e.seq))


def facts_of(entry: Entry, before: Facts) -> Facts:
    """What conditions ask about, from the newest entry that says it; None there: not known any more."""
    if entry.kind not in _TELLING:
        return before
    told = {name: entry.data[name] for name in _FACTS.intersection(entry.data)}
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


def standings(policy: Policy, events: list[Entry]) -> list[Standing]:
    """`events` as `story` gives them, each that may turn a clock of the policy with what holds from it on."""
    found: list[Standing] = []
    level, facts, waiting, closed, fault = "", Facts(), False, False, True
    terms: tuple[Terms, ...] = ()
    start, kinds = events[0].at, turning(policy).any
    for event in events:
        kind = event.kind
        new_level, new_facts = level_after(event, level), facts_of(event, facts)
        changed = new_level != level or (new_facts is not facts and new_facts != facts)
        if changed:
            level, facts = new_level, new_facts
            terms = promised(policy, level, facts)
        back = kind is EntryKind.REOPENED or (kind is EntryKind.RELAPSED and not closed)
        if back:
            closed, waiting = False, False
        elif kind is EntryKind.PAUSED or kind is EntryKind.RESUMED:
            waiting = kind is EntryKind.PAUSED
        elif kind in _ENDS:
            closed = True
        if kind in _SORTING:
            fault = (event.data.get("kind") or TicketKind.DEFECT) != TicketKind.CONSULTATION
        matters = changed or kind in _TURNING
        if not matters and kind not in kinds:
            continue
        found.append(
            Standing(
                event=event,
                at=max(event.at, start),
                level=level,
                terms=terms,
                waiting=waiting,
                closed=closed,
                changed=changed,
                back=back,
                fault=fault,
                matters=matters,
            )
        )
    return found


def lives(policy: Policy, n: int, told: list[Standing], now: int) -> list[Life]:
    """Every run of the policy's clock `n`, in the order in which they began; `told` as `standings` gives it."""
    found: list[Life] = []
    rule, kinds = policy.clocks[n], turning(policy).each[n]
    back = False  # whether it came back since the last life began
    for standing in told:
        if not standing.matters and standing.event.kind not in kinds:
            continue
        back = back or standing.back
        for life in found:
            _pass(rule, life, standing, standing.terms[n])
        if _begins(rule, found, standing, back):
            event = standing.event
            life = Life(begun=event.seq, subject=_subject(event), stretches=[])
            _cut(rule, life, standing, _alive(rule, standing), standing.terms[n])
            found.append(life)
            back = False
    for life in found:
        life.stretches[-1].until = now
        if len(life.stretches) > 1:
            _give_calendars(life)
    return found


def _alive(rule: ClockRule, standing: Standing) -> ClockState:
    return ClockState.PAUSED if standing.waiting and rule.pauses else ClockState.RUNNING


def _begins(rule: ClockRule, found: list[Life], standing: Standing, back: bool) -> bool:
    event = standing.event
    if event.kind is EntryKind.CLOSED:
        if rule.start != EntryKind.RESOLVED or not standing.fault or event.data.get("no_fault"):
            return False
    elif event.kind != rule.start or (standing.closed and not rule.after_close):
        return False
    if rule.start in _MENDED:
        return not found or (back and found[-1].premature)
    if event.kind is EntryKind.PART_NEEDED:
        subject = _subject(event)
        return not any(life.subject == subject and life.mode is not ClockState.STOPPED for life in found)
    return not found or (rule.start != EntryKind.OPENED and found[-1].mode is ClockState.STOPPED)


def _pass(rule: ClockRule, life: Life, standing: Standing, terms: Terms) -> None:
    """What one entry does to one life."""
    event = standing.event
    if life.premature:
        return
    if life.mode is ClockState.STOPPED:
        _maybe_runs_on(rule, life, standing, terms)
    elif _ends(rule, event) or _stops(rule, life, event):
        life.stopped_by = event
        _cut(rule, life, standing, ClockState.STOPPED, NOTHING)
    elif rule.start in _MENDED and standing.back:
        life.premature = True
        _cut(rule, life, standing, ClockState.STOPPED, NOTHING)
    else:
        mode = _alive(rule, standing)
        if mode is not life.mode or (standing.changed and terms.promises != life.stretches[-1].terms.promises):
            _cut(rule, life, standing, mode, terms)


def _maybe_runs_on(rule: ClockRule, life: Life, standing: Standing, terms: Terms) -> None:
    event, by = standing.event, life.stopped_by
    if by is None:
        return
    if rule.start in _MENDED:
        life.premature = standing.back
        return
    done = by.kind in _DONE
    if standing.back and (done or (event.kind is EntryKind.REOPENED and by.kind is EntryKind.CLOSED)):
        life.stopped_by = None
        _cut(rule, life, standing, ClockState.RUNNING, terms)
    elif done and _proof(event) == "telemetry" and _proof(by) != "telemetry" and _stops(rule, life, event):
        life.stretches.pop()
        life.stopped_by = event
        _cut(rule, life, standing, ClockState.STOPPED, NOTHING)


def _cut(rule: ClockRule, life: Life, standing: Standing, mode: ClockState, terms: Terms) -> None:
    if life.stretches:
        life.stretches[-1].until = standing.at
    at, calendar = standing.at, terms.promises[0].calendar if terms.promises else rule.calendar
    life.stretches.append(Stretch(since=at, until=at, mode=mode, terms=terms, by=standing.event.seq, calendar=calendar))


def _ends(rule: ClockRule, event: Entry) -> bool:
    return event.kind is EntryKind.MERGED or (event.kind is EntryKind.CLOSED and not rule.after_close)


def _stops(rule: ClockRule, life: Life, event: Entry) -> bool:
    kind = event.kind
    if kind is EntryKind.PART_FITTED and life.subject is not None:
        part = _subject(event)
        if part is not None and part != life.subject:
            return False
    if kind in rule.stop or (kind is EntryKind.RESOLVED and EntryKind.RESTORED in rule.stop):
        return True
    more = event.data.get("to") if kind is EntryKind.NOTIFIED else _proof(event)
    return more is not None and f"{kind}:{more}" in rule.stop


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


def _give_calendars(life: Life) -> None:
    """Each stretch counts on its promise's calendar; one without promise on that of the promise before, or after it."""
    held = [s.calendar for s in life.stretches if s.terms.promises]
    for stretch in life.stretches if held else ():
        if stretch.terms.promises:
            held = [stretch.calendar]
        stretch.calendar = held[0]

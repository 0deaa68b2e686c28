"""Every promised time of a ticket, computed from (policy, ledger, now). Nothing here is ever stored as truth.

Rules:
- Entries count at the time they *happened*, whatever the order in which they were recorded.
- A clock runs from its start entry to its stop entry. A relapse runs a clock on that a restoration had stopped;
  the time in between does not count. Closing or merging ends every clock.
- After a re-grade the new level's target counts from the original start. Each interval is counted on the calendar
  of the promise in force in it, so a re-grade never rewrites what was counted before.
- Once a promise was passed while it was in force, the clock stays broken, whatever follows.
- Intervals follow each other without a hole, from the start to the stop or to now; their `counted_s` sum up to the
  clock's. One that reaches `now` has no `until`.
"""

from __future__ import annotations

import msgspec

from desk import calendars
from desk.calendars import Calendar, Place
from desk.policy import ClockRule, Facts, Policy, Promise, applicable
from desk.types import Clock, ClockState, Entry, EntryKind, Interval
from model.text import Text

_ORDER = {kind: n for n, kind in enumerate(EntryKind)}
_ENDS = (EntryKind.CLOSED, EntryKind.MERGED)


class Stretch(msgspec.Struct, kw_only=True):
    """A time in which nothing changed: running or not, under one promise. `until` is `now` for the last."""

    since: int
    until: int
    running: bool
    promise: Promise | None
    others: tuple[Promise, ...]
    by: int


def story(ledger: list[Entry]) -> list[Entry]:
    """The ledger in the order in which things happened."""
    return sorted(ledger, key=lambda e: (e.at, _ORDER[e.kind], e.seq))


def place_of(opened: Entry) -> Place:
    """Country and zone, as written down at opening."""
    return Place(country=str(opened.data.get("country") or "CN"), tz=str(opened.data.get("tz") or "UTC"))


def facts_of(entry: Entry, before: Facts) -> Facts:
    """What conditions ask about, from the newest entry that says it."""
    kva, local = entry.data.get("kva", before.kva), entry.data.get("local", before.local)
    return Facts(local=bool(local), kva=None if kva is None else float(kva))


def clocks(policy: Policy, ledger: list[Entry], now: int) -> list[Clock]:
    """The ticket's clocks at `now`, in the policy's order; those that nothing promised are left out.

    A `now` before the newest entry (a clock that jumped back) is taken as that entry's time.
    """
    events = story(ledger)
    if not events or events[0].kind is not EntryKind.OPENED:
        return []
    place = place_of(events[0])
    now = max(now, events[-1].at)
    found = (_clock(policy, rule, events, place, now) for rule in policy.clocks)
    return [clock for clock in found if clock]


def _clock(policy: Policy, rule: ClockRule, events: list[Entry], place: Place, now: int) -> Clock | None:
    stretches = _stretches(policy, rule, events, now)
    binding = next((s for s in reversed(stretches) if s.running and s.promise), None)
    if binding is None or binding.promise is None:
        return None
    promise, final = binding.promise, stretches[-1]
    intervals = _intervals(policy, rule, stretches, place)
    broken = any(i.state is ClockState.BROKEN for i in intervals)
    if final.running and final.promise is None and not broken:
        return None  # the present level promises nothing here, and nothing was broken before
    limit = policy.limit_ms(promise)
    state = _state(broken, final.running, limit)
    near = None if limit is None or state is not ClockState.RUNNING else round(limit * policy.warn_share)
    return Clock(
        name=rule.name,
        title=rule.title,
        state=state,
        target_s=None if promise.target is None or limit is None else limit / 1000,
        text=promise.text,
        calendar=promise.calendar.id,
        started_at=stretches[0].since,
        due_at=None if limit is None else _moment(rule, stretches, place, limit),
        stopped_at=None if final.running else final.since,
        counted_s=round(sum(i.counted_s for i in intervals), 3),
        source=promise.source,
        warn_at=None if near is None else _moment(rule, stretches, place, near),
        also=tuple(_also(p) for p in binding.others),
        intervals=tuple(intervals),
    )


def _state(broken: bool, running: bool, limit: int | None) -> ClockState:
    if broken:
        return ClockState.BROKEN
    if not running:
        return ClockState.STOPPED
    return ClockState.UNTIMED if limit is None else ClockState.RUNNING


def _stretches(policy: Policy, rule: ClockRule, events: list[Entry], now: int) -> list[Stretch]:
    """Cut the clock's life at every entry that changes it."""
    stretches: list[Stretch] = []
    facts, level = Facts(), ""
    restored = False  # whether it was a restoration that stopped it: only then can a relapse run it on
    for event in events:
        changed = _regraded(event, level, facts)
        if changed:
            level, facts = changed
        last = stretches[-1] if stretches else None
        if last is None:
            if event.kind == rule.start:
                _cut(stretches, policy, rule, event, level, facts, running=True)
        elif last.running and (event.kind in _ENDS or _stops(rule, event)):
            restored = event.kind is EntryKind.RESTORED
            _cut(stretches, policy, rule, event, level, facts, running=False)
        elif not last.running and restored and event.kind is EntryKind.RELAPSED:
            _cut(stretches, policy, rule, event, level, facts, running=True)
        elif not last.running and event.kind in _ENDS:
            restored = False
        elif last.running and changed:
            _cut(stretches, policy, rule, event, level, facts, running=True)
    if stretches:
        stretches[-1].until = now
    return stretches


def _regraded(event: Entry, level: str, facts: Facts) -> tuple[str, Facts] | None:
    """The level and facts after `event`, or None when it leaves them."""
    after = facts_of(event, facts)
    named = str(event.data.get("level") or level) if event.kind in (EntryKind.OPENED, EntryKind.LEVEL) else level
    return None if (named, after) == (level, facts) else (named, after)


def _cut(
    stretches: list[Stretch],
    policy: Policy,
    rule: ClockRule,
    event: Entry,
    level: str,
    facts: Facts,
    running: bool,
) -> None:
    if stretches:
        stretches[-1].until = event.at
    promises = applicable(policy, rule, level, facts) if running else []
    stretches.append(
        Stretch(
            since=event.at,
            until=event.at,
            running=running,
            promise=promises[0] if promises else None,
            others=tuple(promises[1:]),
            by=event.seq,
        )
    )


def _stops(rule: ClockRule, event: Entry) -> bool:
    kind = event.kind.value
    return kind in rule.stop or f"{kind}:{event.data.get('to')}" in rule.stop


def _intervals(policy: Policy, rule: ClockRule, stretches: list[Stretch], place: Place) -> list[Interval]:
    """What was counted, stretch by stretch; a stretch in which the target ran out is cut there."""
    intervals: list[Interval] = []
    total = 0
    for stretch in stretches:
        calendar = _calendar(stretch, rule)
        for since, until, state in _pieces(policy, stretch, calendar, place, total):
            counted = 0 if state is ClockState.STOPPED else calendars.counted(calendar, place, since, until)
            total += counted
            source = stretch.promise.source if stretch.promise else ""
            made = Interval(
                since=since,
                until=until,
                state=state,
                counted_s=counted / 1000,
                by=stretch.by,
                source=source,
                calendar=calendar.id,
            )
            intervals.append(made)
    kept = [i for i in intervals[:-1] if i.until != i.since]
    return [*kept, msgspec.structs.replace(intervals[-1], until=None)]


def _pieces(
    policy: Policy, stretch: Stretch, calendar: Calendar, place: Place, total: int
) -> list[tuple[int, int, ClockState]]:
    since, until = stretch.since, stretch.until
    if not stretch.running:
        return [(since, until, ClockState.STOPPED)]
    limit = policy.limit_ms(stretch.promise) if stretch.promise else None
    if limit is None:
        return [(since, until, ClockState.UNTIMED)]
    if total > limit:  # a stricter promise came into force when its time was already over
        return [(since, until, ClockState.BROKEN)]
    end = calendars.add(calendar, place, since, limit - total)
    if end is None or end >= until:
        return [(since, until, ClockState.RUNNING)]
    return [(since, end, ClockState.RUNNING), (end, until, ClockState.BROKEN)]


def _calendar(stretch: Stretch, rule: ClockRule) -> Calendar:
    return stretch.promise.calendar if stretch.promise else rule.calendar


def _moment(rule: ClockRule, stretches: list[Stretch], place: Place, limit: int) -> int | None:
    """When `limit` has been counted: in a past stretch, else in the last running one if nothing more happens."""
    total = 0
    running = [s for s in stretches if s.running]
    for stretch in running[:-1]:
        calendar = _calendar(stretch, rule)
        counted = calendars.counted(calendar, place, stretch.since, stretch.until)
        if total + counted >= limit:
            return calendars.add(calendar, place, stretch.since, limit - total)
        total += counted
    return calendars.add(_calendar(running[-1], rule), place, running[-1].since, limit - total)


def _also(promise: Promise) -> Text:
    words = promise.target.words() if promise.target else promise.text or Text("", "")
    return Text(f"{words.en} ({promise.source})", f"{words.zh}（{promise.source}）")

"""Every promised time of a ticket, computed from (policy, ledger, now). Nothing here is ever stored as truth.

Rules (when a clock begins, waits, stops and runs on: desk.stretches):
- After a re-grade, or when a fact is learned later, the promise that then holds counts from the clock's own start.
  Each interval is counted on the calendar of the promise in force in it, so a re-grade never rewrites what was counted
  before.
- Once a promise was passed while it was in force, the clock stays broken, whatever follows.
- Intervals follow each other without a hole, from the start to the stop or to now; their `counted_s` sum up to the
  clock's. One that reaches `now` has no `until`.
- A paused clock has no due time: it moves on until somebody resumes it.
- What makes a due time doubtful (a site without zone, a table of holidays that ends before it) is said in `problems`.
"""

from __future__ import annotations

from desk import calendars, words
from desk.calendars import Place
from desk.policy import ClockRule, Policy
from desk.stretches import Life, Stretch, facts_of, lives, standings, story
from desk.types import Clock, ClockState, Entry, EntryKind, Interval
from model.text import Text

__all__ = ["clocks", "facts_of", "place_of", "problems", "story"]

#: since, until, how it stood, ms that counted
_Piece = tuple[int, int, ClockState, int]


def place_of(opened: Entry) -> Place:
    """Country and zone, as written down at opening; an empty zone is counted as UTC and said (`problems`)."""
    return Place(country=str(opened.data.get("country") or ""), tz=str(opened.data.get("tz") or ""))


def clocks(policy: Policy, ledger: list[Entry], now: int) -> list[Clock]:
    """The ticket's clocks at `now`, in the policy's order; those that nothing promised are left out.

    A `now` before the newest entry (a clock that jumped back, or an entry dated ahead) is taken as that entry's time.
    """
    events = story(ledger)
    if not events or events[0].kind is not EntryKind.OPENED:
        return []
    place = place_of(events[0])
    now = _at_least(events, now)
    told = standings(policy, events)
    found = (
        _clock(rule, life, place, now) for n, rule in enumerate(policy.clocks) for life in lives(policy, n, told, now)
    )
    return [clock for clock in found if clock]


def problems(policy: Policy, ledger: list[Entry], now: int) -> list[Text]:
    """What is odd about the whole ticket's time, beside what its clocks say: shown, never silently mended."""
    events = story(ledger)
    last = _at_least(events, now)
    found = []
    if last > now:
        late = max(events, key=lambda e: e.at)
        found.append(words.CLOCK_BEHIND.format(seq=late.seq, ahead=round((last - now) / 1000, 3)))
    early = [e.seq for e in events[1:] if e.at < events[0].at]
    if early:
        found.append(words.BEFORE_OPENING.format(seq=early[0]))
    levels = {level.id for level in policy.levels}
    for event in events:
        level = event.data.get("level")
        if event.kind in (EntryKind.OPENED, EntryKind.LEVEL, EntryKind.CONVERTED) and level and level not in levels:
            found.append(words.UNKNOWN_LEVEL.format(seq=event.seq, level=level, policy=policy.pin))
    return found


def _at_least(events: list[Entry], now: int) -> int:
    return max(now, *(e.at for e in events)) if len(events) > 1 else max(now, events[0].at)


def _clock(rule: ClockRule, life: Life, place: Place, now: int) -> Clock | None:
    stretches, final = life.stretches, life.stretches[-1]
    held = [s.terms for s in stretches if s.terms.promises]
    if not held:
        return None
    binding = held[-1]
    promise, limit = binding.promises[0], binding.limit
    intervals, counted_ms = _intervals(stretches, place)
    broken = ClockState.BROKEN in [i.state for i in intervals]
    if final.alive and not final.terms.promises and not broken:
        return None  # the present level promises nothing here, and nothing was broken before
    state = _state(broken, final.mode, limit)
    waits = final.mode is ClockState.PAUSED
    due = None if limit is None or (waits and not broken) else _moment(stretches, place, limit)
    near = binding.near if state is ClockState.RUNNING else None
    return Clock(
        name=rule.name,
        title=rule.title,
        state=state,
        target_s=None if promise.target is None or limit is None else limit / 1000,
        text=promise.text,
        calendar=promise.calendar.id,
        started_at=stretches[0].since,
        due_at=due,
        stopped_at=None if final.alive else final.since,
        counted_s=counted_ms / 1000,
        source=promise.source,
        warn_at=None if near is None else _moment(stretches, place, near),
        also=binding.also,
        intervals=tuple(intervals),
        begun=life.begun,
        subject=life.subject,
        proof=_proof(life),
        problems=_doubts(life, place, now, due),
    )


def _state(broken: bool, mode: ClockState, limit: int | None) -> ClockState:
    if broken:
        return ClockState.BROKEN
    if mode is not ClockState.RUNNING:
        return mode
    return ClockState.UNTIMED if limit is None else ClockState.RUNNING


def _proof(life: Life) -> str | None:
    by = life.stopped_by
    if by is None or by.kind not in (EntryKind.RESTORED, EntryKind.RESOLVED):
        return None
    return str(by.data.get("proof") or "person")


def _doubts(life: Life, place: Place, now: int, due: int | None) -> tuple[Text, ...]:
    used = {s.calendar.id: s.calendar for s in life.stretches if s.calendar.days and s.alive}
    if not used:
        return ()
    until = now if due is None else max(now, due)
    found = [doubt for calendar in used.values() for doubt in calendars.doubts(calendar, place, until)]
    return tuple(dict.fromkeys(found))


def _intervals(stretches: list[Stretch], place: Place) -> tuple[list[Interval], int]:
    """What was counted, stretch by stretch, and its sum in ms; a stretch in which the target ran out is cut there."""
    pieces: list[tuple[Stretch, _Piece]] = []
    total = 0
    for stretch in stretches:
        for piece in _pieces(stretch, place, total):
            total += piece[3]
            pieces.append((stretch, piece))
    *before, (last, piece) = pieces
    found = [_interval(s, p, until=p[1]) for s, p in before if p[0] != p[1]]
    return [*found, _interval(last, piece, until=None)], total


def _interval(stretch: Stretch, piece: _Piece, until: int | None) -> Interval:
    promises = stretch.terms.promises
    return Interval(
        since=piece[0],
        until=until,
        state=piece[2],
        counted_s=piece[3] / 1000,
        by=stretch.by,
        source=promises[0].source if promises else "",
        calendar=stretch.calendar.id,
    )


def _pieces(stretch: Stretch, place: Place, total: int) -> list[_Piece]:
    """`total` is what had been counted before."""
    since, until, limit = stretch.since, stretch.until, stretch.terms.limit
    if stretch.mode is not ClockState.RUNNING:
        return [(since, until, stretch.mode, 0)]
    ran = calendars.counted(stretch.calendar, place, since, until)
    if limit is None:
        return [(since, until, ClockState.UNTIMED, ran)]
    if total > limit:  # a stricter promise came into force when its time was already over
        return [(since, until, ClockState.BROKEN, ran)]
    left = limit - total
    end = None if ran < left else calendars.add(stretch.calendar, place, since, left)
    if end is None or end >= until:
        return [(since, until, ClockState.RUNNING, ran)]
    over = calendars.counted(stretch.calendar, place, end, until)
    return [(since, end, ClockState.RUNNING, left), (end, until, ClockState.BROKEN, over)]


def _moment(stretches: list[Stretch], place: Place, limit: int) -> int | None:
    """When `limit` has been counted: in a past stretch, else in the last running one if nothing more happens."""
    running = [s for s in stretches if s.mode is ClockState.RUNNING]
    if not running:
        return None
    total = 0
    for stretch in running[:-1]:
        counted = calendars.counted(stretch.calendar, place, stretch.since, stretch.until)
        if total + counted >= limit:
            return calendars.add(stretch.calendar, place, stretch.since, limit - total)
        total += counted
    return calendars.add(running[-1].calendar, place, running[-1].since, limit - total)

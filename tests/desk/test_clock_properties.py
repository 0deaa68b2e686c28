"""What must hold for any ledger: sums, order of recording, pauses, facts, and that the past stays as it was counted."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.calendars import BUILT_IN, WORKING, Calendar, Place, add, counted, windows
from desk.clocks import clocks, story
from desk.explain import explain
from desk.ladder import fall_due, next_moment
from desk.policies import POLICIES
from desk.policy import ClockRule, Policy
from desk.ticket import fold
from desk.types import Clock, ClockState, Entry, EntryKind
from tests.desk.book import book, entry, opened, policy
from tests.desk.stage import HOUR, MINUTE, T0, at

K = EntryKind
_KINDS = (
    *(K.ACKNOWLEDGED, K.ONSITE, K.RESTORED, K.RELAPSED, K.NOTE, K.LEVEL, K.CLOSED, K.REOPENED, K.RESOLVED, K.REPORTED),
    *(
        K.PAUSED,
        K.RESUMED,
        K.FACTS,
        K.REMOTE_FAILED,
        K.DISPATCHED,
        K.PART_NEEDED,
        K.PART_FITTED,
        K.PLANNED,
        K.DIAGNOSED,
    ),
)
_STILL = (ClockState.STOPPED, ClockState.PAUSED)
#: Berlin changes its clocks within the ledgers' reach; Shanghai works weekends in exchange for holidays.
_PLACES = (Place(), Place(country="DE", tz="Europe/Berlin"), Place(country="US", tz="America/New_York"))
_STARTS = (T0, at("2026-10-23 15:30", "Europe/Berlin"), at("2026-03-06 16:00", "America/New_York"))


def _lenient(of: Policy) -> Policy:
    """The same contract, but every clock may wait for the customer."""
    rules = tuple(msgspec.structs.replace(rule, pauses=True) for rule in of.clocks)
    return msgspec.structs.replace(of, clocks=rules)


_ALL = [made for id in sorted(POLICIES) for made in (policy(id), _lenient(policy(id)))]


@st.composite
def _ledgers(draw: st.DrawFn) -> tuple[Policy, list[Entry], Place]:
    of, place, start = draw(st.sampled_from(_ALL)), draw(st.sampled_from(_PLACES)), draw(st.sampled_from(_STARTS))
    level = st.sampled_from([lv.id for lv in of.levels])
    where = {"country": place.country, "tz": place.tz, "policy": of.pin, "when": start}
    first = opened(draw(level), draw(st.booleans()), draw(st.sampled_from([None, 3.0, 6.0, 10.0])), **where)
    minutes = draw(st.lists(st.integers(1, 12_000), unique=True, max_size=9))
    events = [_event(draw, minute, start, level) for minute in minutes]
    return of, book(first, *events), place


def _event(draw: st.DrawFn, minute: int, start: int, level: st.SearchStrategy[str]) -> Entry:
    kind = draw(st.sampled_from(_KINDS))
    data: dict[str, object] = {}
    if kind is K.LEVEL:
        data = {"level": draw(level)}
    elif kind is K.FACTS:
        fact = draw(st.sampled_from(["hardware", "spares_on_site", "remote_solvable", "disaster", "customer_request"]))
        data = {fact: draw(st.sampled_from([0, 1, None]))}
    elif kind in (K.PART_NEEDED, K.PART_FITTED):
        data = {"part": draw(st.sampled_from(["fan", "battery"]))}
    elif kind is K.RESTORED:
        data = {"proof": draw(st.sampled_from(["telemetry", "person"]))}
    return entry(minute + 0.001, kind, base=start, **data)


def _plain(found: list[Clock]) -> list[Clock]:
    """Without the numbers of the entries, which are the order of recording."""
    return [
        msgspec.structs.replace(c, begun=0, intervals=tuple(msgspec.structs.replace(i, by=0) for i in c.intervals))
        for c in found
    ]


def _edges(clock: Clock, now: int) -> list[tuple[int, int]]:
    return [(i.since, now if i.until is None else i.until) for i in clock.intervals]


def _last(ledger: list[Entry]) -> int:
    return max(e.at for e in ledger)


@settings(deadline=None, max_examples=80)
@given(_ledgers(), st.integers(0, 20_000))
def test_intervals_leave_no_hole_and_sum_up_to_the_clock(case: tuple[Policy, list[Entry], Place], minutes: int) -> None:
    of, ledger, _ = case
    now = max(ledger[0].at + minutes * MINUTE, _last(ledger))
    for clock in clocks(of, ledger, now):
        edges = _edges(clock, now)
        assert (edges[0][0], edges[-1][1]) == (clock.started_at, now)
        assert all(a[1] == b[0] for a, b in pairwise(edges)), "running and stopped time never overlap"
        assert all(start <= end for start, end in edges), "time never runs backwards"
        assert all(a.until != a.since for a in clock.intervals[:-1])
        assert round(sum(i.counted_s for i in clock.intervals), 3) == clock.counted_s
        assert clock.intervals[-1].until is None


@settings(deadline=None, max_examples=80)
@given(_ledgers())
def test_counted_time_is_the_wall_time_of_that_calendar(case: tuple[Policy, list[Entry], Place]) -> None:
    of, ledger, place = case
    now = _last(ledger) + 1
    calendars = {**BUILT_IN, **{p.calendar.id: p.calendar for r in of.clocks for p in r.promises}}
    for clock in clocks(of, ledger, now):
        for i, (since, until) in zip(clock.intervals, _edges(clock, now), strict=True):
            real = counted(calendars[i.calendar], place, since, until)
            assert round(i.counted_s * 1000) == (0 if i.state in _STILL else real)
        if all(i.calendar == "7x24" for i in clock.intervals):
            ran = sum(
                b - a for (a, b), i in zip(_edges(clock, now), clock.intervals, strict=True) if i.state not in _STILL
            )
            assert ran == round(clock.counted_s * 1000)


@settings(deadline=None, max_examples=80)
@given(_ledgers(), st.integers(0, 6000), st.integers(0, 6000))
def test_looking_again_later_only_moves_the_open_interval(
    case: tuple[Policy, list[Entry], Place], first: int, more: int
) -> None:
    of, ledger, _ = case
    base = _last(ledger)
    early = {(c.name, c.begun): c for c in clocks(of, ledger, base + first * MINUTE)}
    late = {(c.name, c.begun): c for c in clocks(of, ledger, base + (first + more) * MINUTE)}
    assert early.keys() == late.keys()
    for key, clock in early.items():
        then = late[key]
        finished = [i for i in clock.intervals if i.until is not None]
        assert list(then.intervals[: len(finished)]) == finished
        assert then.counted_s >= clock.counted_s
        assert (then.started_at, then.stopped_at, then.due_at) == (clock.started_at, clock.stopped_at, clock.due_at)
        assert not (clock.state is ClockState.BROKEN and then.state is not ClockState.BROKEN)
        if clock.stopped_at is not None or clock.state is ClockState.PAUSED:
            assert (then.counted_s, then.state) == (clock.counted_s, clock.state)


@settings(deadline=None, max_examples=80)
@given(_ledgers(), st.randoms(use_true_random=False), st.integers(0, 5 * HOUR))
def test_the_order_and_the_time_of_recording_do_not_matter(
    case: tuple[Policy, list[Entry], Place], order: random.Random, late_ms: int
) -> None:
    of, ledger, _ = case
    rest = [msgspec.structs.replace(e, recorded_at=e.recorded_at + late_ms) for e in ledger[1:]]
    order.shuffle(rest)
    now = _last(ledger) + HOUR
    shuffled = book(ledger[0], *rest)
    assert _plain(clocks(of, shuffled, now)) == _plain(clocks(of, ledger, now))
    assert msgspec.structs.replace(fold(shuffled), changed_at=0) == msgspec.structs.replace(fold(ledger), changed_at=0)


@settings(deadline=None, max_examples=80)
@given(_ledgers())
def test_a_running_clock_breaks_right_after_its_due_time_and_not_before(
    case: tuple[Policy, list[Entry], Place],
) -> None:
    of, ledger, _ = case
    now = _last(ledger)
    for clock in clocks(of, ledger, now):
        if clock.state is not ClockState.RUNNING or clock.due_at is None:
            continue
        assert clock.due_at >= now
        assert clock.warn_at is not None
        assert clock.warn_at <= clock.due_at
        key = (clock.name, clock.begun)
        then = {(c.name, c.begun): c.state for c in clocks(of, ledger, clock.due_at)}
        after = {(c.name, c.begun): c.state for c in clocks(of, ledger, clock.due_at + 1)}
        assert (then[key], after[key]) == (ClockState.RUNNING, ClockState.BROKEN)


@settings(deadline=None, max_examples=80)
@given(_ledgers(), st.integers(1, 5000))
def test_a_pause_shifts_what_is_still_owed_by_just_its_length(
    case: tuple[Policy, list[Entry], Place], wait: int
) -> None:
    of, ledger, _ = case
    if any(e.kind in (K.PAUSED, K.RESUMED) for e in ledger):
        ledger = book(*(e for e in ledger if e.kind not in (K.PAUSED, K.RESUMED)))
    base = _last(ledger)
    paused = entry(1, K.PAUSED, base=base)
    resumed = entry(1 + wait, K.RESUMED, base=base)
    before = {(c.name, c.begun): c for c in clocks(of, ledger, base + MINUTE)}
    waited = {(c.name, c.begun): c for c in clocks(of, book(*ledger, paused, resumed), resumed.at)}
    waits = {(r.name, r.start): r.pauses for r in of.clocks}
    for key, clock in before.items():
        then = waited[key]
        if clock.calendar != "7x24" or clock.state is not ClockState.RUNNING or clock.due_at is None:
            continue
        if _pauses(of.clocks, clock, waits):
            assert (then.counted_s, then.due_at) == (clock.counted_s, clock.due_at + wait * MINUTE)
        else:
            assert then.due_at == clock.due_at, "no contract, no pause"


def _pauses(rules: tuple[ClockRule, ...], clock: Clock, waits: dict[tuple[str, str], bool]) -> bool:
    return any(waits[(r.name, r.start)] for r in rules if r.name == clock.name)


@settings(deadline=None, max_examples=40)
@given(_ledgers(), st.integers(0, 20_000))
def test_explain_adds_up_and_what_time_brings_comes_once(case: tuple[Policy, list[Entry], Place], minutes: int) -> None:
    of, ledger, _ = case
    now = _last(ledger) + minutes * MINUTE
    ticket = fold(ledger)
    for item in explain(of, ticket, ledger, now).clocks:
        assert sum(b - a for c in item.counted for a, b in c.windows) == round(item.clock.counted_s * 1000)
    times = clocks(of, ledger, now)
    due = fall_due(of, ticket, ledger, times, now)
    later = book(*ledger, *(_as_entry(d.at, d.kind, now, dict(d.data)) for d in due))
    again = clocks(of, later, now)
    assert fall_due(of, fold(later), later, again, now) == [], "once each, also after a crash"
    moment = next_moment(of, fold(later), later, again, now)
    assert moment is None or moment > now


def _as_entry(when: int, kind: EntryKind, now: int, data: dict[str, object]) -> Entry:
    return msgspec.structs.replace(entry(0, kind, **data), at=when, recorded_at=now)


_CALENDARS = (
    WORKING,
    Calendar(id="six", days=(1, 2, 3, 4, 5, 6), opens_min=8 * 60 + 30, closes_min=24 * 60, holidays=False),
    Calendar(id="night", days=(7,), opens_min=0, closes_min=4 * 60),
)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(_CALENDARS),
    st.sampled_from(_PLACES),
    st.integers(at("2025-12-20 00:00"), at("2028-01-20 00:00")),
    st.integers(1, 90 * 24 * HOUR),
    st.integers(0, 500 * 24 * HOUR),
)
def test_the_table_of_a_year_says_what_walking_day_by_day_says(
    calendar: Calendar, place: Place, since: int, owed: int, later: int
) -> None:
    """`add` and `counted` look up; `windows`, which `ticket explain` prints, walks."""

    def walked(until: int) -> int:
        return sum(end - start for start, end in windows(calendar, place, since, until))

    assert counted(calendar, place, since, since + later) == walked(since + later)
    end = add(calendar, place, since, owed)
    assert end is not None
    assert (walked(end - 1), walked(end)) == (owed - 1, owed), "the first instant at which so much has counted"


def test_the_story_begins_with_the_opening_even_if_a_clock_was_wrong() -> None:
    early = entry(-30, K.ACKNOWLEDGED)
    assert [e.kind for e in story(book(opened(), early))] == [K.OPENED, K.ACKNOWLEDGED]

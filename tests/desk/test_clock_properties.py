"""What must hold for any ledger: sums, order of recording, and that the past stays as it was counted."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.calendars import Place, counted
from desk.clocks import clocks, story
from desk.policy import Policy
from desk.types import Clock, ClockState, Entry, EntryKind
from tests.desk.book import book, entry, opened, policy
from tests.desk.stage import T0

K = EntryKind
_KINDS = (K.ACKNOWLEDGED, K.ONSITE, K.RESTORED, K.RELAPSED, K.NOTE, K.LEVEL, K.CLOSED)
_SHANGHAI = Place()


@st.composite
def _ledgers(draw: st.DrawFn) -> tuple[Policy, list[Entry]]:
    id = draw(st.sampled_from(["powerstar", "default"]))
    of = policy(id)
    level = st.sampled_from([lv.id for lv in of.levels])
    first = opened(draw(level), draw(st.booleans()), draw(st.sampled_from([None, 3.0, 6.0, 10.0])), policy=of.pin)
    minutes = draw(st.lists(st.integers(1, 12_000), unique=True, max_size=8))
    events = []
    for minute in minutes:
        kind = draw(st.sampled_from(_KINDS))
        data = {"level": draw(level)} if kind is K.LEVEL else {}
        events.append(entry(minute + 0.001, kind, **data))
    return of, book(first, *events)


def _plain(found: list[Clock]) -> list[Clock]:
    """Without the numbers of the entries, which are the order of recording."""
    return [
        msgspec.structs.replace(c, intervals=tuple(msgspec.structs.replace(i, by=0) for i in c.intervals))
        for c in found
    ]


@settings(deadline=None, max_examples=60)
@given(_ledgers(), st.integers(0, 20_000))
def test_intervals_leave_no_hole_and_sum_up_to_the_clock(case: tuple[Policy, list[Entry]], minutes: int) -> None:
    of, ledger = case
    now = max(T0 + minutes * 60_000, story(ledger)[-1].at)
    for clock in clocks(of, ledger, now):
        edges = [(i.since, i.until if i.until is not None else now) for i in clock.intervals]
        assert edges[0][0] == clock.started_at
        assert edges[-1][1] == now
        assert all(a[1] == b[0] for a, b in pairwise(edges))
        assert round(sum(i.counted_s for i in clock.intervals), 3) == clock.counted_s
        if clock.calendar == "7x24" and of.id == "powerstar":
            running = sum(b - a for (a, b), i in zip(edges, clock.intervals, strict=True) if i.state != "stopped")
            assert running == round(clock.counted_s * 1000), "round the clock, what counts is what went by"


@settings(deadline=None, max_examples=60)
@given(_ledgers())
def test_counted_time_is_the_calendars_own(case: tuple[Policy, list[Entry]]) -> None:
    of, ledger = case
    now = story(ledger)[-1].at + 1
    calendars = {p.calendar.id: p.calendar for r in of.clocks for p in r.promises}
    for clock in clocks(of, ledger, now):
        for i in clock.intervals:
            real = counted(calendars[i.calendar], _SHANGHAI, i.since, now if i.until is None else i.until)
            assert round(i.counted_s * 1000) == (0 if i.state is ClockState.STOPPED else real)


@settings(deadline=None, max_examples=60)
@given(_ledgers(), st.integers(0, 6000), st.integers(0, 6000))
def test_looking_again_later_changes_no_finished_interval(
    case: tuple[Policy, list[Entry]], first: int, more: int
) -> None:
    of, ledger = case
    base = story(ledger)[-1].at
    early = {c.name: c for c in clocks(of, ledger, base + first * 60_000)}
    late = {c.name: c for c in clocks(of, ledger, base + (first + more) * 60_000)}
    for name, clock in early.items():
        finished = [i for i in clock.intervals if i.until is not None]
        assert list(late[name].intervals[: len(finished)]) == finished
        assert late[name].counted_s >= clock.counted_s
        assert not (clock.state is ClockState.BROKEN and late[name].state is not ClockState.BROKEN)


@settings(deadline=None, max_examples=60)
@given(_ledgers(), st.randoms(use_true_random=False))
def test_the_order_of_recording_does_not_matter(case: tuple[Policy, list[Entry]], random) -> None:
    of, ledger = case
    rest = ledger[1:]
    random.shuffle(rest)
    now = story(ledger)[-1].at + 3_600_000
    assert _plain(clocks(of, book(ledger[0], *rest), now)) == _plain(clocks(of, ledger, now))


@settings(deadline=None, max_examples=60)
@given(_ledgers())
def test_a_running_clock_breaks_right_after_its_due_time_and_not_before(case: tuple[Policy, list[Entry]]) -> None:
    of, ledger = case
    now = story(ledger)[-1].at
    for clock in clocks(of, ledger, now):
        if clock.state is not ClockState.RUNNING or clock.due_at is None:
            continue
        then = {c.name: c.state for c in clocks(of, ledger, clock.due_at)}
        after = {c.name: c.state for c in clocks(of, ledger, clock.due_at + 1)}
        assert (then[clock.name], after[clock.name]) == (ClockState.RUNNING, ClockState.BROKEN)
        assert clock.warn_at is not None
        assert clock.warn_at <= clock.due_at

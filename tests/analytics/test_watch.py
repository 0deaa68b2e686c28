"""The watch: columns, forwards only, one detector's defect stops nothing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.agents import silent
from analytics.detector import Block, Context, State
from analytics.detectors import DETECTORS
from analytics.replay import replay
from analytics.watch import Watch, blocks_of, step
from model.finding import Change, Cleared, Raised
from model.reading import Reading
from tests.analytics.timeline import T0, UPS, Line, context, of, outage, raised, tell


def test_readings_become_columns_in_rising_time_by_device_point_and_index() -> None:
    line = (
        Line().say(2, "1", ups__load=41).say(1, "1", ups__load=40).say(1, "2", ups__load=50).say(3, battery__charge=99)
    )
    [block] = blocks_of(line.readings, line.miss(9).gaps)
    assert block.columns["ups.load"]["1"].at == [T0 + 1000, T0 + 2000]
    assert block.columns["ups.load"]["1"].value == [40, 41]
    assert block.columns["battery.charge"][None].value == [99]
    assert (block.first_at, block.last_at) == (T0 + 1000, T0 + 9000)


def test_nothing_makes_no_blocks() -> None:
    assert blocks_of([], []) == []


def test_a_repeated_batch_is_seen_once() -> None:
    line = outage(Line(), start=10, end=600, capacity=0.6)
    watch = Watch()
    first = tell(line, watch=watch)
    assert first
    assert tell(line, watch=watch) == []
    assert watch.late == len(line.readings)


def test_history_that_comes_later_wakes_nobody() -> None:
    watch = Watch()
    assert tell(Line().say(1000, ups__source=3), watch=watch) == []
    assert tell(Line().say(500, ups__source=5), watch=watch) == []
    assert watch.late == 1


def test_an_overlap_is_cut_not_dropped() -> None:
    watch = Watch()
    tell(Line().say(10, ups__source=3), watch=watch)
    changes = tell(Line().say(10, ups__source=3).say(12, ups__source=5), watch=watch)
    assert len(raised(changes, "on_battery")) == 1


def test_devices_are_watched_apart() -> None:
    twin = outage(Line("sz-futian/ups-2"), start=10, end=600)
    weak = outage(Line(UPS), start=10, end=600, capacity=0.6)
    changes = tell(weak, twin, batch_s=10)
    assert {f.device for f in raised(changes, "on_battery")} == {UPS, "sz-futian/ups-2"}
    assert {f.device for f in raised(changes, "runtime_shortfall")} == {UPS}


@settings(deadline=None, max_examples=20)
@given(st.integers(5, 200), st.booleans())
def test_batches_of_any_length_and_a_restart_between_them_say_the_same(batch_s: int, restart: bool) -> None:
    line = outage(Line(), start=100, end=700, capacity=0.6, until=900)
    whole = tell(line)
    watch = Watch()
    parts: dict[int, list[Reading]] = {}
    for reading in line.readings:
        parts.setdefault((reading.at - T0) // 1000 // batch_s, []).append(reading)
    changes: list[Change] = []
    for number in sorted(parts):
        changes += step(watch, blocks_of(parts[number], []), context, 0)
        if restart:
            watch = msgspec.msgpack.decode(msgspec.msgpack.encode(watch), type=Watch)
    for kind in ("on_battery", "runtime_shortfall"):
        assert of(changes, kind) == of(whole, kind)


def test_replay_is_the_same_as_live() -> None:
    line = outage(Line(), start=100, end=700, capacity=0.6)
    [(now, changes)] = replay([(line.readings, [])], context)
    assert changes == tell(line)
    assert now == line.readings[-1].at


class _Broken:
    kinds = frozenset({"fan"})
    needs = frozenset({"ups.source"})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:
        raise ZeroDivisionError("a defect of ours")


def test_a_broken_detector_is_told_and_the_others_go_on() -> None:
    watch = Watch()
    blocks = blocks_of(Line().say(0, ups__source=5).readings, [])
    changes = step(watch, blocks, context, 0, {"broken": _Broken(), **DETECTORS})
    assert len(raised(changes, "on_battery")) == 1
    [fault] = watch.faults
    assert (fault.device, fault.detector, fault.error) == (UPS, "broken", "ZeroDivisionError: a defect of ours")
    msgspec.msgpack.encode(watch)


class TestAgents:
    @pytest.mark.parametrize(("now", "expected"), [(30_000, []), (30_001, ["a"])])
    def test_a_site_is_silent_past_the_limit_and_not_before(self, now: int, expected: list[str]) -> None:
        changes = silent({"a": 0, "b": now}, now, 30, set())
        assert [c.finding.device.partition("/")[0] for c in changes if isinstance(c, Raised)] == expected

    def test_it_is_said_once_and_ends_when_it_is_heard(self) -> None:
        assert silent({"a": 0}, 100_000, 30, {"a"}) == []
        [end] = silent({"a": 100_000}, 100_001, 30, {"a"})
        assert isinstance(end, Cleared)
        assert (end.device, end.at) == ("a/agent", 100_000)

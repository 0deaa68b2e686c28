"""Who is asked next on one line, played in virtual time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.profiles import Tier
from agent.schedule import REST, WAITS_FOR, LinkSchedule, Pauses, Turn

ORDINARY = Pauses(status_s=2, measure_s=10, identity_s=86400)


class Line:
    """A line in virtual time: `cost` seconds for an answer, `timeout` for none."""

    def __init__(self, devices: list[str], pauses: Pauses, *, cost: float = 0.1, timeout: float = 1.0) -> None:
        self.schedule = LinkSchedule(devices, pauses, 0.0)
        self.now = 0.0
        self.dead: set[str] = set()
        self.deaf_to: set[tuple[str, Tier]] = set()
        self.on_battery: set[str] = set()
        self.cost, self.timeout = cost, timeout
        self.turns: list[tuple[float, Turn, bool]] = []

    def run(self, until: float) -> None:
        while self.now < until:
            turn = self.schedule.next(self.now)
            if isinstance(turn, float):
                assert turn > self.now, "a schedule that waits for the past spins"
                self.now = turn
                continue
            began, answered = self.now, turn.device not in self.dead and (turn.device, turn.tier) not in self.deaf_to
            self.now += self.cost if answered else self.timeout
            says = (turn.device in self.on_battery) if answered and turn.tier is Tier.STATUS else None
            self.turns.append((began, turn, answered))
            self.schedule.done(turn, answered=answered, on_battery=says, began=began, now=self.now)

    def times(self, device: str, tier: Tier) -> list[float]:
        return [at for at, turn, _ in self.turns if turn.device == device and turn.tier is tier]

    def airtime(self, device: str) -> float:
        """The share of the time so far that a device had."""
        used = sum(self.cost if answered else self.timeout for _, t, answered in self.turns if t.device == device)
        return used / self.now


def test_each_tier_keeps_its_pause_on_a_line_with_room() -> None:
    line = Line(["a", "b"], ORDINARY)
    line.run(100)
    assert len(line.times("a", Tier.STATUS)) == 50
    assert 9 <= len(line.times("a", Tier.MEASURE)) <= 11
    assert len(line.times("a", Tier.IDENTITY)) == 1


def test_everything_is_asked_once_before_anything_is_asked_often() -> None:
    line = Line(["a", "b", "c"], Pauses(status_s=0.05, measure_s=0.2, identity_s=86400))
    line.run(0.85)
    assert Counter((t.device, t.tier) for _, t, _ in line.turns) == Counter(
        (device, tier) for device in "abc" for tier in Tier
    )
    assert [t.tier for _, t, _ in line.turns[:3]] == [Tier.STATUS] * 3


def test_on_a_line_too_slow_alarms_stay_the_freshest_and_measures_still_come() -> None:
    line = Line(["a", "b"], Pauses(status_s=0.1, measure_s=0.5, identity_s=50), cost=1.0)
    line.run(400)
    for device in "ab":
        status, measure = len(line.times(device, Tier.STATUS)), len(line.times(device, Tier.MEASURE))
        assert WAITS_FOR - 0.5 <= status / measure <= WAITS_FOR + 0.5
        assert len(line.times(device, Tier.IDENTITY)) >= 6


def test_a_missed_period_is_not_made_up_for() -> None:
    line = Line(["a"], ORDINARY)
    line.run(10)
    line.now += 3600  # the machine slept
    before = len(line.turns)
    line.run(line.now + 1.5)
    assert Counter(t.tier for _, t, _ in line.turns[before:]) == {Tier.STATUS: 1, Tier.MEASURE: 1}


def test_a_dead_device_costs_a_shared_line_little_and_is_still_asked() -> None:
    line = Line(["a", "b", "dead"], ORDINARY)
    line.dead = {"dead"}
    line.run(600)
    asked = line.times("dead", Tier.STATUS)
    assert len(line.times("a", Tier.STATUS)) > 280
    assert line.airtime("dead") < 0.06
    assert 20 <= len(asked) <= 30, "it comes back within half a minute"
    assert {t.tier for _, t, _ in line.turns if t.device == "dead"} == {Tier.STATUS}


def test_the_first_missed_answer_is_asked_again_after_one_ordinary_pause() -> None:
    line = Line(["a", "b"], ORDINARY)
    line.run(9)
    line.dead = {"a"}
    line.run(15)
    line.dead = set()
    missed = [at for at, t, answered in line.turns if not answered]
    assert missed[1] - (missed[0] + line.timeout) == pytest.approx(2.0, abs=0.2)


def test_dead_devices_in_a_row_never_stand_before_the_live_ones() -> None:
    dead = [f"dead-{n}" for n in range(6)]
    line = Line(["live-1", "live-2", *dead], Pauses(status_s=1, measure_s=5, identity_s=86400), timeout=2.0)
    line.dead = set(dead)
    line.run(20)  # by now all are known to be dead
    began = len(line.turns)
    line.run(600)
    order = [t.device for _, t, _ in line.turns[began:]]
    for first, second in pairwise(order):
        assert not (first in dead and second in dead), "two time-outs in a row while a live device waited"
    assert all(line.times(device, Tier.STATUS) for device in dead)


def test_a_silent_device_on_a_shared_line_rests_longer_than_its_timeouts_cost() -> None:
    fast = Pauses(status_s=0.03, measure_s=0.2, identity_s=1000, silent_s=0.5)
    line = Line(["a", "dead"], fast, cost=0.05, timeout=1.0)
    line.dead = {"dead"}
    line.run(200)
    asked = line.times("dead", Tier.STATUS)[2:]
    assert min(b - a - 1.0 for a, b in pairwise(asked)) >= REST * 1.0


def test_a_device_that_comes_back_is_asked_everything_anew() -> None:
    line = Line(["a"], ORDINARY)
    line.run(30)
    line.dead = {"a"}
    line.run(130)
    line.dead = set()
    back = line.now
    line.run(back + 35)
    assert [at for at in line.times("a", Tier.IDENTITY) if at >= back], "it may be another device now"
    assert [at for at in line.times("a", Tier.MEASURE) if at >= back]


def test_a_device_that_never_tells_its_name_is_not_taken_for_dead_and_is_asked_ever_more_seldom() -> None:
    line = Line(["a", "b"], ORDINARY)
    line.deaf_to = {("a", Tier.IDENTITY)}
    line.run(1000)
    assert len(line.times("a", Tier.STATUS)) > 480
    asked = line.times("a", Tier.IDENTITY)
    assert 4 <= len(asked) <= 7
    pauses = [b - a for a, b in pairwise(asked)]
    assert pauses == sorted(pauses)
    assert line.schedule.silent() == ()


def test_a_device_that_falls_silent_in_a_slower_turn_is_found_out_by_its_status_at_once() -> None:
    line = Line(["a"], ORDINARY)
    line.run(9)
    line.dead = {"a"}
    line.schedule._devices["a"].tiers[Tier.MEASURE].due = 9.5
    line.run(12)
    missed = [(turn.tier, at) for at, turn, answered in line.turns if not answered]
    assert [tier for tier, _ in missed[:2]] == [Tier.MEASURE, Tier.STATUS]
    assert missed[1][1] == pytest.approx(missed[0][1] + line.timeout)


def test_a_device_on_battery_is_measured_as_often_as_its_status_is_asked() -> None:
    line = Line(["a", "b"], ORDINARY)
    line.run(40)
    line.on_battery = {"a"}
    line.run(100)
    discharge = [at for at in line.times("a", Tier.MEASURE) if at >= 42]
    assert len(discharge) >= 27
    line.on_battery = set()
    line.run(104)
    line.run(204)
    assert len([at for at in line.times("a", Tier.MEASURE) if at >= 104]) <= 12
    assert len(line.times("b", Tier.MEASURE)) <= 22


def test_the_floor_holds_however_fast_the_story_runs() -> None:
    line = Line(["a"], Pauses(status_s=0.001, measure_s=0.01, identity_s=9, floor_s=0.5), cost=0.01)
    line.run(60)
    asked = line.times("a", Tier.STATUS)
    assert min(b - a for a, b in pairwise(asked)) >= 0.5


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 6),
    dead=st.sets(st.integers(0, 5)),
    status_s=st.floats(0.1, 5),
    ratio=st.floats(1, 20),
    cost=st.floats(0.1, 2),
    timeout=st.floats(0.1, 3),
    flips=st.lists(st.integers(0, 5), max_size=6),
)
def test_no_device_is_ever_starved(
    count: int, dead: set[int], status_s: float, ratio: float, cost: float, timeout: float, flips: list[int]
) -> None:
    pauses = Pauses(status_s=status_s, measure_s=status_s * ratio, identity_s=status_s * ratio * 3)
    devices = [f"d{n}" for n in range(count)]
    line = Line(devices, pauses, cost=cost, timeout=timeout)
    line.dead = {f"d{n}" for n in dead if n < count}
    # Whatever came before, in the window after it every device has its turns.
    for n in flips:
        line.run(line.now + 20)
        line.dead ^= {f"d{n}"} if n < count else set()
    began = line.now
    window = 2 * (30 + count * (status_s * ratio * 3 + 20 * (cost + timeout * (1 + REST))))
    line.run(began + window)
    for device in devices:
        tiers = [Tier.STATUS] if device in line.dead else list(Tier)
        for tier in tiers:
            assert [at for at in line.times(device, tier) if at >= began], (device, tier)

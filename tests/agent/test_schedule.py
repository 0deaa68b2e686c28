"""Who is asked next on one line, played in virtual time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.profiles import Tier
from agent.profiles.form import ROW_TIERS
from agent.schedule import BATTERY_REST, DETECTED, FULL_EACH, GONE, REST, WAITS_FOR, LinkSchedule, Pauses, Turn
from agent.urgency import Urgency

ORDINARY = Pauses(status_s=2, measure_s=10, identity_s=86400)


class Line:
    """A line in virtual time: `cost` seconds for an answer, for none twice `timeout`, and for a probe what it may take."""

    def __init__(self, devices: list[str], pauses: Pauses, *, cost: float = 0.1, timeout: float = 1.0) -> None:
        self.schedule = LinkSchedule(devices, pauses, 0.0)
        self.now = 0.0
        self.dead: set[str] = set()
        self.deaf_to: set[tuple[str, Tier]] = set()
        self.on_battery: set[str] = set()
        self.lossy: set[str] = set()  #: they answer after a time-out and its repeat
        self.port_gone = False
        self.cost, self.timeout = cost, timeout
        self.turns: list[tuple[float, Turn, bool]] = []
        self.spent: list[float] = []

    def run(self, until: float) -> None:
        while self.now < until:
            turn = self.schedule.next(self.now)
            if isinstance(turn, float):
                assert turn > self.now, "a schedule that waits for the past spins"
                self.now = min(turn, float(until))
                continue
            began, answered = self.now, turn.device not in self.dead and (turn.device, turn.tier) not in self.deaf_to
            answered &= not self.port_gone
            cost = 0.001 if self.port_gone else self.cost if answered else self._lost(turn)
            lossy = answered and turn.device in self.lossy
            cost += lossy * 2 * self.timeout
            self.now += cost
            battery = Urgency.BATTERY if turn.device in self.on_battery else Urgency.CALM
            says = battery if answered and turn.tier is Tier.STATUS else None
            self.turns.append((began, turn, answered))
            self.spent.append(cost)
            gone = self.port_gone
            self.schedule.done(
                turn, answered=answered, urgency=says, began=began, now=self.now, cost=cost, gone=gone, lossy=lossy
            )

    def _lost(self, turn: Turn) -> float:
        """Retried in a live device's turn; a probe is one attempt, mostly as long as three slow answers."""
        if not turn.probe:
            return 2 * self.timeout
        return self.timeout if turn.full else min(self.timeout, 3 * self.cost)

    def times(self, device: str, tier: Tier) -> list[float]:
        return [at for at, turn, _ in self.turns if turn.device == device and turn.tier is tier]

    def airtime(self, device: str, since: float = 0.0) -> float:
        """The share of the time since then that a device had."""
        used = sum(
            cost
            for (at, turn, _), cost in zip(self.turns, self.spent, strict=True)
            if turn.device == device and at >= since
        )
        return used / (self.now - since)

    def widest(self, device: str, tier: Tier, since: float = 0.0) -> float:
        """The longest stretch from one turn to the next."""
        return max(b - a for a, b in pairwise(at for at in self.times(device, tier) if at >= since))


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
        (device, tier) for device in "abc" for tier in ROW_TIERS
    )
    assert [t.tier for _, t, _ in line.turns[:3]] == [Tier.STATUS] * 3


def test_on_a_line_too_slow_alarms_stay_the_freshest_and_measures_still_come() -> None:
    line = Line(["a", "b"], Pauses(status_s=0.1, measure_s=0.5, identity_s=50), cost=1.0)
    line.run(400)
    for device in "ab":
        status, measure = len(line.times(device, Tier.STATUS)), len(line.times(device, Tier.MEASURE))
        assert WAITS_FOR - 0.5 <= status / measure <= WAITS_FOR + 0.5
        assert len(line.times(device, Tier.IDENTITY)) >= 6


def test_a_device_that_loses_half_of_its_replies_leaves_the_line_to_the_others() -> None:
    names = [*"abcdefgh"]
    line = Line(names, Pauses(status_s=1, measure_s=10, identity_s=86400), cost=0.05)
    line.lossy = {"a"}
    line.run(600)
    others = [len(line.times(device, Tier.STATUS)) for device in names[1:]]
    assert min(others) > 0.7 * 600, "it was a third"
    assert 0.15 < line.airtime("a", 60) < 0.3
    assert line.widest("a", Tier.STATUS, 60) < 18, "one rest, or two with a measurement between"
    line.on_battery = {"a"}
    line.run(700)
    assert line.widest("a", Tier.STATUS, 620) < 5, "an urgent one rests no more"
    line.lossy, line.on_battery = set(), set()
    line.run(900)
    assert line.widest("a", Tier.STATUS, 720) < 2


def test_a_lossy_device_alone_on_its_line_is_asked_as_ever_and_a_trap_ends_a_rest() -> None:
    alone = Line(["a"], Pauses(status_s=1, measure_s=3600, identity_s=86400))
    alone.lossy = {"a"}
    alone.run(100)
    assert alone.widest("a", Tier.STATUS, 10) < 3
    two = Line(["a", "b"], Pauses(status_s=1, measure_s=3600, identity_s=86400))
    two.lossy = {"a"}
    two.run(50)
    (last,) = two.times("a", Tier.STATUS)[-1:]
    two.now = last + 2.5
    two.schedule.nudge("a", Tier.STATUS, two.now)
    assert isinstance(turn := two.schedule.next(two.now), Turn)
    assert turn.device == "a"


def test_a_missed_period_is_not_made_up_for() -> None:
    line = Line(["a"], ORDINARY)
    line.run(10)
    line.now += 3600  # the machine slept
    before = len(line.turns)
    line.run(line.now + 1.5)
    assert Counter(t.tier for _, t, _ in line.turns[before:]) == {Tier.STATUS: 1, Tier.MEASURE: 1}


def test_a_dead_device_has_at_most_two_percent_of_a_shared_line_and_is_still_asked() -> None:
    line = Line(["a", "b", "dead"], ORDINARY)
    line.run(60)
    line.dead = {"dead"}
    line.run(100)  # found out by now
    line.run(3700)
    asked = [at for at in line.times("dead", Tier.STATUS) if at >= 100]
    assert line.airtime("dead", since=100) <= 0.02
    assert len(line.times("a", Tier.STATUS)) > 0.97 * 3700 / 2
    assert len(asked) > 100, "short probes let it be found again soon"
    assert max(b - a for a, b in pairwise(asked)) < (REST + 1) * line.timeout + 1, "after each probe with the full time"
    assert {t.tier for at, t, _ in line.turns if t.device == "dead" and at >= 70} == {Tier.STATUS}


def test_a_silent_device_is_probed_once_a_turn_and_every_fourth_probe_waits_as_long_as_a_slow_device_needs() -> None:
    line = Line(["a", "dead"], ORDINARY)
    line.dead = {"dead"}
    line.run(600)
    probes = [turn for _, turn, _ in line.turns if turn.device == "dead"]
    assert not probes[0].probe, "the first time it is asked like any other"
    assert all(turn.probe for turn in probes[1:])
    assert [turn.full for turn in probes[1:9]] == [(n + 1) % FULL_EACH == 0 for n in range(8)]


def test_the_first_missed_answer_is_asked_again_after_one_ordinary_pause() -> None:
    line = Line(["a", "b"], ORDINARY)
    line.run(9)
    line.dead = {"a"}
    line.run(15)
    line.dead = set()
    missed = [at for at, t, answered in line.turns if not answered]
    assert missed[1] - (missed[0] + 2 * line.timeout) == pytest.approx(2.0, abs=0.2)


def test_three_misses_that_find_a_silent_device_out_come_within_half_a_minute_however_slow_it_was() -> None:
    line = Line(["a", "b"], ORDINARY, cost=0.9)
    line.run(9)
    line.dead = {"a"}
    line.run(60)
    missed = [at for at, t, answered in line.turns if not answered]
    assert 15 <= missed[DETECTED - 1] - missed[0] <= 30


def test_dead_devices_in_a_row_never_stand_before_the_live_ones() -> None:
    dead = [f"dead-{n}" for n in range(6)]
    line = Line(["live-1", "live-2", *dead], Pauses(status_s=1, measure_s=5, identity_s=86400), timeout=2.0)
    line.dead = set(dead)
    line.run(60)  # by now all are known to be dead
    began = len(line.turns)
    line.run(600)
    order = [t.device for _, t, _ in line.turns[began:]]
    for first, second in pairwise(order):
        assert not (first in dead and second in dead), "two time-outs in a row while a live device waited"
    assert all(line.times(device, Tier.STATUS) for device in dead)


def test_a_device_alone_on_its_line_is_asked_again_soon_for_its_silence_costs_no_one() -> None:
    line = Line(["a"], Pauses(status_s=2, measure_s=10, identity_s=86400, silent_s=4))
    line.run(9)
    line.dead = {"a"}
    line.run(300)
    asked = line.times("a", Tier.STATUS)
    assert max(b - a for a, b in pairwise(asked)) <= 4 + line.timeout + 0.1


def test_a_port_that_is_back_has_all_its_devices_asked_at_once() -> None:
    line = Line(["a", "b", "c"], ORDINARY)
    line.run(20)
    line.port_gone = True
    line.run(320)
    tried = sorted(at for at, _, _ in line.turns if at >= 60)
    assert max(b - a for a, b in pairwise(tried)) <= 3 * 2.1, "the port is tried about once an ordinary pause"
    line.port_gone = False
    back = line.now
    line.schedule.port_back(back)
    line.run(back + 3)
    assert {t.device for at, t, _ in line.turns if at < back + 1.0 and at >= back} == set("abc")
    assert line.schedule.silent() == ()
    assert [at for at in line.times("a", Tier.IDENTITY) if at >= back], "what hangs there may be another device"


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
    line.run(13)
    missed = [(turn.tier, at) for at, turn, answered in line.turns if not answered]
    assert [tier for tier, _ in missed[:2]] == [Tier.MEASURE, Tier.STATUS]
    assert missed[1][1] == pytest.approx(missed[0][1] + 2 * line.timeout)


def test_a_device_on_battery_has_its_battery_asked_as_fast_as_the_line_carries() -> None:
    line = Line(["a", "b"], ORDINARY)
    line.run(40)
    assert not line.times("a", Tier.BATTERY)
    line.on_battery = {"a"}
    line.run(100)
    discharge = [at for at in line.times("a", Tier.BATTERY) if at >= 42]
    free = 58 - sum(
        cost for (at, t, _), cost in zip(line.turns, line.spent, strict=True) if t.tier is not Tier.BATTERY and at >= 42
    )
    assert len(discharge) * line.cost >= 0.97 * free, "all that the others leave"
    line.on_battery = set()
    line.run(104)
    line.run(204)
    assert not [at for at in line.times("a", Tier.BATTERY) if at >= 104]


def test_urgent_devices_share_what_is_left_and_nobody_s_status_is_late() -> None:
    devices = [f"d{n}" for n in range(8)]
    line = Line(devices, ORDINARY)
    line.on_battery = {"d1", "d4", "d7"}
    line.run(300)
    curves = [len(line.times(device, Tier.BATTERY)) for device in sorted(line.on_battery)]
    assert max(curves) - min(curves) <= 2
    assert min(curves) > 300
    for device in devices:
        assert line.widest(device, Tier.STATUS, since=10) <= 2 + 8 * line.cost
        assert line.widest(device, Tier.MEASURE, since=10) <= 10 + 8 * line.cost


def test_on_a_line_without_room_a_discharge_still_has_its_share() -> None:
    line = Line(["a", "b", "c"], Pauses(status_s=0.2, measure_s=5, identity_s=86400), cost=0.1)
    line.on_battery = {"a"}
    line.run(300)
    battery, status = len(line.times("a", Tier.BATTERY)), len(line.times("a", Tier.STATUS))
    assert battery >= status / (WAITS_FOR + 1)
    assert line.widest("b", Tier.STATUS, since=5) <= 0.9


def test_a_device_without_a_battery_is_asked_for_it_once() -> None:
    schedule = LinkSchedule(["switch"], ORDINARY, 0.0)
    now, asked = 0.0, 0
    while now < 60:
        turn = schedule.next(now)
        if isinstance(turn, float):
            now = turn
            continue
        battery = turn.tier is Tier.BATTERY
        asked += battery
        schedule.done(turn, answered=True, urgency=Urgency.PRESSING, began=now, now=now + 0.1, empty=battery)
        now += 0.1
    assert asked == 1


def test_an_alarm_that_stands_has_the_battery_asked_at_the_pace_of_the_status() -> None:
    schedule = LinkSchedule(["a"], ORDINARY, 0.0)
    now, asked = 0.0, 0
    while now < 100:
        turn = schedule.next(now)
        if isinstance(turn, float):
            now = turn
            continue
        asked += turn.tier is Tier.BATTERY
        schedule.done(turn, answered=True, urgency=Urgency.STANDING, began=now, now=now + 0.1)
        now += 0.1
    assert 45 <= asked <= 51


def test_a_device_that_falls_silent_on_battery_is_asked_often_for_a_tenth_of_the_line_and_then_rests() -> None:
    line = Line(["a", "b", "c"], Pauses(status_s=2, measure_s=10, identity_s=86400, last_words_s=120), timeout=1.0)
    line.on_battery = {"a", "b"}
    line.run(30)
    line.dead = {"a", "b"}
    line.run(140)
    for device in "ab":
        assert len([at for at in line.times(device, Tier.STATUS) if at >= 30]) >= 8
    assert line.airtime("a", since=40) + line.airtime("b", since=40) <= 0.105
    line.run(200)
    line.run(2000)
    assert line.airtime("a", since=200) <= 0.02
    assert line.widest("c", Tier.STATUS) <= 2 + 2 * 2 * line.timeout + 0.5


def test_a_device_that_falls_silent_on_battery_on_its_own_line_is_asked_at_the_pace_of_its_status() -> None:
    line = Line(["a"], Pauses(status_s=2, measure_s=10, identity_s=86400, silent_s=30, last_words_s=120))
    line.on_battery = {"a"}
    line.run(30)
    line.dead = {"a"}
    line.run(140)
    assert line.widest("a", Tier.STATUS, since=30) <= 2 + 2 * line.timeout + 0.1
    assert line.schedule.standing("a").missed > GONE


def test_the_floor_holds_however_fast_the_story_runs() -> None:
    line = Line(["a"], Pauses(status_s=0.001, measure_s=0.01, identity_s=9, floor_s=0.5), cost=0.01)
    line.on_battery = {"a"}
    line.run(60)
    for tier in (Tier.STATUS, Tier.BATTERY):
        asked = line.times("a", tier)
        assert len(asked) > 50
        assert min(b - a for a, b in pairwise(asked)) >= 0.499


LINES = st.fixed_dictionaries(
    {
        "count": st.integers(1, 8),
        "dead": st.sets(st.integers(0, 7)),
        "battery": st.sets(st.integers(0, 7)),
        "status_s": st.floats(0.1, 5),
        "ratio": st.floats(1, 8),
        "cost": st.floats(0.05, 1),
        "timeout": st.floats(0.1, 2),
        "flips": st.lists(st.integers(0, 7), max_size=5),
    }
)


def _played(case: dict[str, Any]) -> Line:
    """The line of a case, after devices fell silent and came back as it says."""
    count, status_s = case["count"], case["status_s"]
    pauses = Pauses(status_s=status_s, measure_s=status_s * case["ratio"], identity_s=status_s * case["ratio"] * 3)
    line = Line([f"d{n}" for n in range(count)], pauses, cost=case["cost"], timeout=case["timeout"])
    line.dead = {f"d{n}" for n in case["dead"] if n < count}
    line.on_battery = {f"d{n}" for n in case["battery"] if n < count}
    for n in case["flips"]:
        line.run(line.now + 20)
        line.dead ^= {f"d{n}"} if n < count else set()
    return line


@settings(max_examples=20, deadline=None, derandomize=True)
@given(case=LINES)
def test_no_device_is_ever_starved_and_no_live_one_waits_beyond_its_fair_bound(case: dict[str, Any]) -> None:
    line = _played(case)
    count, cost, timeout, status_s = case["count"], case["cost"], case["timeout"], case["status_s"]
    began = line.now
    settled = began + 30 + 20 * status_s + 2 * (REST + 2) * timeout
    # Between two status turns of a device every other one may have one of each kind, and the silent ones one probe.
    fair_s = status_s + (1 + count) * len(Tier) * cost + 2 * timeout
    line.run(settled + count * status_s * case["ratio"] * 4 + (REST + 2) * count * timeout + 2 * WAITS_FOR * fair_s)
    for device in line.schedule._devices:
        if device in line.dead:
            assert [at for at in line.times(device, Tier.STATUS) if at >= began], device
            continue
        for tier in ROW_TIERS:
            assert [at for at in line.times(device, tier) if at >= began], (device, tier)
        assert line.widest(device, Tier.STATUS, since=settled) <= fair_s + 1e-6
        if device in line.on_battery:
            assert [at for at in line.times(device, Tier.BATTERY) if at >= settled]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(case=LINES)
def test_a_dead_device_never_has_more_than_two_percent_once_it_is_found_out(case: dict[str, Any]) -> None:
    line = _played(case)
    if case["count"] == 1 or not line.dead:
        return
    line.run(line.now + 60 + 400 + 2 * case["count"] * case["timeout"] * BATTERY_REST)  # on battery it may have more
    began = line.now
    line.run(began + 20 * (REST + 1) * case["timeout"] + 300)
    for device in line.dead:
        # One probe may lie at the very beginning: it is not yet rested for.
        assert line.airtime(device, since=began) <= 0.02 + case["timeout"] / (line.now - began)


def test_a_nudged_device_is_asked_at_once_and_its_neighbours_lose_nothing() -> None:
    line = Line(["a", "b"], Pauses(status_s=60, measure_s=600, identity_s=86400))
    line.run(10)
    line.schedule.nudge("a", Tier.STATUS, 10.0)
    line.schedule.nudge("a", Tier.MEASURE, 12.0)
    line.schedule.nudge("nobody", Tier.STATUS, 10.0)
    line.run(50)
    assert [at for at in line.times("a", Tier.STATUS) if at >= 10] == [pytest.approx(10, abs=0.2)]
    assert [at for at in line.times("a", Tier.MEASURE) if at >= 10] == [pytest.approx(12, abs=0.2)]
    assert [at for at in line.times("b", Tier.STATUS) if at >= 10] == []
    line.run(75)
    assert [at for at in line.times("b", Tier.STATUS) if at >= 10] == [pytest.approx(60, abs=0.5)]


def test_a_nudge_that_comes_while_its_turn_is_under_way_is_not_lost_with_it() -> None:
    schedule = LinkSchedule(["a"], Pauses(status_s=60, measure_s=600, identity_s=86400), 0.0)
    for tier in (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY):
        turn = schedule.next(1.0)
        assert isinstance(turn, Turn)
        assert turn.tier is tier
        if tier is Tier.STATUS:
            schedule.nudge("a", Tier.STATUS, 1.5)
        schedule.done(turn, answered=True, began=1.0, now=1.2)
    turn = schedule.next(1.6)
    assert isinstance(turn, Turn)
    assert turn.due == 1.5
    schedule.done(turn, answered=True, began=1.6, now=1.7)
    after = schedule.next(1.8)
    assert isinstance(after, float)
    assert after > 60


def test_a_nudged_silent_device_is_asked_for_its_status_and_nothing_more() -> None:
    line = Line(["a"], ORDINARY)
    line.dead = {"a"}
    line.run(200)
    before = len(line.turns)
    line.schedule.nudge("a", Tier.STATUS, line.now)
    line.schedule.nudge("a", Tier.MEASURE, line.now)
    began = line.now
    line.run(began + 1)
    assert [(turn.tier, at) for at, turn, _ in line.turns[before:]] == [(Tier.STATUS, began)]


def test_lines_that_begin_together_do_not_go_on_in_step() -> None:
    pauses = Pauses(status_s=10.0, measure_s=60.0, identity_s=86400.0)
    dues: list[list[float]] = []
    for spread in (0.0, 0.25):
        schedule = LinkSchedule(["d"], pauses, 0.0, spread)
        mine: list[float] = []
        now = 0.0
        while len(mine) < 4:
            turn = schedule.next(now)
            if isinstance(turn, float):
                now = turn
                continue
            if turn.tier is Tier.STATUS:
                mine.append(now)
            schedule.done(turn, answered=True, began=now, now=now)
        dues.append(mine)
    assert dues == [[0.0, 10.0, 20.0, 30.0], [0.0, 7.5, 17.5, 27.5]]

"""The time line of one boot: it rises, it never jumps, and it says when the wall does."""

from __future__ import annotations

from agent.clock import UNSET_BEFORE_MS, AgentClock
from model.timescale import TimeScale

T0 = 1_780_000_000_000
HOUR_MS = 3_600_000


class Machine:
    """The two clocks of a machine, set by the test."""

    def __init__(self, wall_ms: int = T0) -> None:
        self.wall_ms = wall_ms
        self.up_s = 500.0

    def pass_s(self, seconds: float) -> None:
        self.wall_ms += round(seconds * 1000)
        self.up_s += seconds

    def clock(self, scale: TimeScale | None = None, above: int = 0) -> AgentClock:
        return AgentClock(scale or TimeScale(), above, lambda: self.wall_ms, lambda: self.up_s)


def test_an_hour_forward_moves_no_reading_and_is_told_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_s(10)
    machine.wall_ms += HOUR_MS
    machine.pass_s(5)
    assert clock.now() == T0 + 15_000
    assert clock.step() == HOUR_MS
    assert clock.step() is None
    machine.pass_s(60)
    assert clock.step() is None
    assert clock.now() == T0 + 75_000


def test_an_hour_back_moves_no_reading_and_is_told_once() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    machine.wall_ms -= HOUR_MS
    machine.pass_s(1)
    assert clock.now() == before + 1_000
    assert clock.step() == -HOUR_MS
    assert clock.step() is None


def test_slow_drift_is_told_when_it_has_grown_to_a_step() -> None:
    machine = Machine()
    clock = machine.clock()
    told = []
    for _ in range(300):
        machine.pass_s(1)
        machine.wall_ms += 10
        told.append(clock.step())
    assert [step for step in told if step] == [2_010]


def test_a_step_is_told_in_story_time() -> None:
    machine = Machine()
    clock = machine.clock(TimeScale(t0=T0, real0=T0, speed=60))
    machine.pass_s(1)
    machine.wall_ms += 10_000
    assert clock.now() == T0 + 60_000
    assert clock.step() == 600_000


def test_however_often_it_is_asked_the_line_stays_with_the_wall() -> None:
    """A thousand devices ask it some thousand times a second; what makes times unique is the backlog."""
    machine = Machine()
    clock = machine.clock()
    assert [clock.now() for _ in range(5_000)] == [T0] * 5_000
    machine.pass_s(1)
    assert clock.now() == T0 + 1_000


def test_a_boot_after_the_wall_was_put_back_goes_on_above_the_spool() -> None:
    machine = Machine(T0 - HOUR_MS)
    clock = machine.clock(above=T0)
    assert clock.now() == T0 + 1
    machine.pass_s(2)
    assert clock.now() == T0 + 2_001


def test_a_spool_opened_late_lifts_the_line_and_never_lowers_it() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.raise_above(T0 - 5_000)
    assert T0 <= clock.now() <= T0 + 5
    clock.raise_above(T0 + 9_000)
    assert clock.now() > T0 + 9_000


def test_a_wall_that_was_never_set_is_known_by_its_year() -> None:
    machine = Machine(86_400_000)  # 2 January 1970
    clock = machine.clock()
    assert clock.estimated()
    machine.wall_ms = UNSET_BEFORE_MS + 1
    assert not clock.estimated()
    assert clock.step() is not None


def test_each_run_of_the_agent_is_a_boot_of_its_own() -> None:
    machine = Machine()
    assert machine.clock().boot != machine.clock().boot

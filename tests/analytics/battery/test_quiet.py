"""The quiet path of the battery's file comes to the same state as the walk through every sample."""

from __future__ import annotations

import pytest

from analytics.battery import quiet
from analytics.detector import Block
from analytics.detectors.battery_verdict import BatteryVerdict
from analytics.watch import blocks_of
from model.inventory import Battery
from tests.analytics.battery.cabinet import Cabinet
from tests.analytics.timeline import UPS, Line, context
from tests.contracts.test_detectors import blocks, healthy, wild


class Recording(Cabinet):
    def __init__(self) -> None:
        super().__init__(soh=0.6)
        self.line = Line()

    def hear(self, line: Line) -> list[object]:  # type: ignore[override]
        self.line.readings += line.readings
        return []


def after_an_outage() -> tuple[Line, ...]:
    cabinet = Recording()
    cabinet.rest(1)
    cabinet.outage(420)
    cabinet.rest(1)
    return (cabinet.line,)


STORIES = {"wild": wild(0), "healthy": healthy(), "outage": after_an_outage()}


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("batch_s", [1, 60])
def test_the_short_way_and_the_long_way_end_in_one_state(
    story: str, batch_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = blocks(STORIES[story], batch_s)
    short = states(some)
    monkeypatch.setattr(quiet, "is_quiet", lambda state, block: False)
    assert states(some) == short


def test_a_quiet_day_takes_the_short_way() -> None:
    some = blocks(healthy(), 10)
    state, _ = BatteryVerdict().step(BatteryVerdict().fresh(), some[0], context(UPS), 0)
    assert all(quiet.is_quiet(state, block) for block in some[1:])


def test_two_flags_that_rest_tell_nothing_new() -> None:
    line = Line().say(1, alarm__replace_battery=0).say(1, alarm__battery_bad=0)
    [block] = blocks_of(line.readings, [])
    state, _ = BatteryVerdict().step(BatteryVerdict().fresh(), block, context(UPS), 0)
    assert state["flag"][2] == "alarm.replace_battery"
    assert quiet.is_quiet(state, block)


def states(some: list[Block]) -> list[dict[str, object]]:
    """The state after each block; a step that changes the state handed in would show in the one before."""
    detector, known = BatteryVerdict(), context(UPS, battery=Battery(blocks=16, block_ah=38))
    found = [detector.fresh()]
    for block in some:
        found.append(detector.step(found[-1], block, known, block.last_at)[0])
    return found

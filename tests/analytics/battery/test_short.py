"""A shorted cell by the string's own volts: two runs from full, each two volts lower than all before."""

from __future__ import annotations

from tests.analytics.battery.cabinet import Cabinet
from tests.analytics.timeline import Line, cleared, raised

KIND = "cell_shorted"


class Shorted(Cabinet):
    lost_v: float = 0.0

    def hear(self, line: Line):  # type: ignore[no-untyped-def]
        for n, reading in enumerate(line.readings):
            if reading.point == "battery.voltage" and reading.value < 2.2 * self.make.cells:
                line.readings[n] = type(reading)(
                    device=reading.device,
                    point=reading.point,
                    index=reading.index,
                    at=reading.at,
                    value=reading.value - self.lost_v,
                )
        return super().hear(line)


def story(losses: list[float], **more: float) -> Shorted:
    cabinet = Shorted()
    for lost in losses:
        cabinet.lost_v, cabinet.load = lost, 40.0 * more.get("load", 1.0)
        cabinet.self_test(30)
        cabinet.rest(3)
    return cabinet


def test_a_cell_that_shorts_is_told_at_the_second_run() -> None:
    cabinet = story([0, 0, 0, 0, 0, 0, 2.1, 2.1])
    [found] = raised(cabinet.changes, KIND)
    assert "V lower than the 5 before" in found.evidence[0].text.en
    assert "block" in found.advice.en
    assert raised(story([0, 0, 0, 0, 0, 0, 2.1]).changes, KIND) == [], "one run may be a slip"


def test_it_clears_when_the_block_was_exchanged_or_the_inventory_has_another_battery() -> None:
    assert len(cleared(story([0.0] * 6 + [2.1, 2.1, 0.0]).changes, KIND)) == 1
    cabinet = story([0.0] * 6 + [2.1, 2.1])
    cabinet.installed = "2026-03-01"
    cabinet.rest(1)
    assert len(cleared(cabinet.changes, KIND)) == 1


def test_wear_a_jumping_gauge_and_a_loose_unit_are_none() -> None:
    slow: list[float] = [0.3 * n for n in range(10)]
    jumping: list[float] = [0, 3, 0, 3, 0, 3, 2, 2]
    for losses in (slow, jumping, [0.0] * 6 + [25.0, 25.0], [0.0] * 10):
        assert raised(story(losses).changes, KIND) == [], losses

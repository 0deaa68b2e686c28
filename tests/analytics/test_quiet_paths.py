"""Raw detectors have a short way for quiet blocks; whichever blocks take it, what is said is what the walk through every sample says."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType

import pytest

from analytics.condition import Condition
from analytics.detector import Block, Detector
from analytics.detectors import (
    DETECTORS,
    battery_low,
    battery_runaway,
    input_quality,
    not_charging,
    on_battery,
    output_quality,
    regulating,
    transfers_rising,
)
from model.finding import Change
from model.inventory import Battery
from tests.analytics.timeline import Line, context
from tests.contracts.test_detectors import DEVICE, blocks, healthy, wild

#: Where each detector decides that a block is quiet.
SHORT: tuple[tuple[str, ModuleType | type, str], ...] = (
    ("on_battery", on_battery, "_quiet"),
    ("battery_low", battery_low, "_quiet"),
    ("battery_runaway", battery_runaway, "_cool"),
    ("input_quality", input_quality, "_quiet"),
    ("not_charging", not_charging, "_quiet"),
    ("output_quality", output_quality, "_quiet"),
    ("output_quality", output_quality, "_unjudged"),
    ("regulating", regulating, "_quiet"),
    ("transfers_rising", transfers_rising, "_quiet"),
    ("bypass", Condition, "_well"),
    ("ups_fault", Condition, "_well"),
)
KNOWN = context(DEVICE, battery=Battery(blocks=16, block_ah=38, runtime_s=1800))


def fed() -> tuple[Line, ...]:
    """Three hours of volts and hertz on both sides: well, then the input low, then the output alone, and well again; half an hour on battery in between."""
    line, dice = Line(DEVICE), random.Random(3)
    for n in range(1000):
        out = 420 <= n < 590
        volts_in = 0.0 if out else 230 + dice.uniform(-4, 4) - (30 if 300 <= n < 400 else 0)
        volts = 230 + dice.uniform(-1, 1) - (20 if 600 <= n < 700 else 0)
        line.say(n * 10, "1", input__voltage=volts_in, output__voltage=volts, input__frequency=50.0)
        line.say(
            n * 10,
            ups__source=5 if out else 3,
            output__frequency=49.0 if 800 <= n < 850 else 50.0,
            alarm__input_bad=int(out),
        )
        line.say(
            n * 10, battery__charge=100, battery__temperature=25 + (9 if 900 <= n < 950 else 0), battery__current=0.1
        )
    return (line,)


def said(detector: Detector, some: list[Block]) -> list[Change]:
    state, changes = detector.fresh(), list[Change]()
    for block in some:
        state, told = detector.step(state, block, KNOWN, block.last_at)
        changes += told
    return changes


@pytest.mark.parametrize(("name", "where", "how"), SHORT)
def test_the_short_way_is_taken_by_chance_and_nothing_else_is_said(
    name: str, where: ModuleType | type, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short: Callable[..., bool] = getattr(where, how)
    dice, taken = random.Random(7), [0]

    def sometimes(*given: object) -> bool:
        quiet = short(*given) and dice.random() < 0.5
        taken[0] += quiet
        return quiet

    for story in (wild(5), healthy(), fed()):
        for batch_s in (1, 60):
            some = blocks(story, batch_s)
            monkeypatch.setattr(where, how, short)
            always = said(DETECTORS[name], some)
            monkeypatch.setattr(where, how, lambda *_: False)
            assert said(DETECTORS[name], some) == always
            monkeypatch.setattr(where, how, sometimes)
            assert said(DETECTORS[name], some) == always
    assert taken[0] > 50, "a short way that is never taken shows nothing"

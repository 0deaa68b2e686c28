"""Months of a battery on float, told by the hour: seasons, tests and outages, and what a test wants to go wrong.

Own equations, none of the detectors': compensated float with a gauge's offset and steps, rest by a double exponential.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from math import exp, pi, sin

import msgspec

from analytics.detector import Context
from analytics.watch import Watch
from model.finding import Change
from model.inventory import Battery
from tests.analytics.timeline import Line, context, tell

HOUR, DAY = 3600.0, 86_400.0
BLOCKS = 16
CELLS = 96

#: hour of the story -> what differs from the usual round, by point
Fault = Callable[[float], dict[str, float]]


def usual(hour: float, dice: random.Random, offset: float = 0.0) -> dict[str, float]:
    """A healthy hour: warm afternoons, warm summers, a float that follows."""
    celsius = 25 + 5 * sin(2 * pi * hour / 8766) + 2 * sin(2 * pi * hour / 24) + dice.gauss(0, 0.3)
    volts = CELLS * (2.27 - 0.003 * (celsius - 25)) * (1 + offset) + dice.gauss(0, 0.15)
    return {
        "ups.source": 3, "alarm.on_battery": 0, "alarm.test_in_progress": 0, "battery.charge": 100,
        "battery.voltage": round(volts, 1), "battery.temperature": round(celsius), "ups.load": round(40 + 5 * sin(2 * pi * hour / 24)),
    }  # fmt: skip


def rested(hours: float, drain_v: float = 0.0) -> float:
    """Volts of the string so long after the charger let go; `drain_v` a cell and hour."""
    return round(CELLS * (2.150 + 0.06 * exp(-hours / 1.5) + 0.05 * exp(-hours / 12) - drain_v * hours), 1)


def told(
    days: float, fault: Fault = lambda _: {}, *, seed: int = 1, tests: bool = True, offset: float = 0.0, drop: tuple[str, ...] = ()
) -> Line:  # fmt: skip
    """One reading an hour a series; a self-test each fortnight, an outage of ten minutes each month."""
    dice, line = random.Random(seed), Line()
    for hour in range(int(days * 24)):
        at = hour * HOUR
        points = {**usual(hour, dice, offset), **fault(hour)}
        if points.pop("silent", 0):
            continue
        for point, value in points.items():
            if point not in drop:
                name, _, index = point.partition("#")
                line.say(at, index or None, **{name.replace(".", "__"): value})
        if tests and hour % 336 == 300 and points["ups.source"] == 3:
            for s in range(10, 30, 10):
                line.say(at + s, alarm__test_in_progress=1, battery__voltage=round(CELLS * 2.02, 1))
            line.say(at + 30, alarm__test_in_progress=0)
        if tests and hour % 720 == 500 and points["ups.source"] == 3:
            for s in range(10, 610, 60):
                line.say(at + s, ups__source=5, alarm__on_battery=1, battery__charge=round(100 - s / 60))
                line.say(at + s, battery__voltage=round(CELLS * (2.05 - s / 12_000), 1))
            line.say(at + 620, ups__source=3, alarm__on_battery=0)
    return line


def battery(**more: object) -> Callable[[str], Context]:
    def made(device: str) -> Context:
        found = context(device, battery=Battery(blocks=BLOCKS, block_ah=9.0, **more))  # type: ignore[arg-type]
        return msgspec.structs.replace(found, device=msgspec.structs.replace(found.device, rated_va=10_000.0))

    return made


def unlisted(device: str) -> Context:
    return context(device)


def heard(line: Line, context_of: Callable[[str], Context] | None = None, batch_s: float = DAY) -> list[Change]:
    return tell(line, batch_s=batch_s, watch=Watch(), context_of=context_of or battery())

"""Months of a UPS by the hour, for detectors of slow faults: seasons, working days, and what a test wants to go wrong.

Own equations, none of the detectors'. `lived` gives closed hours; a fault is a function of the hour that changes what is told.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from math import pi, sin

from analytics.detector import Context
from analytics.hours import HOUR_MS, HourColumn, HourlyDetector, Hours
from model.finding import Change
from tests.analytics.timeline import T0, UPS, context

#: A Monday at midnight, UTC.
START = T0 - (T0 - 4 * 86_400_000) % (7 * 86_400_000)
Told = dict[str, float]  #: "point" or "point#index" -> the hour's mean
#: (hour, what a healthy one tells) -> what is told; an empty dict is silence
Fault = Callable[[int, Told], Told]


def healthy(hour: int, dice: random.Random) -> Told:
    """An hour of a double-conversion UPS with three phases in a room with weak cooling."""
    work = hour % 24 in range(8, 19) and hour // 24 % 7 < 5
    room = 23 + 4 * sin(2 * pi * hour / 8766) + sin(2 * pi * (hour - 9) / 24) + dice.gauss(0, 0.2)
    load = (46 if work else 36) + dice.gauss(0, 1)
    mains = 230 + 2 * sin(2 * pi * hour / 24) + dice.gauss(0, 0.7)
    told = {
        "ambient.temperature": room,
        "ups.temperature": room + 4 + 0.09 * load + dice.gauss(0, 0.3),
        "ups.source": 3.0,
    }
    for phase in "123":
        told[f"input.voltage#{phase}"] = mains + dice.gauss(0, 0.5)
        told[f"output.voltage#{phase}"] = 230 + dice.gauss(0, 0.2)
        told[f"ups.load#{phase}"] = load + dice.gauss(0, 0.5)
    for fan in "12":
        told[f"entity.fan.speed#{fan}"] = (
            2600 * (0.8 + 0.3 * load / 100) * (1 + 0.01 * (room - 23)) * (1 + dice.gauss(0, 0.005))
        )
    told["battery.voltage"] = 218 + dice.gauss(0, 0.1)
    return told


def lived(
    days: float,
    fault: Fault = lambda _, told: told,
    *,
    seed: int = 1,
    ends: dict[str, tuple[float, float]] | None = None,
) -> Hours:
    """`ends`: by point, how far below and above its mean a series went within each hour."""
    dice = random.Random(seed)
    columns: dict[str, dict[str | None, HourColumn]] = {}
    for hour in range(int(days * 24)):
        for name, value in fault(hour, healthy(hour, dice)).items():
            point, _, index = name.partition("#")
            low, high = (ends or {}).get(point, (0.0, 0.0))
            column = columns.setdefault(point, {}).setdefault(index or None, HourColumn([], [], [], [], [], [], [], []))
            column.at.append(START + hour * HOUR_MS)
            column.n.append(60)
            column.mean.append(value)
            column.low.append(value - low)
            column.high.append(value + high)
            column.first.append(value)
            column.last.append(value)
            column.moves.append(0)
    return Hours(UPS, columns, START, START + int(days * 24) * HOUR_MS)


def heard(detector: HourlyDetector, hours: Hours, known: Context | None = None) -> list[Change]:
    """What one detector says of them."""
    return detector.step(detector.fresh(), hours, known or context(), hours.last_at)[1]


def day(at: int | None) -> float:
    """A time of a finding in days of the story."""
    assert at is not None
    return (at - START) / 86_400_000


def events(hour: int, told: Told) -> Told:
    """What happens to a healthy one: an outage a month and the recharge that warms it, a maintenance day, gaps, a new rack."""
    since = hour % 720 - 300
    if since == 0:
        told |= {"ups.source": 5.0, "input.voltage#1": 0.0, "input.voltage#2": 0.0, "input.voltage#3": 0.0}
    if 0 <= since < 14:
        told["ups.temperature"] += 3
    if hour in range(2000, 2004):
        told |= {
            "ups.source": 4.0,
            "ups.load#1": 0.0,
            "ups.load#2": 0.0,
            "ups.load#3": 0.0,
            "ups.temperature": told["ambient.temperature"] + 1,
        }
    if hour in range(2500, 2520) or hour % 97 == 0:
        return {}
    if hour > 3000:
        for phase in "123":
            told[f"ups.load#{phase}"] += 12
        told["ups.temperature"] += 1.1
    return told

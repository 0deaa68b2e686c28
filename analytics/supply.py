"""What feeds a UPS's output, from the two witnesses that devices offer: `ups.source` and `alarm.on_battery`.

Either may be missing; on battery is believed as soon as one of them says so, mains only when none does.
"""

from __future__ import annotations

from analytics.detector import Block
from model.points import Source

SOURCE = "ups.source"
FLAG = "alarm.on_battery"
POINTS = (SOURCE, FLAG)
_BATTERY = float(Source.BATTERY)


def says_battery(point: str, value: float) -> bool:
    """Whether one sample of `POINTS` says that the battery feeds the load."""
    return value == Source.BATTERY if point == SOURCE else value >= 0.5


def heard(supply: list[str], point: str, value: float) -> list[str]:
    """The witnesses that say "battery", after one more sample (a new list when that changed)."""
    if says_battery(point, value) == (point in supply):
        return supply
    return [p for p in supply if p != point] if point in supply else [*supply, point]


def mentions_battery(block: Block) -> bool:
    """Whether any sample in the block says "battery". Every detector that minds the battery asks it of every block."""
    series = block.columns.get(SOURCE)
    if series is not None:
        for column in series.values():
            if _BATTERY in column.value:
                return True
    series = block.columns.get(FLAG)
    if series is not None:
        for column in series.values():
            if max(column.value) >= 0.5:
                return True
    return False

"""What feeds a UPS's output, from the two witnesses that devices offer: `ups.source` and `alarm.on_battery`.

Either may be missing; on battery is believed as soon as one of them says so, mains only when none does.
"""

from __future__ import annotations

from functools import partial
from operator import eq, le

from analytics.detector import Block
from analytics.walk import ever
from model.points import Source

SOURCE = "ups.source"
FLAG = "alarm.on_battery"
POINTS = (SOURCE, FLAG)
# Built-in functions: they are asked of every sample by every detector that minds the battery.
_on_battery = partial(eq, float(Source.BATTERY))
_raised = partial(le, 0.5)


def says_battery(point: str, value: float) -> bool:
    """Whether one sample of `POINTS` says that the battery feeds the load."""
    return value == Source.BATTERY if point == SOURCE else value >= 0.5


def heard(supply: list[str], point: str, value: float) -> list[str]:
    """The witnesses that say "battery", after one more sample (a new list when that changed)."""
    if says_battery(point, value) == (point in supply):
        return supply
    return [p for p in supply if p != point] if point in supply else [*supply, point]


def mentions_battery(block: Block) -> bool:
    """Whether any sample in the block says "battery"."""
    return ever(block, SOURCE, _on_battery) or ever(block, FLAG, _raised)

"""What counters added in each hour: the difference of the newest values of two hours, where it can be known.

`last` is {key: [at ms of the hour, value]}, of the caller's own. An hour is unknown (None) when it is the first, when the device restarted since
the last one, when the counter fell (a wrap or a reset), or when more than `LONGEST_H` hours went by. Unknown counts as nothing: never as
a huge or negative number.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from analytics.hours import HourColumn

HOUR_MS = 3_600_000
LONGEST_H = 26
WRAP_32 = 2.0**32
Last = dict[str, list[float]]


def added(last: Last, key: str, at: int, value: float, restarted: bool) -> float | None:
    """How much the counter `key` rose since its last hour, or None. `last` is moved on."""
    before = last.get(key)
    last[key] = [at, value]
    if before is None or restarted or at - before[0] > LONGEST_H * HOUR_MS:
        return None
    more = value - before[1]
    return more if more >= 0 else None


def rises(up: float, uptime: Mapping[str | None, HourColumn]) -> float | None:
    """The newest up-time where it only rises through these hours, and since the newest before them (`up`); None: a restart may be among them."""
    for column in uptime.values():
        if len(uptime) > 1 or column.last[0] < up:
            return None
        if column.low is not column.first and any(
            low < first for low, first in zip(column.low, column.first, strict=True)
        ):
            return None
        if any(newer < older for older, newer in pairwise(column.last)):
            return None
        up = column.last[-1]
    return up


def all_added(last: Last, key: str, column: HourColumn) -> list[float | None]:
    """`added` for each hour of a column, without a restart. `last` is moved on."""
    before, found = last.get(key), list[float | None]()
    was_at, was = before if before else (column.at[0] - (LONGEST_H + 1) * HOUR_MS, 0.0)
    for at, value in zip(column.at, column.last, strict=True):
        more = value - was
        found.append(more if more >= 0 and at - was_at <= LONGEST_H * HOUR_MS else None)
        was_at, was = at, value
    last[key] = [was_at, was]
    return found

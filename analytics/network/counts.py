"""What counters added in each hour: the difference of the newest values of two hours, where it can be known.

`last` is {key: [at ms of the hour, value]}, of the caller's own. An hour is unknown (None) when it is the first, when the device restarted since
the last one, when the counter fell (a wrap or a reset), or when more than `LONGEST_H` hours went by. Unknown counts as nothing: never as
a huge or negative number.
"""

from __future__ import annotations

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

"""A slope that outliers do not pull (Theil-Sen), how sure it is (Kendall), and when a limit is reached.

Theil 1950, Sen 1968: the median of the slopes of all pairs; its error from the spread of Kendall's S. Both take the values as
independent: take the daily and weekly cycle out first (days, weeks, `profile`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, sqrt
from typing import NamedTuple

import numpy as np

from analytics.slow.days import DAY_MS

_Z90 = 1.6449


class Slope(NamedTuple):
    """`per_x`, with P5 and P95 in `low` and `high`; `p`: how often chance alone gives as much, either way; `at_end`: the level at the newest x."""

    per_x: float
    low: float
    high: float
    at_end: float
    p: float
    n: int

    @property
    def rises(self) -> bool:
        """Even the careful end of the interval rises."""
        return self.low > 0

    @property
    def falls(self) -> bool:
        """Even the careful end of the interval falls."""
        return self.high < 0


class Crossing(NamedTuple):
    """When a limit is reached (ms): middle, soonest (P5) and latest (P95; None: it may never be)."""

    at: int
    soonest: int
    latest: int | None


def theil_sen(x: Sequence[float], y: Sequence[float]) -> Slope | None:
    """The slope of y on x (rising, at most a few hundred values); None for fewer than 4 values or one x only.

    >>> theil_sen([0, 1, 2, 3, 4], [1.0, 3.0, 5.0, 70.0, 9.0]).per_x
    2.0
    """
    n = len(x)
    if n < 4 or x[0] == x[-1]:
        return None
    xs, ys = np.asarray(x, float), np.asarray(y, float)
    first, second = np.triu_indices(n, 1)
    dx, dy = xs[second] - xs[first], ys[second] - ys[first]
    slopes = np.sort(dy[dx > 0] / dx[dx > 0])
    middle = float(np.median(slopes))
    kendall = float(np.sign(dy[dx > 0]).sum())
    _, ties = np.unique(ys, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    reach = _Z90 * sqrt(variance)
    low = slopes[max(0, int((len(slopes) - reach) / 2))]
    high = slopes[min(len(slopes) - 1, int((len(slopes) + reach) / 2))]
    p = erfc(max(0.0, abs(kendall) - 1) / sqrt(2 * variance)) if variance > 0 else 1.0
    at_end = float(np.median(ys + middle * (xs[-1] - xs)))
    return Slope(middle, float(low), float(high), at_end, p, n)


def daily(days: Sequence[int], values: Sequence[float]) -> Slope | None:
    """`theil_sen` with x in days."""
    return theil_sen([float(day) for day in days], values)


def crossing(slope: Slope, now: int, limit: float) -> Crossing | None:
    """When a series with `slope` a day reaches `limit`; None when it goes the other way, or stands beyond the limit (then: `now`).

    >>> crossing(Slope(2.0, 1.0, 4.0, 10.0, 0.0, 9), 0, 30.0).at // DAY_MS
    10
    """
    left = limit - slope.at_end
    if left == 0:
        return Crossing(now, now, now)
    paces = (slope.per_x, slope.low, slope.high) if left > 0 else (-slope.per_x, -slope.high, -slope.low)
    middle, slow, fast = paces
    if middle <= 0:
        return None
    left = abs(left)
    return Crossing(
        _after(now, left / middle), _after(now, left / fast), _after(now, left / slow) if slow > 0 else None
    )


def _after(now: int, days: float) -> int:
    return now + round(min(days, 36_500.0) * DAY_MS)

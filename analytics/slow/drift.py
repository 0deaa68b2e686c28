"""How far a quantity has drifted from its own past under the same conditions (load, room), a value a day.

The first `learn` hours under each condition make its baseline, which then stays: a fault that grows for months must not become normal. Later
hours under it give a drift, difference or share of the baseline; hours under conditions never seen go into a baseline of their own.

State: {"base": {condition: [n, mean]}, "days": see `days`}.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from analytics.slow import days
from analytics.slow.days import Day
from analytics.slow.trend import Slope, daily

Drift = dict[str, Any]


def condition(*values: tuple[float, float]) -> str:
    """The name of a condition: each value in steps of its width.

    >>> condition((43.0, 10.0), (24.9, 5.0))
    '4:5'
    """
    return ":".join(str(round(value / width)) for value, width in values)


def take(
    drift: Drift, at: int, under: str, value: float, *, learn: int, share: bool, keep: int = 120, least: int = 6
) -> tuple[Drift, Day | None]:
    """Put an hour's value in. The day that closes by it, if at least `least` of its hours could be compared."""
    base: dict[str, list[float]] = drift.get("base", {})
    n, mean = base.get(under, (0, 0.0))
    if n < learn:
        return {**drift, "base": {**base, under: [n + 1, mean + (value - mean) / (n + 1)]}}, None
    if share and abs(mean) < 1e-9:
        return drift, None
    off = value / mean - 1 if share else value - mean
    kept, closed = days.take(drift.get("days", {}), at, off, keep=keep, least=least)
    return {**drift, "days": kept}, closed


def own(drift: Drift) -> Drift:
    """A copy that `put` may change."""
    return {"base": dict(drift.get("base", {})), "days": days.own(drift.get("days", {}))}


def put(
    drift: Drift, at: int, under: str, value: float, *, learn: int, share: bool, keep: int = 120, least: int = 6
) -> bool:
    """`take` into a drift of the caller's own (see `own`); whether a day closed by it."""
    n, mean = drift["base"].get(under, (0, 0.0))
    if n < learn:
        drift["base"][under] = [n + 1, mean + (value - mean) / (n + 1)]
        return False
    if share and abs(mean) < 1e-9:
        return False
    return days.put(drift["days"], at, value / mean - 1 if share else value - mean, keep=keep, least=least)


def known(drift: Drift, under: str, learn: int) -> float | None:
    """The baseline under a condition; None until it is learned."""
    n, mean = drift.get("base", {}).get(under, (0, 0.0))
    return mean if n >= learn else None


def newest(drift: Drift, n: int, today: int) -> float | None:
    """The median drift of the newest `n` days that could be compared; None: fewer, or they reach too far back (3 n days)."""
    rows = days.closed(drift.get("days", {}), n)
    if len(rows) < n or today - rows[0].day > 3 * n:
        return None
    return median(row.mean for row in rows)


def since(drift: Drift, beyond: float) -> int | None:
    """The start (ms) of the newest run of days that drifted further than `beyond` (below it, for a negative one)."""
    start = None
    for row in days.closed(drift.get("days", {})):
        out = row.mean > beyond if beyond > 0 else row.mean < beyond
        start = (row.at if start is None else start) if out else None
    return start


def pace(drift: Drift, n: int = 45) -> Slope | None:
    """The slope of the newest `n` days, a day."""
    rows = days.closed(drift.get("days", {}), n)
    return daily([row.day for row in rows], [row.mean for row in rows])

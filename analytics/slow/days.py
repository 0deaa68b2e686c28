"""Hours rolled up to days (UTC), for trends over months: a day is a row of numbers, and only the newest rows are kept.

State: {"open": row or absent, "rows": [row …]} with row = [day, n, sum, low, high]; `day` counts from 1970. A day closes when
an hour of a later day comes. Hours of a day that is closed are not taken (they cannot come: hours only go forwards).
"""

from __future__ import annotations

from typing import Any, NamedTuple

DAY_MS = 86_400_000
Days = dict[str, Any]


class Day(NamedTuple):
    """One day of one series. `low` and `high` are of the values put in (mostly hourly means)."""

    day: int
    n: int
    mean: float
    low: float
    high: float

    @property
    def at(self) -> int:
        """The day's start, ms."""
        return self.day * DAY_MS


def take(days: Days, at: int, value: float, *, keep: int, least: int = 1) -> tuple[Days, Day | None]:
    """Put one hour's value in. The day that closes by it, if it had `least` hours; the newest `keep` such days stay."""
    day = at // DAY_MS
    row = days.get("open")
    if row is None:
        return {**days, "open": [day, 1, value, value, value]}, None
    if day <= row[0]:
        return {**days, "open": [row[0], row[1] + 1, row[2] + value, min(row[3], value), max(row[4], value)]}, None
    fresh = [day, 1, value, value, value]
    if row[1] < least:
        return {**days, "open": fresh}, None
    return {"open": fresh, "rows": [*days.get("rows", []), row][-keep:]}, _day(row)


def own(days: Days) -> Days:
    """A copy that `put` may change."""
    row = days.get("open")
    return {**days, "open": [*row]} if row else {**days}


def put(days: Days, at: int, value: float, *, keep: int, least: int = 1) -> bool:
    """`take` into days of the caller's own (see `own`); whether a day closed by it."""
    day, row = at // DAY_MS, days.get("open")
    if row is not None and day <= row[0]:
        row[1] += 1
        row[2] += value
        if value < row[3]:
            row[3] = value
        if value > row[4]:
            row[4] = value
        return False
    days["open"] = [day, 1, value, value, value]
    if row is None or row[1] < least:
        return False
    days["rows"] = [*days.get("rows", []), row][-keep:]
    return True


def closed(days: Days, newest: int = 0) -> list[Day]:
    """The days that are closed and kept, the oldest first; `newest`: only so many of them."""
    return [_day(row) for row in days.get("rows", [])[-newest:]]


def _day(row: list[Any]) -> Day:
    return Day(row[0], row[1], row[2] / row[1], row[3], row[4])

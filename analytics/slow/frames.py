"""The hours of one device as frames: everything that was said in one hour, the oldest hour first.

A detector that takes one frame at a time says the same whether hours come one by one or a year at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from analytics.hours import HourColumn, Hours


class Hour(NamedTuple):
    """One series in one hour, in the point's unit (see `analytics.hours.HourColumn`)."""

    n: int
    mean: float
    low: float
    high: float
    first: float
    last: float
    moves: int


class Frame(NamedTuple):
    """One hour of a device. `at` is the hour's start (ms); `series[point][index]`, only what was said in that hour; read only."""

    at: int
    series: dict[str, dict[str | None, Hour]]

    def one(self, point: str) -> Hour | None:
        """The series without an index, or the only one there is."""
        series = self.series.get(point)
        if not series:
            return None
        return series.get(None) or (next(iter(series.values())) if len(series) == 1 else None)

    def mean(self, point: str) -> float | None:
        """The mean over all series of the point (phases, sensors): None when it was not said."""
        series = self.series.get(point)
        if not series:
            return None
        if len(series) == 1:
            [hour] = series.values()
            return hour.mean
        return sum([hour.mean for hour in series.values()]) / len(series)


Columns = dict[str | None, HourColumn]


def columns(hours: Hours, point: str) -> Columns:
    """The columns of one point; empty when it was not said."""
    return hours.columns.get(point, {})


def together(*series: Mapping[str | None, HourColumn]) -> list[int] | None:
    """The hours of all these columns, where all of them have the same ones; None where they differ, or there is none."""
    at: list[int] | None = None
    for some in series:
        for column in some.values():
            if at is None:
                at = column.at
            elif column.at is not at and column.at != at:
                return None
    return at


def means(hours: Hours, point: str) -> dict[int, float]:
    """By hour the mean over all series of the point, as `Frame.mean` has it; made once for all that ask, read only."""
    made: dict[str, dict[int, float]] = hours.shared.setdefault("means", {})
    found = made.get(point)
    if found is None:
        series = columns(hours, point)
        if len(series) == 1:
            [column] = series.values()
            found = dict(zip(column.at, column.mean, strict=True))
        else:
            said: dict[int, list[float]] = {}
            for column in series.values():
                for at, mean in zip(column.at, column.mean, strict=True):
                    said.setdefault(at, []).append(mean)
            found = {at: sum(some) / len(some) for at, some in said.items()}
        made[point] = found
    return found


def lasts(hours: Hours, point: str) -> dict[int, float]:
    """By hour the newest value of the series without an index, or of the only one there is."""
    series = columns(hours, point)
    one = series.get(None) or (next(iter(series.values())) if len(series) == 1 else None)
    return dict(zip(one.at, one.last, strict=True)) if one else {}


def heard(hours: Hours, points: Iterable[str]) -> list[int]:
    """The hours in which any of `points` was said, the oldest first."""
    found: set[int] = set()
    known: list[int] = []
    for point in points:
        for column in columns(hours, point).values():
            if column.at is not known:
                known = column.at
                found.update(known)
    return sorted(found)


def frames(hours: Hours, points: Iterable[str]) -> Iterator[Frame]:
    """The closed hours in which any of `points` was said; made once for all that ask, so a frame may hold other points as well."""
    points = frozenset(points)
    known: dict[int, Frame] = hours.shared.setdefault("frames", {})
    done: set[str] = hours.shared.setdefault("frames of", set())
    for point in sorted((points & hours.columns.keys()) - done):
        done.add(point)
        for index, column in hours.columns[point].items():
            rows = zip(
                column.n, column.mean, column.low, column.high, column.first, column.last, column.moves, strict=True
            )
            for at, row in zip(column.at, map(Hour._make, rows), strict=True):
                frame = known.get(at)
                if frame is None:
                    frame = known[at] = Frame(at, {})
                series = frame.series.get(point)
                if series is None:
                    frame.series[point] = {index: row}
                else:
                    series[index] = row
    for at in sorted(known):
        frame = known[at]
        if not points.isdisjoint(frame.series):
            yield frame

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

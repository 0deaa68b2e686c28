"""Hours: what each series of a device did in each hour of event time, for detectors that watch days and months.

A slow fault (a fan that wears, a memory that leaks, a laser that ages) does not need every sample: the hour's mean, extremes,
ends and number of moves say it, and a detector that wakes once an hour costs nothing between. The hours are
rolled up once for all of them, and history that was kept as hourly means goes in by the same door.

An hour closes when the device said anything `GRACE_MS` after its end, so that series of a slower tier still come into
it; a sample for an hour already closed is dropped and counted. Batch size and restarts change nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from analytics.detector import Block, Context, State
from model.finding import Change

HOUR_MS = 3_600_000
GRACE_MS = 600_000


class HourColumn(msgspec.Struct):
    """One series, one item an hour in which it said anything: rising `at` (ms, the hour's start), never empty.

    `n` samples; `mean`, `low`, `high`, `first`, `last` in the point's unit; `moves`: how often a sample differed from the one before it in
    this hour (so 0 for a stuck value, and the number of changes for a state).
    """

    at: list[int]
    n: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]
    first: list[float]
    last: list[float]
    moves: list[int]


class Hours(msgspec.Struct):
    """The hours of one device that closed with one block. `columns[point][index]`; `last_at`: the end (ms) of the newest."""

    device: str
    columns: dict[str, dict[str | None, HourColumn]]
    first_at: int
    last_at: int


class HourlyDetector(Protocol):
    """Like `analytics.detector.Detector`, but shown closed hours. `needs` are the points that are rolled up for it and wake it."""

    kinds: frozenset[str]
    needs: frozenset[str]

    def fresh(self) -> State:
        """The state before the first hour."""
        ...

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:
        """Take in closed hours, the oldest first. The state handed in is not changed."""
        ...


class Rolling(msgspec.Struct):
    """The hours of one device that are still open. `open[hour start][point][index or ""]` is [n, sum, low, high, first, last, moves]."""

    open: dict[int, dict[str, dict[str, list[Any]]]] = {}
    closed: int = 0  #: hours that start before this (ms) are closed
    late: int = 0


def roll(rolling: Rolling, block: Block, points: frozenset[str]) -> Hours | None:
    """Take the columns of `points` into the open hours (in place); the hours that close by this block, or None."""
    for point in points & block.columns.keys():
        for index, column in block.columns[point].items():
            _take(rolling, point, index or "", column.at, column.value)
    if not rolling.open:
        return None
    until = (block.last_at - GRACE_MS) // HOUR_MS * HOUR_MS
    due = sorted(hour for hour in rolling.open if hour < until)
    rolling.closed = max(rolling.closed, until)
    if not due:
        return None
    columns: dict[str, dict[str | None, HourColumn]] = {}
    for hour in due:
        for point, series in rolling.open.pop(hour).items():
            for key, sums in series.items():
                _close(columns.setdefault(point, {}), key or None, hour, sums)
    return Hours(block.device, columns, due[0], due[-1] + HOUR_MS)


def _take(rolling: Rolling, point: str, key: str, at: list[int], values: list[float]) -> None:
    hour, sums = -1, None
    for when, value in zip(at, values, strict=True):
        start = when - when % HOUR_MS
        if start != hour:
            hour = start
            if start < rolling.closed:
                sums = None
            else:
                series = rolling.open.setdefault(start, {}).setdefault(point, {})
                sums = series.get(key)
                if sums is None:
                    series[key] = [1, value, value, value, value, value, 0]
                    sums = series[key]
                    continue
        if sums is None:
            rolling.late += 1
            continue
        sums[0] += 1
        sums[1] += value
        if value != sums[5]:
            sums[6] += 1
            sums[5] = value
            if value < sums[2]:
                sums[2] = value
            elif value > sums[3]:
                sums[3] = value


def _close(series: dict[str | None, HourColumn], index: str | None, hour: int, sums: list[Any]) -> None:
    column = series.get(index)
    if column is None:
        column = series[index] = HourColumn([], [], [], [], [], [], [], [])
    n, total, low, high, first, last, moves = sums
    column.at.append(hour)
    column.n.append(n)
    column.mean.append(total / n)
    column.low.append(low)
    column.high.append(high)
    column.first.append(first)
    column.last.append(last)
    column.moves.append(moves)

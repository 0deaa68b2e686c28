"""Hours: what each series of a device did in each hour of event time, for detectors that watch days and months.

A slow fault (a fan that wears, a memory that leaks, a laser that ages) does not need every sample: the hour's mean, extremes,
ends and number of moves say it, and a detector that wakes once an hour costs nothing between. The hours are
rolled up once for all of them, and history that was kept as hourly means goes in by the same door.

An hour closes when the device said anything `GRACE_MS` after its end, so that series of a slower tier still come into
it; a sample for an hour already closed is dropped and counted. Batch size and restarts change nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Set
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
    """The hours of one device that closed with one block. `columns[point][index]`; `last_at`: the end (ms) of the newest.

    `shared` is what detectors make of the columns, by the name of its maker: made once, then read by all, changed by none.
    """

    device: str
    columns: dict[str, dict[str | None, HourColumn]]
    first_at: int
    last_at: int
    shared: dict[str, Any] = {}


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


Columns = dict[tuple[str, str], HourColumn]  #: by point and index or ""


class Rolling(msgspec.Struct):
    """The hours of one device that are still open. `open[hour start][point][index or ""]` is [n, sum, low, high, first, last, moves]."""

    open: dict[str, dict[str, dict[str, list[Any]]]] = {}  #: the snapshot's encoder orders by keys, so they are words
    closed: int = 0  #: hours that start before this (ms) are closed
    late: int = 0


def roll(rolling: Rolling, block: Block, points: frozenset[str]) -> Hours | None:
    """Take the columns of `points` into the open hours (in place); the hours that close by this block, or None."""
    rolled = points & block.columns.keys()
    start = block.first_at - block.first_at % HOUR_MS
    until = (block.last_at - GRACE_MS) // HOUR_MS * HOUR_MS
    whole: Columns = {}
    if (
        block.last_at < start + HOUR_MS and start >= rolling.closed
    ):  # nearly every block: a batch is shorter than an hour
        if rolled:
            _take_all(rolling.open.setdefault(str(start), {}), block, rolled)
    else:
        opened = set(map(int, rolling.open))
        known: tuple[list[int], list[int]] = ([], [])
        for point in rolled:
            for index, column in block.columns[point].items():
                at, values, key = column.at, column.value, index or ""
                end = bisect_left(at, until) if at[0] >= rolling.closed else 0
                if end > 1:
                    first = at[0] - at[0] % HOUR_MS  # it may go on with an hour that is open
                    begin = bisect_left(at, first + HOUR_MS, 0, end) if first in opened else 0
                    if begin:
                        _take(rolling, point, key, at[:begin], values[:begin])
                    if begin < end:
                        times = at[begin:end]
                        made = whole[point, key] = _at_once(times, values[begin:end], known)
                        if len(made.at) == len(times):
                            known = times, made.at
                    at, values = at[end:], values[end:]
                if at:
                    _take(rolling, point, key, at, values)
    if until <= rolling.closed or not (rolling.open or whole):
        return None
    rolling.closed = until
    due = sorted(hour for hour in map(int, rolling.open) if hour < until)
    if not due and not whole:
        return None
    columns = _columns(due, [rolling.open.pop(str(hour)) for hour in due], whole)
    ends = [(column.at[0], column.at[-1]) for column in whole.values()] + [(hour, hour) for hour in due]
    return Hours(block.device, columns, min(first for first, _ in ends), max(last for _, last in ends) + HOUR_MS)


def _at_once(at: list[int], values: list[float], known: tuple[list[int], list[int]]) -> HourColumn:
    """One series over hours that close with the block that tells them: they need not be kept open first.

    `known`: the times of another series and the hours they are of, for most are told together.
    """
    count = len(at)
    if count <= at[-1] // HOUR_MS - at[0] // HOUR_MS + 1:
        starts = known[1] if at == known[0] else [t - t % HOUR_MS for t in at]
        if len(set(starts)) == count:  # the slow tiers say it once an hour
            return _single(starts, values)
    hours: list[int] = []
    items: list[list[Any]] = []
    begin = 0
    while begin < count:
        start = at[begin] - at[begin] % HOUR_MS
        end = bisect_left(at, start + HOUR_MS, begin)
        series: dict[str, list[Any]] = {}
        _add(series, "", values[begin:end])
        hours.append(start)
        items.append(series[""])
        begin = end
    return _column(hours, items)


def _single(hours: list[int], values: list[float]) -> HourColumn:
    """Hours of one sample each: one list says all."""
    return HourColumn(hours, [1] * len(hours), values, values, values, values, values, [0] * len(hours))


def _columns(
    due: list[int], closing: list[dict[str, dict[str, list[Any]]]], whole: Columns
) -> dict[str, dict[str | None, HourColumn]]:
    """What was kept open, and after it what closed at once."""
    found: dict[tuple[str, str], tuple[list[int], list[list[Any]]]] = {}
    for hour, said in zip(due, closing, strict=True):
        for point, series in said.items():
            for key, sums in series.items():
                rows = found.get((point, key))
                if rows is None:
                    found[point, key] = [hour], [sums]
                else:
                    rows[0].append(hour)
                    rows[1].append(sums)
    columns: dict[str, dict[str | None, HourColumn]] = {}
    hours: dict[tuple[int, int], list[int]] = {}  # most series are told together
    for point, key in sorted(found.keys() | whole.keys()):  # by name: what was heard first depends on the batches
        kept, new = found.get((point, key)), whole.get((point, key))
        if kept is None or new is None:
            column = _column(*kept) if kept else new
            assert column is not None
        else:
            at, items = kept
            if len(at) == 1 == items[0][0] and new.low is new.high:
                both = hours.setdefault((at[0], id(new.at)), [])
                if not both:
                    both += [*at, *new.at]
                column = _single(both, [items[0][5], *new.mean])
            else:
                column = _joined(_column(at, items), new)
        columns.setdefault(point, {})[key or None] = column
    return columns


def _joined(one: HourColumn, other: HourColumn) -> HourColumn:
    return HourColumn(
        one.at + other.at,
        one.n + other.n,
        one.mean + other.mean,
        one.low + other.low,
        one.high + other.high,
        one.first + other.first,
        one.last + other.last,
        one.moves + other.moves,
    )


def _take_all(hour: dict[str, dict[str, list[Any]]], block: Block, points: Set[str]) -> None:
    """Take a block that lies in one open hour."""
    for point in points:
        series = hour.get(point)
        if series is None:
            series = hour[point] = {}
        for index, column in block.columns[point].items():
            _add(series, index or "", column.value)


def _take(rolling: Rolling, point: str, key: str, at: list[int], values: list[float]) -> None:
    """Take one series, whatever hours it is of."""
    begin, size, opened = 0, len(at), rolling.open
    while begin < size:
        start = at[begin] - at[begin] % HOUR_MS
        end = begin + 1
        if end < size and at[end] < start + HOUR_MS:
            end = bisect_left(at, start + HOUR_MS, end)
        if start < rolling.closed:
            rolling.late += end - begin
        else:
            name = str(start)
            hour = opened.get(name)
            if hour is None:
                hour = opened[name] = {}
            series = hour.get(point)
            if series is None:
                series = hour[point] = {}
            if end - begin == 1 and key not in series:  # the slow tiers say it once an hour
                value = values[begin]
                series[key] = [1, value, value, value, value, value, 0]
            else:
                _add(series, key, values[begin:end])
        begin = end


def _add(series: dict[str, list[Any]], key: str, values: list[float]) -> None:
    sums = series.get(key)
    if sums is None:
        value = values[0]
        series[key] = sums = [1, value, value, value, value, value, 0]
        values = values[1:]
    for value in values:
        sums[0] += 1
        sums[1] += value
        if value != sums[5]:
            sums[6] += 1
            sums[5] = value
            if value < sums[2]:
                sums[2] = value
            elif value > sums[3]:
                sums[3] = value


def _column(hours: list[int], items: list[list[Any]]) -> HourColumn:
    if len(items) == 1:
        n, total, low, high, first, last, moves = items[0]
        return HourColumn(hours, [n], [total / n], [low], [high], [first], [last], [moves])
    count, sums, lows, highs, firsts, lasts, changed = map(list, zip(*items, strict=True))
    means = [total / n for n, total in zip(count, sums, strict=True)]
    return HourColumn(hours, count, means, lows, highs, firsts, lasts, changed)

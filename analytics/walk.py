"""Several columns of one block as one walk in event time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import NamedTuple

from analytics.detector import Block


class Sample(NamedTuple):
    """One sample of one series; `at` in ms, `value` in the point's unit."""

    at: int
    rank: int  #: the place of the point in the caller's list: of samples of one instant, the earlier named comes first
    key: str  #: the index of the series, "" where it has none
    point: str
    value: float


def walk(block: Block, points: tuple[str, ...]) -> list[Sample]:
    """Every sample of these points in time order."""
    samples = [
        Sample(at, rank, index or "", point, value)
        for rank, point in enumerate(points)
        for index, column in block.columns.get(point, {}).items()
        for at, value in zip(column.at, column.value, strict=True)
    ]
    samples.sort()
    return samples


def newest(block: Block, point: str) -> float | None:
    """The value that `walk` would give last for this point; None: not in this block."""
    columns = block.columns.get(point)
    if not columns:
        return None
    if len(columns) == 1:
        return next(iter(columns.values())).value[-1]
    return max((column.at[-1], index or "", column.value[-1]) for index, column in columns.items())[2]


def remembered(last: dict[str, float], block: Block, points: Iterable[str]) -> dict[str, float]:
    """`last` with the newest value of each of these points, as `newest` has it; the same object where none is new."""
    columns, after = block.columns, None
    for point in points:
        series = columns.get(point)
        if series is None:
            continue
        if len(series) == 1:
            [column] = series.values()
            value = column.value[-1]
        else:
            value = max((column.at[-1], index or "", column.value[-1]) for index, column in series.items())[2]
        if last.get(point) != value:
            if after is None:
                after = dict(last)
            after[point] = value
    return last if after is None else after


def ever(block: Block, point: str, wanted: Callable[[float], bool]) -> bool:
    """Whether any sample of the point is as wanted: the quick test that spares the walk on a quiet day."""
    series = block.columns.get(point)
    return series is not None and any(any(map(wanted, column.value)) for column in series.values())


def inside(block: Block, bounds: Iterable[tuple[str, float, float]]) -> bool:
    """Whether every sample of each (point, low, high) is in low..high, both included; a point without samples is."""
    get = block.columns.get
    for point, low, high in bounds:
        series = get(point)
        if series is not None:
            for column in series.values():
                values = column.value
                if len(values) == 1:  # live, nearly all have one: no function is called for it
                    if not low <= values[0] <= high:
                        return False
                elif not (low <= min(values) and max(values) <= high):
                    return False
    return True


def free_of(block: Block, words: Iterable[tuple[str, Set[float]]]) -> bool:
    """Whether no sample of each (point, values) has one of these values: for states, as `inside` is for gauges and flags."""
    get = block.columns.get
    for point, values in words:
        series = get(point)
        if series is not None:
            for column in series.values():
                said = column.value
                if said[0] in values if len(said) == 1 else not values.isdisjoint(said):
                    return False
    return True

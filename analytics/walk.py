"""Several columns of one block as one walk in event time."""

from __future__ import annotations

from collections.abc import Callable
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


def ever(block: Block, point: str, wanted: Callable[[float], bool]) -> bool:
    """Whether any sample of the point is as wanted: the quick test that spares the walk on a quiet day."""
    series = block.columns.get(point)
    return series is not None and any(any(map(wanted, column.value)) for column in series.values())

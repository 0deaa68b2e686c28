"""Several columns of one block as one walk in event time."""

from __future__ import annotations

from typing import NamedTuple

from analytics.detector import Block


class Sample(NamedTuple):
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
    """The last value of a point in this block; of several phases the highest. None: not in this block."""
    columns = block.columns.get(point)
    if not columns:
        return None
    return max(column.value[-1] for column in columns.values())

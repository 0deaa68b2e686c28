"""A series made ready to draw: thinned by rollup when long, and broken where nothing was heard. Pure.

Gaps stay gaps: wherever two samples stand further apart than three usual pauses, a null is put between
them, and the chart draws no line across. Nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import msgspec

from collector.history import Bucket, Samples

#: About as many points as a wide chart has pixels.
MAX_POINTS = 1500
#: A pause of this many usual pauses is a gap.
GAP_FACTOR = 3.0
_STEPS_MS = [1_000 * s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Columns as uPlot takes them, times in ms. `low`/`high` only of a rollup; null where nothing was heard."""

    at: list[int]
    value: list[float | None]
    low: list[float | None] = []
    high: list[float | None] = []
    step_ms: int = 0  #: 0: every reading as it came
    gaps: list[tuple[int, int]] = []


def step_for(start: int, end: int, pace_ms: int) -> int:
    """The rollup step for a range, 0 when it can be drawn reading by reading at this pace."""
    if (end - start) / max(pace_ms, 1) <= MAX_POINTS:
        return 0
    wanted = (end - start) / (MAX_POINTS / 2)
    return next((step for step in _STEPS_MS if step >= wanted), _STEPS_MS[-1])


def curve_of_samples(samples: Samples) -> Curve:
    """Reading by reading."""
    limit = _limit(samples.at)
    at: list[int] = []
    value: list[float | None] = []
    gaps: list[tuple[int, int]] = []
    for moment, number in zip(samples.at, samples.value, strict=True):
        if at and moment - at[-1] > limit:
            gaps.append((at[-1], moment))
            at.append(at[-1] + 1)
            value.append(None)
        at.append(moment)
        value.append(number)
    return Curve(at=at, value=value, gaps=gaps)


def curve_of_buckets(buckets: Sequence[Bucket], step_ms: int, pace_ms: int) -> Curve:
    """Means with their extremes; a missing step is a gap, unless the device is asked less often than that."""
    usual_ms = pace_of([bucket.at for bucket in buckets])
    limit = max(1.5 * max(step_ms, usual_ms), pace_ms * GAP_FACTOR)
    at: list[int] = []
    value: list[float | None] = []
    low: list[float | None] = []
    high: list[float | None] = []
    gaps: list[tuple[int, int]] = []
    for bucket in buckets:
        if at and bucket.at - at[-1] > limit:
            gaps.append((at[-1] + step_ms, bucket.at))
            at.append(at[-1] + step_ms)
            for column in (value, low, high):
                column.append(None)
        at.append(bucket.at)
        value.append(bucket.mean)
        low.append(bucket.low)
        high.append(bucket.high)
    return Curve(at=at, value=value, low=low, high=high, step_ms=step_ms, gaps=gaps)


def pace_of(at: Sequence[int]) -> int:
    """The usual pause between samples, ms; 0 when there are too few to say."""
    pauses = [later - earlier for earlier, later in pairwise(at)]
    return int(median(pauses)) if pauses else 0


def _limit(at: Sequence[int]) -> float:
    return max(pace_of(at) * GAP_FACTOR, 1.0)


def rates(curve: Curve) -> Curve:
    """A counter as its rise per second. Where it fell (wrap, reset or reboot: not told apart here) stands a null."""
    value: list[float | None] = []
    for index in range(1, len(curve.at)):
        before, after = curve.value[index - 1], curve.value[index]
        pause_ms = curve.at[index] - curve.at[index - 1]
        if before is None or after is None or after < before or pause_ms <= 0:
            value.append(None)
        else:
            value.append((after - before) * 1000 / pause_ms)
    return Curve(at=curve.at[1:], value=value, gaps=curve.gaps)


def thinned(curve: Curve, most: int = MAX_POINTS) -> Curve:
    """At most about `most` points, each the mean of its neighbours with their extremes; nulls stay where they are."""
    stride = -(-len(curve.at) // most)
    if stride <= 1:
        return curve
    at: list[int] = []
    value: list[float | None] = []
    low: list[float | None] = []
    high: list[float | None] = []
    group: list[float] = []
    for place, (moment, number) in enumerate(zip(curve.at, curve.value, strict=True)):
        if number is not None:
            group.append(number)
        if group and (number is None or len(group) == stride or place == len(curve.at) - 1):
            at.append(moment - 1 if number is None else moment)
            value.append(sum(group) / len(group))
            low.append(min(group))
            high.append(max(group))
            group = []
        if number is None:
            at.append(moment)
            for column in (value, low, high):
                column.append(None)
    return Curve(at=at, value=value, low=low, high=high, gaps=curve.gaps)

"""Counts, means and extremes by equal steps, for stores that hand back raw columns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from collector.history import Bucket


def rollup(at: npt.NDArray[np.int64], value: npt.NDArray[np.float64], start: int, step_ms: int) -> list[Bucket]:
    """Buckets of `step_ms` counted from `start`; `at` rises; empty steps are left out."""
    if not len(at):
        return []
    step = (at - start) // step_ms
    first = np.flatnonzero(np.r_[True, step[1:] != step[:-1]])
    count = np.diff(np.r_[first, len(at)])
    low, high = np.minimum.reduceat(value, first), np.maximum.reduceat(value, first)
    mean = np.add.reduceat(value, first) / count
    begins = start + step[first] * step_ms
    rows = zip(begins.tolist(), count.tolist(), low.tolist(), mean.tolist(), high.tolist(), strict=True)
    return [Bucket(at=b, count=c, low=lo, mean=m, high=h) for b, c, lo, m, h in rows]

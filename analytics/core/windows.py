"""How unlike all its past is the present stretch of one series: for history at the centre, not for the stream.

The distance of the last 32, 64 and 128 readings to the nearest past stretch of the same length that does not overlap them, each ranked
among its own past, and the mean of the three. Causal and free of units. Its memory is the whole past, and its cost grows with the
square of the length: about a second for 10,000 readings. It does not see what lies inside 32 readings and no further from the past
than the past from itself, nor anything in the first 100 readings (0).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analytics.core.exact import median, upper

Floats = npt.NDArray[np.float64]

WIDTHS = (32, 64, 128)
#: The furthest past that is compared, in readings: bounds the cost a reading.
_REACH = 25_000
#: A reading counts as at most so many times as far out as half of those before it: one impossible value would else take the last
#: digits of all distances after it.
_WILD = 1e4


def extent(values: Floats) -> Floats:
    """Mean of -log10 p over the lengths, one a reading; `values` must be finite."""
    found: Floats = np.mean([upper(item) for item in nearest(values, WIDTHS)], axis=0)
    return found


def nearest(values: Floats, widths: Sequence[int]) -> Floats:
    """`(widths, readings)`: distance of the stretch that ends here to the nearest past one; infinite where there is none yet.

    Works lag by lag: one running sum of the squared differences at a lag holds the distances of all lengths.
    """
    size = len(values)
    shifted = _tamed(values - np.median(values[: max(1, min(size, widths[0]))]))
    squares = np.full((len(widths), size), np.inf)
    sums = np.zeros(size + 1)
    for lag in range(min(widths), min(size, _REACH)):
        gap = shifted[lag:] - shifted[: size - lag]
        np.multiply(gap, gap, out=gap)
        np.cumsum(gap, out=sums[1 : len(gap) + 1])
        for row, width in zip(squares, widths, strict=True):
            if lag < width or len(gap) < width:
                continue
            here = row[lag + width - 1 :]
            np.minimum(here, sums[width : len(gap) + 1] - sums[: len(gap) + 1 - width], out=here)
    distances: Floats = np.sqrt(np.maximum(squares, 0.0))
    return distances


def _tamed(shifted: Floats) -> Floats:
    usual = median(np.abs(shifted))
    most = np.where(usual > 0, _WILD * usual, np.inf)
    tamed: Floats = np.clip(shifted, -most, most)
    return tamed

"""Exact ranks of a whole series, reading by reading, against nothing but its own past: for history at the centre.

The stream's histograms (`ranks.py`) know a rank to a bin's width in 2 kB; here every past reading is kept, so the rank is exact, and the
tail beyond the largest past reading has a size too.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Readings before a rank means anything.
WARM = 40
#: Largest past readings from which the tail's slope is taken, and the surest that an extrapolated tail may be (-log10 p).
_TAIL, _SUREST = 30, 8.0


def upper(measure: Floats, tail: bool = False) -> Floats:
    """-log10 p of a past reading at least this large; 0 in the first 40 and where `measure` is not finite.

    Ties count half. The smallest p after n readings is 1/(n + 1); with `tail` what lies among the largest 30 (at most a tenth) is
    placed on the power law through them (Hill's estimator), so that twice the record says more than the record.
    """
    out = np.zeros(len(measure))
    past: list[float] = []
    for index, value in enumerate(measure.tolist()):
        if not math.isfinite(value):
            continue
        first, last = bisect_left(past, value), bisect_right(past, value)
        count = len(past)
        if count >= WARM:
            above = count - last + 0.5 * (last - first)
            out[index] = _power_law(past, value) if tail and _in_tail(past, value) else _sureness(above, count)
        past.insert(first, value)
    return out


def both(measure: Floats) -> tuple[Floats, Floats]:
    """-log10 p of a past reading at least so large, and at least so small."""
    return upper(measure), upper(-measure)


def median(values: Floats) -> Floats:
    """Median of all readings before each; the first is its own."""
    out = np.empty(len(values))
    past: list[float] = []
    for index, value in enumerate(values.tolist()):
        out[index] = past[len(past) // 2] if past else value
        past.insert(bisect_left(past, value), value)
    return out


def _sureness(above: float, count: int) -> float:
    return -math.log10(min(1.0, (above + 1) / (count + 1)))


def _top(count: int) -> int:
    return min(_TAIL, count // 10)


def _in_tail(past: list[float], value: float) -> bool:
    edge = past[-1 - _top(len(past))]
    return value > edge > 0


def _power_law(past: list[float], value: float) -> float:
    top = _top(len(past))
    edge = past[-1 - top]
    slope = sum(math.log(item / edge) for item in past[-top:]) / top
    p = top / len(past) * math.exp(-math.log(value / edge) / (slope + 0.05))
    return min(_SUREST, -math.log10(max(p, 1e-300)))

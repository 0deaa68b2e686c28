"""How far a reading is from what this half hour of the day usually brings, in its usual distance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_DAY_MS = 86_400_000
_BINS = 48
#: Days before a half hour means something; slowest rate at which a half hour learns; rate of the series' own usual distance.
_FIRST_DAYS, _RATE, _SLOW = 2, 0.08, 0.005


def of_day(values: Floats, at_ms: npt.NDArray[np.int64]) -> Floats:
    """One distance a reading, in usual distances (half of it of this half hour, half of the whole day's); 0 in the first two days."""
    out = np.zeros(len(values))
    mean, usual, count = [0.0] * _BINS, [0.0] * _BINS, [0] * _BINS
    whole = 0.0
    bins = ((at_ms % _DAY_MS) * _BINS // _DAY_MS).tolist()
    old = (at_ms - at_ms[:1] >= _FIRST_DAYS * _DAY_MS).tolist()
    for index, (value, bin_) in enumerate(zip(values.tolist(), bins, strict=True)):
        if not count[bin_]:
            mean[bin_] = value
        else:
            away = abs(value - mean[bin_])
            if old[index] and whole > 0:
                out[index] = away / (usual[bin_] + 0.5 * whole)
            rate = max(1 / (count[bin_] + 1), _RATE)
            usual[bin_] += rate * (away - usual[bin_])
            mean[bin_] += rate * (value - mean[bin_])
            whole = whole + _SLOW * (away - whole) if whole else away
        count[bin_] += 1
    return out

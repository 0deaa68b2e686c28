"""What never followed before: a series as a sentence of six letters, and how many of its contexts have not seen the next letter.

The range of the past is cut into six equal steps (the range of the first 30 readings, widened by every reading that leaves it; a reading
outside is a letter of its own). For the last 0 to 6 letters, longest context first known, it is asked whether this letter ever came
after them. The share of known contexts that say no is the novelty, 0 to 1. The idea is that of contextual anomaly detection (Smirnov's
CAD, 2016), which sees a wrong order of usual values; the letters' steps and the count are ours.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_LETTERS = 6
_LONGEST = 6
_WARM = 30


def novelty(values: Floats) -> Floats:
    """One share a reading; `values` must be finite."""
    out = np.zeros(len(values))
    followed: dict[tuple[int, ...], set[int]] = {}
    past: tuple[int, ...] = ()
    low = high = float(values[0]) if len(values) else 0.0
    for index, value in enumerate(values.tolist()):
        if index < _WARM:
            low, high = min(low, value), max(high, value)
        letter = _letter(value, low, high)
        low, high = min(low, value), max(high, value)
        known = new = 0
        for length in range(len(past) + 1):
            seen = followed.get(past[len(past) - length :])
            if seen is None:
                break
            known += 1
            new += letter not in seen
        out[index] = new / known if known else 0.0
        for length in range(len(past) + 1):
            followed.setdefault(past[len(past) - length :], set()).add(letter)
        past = (*past, letter)[-_LONGEST:]
    return out


def _letter(value: float, low: float, high: float) -> int:
    if high <= low:
        return 0 if value == low else _LETTERS
    step = math.floor(min(max((value - low) / (high - low), -1.0), 2.0) * _LETTERS)
    return _LETTERS - 1 if step == _LETTERS and value <= high else step

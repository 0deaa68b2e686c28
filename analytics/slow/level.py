"""Robust level and spread of a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

MAD_TO_SD = 1.4826  #: the standard deviation of a normal distribution in median absolute deviations


def level(values: Sequence[float]) -> tuple[float, float]:
    """The median and a standard deviation by the median absolute deviation. Raises ValueError when there are no values.

    >>> level([1.0, 2.0, 3.0, 2.0, 90.0])
    (2.0, 1.4826)
    """
    if not values:
        raise ValueError("level: values: expected at least one, got none")
    middle = median(values)
    return middle, MAD_TO_SD * median(abs(value - middle) for value in values)


def away(value: float, values: Sequence[float], floor: float) -> float:
    """How many usual distances `value` is above the median of `values`; `floor`: the least distance that counts as one.

    >>> away(12.0, [10.0, 10.0, 10.1, 9.9], floor=0.5)
    4.0
    """
    middle, spread = level(values)
    return (value - middle) / max(spread, floor)

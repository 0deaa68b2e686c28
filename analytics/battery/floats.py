"""What the float voltage of a lead-acid cell should be.

    Vf(T) = Vf25 - 3 mV (T - 25)      Vf25 = 2.25 … 2.30 V by maker, T clamped to 10 … 40 C

Makers differ in Vf25 and in the compensation (1.67 … 5 mV a C), so the expectation is a band and not a number (battery.md 2).
"""

from __future__ import annotations

LOWEST_V, HIGHEST_V = 2.25, 2.30
WARMEST_MV = 3.0
COLD_C, HOT_C = 10.0, 40.0
#: A temperature that nobody tells is taken to lie in this range.
UNTOLD_C = (20.0, 32.0)


def expected_v(celsius: float | None) -> tuple[float, float]:
    """The lowest and the highest float voltage of a cell that is right at this temperature.

    >>> expected_v(25.0), [round(v, 3) for v in expected_v(35.0)]
    ((2.25, 2.3), [2.22, 2.27])
    """
    coldest, hottest = UNTOLD_C if celsius is None else (celsius, celsius)
    return LOWEST_V - _less(hottest), HIGHEST_V - _less(coldest)


def _less(celsius: float) -> float:
    return WARMEST_MV / 1000 * (min(max(celsius, COLD_C), HOT_C) - 25.0)

"""A straight line by running sums: what a quantity is at a given load, so that two times are compared at the same load.

State: [n, sum x, sum y, sum xx, sum xy, sum yy], about a fixed origin given by the first value (for the digits):
[…, x0, y0]. Ordinary least squares: put in values that are no outliers.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Sums = list[float]


class Line(NamedTuple):
    """y = at_mean + slope (x - mean_x), with one standard deviation `spread` about it and `slope_error` of the slope; x was in low..high
    at about mean_x ± 2 spread_x."""

    mean_x: float
    at_mean: float
    slope: float
    slope_error: float
    spread: float
    spread_x: float
    n: int

    def at(self, x: float) -> float:
        """y on the line; x beyond what was seen is taken as the edge of it."""
        reach = 2.5 * self.spread_x
        return self.at_mean + self.slope * max(-reach, min(reach, x - self.mean_x))


def fresh() -> Sums:
    """Nothing seen."""
    return [0.0] * 8


def add(sums: Sums, x: float, y: float, *, memory: float | None = None) -> Sums:
    """One more pair. `memory`: older pairs fade, so that about so many count."""
    n, sx, sy, sxx, sxy, syy, x0, y0 = sums
    if n == 0:
        return [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, x, y]
    keep = 1.0 if memory is None or n < memory else 1 - 1 / memory
    x, y = x - x0, y - y0
    return [
        n * keep + 1,
        sx * keep + x,
        sy * keep + y,
        sxx * keep + x * x,
        sxy * keep + x * y,
        syy * keep + y * y,
        x0,
        y0,
    ]


def fit(sums: Sums, *, least_spread_x: float = 0.0) -> Line | None:
    """The line; a flat one where x hardly moved (`least_spread_x`, one standard deviation); None for fewer than 3 pairs."""
    n, sx, sy, sxx, sxy, syy, x0, y0 = sums
    if n < 3:
        return None
    mx, my = sx / n, sy / n
    vxx, vxy, vyy = max(0.0, sxx / n - mx * mx), sxy / n - mx * my, max(0.0, syy / n - my * my)
    if vxx <= max(least_spread_x**2, 1e-12):
        return Line(mx + x0, my + y0, 0.0, 0.0, sqrt(vyy), sqrt(vxx), int(n))
    slope = vxy / vxx
    left = max(0.0, vyy - slope * vxy)
    return Line(mx + x0, my + y0, slope, sqrt(left / vxx / max(n - 2, 1)), sqrt(left), sqrt(vxx), int(n))

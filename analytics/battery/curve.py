"""State of health from a discharge curve, whole or in part, by matching it to the reference curve of a new cell.

The loaded voltage of one VRLA cell, fitted once to a real AGM block (100 Ah, C/10, 27.5 C, rms 0.7 mV a cell):

    v(s, r) = 1.959 + 0.151 s + 0.0437 ln(s + 0.006) - rho * 0.07 (r - 0.1)(1 + 0.04 / (s + 0.04)) + e + g (s - 0.5)
    s = 1 - q / (h * C20 * warmth(T))        q: Peukert ampere-hours since full, r = I / C20 in 1/h

`h` is the health; `rho` (how resistive), `e` (offset of gauge and block, V) and `g` (another make's slope) are unknown too, with priors. For
each h of a grid the other three follow in closed form, so the answer is a posterior over h: its mean and standard deviation. A shallow
discharge gives a wide one by itself; nothing else weighs depth.

When it does not work: fewer than 6 samples after the dip of the first 3 minutes (1 minute in a test of less than 10), a voltage that does not
move, no rated capacity. A lead-acid curve only: a lithium one is flat where this one falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: a, b, c, d of the reference curve; V a cell.
REFERENCE = (1.959, 0.1509, 0.04365, 0.00578)
REFERENCE_RATE = 0.1
OHM = 0.07  #: V a cell for a rate of 1 / h, new and warm
KNEE = 0.04
OFFSET_SD, SLOPE_SD, RHO_SD = 0.02, 0.06, 0.5
#: The model is wrong by about this much over stretches of the curve: no number of samples makes it better (tune).
MODEL_SD = 0.010
MOST_INDEPENDENT = 16
LEAST_SAMPLES = 6
DIP_S = 180.0
SHORT_S, SHORT_DIP_S = 600.0, 60.0
GRID = np.geomspace(0.05, 1.5, 160)
#: Wider than this the discharge says nothing of the health.
WIDEST_SD = 0.25


@dataclass(frozen=True, kw_only=True)
class Match:
    """`soh` and `sd` as parts of the rated capacity; `rms_v` a cell, what the fit leaves."""

    soh: float
    sd: float
    rms_v: float
    depth: float  #: of the health found, 0..1


def reference(s: Floats) -> Floats:
    """Volts of a cell at the reference rate over its state of charge (0..1)."""
    a, b, c, d = REFERENCE
    return np.asarray(a + b * s + c * np.log(np.maximum(s, -0.9 * d) + d), dtype=np.float64)


def match(
    seconds: Sequence[float],
    volts_a_cell: Sequence[float],
    rates: Sequence[float],
    used: Sequence[float],
    warm: float,
    *,
    start: float = 1.0,
    step_v: float = 0.0,
) -> Match | None:
    """`rates` in 1/h, `used` Peukert ampere-hours over rated ones since the discharge began, `start` the charge then (0..1), `step_v`
    the step in which the gauge counts (V a cell). None: nothing can be said."""
    t, v, r, q = (np.asarray(x, dtype=np.float64) for x in (seconds, volts_a_cell, rates, used))
    if not len(t):
        return None
    keep = t >= (SHORT_DIP_S if t[-1] < SHORT_S else DIP_S)
    if keep.sum() < LEAST_SAMPLES or np.ptp(v[keep]) <= max(2 * step_v, 0.004):
        return None
    t, v, r, q = t[keep], v[keep], r[keep], q[keep]
    weight = 1.0 / (MODEL_SD**2 + step_v**2 / 12) * min(1.0, MOST_INDEPENDENT / len(t))
    s = start - q[None, :] / (GRID[:, None] * warm)
    inside = s[:, -1] > -0.004
    if not inside.any():
        return None
    s = np.maximum(s, -0.004)
    rest, cost = _settle(v, r, s, weight)
    cost = np.where(inside, cost, np.inf)
    chance = np.exp(-0.5 * (cost - cost.min())) * np.gradient(GRID)
    chance /= chance.sum()
    soh = float(chance @ GRID)
    sd = float(np.sqrt(chance @ (GRID - soh) ** 2))
    if sd > WIDEST_SD:
        return None
    depth = float(q[-1] / max(soh * warm, 1e-6))
    rms_v = float(np.sqrt(np.mean(rest[int(cost.argmin())] ** 2)))
    return Match(soh=soh, sd=max(sd, 0.02), rms_v=rms_v, depth=depth)


def _drop(r: Floats, s: Floats) -> Floats:
    return np.asarray(OHM * (r - REFERENCE_RATE) * (1 + KNEE / (np.maximum(s, 0.0) + KNEE)), dtype=np.float64)


def _settle(v: Floats, r: Floats, s: Floats, weight: float) -> tuple[Floats, Floats]:
    """What remains of the curve when offset, slope and resistance fit best at each health of the grid, and the cost of that
    fit (-2 log posterior). Shapes: s (grid, n) -> rest (grid, n), cost (grid)."""
    parts = np.stack([np.ones_like(s), s - 0.5, -_drop(r[None, :], s)], axis=2)
    rest = v[None, :] - reference(s) + _drop(r[None, :], s)
    precise = weight * parts.transpose(0, 2, 1) @ parts + np.diag(1 / np.array([OFFSET_SD, SLOPE_SD, RHO_SD]) ** 2)
    right = weight * (parts * rest[:, :, None]).sum(axis=1)
    best = np.linalg.solve(precise, right[:, :, None])[:, :, 0]
    cost = weight * (rest**2).sum(axis=1) - (right * best).sum(axis=1) + np.log(np.linalg.det(precise))
    return rest - (parts @ best[:, :, None])[:, :, 0], cost

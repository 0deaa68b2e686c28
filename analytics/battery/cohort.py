"""Capacity from the beginning of a discharge, by what whole discharges of the same kind of battery looked like.

Offline at the centre: from whole constant-load discharges (voltage over depth x = q / C, current, temperature, capacity) a Gaussian
model is fitted,

    log C   = b . g(I, T) + n                      what such blocks hold before anything is seen
    V(x)    = B(x) . f(I, T, log C) + u(x)         u: covariance over depth, as the residuals have it

A new discharge is seen only in part: pairs (q, V). For each C of a grid its depths q / C are placed on V(x), and the likelihood of what was
seen, times the prior, is a posterior over C: mean and sd. The length of the part tells nothing by itself.

Gauges that count in coarse steps: `smooth` turns noisy steps into means with errors first (a step that is never crossed says only where
the voltage lies between two steps). Shapes: curves (n, len(DEPTHS)).

When it does not work: fewer than 30 whole discharges; another make or chemistry than those it was fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr  # type: ignore[import-untyped]

Floats = NDArray[np.float64]

DEPTHS: Floats = np.concatenate([np.geomspace(0.002, 0.05, 10), np.linspace(0.07, 0.9, 28), np.linspace(0.915, 1.0, 7)])
GRID = 120
LEAST_CURVES = 30
_RIDGE = 1e-3
#: V: what even a perfect model misses, independent from sample to sample.
_NUGGET_V = 0.004


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """What was learned; plain arrays, so that it is stored as such."""

    prior: Floats  #: (g,) of log C
    prior_sd: float
    mean: Floats  #: (f, depths)
    noise: Floats  #: (depths, depths)
    low: float  #: of log C
    high: float


def fit(current_a: Floats, celsius: Floats, capacity_ah: Floats, curves: Floats) -> Cohort:
    """`curves`: volts at `DEPTHS` of each discharge. Raises ValueError for fewer than 30."""
    if len(curves) < LEAST_CURVES:
        raise ValueError(f"cohort: expected at least {LEAST_CURVES} whole discharges, got {len(curves)}")
    c = np.log(capacity_ah)
    g, f = _before(current_a, celsius), _seen(current_a, celsius, c)
    prior, mean = _ridge(g, c[:, None])[:, 0], _ridge(f, curves)
    rest = curves - f @ mean
    noise = rest.T @ rest / max(len(curves) - f.shape[1], 1) + np.eye(curves.shape[1]) * _NUGGET_V**2
    spread = float(np.std(c - g @ prior))
    return Cohort(
        prior=prior, prior_sd=spread, mean=mean, noise=noise, low=float(c.min() - 0.5), high=float(c.max() + 0.5)
    )


def estimate(
    cohort: Cohort, current_a: float, celsius: float, used_ah: Floats, volts: Floats, volts_sd: Floats
) -> tuple[float, float]:
    """(capacity in Ah, its relative standard deviation), from the part that was seen."""
    grid = np.linspace(cohort.low, cohort.high, GRID)
    many = np.full(GRID, current_a), np.full(GRID, celsius)
    expected = _seen(*many, grid) @ cohort.mean
    before = -0.5 * ((grid - _before(many[0][:1], many[1][:1])[0] @ cohort.prior) / cohort.prior_sd) ** 2
    chance = np.full(GRID, -np.inf)
    for k, log_c in enumerate(grid):
        x = used_ah / np.exp(log_c)
        if x[-1] > 1.02:
            continue
        place = _between(np.clip(x, DEPTHS[0], 1.0))
        off = volts - place @ expected[k]
        wide = place @ cohort.noise @ place.T + np.diag(volts_sd**2)
        root = np.linalg.cholesky(wide)
        z = np.linalg.solve(root, off)
        chance[k] = before[k] - 0.5 * float(z @ z) - float(np.log(np.diag(root)).sum())
    if not np.isfinite(chance).any():
        return float(used_ah[-1]), 1.0
    weight = np.exp(chance - chance.max())
    weight /= weight.sum()
    middle = float(weight @ grid)
    return float(np.exp(middle)), float(np.sqrt(weight @ (grid - middle) ** 2))


def smooth(at: Floats, volts: Floats, noise_v: float, step_v: float, bins: int = 24) -> tuple[Floats, Floats, Floats]:
    """Bins of a noisy, stepped record as (mean place, volts, sd): the posterior of the true voltage of each bin.

    >>> x, v, sd = smooth(np.arange(4.0), np.full(4, 12.1), 0.02, 0.1, bins=1)
    >>> round(float(v[0]), 3), bool(sd[0] > 0.015)
    (12.1, True)
    """
    edges = np.linspace(0, len(at), min(bins, len(at)) + 1).astype(int)
    rows = [_bin(at[a:b], volts[a:b], noise_v, step_v) for a, b in pairwise(edges) if b > a]
    x, v, sd = np.array(rows).T
    return x, v, sd


def _bin(at: Floats, volts: Floats, noise_v: float, step_v: float) -> tuple[float, float, float]:
    if not step_v:
        return float(at.mean()), float(volts.mean()), noise_v / len(at) ** 0.5
    levels, counts = np.unique(volts, return_counts=True)
    true = np.linspace(levels[0] - step_v, levels[-1] + step_v, 81 + 40 * (len(levels) - 1))
    up = ndtr((levels[:, None] + step_v / 2 - true) / noise_v)
    down = ndtr((levels[:, None] - step_v / 2 - true) / noise_v)
    log_p = (counts[:, None] * np.log(np.maximum(up - down, 1e-12))).sum(axis=0)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    mean = float(p @ true)
    return float(at.mean()), mean, float(np.sqrt(p @ (true - mean) ** 2)) + 1e-4


def _before(current_a: Floats, celsius: Floats) -> Floats:
    i, t = np.log(current_a) - 2.5, (celsius - 25) / 10
    return np.stack([np.ones_like(i), i, t, i * i, i * t], axis=1)


def _seen(current_a: Floats, celsius: Floats, log_c: Floats) -> Floats:
    i, t, a = np.log(current_a) - 2.5, (celsius - 25) / 10, current_a / 20 - 1
    h = log_c - 2.0
    return np.stack([np.ones_like(i), i, t, h, a, h * h, i * h, i * i, i * t, t * h, a * h, h**3], axis=1)


def _ridge(x: Floats, y: Floats) -> Floats:
    return np.asarray(np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ y), dtype=np.float64)


def _between(x: Floats) -> Floats:
    """Linear interpolation on `DEPTHS` as a matrix: (len(x), depths)."""
    right = np.clip(np.searchsorted(DEPTHS, x), 1, len(DEPTHS) - 1)
    left = right - 1
    part = (x - DEPTHS[left]) / (DEPTHS[right] - DEPTHS[left])
    place = np.zeros((len(x), len(DEPTHS)))
    rows = np.arange(len(x))
    place[rows, left] = 1 - part
    place[rows, right] = part
    return place

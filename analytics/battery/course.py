"""How a battery's health runs its course: every measurement of its life, taken together, on many possible courses at once.

    health   h(w) = 1 + d - loss(w)             d of the make: N(0, 0.03)
    loss     0.2 (w / e)^p                       w: wear (`ageing`), e: the wear at which this battery is worn, p: how late it falls
    ohms     r(w) = 1 + g loss / 0.2             g: how far the resistance has risen at the end of life
    volts    v = a - R r I (1 + 1 % a °C below 25 °C) + b (rest - mean rest)    a cell, 8 … 30 s into a test from full

Prior: e Weibull (beta 3, mean 1.1 of the 4 years of `ageing`: makers and users tell 3 to 5), p one of 1.5 … 4, g 0.5 by IEEE 1188 practice (+50 %: replace) within a quarter, R 30 mohm Ah a cell
within a quarter, a 2.10 V within 40 mV, b 0.3 within 0.3. a, R, b and d are settled in closed form on each course; what remains is a weight for
each of them. So a test every fortnight, of which no single one says anything, tells where the battery stands in the end, and a discharge that measured the
capacity is one more line in the same sum.

When it does not work: no date of installation; tests at a fixed load of under a tenth of the 1 h rate; a voltage that counts in steps of 10 mV a cell or more.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gamma, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.battery.belief import Belief

Floats = NDArray[np.float64]

BETA, MEAN_END = 3.0, 1.1
POWERS = (1.5, 2.0, 3.0, 4.0)
RISE, RISE_SD = 0.5, 0.25
MAKE_SD = 0.03
#: Who put it under watch had a battery that still did its work: courses on which it was below this then are hardly likely.
ALIVE, ALIVE_SD = 0.70, 0.05
OHM_AH, OHM_SD = 0.030, 0.25  #: ohm a cell and ampere-hour; relative
LEVEL_V, LEVEL_SD = 2.10, 0.04
REST, REST_SD = 0.3, 0.3
#: V a cell: what gauge, dip and surface charge leave in one test, until `LEARNED` tests show it themselves; never less than the floor (tune).
NOISE_V, FLOOR_V, LEARNED = 0.005, 0.002, 8
TYPICAL = 1.25  #: ohms against new, halfway through a life: to take most of the load's changes out of the noise
COLD_A_C = 0.01
WARM_C = 25.0

_ENDS = np.geomspace(0.35, 2.6, 48)
_RISES = RISE * np.exp(RISE_SD * np.array([-1.5, -0.75, 0.0, 0.75, 1.5]))
_GRID = np.stack([x.ravel() for x in np.meshgrid(_ENDS, np.array(POWERS), _RISES, indexing="ij")])
_COURSES = np.stack([x.ravel() for x in np.meshgrid(_ENDS, np.array(POWERS), indexing="ij")])


def cold(celsius: float) -> float:
    """By what factor the resistance is higher than at 25 °C."""
    return 1 + COLD_A_C * (WARM_C - celsius)


def _prior() -> Floats:
    scale = MEAN_END / gamma(1 + 1 / BETA)
    ends = _GRID[0] / scale
    log_end = BETA * np.log(ends) - ends**BETA  # the density over log e, as the grid is even in it
    log_rise = -0.5 * (np.log(_GRID[2] / RISE) / RISE_SD) ** 2
    return np.asarray(log_end + log_rise)


_PRIOR = _prior()


class Trial(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One test from full: `wear` then, volts of a cell under load, amperes over rated ampere-hours, °C, volts of a cell before; a self-test or another run."""

    at: int
    wear: float
    volts: float
    rate: float
    celsius: float
    rest: float
    test: bool = True


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measured health: `wear` then, `sd` of this one, `common_sd` of all of its `way` together (a promise, a rating, a reference curve)."""

    wear: float
    health: float
    sd: float
    way: str
    common_sd: float


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """`health` now with its error; `ohms` against new."""

    health: float
    sd: float
    ohms: float
    fade: float  #: health a day
    hf: float  #: covariance of health and fade
    ff: float  #: variance of the fade
    tests: int
    errors: dict[
        str, tuple[float, float]
    ]  #: what each way of measuring is wrong by in this battery (too high: above 0), and its sd
    left: Callable[
        [], tuple[Floats, Floats]
    ]  #: days to 0.80, the soonest first, and the share of each: not asked for at every reckoning

    @property
    def days(self) -> tuple[float, float, float]:
        """To 0.80, at 10, 50 and 90 %."""
        left, shares = self.left()
        p10, p50, p90 = (float(left[np.searchsorted(np.cumsum(shares), q)]) for q in (0.1, 0.5, 0.9))
        return p10, p50, p90

    @property
    def chances(self) -> tuple[float, ...]:
        """Of the end within each of `HORIZONS` days."""
        left, shares = self.left()
        return tuple(float(shares[left <= horizon].sum()) for horizon in HORIZONS)

    def belief(self, at: int) -> Belief:
        """The same as the one state that all else reads."""
        return Belief(health=self.health, fade=self.fade, hh=self.sd**2, hf=self.hf, ff=self.ff, at=at)


HORIZONS = (0.0, 30.0, 60.0, 120.0, 180.0, 270.0, 365.0)


def follow(
    wear: float,
    wear_a_day: float,
    tests: list[Trial],
    measured: list[Measured],
    *,
    wear_seen: float = 0.0,
    step_v: float = 0.0,
) -> Course:
    """`measured`: each discharge that told, by each way; `step_v`: the gauge's step, V a cell."""
    end, power, rise = _GRID
    weight = _PRIOR - np.logaddexp(0.0, (ALIVE - 1 + 0.2 * (wear_seen / end) ** power) / ALIVE_SD)
    make, make_var = np.zeros_like(end), np.full_like(end, MAKE_SD**2)
    errors: dict[str, tuple[Floats, float]] = {}
    if measured:
        # Health knows nothing of the ohms: all of it is reckoned on a fifth of the courses.
        cost, *of_make, own = _healths(measured, 1 - 0.2 * _over(measured, _COURSES[0], _COURSES[1]))
        weight -= 0.5 * np.repeat(cost, len(_RISES))
        make, make_var = (np.repeat(some, len(_RISES)) for some in of_make)
        errors = {way: (np.repeat(off, len(_RISES)), var) for way, (off, var) in own.items()}
    if len(tests) >= 3:
        weight -= 0.5 * _volts(tests, step_v)
    chance = np.exp(weight - weight.max())
    chance /= chance.sum()
    now = 1 + make - 0.2 * (wear / end) ** power
    mean = float(chance @ now)
    var = float(chance @ ((now - mean) ** 2 + make_var))
    fall = 0.2 * power * (wear / end) ** power / max(wear, 1e-3) * wear_a_day
    fade = float(chance @ fall)
    return Course(
        health=mean,
        sd=sqrt(var),
        ohms=float(chance @ (1 + rise * (wear / end) ** power)),
        fade=fade,
        hf=float(chance @ ((now - mean) * (fall - fade))),
        ff=float(chance @ (fall - fade) ** 2),
        tests=len(tests),
        errors={way: _pooled(chance, *error) for way, error in errors.items()},
        left=lambda: _ordered(_left(end, power, make, make_var, wear, wear_a_day), np.repeat(chance / 3, 3)),
    )


def _ordered(left: Floats, shares: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(left)
    return left[order], shares[order]


def _pooled(chance: Floats, mean: Floats, var: float) -> tuple[float, float]:
    """Mean and sd over the courses."""
    middle = float(chance @ mean)
    return middle, sqrt(float(chance @ (mean - middle) ** 2) + var)


def _left(end: Floats, power: Floats, make: Floats, make_var: Floats, wear: float, wear_a_day: float) -> Floats:
    """Days until 0.80 on each course, for the make's d at its mean and 1.22 sd to either side (a three-point rule)."""
    d = make[:, None] + np.sqrt(make_var)[:, None] * np.array([-1.2247, 0.0, 1.2247])
    at_end = end[:, None] * (np.maximum(0.2 + d, 0.01) / 0.2) ** (1 / power[:, None])
    return np.asarray(((at_end - wear) / max(wear_a_day, 1e-6)).ravel())


def _over(measured: list[Measured], end: Floats, power: Floats) -> Floats:
    """(wear / end)^power of each measurement on each course: (grid, n)."""
    return np.power(np.array([m.wear for m in measured])[None, :] / end[:, None], power[:, None])


def _healths(
    measured: list[Measured], on_course: Floats
) -> tuple[Floats, Floats, Floats, dict[str, tuple[Floats, float]]]:
    """(-2 log likelihood, mean of the make's d, its variance, each way's own error and variance) on each course; the errors common to
    a way are settled in closed form (Sherman and Morrison)."""
    off = np.array([m.health for m in measured])[None, :] - on_course
    cost, right = np.zeros(len(off)), np.zeros(len(off))
    precise = 1 / MAKE_SD**2
    ways: dict[str, tuple[Floats, float, float]] = {}
    for way in sorted({m.way for m in measured}):
        picked = [n for n, m in enumerate(measured) if m.way == way]
        weight = np.array([1 / measured[n].sd ** 2 for n in picked])
        common, total = measured[picked[0]].common_sd ** 2, float(weight.sum())
        shrink = 1 / (1 + common * total)
        sums = off[:, picked] @ weight
        cost += off[:, picked] ** 2 @ weight - common * shrink * sums**2
        right += shrink * sums
        precise += shrink * total
        ways[way] = (sums, total, common * shrink)
    make, var = right / precise, 1 / precise
    errors = {
        way: (gain * (sums - total * make), gain + (gain * total) ** 2 * var)
        for way, (sums, total, gain) in ways.items()
    }
    return cost - right * make, make, np.full(len(off), var), errors


def noise_v(level: Floats, step_v: float) -> float:
    """V a cell by which one test errs, by how much each differs from the middle of its neighbours: what drifts in months is no noise."""
    told = sqrt(NOISE_V**2 + step_v**2 / 12)
    if len(level) < LEARNED:
        return told
    bends = level[1:-1] - (level[:-2] + level[2:]) / 2
    seen = float(np.median(np.abs(bends))) / 0.6745 / sqrt(1.5)
    return float(np.clip(seen, FLOOR_V, told))


def _volts(tests: list[Trial], step_v: float) -> Floats:
    """-2 log likelihood of the tests' volts on each course; level, ohms and surface charge in closed form.

    The part of the ohms is x (1 + rise q) with q = (wear / end)^power, so every sum over the tests is one over q: a fifth of the courses.
    """
    wear, volts, rate, warm, rest = (
        np.array([getattr(t, name) for t in tests]) for name in ("wear", "volts", "rate", "celsius", "rest")
    )
    x = -OHM_AH * rate * (1 + COLD_A_C * (WARM_C - warm))
    f = rest - rest.mean()
    y = volts - LEVEL_V - REST * f
    precise = 1 / noise_v(y - TYPICAL * x, step_v) ** 2
    q = np.power(wear[None, :] / _COURSES[0][:, None], _COURSES[1][:, None])
    of_q = [np.repeat(q @ v, len(_RISES)) for v in (x, x * y, x * f, x**2)]
    of_qq = np.repeat(q**2 @ x**2, len(_RISES))
    rise = _GRID[2]
    sx, sxy, sxf = (v.sum() + rise * some for v, some in zip((x, x * y, x * f), of_q[:3], strict=True))
    sxx = (x**2).sum() + 2 * rise * of_q[3] + rise**2 * of_qq
    n, sf, sff = float(len(x)), float(f.sum()), float(f @ f)
    right = [precise * some for some in (y.sum() - sx, sxy - sxx, y @ f - sxf)]
    # Three by three on each course: Cholesky by hand, which is a tenth of the time of `solve` and `det`.
    a, b, c = precise * n + 1 / LEVEL_SD**2, precise * sx, precise * sf
    one = b / a
    middle = precise * sxx + 1 / OHM_SD**2 - one * b
    two = precise * sxf - one * c
    three = two / middle
    last = precise * sff + 1 / REST_SD**2 - c * c / a - three * two
    first, second = right[0], right[1] - one * right[0]
    third = right[2] - c / a * first - three * second
    off = precise * (y @ y - 2 * sxy + sxx)
    fit = first**2 / a + second**2 / middle + third**2 / last
    return np.asarray(off - fit + np.log(a * middle * last))

"""The outlook on many batteries at once: `analytics.battery.belief` and `ageing` as numpy (pure).

    predict      [h, g] to now: h <- h - g dt, P <- F P F' + Q dt
    update       a health that a trained model saw, where there is one: the usual gain
    p_below      1 - (1 - Phi((0.8 - h(t)) / sd(t))) exp(-0.01 t / year)      at the lead time
    days         t at which p_below reaches 0.1, 0.5, 0.9: bisection, all batteries in one array

Equal to the one-battery functions to 1e-6 (tests/collector/jobs/test_scoring.py). Arrays are (n,) float64, times in ms. NaN goes through and comes out
as NaN: the caller leaves such a battery out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr  # type: ignore[import-untyped]

from analytics.battery import ageing, belief, verdict
from analytics.battery.belief import Belief

Floats = NDArray[np.float64]
LONGEST_DAYS = 15 * ageing.YEAR_DAYS
_HALVINGS = 40


@dataclass(frozen=True, kw_only=True)
class Beliefs:
    """Many `Belief`s; `at` of each in ms."""

    health: Floats
    fade: Floats
    hh: Floats
    hf: Floats
    ff: Floats
    at: Floats

    @classmethod
    def of(cls, rows: Sequence[Belief]) -> Beliefs:
        """Of beliefs one by one."""
        table = np.array([[b.health, b.fade, b.hh, b.hf, b.ff, b.at] for b in rows], np.float64).reshape(-1, 6).T
        return cls(health=table[0], fade=table[1], hh=table[2], hf=table[3], ff=table[4], at=table[5])


@dataclass(frozen=True, kw_only=True)
class Outlooks:
    """What `Prognosis` says, as columns. Days until the chance of being below 0.80 is 10, 50 and 90 %."""

    health: Floats
    sd: Floats
    p_below: Floats
    days: tuple[Floats, Floats, Floats]


def predict(many: Beliefs, now: int) -> Beliefs:
    """All as of `now`; one that is newer stays."""
    days = np.maximum(now - many.at, 0.0) / ageing.DAY_MS
    return Beliefs(
        health=np.where(days > 0, np.maximum(many.health - many.fade * days, 0.0), many.health),
        fade=many.fade,
        hh=many.hh - 2 * days * many.hf + days**2 * many.ff + belief.Q_HEALTH * days,
        hf=many.hf - days * many.ff,
        ff=many.ff + belief.Q_FADE * days,
        at=np.maximum(many.at, now),
    )


def update(many: Beliefs, health: Floats, sd: Floats) -> Beliefs:
    """Take in one health each, as of each one's `at`; NaN: nothing was seen. No outlier is believed further than 3 sd."""
    off = np.clip(health - many.health, -3 * np.sqrt(many.hh + sd**2), 3 * np.sqrt(many.hh + sd**2))
    total = many.hh + sd**2
    seen = np.isfinite(off) & np.isfinite(total)
    gain_h, gain_f = np.where(seen, many.hh / total, 0.0), np.where(seen, many.hf / total, 0.0)
    off = np.where(seen, off, 0.0)
    return replace(
        many,
        health=many.health + gain_h * off,
        fade=np.maximum(many.fade + gain_f * off, 0.0),
        hh=(1 - gain_h) * many.hh,
        hf=(1 - gain_h) * many.hf,
        ff=np.maximum(many.ff - gain_f * many.hf, 1e-16),
    )


def below(many: Beliefs, days: Floats | float) -> Floats:
    """The chance that each is below 0.80 in so many days, sudden failures included."""
    mean = many.health - many.fade * days
    variance = many.hh - 2 * days * many.hf + np.square(days) * many.ff + belief.Q_HEALTH * days
    slow = ndtr((ageing.END - mean) / np.sqrt(np.maximum(variance, 1e-8)))
    return np.asarray(1.0 - (1.0 - slow) * np.exp(-ageing.SUDDEN_A_YEAR * days / ageing.YEAR_DAYS), np.float64)


def remaining(many: Beliefs, chance: float) -> Floats:
    """Days until the chance of each reaches `chance`: 0 when it has, 15 years when it never does."""
    low, high = np.zeros_like(many.health), np.full_like(many.health, LONGEST_DAYS)
    now, ever = below(many, 0.0) >= chance, below(many, LONGEST_DAYS) >= chance
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        over = below(many, middle) >= chance
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.where(np.isfinite(many.health), np.where(now, 0.0, np.where(ever, high, LONGEST_DAYS)), np.nan)


def outlook(many: Beliefs, now: int, seen: tuple[Floats, Floats] | None = None) -> Outlooks:
    """The outlook of all as of `now`; `seen`: (health, sd) that a trained model adds, NaN where it does not."""
    today = predict(many, now)
    if seen is not None:
        today = update(today, *seen)
    return Outlooks(
        health=today.health,
        sd=np.sqrt(today.hh),
        p_below=below(today, verdict.LEAD_DAYS),
        days=(remaining(today, 0.1), remaining(today, 0.5), remaining(today, 0.9)),
    )

"""What is believed of one battery: health and its fade a day, with their covariance. A Kalman filter in two numbers.

    predict   h <- h - g dt          P <- F P F' + Q dt         F = [[1, -dt], [0, 1]], dt in days
    update    a measured health z with standard deviation r, the usual gain
    outlier   beyond 3 sd upwards by 0.12 or more: not this battery any more (`Verdict.EXCHANGED`); beyond 3 sd downwards: batteries fail
              suddenly and gauges slip, so a sure measurement (8 % or better) widens the belief, and any other is itself doubted by half

The prior is of `ageing`; a measurement moves it as far as its error allows and no further.
"""

from __future__ import annotations

from enum import StrEnum
from math import sqrt

import msgspec

#: Standard deviation of what the prior knows of one battery's health, and its fade relative to the expected (tune).
PRIOR_SD, PRIOR_FADE = 0.08, 0.5
#: A day's unforeseen change: health sd 2 % in a year, fade sd by half of 5 %/y in a year.
Q_HEALTH = 0.02**2 / 365
Q_FADE = (0.025 / 365) ** 2 / 365
_UP_SDS, _UP_LEAST = 3.0, 0.12
_DOWN_SDS = 3.0
SURE_SD = 0.08


class Outcome(StrEnum):
    """What a measurement did to the belief."""

    TAKEN = "taken"
    DOUBTED = "doubted"
    EXCHANGED = "exchanged"


class Belief(msgspec.Struct, frozen=True, kw_only=True):
    """`health` 0..1 of the rated capacity, `fade` health a day; variances; `at` ms."""

    health: float
    fade: float
    hh: float
    hf: float
    ff: float
    at: int

    @property
    def sd(self) -> float:
        return sqrt(self.hh)

    def ahead(self, days: float) -> tuple[float, float]:
        """Mean and standard deviation of the health in so many days, nobody measuring until then."""
        mean = self.health - self.fade * days
        variance = self.hh - 2 * days * self.hf + days**2 * self.ff + Q_HEALTH * days
        return mean, sqrt(max(variance, 1e-8))


def prior(health: float, fade: float, at: int, sd: float = PRIOR_SD) -> Belief:
    """What is believed before anything was measured."""
    return Belief(health=health, fade=fade, hh=sd**2, hf=0.0, ff=(PRIOR_FADE * fade) ** 2, at=at)


def predict(belief: Belief, at: int) -> Belief:
    """The belief at a later time; an earlier one changes nothing."""
    days = (at - belief.at) / 86_400_000
    if days <= 0:
        return belief
    return Belief(
        health=max(0.0, belief.health - belief.fade * days),
        fade=belief.fade,
        hh=belief.hh - 2 * days * belief.hf + days**2 * belief.ff + Q_HEALTH * days,
        hf=belief.hf - days * belief.ff,
        ff=belief.ff + Q_FADE * days,
        at=at,
    )


def update(belief: Belief, health: float, sd: float, at: int) -> tuple[Belief, Outcome]:
    """Take in one measured health. `EXCHANGED`: the belief comes back untouched, the caller begins anew."""
    now = predict(belief, at)
    off = health - now.health
    width = sqrt(now.hh + sd**2)
    if off > _UP_SDS * width and off >= _UP_LEAST:
        return now, Outcome.EXCHANGED
    outcome = Outcome.TAKEN
    if off < -_DOWN_SDS * width:
        outcome = Outcome.DOUBTED
        if sd <= SURE_SD:
            now = msgspec.structs.replace(now, hh=now.hh + off**2)
        else:
            sd *= 2
    total = now.hh + sd**2
    gain_h, gain_f = now.hh / total, now.hf / total
    return Belief(
        health=now.health + gain_h * off,
        fade=max(0.0, now.fade + gain_f * off),
        hh=(1 - gain_h) * now.hh,
        hf=(1 - gain_h) * now.hf,
        ff=max(now.ff - gain_f * now.hf, 1e-16),
        at=now.at,
    ), outcome

"""How long the battery lasts at this load, with an error bar, learned from every discharge; and the score of each forecast.

    log t = a - k log(load / 50 %)          (a, k) normal, k = 1.2 +- 0.1 to begin with

A promise or the UPS's own estimate begins `a`; each discharge moves both as far as its own error allows (3 % to the end, up to 40 % for a
shallow one), so discharges at several loads teach this battery's own exponent; a year without news widens `a` by 10 %.

    forecast  {"made": ms, "start": ms, "p10", "p50", "p90": s from the start of the discharge, "by"}
    score     the same and {"real": s, "at": ms}; only a battery that was really run to its end scores a forecast

When it does not work: no promise, no estimate and no discharge: there is no forecast, rather than a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log, sqrt
from statistics import median
from typing import Any

import msgspec

from analytics import expectation

AT_LOAD = 50.0
Z90 = 1.2816
PROMISE_SD, ESTIMATE_SD = 0.10, 0.25
_Q_A_YEAR = 0.10**2
LEAST_SD = 0.03
POWER_SD = 0.10


class FullRuntime(msgspec.Struct, frozen=True, kw_only=True):
    """`mean` log-seconds from full at `AT_LOAD`, `power` k, their covariance; `n` discharges have moved it."""

    mean: float
    power: float = expectation.PEUKERT
    var: float
    cov: float = 0.0
    power_var: float = POWER_SD**2
    at: int
    n: int = 0
    by: str = "inventory"


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: one in ten lasts shorter than `p10`, one in ten longer than `p90`."""

    p10: float
    p50: float
    p90: float


def begin(seconds: float, load: float, at: int, *, by: str) -> FullRuntime:
    """What is believed before the first discharge: `by` inventory or ups."""
    sd = PROMISE_SD if by == "inventory" else ESTIMATE_SD
    mean = log(max(seconds, 1.0)) + expectation.PEUKERT * _place(load)
    # The exponent is unsure around the load of the promise, not around 50 %.
    x = _place(load)
    return FullRuntime(mean=mean, var=sd**2 + (x * POWER_SD) ** 2, cov=x * POWER_SD**2, at=at, by=by)


def learn(belief: FullRuntime | None, seconds: float, sd: float, load: float, at: int) -> FullRuntime:
    """Take in one measured full runtime; `sd` relative."""
    found, x, noise = log(max(seconds, 1.0)), _place(load), max(sd, LEAST_SD) ** 2
    if belief is None:
        begun = begin(seconds, load, at, by="ups")
        return msgspec.structs.replace(begun, var=begun.var - ESTIMATE_SD**2 + noise, n=1, by="discharges")
    old = _aged(belief, at)
    off = found - (old.mean - old.power * x)
    if off**2 > 9 * (_var(old, x) + noise):
        old = msgspec.structs.replace(old, var=old.var + off**2)  # the battery is not what it was
    total = _var(old, x) + noise
    gain_a, gain_k = (old.var - x * old.cov) / total, (old.cov - x * old.power_var) / total
    return FullRuntime(
        mean=old.mean + gain_a * off,
        power=min(max(old.power + gain_k * off, 0.9), 1.6),
        var=old.var - gain_a**2 * total,
        cov=old.cov - gain_a * gain_k * total,
        power_var=old.power_var - gain_k**2 * total,
        at=at,
        n=belief.n + 1,
        by="discharges",
    )


def spread(belief: FullRuntime, load: float, charge: float, at: int) -> Spread:
    """The whole discharge that begins now at `load` % with `charge` %."""
    now = _aged(belief, at)
    x = _place(load)
    full = exp(now.mean - now.power * x) * min(max(charge, 0.0), 100.0) / 100
    wide = Z90 * sqrt(max(_var(now, x), 0.0) + LEAST_SD**2)
    return Spread(p10=full * exp(-wide), p50=full, p90=full * exp(wide))


def narrowed(before: Spread, elapsed_s: float, used: float) -> Spread:
    """The forecast while the discharge runs: the gauge's own pace counts the more, the deeper it is. `used` 0..1 since the start."""
    if used < 0.1 or elapsed_s < 60:
        return Spread(p10=max(before.p10, elapsed_s), p50=max(before.p50, elapsed_s), p90=max(before.p90, elapsed_s))
    pace, pace_sd = log(elapsed_s / used), gauge_sd(used)
    old_sd = log(before.p90 / before.p50) / Z90
    gain = old_sd**2 / (old_sd**2 + pace_sd**2)
    middle = log(before.p50) + gain * (pace - log(before.p50))
    wide = Z90 * sqrt((1 - gain) * old_sd**2 + LEAST_SD**2)
    return Spread(
        p10=max(exp(middle - wide), elapsed_s), p50=max(exp(middle), elapsed_s), p90=max(exp(middle + wide), elapsed_s)
    )


#: A gauge that never learned is wrong by what the battery has lost since: 0 … 25 % (tune).
STALE_SD = 0.12


def gauge_sd(used: float) -> float:
    """How wrong a runtime is that is reckoned from this depth by the device's gauge: 40 % at 10 %, 15 % at 20 %, 4 % at full.

    >>> [round(gauge_sd(u), 3) for u in (0.1, 0.2, 1.0)]
    [0.34, 0.17, 0.034]
    """
    return 0.034 / max(used, 0.02)


def stale_sd(used: float) -> float:
    """What a pace leaves unknown of the capacity: many gauges count against a capacity that they believed in long ago, and are put right
    only near the end of a discharge.

    >>> round(stale_sd(0.25), 3), stale_sd(1.0)
    (0.09, 0.0)
    """
    return STALE_SD * (1 - min(used, 1.0))


def scored(forecast: dict[str, Any], real_s: float, at: int) -> dict[str, Any]:
    """The forecast beside what really came."""
    return {**forecast, "real": real_s, "at": at}


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Of `n` forecasts: the share of real ends inside P10 … P90 (0.8 is honest), median error and its size (relative)."""

    n: int
    inside: float
    bias: float
    error: float


def score(scores: Iterable[dict[str, Any]]) -> Score | None:
    """The record; None before the first one."""
    rows = list(scores)
    if not rows:
        return None
    off = [(row["real"] - row["p50"]) / row["p50"] for row in rows]
    inside = sum(row["p10"] <= row["real"] <= row["p90"] for row in rows) / len(rows)
    return Score(n=len(rows), inside=inside, bias=median(off), error=median(map(abs, off)))


def _place(load: float) -> float:
    return log(max(load, expectation.LEAST_LOAD) / AT_LOAD)


def _var(belief: FullRuntime, x: float) -> float:
    """Of log t at the load `x`."""
    return belief.var - 2 * x * belief.cov + x**2 * belief.power_var


def _aged(belief: FullRuntime, at: int) -> FullRuntime:
    years = max(at - belief.at, 0) / (365.25 * 86_400_000)
    return msgspec.structs.replace(belief, var=belief.var + _Q_A_YEAR * years, at=max(at, belief.at))

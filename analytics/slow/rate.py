"""Has a count risen? Rates of rare events (transfers, flaps, reboots) against the device's own past.

The past rate is not known but estimated: with `before` events in `days_before` days and a prior of one event in `PRIOR_DAYS` days,
the number in a later window is negative binomial (Poisson with a gamma rate). So a young device does not call its third event a surprise.
"""

from __future__ import annotations

from functools import lru_cache

from scipy.special import betainc  # type: ignore[import-untyped]

PRIOR_EVENTS = 1.0
PRIOR_DAYS = 30.0


def surprise(count: int, days: float, before: int, days_before: float, *, prior_days: float = PRIOR_DAYS) -> float:
    """How often `count` or more events come in `days` days by chance, after `before` in `days_before` days.

    >>> surprise(1, 1.0, 12, 365.0) > 0.03, surprise(4, 1.0, 12, 365.0) < 1e-3
    (True, True)
    """
    if count <= 0:
        return 1.0
    return _tail(count, float(days), before, round(float(days_before), 3), prior_days)


@lru_cache(maxsize=4096)
def _tail(count: int, days: float, before: int, days_before: float, prior_days: float) -> float:
    shape = PRIOR_EVENTS + before
    exposure = prior_days + max(0.0, days_before)
    return float(betainc(count, shape, days / (exposure + days)))  # the negative binomial's upper tail


def expected(days: float, before: int, days_before: float, *, prior_days: float = PRIOR_DAYS) -> float:
    """How many events are usual in `days` days after that past."""
    return (PRIOR_EVENTS + before) / (prior_days + max(0.0, days_before)) * days

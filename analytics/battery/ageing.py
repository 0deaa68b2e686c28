"""Wear by heat and cycles, and how long a battery of this wear and health still lives.

    f(T)   = 2 ^ ((T - 25) / 8.3)                            Arrhenius by the rule of thumb of US makers (10 C: EU and IEC makers)
    N(DoD) = 200 DoD^-1.5                                    cycles that an AGM block lives at that depth
    wear   = sum f(T_i) dt_i / L25 + sum 1 / N(DoD_i)        1: the prior's end of life
    health = 1 - 0.2 wear^2                                  slow at first, fast at the end; 0.8 at wear 1

Heat is summed as it comes: the mean temperature would hide the hot hours (Jensen).
"""

from __future__ import annotations

from math import erf, exp, sqrt

from analytics.battery.belief import Belief

DAY_MS = 86_400_000
YEAR_DAYS = 365.25
DOUBLES_C = 8.3
N100, DEPTH_POWER = 200.0, 1.5
#: Years at 25 C that batteries of UPSs live in practice, the "5-year" and the "10-year" design alike (tune).
LIFE_YEARS = 4.0
#: Lithium cells of UPSs (LFP, NMC) are sold for 10 years and more, and for thousands of cycles (makers' figures; tune).
LITHIUM_YEARS, LITHIUM_CYCLES = 10.0, 3000.0
#: A UPS's inside is warmer than its room; used where the device tells no temperature at all.
UNKNOWN_C = 28.0
END = 0.80
#: Halvings of 15 years until a date is told to a few seconds.
HALVINGS = 27
#: Jars fail from good to dead within days too: sudden failures a year, whatever the health (tune).
SUDDEN_A_YEAR = 0.01


def heat(celsius: float) -> float:
    """By what factor a battery ages faster than at 25 C; clamped to 0 … 60 C.

    >>> round(heat(33.3), 2)
    2.0
    """
    return float(2.0 ** ((min(max(celsius, 0.0), 60.0) - 25.0) / DOUBLES_C))


def cycle(depth: float) -> float:
    """The part of a life that one discharge of this depth (0..1) costs.

    >>> round(1 / cycle(0.5))
    566
    """
    return float(min(max(depth, 0.0), 1.0) ** DEPTH_POWER / N100)


def expected_health(wear: float) -> float:
    """What the prior believes of a battery with this wear.

    >>> expected_health(1.0)
    0.8
    """
    return max(0.2, 1.0 - (1.0 - END) * wear**2)


def expected_fade(wear: float, wear_a_day: float) -> float:
    """Health lost a day at this wear."""
    return 2 * (1.0 - END) * max(wear, 0.2) * wear_a_day


def below(belief: Belief, days: float, limit: float = END) -> float:
    """The chance that the health is below `limit` in so many days, sudden failures included."""
    mean, sd = belief.ahead(days)
    slow = 0.5 * (1 + erf((limit - mean) / (sd * sqrt(2))))
    return 1.0 - (1.0 - slow) * exp(-SUDDEN_A_YEAR * days / YEAR_DAYS)


def remaining_days(belief: Belief, chance: float, longest: float = 15 * YEAR_DAYS) -> float:
    """Days until the chance of being below 0.80 reaches `chance`; 0 when it has, `longest` when it never does."""
    low, high = 0.0, longest
    if below(belief, 0.0) >= chance:
        return 0.0
    if below(belief, high) < chance:
        return longest
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if below(belief, middle) >= chance else (middle, high)
    return high

"""What is usual for a series at this hour of the day, on this kind of day (working day or weekend, UTC).

State: 48 slots of [n, level, spread]; level and spread follow slowly (an exponential mean, at first a plain one; spread is the
mean absolute distance from the level x 1.25), so the season is followed and a fault of a few days is not learned away. A value
beyond `CLIP` spreads moves the level by no more than `CLIP` spreads.
"""

from __future__ import annotations

from typing import NamedTuple

from analytics.slow.days import DAY_MS

HOUR_MS = 3_600_000
SLOTS = 48
CLIP = 4.0
LEAST_SPREAD = 0.002  #: of the level: a value that never moved has no spread of its own
_MEAN_TO_SD = 1.2533  #: sd of a normal distribution in mean absolute deviations

Profile = list[list[float]]


class Usual(NamedTuple):
    """What is expected: `level` and one standard deviation `spread`, from `n` such hours."""

    level: float
    spread: float
    n: int


def fresh() -> Profile:
    """Nothing known."""
    return [[0.0, 0.0, 0.0] for _ in range(SLOTS)]


def slot(at: int) -> int:
    """Which of the 48 slots the hour that holds `at` (ms) belongs to.

    >>> slot(0), slot(2 * 86_400_000 + 3_600_000)  # a Thursday at midnight, a Saturday at one
    (0, 25)
    """
    weekday = (at // DAY_MS + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    return (24 if weekday >= 5 else 0) + at // HOUR_MS % 24


def usual(profile: Profile, at: int, *, least: int = 3) -> Usual | None:
    """What is usual at that hour; None until the slot has seen `least` such hours."""
    n, level, spread = profile[slot(at)]
    return Usual(level, spread, int(n)) if n >= least else None


def learn(profile: Profile, at: int, value: float, *, memory: int = 20) -> Profile:
    """The profile after one more hour. `memory`: after how many such hours an old one has lost two thirds of its weight."""
    after = [*profile]
    put(after, at, value, memory=memory)
    return after


def put(profile: Profile, at: int, value: float, *, memory: int = 20) -> None:
    """`learn` in a profile of the caller's own; its slots may still be shared with others."""
    fill(profile, slot(at), value, memory)


def fill(profile: Profile, here: int, value: float, memory: int = 20) -> None:
    """`put` by the slot's number."""
    n, level, spread = profile[here]
    n += 1
    if n == 1:
        profile[here] = [n, value, 0.0]
        return
    weight = 1 / (n if n < memory else memory)
    step = value - level
    if n > 5:
        least = LEAST_SPREAD * abs(level)
        most = CLIP * (least if least > spread else spread)
        if step > most:
            step = most
        elif step < -most:
            step = -most
    profile[here] = [n, level + weight * step, spread + weight * (_MEAN_TO_SD * abs(step) - spread)]

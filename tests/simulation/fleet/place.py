"""One site: its room and its mains. Hour by hour, local time UTC+8.

room     mean + season + day + weather + failures of the air conditioning
mains    mean + day + noise, outages (Poisson, more in summer, log-normal length), and dips of a few seconds
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tests.simulation.fleet.chance import Floats, poisson_times, stream, wander

PER_SITE = 10


@dataclass(frozen=True, kw_only=True)
class Place:
    """`room_c`, `mains_v` one value an hour; `outages` (start hour, hours); `dips` start hours; `hvac` (start, hours, rise)."""

    room_c: Floats
    mains_v: Floats
    outages: tuple[tuple[float, float], ...]
    dips: Floats
    hvac: tuple[tuple[float, float, float], ...]
    generator: bool


def season(hours: int) -> Floats:
    """-1 in the middle of January … 1 in the middle of July."""
    return np.asarray(-np.cos(2 * np.pi * (np.arange(hours) / 8766 - 14 / 365.25)))


def hour_of_day(hours: int) -> Floats:
    return np.asarray((np.arange(hours) + 8) % 24, dtype=np.float64)


@lru_cache(maxsize=2)
def place(seed: int, number: int, hours: int) -> Place:
    """Site `number`. Every device of the site sees the same."""
    rng = stream(seed, "site", number)
    year = season(hours)
    warm = rng.uniform(27, 31) if rng.random() < 0.08 else rng.uniform(20, 26)
    day = np.sin(2 * np.pi * (hour_of_day(hours) - 9) / 24)
    room = warm + rng.uniform(0.3, 3.5) * year + rng.uniform(0.2, 1.8) * day + wander(rng, hours, 0.6, 30)
    hvac = []
    for start in poisson_times(rng, np.full(hours, 0.12 / 8766)):
        lasts, rise = float(np.exp(rng.normal(2.5, 0.7))), float(rng.uniform(7, 15))
        hvac.append((float(start), lasts, rise))
        since = np.arange(hours) - start
        up = 1 - np.exp(-np.clip(since, 0, None) / 2.5)
        down = np.exp(-np.clip(since - lasts, 0, None) / 3.0)
        room = room + np.where(since > 0, rise * up * down, 0.0)
    a_year = float(np.exp(rng.normal(np.log(3.0), 0.7)))
    starts = poisson_times(rng, a_year / 8766 * (1 + 0.6 * year))
    lengths = np.clip(np.exp(rng.normal(np.log(240), 1.7, len(starts))), 4, 4 * 3600) / 3600
    outages, last = [], -1.0
    for start, length in zip(starts, lengths, strict=True):
        if start > last + 0.5:
            outages.append((float(start), float(length)))
            last = start + length
    quality = float(np.exp(rng.normal(np.log(8), 0.8)))
    dips = poisson_times(rng, quality / 8766 * (1 + 0.3 * year))
    volts = rng.uniform(224, 236) - rng.uniform(1, 3.5) * day + wander(rng, hours, 1.2, 20) + rng.normal(0, 0.5, hours)
    return Place(
        room_c=room,
        mains_v=volts,
        outages=tuple(outages),
        dips=dips,
        hvac=tuple(hvac),
        generator=bool(rng.random() < 0.15),
    )

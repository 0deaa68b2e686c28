"""Random streams: one a subject, so that a change in one place moves nothing elsewhere."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Rng = np.random.Generator

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
YEAR_H = 8766
#: 2024-01-01 UTC: the fleet's first hour.
START_MS = 1_704_067_200_000


def stream(seed: int, *words: object) -> Rng:
    """The stream of one subject: the same seed and words, the same numbers."""
    digest = blake2b("\x1f".join(map(str, (seed, *words))).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def wander(rng: Rng, n: int, sd: float, hours: float) -> Floats:
    """Noise of standard deviation `sd` that forgets itself within so many hours (a first-order process)."""
    from scipy.signal import lfilter

    keep = float(np.exp(-1.0 / hours))
    white = rng.normal(0.0, sd * (1 - keep**2) ** 0.5, n)
    return np.asarray(lfilter([1.0], [1.0, -keep], white), dtype=np.float64)


def poisson_times(rng: Rng, per_hour: Floats) -> Floats:
    """Hours (fractional, rising) of events whose rate an hour is given for each hour."""
    counts = rng.poisson(per_hour)
    hours = np.repeat(np.arange(len(per_hour)), counts)
    return np.sort(hours + rng.random(len(hours)))


def at_ms(hour: float) -> int:
    """The instant (ms) of an hour of the story, in whole seconds."""
    return START_MS + round(hour * 3600) * 1000

"""The only place of this package that reads the wall clock."""

from __future__ import annotations

import time

from model.timescale import TimeScale


def real_ms() -> int:
    """Real time, ms since 1970 UTC."""
    return time.time_ns() // 1_000_000  # noqa: TID251


def starting_now(speed: float) -> TimeScale:
    """A time scale that agrees with real time at this moment and runs `speed` times as fast."""
    now = real_ms()
    return TimeScale(t0=now, real0=now, speed=speed)

"""The only reader of the wall clock among the simulators."""

from __future__ import annotations

import time


def real_ms() -> int:
    """Milliseconds since 1970 UTC, as the machine believes."""
    return time.time_ns() // 1_000_000  # noqa: TID251 - this module is the clock

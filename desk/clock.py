"""The wall clock, for the one thing that needs it here: the time under a signature, which receivers hold against theirs."""

from __future__ import annotations

import time


def wall_s() -> int:
    """Seconds since 1970 UTC, real, never story time."""
    return int(time.time())  # noqa: TID251  the shell that reads the wall

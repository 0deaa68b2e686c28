"""The only reader of the wall clock at the centre. Everything else takes `now` as an argument."""

from __future__ import annotations

import time

from model.timescale import TimeScale


class Clock:
    """Story time now, in ms. It never runs backwards: a wall clock stepped back stands still until it catches up."""

    def __init__(self, scale: TimeScale) -> None:
        self._scale = scale
        self._last = 0

    def now(self) -> int:
        """Milliseconds since 1970 UTC on the story's time line."""
        self._last = max(self._last, self._scale.story(time.time_ns() // 1_000_000))  # noqa: TID251
        return self._last

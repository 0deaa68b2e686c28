"""The one injected clock, as a pure mapping.

A shell reads real time and maps it; nothing else knows that a demo runs faster. Wire timeouts stay
real: they never pass through here.
"""

from __future__ import annotations

import msgspec


class TimeScale(msgspec.Struct, frozen=True, kw_only=True):
    """Story time = `t0` + (real - `real0`) x `speed`. All times are ms since 1970 UTC."""

    t0: int = 0
    real0: int = 0
    speed: float = 1.0

    def story(self, real_ms: int) -> int:
        """The story time at a real time."""
        return self.t0 + round((real_ms - self.real0) * self.speed)

    def real_seconds(self, story_s: float) -> float:
        """How long a stretch of story time takes in reality."""
        return story_s / self.speed

    def at_least(self, story_s: float, real_s: float) -> float:
        """A limit in story seconds that never asks the wire or the network to be faster than `real_s`."""
        return max(story_s, real_s * self.speed)

    def dump(self) -> str:
        """As a child process takes it on its command line.

        >>> TimeScale(t0=5, real0=2, speed=60).dump()
        '5:2:60'
        """
        return f"{self.t0}:{self.real0}:{self.speed:g}"

    @classmethod
    def parse(cls, text: str) -> TimeScale:
        """Undo `dump`. Raises ValueError saying what was expected."""
        parts = text.split(":")
        if len(parts) != 3:
            raise ValueError(f"expected T0:REAL0:SPEED, got {text!r}")
        speed = float(parts[2])
        if not 0 < speed <= 10_000:
            raise ValueError(f"expected a speed from 0 to 10000, got {parts[2]}")
        return cls(t0=int(parts[0]), real0=int(parts[1]), speed=speed)


#: Story time is real time.
REAL = TimeScale()

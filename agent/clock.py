"""The agent's time line: the one place of this package that reads the wall.

Rules. Within one run of the agent (one *boot*) time only rises and never jumps: at = where the line began
+ monotonic time since (x speed). It begins at the wall's time, but always above the last `at` in the
spool, so a series never meets the same instant twice. What the wall does later is reported, never
followed: `step()` says by how much it jumped, and the centre corrects the boot's offset.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from model.timescale import TimeScale

#: 2024-01-01 UTC: a wall that shows less was never set (a board without a battery starts in 1970).
UNSET_BEFORE_MS = 1_704_067_200_000
#: The wall may drift this far from monotonic time, in real ms, before it is called a step.
STEP_MS = 2_000


def wall_ms() -> int:
    """Real milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000  # noqa: TID251 the one place of the package that reads the wall


class AgentClock:
    """One boot's time line. `wall` (real ms) and `monotonic` (real s) can be injected."""

    def __init__(
        self,
        scale: TimeScale,
        above: int = 0,
        wall: Callable[[], int] = wall_ms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.boot = uuid.uuid4().hex
        self._scale = scale
        self._wall = wall
        self._monotonic = monotonic
        self._wall0 = wall()
        self._monotonic0 = monotonic()
        self._base = max(scale.story(self._wall0), above + 1)
        self._last = 0
        self._was_set = False
        self._drift_ms = 0.0

    def now(self) -> int:
        """The present `at`, story ms. Never less than the call before gave, and never ahead of the line: an agent that
        asks a thousand times a millisecond would else run away from the wall. `agent.backlog` makes times unique."""
        at = self._base + int((self._monotonic() - self._monotonic0) * 1000 * self._scale.speed)
        if at > self._last:
            self._last = at
        return self._last

    def raise_above(self, at: int) -> None:
        """Go on above `at`: a spool that could be opened only later had already used it."""
        self._base = max(self._base, at + 1 - self._elapsed_ms())

    def step(self) -> int | None:
        """By how much (story ms) the wall jumped against monotonic time since the last step, or None."""
        elapsed_ms = (self._monotonic() - self._monotonic0) * 1000
        drift_ms = self._wall() - self._wall0 - elapsed_ms
        jumped_ms = drift_ms - self._drift_ms
        if abs(jumped_ms) <= STEP_MS:
            return None
        self._drift_ms = drift_ms
        return round(jumped_ms * self._scale.speed)

    def estimated(self) -> bool:
        """Whether the wall was obviously never set, so that no time of this boot can be trusted yet."""
        if not self._was_set:  # looked at for each turn of each device until it is
            self._was_set = self._wall() >= UNSET_BEFORE_MS
        return not self._was_set

    def _elapsed_ms(self) -> int:
        return int((self._monotonic() - self._monotonic0) * 1000 * self._scale.speed)

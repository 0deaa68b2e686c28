"""One alarm for many sleepers: turns of network devices begin on a grid, some at a time.

A thousand devices that each set a timer of their own cost a thousand wake-ups of the loop, each with one datagram. On
a grid the loop wakes once, sends what is due and hears the answers together. Nobody wakes early, and late by at
most `STEP_S`, which is nothing beside a pause of seconds. Serial lines keep their own time: there each millisecond counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

STEP_S = 0.02


class Ticker:
    """Of one loop. Times are real monotonic seconds."""

    def __init__(self, step_s: float = STEP_S) -> None:
        self._step_s = step_s
        self._waiting: dict[int, list[Callable[[], None]]] = {}

    def wake(self, at: float, sleeper: Callable[[], None]) -> None:
        """Call `sleeper` once, at `at` or a little later. It cannot be taken back: who was woken otherwise bears it."""
        tick = int(at / self._step_s) + 1
        waiting = self._waiting.get(tick)
        if waiting is None:
            waiting = self._waiting[tick] = []
            pause_s = tick * self._step_s - time.monotonic()
            asyncio.get_running_loop().call_later(max(pause_s, 0.0), self._ring, tick)
        waiting.append(sleeper)

    def _ring(self, tick: int) -> None:
        for sleeper in self._waiting.pop(tick):
            sleeper()

"""From memory to disk: one row every half second of what was read, and a heartbeat when nothing was.

Rules. Chunks that the spool refused are held and handed in again, the same, until the spool has them; what comes
meanwhile waits in the bounded backlog. An empty row goes out after `HEARTBEAT_S` of silence, so that the
centre can tell an agent without devices from a dead one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

import structlog

from agent.backlog import Backlog, Chunk
from agent.clock import AgentClock
from agent.spool import Spool, SpoolError
from agent.spooling import Spooling
from model.batch import Event, EventKind

log = structlog.get_logger()

#: Real seconds. One row (one fsync) at most this often.
FLUSH_S = 0.5
#: The same for the first seconds of a run.
FIRST_S, STARTING_S = 0.1, 3.0
HEARTBEAT_S = 5.0
#: Rows written in one go, with one fsync.
MOST_AT_ONCE = 8
#: Real seconds between attempts while the disk takes nothing.
RETRY_S = 2.0


class Writer:
    """Moves the backlog into the spool. `written` is set whenever there is a new row."""

    def __init__(
        self,
        site: str,
        clock: AgentClock,
        backlog: Backlog,
        spooling: Spooling,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site = site
        self._clock = clock
        self._backlog = backlog
        self._spooling = spooling
        self._held: list[Chunk] = []
        self._monotonic = monotonic
        self._began = monotonic()
        self._last_row = self._began - HEARTBEAT_S  # the first row says at once that we live
        self._refused = 0
        self.written = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Flush until `stop` is set. The last flush is the caller's, when the rounds have ended."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._pause_s())
            await self.flush()

    def _pause_s(self) -> float:
        """Short for the first seconds: whoever starts an agent looks at whether anything comes."""
        if self._refused:
            return RETRY_S
        return FIRST_S if self._monotonic() - self._began < STARTING_S else FLUSH_S

    async def flush(self) -> bool:
        """Write what waits. False when the spool refused; it is held and comes first the next time."""
        self._look_at_the_wall()
        beat = self._monotonic() - self._last_row >= HEARTBEAT_S
        while self._held or len(self._backlog) or beat:
            beat = False
            # The same chunks again: the spool knows whether its last attempt had succeeded after all.
            self._held = self._held or self._take()
            chunks, at = self._held, max(self._clock.now(), self._backlog.top_at)
            try:
                await self._spooling.call(partial(_write, self._site, self._clock.boot, at, chunks))
            except SpoolError as error:
                self._tell_refused(error)
                return False
            self._tell_taken()
            self._held = []
        return True

    def _take(self) -> list[Chunk]:
        """What waits. A busy loop comes back from the disk late: one row a trip would not keep up with a big fleet."""
        chunks = [self._backlog.take()]
        while len(self._backlog) and len(chunks) < MOST_AT_ONCE:
            chunks.append(self._backlog.take())
        return chunks

    def _look_at_the_wall(self) -> None:
        step_ms = self._clock.step()
        if step_ms is None:
            return
        log.warning("clock_stepped", step_ms=step_ms)
        self._backlog.add([Event(kind=EventKind.CLOCK, device=None, at=self._clock.now(), data={"step_ms": step_ms})])

    def _tell_refused(self, error: SpoolError) -> None:
        self._refused += 1
        if self._refused in (1, 10) or self._refused % 100 == 0:
            log.error("spool_refuses", error=str(error), attempts=self._refused, waiting=len(self._backlog))

    def _tell_taken(self) -> None:
        if self._refused:
            log.info("spool_takes_again", after_attempts=self._refused)
        self._refused = 0
        self._last_row = self._monotonic()
        self.written.set()


def _write(site: str, boot: str, at: int, chunks: list[Chunk], spool: Spool) -> int:
    return spool.write(site, boot, at, *chunks)

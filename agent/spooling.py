"""The spool behind one thread: every caller waits for the disk without stopping the loop.

Whatever goes wrong comes out as `SpoolError` and the next call opens the file anew. A damaged file is
replaced at once; that, and the first opening, are told through `on_open`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from agent.spool import Spool, SpoolDamaged, SpoolError

T = TypeVar("T")


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The spool was opened: what its file knew, and where a damaged one went."""

    last_at: int
    moved_to: Path | None


class Spooling:
    """One spool, one thread. `make` builds it (and takes its lock) when it is first needed."""

    def __init__(self, make: Callable[[], Spool], on_open: Callable[[Opened], None]) -> None:
        self._make = make
        self._on_open = on_open
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._spool: Spool | None = None
        self._good = False

    async def call(self, work: Callable[[Spool], T]) -> T:
        """Run `work(spool)` in the thread. Raises `SpoolError`."""
        opened, outcome = await asyncio.get_running_loop().run_in_executor(self._thread, self._call, work)
        for one in opened:
            self._on_open(one)
        if isinstance(outcome, SpoolError):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Let go of the file."""
        if self._spool is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._spool.close)
        self._thread.shutdown(wait=False)

    def _call(self, work: Callable[[Spool], T]) -> tuple[list[Opened], T | SpoolError]:
        opened: list[Opened] = []
        try:
            spool = self._ready(opened)
            try:
                return opened, work(spool)
            except SpoolDamaged:
                # Opening it again may well succeed and fail at the same page: only a fresh file helps.
                spool.replace()
                opened.append(_opened(spool))
                raise
        except SpoolError as error:
            self._good = isinstance(error, SpoolDamaged) and bool(opened)
            return opened, error

    def _ready(self, opened: list[Opened]) -> Spool:
        if self._spool is None:
            self._spool = self._make()
        if not self._good:
            self._spool.reopen()
            self._good = True
            opened.append(_opened(self._spool))
        return self._spool


def _opened(spool: Spool) -> Opened:
    return Opened(last_at=spool.last_at, moved_to=spool.moved_to)

"""`/v1/events`: tells open pages that something changed, at most once a second. What changed they ask for themselves.

A stream carries no content, only kinds and the centre's time, and only of sites that the viewer may see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.responses import StreamingResponse

from collector.centre import Centre
from console.guard import Here, SignedIn
from console.viewer import Viewer

router = APIRouter()

KINDS = ("alert", "incident", "readings", "ticket")
#: The hub's word for "you were too slow": everything may have changed.
LOST = "lost"
PAUSE_S = 1.0
#: Proxies drop quiet streams after a minute; browsers see a dead centre only when writing fails.
HEARTBEAT_S = 15.0


@router.get("/v1/events")
async def events(here: Here, viewer: SignedIn) -> StreamingResponse:
    """Server-sent events `changed` with {"now", "kinds", "sites"}."""
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(stream(here.centre, viewer), media_type="text/event-stream", headers=headers)


async def stream(centre: Centre, viewer: Viewer, pause_s: float = PAUSE_S) -> AsyncIterator[bytes]:
    """The lines of one stream; the subscription ends with it."""
    waiting = _Waiting()
    pump = asyncio.create_task(_pump(centre, viewer, waiting))
    try:
        yield b"retry: 2000\n" + _line(centre, set(), set())
        while not waiting.over:
            if await waiting.some(HEARTBEAT_S):
                kinds, sites = waiting.take()
                if waiting.over:
                    return
                yield _line(centre, kinds, sites)
                await asyncio.sleep(pause_s)
            else:
                yield _line(centre, set(), set())
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


class _Waiting:
    """What changed since the last line. Sets, so a storm of events stays small."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._sites: set[str] = set()
        self._ready = asyncio.Event()
        self.over = False

    def end(self) -> None:
        """The centre stops: nothing more will come."""
        self.over = True
        self._ready.set()

    def add(self, kind: str, site: str) -> None:
        self._kinds.add(kind)
        self._sites.add(site)
        self._ready.set()

    async def some(self, seconds: float) -> bool:
        """Wait until there is something; False when nothing came in time."""
        try:
            await asyncio.wait_for(self._ready.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def take(self) -> tuple[set[str], set[str]]:
        """All of it, and start anew."""
        taken = self._kinds, self._sites
        self._kinds, self._sites = set(), set()
        self._ready.clear()
        return taken


async def _pump(centre: Centre, viewer: Viewer, waiting: _Waiting) -> None:
    try:
        async for event in centre.subscribe():
            site = str(event.get("site") or "")
            if event["kind"] == LOST:
                for kind in KINDS:
                    waiting.add(kind, "")
            elif viewer.sees(centre.inventory.site(site).customer):
                waiting.add(str(event["kind"]), site)
    finally:
        waiting.end()


def _line(centre: Centre, kinds: set[str], sites: set[str]) -> bytes:
    data: dict[str, Any] = {"now": centre.now(), "kinds": sorted(kinds), "sites": sorted(sites)}
    return b"event: changed\ndata: " + msgspec.json.encode(data) + b"\n\n"

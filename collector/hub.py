"""Publish what was committed to those who watch (the console's live pages).

A slow watcher never holds the writer up: its queue is bounded, and when it is full the oldest go and one
`lost` event tells it to load the page anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

Event = dict[str, Any]
_WAITING = 1_000


class Hub:
    """Lives in one event loop."""

    def __init__(self) -> None:
        self._watchers: set[_Watcher] = set()
        self._closed = False

    def publish(self, events: list[Event]) -> None:
        """Hand events to all who watch now."""
        for watcher in self._watchers:
            watcher.take(events)

    def close(self) -> None:
        """End all iterations, so that the server can stop."""
        self._closed = True
        for watcher in self._watchers:
            watcher.wake.set()

    async def subscribe(self) -> AsyncIterator[Event]:
        """Events from now on, until the hub closes."""
        watcher = _Watcher()
        self._watchers.add(watcher)
        try:
            while not self._closed:
                await watcher.wake.wait()
                watcher.wake.clear()
                while watcher.waiting:
                    yield watcher.waiting.popleft()
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.waiting: deque[Event] = deque()

    def take(self, events: list[Event]) -> None:
        if len(self.waiting) + len(events) > _WAITING:
            self.waiting.clear()
            self.waiting.append({"kind": "lost", "id": None, "site": None})
        else:
            self.waiting.extend(events)
        self.wake.set()

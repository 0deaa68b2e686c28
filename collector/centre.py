"""What the running centre offers to those who show it (the console) and those who act on it (the CLI).

The console is written against this protocol and nothing deeper; `collector.running` is the real one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from collector.history import History
from model.inventory import Inventory
from model.timescale import TimeScale


class Centre(Protocol):
    """Reads go straight to `engine` through `collector.store` and `desk.store`; writes through `transact`."""

    engine: sa.Engine
    history: History
    scale: TimeScale

    @property
    def inventory(self) -> Inventory: ...

    @property
    def documents(self) -> Path:
        """Where desk.documents keeps its files."""
        ...

    def now(self) -> int:
        """The injected clock, ms."""
        ...

    def remembered(self, device: str) -> dict[str, dict[str, Any]]:
        """What the detectors remember of a device now, by detector; to look at, never to change."""
        ...

    async def transact(self, work: Any) -> Any:
        """Run `work(connection)` alone in one transaction and publish what changed."""
        ...

    def subscribe(self) -> AsyncIterator[dict[str, Any]]:
        """Events as they commit: {"kind": "ticket"|"incident"|"alert"|"readings", "id": …, "site": …}."""
        ...

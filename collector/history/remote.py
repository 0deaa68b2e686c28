"""What stores in a line-protocol server share: writing to it, and knowing the newest reading of each series.

The newest readings are asked of the server once, when somebody first wants them, and known from then on by
what is written here. A store adds how it asks for them, and its own `range` and `rollup`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from collector.history.lines import LineEncoder
from collector.history.newest import Newest
from collector.history.server import Address, Server
from model.batch import Batch
from model.reading import Reading, Series


class Remote(ABC):
    """One server. Thread-safe for reading; one thread writes."""

    #: Where it writes when the URL does not say: 1 is /write?db=, 2 is /api/v2/write.
    _VERSION: ClassVar[int]

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lines = LineEncoder()
        self._newest = Newest()
        self._seeded = False
        self._lock = threading.Lock()

    @classmethod
    def open(cls, url: str) -> Self:
        """From a history URL. Raises `HistoryError` for a bad URL, not for a server that is down."""
        return cls(Server(Address.parse(url, cls._VERSION)))

    def write(self, batches: Sequence[Batch]) -> None:
        """Have all readings taken by the server before returning. Raises `HistoryError`."""
        readings = [reading for batch in batches for reading in batch.readings]
        self._server.write(self._lines.encode(readings))
        self._newest.note(readings)

    def latest(self, device: str | None = None) -> list[Reading]:
        """The newest reading of each series. Raises `HistoryError` until the server was asked once."""
        self._seed()
        return self._newest.of(device)

    def series(self, device: str) -> list[Series]:
        """What is kept of a device. Raises `HistoryError` until the server was asked once."""
        self._seed()
        return self._newest.series(device)

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _seed(self) -> None:
        with self._lock:
            if not self._seeded:
                self._newest.note(self._ask_newest())
                self._seeded = True

    @abstractmethod
    def _ask_newest(self) -> Iterable[Reading]:
        """The newest reading of each series that the server has."""

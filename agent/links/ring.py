"""The flight recorder's memory: the last frames of one line, as they were on the wire.

Rules. Bounded in frames and in bytes; the oldest fall out. Nothing is copied or encoded here: what is kept is what
the link held in its hands anyway. SNMP is kept as requests and answers, not as datagrams: those hold the community, or
are encrypted, and neither leaves the site.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from agent.drivers.exchange import Answer, Failure, Request

#: Frames and bytes kept of one line by default.
MOST_FRAMES, MOST_BYTES = 512, 64 * 1024
SENT, CAME, EXCHANGED = ">", "<", "="


class Frame(NamedTuple):
    """One piece of the wire. `at`: monotonic seconds. `way`: `>` sent, `<` came, `=` a whole SNMP exchange."""

    at: float
    device: str
    way: str
    data: bytes | tuple[Request, Answer | Failure]


class Ring:
    """The last frames of one line."""

    def __init__(self, frames: int = MOST_FRAMES, octets: int = MOST_BYTES) -> None:
        self._most_octets = octets
        self._frames: deque[Frame] = deque(maxlen=frames)
        self._octets = 0

    def sent(self, device: str, data: bytes) -> None:
        """Bytes handed to the wire."""
        self._keep(Frame(time.monotonic(), device, SENT, data), len(data))

    def came(self, device: str, data: bytes) -> None:
        """Bytes taken off the wire while `device` was asked, whoever sent them."""
        self._keep(Frame(time.monotonic(), device, CAME, data), len(data))

    def exchanged(self, device: str, request: Request, answer: Answer | Failure) -> None:
        """A whole exchange of a protocol whose bytes are not ours to see."""
        self._frames.append(Frame(time.monotonic(), device, EXCHANGED, (request, answer)))

    def _keep(self, frame: Frame, octets: int) -> None:
        if len(self._frames) == self._frames.maxlen:
            self._octets -= _octets(self._frames[0])
        self._frames.append(frame)
        self._octets += octets
        while self._octets > self._most_octets:
            self._octets -= _octets(self._frames.popleft())

    def __iter__(self) -> Iterator[Frame]:
        return iter(tuple(self._frames))


def _octets(frame: Frame) -> int:
    return len(frame.data) if isinstance(frame.data, bytes) else 0

"""The flight recorder's memory: the last frames of one line, as they were on the wire.

Rules. Bounded in frames and in bytes; the oldest fall out. Bytes are kept as the link held them in its hands anyway.
SNMP is kept as requests and answers, not as datagrams: those hold the community, or are encrypted, and neither leaves
the site. Such an exchange is packed (msgpack, about 1 µs for 20 variables): a thousand switches have a thousand rings,
and as objects their answers would take seven times the room. What is asked for round after round is held, not packed; an
answer that brought just that is its values alone. A fleet's rings have to stay in the processor's cache.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import NamedTuple

import msgspec

from agent.drivers.exchange import Answer, Failure, GetVariables, Request, Variable, Variables

#: Frames and bytes kept of one line by default.
MOST_FRAMES, MOST_BYTES = 512, 64 * 1024
SENT, CAME, EXCHANGED = ">", "<", "="
#: What a frame takes beside its bytes, about.
_EACH = 160


class Frame(NamedTuple):
    """One piece of the wire. `at`: monotonic seconds. `way`: `>` sent, `<` came, `=` a whole SNMP exchange, packed, with what
    was asked."""

    at: float
    device: str
    way: str
    data: bytes
    asked: Request | None = None


#: A frame as it is kept: making a named one costs twice as much, and few are ever looked at.
_Frame = tuple[float, str, str, bytes] | tuple[float, str, str, bytes, Request]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def unpacked(frame: Frame) -> tuple[Request, Variables | Failure]:
    """The SNMP exchange in a frame of way `=`."""
    asked, answer = frame.asked, _decode(frame.data)
    assert asked is not None
    if isinstance(answer, list):
        assert isinstance(asked, GetVariables)
        return asked, Variables(dict(zip(asked.oids, answer, strict=True)))
    if answer["type"] == "failure":
        return asked, msgspec.convert(answer, Failure)
    return asked, Variables(answer["values"])


class Ring:
    """The last frames of one line. One of no frames keeps nothing and costs nothing."""

    def __init__(self, frames: int = MOST_FRAMES, octets: int = MOST_BYTES) -> None:
        self._most_octets = octets
        self._most_frames = frames
        self._frames: deque[_Frame] = deque()
        self._octets = 0

    def sent(self, device: str, data: bytes) -> None:
        """Bytes handed to the wire."""
        self._keep((monotonic(), device, SENT, data))

    def came(self, device: str, data: bytes) -> None:
        """Bytes taken off the wire while `device` was asked, whoever sent them."""
        self._keep((monotonic(), device, CAME, data))

    def exchanged(self, device: str, request: Request, answer: Answer | Failure) -> None:
        """A whole exchange of a protocol whose bytes are not ours to see."""
        if not self._most_frames:
            return
        try:
            packed = _encode(_values(request, answer) or answer)
        except (TypeError, ValueError, OverflowError):  # a value that no wire carries is not worth a device's round
            return
        self._keep((monotonic(), device, EXCHANGED, packed, request))

    def _keep(self, frame: _Frame) -> None:
        frames = self._frames
        frames.append(frame)
        octets = self._octets + len(frame[3]) + _EACH
        while octets > self._most_octets or len(frames) > self._most_frames:
            octets -= len(frames.popleft()[3]) + _EACH
        self._octets = octets

    def __iter__(self) -> Iterator[Frame]:
        return iter([Frame(*frame) for frame in self._frames])

    def __len__(self) -> int:
        return len(self._frames)


def _values(request: Request, answer: Answer | Failure) -> list[Variable] | None:
    """The values alone, where they are those that were asked for, in that order."""
    if isinstance(answer, Variables) and answer.cut is None and isinstance(request, GetVariables):
        return list(answer.values.values()) if tuple(answer.values) == request.oids else None
    return None

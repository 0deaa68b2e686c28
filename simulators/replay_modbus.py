"""The registers that a recording shows, so that a request of another shape than the recorded ones has an answer. Pure.

A master may ask the same registers as 10 or as 9 and 1 (ours changes the shape of what a late reply could be taken
for), and a later version merges requests in another way. What a reply held is known register by register, each with its
time; an answer is put together when every register that is asked was seen by then, or will be first seen later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import msgspec
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

_rtu = FramerRTU(DecodePDU(is_server=True))
_tcp = FramerSocket(DecodePDU(is_server=True))
_MBAP = 6
_MOST_WORDS = 125


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A request for registers: function 3 or 4."""

    unit: int
    function: int
    address: int
    count: int

    @property
    def family(self) -> tuple[int, int, int]:
        """The same but for the count: requests that stand for each other."""
        return self.unit, self.function, self.address


def words(request: bytes, *, tcp: bool) -> Words | None:
    """The request for registers in a whole frame; None for any other."""
    body = request[_MBAP:] if tcp else request[:-2]
    if len(body) != 6 or body[1] not in (3, 4):
        return None
    found = Words(
        unit=body[0],
        function=body[1],
        address=int.from_bytes(body[2:4], "big"),
        count=int.from_bytes(body[4:6], "big"),
    )
    return found if 1 <= found.count <= _MOST_WORDS else None


class Registers:
    """What was seen of each register, and when."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int, int], tuple[list[float], list[bytes]]] = {}

    def learn(self, asked: Words, reply: bytes, t: float, *, tcp: bool) -> bool:
        """Whether `reply` is the whole answer to `asked`; its registers are known from `t` on."""
        head = bytes((asked.unit, asked.function, 2 * asked.count))
        start = _MBAP if tcp else reply.find(head)
        size = len(head) + 2 * asked.count
        frame = reply[start : start + size + (0 if tcp else 2)] if start >= 0 else b""
        if len(frame) < size or frame[:3] != head:
            return False
        if not tcp and not FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
            return False
        for number in range(asked.count):
            place = (asked.unit, asked.function, asked.address + number)
            times, values = self._seen.setdefault(place, ([], []))
            times.append(t)
            values.append(frame[3 + 2 * number : 5 + 2 * number])
        return True

    def answer(self, asked: Words, t: float, transaction: int | None) -> bytes | None:
        """The frame with the registers as they were at `t`; `transaction` None: RTU."""
        found: list[bytes] = []
        for address in range(asked.address, asked.address + asked.count):
            times, values = self._seen.get((asked.unit, asked.function, address), ([], []))
            if not times:
                return None
            found.append(values[max(bisect_right(times, t) - 1, 0)])
        return _framed(asked, found, transaction)


def _framed(asked: Words, values: Iterable[bytes], transaction: int | None) -> bytes:
    pdu = bytes((asked.function, 2 * asked.count)) + b"".join(values)
    if transaction is None:
        return bytes(_rtu.encode(pdu, asked.unit, 0))
    return bytes(_tcp.encode(pdu, asked.unit, transaction))

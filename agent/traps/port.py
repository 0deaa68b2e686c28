"""One UDP socket, read at a bounded pace: what is more stays in the kernel, which drops it for nothing, and counts it.

Reading and dropping a datagram costs some 40 microseconds of Python; without a bound a sender with a fast line would keep a
processor busy with that alone.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Iterable
from functools import partial

from agent.traps.gate import Bucket, Rate

#: Datagrams that are read at all: a tenth of a processor.
READS = Rate(500, 2500.0)
_PAUSE_S = 0.05
_AT_ONCE = 64
_LONGEST = 65_535
#: Linux: with each datagram, how many this socket has dropped so far.
_SO_RXQ_OVFL = 40
_ROOM = socket.CMSG_SPACE(4)

Heard = Callable[[bytes, tuple[str, int], Callable[[bytes], None]], None]


class Port:
    """An address of this machine. Raises OSError when it cannot be had."""

    def __init__(self, host: str, port: int, heard: Heard, lost: Callable[[int], None]) -> None:
        self._wire = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._wire.setblocking(False)
            self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # as much as the kernel gives
            self._wire.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
            self._wire.bind((host, port))
        except OSError:
            self._wire.close()
            raise
        self._heard, self._lost = heard, lost
        self._pace = Bucket(READS)
        self._dropped = 0
        self._loop = asyncio.get_running_loop()
        self._resume()

    @property
    def name(self) -> str:
        """HOST:PORT."""
        host, port = self._wire.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _resume(self) -> None:
        self._loop.add_reader(self._wire, self._readable)

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            if not self._pace.take(time.monotonic()):
                self._loop.remove_reader(self._wire)
                self._loop.call_later(_PAUSE_S, self._resume)
                return
            try:
                datagram, told, _, source = self._wire.recvmsg(_LONGEST, _ROOM)
            except OSError:  # nothing more just now; or an ICMP error of something that we answered
                return
            self._count(told)
            self._heard(datagram, (str(source[0]), int(source[1])), partial(self._answer, source))

    def _count(self, told: Iterable[tuple[int, int, bytes]]) -> None:
        for level, kind, data in told:
            if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL) and len(data) == 4:
                (dropped,) = struct.unpack("=I", data)
                self._lost((dropped - self._dropped) % 2**32)
                self._dropped = dropped

    def _answer(self, source: tuple[str | int, ...], octets: bytes) -> None:
        try:
            self._wire.sendto(octets, source)
        except OSError:
            return  # an answer that cannot go is asked for again

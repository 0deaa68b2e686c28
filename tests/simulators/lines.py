"""The other end of a simulated wire, byte for byte: what a reader sends and everything that comes back."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pymodbus.framer import FramerRTU

READ_CHARGE = "03 2e e3 00 01"  # register 12003
CHARGE = "03 02 00 64"  # 100 %


def rtu(unit: int, pdu: str) -> bytes:
    """A frame with its check sum."""
    frame = bytes([unit]) + bytes.fromhex(pdu)
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


def whole(frame: bytes) -> bool:
    """Whether the check sum is right."""
    return len(frame) > 3 and FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))


class Port:
    """An open serial line."""

    def __init__(self, number: int) -> None:
        self.number = number

    def hear(self, size: int, seconds: float = 3.0) -> bytes:
        """Up to `size` bytes; fewer when no more come within `seconds`."""
        heard = b""
        while len(heard) < size and select.select([self.number], [], [], seconds)[0]:
            heard += os.read(self.number, size - len(heard))
        return heard

    def ask(self, data: bytes, size: int, seconds: float = 3.0) -> bytes:
        """Send and hear."""
        os.write(self.number, data)
        return self.hear(size, seconds)

    def timed(self, data: bytes, size: int) -> tuple[bytes, float]:
        """Send, hear, and the seconds between."""
        begun = time.monotonic()
        heard = self.ask(data, size)
        return heard, time.monotonic() - begun


@contextmanager
def serial(path: str) -> Iterator[Port]:
    """The line open for as long as the block takes."""
    number = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield Port(number)
    finally:
        os.close(number)


def tcp(place: str) -> socket.socket:
    """A connection to HOST:PORT."""
    host, port = place.split(":")
    return socket.create_connection((host, int(port)), timeout=3)


def received(line: socket.socket, seconds: float = 3.0) -> bytes:
    """One piece, or nothing within `seconds`."""
    line.settimeout(seconds)
    with contextlib.suppress(TimeoutError):
        return line.recv(4096)
    return b""


@contextmanager
def udp(place: str) -> Iterator[socket.socket]:
    """A datagram socket that talks to HOST:PORT and hears from everyone."""
    host, port = place.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(3)
        line.place = (host, int(port))  # type: ignore[attr-defined]
        yield line

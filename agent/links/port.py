"""An open wire as a stream of bytes: a serial port (`serial_port`) or a TCP connection, with the same verbs.

A port is opened when it is first needed and again, with back-off, only when the port itself is gone; a
device that is silent never closes it. Times here are real seconds of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from agent.links.tcp_peer import reason, watch_peer

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 10.0


class PortGone(OSError):
    """The port cannot be opened or broke. The message says which and why."""


#: Whether so many bytes are worth waking up for.
Enough = Callable[[bytes | bytearray], bool]


class Port(Protocol):
    """A stream of bytes that may vanish."""

    #: Real seconds that one byte takes on the wire; 0 where that has no meaning.
    byte_s: float
    #: When the last byte came, in seconds of the monotonic clock.
    heard_at: float
    #: How often it was opened.
    opened: int

    async def open(self) -> None:
        """Open if it is not. Raises PortGone, at once while a back-off lasts."""

    def write(self, data: bytes) -> None:
        """Hand over bytes. Raises PortGone."""

    async def send(self, data: bytes, at: float) -> float:
        """Hand over bytes at a time (monotonic), or now, and turn the line round if that is ours to do.

        Returns when the last bit is out; 0 if bytes came before `at`, or wait to be read: then nothing was sent.
        Raises PortGone.
        """

    async def read(self, until: float, enough: Enough | None = None, pause_s: float = 0.0) -> bytes:
        """Some bytes, or none when `until` (monotonic) came first, never before it. Raises PortGone.

        `enough` says of what came so far whether it is worth waking up for. Once a byte came, a pause of `pause_s`
        (if not 0) ends the wait too: what came is handed over as it is.
        """

    def returned(self) -> bool:
        """Whether it was gone and is worth another try now; cheap enough to be asked four times a second."""

    def close(self) -> None:
        """Give the port up."""


class BackOff:
    """When to try again."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._not_before = 0.0
        self._why = ""

    def check(self) -> None:
        """Raise PortGone while the pause lasts."""
        left = self._not_before - time.monotonic()
        if left > 0:
            raise PortGone(f"{self._why}; tried again in {left:.1f} s")

    def failed(self, why: str) -> PortGone:
        self._pause = min(max(self._pause * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._not_before = time.monotonic() + self._pause
        self._why = why
        return PortGone(why)

    def worked(self) -> None:
        self._pause = 0.0

    def over(self) -> bool:
        """Whether something failed and may be tried again now."""
        return self._pause > 0 and time.monotonic() >= self._not_before

    def forget(self) -> None:
        """The reason is gone: try at once."""
        self._pause = self._not_before = 0.0


class TcpPort:
    """A TCP connection to a gateway or a device."""

    byte_s = 0.0

    def __init__(self, host: str, port: int, connect_s: float) -> None:
        self.heard_at = 0.0
        self.opened = 0
        self._kept = b""
        self._address = (host, port)
        self._connect_s = connect_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._back_off = BackOff()

    async def open(self) -> None:
        if self._streams:
            return
        self._back_off.check()
        try:
            async with asyncio.timeout(self._connect_s):
                self._streams = await asyncio.open_connection(*self._address)
        except TimeoutError as error:
            raise self._back_off.failed(f"no connection to {self._name} within {self._connect_s:g} s") from error
        except OSError as error:
            raise self._back_off.failed(f"no connection to {self._name}: {reason(error)}") from error
        watch_peer(self._streams[1].get_extra_info("socket"))
        self._back_off.worked()
        self._kept = b""
        self.opened += 1

    def returned(self) -> bool:
        return self._streams is None and self._back_off.over()

    @property
    def connected(self) -> bool:
        return self._streams is not None

    @property
    def _name(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"

    def write(self, data: bytes) -> None:
        assert self._streams
        if self._streams[1].is_closing():
            raise self._lost("closed")
        self._streams[1].write(data)

    async def send(self, data: bytes, at: float) -> float:
        self._kept = self._kept or await self.read(at)
        if self._kept:
            return 0.0
        self.write(data)
        return time.monotonic()

    async def read(self, until: float, enough: Enough | None = None, pause_s: float = 0.0) -> bytes:
        del enough, pause_s  # a network tears frames and pauses where it likes
        if self._kept:
            data, self._kept = self._kept, b""
            return data
        assert self._streams
        await asyncio.sleep(0)  # let what the kernel holds reach the reader
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                data = await self._streams[0].read(4096)
        except TimeoutError:
            return b""
        except OSError as error:
            raise self._lost(str(error.strerror or error)) from error
        if not data:
            raise self._lost("closed by the other side")
        self.heard_at = time.monotonic()
        return data

    def close(self) -> None:
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()

    def _lost(self, why: str) -> PortGone:
        self.close()
        return PortGone(f"connection to {self._name} lost: {why}")

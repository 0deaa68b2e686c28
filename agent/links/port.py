"""An open wire as a stream of bytes: a serial port or a TCP connection, with the same five verbs.

A port is opened when it is first needed and again, with back-off, only when the port itself is gone; a
device that is silent never closes it. Times here are real seconds of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import Protocol

import serial

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 10.0


class PortGone(OSError):
    """The port cannot be opened or broke. The message says which and why."""


class Port(Protocol):
    """A stream of bytes that may vanish."""

    #: Real seconds that one byte takes on the wire; 0 where that has no meaning.
    byte_s: float

    async def open(self) -> None:
        """Open if it is not. Raises PortGone, at once while a back-off lasts."""

    def write(self, data: bytes) -> None:
        """Hand over bytes. Raises PortGone."""

    async def read(self, until: float) -> bytes:
        """Some bytes, or none when `until` (monotonic) came first. Raises PortGone."""

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


class SerialPort:
    """A serial device, or a symlink to a pty: opened raw and exclusively, read when it is readable."""

    def __init__(self, path: str, baud: int, bits: int = 8, parity: str = "N", stop: int = 1) -> None:
        self.path = path
        self.byte_s = (1 + bits + (parity != "N") + stop) / baud
        self._baud, self._bits, self._parity, self._stop = baud, bits, parity, stop
        self._serial: serial.Serial | None = None
        self._back_off = BackOff()

    async def open(self) -> None:
        if self._serial:
            return
        self._back_off.check()
        try:
            # Three-wire interfaces take their power from DTR and RTS: pyserial raises both when it opens.
            self._serial = serial.Serial(
                self.path,
                baudrate=self._baud,
                bytesize=self._bits,
                parity=self._parity,
                stopbits=self._stop,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            missing = not os.path.exists(self.path)  # noqa: PTH110, ASYNC240 - one stat of a device file
            why = f"port missing: {self.path}" if missing else f"port {self.path} cannot be opened: {error}"
            raise self._back_off.failed(why) from error
        self._back_off.worked()

    def write(self, data: bytes) -> None:
        try:
            assert self._serial
            written = os.write(self._serial.fileno(), data)
        except OSError as error:
            raise self._lost(error) from error
        if written != len(data):
            raise self._lost(OSError("the port takes no more bytes"))

    async def read(self, until: float) -> bytes:
        data = self._take()
        if data or time.monotonic() >= until or not await self._readable(until):
            return data
        data = self._take()
        if not data:
            # Readable and yet nothing: the other end of a pty, or the adapter, is gone.
            raise self._lost(OSError("end of file"))
        return data

    def _take(self) -> bytes:
        """What waits; raw mode (VMIN 0) makes this return at once."""
        assert self._serial
        try:
            return os.read(self._serial.fileno(), 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lost(error) from error

    async def _readable(self, until: float) -> bool:
        assert self._serial
        loop = asyncio.get_running_loop()
        fd = self._serial.fileno()
        readable: asyncio.Future[None] = loop.create_future()
        loop.add_reader(fd, _resolve, readable)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await readable
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(fd)
        return True

    def close(self) -> None:
        port, self._serial = self._serial, None
        if port:
            with contextlib.suppress(OSError):
                port.close()

    def _lost(self, error: OSError) -> PortGone:
        self.close()
        return self._back_off.failed(f"port lost: {self.path}: {error.strerror or error}")


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class TcpPort:
    """A TCP connection to a gateway or a device."""

    byte_s = 0.0

    def __init__(self, host: str, port: int, connect_s: float) -> None:
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
            raise self._back_off.failed(f"no connection to {self._name}: {error.strerror or error}") from error
        self._back_off.worked()

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

    async def read(self, until: float) -> bytes:
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
        return data

    def close(self) -> None:
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()

    def _lost(self, why: str) -> PortGone:
        self.close()
        return PortGone(f"connection to {self._name} lost: {why}")

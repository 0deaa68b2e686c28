"""A serial device, or a symlink to a pty: opened raw and exclusively, its bytes taken as they come.

Rules. A port is opened when it is first needed and never closed because a device is silent. Bytes are taken off the
kernel by the loop's own callback, which stamps when the last one came and wakes whoever waits only for a whole reply:
at 9600 baud each byte comes by itself. Waits end by a precise alarm (`alarm`), for a line's silence is 1.75 to 4 ms.

When the port breaks it is closed and, with back-off, opened again by the next who needs it. Where it is (`adapters`)
is asked each time: an adapter that was pulled out may come back under another name. Once its node is there again
nobody waits for the back-off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import time

import serial

from agent.links.adapters import Place
from agent.links.alarm import Alarm, alarm
from agent.links.port import BackOff, Enough, PortGone
from agent.links.rs485 import Direction

#: What nobody asked for is kept up to this many bytes, the newest.
_MOST_KEPT = 4096
_LOOK_EVERY_S = 0.25


class SerialPort:
    """One serial line."""

    def __init__(
        self,
        place: Place,
        baud: int,
        bits: int = 8,
        parity: str = "N",
        stop: int = 1,
        direction: Direction | None = None,
    ) -> None:
        self.place = place
        self.byte_s = (1 + bits + (parity != "N") + stop) / baud
        self.heard_at = 0.0
        self.opened = 0
        self._baud, self._bits, self._parity, self._stop = baud, bits, parity, stop
        self._direction = direction
        self._serial: serial.Serial | None = None
        self._fd = -1
        self._back_off = BackOff()
        self._missing = False
        self._looked_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._alarm: Alarm | None = None
        self._data = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._enough: Enough | None = None
        self._until = self._pause_s = 0.0
        self._broken: PortGone | None = None
        self._to_send = b""
        self._sent_at = 0.0

    async def open(self) -> None:
        if self._serial:
            return
        path = self.place.path()
        if self._missing and path:
            self._back_off.forget()
        self._missing = not path
        if not path:
            raise PortGone(f"port missing: {self.place}")
        self._back_off.check()
        try:
            # Three-wire interfaces take their power from DTR and RTS: pyserial raises both when it opens.
            port = serial.Serial(
                path,
                baudrate=self._baud,
                bytesize=self._bits,
                parity=self._parity,
                stopbits=self._stop,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            raise self._back_off.failed(f"port {self.place} cannot be opened: {error}") from error
        try:
            if self._direction:
                self._direction.prepare(port)
        except (OSError, ValueError) as error:
            port.close()
            raise self._back_off.failed(f"port {self.place}: no RS-485 direction control: {error}") from error
        self._take_over(port)

    def _take_over(self, port: serial.Serial) -> None:
        self._serial, self._fd = port, port.fileno()
        self._broken = None
        self._data.clear()
        self._loop = asyncio.get_running_loop()
        self._alarm = alarm(self._rang)
        with contextlib.suppress(OSError, ValueError):
            port.set_low_latency_mode(True)  # an FTDI adapter hands bytes over every ms, not every 16
        self._loop.add_reader(self._fd, self._readable)
        self._back_off.worked()
        self.opened += 1

    def returned(self) -> bool:
        if self._serial:
            return False
        return bool(self.place.path()) and (self._missing or self._back_off.over())

    def write(self, data: bytes) -> None:
        self._check()
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            raise self._lost(error) from error
        if written != len(data):
            raise self._lost(OSError("the port takes no more bytes"))

    async def send(self, data: bytes, at: float) -> float:
        self._take()
        if self._direction is not None and self._direction.by_hand:
            if not self._data and time.monotonic() < at:
                await self._wait(at, bool)
                self._check()
            return 0.0 if self._data else await self._turned(self._direction, data)
        if self._data:
            return 0.0
        if time.monotonic() < at:
            # The alarm itself writes: every turn of the loop between would be silence too much.
            self._to_send = data
            try:
                await self._wait(at, bool)
            finally:
                unsent, self._to_send = self._to_send, b""
            self._check()
            return 0.0 if unsent else self._sent_at + len(data) * self.byte_s
        self.write(data)
        return time.monotonic() + len(data) * self.byte_s

    async def _turned(self, direction: Direction, data: bytes) -> float:
        """Send with RTS raised, or lowered, by ourselves."""
        try:
            assert self._serial
            direction.talk(self._serial)
            await self._sleep(time.monotonic() + direction.before_s)
            self.write(data)
            out = time.monotonic() + len(data) * self.byte_s
            await self._sleep(out)
            while self._serial and self._serial.out_waiting:
                out = time.monotonic() + self.byte_s
                await self._sleep(out)
            await self._sleep(out + direction.after_s)
            self._check()
            direction.listen(self._serial)
        except OSError as error:
            raise (error if isinstance(error, PortGone) else self._lost(error)) from error
        return out

    async def read(self, until: float, enough: Enough | None = None, pause_s: float = 0.0) -> bytes:
        self._take()
        waits = not self._data or (enough is not None and not enough(self._data))
        if waits and time.monotonic() < until:
            self._pause_s = pause_s
            await self._wait(until, enough or bool)
            self._check()
            if not self._data:
                self._look()
        data = bytes(self._data)
        self._data.clear()
        return data

    def _look(self) -> None:
        """Nothing came: does the line still end where its name leads? A pulled adapter does not always hang up."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = now
        path = self.place.path()
        try:
            moved = bool(path) and os.stat(path).st_rdev != os.fstat(self._fd).st_rdev  # noqa: PTH116 - one stat of a node
        except OSError:
            return
        if moved:
            raise self._lost(OSError(f"it is another node now: {path}"))

    async def _sleep(self, until: float) -> None:
        """Wait for a time whatever comes meanwhile."""
        self._pause_s = 0.0
        if time.monotonic() < until:
            await self._wait(until, _never)

    async def _wait(self, until: float, enough: Enough) -> None:
        assert self._loop
        assert self._alarm
        self._until, self._enough = until, enough
        self._waiter = self._loop.create_future()
        self._alarm.set(self._due())
        try:
            await self._waiter
        finally:
            self._waiter = None
            if self._alarm:
                self._alarm.off()

    def _due(self) -> float:
        return min(self._until, self.heard_at + self._pause_s) if self._pause_s and self._data else self._until

    def _rang(self) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done() or self._alarm is None:
            return
        due = self._due()
        if time.monotonic() < due:
            self._alarm.set(due)  # more came meanwhile, so the pause began anew
            return
        if self._to_send:
            self._write_now()
        if not waiter.done():
            waiter.set_result(None)

    def _write_now(self) -> None:
        """Send what waits for this moment, unless something came in the last one."""
        try:
            self._take()
            if not self._data:
                data, self._to_send = self._to_send, b""
                self._sent_at = time.monotonic()
                self.write(data)
        except PortGone as gone:
            self._broken = gone

    def _take(self) -> None:
        """What the kernel holds and the loop has not seen yet. Raises PortGone."""
        self._check()
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            raise self._lost(error) from error
        if data:
            self._came(data)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(error)
            return
        if not data:
            # Raw mode reads nothing where nothing is; but readable and nothing is a line that was hung up.
            if _hung_up(self._fd):
                self._break(OSError("end of file"))
            return
        self._came(data)

    def _came(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        first = not self._data
        self._data += data
        if len(self._data) > _MOST_KEPT:
            del self._data[:-_MOST_KEPT]
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        assert self._enough
        if self._enough(self._data):
            waiter.set_result(None)
        elif first and self._pause_s and self._alarm:
            self._alarm.set(self._due())

    def _break(self, error: OSError) -> None:
        """The port broke while nobody, or somebody, waited."""
        self._broken = self._lost(error)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _check(self) -> None:
        if self._serial is None:
            raise self._broken or PortGone(f"port {self.place} is not open")

    def close(self) -> None:
        port, self._serial = self._serial, None
        bell, self._alarm = self._alarm, None
        if bell:
            bell.close()
        if port:
            if self._loop:
                with contextlib.suppress(RuntimeError):  # the loop may be closed already
                    self._loop.remove_reader(self._fd)
            with contextlib.suppress(OSError):
                port.close()
        self._fd = -1

    def _lost(self, error: OSError) -> PortGone:
        self.close()
        # What broke is known to be gone: an adapter that was pulled out is looked for without a back-off.
        self._missing = True
        return self._back_off.failed(f"port lost: {self.place}: {error.strerror or error}")


def _never(_: bytes | bytearray) -> bool:
    return False


def _hung_up(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(seen & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, seen in poll.poll(0))

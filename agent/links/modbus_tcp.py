"""Modbus TCP: transaction numbers tell replies apart, so a late one is dropped by its number.

Rules. One request at a time on one connection, whatever units stand behind it. A frame with another number is thrown
away and counted `quarantined`, for the device whose request it belongs to. What is no Modbus frame at all, or half
a frame when time is up, means that the stream is out of step: it is closed and opened anew. A silent unit costs
its deadline and nothing else: the connection stays, for others behind it may answer. It is opened anew when the other
side does not acknowledge any more (`TcpWire.forsaken`), or when five minutes of asking brought not one byte:
some gateways forget a session and go on acknowledging.

The way of the usual exchange is short on purpose: no task, no lock and no timer of its own. The request was built
before and is only numbered; the deadline is a number that one sleeping timer looks at; the reply is told by nine bytes.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

import msgspec

from agent.drivers.exchange import Answer, Failure, ReadIdentity, ReadWords, Request, Words, printable
from agent.drivers.modbus_frames import TcpShape, answer_tcp, take_tcp, tcp_shape
from agent.links.identification import whole_identity
from agent.links.owner import Link
from agent.links.port import PortGone
from agent.links.tcp_wire import TcpWire
from model.reading import GapCause

#: Real seconds of asking without one byte after which a connection that is acknowledged is opened anew nevertheless.
_FORGOTTEN_S = 300.0
#: Lost requests whose late replies are still known by device.
_LOST_KEPT = 64
_GONE = "the other side does not even acknowledge"
_FORGOTTEN = "no byte for five minutes of asking"


class _Pending(msgspec.Struct):
    """The request that is under way."""

    request: ReadWords | ReadIdentity
    transaction: int
    head: bytes
    shape: TcpShape
    answer: asyncio.Future[Answer | Failure]
    until: float
    strays: str = ""


class ModbusTcpLink(Link):
    """One connection to a device or gateway."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        super().__init__()
        self._wire = TcpWire(host, port, timeout_s, self._came, self._broke)
        self._timeout_s = timeout_s
        self._transaction = 0
        self._data = b""
        self._pending: _Pending | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._silent_since: float | None = None
        self._lost: OrderedDict[int, str] = OrderedDict()

    async def _once(self, request: Request) -> Answer | Failure:
        if isinstance(request, ReadIdentity):
            return await whole_identity(self._exchange, request)
        assert isinstance(request, ReadWords)
        return await self._exchange(request)

    async def _exchange(self, request: ReadWords | ReadIdentity) -> Answer | Failure:
        if not self._wire.connected:
            await self._open()
        number = self._transaction = self._transaction % 0xFFFF + 1
        numbered = number.to_bytes(2, "big")
        shape = tcp_shape(request)
        frame = numbered + shape.said
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer | Failure] = loop.create_future()
        wait_s = self._timeout_s
        if self.deadline_s is not None:  # a probe behind a gateway: the timer that runs may be set for later
            wait_s = self.patience_s(wait_s)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        until = time.monotonic() + wait_s
        self._pending = _Pending(request, number, numbered + shape.head, shape, answer, until)
        if self._timer is None:
            self._timer = loop.call_later(wait_s, self._look)
        self._wire.send(frame)
        self.ring.sent(self.device, frame)
        try:
            return await answer
        finally:
            self._pending = None
            if answer.cancelled():
                self._owed(number)

    async def _open(self) -> None:
        self._data = b""
        self._silent_since = None
        again = self._wire.opened > 0
        await self._wire.open()
        self.account.reopened += again

    def _came(self, data: bytes) -> None:
        """Bytes off the wire, at once."""
        self.ring.came(self.device, data)
        self._silent_since = None
        pending = self._pending
        if pending is not None and not self._data and len(data) == pending.shape.size and data.startswith(pending.head):
            self._wire.proved()
            self._settle(pending, Words(pending.shape.words.unpack_from(data, 9)))
            return
        self._data += data
        while self._data and self._take():
            pass

    def _take(self) -> bool:
        """Deal with the first frame that waits; False when there is no whole one."""
        taken = take_tcp(self._data)
        pending = self._pending
        if taken is None:
            return False
        if isinstance(taken, Failure):
            self.close()
            self._settle(pending, taken)
            return False
        frame, self._data = taken
        number = int.from_bytes(frame[:2], "big")
        if pending is None or pending.answer.done() or number != pending.transaction:
            self._quarantine(number, frame)
            return True
        answer = answer_tcp(frame, pending.request)
        if isinstance(answer, Failure) and answer.cause is GapCause.GARBLED:
            self.close()
        else:
            self._wire.proved()
        self._settle(pending, answer)
        return True

    def _quarantine(self, number: int, frame: bytes) -> None:
        device = self._lost.pop(number, self.device)
        self.account.of(device).quarantined += 1
        if self._pending is not None:
            self._pending.strays = printable(frame)

    def _settle(self, pending: _Pending | None, answer: Answer | Failure) -> None:
        if pending is not None and not pending.answer.done():
            pending.answer.set_result(answer)

    def _look(self) -> None:
        """The one timer: is the deadline of what is under way over? If not, look again when it is."""
        self._timer = None
        pending = self._pending
        if pending is None or pending.answer.done():
            return
        now = time.monotonic()
        if now < pending.until - 0.0005:
            self._timer = asyncio.get_running_loop().call_later(pending.until - now, self._look)
            return
        self._owed(pending.transaction)
        if (gone := self._gone(now)) is not None:
            pending.answer.set_exception(gone)
        else:
            self._settle(pending, self._nothing(pending))

    def _owed(self, number: int) -> None:
        """A reply that may still come, and whose it is."""
        self._lost[number] = self.device
        while len(self._lost) > _LOST_KEPT:
            self._lost.popitem(last=False)

    def _gone(self, now: float) -> PortGone | None:
        """Why the connection, and not the unit, is given up for this silence; None when it is kept."""
        if self._silent_since is None:
            self._silent_since = now - self._timeout_s
        if self._wire.forsaken():
            return self._wire.give_up(_GONE)
        if now - self._silent_since >= _FORGOTTEN_S:
            return self._wire.give_up(_FORGOTTEN)
        return None

    def _nothing(self, pending: _Pending) -> Failure:
        """Time is up. Half a frame in the buffer means that the stream may be out of step: start anew."""
        left = self._data
        if left:
            self.close()
            return Failure(cause=GapCause.GARBLED, raw=printable(left))
        strays = pending.strays
        return Failure(cause=GapCause.NO_ANSWER, raw=f"only a late reply: {strays}"[:200] if strays else "")

    def _broke(self, why: str) -> None:
        self._data = b""
        if self._pending is not None and not self._pending.answer.done():
            self._pending.answer.set_exception(PortGone(why))

    def close(self) -> None:
        self._data = b""
        self._wire.close()

"""The owner of an RS-485 line, or of an RTU stream over TCP: silence kept, late replies never taken.

Rules. A request goes out only after 3.5 characters of silence (19200 baud and up: 1.75 ms). A reply counts
only with the unit, function and byte count of the request and a right CRC; anything else is thrown away
and waited past. After a time-out the line is drained until it is quiet, and until the lost reply can no
longer come, no request of its shape is sent to that unit (`debts`); if none is left, the unit has to wait.
"""

from __future__ import annotations

import time

from agent.drivers.exchange import Answer, Failure, ReadIdentity, ReadWords, Request, Words, printable
from agent.drivers.modbus_frames import find_rtu, rtu
from agent.links.debts import Debts
from agent.links.owner import Link
from agent.links.port import Port
from model.reading import GapCause

_LEAST_SILENCE_S = 0.00175
_QUIET_S = 0.05
_DRAIN_S = 2.0
_GARBLED_PAUSE_S = 0.15
#: How long a lost reply may still come: a busy UPS was seen to take 2 s.
_LATE_TIMES, _LATE_S = 4, 2.0
#: No shape is left that a late reply cannot have. The bus does not wait for that: others have their turn.
_NOT_YET = Failure(cause=GapCause.STALE, raw="not asked: late replies of this unit may still come")


class ModbusRtuLink(Link):
    """One line, any number of units."""

    def __init__(self, port: Port, timeout_s: float) -> None:
        super().__init__()
        self._port = port
        self._timeout_s = timeout_s
        self._silence_s = max(_LEAST_SILENCE_S, 3.5 * port.byte_s)
        self._busy_until = 0.0
        self._drain = False
        self._debts = Debts(_LATE_S + _LATE_TIMES * timeout_s)

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, ReadWords | ReadIdentity)
        if isinstance(request, ReadIdentity):
            return await self._exchange(request)
        shapes = self._debts.shapes(request, time.monotonic())
        if shapes is None:
            return _NOT_YET
        words: list[int] = []
        for shape in shapes:
            answer = await self._exchange(shape)
            if not isinstance(answer, Words):
                return _NOT_YET if _overread(shapes, request, answer) else answer
            words.extend(answer.values)
        return Words(tuple(words[: request.count]))

    async def _exchange(self, request: ReadWords | ReadIdentity) -> Answer | Failure:
        await self._port.open()
        await self._silence()
        frame = rtu(request)
        self._port.write(frame)
        sent = time.monotonic() + len(frame) * self._port.byte_s
        self._busy_until = sent
        until = sent + self.patience_s(self._timeout_s) + _reply_bytes(request) * self._port.byte_s
        data = b""
        while True:
            more = await self._port.read(until)
            if not more:
                return self._lost(request, data)
            self._busy_until = time.monotonic()
            data = (data + more)[-2048:]
            found = find_rtu(data, request)
            if found:
                answer, before = found
                self._drain = bool(before)
                return answer
            if len(data) >= _reply_bytes(request):
                # As long as the answer and yet not it: whatever follows a pause of this line is not it either.
                until = min(until, self._busy_until + _GARBLED_PAUSE_S)

    def _lost(self, request: ReadWords | ReadIdentity, data: bytes) -> Failure:
        self._drain = True
        if isinstance(request, ReadWords):
            self._debts.lost(request, time.monotonic())
        return Failure(cause=GapCause.GARBLED if data else GapCause.NO_ANSWER, raw=printable(data))

    async def _silence(self) -> None:
        """Wait until the line was silent long enough, throwing away whatever still comes."""
        quiet_s = max(self._silence_s, _QUIET_S) if self._drain else self._silence_s
        end = time.monotonic() + _DRAIN_S
        self._drain = False
        while time.monotonic() < end:
            until = self._busy_until + quiet_s
            data = await self._port.read(until)
            if data:
                self._busy_until = time.monotonic()
            elif time.monotonic() >= until:
                return

    def close(self) -> None:
        self._port.close()


def _overread(shapes: list[ReadWords], request: ReadWords, answer: Answer | Failure) -> bool:
    refused = isinstance(answer, Failure) and answer.cause == GapCause.REFUSED
    return refused and sum(shape.count for shape in shapes) > request.count


def _reply_bytes(request: ReadWords | ReadIdentity) -> int:
    return 5 + 2 * request.count if isinstance(request, ReadWords) else 256

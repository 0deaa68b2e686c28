"""The owner of an RS-485 line, or of an RTU stream over TCP: silence kept, late replies never taken.

Rules. A request goes out only after 3.5 characters of silence (19200 baud and up: 1.75 ms), counted from the last byte
heard or the end of our own frame, and not a millisecond later. A reply counts only with the unit, function and
byte count of the request and a right check sum, and if it cannot be a late or a doubled one (`debts`). Our own request,
repeated by a two-wire adapter, is skipped. After anything odd the line is drained until it is quiet. Sound frames that
are not the answer are counted as quarantined, for the device whose unit they bear. Every piece goes into the ring.
"""

from __future__ import annotations

import time
from typing import Final

from agent.drivers.exchange import Answer, Failure, Objects, ReadIdentity, ReadWords, Request, Words, printable
from agent.drivers.modbus_frames import Ask
from agent.drivers.rtu_frames import RtuShape, answer_in, is_exception, rtu_shape, sift
from agent.links.debts import Debts, Way
from agent.links.identification import whole_identity
from agent.links.owner import Link
from agent.links.port import Enough, Port
from model.reading import GapCause

_LEAST_SILENCE_S = 0.00175
_QUIET_S = 0.05
_DRAIN_S = 2.0
#: A reply that stopped for so long does not go on. Over a network it may.
_TORN_PAUSE_S = 0.15
#: How long a lost reply may still come: a busy UPS was seen to take 2 s.
_LATE_TIMES, _LATE_S = 4, 2.0
_LONGEST = 256
_DRAINED = 4096
_TRIES = 3
#: No shape is left that a late reply cannot have. The bus does not wait for that: others have their turn.
_NOT_YET: Final = Failure(cause=GapCause.STALE, raw="not asked: late replies of this unit may still come")


class ModbusRtuLink(Link):
    """One line, any number of units."""

    def __init__(self, port: Port, timeout_s: float) -> None:
        super().__init__()
        self._port = port
        self._timeout_s = timeout_s
        self._silence_s = max(_LEAST_SILENCE_S, 3.5 * port.byte_s)
        self._busy_until = 0.0
        self._drain = False
        self._opened = 0
        self._debts = Debts(_LATE_S + _LATE_TIMES * timeout_s, doubled_s=max(1.0, timeout_s))
        #: Which device bears which unit, as far as they were asked.
        self._units: dict[int, str] = {}

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, ReadWords | ReadIdentity)
        if isinstance(request, ReadIdentity):
            return await whole_identity(self._believed, request)
        return await self._believed(request)

    async def _believed(self, request: Ask) -> Answer | Failure:
        """The answer to a request, in whatever shape it has to be asked."""
        self._units[request.unit] = self.device
        for _ in range(_TRIES):
            way = self._debts.ways(request, time.monotonic())
            if way is None:
                break
            answer = await self._walk(way, request)
            if answer is not None:
                return answer
        return _NOT_YET

    async def _walk(self, way: Way, request: Ask) -> Answer | Failure | None:
        """One way to ask. None: nothing came that may be believed, ask in another way."""
        words: list[int] = []
        for part in way.parts:
            answer = await self._exchange(part)
            if way.twice and isinstance(answer, Words | Objects):
                self._quarantine(part.unit)
                answer = await self._exchange(part)
            if answer is None:
                return None
            if part is request:
                return answer
            if not isinstance(answer, Words):
                return self._part_failed(way, request, answer)
            words.extend(answer.values)
        assert isinstance(request, ReadWords)
        return Words(tuple(words[: request.count]))

    def _part_failed(self, way: Way, request: Ask, answer: Answer | Failure) -> Answer | Failure | None:
        longer = isinstance(request, ReadWords) and len(way.parts) == 1
        if longer and isinstance(answer, Failure) and answer.cause is GapCause.REFUSED:
            assert isinstance(request, ReadWords)
            self._debts.no_neighbours(request)
            return None
        return answer

    async def _exchange(self, request: Ask) -> Answer | Failure | None:
        """The answer to exactly this request; None when the reply is not to be believed."""
        frame = await self._reply(request)
        if isinstance(frame, Failure):
            return frame
        now = time.monotonic()
        if self._debts.doubts(request, frame, now):
            self._quarantine(request.unit)
            if not is_exception(frame):
                self._debts.lost(request, now)
                return None
            again = await self._reply(request)
            if isinstance(again, Failure):
                return again
            frame = again
        self._debts.given(request, frame, time.monotonic())
        return answer_in(frame, request)

    def _quarantine(self, unit: int) -> None:
        """A sound reply of that unit was not believed."""
        self._stray(unit)
        self._drain = True

    def _stray(self, unit: int) -> None:
        self.account.of(self._units.get(unit, self.device)).quarantined += 1
        self._debts.odd(unit, time.monotonic())

    async def _reply(self, request: Ask) -> bytes | Failure:
        """One request on the wire, and the sound frame that fits it."""
        await self._open()
        shape = rtu_shape(request)
        self._busy_until = await self._send(shape.said)
        until = self._busy_until + self.patience_s(self._timeout_s) + (shape.size or _LONGEST) * self._port.byte_s
        enough = _enough(shape.size) if shape.size else None
        data, strays, echo = b"", 0, shape.said
        while True:
            # A reply that began and paused is torn, and whatever follows a pause of this line is not it either.
            torn_s = self._torn_s(data, shape) if not strays else 0.0
            due = min(until, self._port.heard_at + torn_s) if torn_s else until
            more = await self._port.read(due, enough, _TORN_PAUSE_S)
            if not more:
                return self._lost(request, data, strays)
            enough = None
            self.ring.came(self.device, more)
            data += more
            if echo and len(data) >= len(echo):
                data, echo = data.removeprefix(echo), b""
            found = sift(data, request)
            for stray in found.strays:
                self._stray(stray[0])
            strays += len(found.strays)
            if found.frame:
                self._after(found.rest)
                self._drain = self._drain or strays > 0
                return found.frame
            data = found.rest[-2 * _LONGEST :]

    def _torn_s(self, data: bytes, shape: RtuShape) -> float:
        """After how long a pause what came is known to be all; 0: something may still begin."""
        if not self._port.byte_s:
            return 0.0
        if len(data) >= (shape.size or _LONGEST):
            return _QUIET_S
        return _TORN_PAUSE_S if shape.head[:2] in data else 0.0

    def _after(self, rest: bytes) -> None:
        """What stood behind the reply in the same breath."""
        if rest:
            for stray in sift(rest, None).strays:
                self._stray(stray[0])
            self._drain = True

    def _lost(self, request: Ask, data: bytes, strays: int) -> Failure:
        self._drain = True
        self._debts.lost(request, time.monotonic())
        if data:
            return Failure(cause=GapCause.GARBLED, raw=printable(data))
        told = f"only replies that are not to this question: {strays}" if strays else ""
        return Failure(cause=GapCause.NO_ANSWER, raw=told)

    async def _open(self) -> None:
        await self._port.open()
        if self._port.opened != self._opened:
            self._opened = self._port.opened
            self.account.reopened = self._opened - 1
            self._drain = True

    async def _send(self, said: bytes) -> float:
        """Say it once the line was silent long enough, throwing away whatever still comes. Returns when it is out."""
        quiet_s = max(self._silence_s, _QUIET_S) if self._drain else self._silence_s
        end = time.monotonic() + _DRAIN_S
        self._drain = False
        stray = b""
        while not (out := await self._port.send(said, max(self._busy_until, self._port.heard_at) + quiet_s)):
            quiet_s = max(self._silence_s, _QUIET_S) if time.monotonic() < end else 0.0
            data = await self._port.read(0.0)
            self.ring.came(self.device, data)
            stray += data
        self.ring.sent(self.device, said)
        for frame in sift(stray[-_DRAINED:], None).strays if stray else ():
            self._stray(frame[0])
        return out

    def returned(self) -> bool:
        return self._port.returned()

    def close(self) -> None:
        self._port.close()


def _enough(size: int) -> Enough:
    """Whether so many bytes may hold a whole reply: as long as it should be, or the refusal of a request."""

    def enough(data: bytes | bytearray) -> bool:
        return len(data) >= size or (len(data) >= 5 and data[1] >= 0x80)

    return enough

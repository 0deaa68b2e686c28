"""A Megatec or Voltronic line: what waits is thrown away before each command, a reply ends with CR and has its shape.

There is no number and mostly no checksum, so shape is all (`drivers.megatec_frames`). After a time-out or nonsense the
line is drained until it is quiet. The name plate (`constant` commands) is asked once an hour, and a unit that knows no
such command is left alone with it for ten minutes: a time-out costs a round of measuring.
"""

from __future__ import annotations

import time

from agent.drivers.exchange import Answer, Command, Failure, Line, Request, printable
from agent.drivers.megatec_frames import END, longest, said, shaped, whole_without_end
from agent.links.owner import Link
from agent.links.port import Port
from model.reading import GapCause

__all__ = ["MegatecLink", "shaped"]

_QUIET_S = 0.25
_DRAIN_S = 1.5
_LONGEST = 512
#: Real seconds for which what a constant command gave, or did not give, is believed.
_KNOWN_S, _UNKNOWN_S = 3600.0, 600.0


class MegatecLink(Link):
    """One UPS on one serial line."""

    def __init__(self, port: Port, timeout_s: float) -> None:
        super().__init__()
        self._port = port
        self._timeout_s = timeout_s
        self.tried = 0  #: dialects tried on a silent line (`agent.dialects`)
        self._late = False
        self._alive = False  #: whether the last question that was no constant had its answer
        self._constants: dict[Command, tuple[Line | Failure, float]] = {}

    async def ask(self, request: Request) -> Answer | Failure:
        """As every link; what cannot have changed is not asked again."""
        if not isinstance(request, Command) or not request.constant:
            answer = await super().ask(request)
            self._alive = isinstance(answer, Line)
            return answer
        known = self._constants.get(request)
        if known and known[1] > time.monotonic():
            return known[0]
        opened = self.account.reopened
        answer = await super().ask(request)
        assert isinstance(answer, Line | Failure)
        if isinstance(answer, Line) or (self._alive and self.account.reopened == opened):
            life_s = _KNOWN_S if isinstance(answer, Line) else _UNKNOWN_S
            self._constants[request] = (answer, time.monotonic() + life_s)
        return answer

    def forget(self) -> None:
        super().forget()
        self._constants.clear()

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, Command)
        await self._port.open()
        self.account.reopened = max(0, self._port.opened - 1)
        await self._drain(_QUIET_S if self._late else 0.0)
        self._late = False
        command = said(request)
        self._port.write(command)
        self.ring.sent(self.device, command)
        until = time.monotonic() + self._timeout_s + (len(command) + longest(request)) * self._port.byte_s
        data = b""
        while END not in data and len(data) < _LONGEST:
            more = await self._port.read(until)
            if not more:
                return self._silent(data, request)
            self.ring.came(self.device, more)
            data += more
        answer = shaped(data, request)
        self._late = isinstance(answer, Failure) and answer.cause == GapCause.GARBLED
        return answer

    def _silent(self, data: bytes, request: Command) -> Line | Failure:
        self._late = True
        if whole_without_end(data, request):
            answer = shaped(data, request)
            assert isinstance(answer, Line)
            return answer
        return Failure(cause=GapCause.GARBLED if data else GapCause.NO_ANSWER, raw=printable(data))

    async def _drain(self, quiet_s: float) -> None:
        """Throw away what waits; with `quiet_s`, go on until nothing came for that long."""
        end = time.monotonic() + _DRAIN_S
        stray = b""
        while data := await self._port.read(time.monotonic() + quiet_s):
            self.ring.came(self.device, data)
            stray += data
            if time.monotonic() > end:
                break
        self.account.of(self.device).quarantined += stray.count(END)

    def returned(self) -> bool:
        return self._port.returned()

    def close(self) -> None:
        self._port.close()

"""A Megatec line: what waits is thrown away before each command, a reply ends with CR and has its length.

There is no checksum and no number, so shape is all: a reply that is short, long, starts wrong, or is the
echo of the command is not taken. After a time-out the line is drained until it is quiet.
"""

from __future__ import annotations

import time

from agent.drivers.exchange import Answer, Command, Failure, Line, Request, printable
from agent.links.owner import Link
from agent.links.port import Port
from model.reading import GapCause

_QUIET_S = 0.25
_DRAIN_S = 1.5
_LONGEST = 512


class MegatecLink(Link):
    """One UPS on one serial line."""

    def __init__(self, port: Port, timeout_s: float) -> None:
        super().__init__()
        self._port = port
        self._timeout_s = timeout_s
        self._late = False

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, Command)
        await self._port.open()
        await self._drain(_QUIET_S if self._late else 0.0)
        self._late = False
        said = request.text.encode("ascii") + b"\r"
        self._port.write(said)
        until = time.monotonic() + self.patience_s(self._timeout_s) + len(said) * self._port.byte_s
        data = b""
        while b"\r" not in data and len(data) < _LONGEST:
            more = await self._port.read(until)
            if not more:
                self._late = True
                raw = printable(data)
                return Failure(cause=GapCause.GARBLED if data else GapCause.NO_ANSWER, raw=raw)
            data += more
        answer = shaped(data, request)
        self._late = isinstance(answer, Failure) and answer.cause == GapCause.GARBLED
        return answer

    async def _drain(self, quiet_s: float) -> None:
        """Throw away what waits; with `quiet_s`, go on until nothing came for that long."""
        end = time.monotonic() + _DRAIN_S
        while await self._port.read(time.monotonic() + quiet_s):
            if time.monotonic() > end:
                return

    def close(self) -> None:
        self._port.close()


def shaped(data: bytes, request: Command) -> Line | Failure:
    """The reply in `data` if it has the command's shape. Anything before its first character is noise."""
    line, _, _ = data.partition(b"\r")
    text = line.decode("latin-1").lstrip("\x00\n")
    if text.strip("(") in ("NAK", "ACK") or text == request.text:
        return Failure(cause=GapCause.REFUSED, raw=printable(line))
    plain = all(" " <= c <= "~" for c in text)
    if not plain or not text.startswith(request.starts) or len(text) != request.length:
        return Failure(cause=GapCause.GARBLED, raw=printable(line))
    return Line(text)

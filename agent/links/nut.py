"""Network UPS Tools: lines over TCP, asked of `upsd` as any client asks (RFC 9271).

    > LIST VAR ups1
    < BEGIN LIST VAR ups1
    < VAR ups1 battery.charge "98"
    < VAR ups1 ups.model "Smart \\"UPS\\" 1000"
    < END LIST VAR ups1

Rules. Only LIST VAR is ever said: no login (upsd would wait for us when its hosts shut down), no password, nothing that
sets. One list at a time on one connection, for whichever UPS of that host. A list that is not whole in time, or a line
that is none, means that the stream is out of step: it is closed and opened anew, so a late list is nobody's answer.

    ERR DRIVER-NOT-CONNECTED   stale: no driver speaks with the UPS
    ERR DATA-STALE             stale: its driver does, and the UPS does not answer it
    ERR UNKNOWN-UPS            no answer: there is no such UPS, and who asks for one is to hear of it
    ERR ACCESS-DENIED and all others   refused
"""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod

from agent.drivers.exchange import Answer, AskNamed, Failure, Named, Request, printable
from agent.links.owner import Link
from agent.links.port import PortGone
from agent.links.tcp_wire import TcpWire
from model.reading import GapCause

#: The longest list that is taken: a PDU of 48 outlets has some 30 KB.
_LONGEST = 512 * 1024
_STALE = ("DRIVER-NOT-CONNECTED", "DATA-STALE")
_UNKNOWN = "UNKNOWN-UPS"
_QUOTED = re.compile(r'VAR (\S+) (\S+) "((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


class TellingLink(Link):
    """A connection on which one question brings one whole text. What is whole, and what it says, is the protocol's."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        super().__init__()
        self._wire = TcpWire(host, port, timeout_s, self._came, self._broke)
        self._timeout_s = timeout_s
        self._data = b""
        self._asked: AskNamed | None = None
        self._answer: asyncio.Future[Answer | Failure] | None = None

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, AskNamed)
        if not self._wire.connected:
            self._data = b""
            again = self._wire.opened > 0
            await self._wire.open()
            self.account.reopened += again
        if self._data:  # somebody spoke without being asked
            self.account.of(self.device).quarantined += 1
            self._data = b""
        said = self.say(request)
        self._asked = request
        answer: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self._wire.acknowledge()
        self._wire.send(said)
        self.ring.sent(self.device, said)
        try:
            async with asyncio.timeout(self.patience_s(self._timeout_s)):
                return await answer
        except TimeoutError:
            torn = self._data
            self.close()
            return Failure(cause=GapCause.GARBLED if torn else GapCause.NO_ANSWER, raw=printable(torn[-120:]))
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._answer = None

    @abstractmethod
    def say(self, request: AskNamed) -> bytes:
        """The question."""

    @abstractmethod
    def understand(self, data: bytes, request: AskNamed) -> tuple[Answer | Failure, int] | None:
        """The answer in what came so far and how many bytes it took; None: it is not whole yet."""

    def _came(self, data: bytes) -> None:
        self.ring.came(self.device, data)
        self._wire.acknowledge()
        self._data += data
        if self._answer is None or self._answer.done() or self._asked is None:
            if len(self._data) > _LONGEST:
                self.close()
            return
        found = self.understand(self._data, self._asked)
        if found is None and len(self._data) > _LONGEST:
            found = Failure(cause=GapCause.GARBLED, raw=f"no end after {_LONGEST} bytes"), 0
        if found is None:
            return
        answer, taken = found
        self._data = self._data[taken:]
        if isinstance(answer, Failure) and answer.cause is GapCause.GARBLED:
            self.close()
        else:
            self._wire.proved()
        self._answer.set_result(answer)

    def _broke(self, why: str) -> None:
        self._data = b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(PortGone(why))

    def close(self) -> None:
        self._data = b""
        self._wire.close()


class NutLink(TellingLink):
    """One connection to one upsd."""

    def say(self, request: AskNamed) -> bytes:
        return f"LIST VAR {request.name}\n".encode()

    def understand(self, data: bytes, request: AskNamed) -> tuple[Answer | Failure, int] | None:
        first, end, _ = data.partition(b"\n")
        if not end:
            return None
        line = first.decode("utf-8", "replace").strip()
        if line.startswith("ERR "):
            return _error(line), len(first) + 1
        begin, close = f"BEGIN LIST VAR {request.name}", f"\nEND LIST VAR {request.name}\n".encode()
        if line != begin:
            return Failure(cause=GapCause.GARBLED, raw=printable(line)), len(data)
        last = data.find(close, len(first))
        if last < 0:
            return None
        return listed(data[len(first) + 1 : last + 1], request.name), last + len(close)


def _error(line: str) -> Failure:
    word = line.split()[1] if len(line.split()) > 1 else ""
    cause = GapCause.STALE if word in _STALE else GapCause.NO_ANSWER if word == _UNKNOWN else GapCause.REFUSED
    fix = "; upsc -l HOST lists the names" if word == _UNKNOWN else ""
    return Failure(cause=cause, raw=printable(line + fix))


def listed(data: bytes, name: str) -> Named | Failure:
    """The variables in the lines of a list. A line that is no variable of this UPS spoils all of it."""
    values: dict[str, str] = {}
    for raw in data.split(b"\n"):
        line = raw.decode("utf-8", "replace").strip("\r")
        if not line:
            continue
        found = _QUOTED.fullmatch(line)
        if found is None or found[1] != name:
            return Failure(cause=GapCause.GARBLED, raw=printable(line))
        values[found[2]] = _ESCAPE.sub(r"\1", found[3])
    return Named(values)

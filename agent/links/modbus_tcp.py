"""Modbus TCP: transaction ids tell replies apart, so a late one is dropped by its number."""

from __future__ import annotations

import time

from agent.drivers.exchange import Answer, Failure, ReadIdentity, ReadWords, Request, printable
from agent.drivers.modbus_frames import Stray, find_tcp, tcp
from agent.links.owner import Link
from agent.links.port import TcpPort
from model.reading import GapCause


class ModbusTcpLink(Link):
    """One connection to a device or gateway; a stream out of step is closed and opened anew."""

    def __init__(self, port: TcpPort, timeout_s: float) -> None:
        super().__init__()
        self._port = port
        self._timeout_s = timeout_s
        self._transaction = 0
        self._data = b""

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, ReadWords | ReadIdentity)
        await self._open()
        self._transaction = self._transaction % 0xFFFF + 1
        self._port.write(tcp(request, self._transaction))
        until = time.monotonic() + self._timeout_s
        strays = ""
        while True:
            found = find_tcp(self._data, request, self._transaction)
            if found is None:
                data = await self._port.read(until)
                if not data:
                    return self._nothing(strays)
                self._data += data
                continue
            what, self._data = found
            if isinstance(what, Stray):
                strays = what.raw
            else:
                if isinstance(what, Failure) and what.cause == GapCause.GARBLED:
                    self.close()
                return what

    async def _open(self) -> None:
        if not self._port.connected:
            self._data = b""
        await self._port.open()

    def _nothing(self, strays: str) -> Failure:
        """Time is up. Half a frame in the buffer means that the stream may be out of step: start anew."""
        left, self._data = self._data, b""
        if left:
            self.close()
            return Failure(cause=GapCause.GARBLED, raw=printable(left))
        return Failure(cause=GapCause.NO_ANSWER, raw=f"only a late reply: {strays}"[:200] if strays else "")

    def close(self) -> None:
        self._data = b""
        self._port.close()

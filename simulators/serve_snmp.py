"""SNMP agents on loopback addresses of their own. I/O shell around `snmp` (v1, v2c) and `v3`.

A `wrong_source` reply leaves from another port of the same address; a good manager does not take it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import cast

from simulators import envelope, snmp, v3
from simulators.envelope import V1, V2C, Pdu
from simulators.faults import WireFault
from simulators.scenario import Device
from simulators.snmp import Answered
from simulators.stage import Stage

_VERSIONS = {"v1": V1, "v2c": V2C}
#: What is no request at all costs as much to send as to read: that much is read.
_LONGEST = 8192


class SnmpPort(asyncio.DatagramProtocol):
    """One agent."""

    def __init__(self, stage: Stage, device: Device) -> None:
        self._stage, self._device = stage, device
        self._community = stage.scenario.community.encode()
        self._version = _VERSIONS.get(device.entry.snmp)
        self._usm = stage.agents.get(device.id, v3.Agent())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transport is no DatagramTransport by inheritance before Python 3.12.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        if len(data) > _LONGEST:
            return
        reply = self._secured(data) if self._version is None else self._open(data)
        if reply is None:
            return
        elsewhere = False

        def make(fault: WireFault) -> bytes:
            nonlocal elsewhere
            elsewhere = fault.kind == "wrong_source"
            return reply

        self._stage.answer(self._device, make, lambda data, _: self._send(data, addr, elsewhere=elsewhere), heard=data)

    def _open(self, data: bytes) -> bytes | None:
        request = envelope.request(data)
        if request is None or request.version != self._version or request.community != self._community:
            return None
        self._refused(request)
        return snmp.reply(request, self._stage.view(self._device))

    def _secured(self, data: bytes) -> bytes | None:
        return self._usm.reply(data, self._stage.engine(self._device), self._answer)

    def _answer(self, asked: Pdu) -> Answered:
        self._refused(asked)
        return snmp.answer(asked, self._stage.view(self._device))

    def _refused(self, asked: Pdu) -> None:
        if asked.verb == "set":
            self._stage.refused(self._device, f"set {asked.oids}")

    def _send(self, reply: bytes, addr: tuple[str | int, ...], *, elsewhere: bool) -> None:
        if self._transport.is_closing():
            return
        if not elsewhere:
            self._transport.sendto(reply, addr)
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, contextlib.suppress(OSError):
            other.bind((self._transport.get_extra_info("sockname")[0], 0))
            other.sendto(reply, addr)

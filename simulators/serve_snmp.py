"""SNMP agents on loopback addresses of their own. I/O shell around `snmp`."""

from __future__ import annotations

import asyncio
from typing import cast

from simulators import envelope, snmp
from simulators.scenario import Device
from simulators.stage import Stage


class SnmpPort(asyncio.DatagramProtocol):
    """One agent."""

    def __init__(self, stage: Stage, device: Device) -> None:
        self._stage, self._device = stage, device
        self._community = stage.scenario.community.encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transport is no DatagramTransport by inheritance before Python 3.12.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        request = envelope.request(data)
        if request is None or request.community != self._community:
            return
        if request.verb == "set":
            self._stage.refused(self._device, f"set {request.oids}")
        self._stage.answer(
            self._device,
            lambda _: snmp.reply(request, self._stage.view(self._device)),
            lambda reply, _: self._send(reply, addr),
        )

    def _send(self, reply: bytes, addr: tuple[str | int, ...]) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(reply, addr)

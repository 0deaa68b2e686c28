"""Modbus TCP: one unit behind a port of its own. I/O shell around `modbus`.

A half-open device accepts, reads nothing, answers nothing and never hangs up; when it is itself again it knows
nothing of those connections and resets them. Who sends requests and never reads the replies is hung up on.
"""

from __future__ import annotations

import asyncio
import socket

from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU

from simulators import modbus
from simulators.faults import WireFault, other_unit
from simulators.scenario import Device
from simulators.stage import Stage
from simulators.world import World

_LONGEST = 260
_MBAP = 7
_MOST_CONNECTIONS = 512
#: A card has little memory: who does not read its replies is found out soon.
_SEND_BUFFER = 16_384
_tcp = FramerSocket(DecodePDU(is_server=True))


class TcpWire:
    """One listening port, its connections, and whether it is half open."""

    def __init__(self, stage: Stage, device: Device) -> None:
        self.stage, self.device = stage, device
        self.half_open = False
        self.connections: set[TcpConnection] = set()
        self.port = 0
        stage.watch(self._changed)

    async def open(self) -> None:
        """Listen on a free port of the loopback."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TcpConnection(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def _changed(self, present: World) -> None:
        fault = present.wires.get(self.device.id)
        half_open = fault is not None and fault.kind == "half_open"
        if half_open != self.half_open:
            self.half_open = half_open
            for connection in tuple(self.connections):
                connection.freeze() if half_open else connection.abort()

    def close(self) -> None:
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()


class TcpConnection(asyncio.Protocol):
    """One connection to one unit."""

    def __init__(self, wire: TcpWire) -> None:
        self._wire, self._stage, self._device = wire, wire.stage, wire.device
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        if len(self._wire.connections) >= _MOST_CONNECTIONS:
            transport.abort()
            return
        self._wire.connections.add(self)
        if self._wire.half_open:
            self.freeze()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self._wire.connections.discard(self)

    def pause_writing(self) -> None:
        self.abort()

    def freeze(self) -> None:
        """Hear nothing more, not even that the other side hangs up."""
        self._transport.pause_reading()

    def abort(self) -> None:
        """Reset."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while len(self._heard) > _MBAP:
            protocol, length = self._heard[2:4], int.from_bytes(self._heard[4:6], "big")
            if protocol != b"\0\0" or not 2 <= length <= _LONGEST:
                self._transport.close()
                return
            if len(self._heard) < 6 + length:
                return
            frame, self._heard = self._heard[: 6 + length], self._heard[6 + length :]
            self._request(int.from_bytes(frame[:2], "big"), frame[6], frame[_MBAP:])

    def _request(self, transaction: int, unit: int, pdu: bytes) -> None:
        device = self._device
        if unit != device.entry.unit or self._wire.half_open:
            return
        if not modbus.reads(pdu):
            self._stage.refused(device, pdu.hex(" "))

        def reply(fault: WireFault) -> bytes:
            answer = modbus.answer(device, self._stage.meters(device), pdu)
            return _tcp.encode(answer, other_unit(fault, unit), transaction)

        self._stage.answer(device, reply, self._send)

    def _send(self, data: bytes, _begin: float) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

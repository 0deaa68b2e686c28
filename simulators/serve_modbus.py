"""Modbus masters' two ways in: several units on one RTU line, one unit behind TCP. I/O shell around `modbus`.

RTU requests have no length field: it follows from the function code, else a frame ends where the line goes
quiet. A frame with a wrong check sum, or for a unit that is not here, is answered by nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from simulators import modbus
from simulators.scenario import Device
from simulators.serve_serial import SerialLine
from simulators.stage import Stage

#: Half a frame is forgotten after so much quiet: far above 3.5 characters, far below any time-out.
_QUIET_S = 0.05
_LONGEST = 260
_MBAP = 7
_rtu = FramerRTU(DecodePDU(is_server=True))
_tcp = FramerSocket(DecodePDU(is_server=True))


def rtu_length(frame: bytes) -> int | None:
    """Length of the request that `frame` starts with, check sum included; None while that cannot be said.

    A function code that is not known here ends with the bytes at hand.
    """
    if len(frame) < 2:
        return None
    function = frame[1]
    if function in (0x01, 0x02, 0x03, 0x04, 0x05, 0x06):
        return 8
    if function in (0x0F, 0x10):
        return 9 + frame[6] if len(frame) > 6 else None
    if function == 0x2B:
        return 7
    return max(len(frame), 4)


class RtuBus:
    """One line with several units."""

    def __init__(self, stage: Stage, devices: Sequence[Device], link: Path) -> None:
        self._stage = stage
        self._units = {device.entry.unit: device for device in devices}
        self._heard = b""
        self._heard_at = 0.0
        self._line = SerialLine(link, self._on_bytes)

    def _on_bytes(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._heard_at > _QUIET_S:
            self._heard = b""
        self._heard_at = now
        self._heard = (self._heard + data)[-_LONGEST:]
        while (length := rtu_length(self._heard)) is not None and length <= len(self._heard):
            frame, self._heard = self._heard[:length], self._heard[length:]
            if not FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
                self._heard = b""
                return
            self._request(frame[0], frame[1:-2])

    def _request(self, unit: int, pdu: bytes) -> None:
        device = self._units.get(unit)
        if device is None:
            return
        if not modbus.reads(pdu):
            self._stage.refused(device, pdu.hex(" "))
        self._stage.answer(
            device,
            lambda: _rtu.encode(modbus.answer(device, self._stage.meters(device), pdu), unit, 0),
            self._line.send,
        )

    def close(self) -> None:
        self._line.close()


class TcpPort(asyncio.Protocol):
    """One connection to one unit."""

    def __init__(self, stage: Stage, device: Device) -> None:
        self._stage, self._device = stage, device
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

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
        if unit != self._device.entry.unit:
            return
        if not modbus.reads(pdu):
            self._stage.refused(self._device, pdu.hex(" "))
        self._stage.answer(
            self._device,
            lambda: _tcp.encode(modbus.answer(self._device, self._stage.meters(self._device), pdu), unit, transaction),
            self._send,
        )

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

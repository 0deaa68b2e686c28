"""A Modbus RTU line with several units on a pseudo-terminal. I/O shell around `modbus` and `line_clock`.

Requests have no length field: it follows from the function code, else a frame ends where the line goes quiet.
A frame with a wrong check sum, or for a unit that is not here, is answered by nobody. A request that begins
before t3.5 of silence is counted as early, told (the first, second, fourth, eighth … of them) and answered all
the same, but by a `deaf` unit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

from simulators import modbus
from simulators.faults import WireFault, other_unit
from simulators.line_clock import LineClock
from simulators.scenario import Device
from simulators.serve_serial import SerialLine
from simulators.stage import Stage

#: Half a frame is forgotten after so much quiet: far above 3.5 characters, far below any time-out.
_QUIET_S = 0.05
_LONGEST = 260
_rtu = FramerRTU(DecodePDU(is_server=True))


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


class Heard(msgspec.Struct, kw_only=True):
    """What a line has counted since the start."""

    requests: int = 0
    early: int = 0  #: requests that began before t3.5 of silence
    broken: int = 0  #: frames with a wrong check sum
    nobody: int = 0  #: requests for a unit that is not here


class RtuBus:
    """One line with several units."""

    def __init__(self, stage: Stage, devices: Sequence[Device], link: Path) -> None:
        self.name = devices[0].wire
        self.heard = Heard()
        self._stage = stage
        self._units = {device.entry.unit: device for device in devices}
        first = devices[0].entry
        self._clock = LineClock(first.baud, paced=first.paced)
        self._typed = b""
        self._typed_at = self._frame_at = 0.0
        self._early = False
        self.line = SerialLine(link, self._on_bytes, self._clock)

    def _on_bytes(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._typed_at > _QUIET_S:
            self._typed = b""
        if not self._typed:
            self._early, self._frame_at = self._clock.early(now), max(now, self._clock.busy_until)
        self._typed_at = now
        self._clock.heard(now, len(data))
        self._typed = (self._typed + data)[-_LONGEST:]
        while (length := rtu_length(self._typed)) is not None and length <= len(self._typed):
            frame, self._typed = self._typed[:length], self._typed[length:]
            if not FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
                self._typed = b""
                self.heard.broken += 1
                return
            self._request(frame)
            self._early = self._clock.char_s > 0  # what follows in one breath has left no silence

    def _request(self, frame: bytes) -> None:
        self.heard.requests += 1
        unit, pdu = frame[0], frame[1:-2]
        early = self._early
        if early:
            self._told_early(unit)
        device = self._units.get(unit)
        if device is None:
            self.heard.nobody += 1
            self._stage.echo(self.name, frame, lambda data, _: self.line.send(data, self._frame_at))
            return
        if early and self._stage.deaf(device):
            return
        if not modbus.reads(pdu):
            self._stage.refused(device, pdu.hex(" "))

        def reply(fault: WireFault) -> bytes:
            answer = modbus.answer(device, self._stage.meters(device), pdu)
            return _rtu.encode(answer, other_unit(fault, unit), 0)

        begin = self._clock.reply_at(device.entry.turnaround_ms / 1000)
        self._stage.answer(device, reply, self.line.send, heard=frame, heard_at=self._frame_at, begin=begin)

    def _told_early(self, unit: int) -> None:
        self.heard.early += 1
        count = self.heard.early
        if count & (count - 1) == 0:
            self._stage.tell({"event": "early", "wire": self.name, "unit": unit, "count": count})

    def close(self) -> None:
        self.line.close()

"""Megatec devices on pseudo-terminals: one line each. I/O shell around `megatec`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from simulators import megatec, voltronic
from simulators.line_clock import LineClock
from simulators.scenario import Device
from simulators.serve_serial import SerialLine
from simulators.stage import Stage

_LONGEST_COMMAND = 64
_SUM = 2


class MegatecPort:
    """Collects characters up to CR, answers each command."""

    def __init__(self, stage: Stage, device: Device, link: Path) -> None:
        self.name = device.wire
        self._stage, self._device = stage, device
        self._typed = b""
        self._typed_at = 0.0
        self._clock = LineClock(device.entry.baud, paced=device.entry.paced)
        self.line = SerialLine(link, self._on_bytes, self._clock)

    def _on_bytes(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        if not self._typed:
            self._typed_at = max(now, self._clock.busy_until)
        self._clock.heard(now, len(data))
        *commands, rest = (self._typed + data).split(b"\r")
        self._typed = rest[-_LONGEST_COMMAND:]
        for command in commands:
            self._command(command.strip(b"\n\0"))

    def _command(self, command: bytes) -> None:
        if not command:
            return
        asked = command[:-_SUM] if self._device.entry.dialect == "axpert" else command
        # Commands that only ask; all others are told, and echoed or refused.
        if asked not in voltronic.QUESTIONS:
            self._stage.refused(self._device, repr(command))
        self._stage.answer(
            self._device,
            lambda _: self._reply(command),
            self.line.send,
            heard=command + b"\r",
            heard_at=self._typed_at,
            begin=self._clock.reply_at(self._device.entry.turnaround_ms / 1000),
        )

    def _reply(self, command: bytes) -> bytes:
        speak = megatec.answer if self._device.entry.dialect == "q1" else voltronic.answer
        return speak(self._device, self._stage.meters(self._device), command) + b"\r"

    def close(self) -> None:
        self.line.close()

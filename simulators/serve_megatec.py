"""Megatec devices on pseudo-terminals: one line each. I/O shell around `megatec`."""

from __future__ import annotations

from pathlib import Path

from simulators import megatec
from simulators.scenario import Device
from simulators.serve_serial import SerialLine
from simulators.stage import Stage

_LONGEST_COMMAND = 64
#: Commands that only ask; all others are told, and echoed.
_QUESTIONS = frozenset({b"Q1", b"F", b"I"})


class MegatecPort:
    """Collects characters up to CR, answers each command."""

    def __init__(self, stage: Stage, device: Device, link: Path) -> None:
        self._stage, self._device = stage, device
        self._typed = b""
        self._line = SerialLine(link, self._on_bytes)

    def _on_bytes(self, data: bytes) -> None:
        *commands, rest = (self._typed + data).split(b"\r")
        self._typed = rest[-_LONGEST_COMMAND:]
        for command in commands:
            self._command(command.strip(b"\n\0"))

    def _command(self, command: bytes) -> None:
        if not command:
            return
        if command not in _QUESTIONS:
            self._stage.refused(self._device, repr(command))
        self._stage.answer(self._device, lambda: self._reply(command), self._line.send)

    def _reply(self, command: bytes) -> bytes:
        return megatec.answer(self._device, self._stage.meters(self._device), command) + b"\r"

    def close(self) -> None:
        self._line.close()

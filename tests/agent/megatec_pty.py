"""A Megatec UPS on a real pty, so small that the test beside it can be read at once.

Its "last input fault voltage" counts how often it was asked (0.1 V each time): every measurement differs from every
other, so that a test can tell one that was lost or doubled.
"""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager


class Ups:
    """One device; `mute` it and it hears without a word."""

    def __init__(self, master: int, port: str) -> None:
        self._master = master
        self.port = port
        self.mute = False
        self.rounds = 0

    def serve(self) -> None:
        """Answer until the pty is gone."""
        heard = b""
        while True:
            try:
                heard += os.read(self._master, 100)
            except OSError:
                return
            while b"\r" in heard:
                command, _, heard = heard.partition(b"\r")
                answer = self._answer(command.decode())
                if answer and not self.mute:
                    os.write(self._master, answer.encode() + b"\r")

    def _answer(self, command: str) -> str:
        match command:
            case "Q1":
                self.rounds += 1
                return f"(226.0 {self.rounds / 10:05.1f} 226.0 014 49.0 27.5 30.0 00001000"
            case "F":
                return "#220.0 045 24.00 50.0"
            case "I":
                return "#MAKER           MODEL-10   V1.0      "
        return ""


@contextmanager
def plugged_in() -> Iterator[Ups]:
    """A UPS on a pty of its own."""
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    ups = Ups(master, os.ttyname(slave))
    thread = threading.Thread(target=ups.serve, daemon=True)
    thread.start()
    try:
        yield ups
    finally:
        os.close(slave)
        os.close(master)

"""Who turns an RS-485 line round: most adapters do it by themselves, some want RTS raised while we talk.

    rs485=kernel         the UART's driver does it (TIOCSRS485), to the bit: the best where the driver can
    rs485=rts            we do: RTS on, `rts_before_ms`, the frame, its last bit out, `rts_after_ms`, RTS off
    rs485=rts-inverted   the same with RTS off to talk

By hand, RTS falls when the frame's time by the baud rate is over and the kernel's buffer is empty, to within some 0.1 ms
on an idle machine. What is still in an adapter's own buffer nobody can see: with USB adapters give `rts_after_ms` 1 or
2, or take one that turns by itself. RTS must fall before the slave answers, 3.5 characters after our last one.
"""

from __future__ import annotations

from typing import Protocol

import serial
from serial.rs485 import RS485Settings

KERNEL, RTS, RTS_INVERTED = "kernel", "rts", "rts-inverted"
WAYS = (RTS, RTS_INVERTED, KERNEL)


class Rts(Protocol):
    """A port with an RTS line."""

    rts: bool


class Direction:
    """How one line is turned round."""

    def __init__(self, way: str, before_s: float = 0.0, after_s: float = 0.0) -> None:
        self.by_hand = way != KERNEL
        self.before_s, self.after_s = before_s, after_s
        self._level = way != RTS_INVERTED

    def prepare(self, port: serial.Serial) -> None:
        """Make a fresh port listen. Raises OSError or ValueError where it has no such line."""
        if self.by_hand:
            self.listen(port)
            return
        port.rs485_mode = RS485Settings(
            rts_level_for_tx=True,
            rts_level_for_rx=False,
            delay_before_tx=self.before_s,
            delay_before_rx=self.after_s,
        )

    def talk(self, port: Rts) -> None:
        """Take the line."""
        port.rts = self._level

    def listen(self, port: Rts) -> None:
        """Leave the line to others."""
        port.rts = not self._level

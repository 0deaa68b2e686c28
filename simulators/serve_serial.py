"""A pseudo-terminal that stands for a serial port. I/O.

    reader -- /dev/pts/N (the other end, kept open here too) -- our end -- on_bytes

Both ends are raw, and our own descriptor of the reader's end stays open, so that a reader may come and go
without a hang-up. A symlink with a name that does not change leads to the port. Bytes that no one reads are
lost once the kernel's buffer is full, as on a real line.

With a `LineClock` the bytes leave when a real line would carry them: in pieces of a few milliseconds, the last
one to a tenth of a millisecond. `unplug` hangs up and takes the symlink away; `plug` makes a new port.

A paced line knows its speed: what a reader says at another one is not understood. A pseudo-terminal tells which speed the
reader has set; 38,400 is what it has when nobody set any, and passes for the right one. Parity it does not keep.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import time
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path

from simulators.line_clock import LineClock

_PIECE_S = 0.004
#: asyncio wakes up to a millisecond late: it is asked that much early, and the rest is slept.
_EARLY_S = 0.0012
_SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 57600, 115200)}
_OSPEED = 5


class SerialLine:
    """One line; `on_bytes` gets whatever arrives, in pieces of any size."""

    def __init__(self, link: Path, on_bytes: Callable[[bytes], None], clock: LineClock | None = None) -> None:
        self.path = link
        self._on_bytes = on_bytes
        self._clock = clock or LineClock(9600, paced=False)
        self._ours = self._theirs = -1
        #: What is still to leave, and when its last character has left; one timer each.
        self._waiting: deque[tuple[bytes, float]] = deque()
        self.plug(link)

    def plug(self, link: Path) -> None:
        """A new port, reached by `link`; nothing when there is one already."""
        if self._ours >= 0:
            return
        self.path = link
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._ours)
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._theirs))
        asyncio.get_running_loop().add_reader(self._ours, self._readable)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            data = os.read(self._ours, 4096)
            if not self._misheard():
                self._on_bytes(data)

    def _misheard(self) -> bool:
        """Whether the reader speaks at another speed than the line's."""
        if self._clock.char_s == 0.0:
            return False
        baud = _SPEEDS.get(termios.tcgetattr(self._theirs)[_OSPEED])
        return baud is not None and baud != self._clock.baud

    def send(self, data: bytes, begin: float = 0.0) -> None:
        """Put `data` on the line from `begin` (loop time) on; what does not fit is lost. After `close` nothing."""
        if not data or self._ours < 0:
            return
        loop = asyncio.get_running_loop()
        char_s = self._clock.char_s
        start = self._clock.sent(max(begin, 0.0), len(data))
        if char_s == 0.0:
            self._write(data)
            return
        step = max(int(_PIECE_S / char_s), 1)
        for first in range(0, len(data), step):
            piece = data[first : first + step]
            end = start + (first + len(piece)) * char_s
            last = first + len(piece) == len(data)
            self._waiting.append((piece, end))
            loop.call_at(end - (_EARLY_S if last else 0.0), self._on_time)

    def _on_time(self) -> None:
        if not self._waiting:  # unplugged meanwhile
            return
        piece, end = self._waiting.popleft()
        left = end - time.monotonic()  # the loop's clock
        if left > 0:
            time.sleep(min(left, 2 * _EARLY_S))
        self._write(piece)

    def _write(self, data: bytes) -> None:
        if self._ours >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self._ours, data)

    def unplug(self) -> None:
        """Hang up and take the symlink away; what was on its way is lost."""
        if self._ours < 0:
            return
        self._waiting.clear()
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        os.close(self._theirs)
        self._ours = self._theirs = -1
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """The end of the line."""
        self.unplug()

"""A pseudo-terminal that stands for a serial port. I/O.

    reader -- /dev/pts/N (the other end, kept open here too) -- our end -- on_bytes

Both ends are raw, and our own descriptor of the reader's end stays open, so that a reader may come and go
without a hang-up. A symlink with a name that does not change leads to the port. Bytes that no one reads are
lost once the kernel's buffer is full, as on a real line.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import Callable
from pathlib import Path


class SerialLine:
    """One line; `on_bytes` gets whatever arrives, in pieces of any size."""

    def __init__(self, link: Path, on_bytes: Callable[[bytes], None]) -> None:
        self.path = link
        self._on_bytes = on_bytes
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._ours)
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._theirs))
        asyncio.get_running_loop().add_reader(self._ours, self._readable)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            self._on_bytes(os.read(self._ours, 4096))

    def send(self, data: bytes) -> None:
        """Put `data` on the line; what does not fit is lost. After `close` it does nothing."""
        if self._ours >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self._ours, data)

    def close(self) -> None:
        """Hang up and take the symlink away."""
        if self._ours < 0:
            return
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        os.close(self._theirs)
        self._ours = -1
        self.path.unlink(missing_ok=True)

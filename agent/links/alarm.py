"""A wake-up that keeps its time: the event loops round theirs up to whole milliseconds, a line's silence is 1.75 to 4 ms.

Rules. One alarm has one time; setting it again forgets the old one. It never rings early. Where the kernel has timer
descriptors (Linux), the loop watches one like any other descriptor and it rings within some 0.05 ms; elsewhere the
loop's own timer is taken, up to a millisecond late. The loop is never blocked. Made for one loop, closed by its owner.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

_MONOTONIC = 1  # time.monotonic() of Python on Linux
_ABSOLUTE = 1


class Alarm(Protocol):
    """Calls `ring` once, at a time of the monotonic clock."""

    def set(self, at: float) -> None:
        """Ring at `at`, or at once if that is past."""

    def off(self) -> None:
        """Do not ring."""

    def close(self) -> None:
        """Give it up."""


def alarm(ring: Callable[[], None]) -> Alarm:
    """The best alarm there is for the running loop."""
    loop = asyncio.get_running_loop()
    try:
        return KernelAlarm(loop, ring)
    except OSError:
        return LoopAlarm(loop, ring)


class KernelAlarm:
    """A timerfd. Raises OSError where there is none to be had."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        libc = _libc()
        if libc is None:
            raise OSError("no timer descriptors here")
        self._settime = libc.timerfd_settime
        self._fd: int = libc.timerfd_create(_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "no timer descriptor")
        self._spec = _Times()
        self._spec_at = ctypes.addressof(self._spec)
        self._loop, self._ring = loop, ring
        self._set = False
        loop.add_reader(self._fd, self._due)

    def set(self, at: float) -> None:
        nanoseconds = max(1, round(at * 1e9))  # zero would switch it off
        self._spec.value_s, self._spec.value_ns = divmod(nanoseconds, 1_000_000_000)
        self._settime(self._fd, _ABSOLUTE, self._spec_at, None)
        self._set = True

    def off(self) -> None:
        if self._set:
            self._set = False
            self._spec.value_s = self._spec.value_ns = 0
            self._settime(self._fd, _ABSOLUTE, self._spec_at, None)

    def _due(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # set anew between the kernel's word and ours
        if self._set:
            self._set = False
            self._ring()

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        self._set = False
        if fd >= 0:
            with contextlib.suppress(RuntimeError):  # the loop may be closed already
                self._loop.remove_reader(fd)
            os.close(fd)


class LoopAlarm:
    """The loop's own timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop, self._ring = loop, ring
        self._handle: asyncio.TimerHandle | None = None
        self._at = 0.0

    def set(self, at: float) -> None:
        self.off()
        self._at = at
        self._handle = self._loop.call_later(max(0.0, at - time.monotonic()), self._due)

    def _due(self) -> None:
        if time.monotonic() < self._at:  # a loop's clock may be a little ahead
            self.set(self._at)
            return
        self._handle = None
        self._ring()

    def off(self) -> None:
        handle, self._handle = self._handle, None
        if handle:
            handle.cancel()

    def close(self) -> None:
        self.off()


class _Times(ctypes.Structure):
    """struct itimerspec (timerfd_settime(2))."""

    _fields_ = (
        ("every_s", ctypes.c_long),
        ("every_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )
    value_s: int
    value_ns: int


@cache
def _libc() -> Any:
    """The C library if it has timer descriptors, with the types of its two calls."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.timerfd_create.argtypes = (ctypes.c_int, ctypes.c_int)
        libc.timerfd_settime.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    except (OSError, AttributeError, TypeError):
        return None
    return libc

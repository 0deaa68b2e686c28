"""One UDP socket to one SNMP agent, over the sockets of gufo-snmp: a request out, its own reply back, nothing else in.

Rules. The library codes, decodes and compares request ids; here is what it leaves open.
- The socket is connected: a datagram from anywhere else never arrives. One that arrives and is not the answer
  (late, doubled, of another request, without a sound signature) is dropped and counted, and the waiting goes on.
- What cannot be decoded is dropped too, but shortens the waiting: it may have been the answer (the library cuts replies
  at 4 KB). A panic of the library (an index beyond the end, a BaseException) is the same, and costs the socket.
- The reader stays registered while the session lives: two system calls less a request.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol, TypeVar

from gufo.snmp import SnmpDecodeError

#: Of the time-out: how long the answer may still come after something that could not be decoded.
_GRACE = 0.25
_LONGEST = 65535

T = TypeVar("T")


class Garbled(Exception):
    """Only garbage came."""


class Lost(Exception):
    """The session must not be used again. Holds why."""


class Verdict(Enum):
    """What is to be done with a datagram that waits in the socket."""

    TAKE = "take"
    DROP = "drop"  #: sound, but not to be believed, or not for us
    GARBAGE = "garbage"


class Guard(Protocol):
    """Looks at a datagram before the library does. May raise what the waiting shall end with."""

    def judge(self, data: bytes) -> Verdict: ...

    def peek(self) -> bytes: ...


class Session:
    """One socket of the library, `wire` (a `gufo.snmp._fast.Snmp…ClientSocket`), one exchange at a time."""

    def __init__(self, wire: Any, guard: Guard | None = None) -> None:
        self.wire = wire
        self.dropped = 0  #: sound datagrams that were not the answer
        self.garbage = 0  #: datagrams that were nothing
        self._fd: int = wire.get_fd()
        self._guard = guard
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[Any] | None = None
        self._receive: Callable[[], Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._garbled = ""
        self._timeout_s = 0.0
        self._loop.add_reader(self._fd, self._readable)

    async def exchange(self, send: Callable[[], None], receive: Callable[[], T], timeout_s: float) -> T | None:
        """What `receive` makes of the reply; None where it says that there is no more.

        Raises TimeoutError, Garbled, Lost, OSError, and what `receive` raises of the agent's own saying.
        """
        waiter = self._waiter = self._loop.create_future()
        self._receive, self._garbled, self._timeout_s = receive, "", timeout_s
        try:
            send()
            self._timer = self._loop.call_later(timeout_s, self._over)
            return await waiter  # type: ignore[no-any-return]
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._waiter = self._receive = self._timer = None

    def close(self) -> None:
        """Give the socket up; the library closes it when it is forgotten."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._fd = -1

    def _readable(self) -> None:
        waiter, receive = self._waiter, self._receive
        if waiter is None or receive is None or waiter.done():
            self._swallow()
            return
        try:
            if self._guard is not None and not self._sound(self._guard):
                return
            result = receive()
        except BlockingIOError:
            self.dropped += 1  # the library took something that was not the answer
        except SnmpDecodeError as error:
            self._was_garbage(str(error))
        except StopAsyncIteration:
            waiter.set_result(None)
        except (KeyboardInterrupt, SystemExit):
            raise
        except Exception as error:  # noqa: BLE001 - handed on to who waits
            waiter.set_exception(error)
        except BaseException as panic:  # noqa: BLE001 - a Rust panic is no Exception
            self.garbage += 1
            waiter.set_exception(Lost(str(panic)))
        else:
            waiter.set_result(result)

    def _sound(self, guard: Guard) -> bool:
        verdict = guard.judge(guard.peek())
        if verdict is Verdict.TAKE:
            return True
        if verdict is Verdict.DROP:
            self._swallow()
        else:
            os.read(self._fd, _LONGEST)
            self._was_garbage("no SNMPv3 message")
        return False

    def _swallow(self) -> None:
        """Take one datagram away that nobody waits for."""
        try:
            os.read(self._fd, _LONGEST)
        except OSError:  # nothing there, or an ICMP error of an old request
            return
        self.dropped += 1

    def _was_garbage(self, why: str) -> None:
        self.garbage += 1
        if not self._garbled and self._timer is not None:
            left = min(self._timer.when() - self._loop.time(), self._timeout_s * _GRACE)
            self._timer.cancel()
            self._timer = self._loop.call_later(left, self._over)
        self._garbled = why or "undecodable"

    def _over(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Garbled(self._garbled) if self._garbled else TimeoutError())

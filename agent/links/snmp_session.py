"""One UDP socket to one SNMP agent, over the sockets of gufo-snmp: a request out, its own reply back, nothing else in.

Rules. The library codes, decodes and compares request ids; here is what it leaves open.
- The socket is connected: a datagram from anywhere else never arrives. One that arrives and is not the answer
  (late, doubled, of another request, without a sound signature) is dropped and counted, and the waiting goes on.
- What cannot be decoded is dropped too, but shortens the waiting: it may have been the answer (the library cuts replies
  at 4 KB). The library panics on some garbage (a BaseException, and a trace on stderr): after the first panic what comes is
  looked through before the library sees it, for a while.
- The reader stays registered while the session lives: two system calls less a request. So does the timer: one that comes
  due looks at the deadline of what is waited for now, and most come due when nothing is.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from enum import Enum
from functools import partial
from time import monotonic
from typing import Any, Protocol, TypeVar

from gufo.snmp import SnmpDecodeError

#: Of the time-out: how long the answer may still come after something that could not be decoded.
_GRACE = 0.25
_LONGEST = 65535
#: Datagrams that are looked through after a panic.
_WARY = 10_000
#: Seconds by which a loop's timer may come early.
_EARLY_S = 0.002
#: Gets that are kept ready to be asked again.
_MOST_READY = 64

T = TypeVar("T")
#: What sends a request, and what takes the answer.
Swap = tuple[Callable[[], None], Callable[[], Any]]


class Garbled(Exception):
    """Only garbage came."""


class Verdict(Enum):
    """What is to be done with a datagram that waits in the socket."""

    TAKE = "take"
    DROP = "drop"  #: sound, but not to be believed, or not for us
    GARBAGE = "garbage"


class Guard(Protocol):
    """Looks at a datagram before the library does. May raise what the waiting shall end with."""

    def judge(self, data: bytes) -> Verdict: ...


class Session:
    """One socket of the library, `wire` (a `gufo.snmp._fast.Snmp…ClientSocket`), one exchange at a time."""

    def __init__(self, wire: Any, guard: Guard | None = None) -> None:
        self.wire = wire
        self.dropped = 0  #: sound datagrams that were not the answer
        self.garbage = 0  #: datagrams that were nothing
        self._fd: int = wire.get_fd()
        self._guard = guard
        self.wary = 0  #: how many more datagrams are looked through first
        self._socket = socket.socket(fileno=self._fd)
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[Any] | None = None
        self._receive: Callable[[], Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._deadline = 0.0  #: monotonic: when it comes due, when what is waited for is late
        self._garbled = ""
        self._timeout_s = 0.0
        self._ready: dict[tuple[str, ...], Swap] = {}
        self._loop.add_reader(self._fd, self._readable)

    async def exchange(self, send: Callable[[], None], receive: Callable[[], T], timeout_s: float) -> T | None:
        """What `receive` makes of the reply; None where it says that there is no more.

        Raises TimeoutError, Garbled, Lost, OSError, and what `receive` raises of the agent's own saying.
        """
        self._waiter = self._loop.create_future()
        self._receive, self._garbled, self._timeout_s = receive, "", timeout_s
        try:
            send()
            self._late_at(monotonic() + timeout_s)
            return await self._waiter  # type: ignore[no-any-return]
        finally:
            # no local holds the future: with its exception it would be a ring that keeps the socket open
            self._waiter = self._receive = None

    def many(self, oids: tuple[str, ...]) -> Swap:
        """How to ask for these variables in one get, and to take the answer."""
        ready = self._ready.get(oids)
        if ready is None:
            if len(self._ready) >= _MOST_READY:
                self._ready.clear()
            ready = self._ready[oids] = (partial(self.wire.send_get_many, list(oids)), self.wire.recv_get_many)
        return ready

    def close(self) -> None:
        """Give the socket up; the library closes it when it is forgotten."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._fd = -1
            self._socket.detach()

    def __del__(self) -> None:
        self._socket.detach()  # it is the library's to close

    def _readable(self) -> None:
        waiter, receive = self._waiter, self._receive
        if waiter is None or receive is None or waiter.done():
            self._swallow()
            return
        try:
            if (self._guard is not None or self.wary) and not self._sound():
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
            self.wary = _WARY
            self._was_garbage(str(panic))
        else:
            waiter.set_result(result)
        finally:
            # An exception remembers this frame: with the future in it they would be a ring, as above.
            del waiter, receive

    def _sound(self) -> bool:
        data = self._socket.recv(_LONGEST, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        if self.wary:
            self.wary -= 1
            if not well_formed(data):
                self._socket.recv(_LONGEST)
                self._was_garbage("cut or twisted")
                return False
        try:
            verdict = self._guard.judge(data) if self._guard is not None else Verdict.TAKE
        except Exception:
            self._socket.recv(_LONGEST)
            raise
        if verdict is Verdict.TAKE:
            return True
        self._socket.recv(_LONGEST)
        if verdict is Verdict.DROP:
            self.dropped += 1
        else:
            self._was_garbage("no SNMPv3 message")
        return False

    def _swallow(self) -> None:
        """Take one datagram away that nobody waits for."""
        try:
            self._socket.recv(_LONGEST, socket.MSG_DONTWAIT)
        except OSError:  # nothing there, or an ICMP error of an old request
            return
        self.dropped += 1

    def _was_garbage(self, why: str) -> None:
        self.garbage += 1
        if not self._garbled and self._waiter is not None:
            self._late_at(min(self._deadline, monotonic() + self._timeout_s * _GRACE))
        self._garbled = why or "undecodable"

    def _late_at(self, deadline: float) -> None:
        """What is waited for is late at `deadline`. A timer that comes due before that will see it."""
        self._deadline = deadline
        if self._timer is None or self._timer_at > deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = deadline
            self._timer = self._loop.call_later(deadline - monotonic(), self._over)

    def _over(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._deadline - monotonic() > _EARLY_S:
            self._late_at(self._deadline)
            return
        self._waiter.set_exception(Garbled(self._garbled) if self._garbled else TimeoutError())


def well_formed(data: bytes) -> bool:
    """Whether a datagram is BER all through, down to values that are not empty where they may not be.

    >>> well_formed(bytes.fromhex("3003020101")), well_formed(bytes.fromhex("30020200")), well_formed(b"0")
    (True, False, False)
    """
    ends = [len(data)]
    at = 0
    while ends:
        if at == ends[-1]:
            ends.pop()
            continue
        if at + 2 > ends[-1]:
            return False
        tag, length, at = data[at], data[at + 1], at + 2
        if length > 0x7F:
            many = length & 0x7F
            length, at = int.from_bytes(data[at : at + many], "big"), at + many
        if at + length > ends[-1] or (not length and (tag in _NUMBERS or (tag == 0x30 and len(ends) > _VARBIND))):
            return False
        if tag in _NESTS:
            ends.append(at + length)
        elif tag in _NUMBERS or tag in _OTHERS:
            at += length
        else:
            return False
    return True


#: SEQUENCE and PDUs; INTEGER, OBJECT IDENTIFIER, counters, which are never empty; octets, NULL, Opaque, what is absent; and
#: how deep a pair of name and value stands.
_NESTS = frozenset((0x30, *range(0xA0, 0xA9)))
_NUMBERS = frozenset((0x02, 0x06, 0x40, 0x41, 0x42, 0x43, 0x46, 0x47))
_OTHERS = frozenset((0x04, 0x05, 0x44, 0x80, 0x81, 0x82))
_VARBIND = 3

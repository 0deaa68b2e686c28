"""A TCP connection as a protocol, not as a stream: bytes are handed over where they arrive, without a task between.

Rules. It is opened when it is first needed, and again, with back-off, when it broke. A device that is silent never
closes it. A peer that is gone is another thing: the kernel knows, for it acknowledges nothing any more (cable cut,
gateway without power, a firewall that forgot the connection). Three things find that out:

    idle         keep-alive: 15 s without a byte, then every 5 s, gone after the third
    unsent data  TCP_USER_TIMEOUT: 15 s without an acknowledgement
    at once      `forsaken`, asked after a time-out: the last request was sent again by the kernel, twice, in vain

A connection that was closed before it gave one answer counts as a failed attempt: a gateway whose places are all taken
accepts and closes, and must not be hammered.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import cast

from agent.links.port import BackOff, PortGone
from agent.links.tcp_peer import reason, watch_peer

#: struct tcp_info (linux/tcp.h): eight bytes of which the third counts retransmissions; unacked is the fifth word.
_TCP_INFO = struct.Struct("=2xB5x16xI")
_IN_VAIN = 2


class TcpWire:
    """One connection at a time to one address. `came` gets bytes; `lost` is told why when it breaks."""

    def __init__(
        self, host: str, port: int, connect_s: float, came: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        self.name = f"{host}:{port}"
        self.opened = 0
        self.came = came
        self._address = (host, port)
        self._connect_s = connect_s
        self._told_lost = lost
        self._back_off = BackOff()
        self._connection: _Connection | None = None
        self._proved = False

    @property
    def connected(self) -> bool:
        return self._connection is not None

    async def open(self) -> None:
        """Open if it is not. Raises PortGone, at once while a back-off lasts."""
        if self._connection:
            return
        self._back_off.check()
        loop = asyncio.get_running_loop()
        connection = _Connection(self)
        try:
            async with asyncio.timeout(self._connect_s):
                await loop.create_connection(lambda: connection, *self._address)
        except TimeoutError as error:
            raise self._back_off.failed(f"no connection to {self.name} within {self._connect_s:g} s") from error
        except OSError as error:
            raise self._back_off.failed(f"no connection to {self.name}: {reason(error)}") from error
        if connection.gone:
            raise self._back_off.failed(f"connection to {self.name} lost: {connection.gone}")
        self._connection = connection
        self._proved = False
        self.opened += 1

    def send(self, data: bytes) -> None:
        """Hand over bytes. Raises PortGone."""
        if self._connection is None:
            raise PortGone(f"connection to {self.name} lost")
        self._connection.transport.write(data)

    def proved(self) -> None:
        """It gave an answer: it is worth being opened again at once."""
        if not self._proved:
            self._proved = True
            self._back_off.worked()

    def acknowledge(self) -> None:
        """Acknowledge at once what came, this time: a peer that writes line by line, and waits for an acknowledgement
        between them (Nagle), would else be held up for 40 ms."""
        sock = self._connection.transport.get_extra_info("socket") if self._connection else None
        if sock is not None and hasattr(socket, "TCP_QUICKACK"):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def forsaken(self) -> bool:
        """Whether the other side's kernel does not even acknowledge what was sent."""
        sock = self._connection.transport.get_extra_info("socket") if self._connection else None
        if sock is None or not hasattr(socket, "TCP_INFO"):
            return False
        try:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        except OSError:
            return False
        if len(info) < _TCP_INFO.size:
            return False
        retransmits, unacknowledged = _TCP_INFO.unpack(info)
        return bool(unacknowledged) and retransmits >= _IN_VAIN

    def give_up(self, why: str) -> PortGone:
        """Close a connection whose other side is gone; the back-off begins."""
        self.close()
        return self._back_off.failed(f"connection to {self.name}: {why}")

    def close(self) -> None:
        """Close it, if it is open. `lost` is not told."""
        connection, self._connection = self._connection, None
        if connection:
            connection.transport.abort()

    def broke(self, connection: _Connection, why: str) -> None:
        """The other side, or the kernel, closed it."""
        if connection is not self._connection:
            return
        self._connection = None
        if not self._proved:
            self._back_off.failed(f"connection to {self.name} lost: {why}")
        self._told_lost(f"connection to {self.name} lost: {why}")


class _Connection(asyncio.Protocol):
    """What one connection hears; after it was given up, nothing."""

    transport: asyncio.Transport

    def __init__(self, wire: TcpWire) -> None:
        self._wire = wire
        self.gone = ""  #: why it ended
        self.data_received = wire.came  # type: ignore[assignment,method-assign] # no call between loop and link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        sock = transport.get_extra_info("socket")
        if sock is not None:
            watch_peer(sock)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = "closed by the other side" if exc is None else reason(exc)
        self._wire.broke(self, self.gone)

"""Reachability of one host: an ICMP echo, or a TCP connection.

    > 08 00 sum sum id id seq seq token…      echo request (IPv6: 80)
    < 00 00 sum sum id id seq seq token…      echo reply (IPv6: 81)

Rules. A reply counts only from the address that was asked, with the number of this request and the token of this link; a late
one, one of another program's ping, or one that somebody makes up is thrown away (sound but late ones are counted
`quarantined`). ICMP wants no root: Linux gives groups within `net.ipv4.ping_group_range` a datagram socket for it, whose id
the kernel keeps; a raw socket (CAP_NET_RAW) is the other way. Where neither is permitted it is said what to do, and the
device is not taken for silent. A host name is looked up anew after each failure.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable
from ipaddress import ip_address

from agent.drivers.exchange import Answer, Failure, Reach, Reached, Request, printable
from agent.links.owner import Link
from agent.links.port import PortGone
from agent.links.tcp_peer import reason
from model.reading import GapCause

NOT_PERMITTED = (
    "ICMP is not permitted: allow the agent's group (sysctl net.ipv4.ping_group_range) or give it CAP_NET_RAW, "
    "or watch a TCP port instead: tcp://HOST:PORT"
)
_HEAD = struct.Struct(">BBHHH")
_TOKEN_BYTES = 16
_LONGEST = 2048


class IcmpLink(Link):
    """Echo requests to one host."""

    def __init__(self, host: str, timeout_s: float) -> None:
        super().__init__()
        self._host = host
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._address = ""
        self._token = os.urandom(_TOKEN_BYTES)
        self._id = int.from_bytes(os.urandom(2), "big")
        self._number = 0

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, Reach)
        try:
            sock = self._socket or await self._open()
        except PermissionError:
            return Failure(cause=GapCause.NOT_SUPPORTED, raw=NOT_PERMITTED)
        self._number = (self._number + 1) & 0xFFFF
        said = _echo(sock.family == socket.AF_INET6, self._id, self._number, self._token)
        began = time.monotonic()
        try:
            sock.sendto(said, (self._address, 0))
            self.ring.sent(self.device, said)
            came = await self._reply(sock, began + self._timeout_s)
        except OSError as error:
            self.close()
            raise PortGone(f"{self._host}: {reason(error)}") from error
        if came is None:
            self.close()
            return Failure(cause=GapCause.NO_ANSWER)
        return Reached(round_trip_s=came - began)

    async def _open(self) -> socket.socket:
        """Raises PermissionError, and PortGone where the name is not known."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self._host, None, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise PortGone(f"no address for {self._host}: {error.strerror or error}") from error
        family, _, _, _, where = found[0]
        self._address = str(where[0])
        self._socket = echo_socket(family)
        return self._socket

    async def _reply(self, sock: socket.socket, until: float) -> float | None:
        """When the reply came (monotonic), or None: not in time."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[float | None] = loop.create_future()
        loop.add_reader(sock, self._read, sock, came)
        timer = loop.call_later(max(0.0, until - time.monotonic()), _resolve, came, None)
        try:
            return await came
        finally:
            timer.cancel()
            loop.remove_reader(sock)

    def _read(self, sock: socket.socket, came: asyncio.Future[float | None]) -> None:
        try:
            data, source = sock.recvfrom(_LONGEST)
        except BlockingIOError:
            return
        except OSError as error:
            if not came.done():
                came.set_exception(error)
            return
        number = self._number_of(sock, data, str(source[0]))
        if number is None:
            return
        self.ring.came(self.device, data)
        if number == self._number:
            _resolve(came, time.monotonic())
        else:
            self.account.of(self.device).quarantined += 1

    def _number_of(self, sock: socket.socket, data: bytes, source: str) -> int | None:
        """The number of an echo reply to this link; None for anything else."""
        six = sock.family == socket.AF_INET6
        if not six and sock.type == socket.SOCK_RAW and data:
            data = data[(data[0] & 0x0F) * 4 :]  # raw IPv4 sockets show the IP header
        if len(data) < _HEAD.size or ip_address(source.partition("%")[0]) != ip_address(
            self._address.partition("%")[0]
        ):
            return None
        kind, code, _, id, number = _HEAD.unpack_from(data)
        own = sock.type != socket.SOCK_RAW or id == self._id  # the kernel keeps the id of datagram sockets
        right = (kind, code) == (129 if six else 0, 0) and own and data[_HEAD.size :] == self._token
        return int(number) if right else None

    def close(self) -> None:
        sock, self._socket = self._socket, None
        if sock:
            sock.close()


class ConnectLink(Link):
    """Connections to one port, given up as soon as they are made."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        super().__init__()
        self._address = (host, port)
        self._timeout_s = timeout_s

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, Reach)
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                transport, _ = await loop.create_connection(asyncio.Protocol, *self._address)
        except TimeoutError:
            return Failure(cause=GapCause.NO_ANSWER)
        except OSError as error:
            raise PortGone(printable(f"{self._address[0]}:{self._address[1]}: {reason(error)}")) from error
        spent_s = time.monotonic() - began
        transport.close()
        return Reached(round_trip_s=spent_s)

    def close(self) -> None:
        """Nothing stays open."""


def echo_socket(family: int, make: Callable[..., socket.socket] = socket.socket) -> socket.socket:
    """A socket for ICMP echo, without privileges where the system has it. Raises PermissionError."""
    protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            sock = make(family, kind, protocol)
        except OSError:  # not permitted, or not known to this system
            continue
        sock.setblocking(False)
        return sock
    raise PermissionError(NOT_PERMITTED)


def _echo(six: bool, id: int, number: int, token: bytes) -> bytes:
    kind = 128 if six else 8
    blank = _HEAD.pack(kind, 0, 0, id, number) + token
    return _HEAD.pack(kind, 0, 0 if six else _checksum(blank), id, number) + token


def _checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def _resolve(future: asyncio.Future[float | None], value: float | None) -> None:
    if not future.done():
        future.set_result(value)

"""Which devices have which address now: literals at once, names by DNS from time to time, as long as DNS likes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import ip_address

#: Real seconds between two look-ups of the names.
LOOK_UP_S = 300.0


class Addresses:
    """The hosts of the devices' URLs by address. `know` hears of all addresses whenever they change."""

    def __init__(self, hosts: Sequence[str], know: Callable[[Collection[str]], None]) -> None:
        self._literals = {host: {plain(host)} for host in hosts if _literal(host)}
        self._names = [host for host in hosts if not _literal(host)]
        self._hosts: dict[str, tuple[str, ...]] = {}
        self._know = know
        self._take(self._literals)

    def hosts(self, address: str) -> tuple[str, ...]:
        """The hosts, as the URLs have them, that have an address."""
        return self._hosts.get(address, ())

    async def look_up(self) -> None:
        """The names, now; one that is not found keeps what it had."""
        loop = asyncio.get_running_loop()
        asked = (loop.getaddrinfo(name, None, type=socket.SOCK_DGRAM) for name in self._names)
        found = dict(self._literals)
        for name, infos in zip(self._names, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(infos, BaseException):
                found[name] = {address for address, hosts in self._hosts.items() if name in hosts}
            else:
                found[name] = {plain(str(info[4][0])) for info in infos}
        self._take(found)

    async def keep_looking_up(self) -> None:
        """Names move: look them up from time to time, for ever."""
        while self._names:
            await self.look_up()
            await asyncio.sleep(LOOK_UP_S)

    def _take(self, found: Mapping[str, set[str]]) -> None:
        hosts: dict[str, list[str]] = {}
        for host, addresses in found.items():
            for address in addresses:
                hosts.setdefault(address, []).append(host)
        self._hosts = {address: tuple(names) for address, names in hosts.items()}
        self._know(self._hosts)


def plain(address: str) -> str:
    """An address without its zone, and an IPv4 one that came through an IPv6 socket as itself.

    >>> plain("::ffff:192.0.2.1"), plain("fe80::1%eth0")
    ('192.0.2.1', 'fe80::1')
    """
    read = ip_address(address.partition("%")[0])
    mapped = read.ipv4_mapped if read.version == 6 else None
    return str(mapped or read)


def _literal(host: str) -> bool:
    try:
        plain(host)
    except ValueError:
        return False
    return True

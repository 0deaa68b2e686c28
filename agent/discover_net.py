"""Which hosts of a network answer: SNMP, Modbus TCP and its gateways, `upsd`, apcupsd. Only questions are sent.

Rules. Many hosts at once, but no more than so many new ones a second: a discovery must not look like an attack. A host that
is silent costs one attempt for each way to ask (SNMP loses datagrams: the first way is tried twice). Of a Modbus TCP host
units 1, 0 and 255 are tried, the first that answers is it; whether others stand behind it (a gateway) units 2 to 10 tell, if
they answer and are not simply the same device that hears on every number.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time

from agent import address
from agent.address import DeviceUrl
from agent.discover_serial import Heard, alive
from agent.discover_targets import NetTarget
from agent.drivers.exchange import Failure, Objects, ReadIdentity, ReadWords
from agent.drivers.snmp import WHO
from agent.links import open_link
from agent.links.owner import Link

#: Hosts that are asked at once, and new ones a second.
AT_ONCE, A_SECOND = 64, 200
#: Real seconds for a first answer: a datagram, a connection; the units behind it when none is known, and at least.
_SNMP_S, _TCP_S, _BEHIND_S, _UNIT_S = 1.0, 2.0, 0.5, 0.2
_FIRST_UNITS, _GATEWAY_UNITS = (1, 0, 255), tuple(range(2, 11))
_NUT_UPS = re.compile(r"^UPS (\S+) ", re.MULTILINE)


class Pace:
    """So many at once, and so many a second."""

    def __init__(self, at_once: int = AT_ONCE, a_second: float = A_SECOND) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._gap_s = 1.0 / a_second
        self._next = 0.0

    async def __aenter__(self) -> None:
        await self._places.acquire()
        now = time.monotonic()
        self._next = max(self._next + self._gap_s, now)
        await asyncio.sleep(self._next - now)

    async def __aexit__(self, *_: object) -> None:
        self._places.release()


async def knock(target: NetTarget, host: str, pace: Pace) -> list[Heard]:
    """Who answers at one host of a target."""
    async with pace:
        if target.scheme == address.SNMP:
            return await _snmp(target, host)
        if target.scheme == address.TCP:
            return await _modbus(target.urls[0].format(host), target.units)
        if target.scheme == address.NUT:
            return await _nut(target.urls[0].format(host))
        url = target.urls[0].format(host)
        return [Heard(url=url)] if await _connects(DeviceUrl.parse(url)) else []


async def _snmp(target: NetTarget, host: str) -> list[Heard]:
    for n, text in enumerate((target.urls[0], *target.urls)):
        url = text.format(host)
        with contextlib.closing(open_link(DeviceUrl.parse(f"{url}&timeout={_SNMP_S}"))) as link:
            link.probing = True
            answer = await link.ask(WHO)
        if not isinstance(answer, Failure):
            return [Heard(url=url)]
        if n == 0 and answer.raw:
            continue  # not silence: once more would say the same
    return []


async def _modbus(base: str, named: tuple[int, ...]) -> list[Heard]:
    url = DeviceUrl.parse(f"{base}{_more(base)}timeout={_TCP_S}")
    if not await _connects(url):
        return []
    with contextlib.closing(open_link(url)) as link:
        link.probing = True
        units: list[int] = []
        for unit in named or _FIRST_UNITS:
            if (named or not units) and await _here(link, unit):
                units.append(unit)
        if not units:
            link.deadline_s = _BEHIND_S
        if not named:
            units += await _behind(link, tuple(units))
    return [Heard(url=f"{base}{_more(base)}unit={unit}") for unit in units]


async def _here(link: Link, unit: int) -> bool:
    """Whether a unit answers; the next ones may take a few times as long as it did."""
    began = time.monotonic()
    here = alive(await link.ask(ReadWords(unit=unit, function=3, address=0, count=1)))
    if here:
        link.deadline_s = max(_UNIT_S, 4 * (time.monotonic() - began))
    return here


async def _behind(link: Link, known: tuple[int, ...]) -> list[int]:
    """The units of a gateway beside a known one. A device that hears on every number is one device."""
    if link.gone:
        return []
    silent = 0
    found: list[int] = []
    for unit in _GATEWAY_UNITS:
        if unit in known:
            continue
        here = await _here(link, unit)
        silent += not here
        if here:
            found.append(unit)
    if known and not silent and await _name(link, known[0]) == await _name(link, found[0]):
        return []
    return found


async def _name(link: Link, unit: int) -> object:
    answer = await link.ask(ReadIdentity(unit=unit))
    return answer.values if isinstance(answer, Objects) else None


async def _connects(url: DeviceUrl) -> bool:
    """Whether the port takes a connection; a host that refuses says so at once."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_TCP_S):
            _, writer = await asyncio.open_connection(url.host, url.port)
        writer.close()
        return True
    return False


async def _nut(text: str) -> list[Heard]:
    """Every UPS that an upsd has: its own list."""
    url = DeviceUrl.parse(text)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_TCP_S):
            reader, writer = await asyncio.open_connection(url.host, url.port)
            with contextlib.closing(writer):
                writer.write(b"LIST UPS\n")
                said = await reader.readuntil(b"END LIST UPS\n")
        place = text.rpartition("/")[0]
        return [Heard(url=f"{place}/{name}") for name in _NUT_UPS.findall(said.decode("utf-8", "replace"))]
    return []


def _more(url: str) -> str:
    return "&" if "?" in url else "?"

"""What stands at a serial port: protocols, speeds and unit numbers are tried, the likeliest first. Only questions are sent.

Rules. The Megatec family's question is short text that no Modbus unit takes for a frame, so it comes first, at both its speeds: no Megatec UPS
hears a Modbus frame at its own speed before it was asked. The Modbus question (one register, units 1 to 3) holds no CR, so none takes it for a command. Whatever Modbus
unit is there answers it, be it with a refusal. Where a speed is right all units up to the last wanted are asked, each no
longer than a few times what the first one took. A line on which nothing spoke is tried once more with all numbers.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import msgspec

from agent import address, dialects
from agent.address import DeviceUrl
from agent.discover_targets import SerialTarget
from agent.drivers.exchange import Answer, Command, Failure, ReadWords
from agent.links import open_link
from agent.links.owner import Link
from agent.profiles import Tier, load
from model.reading import GapCause

#: (protocol, baud, parity), the likeliest first.
WAYS: tuple[tuple[str, int, str], ...] = (
    (address.MEGATEC, 2400, "N"),
    (address.MEGATEC, 9600, "N"),
    (address.RTU, 9600, "N"),
    (address.RTU, 19200, "N"),
    (address.RTU, 2400, "N"),
    (address.RTU, 4800, "N"),
    (address.RTU, 115200, "N"),
    (address.RTU, 9600, "E"),
    (address.RTU, 19200, "E"),
    (address.RTU, 38400, "N"),
    (address.RTU, 2400, "E"),
    (address.RTU, 4800, "E"),
    (address.RTU, 115200, "E"),
)
_LIKELY_UNITS = (1, 2, 3)
#: Real seconds: how long an unknown unit may take, a known line's next unit at least, a Megatec UPS (0.4 s before its first byte).
_UNKNOWN_S, _LEAST_S, _MEGATEC_S = 0.3, 0.1, 0.6
#: The same for the numbers above the likely ones, of which there are many.
_UNLIKELY_S = 0.2
_TIMES = 3.0


class PortTrouble(Exception):
    """The port cannot be asked at all. The message says why."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody answers here."""

    url: str


def ways(target: SerialTarget) -> Iterator[tuple[str, int, str]]:
    """What a target leaves to try."""
    for scheme, baud, parity in WAYS:
        fits = not target.bauds or baud in target.bauds
        if scheme in target.schemes and fits and (not target.parities or parity in target.parities):
            yield scheme, baud, parity
    for baud in target.bauds:
        for parity in target.parities or ("N",):
            for scheme in target.schemes:
                if (scheme, baud, parity) not in WAYS:
                    yield scheme, baud, parity


async def search(path: str, target: SerialTarget, last_unit: int) -> list[Heard]:
    """Who answers at a port. Raises `PortTrouble`."""
    for scheme, baud, parity in ways(target):
        if scheme == address.MEGATEC:
            found = await _megatec(path, baud)
        else:
            found = await _rtu(path, baud, parity, _LIKELY_UNITS, last_unit)
        if found:
            return found
    more = tuple(range(1, last_unit + 1))
    for scheme, baud, parity in ways(target):
        if scheme == address.RTU and (parity == "N" or target.parities):
            found = await _rtu(path, baud, parity, more, last_unit)
            if found:
                return found
    return []


async def _rtu(path: str, baud: int, parity: str, units: tuple[int, ...], last_unit: int) -> list[Heard]:
    """The units of a line, if one of `units` speaks at this speed."""
    line = f"modbus+rtu://{path}?baud={baud}" + (f"&parity={parity}" if parity != "N" else "")
    with contextlib.closing(open_link(DeviceUrl.parse(f"{line}&unit=1&timeout={_UNKNOWN_S}"))) as link:
        link.probing = True
        link.deadline_s = _UNLIKELY_S if units != _LIKELY_UNITS else None
        for unit in units:
            began = time.monotonic()
            if not alive(await _asked(link, unit)):
                continue
            link.deadline_s = max(_LEAST_S, _TIMES * (time.monotonic() - began))
            found = [unit]
            for other in range(1, last_unit + 1):
                if other not in found and (units != _LIKELY_UNITS or other > unit) and alive(await _asked(link, other)):
                    found.append(other)
            return [Heard(url=f"{line}&unit={one}") for one in sorted(found)]
    return []


async def _asked(link: Link, unit: int) -> Answer | Failure:
    answer = await link.ask(ReadWords(unit=unit, function=3, address=0, count=1))
    if link.gone:
        raise PortTrouble(link.gone)
    return answer


def alive(answer: Answer | Failure) -> bool:
    """Whether a unit answered, be it with a refusal; a gateway that says that it is not there is no unit."""
    if not isinstance(answer, Failure):
        return True
    return answer.cause is GapCause.REFUSED and "gateway" not in answer.raw


async def _megatec(path: str, baud: int) -> list[Heard]:
    """The UPS, if one of the family's three questions has an answer at this speed, and a dialect fits."""
    url = f"megatec://{path}?baud={baud}"
    with contextlib.closing(open_link(DeviceUrl.parse(f"{url}&timeout={_MEGATEC_S}"))) as link:
        link.probing = True
        for question in _questions():
            answer = await link.ask(question)
            if link.gone:
                raise PortTrouble(link.gone)
            if isinstance(answer, Failure) and answer.cause is GapCause.NO_ANSWER:
                continue
            for _ in range(3):
                if not isinstance(await dialects.settle(link, Tier.IDENTITY, ""), Failure):
                    return [Heard(url=url)]
            return []
    return []


def _questions() -> Iterator[Command]:
    """Q1, QS, QPI: which UPS answers what, `agent.dialects` tells."""
    for id in ("megatec_q1", "megatec_qs"):
        name, shape = next(iter(load(id).commands.items()))
        yield Command(text=name, starts=shape.starts, length=shape.length, most=shape.most, crc=shape.crc)
    yield Command(text="QPI", starts="(PI", length=5)

"""Which dialect of the Megatec family a UPS speaks, when its file names no profile: found by asking, never by acting.

Rules. `Q1` first: most speak it, and its status is there at once. What `QPI` says is asked with the name plate, once
a day: a Voltronic unit that also knows Q1 tells more through its own QGS (charge, warnings). Where Q1 has no sound
answer: QPI, then QS (some echo Q1 and know QS only), then QPI with a check sum (Axpert). A dialect counts only when its
status reply has the right shape; P98 and P99 are the old Megatec by their maker's own word. A line on which Q1 meets
silence is tried with one other dialect each time: a dead UPS must not cost four time-outs a round.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from agent.drivers.exchange import Answer, Command, Failure, Line
from agent.links.megatec_line import MegatecLink
from agent.links.owner import Link
from agent.profiles import PROFILES, Profile, Tier, load
from agent.profiles.layers import ways
from model.reading import GapCause

_QPI = Command(text="QPI", starts="(PI", length=5, constant=True)
_QPI_SUMMED = Command(text="QPI", starts="(PI", length=5, crc=True, constant=True)
_OLD = ("(PI98", "(PI99")
_Attempt = Callable[[Link], Awaitable[Profile | Failure]]


async def settle(link: Link, tier: Tier, device: str) -> tuple[Profile, ...] | Failure:
    """The profile of the UPS on this line, or why none is known. Asked anew with each identity tier."""
    held = link.settled.get(device)
    if held and tier is not Tier.IDENTITY:
        return held
    found = await _found(link, tier)
    if not isinstance(found, Failure):
        link.settled[device] = (found,)
        return (found,)
    # A unit that is silent just now is still the one it was.
    return held or found


async def _found(link: Link, tier: Tier) -> Profile | Failure:
    first = await _speaks(link, "megatec_q1")
    if not isinstance(first, Failure):
        return first if tier is not Tier.IDENTITY else await _richer(link, first)
    if first.cause is GapCause.NO_ANSWER and first.raw:
        return first  # the port is gone: no use in asking on
    others: tuple[_Attempt, ...] = (_voltronic, _quick, _axpert)
    if first.cause is GapCause.NO_ANSWER and isinstance(link, MegatecLink):
        others = (others[link.tried % len(others)],)
        link.tried += 1
    for attempt in others:
        found = await attempt(link)
        if not isinstance(found, Failure):
            return found
    return first


async def _richer(link: Link, plain: Profile) -> Profile:
    found = await _voltronic(link)
    return plain if isinstance(found, Failure) else found


async def _voltronic(link: Link) -> Profile | Failure:
    answer = await link.ask(_QPI)
    if isinstance(answer, Line) and answer.text not in _OLD:
        return await _named(link, answer.text, "voltronic_qgs")
    return answer if isinstance(answer, Failure) else Failure(cause=GapCause.NOT_SUPPORTED, raw="the old Megatec")


async def _quick(link: Link) -> Profile | Failure:
    return await _speaks(link, "megatec_qs")


async def _axpert(link: Link) -> Profile | Failure:
    answer = await link.ask(_QPI_SUMMED)
    return await _named(link, answer.text, "voltronic_axpert") if isinstance(answer, Line) else _failure(answer)


def _failure(answer: Answer | Failure) -> Failure:
    return answer if isinstance(answer, Failure) else Failure(cause=GapCause.GARBLED, raw="not a line")


async def _named(link: Link, qpi: str, usual: str) -> Profile | Failure:
    """A profile that is made for what QPI says, when its status reply is sound; else the usual one."""
    for profile in map(load, PROFILES):
        if profile.driver == "megatec" and any(way.qpi and re.search(way.qpi, qpi) for way in ways(profile)):
            found = await _speaks(link, profile.id)
            if not isinstance(found, Failure):
                return found
    return await _speaks(link, usual)


async def _speaks(link: Link, id: str) -> Profile | Failure:
    """The profile when its first command, the status, has a sound answer."""
    profile = load(id)
    name, shape = next(iter(profile.commands.items()))
    answer = await link.ask(
        Command(text=name, starts=shape.starts, length=shape.length, most=shape.most, crc=shape.crc)
    )
    return answer if isinstance(answer, Failure) else profile

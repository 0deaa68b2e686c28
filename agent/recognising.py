"""Which profiles a device is read by when its file names none: by what it says of itself, and what it has.

Several SNMP profiles may fit: the maker's own comes before the standard and the standard fills what it lacks
(`agent.profiles.layers`). Of a Modbus device one profile is taken, the most particular.
"""

from __future__ import annotations

import re

from agent.address import DeviceUrl
from agent.drivers.exchange import Failure, GetVariables, Objects, ReadIdentity, Variable, Variables, WalkVariables
from agent.drivers.snmp import WHO, identity
from agent.drivers.snmp_tree import said
from agent.links.owner import Link
from agent.profiles import PROFILES, Profile, chosen, load, match, says
from agent.profiles.form import Match
from agent.profiles.layers import ways
from model.reading import GapCause


async def by_object_id(link: Link) -> tuple[Profile, ...] | Failure:
    """Every SNMP profile that fits what the agent says and whose MIB is there, the most particular first."""
    who = await link.ask(WHO)
    if isinstance(who, Failure):
        return who
    object_id, descr = identity(who.values) if isinstance(who, Variables) else ("", "")
    possible = [
        (profile, [one for one in ways(profile) if not one.asks_nothing and says(one, object_id, descr)])
        for profile in match(object_id, descr)
    ]
    values = await _scalars(link, [one for _, matches in possible for one in matches])
    there: dict[str, bool] = {"": True}
    found: list[Profile] = []
    for profile, matches in possible:
        for one in matches:
            if not said(one, values):
                continue
            if one.presence not in there:
                there[one.presence] = await _there(link, one.presence)
            if there[one.presence]:
                found.append(profile)
                break
    fits = chosen(found)
    return fits or Failure(cause=GapCause.NOT_SUPPORTED, raw=f"no profile fits sysObjectID {object_id}: {descr}"[:200])


async def _scalars(link: Link, matches: list[Match]) -> dict[str, Variable]:
    places = tuple(dict.fromkeys(f"{place}.0" for one in matches for place in one.scalars))
    answer = await link.ask(GetVariables(oids=places)) if places else None
    return answer.values if isinstance(answer, Variables) else {}


async def _there(link: Link, place: str) -> bool:
    seen = await link.ask(WalkVariables(root=place, limit=1))
    return isinstance(seen, Variables) and bool(seen.values)


async def by_vendor(link: Link, url: DeviceUrl) -> tuple[Profile, ...] | Failure:
    """The Modbus profile that fits what the device says in its identification."""
    answer = await link.ask(ReadIdentity(unit=url.unit))
    if isinstance(answer, Failure) and answer.cause == GapCause.NO_ANSWER:
        return answer
    objects = answer.values if isinstance(answer, Objects) else {}
    text = " ".join(objects[n].decode("latin-1") for n in sorted(objects))
    fits = [profile for profile in map(load, PROFILES) if profile.driver == "modbus" and _vendor(profile, text)]
    fits.sort(key=lambda profile: (-len(profile.lineage), -_vendor(profile, text), profile.id))
    return tuple(fits[:1]) or Failure(
        cause=GapCause.NOT_SUPPORTED, raw=f"name a profile; the device says: {text}"[:200]
    )


def _vendor(profile: Profile, text: str) -> int:
    """How particular the pattern is that fits; 0 when none does."""
    return max((len(one.vendor) for one in ways(profile) if one.vendor and re.search(one.vendor, text)), default=0)

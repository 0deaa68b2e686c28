"""The profile of a SunSpec device, made of the chain of models that it tells: asked once, and with each name plate."""

from __future__ import annotations

from functools import lru_cache

from agent.address import DeviceUrl
from agent.drivers import sunspec
from agent.drivers.exchange import Failure
from agent.links.owner import Link
from agent.profiles import Profile, Tier, load, sunspec_models

NAME = "sunspec"


async def settle(link: Link, url: DeviceUrl, tier: Tier, device: str) -> tuple[Profile, ...] | Failure:
    """The profile of this device, or why there is none. One that is silent just now is still what it was."""
    held = link.settled.get(device)
    if held and held[0].id == NAME and tier is not Tier.IDENTITY:
        return held
    found = await discovered(link, url)
    if isinstance(found, Failure):
        return found
    link.settled[device] = found
    return found


async def discovered(link: Link, url: DeviceUrl) -> tuple[Profile, ...] | Failure:
    """What the chain of a device makes, walked now."""
    walk = sunspec.walk(url.unit)
    request = next(walk)
    while True:
        answer = await link.ask(request)
        try:
            request = walk.send(answer)
        except StopIteration as end:
            chain: sunspec.Chain | Failure = end.value
            return chain if isinstance(chain, Failure) else (_made(chain),)


@lru_cache(maxsize=64)
def _made(chain: sunspec.Chain) -> Profile:
    """Devices of one make share a profile, and so what is worked out for it."""
    return sunspec.profile_of(load(NAME), chain, sunspec_models())

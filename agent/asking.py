"""One device, one tier, once: plan, ask, read.

A device that does not answer its first request costs that one time-out (and its retry) and gives exactly
one gap for the whole device. Later requests that fail make gaps of their own points; after two silent or
garbled ones in a row the rest is not asked, so a device that dies or raves in mid-round does not hold the line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

import msgspec

from agent import address, chains, dialects
from agent.address import DeviceUrl
from agent.drivers import DRIVERS, QUICK, apcupsd, nut, reach, records
from agent.drivers.exchange import Exchange, Failure, Request, Sample
from agent.learning import divisible, learn
from agent.links.owner import Link
from agent.profiles import Profile, Tier
from agent.recognising import by_object_id, by_vendor
from model.batch import Event, EventKind
from model.reading import Gap, GapCause, Reading

_FAILED_IN_A_ROW = 2
_COSTLY = (GapCause.NO_ANSWER, GapCause.GARBLED)


#: Whether a profile (held, so that its address stays its own) asks anything in a tier.
_asking_known: dict[tuple[int, Tier], tuple[Profile, bool]] = {}
_MOST_KNOWN = 256

#: One of a device's profiles, and what came of asking for a tier of it.
Said = tuple[Profile, list[Exchange]]


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one tier of one device gave: samples, or the failure of the whole device."""

    samples: tuple[Sample, ...] = ()
    failure: Failure | None = None
    at: int = 0


async def ask_device(
    link: Link, device: str, url: DeviceUrl, profile: Profile | None, tier: Tier | str, now: Callable[[], int]
) -> Sequence[Reading | Gap | Event]:
    """Readings, gaps and identity of one tier. Never raises for what a device does."""
    tier = tier if type(tier) is Tier else Tier(tier)
    found: Sequence[Reading | Gap | Event]
    said = await _said(link, url, profile, tier, now, device)
    if isinstance(said, Round):
        assert said.failure
        cause, raw = said.failure.cause, said.failure.raw
        found = [Gap(device=device, point=None, index=None, at=said.at, cause=cause, raw=raw)]
        if cause is GapCause.STALE and tier is Tier.STATUS:  # NUT and apcupsd lost the UPS themselves
            found = [*found, Reading(device=device, point=nut.LOST, index=None, at=said.at, value=1.0)]
        if url.scheme in address.REACH and tier is Tier.STATUS:
            found = [*found, Reading(device=device, point=reach.REACHABLE, index=None, at=said.at, value=0.0)]
    else:
        found = _quick(url, tier, said, device) or records(_samples(url, tier, said), device)
        boots = link.engine_boots
        if link.counters.concerned(device, tier, said, boots):
            settled = list(found)
            if reboot := link.counters.settle(device, tier, said, settled, boots):
                link.tell(reboot)
            found = settled
    if link.told:
        at = now()
        told = (Event(kind=EventKind.STATE_CHANGED, device=device, at=at, data=what) for what in link.told)
        found = [*found, *told]
        link.told.clear()
    return found


async def ask_samples(
    link: Link, url: DeviceUrl, profile: Profile | None, tier: Tier, now: Callable[[], int], device: str = ""
) -> Round:
    """The samples of one tier, each with its place on the wire and its raw text."""
    said = await _said(link, url, profile, tier, now, device)
    return said if isinstance(said, Round) else Round(samples=tuple(_samples(url, tier, said)), at=now())


async def _said(
    link: Link, url: DeviceUrl, profile: Profile | None, tier: Tier, now: Callable[[], int], device: str
) -> list[Said] | Round:
    """What a device answered to each of its profiles, or the failure of the whole device."""
    link.begin(device)
    profiles: tuple[Profile, ...] | Failure | None = _known(link, url, profile, tier, device)
    if profiles is None:
        profiles = await _profiles(link, url, profile, tier, device)
    if isinstance(profiles, Failure):
        return Round(failure=profiles, at=now())
    said: list[Said] = []
    for one in profiles if len(profiles) == 1 else _asking(profiles, tier):
        exchanges = await _asked(link, one, url, tier, device, now)
        if not said and _dead(exchanges):
            failure = exchanges[0].answer
            assert isinstance(failure, Failure)
            return Round(failure=failure, at=exchanges[0].at)
        said.append((one, exchanges))
    return said


def _asking(profiles: tuple[Profile, ...], tier: Tier) -> tuple[Profile, ...]:
    """The profiles that have something to ask in a tier: no request is spent on the rest. Where none has, the first alone
    asks who the device is, which is what tells a live one."""
    return tuple([one for one in profiles if _asks(one, tier)]) or profiles[:1]


def _asks(profile: Profile, tier: Tier) -> bool:
    known = _asking_known.get((id(profile), tier))
    if known is None:
        if len(_asking_known) >= _MOST_KNOWN:
            _asking_known.clear()
        known = _asking_known[id(profile), tier] = (profile, profile.asks(tier))
    return known[1]


def _samples(url: DeviceUrl, tier: Tier, said: Sequence[Said]) -> list[Sample]:
    """The samples of all profiles; what an earlier one gave, a later one does not give again, and fills what it lacked."""
    samples: list[Sample] = []
    given: set[tuple[str, str | None]] = set()
    for profile, exchanges in said:
        found = DRIVERS[url.scheme].read(profile, url, tier, exchanges)
        fresh = [sample for sample in found if (sample.point, sample.index) not in given]
        if samples:
            filled = {(sample.point, sample.index) for sample in fresh if sample.value is not None}
            points = {point for point, _ in filled}
            samples = [one for one in samples if one.value is not None or not _filled(one, filled, points)]
        given.update((sample.point, sample.index) for sample in fresh if sample.value is not None)
        samples.extend(fresh)
    return samples


def _filled(gap: Sample | Gap, filled: Set[tuple[str, str | None]], points: Set[str]) -> bool:
    """Whether another profile gave what is lacking here: the value itself, or any of a point that is not there at all."""
    if (gap.point, gap.index) in filled:
        return True
    return gap.index is None and gap.cause is GapCause.NOT_SUPPORTED and gap.point in points


def _quick(url: DeviceUrl, tier: Tier, said: Sequence[Said], device: str) -> Sequence[Reading | Gap | Event] | None:
    """The same without samples between, where the protocol has a short way and every answer is one for it."""
    short = QUICK.get(url.scheme)
    if short is None:
        return None
    if len(said) == 1:
        return short(said[0][0], tier, said[0][1], device)
    out: list[Reading | Gap | Event] = []
    for profile, exchanges in said:
        short_found = short(profile, tier, exchanges, device)
        if short_found is None:
            return None
        found = list(short_found)
        if out:
            given = {(one.point, one.index) for one in out if isinstance(one, Reading)}
            found = [one for one in found if isinstance(one, Event) or (one.point, one.index) not in given]
            filled: set[tuple[str, str | None]] = {(one.point, one.index) for one in found if isinstance(one, Reading)}
            points = {point for point, _ in filled}
            out = [one for one in out if not isinstance(one, Gap) or not _filled(one, filled, points)]
        out = out + found if out else found
    return out


async def _asked(
    link: Link, profile: Profile, url: DeviceUrl, tier: Tier, device: str, now: Callable[[], int]
) -> list[Exchange]:
    """One tier of one profile, blocks that were refused in their parts; a dead device's first request alone."""
    if tier is Tier.IDENTITY:
        link.learned = {held: what for held, what in link.learned.items() if held[0] != device}
    known = link.learned.get((device, profile.id, tier)) if link.learned else None
    requests = known.ask if known else DRIVERS[url.scheme].plan(profile, url, tier)
    if len(requests) == 1:
        answer = await link.ask(requests[0])
        exchanges = [Exchange(request=requests[0], answer=answer, at=now())]
        if known is None and type(answer) is not Failure:
            return exchanges
    else:
        exchanges = await _exchange(link, requests, now)
    if not any(type(one.answer) is Failure for one in exchanges):
        return [*exchanges, *known.untried(now())] if known else exchanges  # nothing to narrow, nothing to learn
    if _dead(exchanges):
        return exchanges
    exchanges = await _narrowed(link, profile, url, tier, exchanges, now, known.refused if known else frozenset())
    if tier is not Tier.IDENTITY and (learned := learn(known, exchanges)) is not None:
        link.learned[device, profile.id, tier] = learned
    return [*exchanges, *known.untried(now())] if known else exchanges


async def _exchange(link: Link, requests: Sequence[Request], now: Callable[[], int]) -> list[Exchange]:
    done: list[Exchange] = []
    failed = 0
    for request in requests:
        if failed >= _FAILED_IN_A_ROW:
            failure = Failure(cause=GapCause.NO_ANSWER, raw="not asked: the requests before it failed")
            done.append(Exchange(request=request, answer=failure, at=now()))
            continue
        answer = await link.ask(request)
        done.append(Exchange(request=request, answer=answer, at=now()))
        failed = failed + 1 if isinstance(answer, Failure) and answer.cause in _COSTLY else 0
        if _dead(done):
            break
    return done


def _dead(exchanges: Sequence[Exchange]) -> bool:
    first = exchanges[0].answer if exchanges else None
    return isinstance(first, Failure) and first.cause in (GapCause.NO_ANSWER, GapCause.STALE)


async def _narrowed(
    link: Link,
    profile: Profile,
    url: DeviceUrl,
    tier: Tier,
    exchanges: list[Exchange],
    now: Callable[[], int],
    known: Set[Request],
) -> list[Exchange]:
    """Blocks that were refused, asked again in their parts, and those in theirs. `known`: were refused before."""
    out: list[Exchange] = []
    for exchange in exchanges:
        out.append(exchange)
        if not divisible(exchange.answer) or exchange.request in known:
            continue
        smaller = DRIVERS[url.scheme].narrow(profile, url, tier, exchange.request)
        if smaller:
            parts = await _exchange(link, smaller, now)
            out.extend(await _narrowed(link, profile, url, tier, parts, now, known))
    return out


def _known(link: Link, url: DeviceUrl, profile: Profile | None, tier: Tier, device: str) -> tuple[Profile, ...] | None:
    """The profiles where nothing has to be asked for them; None where it may have to."""
    if profile is not None:
        return None if profile.layout else (profile,)
    if tier is not Tier.IDENTITY and url.scheme == address.SNMP:
        return link.settled.get(device)
    return None


async def _profiles(
    link: Link, url: DeviceUrl, profile: Profile | None, tier: Tier, device: str
) -> tuple[Profile, ...] | Failure:
    if profile is None:
        return await _settled(link, url, tier, device)
    return await chains.settle(link, url, tier, device) if profile.layout else (profile,)


async def _settled(link: Link, url: DeviceUrl, tier: Tier, device: str) -> tuple[Profile, ...] | Failure:
    """The profiles of a device whose file names none; asked anew with each identity tier."""
    if url.scheme in address.REACH:
        return (reach.PROFILE,)
    if url.scheme in address.NEIGHBOURS:
        return (nut.PROFILE if url.scheme == address.NUT else apcupsd.PROFILE,)
    if url.scheme == address.MEGATEC:
        return await dialects.settle(link, tier, device)
    if device in link.settled and tier != Tier.IDENTITY:
        return link.settled[device]
    found = await (by_object_id(link) if url.scheme == address.SNMP else by_vendor(link, url))
    if isinstance(found, Failure) and found.cause is GapCause.NOT_SUPPORTED and url.scheme != address.SNMP:
        chain = await chains.discovered(link, url)
        found = found if isinstance(chain, Failure) else chain
    if not isinstance(found, Failure):
        link.settled[device] = found
    return found

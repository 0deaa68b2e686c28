"""What is out there: ports, networks and neighbours are asked, and whoever answers is read once. A thin shell.

    targets ─ discover_serial, discover_net (who answers) ─ read once (what it is) ─ duplicates ─ discover_file (the file)

Rules. Only questions are sent, at a bounded rate; nothing is ever written to a device. Ports are searched side by side, a port
by one at a time. A device that answers and fits no profile is told too: somebody has to write one. What was read is judged
as at commissioning (`agent.commissioning`), so that a slip is seen before anything is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from agent import address
from agent.address import DeviceUrl
from agent.asking import ask_samples
from agent.commissioning import Finding, judge, scales
from agent.discover_net import Pace, knock
from agent.discover_serial import Heard, PortTrouble, search
from agent.discover_targets import NetTarget, SerialTarget, Target
from agent.drivers.exchange import GetVariables, Sample, Variables, printable
from agent.links import open_link
from agent.links.owner import Link
from agent.links.snmp import SnmpLink
from agent.profiles import PROFILES, Profile, Tier, load
from model.points import POINTS, Kind
from model.text import Text

_SYS_NAME, _ENGINE_ID = "1.3.6.1.2.1.1.5.0", "1.3.6.1.6.3.10.2.1.1.0"
#: Devices read at once.
_READERS = 12
#: A profile that nobody named has to explain this share of its own rows, and so many measurements, to be written down.
_FITS, _FITS_LEAST = 0.6, 5
_TIERS = (Tier.IDENTITY, Tier.STATUS, Tier.MEASURE)

Tell = Callable[[Text], None]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A device that answered. `profile` is what has to stand in the file; `profiles` is what fits it."""

    url: str
    profile: str = ""
    profiles: tuple[str, ...] = ()
    guessed: bool = False  #: the profile is not the device's own word
    name: str = ""  #: as its owner called it (sysName)
    engine: str = ""
    samples: tuple[Sample, ...] = ()
    findings: tuple[Finding, ...] = ()  #: what does not fit (agent.commissioning)
    why: str = ""  #: why nothing could be read
    same_as: str = ""  #: the URL under which the same device was found before
    same_by: str = ""  #: what tells that it is the same

    def said(self, point: str) -> str:
        """What the device says of itself."""
        return next((s.value for s in self.samples if s.point == point and isinstance(s.value, str)), "")


async def discover(targets: Sequence[Target], tell: Tell, now: Callable[[], int], last_unit: int = 16) -> list[Found]:
    """Everybody who answers, in the order of the targets; duplicates name whose they are."""
    pace, reading = Pace(), asyncio.Semaphore(_READERS)
    works: list[asyncio.Task[list[Found]]] = []
    async with asyncio.TaskGroup() as group:
        for target in targets:
            if isinstance(target, SerialTarget):
                paths = _ports(target.path)
                if not paths:
                    tell(Text(f"{target.path}: no such port", f"{target.path}：没有此串口"))
                works += [group.create_task(_port(path, target, tell, now, last_unit)) for path in paths]
            else:
                works.append(group.create_task(_hosts(target, pace, reading, tell, now)))
    return named_twice([one for work in works for one in work.result()])


def _ports(path: str) -> list[str]:
    """Serial ports by their path; a pattern takes them in order."""
    return sorted(glob.glob(path)) if glob.has_magic(path) else [path] if Path(path).exists() else []  # noqa: PTH207


async def _port(path: str, target: SerialTarget, tell: Tell, now: Callable[[], int], last_unit: int) -> list[Found]:
    tell(Text(f"{path}: searching", f"{path}：正在搜索"))
    try:
        heard = await search(path, target, last_unit)
    except PortTrouble as trouble:
        tell(Text(f"{path}: {trouble}", f"{path}：{trouble}"))
        return []
    if not heard:
        tell(Text(f"{path}: nobody answers", f"{path}：无应答"))
        return []
    found: list[Found] = []
    with contextlib.closing(open_link(DeviceUrl.parse(heard[0].url))) as link:
        for one in heard:  # one line: one after the other
            found.append(await _read(one, now, link))
            tell(_line(found[-1]))
    return found


async def _hosts(
    target: NetTarget, pace: Pace, reading: asyncio.Semaphore, tell: Tell, now: Callable[[], int]
) -> list[Found]:
    asked = 0

    async def one(host: str) -> list[Found]:
        nonlocal asked
        heard = await knock(target, host, pace)
        asked += 1
        if asked % 64 == 0:
            tell(
                Text(
                    f"{target.scheme}: {asked} of {len(target.hosts)} hosts asked",
                    f"{target.scheme}：已询问 {asked}/{len(target.hosts)} 个地址",
                )
            )
        found: list[Found] = []
        if heard:
            async with reading:
                with contextlib.closing(open_link(DeviceUrl.parse(heard[0].url))) as link:
                    for who in heard:
                        found.append(await _read(who, now, link))
                        tell(_line(found[-1]))
        return found

    return [found for host in await asyncio.gather(*map(one, target.hosts)) for found in host]


async def _read(heard: Heard, now: Callable[[], int], link: Link) -> Found:
    """A device, read once with the profiles that fit it."""
    url = DeviceUrl.parse(heard.url)
    samples, why = await _all_tiers(link, url, None, now)
    name, engine = await _names(link) if isinstance(link, SnmpLink) else ("", "")
    profiles = tuple(profile.id for profile in link.settled.get(heard.url, ()))
    profile, guessed = "", False
    if url.scheme in (address.TCP, address.RTU, address.RTU_OVER_TCP):
        profile = profiles[0] if profiles else ""
        if not samples:
            samples, profile = await _best(link, url, now)
            guessed = bool(profile)
            profiles = (profile,) if profile else ()
    return Found(
        url=heard.url,
        profile=profile,
        profiles=profiles,
        guessed=guessed,
        name=name,
        engine=engine,
        samples=tuple(samples),
        findings=judge(samples, scale=scales(map(load, filter(PROFILES.__contains__, profiles)))).findings,
        why="" if samples else why,
    )


async def _all_tiers(
    link: Link, url: DeviceUrl, profile: Profile | None, now: Callable[[], int]
) -> tuple[list[Sample], str]:
    """The samples of all tiers, each place once; or why there are none."""
    samples: dict[tuple[str, str | None], Sample] = {}
    for tier in _TIERS:
        round = await ask_samples(link, url, profile, tier, now, url.text)
        if round.failure:
            return list(samples.values()), round.failure.raw or str(round.failure.cause)
        for sample in round.samples:
            samples.setdefault((sample.point, sample.index), sample)
    return list(samples.values()), ""


async def _names(link: Link) -> tuple[str, str]:
    answer = await link.ask(GetVariables(oids=(_SYS_NAME, _ENGINE_ID)))
    values = answer.values if isinstance(answer, Variables) else {}
    name, engine = values.get(_SYS_NAME), values.get(_ENGINE_ID)
    return (
        printable(name).strip() if isinstance(name, bytes) else "",
        engine.hex() if isinstance(engine, bytes) else "",
    )


async def _best(link: Link, url: DeviceUrl, now: Callable[[], int]) -> tuple[list[Sample], str]:
    """The profile that explains the registers of a device that does not say who it is."""
    best: tuple[float, list[Sample], str] = (0.0, [], "")
    for id in PROFILES:
        profile = load(id)
        if profile.driver != "modbus" or (profile.match.asks_nothing and not _measures(profile)):
            continue
        samples, _ = await _all_tiers(link, url, profile, now)
        given = [s for s in samples if isinstance(s.value, float) and POINTS[s.point].kind is Kind.GAUGE and s.value]
        share = sum(s.value is not None for s in samples) / len(samples) if samples else 0.0
        if share >= _FITS and len(given) >= _FITS_LEAST and share > best[0]:
            best = share, samples, id
    return best[1], best[2]


def _measures(profile: Profile) -> bool:
    return sum(POINTS[row.point].kind is Kind.GAUGE for row in profile.values) >= _FITS_LEAST


def named_twice(found: Sequence[Found]) -> list[Found]:
    """The same, but of a device that was found at two addresses the later one names the first. Pure."""
    seen: dict[tuple[str, str], Found] = {}
    out: list[Found] = []
    for one in found:
        plates = _plates(one)
        first = next((seen[key] for key in plates if key in seen), None)
        if first is not None and first.url != one.url:
            by = next(key for key in plates if key in seen)
            one = msgspec.structs.replace(one, same_as=first.url, same_by=by[0])
        else:
            seen.update(dict.fromkeys(plates, one))
        out.append(one)
    return out


def _plates(one: Found) -> list[tuple[str, str]]:
    """By what a device is known: a serial number of its model, an SNMP engine of its name."""
    serial, model = one.said("device.serial"), one.said("device.model")
    plates = [("serial number", f"{serial} {model}")] if serial.strip("0 -") else []
    return [*plates, ("engine id", f"{one.engine} {one.name}")] if one.engine and one.name else plates


def _line(one: Found) -> Text:
    """One device in the progress."""
    what = " ".join(filter(None, (one.said("device.mfr"), one.said("device.model"), one.said("device.serial"))))
    count = sum(sample.value is not None for sample in one.samples)
    if not count:
        return Text(f"{one.url}: answers, not read: {one.why}", f"{one.url}：有应答，但未能读取：{one.why}")
    return Text(
        f"{one.url}: {what or one.name or '?'} ({count} values)",
        f"{one.url}：{what or one.name or '?'}（{count} 个值）",
    )

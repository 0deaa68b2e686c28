"""One device, once, all tiers, decoded with raw values beside: what a technician sees at commissioning."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from agent.address import DeviceUrl
from agent.asking import ask_samples
from agent.commissioning import Judgement, Plate, Record, judge, record, scales
from agent.config import did_you_mean
from agent.drivers.exchange import Sample
from agent.links import open_link
from agent.profiles import PROFILES, Profile, ProfileError, Tier, known, load
from model.points import POINTS, Kind
from model.reading import GapCause, Quality
from model.text import Text


class ProbeError(ProfileError):
    """The profile that the caller wrote cannot be used; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class ProbeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One value or one gap. `value` is a number in the point's unit, or text; `cause` is set instead of it."""

    point: str | None  #: None: the whole device
    index: str | None
    value: float | str | None
    unit: str
    state: str | None  #: the word of a state or flag, in English
    where: str  #: OID, `reg 11000`, `Q1[1:6]`
    raw: str
    cause: str | None = None
    at: int = 0
    quality: int = 0  #: `model.reading.Quality`

    def as_json(self) -> dict[str, object]:
        """As `probe --json` prints it: a value line has no `cause`, a gap has no value."""
        line: dict[str, object] = {"point": self.point, "index": self.index}
        if self.cause is None:
            line |= {"value": self.value, "unit": self.unit, "state": self.state, "where": self.where, "raw": self.raw}
            line |= {"quality": "suspect"} if self.quality == Quality.SUSPECT else {}
        else:
            line |= {"where": self.where, "raw": self.raw, "cause": self.cause}
        return line


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What one device gave, once, and which profiles read it."""

    lines: list[ProbeLine]
    samples: tuple[Sample, ...] = ()
    profiles: tuple[Profile, ...] = ()

    def judged(self, plate: Plate) -> Judgement:
        """How it stands beside its name plate and itself."""
        return judge(self.samples, plate, scale=scales(self.profiles))

    def record(self, device: str, at: int, judged: Judgement) -> Record:
        """The verdict as it would be kept; without an agent's key it has only its sum."""
        return record(device, at, judged, self.samples, self.profiles)


async def probe(url: DeviceUrl | str, profile_id: str | None, now: Callable[[], int]) -> list[ProbeLine]:
    """Every tier of one device, as lines. As `probe_whole`."""
    return (await probe_whole(url, profile_id, now)).lines


async def probe_whole(url: DeviceUrl | str, profile_id: str | None, now: Callable[[], int]) -> Probed:
    """Every tier of one device.

    Raises `agent.address.AddressError` and `ProbeError` for what the caller wrote; what the device does becomes
    lines.
    """
    place = DeviceUrl.parse(url) if isinstance(url, str) else url
    profile = _profile(profile_id, place) if profile_id else None
    lines: list[ProbeLine] = []
    samples: list[Sample] = []
    given: set[tuple[str, str | None]] = set()
    with contextlib.closing(open_link(place)) as link:
        for tier in (Tier.IDENTITY, Tier.STATUS, Tier.MEASURE):
            round = await ask_samples(link, place, profile, tier, now)
            if round.failure:
                failure = round.failure
                lines.append(_gap(None, None, "", failure.raw, failure.cause, round.at))
                break
            for sample in round.samples:
                if (sample.point, sample.index) not in given:
                    given.add((sample.point, sample.index))
                    samples.append(sample)
                    lines.append(line_of(sample))
        profiles = (profile,) if profile else link.settled.get("", ())
    return Probed(lines=lines, samples=tuple(samples), profiles=profiles)


def _profile(id: str, url: DeviceUrl) -> Profile:
    if not known(id):
        names = ", ".join(PROFILES)
        near = did_you_mean(id)
        hint = Text(f": {near.en}", f"：{near.zh}") if near else Text("", "")
        raise ProbeError(
            Text(
                f"expected a profile out of {names}, got {id!r}{hint.en}",
                f"应为下列配置之一：{names}，实为 {id!r}{hint.zh}",
            )
        )
    try:
        profile = load(id)
    except ProfileError as error:
        raise ProbeError(Text(f"profile {id}: {error}", f"配置 {id}：{error}")) from error
    if profile.driver != url.scheme.partition("+")[0]:
        en = f"profile {id} speaks {profile.driver}, the URL says {url.scheme}"
        raise ProbeError(Text(en, f"配置 {id} 使用 {profile.driver} 协议，而 URL 为 {url.scheme}"))
    return profile


def line_of(sample: Sample) -> ProbeLine:
    """A sample as it is shown."""
    if sample.value is None:
        cause = sample.cause or GapCause.NO_ANSWER
        return _gap(sample.point, sample.index, sample.where, sample.raw, cause, sample.at)
    point = POINTS[sample.point]
    state: str | None = None
    if isinstance(sample.value, float) and point.states:
        state = point.states[int(sample.value)].en
    elif point.kind == Kind.FLAG:
        state = "on" if sample.value else "off"
    return ProbeLine(
        point=sample.point,
        index=sample.index,
        value=sample.value,
        unit=point.unit,
        state=state,
        where=sample.where,
        raw=sample.raw,
        at=sample.at,
        quality=sample.quality,
    )


def _gap(point: str | None, index: str | None, where: str, raw: str, cause: GapCause, at: int) -> ProbeLine:
    return ProbeLine(
        point=point, index=index, value=None, unit="", state=None, where=where, raw=raw, cause=str(cause), at=at
    )

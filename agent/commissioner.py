"""Stands between the rounds and the spool: what commissioning calls wrong does not pass as a reading. A thin shell.

Rules. A device is judged (`agent.commissioning`) with its first turns; the verdict stands once it has answered for all three tiers, and said that
it is on the mains before and after it was measured. While the mains are away it waits. A value that is wrong (it cannot be beside a second witness, and a slip
explains it) is a gap `not_plausible` with the value and the slip in it; alarms and states always pass. What is merely doubtful passes and is told.

The verdict is kept in SPOOL.commissioned, signed, and told as an identity event. It is made anew when the profile or what the device says
it is changes. A stable quantity that moves by a power of ten has the device asked at once who it is: with a new firmware it is withheld as
above until a person confirms it (`roundsman commission FILE DEVICE --confirm`), the profile is mended, or it moves back; with the same firmware it is true, and passes.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from agent import identity, status
from agent.backlog import Found
from agent.commissioning import (
    STABLE,
    Finding,
    Judgement,
    Record,
    Verdict,
    digest,
    judge,
    jumped,
    name_of,
    record,
    same_device,
    sound,
    steady,
)
from agent.commissioning_view import Key
from agent.drivers.exchange import Sample
from agent.guard import Ask, Watched
from agent.links import Link
from agent.profiles import Profile, Tier
from agent.whole import Whole
from model.batch import Event, EventKind
from model.points import POINTS, Kind
from model.reading import Gap, GapCause, Reading
from model.text import Text

log = structlog.get_logger()

_STABLE = frozenset(STABLE)
_TIERS = frozenset({Tier.IDENTITY, Tier.STATUS, Tier.MEASURE})
_BATTERY = 5.0
#: So many judgements in a row that find nothing wrong any more give a withheld point back.
_AGAIN = 3
#: So many turns of a device are judged one by one; one that goes on without a verdict is judged when it was measured.
_FIRST = 12
#: Real seconds between two writings of the file.
_KEEP_S = 2.0
#: Network gear has nothing that is judged: it is not kept in memory.
_POWER = ("battery.", "input.", "output.", "ups.", "ambient.", "charger.")


class _Standing(msgspec.Struct):
    """What is known of one device."""

    samples: dict[Key, Sample] = {}
    tiers: set[Tier] = set()
    kept: Record | None = None
    before: Record | None = None  #: the record that a new firmware has made void
    open: bool = True  #: still to be judged
    withheld: dict[Key, Finding] = {}
    true: dict[str, float] = {}  #: jumps of which the device said that it is the one it was
    bounds: dict[Key, tuple[float, float]] = {}  #: `steady` of what is kept, made of `bounds_of`
    bounds_of: Mapping[str, float] | None = None
    good: int = 0
    turns: int = 0  #: since it is open


class Commissioner:
    """The verdicts of one agent's devices. `file` None: kept in memory only. `key`: the agent's own, "" while it has none."""

    def __init__(
        self, devices: Sequence[Watched], file: Path | None, key: Callable[[], str], now: Callable[[], int]
    ) -> None:
        self._file, self._key, self._now = file, key, now
        self._standing = {device.id: _Standing() for device in devices}
        self._read_at = 0
        self._dirty, self._wrote = False, -_KEEP_S
        self._read()

    def watching(self, ask: Ask, link: Link) -> Ask:
        """The same way of asking, with the commissioner at the door."""

        async def asked(device: Any, tier: Tier) -> Sequence[Found]:
            found = await ask(device, tier)
            standing = self._standing[device.id]
            if tier is Tier.IDENTITY or not self._moved(standing, found):
                return self._passed(device, link, tier, found)
            who = await ask(device, Tier.IDENTITY)
            passed = self._passed(device, link, Tier.IDENTITY, who)
            if not standing.open:
                jumps = self._jumps(standing, found)
                if standing.kept and standing.kept.firmware and not any(isinstance(one, Event) for one in who):
                    return [*passed, *(_doubted(one, jumps) for one in found)]
                standing.true |= jumps
            return [*passed, *self._passed(device, link, tier, found)]

        return asked

    # --- noticing

    def _jumps(self, standing: _Standing, found: Iterable[Found]) -> dict[str, float]:
        if standing.kept is None or not standing.kept.stable:
            return {}
        now = {
            name_of((one.point, one.index)): one.value for one in found if type(one) is Reading and one.point in _STABLE
        }
        return jumped(standing.kept.stable, now)

    def _moved(self, standing: _Standing, found: Iterable[Found]) -> bool:
        """Whether a stable quantity has moved by a power of ten, and nobody has said yet that this is so."""
        if standing.open or standing.kept is None or not standing.kept.stable:
            return False
        if not standing.true and _is_steady(standing, standing.kept.stable, found):
            return False
        jumps = self._jumps(standing, found)
        standing.true = {name: factor for name, factor in standing.true.items() if name in jumps}
        return any(standing.true.get(name) != factor for name, factor in jumps.items())

    # --- letting pass

    def _passed(self, device: Any, link: Link, tier: Tier, found: Sequence[Found]) -> Sequence[Found]:
        standing = self._standing[device.id]
        self._reread(standing)
        if self._dirty:
            self._write()
        if tier is Tier.IDENTITY:
            self._who(standing, found, device, link)
        if not standing.open and not standing.withheld:
            return found
        if any(isinstance(one, Gap) and one.point is None for one in found):
            return found
        self._hear(standing, tier, found)
        standing.turns += 1
        stands = tier is Tier.STATUS and standing.tiers >= _TIERS
        if standing.turns > _FIRST and tier is not Tier.MEASURE and not (stands and standing.open):
            return [self._withheld(standing, one) for one in found]
        judged = judge(standing.samples.values(), device=device.id, before=standing.before)
        extra: Sequence[Found] = []
        if standing.open:
            standing.withheld = _wrong(judged, standing.kept)
            if _away(standing):  # what was measured meanwhile is no witness for later
                standing.tiers &= {Tier.IDENTITY}
                standing.samples = {key: one for key, one in standing.samples.items() if isinstance(one.value, str)}
            elif stands:  # on the mains before and after it was measured
                extra = self._keep(device.id, standing, judged, _profiles(device, link))
        elif standing.withheld and tier is Tier.MEASURE:
            standing.good = 0 if _wrong(judged, standing.kept) else standing.good + 1
            if standing.good >= _AGAIN:
                extra = self._keep(device.id, standing, judged, _profiles(device, link))
        return [*(self._withheld(standing, one) for one in found), *extra]

    def _hear(self, standing: _Standing, tier: Tier, found: Iterable[Found]) -> None:
        standing.tiers.add(tier)
        for one in found:
            if isinstance(one, Event) and one.kind is EventKind.IDENTITY:
                texts = {
                    key: str(one.data[key])
                    for key in (identity.SERIAL, identity.MODEL, identity.FIRMWARE)
                    if key in one.data
                }
                standing.samples |= {
                    (key, None): Sample(point=key, index=None, at=one.at, value=text, where="", raw=text)
                    for key, text in texts.items()
                }
            elif isinstance(one, Reading) and (one.point.startswith(_POWER) or one.point == "alarm.on_battery"):
                sample = Sample(point=one.point, index=one.index, at=one.at, value=one.value, where="", raw="")
                standing.samples[one.point, one.index] = sample

    def _who(self, standing: _Standing, found: Iterable[Found], device: Any, link: Link) -> None:
        """Another firmware, another device, or another profile is judged anew."""
        said = next((one.data for one in found if isinstance(one, Event) and one.kind is EventKind.IDENTITY), None)
        kept = standing.kept
        if said is None or kept is None or standing.open:
            return
        serial, firmware = str(said.get(identity.SERIAL, "")), str(said.get(identity.FIRMWARE, ""))
        if not same_device(kept, serial):
            standing.kept = standing.before = None
        elif firmware and firmware != kept.firmware:
            standing.before = kept
        elif (profiles := _profiles(device, link)) and kept.profile_sha256 != digest(profiles):
            standing.before = kept if kept.held else None
        else:
            return
        standing.open, standing.turns, standing.tiers, standing.samples, standing.true = True, 0, set(), {}, {}
        if standing.kept is not None:  # what a person accepted, he accepted of that firmware and profile
            standing.kept = msgspec.structs.replace(standing.kept, confirmed=())

    def _withheld(self, standing: _Standing, one: Found) -> Found:
        if not isinstance(one, Reading):
            return one
        finding = standing.withheld.get((one.point, one.index))
        if finding is None:
            return one
        why = "; ".join([f"expected {finding.expected.en}", *(remedy.words.en for remedy in finding.remedies)])
        raw = f"{one.value:g} {POINTS[one.point].unit}: {why}"[:200]
        return Gap(device=one.device, point=one.point, index=one.index, at=one.at, cause=GapCause.NOT_PLAUSIBLE, where="commissioning", raw=raw)  # fmt: skip

    # --- keeping and telling

    def _keep(
        self, device: str, standing: _Standing, judged: Judgement, profiles: Sequence[Profile]
    ) -> Sequence[Found]:
        """The verdict stands: kept, signed and told. A device without anything to judge is not worth a line."""
        confirmed = standing.kept.confirmed if standing.kept else ()
        made = record(
            device,
            self._now(),
            judged,
            list(standing.samples.values()),
            profiles,
            confirmed=confirmed,
            before=standing.before,
            key=self._key(),
        )
        standing.kept, standing.open, standing.good = made, False, 0
        standing.before = made if made.held else None
        standing.withheld = _wrong(judged, made)
        standing.samples = dict(standing.samples) if standing.withheld else {}
        status.notes.pop(f"commissioned.{device}", None)
        if judged.verdict is Verdict.UNTESTED and not made.stable:
            return []
        self._dirty = True
        self._write(at_once=bool(standing.withheld))
        return [*self._told(device, made, standing.withheld)]

    def _told(self, device: str, made: Record, withheld: Mapping[Key, Finding]) -> Iterable[Found]:
        names = ", ".join(name_of(key) for key in withheld)
        data: dict[str, str | int | float] = {
            "commissioned": made.verdict.value,
            "commissioned.at": made.at,
            "commissioned.profile": made.profile,
            "commissioned.profile_sha256": made.profile_sha256,
            "commissioned.firmware": made.firmware,
            "commissioned.withheld": names,
            "commissioned.signature": made.signature,
        }
        yield Event(kind=EventKind.IDENTITY, device=device, at=made.at, data=data)
        if withheld:
            words = "; ".join(f"{name_of(key)}: {r.words.en}" for key, f in withheld.items() for r in f.remedies[:1])
            zh = "；".join(f"{name_of(key)}：{r.words.zh}" for key, f in withheld.items() for r in f.remedies[:1])
            log.error("commissioning_wrong", device=device, withheld=names, why=words, fix="mend the profile, or confirm: roundsman commission FILE DEVICE --confirm")  # fmt: skip
            status.notes[f"commissioned.{device}"] = Text(
                f"{device}: {names} withheld as not plausible ({words}); mend the profile, or confirm it",
                f"{device}：{names} 数值不可信，暂不采用（{zh}）；请更正配置，或确认：roundsman commission 文件 设备 --confirm",
            )
            told: dict[str, str | int | float] = {
                "commissioned": made.verdict.value,
                "withheld": names,
                "why": words[:500],
            }
            yield Event(kind=EventKind.STATE_CHANGED, device=device, at=made.at, data=told)
        else:
            log.info("commissioned", device=device, verdict=made.verdict.value, firmware=made.firmware)

    def _write(self, *, at_once: bool = False) -> None:
        """Keep what is new: at once what withholds something, the rest every few seconds, for a fleet begins all at once."""
        now = time.monotonic()
        if self._file is None or not self._dirty or (not at_once and now - self._wrote < _KEEP_S):
            return
        self._dirty, self._wrote = False, now
        kept = {id: one.kept for id, one in self._standing.items() if one.kept is not None and one.kept.stable}
        try:
            write_records(self._file, kept)
            self._read_at = self._file.stat().st_mtime_ns
        except OSError as error:
            log.warning("commissioning_not_kept", file=str(self._file), error=str(error))

    def _read(self, *, again: bool = False) -> None:
        """What is kept, as far as it is signed by this agent; the rest is judged anew."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self._read_at = self._file.stat().st_mtime_ns
        key = self._key()
        for id, kept in read_records(self._file).items():
            standing = self._standing.get(id)
            if standing is None or (again and not standing.withheld):
                continue
            if not sound(kept, key):
                log.warning(
                    "commissioning_not_ours", device=id, why="the signature does not fit; the device is judged anew"
                )
                continue
            standing.kept = kept
            # What was withheld is judged anew, for the reasons are not kept; what fitted stays as it is.
            standing.open = kept.verdict is Verdict.WRONG
            standing.before = kept if standing.open else None

    def _reread(self, standing: _Standing) -> None:
        """A person may have confirmed what is withheld."""
        if not standing.withheld or self._file is None:
            return
        with contextlib.suppress(OSError):
            if self._file.stat().st_mtime_ns != self._read_at:
                self._read(again=True)
                standing.tiers = set(_TIERS)


def _is_steady(standing: _Standing, stable: Mapping[str, float], found: Iterable[Found]) -> bool:
    """Whether no stable quantity has moved far: what is so in nearly every turn, seen without working out the jumps."""
    if standing.bounds_of is not stable:
        standing.bounds, standing.bounds_of = steady(stable), stable
    bounds = standing.bounds
    if type(found) is Whole:
        series, values = found.order.series, found.values
        for place in found.order.places(_STABLE):
            between = bounds.get(series[place])
            if between is not None and not between[0] < values[place] < between[1]:
                return False
        return True
    for one in found:
        if type(one) is Reading:
            between = bounds.get((one.point, one.index))
            if between is not None and not between[0] < one.value < between[1]:
                return False
    return True


def _wrong(judged: Judgement, kept: Record | None) -> dict[Key, Finding]:
    """The measurements that must not pass. What a person confirmed at such a value passes."""
    confirmed = kept.confirmed if kept else ()
    return {
        (one.point, one.index): one
        for one in judged.findings
        if one.verdict is Verdict.WRONG
        and POINTS[one.point].kind is Kind.GAUGE
        and name_of((one.point, one.index)) not in confirmed
    }


def _away(standing: _Standing) -> bool:
    """Whether the mains are away, as far as it says."""
    source, flag = (standing.samples.get((point, None)) for point in ("ups.source", "alarm.on_battery"))
    return bool((source and source.value == _BATTERY) or (flag and flag.value))


def _doubted(one: Found, jumps: Mapping[str, float]) -> Found:
    """A value that moved by a power of ten on a device that does not say just now who it is."""
    if not isinstance(one, Reading) or name_of((one.point, one.index)) not in jumps:
        return one
    factor = jumps[name_of((one.point, one.index))]
    raw = f"{one.value:g} {POINTS[one.point].unit}: moved ×{factor:g}, and the device does not say who it is"
    return Gap(
        device=one.device,
        point=one.point,
        index=one.index,
        at=one.at,
        cause=GapCause.NOT_PLAUSIBLE,
        where="commissioning",
        raw=raw,
    )


def _profiles(device: Any, link: Link) -> Sequence[Profile]:
    return (device.profile,) if getattr(device, "profile", None) else link.settled.get(device.id, ())


def read_records(file: Path) -> dict[str, Record]:
    """What is kept; a file that cannot be read is as good as none."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Record])
    return {}


def write_records(file: Path, kept: Mapping[str, Record]) -> None:
    """Written whole and put in place at once. Raises OSError."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1))
    os.replace(fresh, file)  # noqa: PTH105 - it says what it does

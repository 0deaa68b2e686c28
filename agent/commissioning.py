"""Truth before history: does what a device says fit its name plate and itself, before anything of it counts. Pure.

    samples of all tiers ─ rules (commissioning_rules, commissioning_power) ─> Judgement: fits | doubtful | wrong | untested
    Judgement + who it is ─> Record: kept beside the spool, signed, told to the centre as an identity event

A device of which the mains are away is not judged on what an outage does. A record holds the stable quantities as they were
(ratings, mains, battery volts), so that a new firmware that moves a point by a power of ten is noticed (`jumped`).

The signature is HMAC-SHA256 under the agent's own key, over the record as it is kept. It proves that this agent made the
record and that nobody has changed the file since; the centre, which knows only the key's fingerprint, trusts the record because
it came over the agent's authenticated connection. Without a key (`probe`) there is the plain SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from agent import identity
from agent.commissioning_power import phases, runtime, sums, total_power
from agent.commissioning_rules import Rule, battery, charge, heat, hertz, refusals, sentinels, volts
from agent.commissioning_view import Finding, Key, Plate, Remedy, Scale, Slip, Verdict, View
from agent.drivers.exchange import Sample
from agent.profiles.form import Profile
from model.points import POINTS, Kind
from model.text import Text

__all__ = [
    "Finding",
    "Judgement",
    "Plate",
    "Record",
    "Remedy",
    "Slip",
    "Verdict",
    "judge",
    "jumped",
    "record",
    "sign",
    "sound",
]

_RULES: tuple[Rule, ...] = (
    sentinels,
    refusals,
    volts,
    hertz,
    heat,
    battery,
    charge,
    phases,
    total_power,
    sums,
    runtime,
)
#: A device of which so many points fit, and nothing else is known, fits.
_ENOUGH = 3
#: What does not change by ten while a device is on the mains, whatever its load is.
STABLE = (
    "input.voltage", "output.voltage", "input.bypass.voltage", "input.frequency", "output.frequency", "battery.voltage",
    "input.voltage.nominal", "output.voltage.nominal", "input.frequency.nominal", "output.frequency.nominal",
    "battery.voltage.nominal", "ups.power.nominal", "ups.realpower.nominal", "battery.capacity",
)  # fmt: skip


class PointVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one value stands."""

    point: str
    index: str | None
    verdict: Verdict


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """How a device stands: its worst finding, else whether enough of it could be compared."""

    verdict: Verdict
    points: tuple[PointVerdict, ...]
    findings: tuple[Finding, ...]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement that is kept with the device."""

    device: str
    at: int
    verdict: Verdict
    profile: str
    profile_sha256: str
    serial: str = ""
    model: str = ""
    firmware: str = ""
    points: dict[str, Verdict] = {}  #: `battery.voltage`, `output.voltage#1`; what was not tested is left out
    stable: dict[str, float] = {}
    confirmed: tuple[str, ...] = ()  #: what a person looked at and accepted although it is called wrong
    held: tuple[str, ...] = ()  #: stable quantities that a new firmware moved; `stable` has them as they were before
    signature: str = ""


def unscaled(_point: str, _index: str | None) -> float:
    """When nothing is known of the profile: the raw number is the value."""
    return 1.0


def scales(profiles: Iterable[Profile]) -> Scale:
    """The factors that profiles put on raw numbers, for what was refused."""
    rows = {(row.point, row.index): row.scale for one in profiles for row in one.values}

    def scale(point: str, index: str | None) -> float:
        return rows.get((point, index), rows.get((point, None), 1.0))

    return scale


def judge(
    samples: Iterable[Sample],
    plate: Plate = Plate(),  # noqa: B008 - a frozen value
    *,
    scale: Scale = unscaled,
    device: str = "",
    known: Mapping[str, identity.Plate] | None = None,
    before: Record | None = None,
) -> Judgement:
    """How a device stands beside its name plate, itself, what other devices are known by, and its own record."""
    view = View(samples, plate, scale)
    _who(view, device, known or {})
    if before is not None:
        _firmware(view, before)
    for rule in _RULES:
        rule(view)
    points = tuple(_verdicts(view))
    worst = next((v for v in (Verdict.WRONG, Verdict.DOUBTFUL) if any(f.verdict is v for f in view.findings)), None)
    enough = sum(one.verdict is Verdict.FITS for one in points) >= _ENOUGH
    return Judgement(
        verdict=worst or (Verdict.FITS if enough else Verdict.UNTESTED),
        points=points,
        findings=tuple(sorted(view.findings, key=lambda one: one.verdict is not Verdict.WRONG)),
    )


def _verdicts(view: View) -> Iterable[PointVerdict]:
    found = {(one.point, one.index): one.verdict for one in view.findings}
    for key, sample in view.samples.items():
        if key not in found and (sample.value is None or POINTS[key[0]].kind is not Kind.GAUGE):
            continue
        verdict = found.get(key, Verdict.FITS if key in view.fit else Verdict.UNTESTED)
        yield PointVerdict(point=key[0], index=key[1], verdict=verdict)


def _who(view: View, device: str, known: Mapping[str, identity.Plate]) -> None:
    """Whether it is the device that its place, or its plate, says."""
    seen = identity.plate_of({key: view.text(key) for key in (identity.SERIAL, identity.MODEL, identity.FIRMWARE)})
    for key, wanted in ((identity.SERIAL, view.plate.serial), (identity.MODEL, view.plate.model)):
        said = view.text(key)
        if wanted and said and wanted.casefold() not in said.casefold():
            words = Text("another device answers here", "此处应答的是另一台设备")
            view.note((key, None), Verdict.WRONG, Text(wanted, wanted), [Remedy(slip=Slip.DEVICE, words=words)])
    judged = identity.judge(device, seen, known) if device and known else None
    if judged is not None and judged.verdict is identity.Verdict.SWAPPED:
        key = identity.SERIAL if view.text(identity.SERIAL) else identity.MODEL
        expected = identity.words(judged.before)
        words = Text(
            f"this is {judged.other}: cables or unit numbers are swapped", f"这是 {judged.other}：接线或站号互换"
        )
        view.note((key, None), Verdict.WRONG, Text(expected, expected), [Remedy(slip=Slip.DEVICE, words=words)])


def _firmware(view: View, before: Record) -> None:
    """Stable quantities that moved by a power of ten since the record, together with what the device says it is."""
    firmware = view.text(identity.FIRMWARE)
    if not same_device(before, view.text(identity.SERIAL)):
        return
    stable = before.stable if firmware != before.firmware else {name: before.stable[name] for name in before.held}
    now = {name_of(key): v for key, v in view.values.items()}
    for name, factor in jumped(stable, now).items():
        point, _, index = name.partition("#")
        was = before.stable[name]
        expected = Text(
            f"about {was:g}, as with firmware {before.firmware or '?'}",
            f"约 {was:g}（固件 {before.firmware or '?'} 时）",
        )
        words = Text(
            f"firmware {firmware or '?'} tells it ×{factor:g}: the profile's scale is another one now",
            f"固件 {firmware or '?'} 将其改为 ×{factor:g}：配置的倍率已不适用",
        )
        remedy = Remedy(slip=Slip.FIRMWARE, words=words, value=round(now[name] / factor, 6), factor=1 / factor)
        view.note((point, index or None), Verdict.WRONG, expected, [remedy])


def same_device(before: Record, serial: str) -> bool:
    """As far as serial numbers tell."""
    return not before.serial or not serial or before.serial == serial


def jumped(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """Stable quantities that moved by a power of ten, and by which.

    >>> jumped({"output.voltage": 230.1}, {"output.voltage": 2298.0})
    {'output.voltage': 10.0}
    """
    found: dict[str, float] = {}
    for name, was in before.items():
        value = now.get(name)
        if not value or not was:
            continue
        factor = next((f for f in (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001) if 0.8 <= value / (was * f) <= 1.25), None)
        if factor is not None:
            found[name] = factor
    return found


def steady(stable: Mapping[str, float]) -> dict[Key, tuple[float, float]]:
    """The values, above and below which `jumped` has to look: between them no quantity has moved by a power of ten.

    >>> steady({"output.voltage#1": 200.0})
    {('output.voltage', '1'): (26.0, 1580.0)}
    """
    bounds: dict[Key, tuple[float, float]] = {}
    for name, was in stable.items():
        point, _, index = name.partition("#")
        low, high = sorted((0.13 * was, 7.9 * was))  # a tenth reaches up to 0.125, ten times down to 8
        bounds[point, index or None] = (low, high)
    return bounds


def name_of(key: Key) -> str:
    """`output.voltage#1`."""
    return key[0] if key[1] is None else f"{key[0]}#{key[1]}"


def record(
    device: str,
    at: int,
    judged: Judgement,
    samples: Sequence[Sample],
    profiles: Sequence[Profile],
    key: str = "",
    confirmed: Sequence[str] = (),
    before: Record | None = None,
) -> Record:
    """A judgement as it is kept; `key` is the agent's own."""
    texts = {one.point: one.value for one in samples if one.index is None and isinstance(one.value, str)}
    wrong = {(one.point, one.index) for one in judged.findings}
    values = {
        (s.point, s.index): s.value for s in samples if s.point in STABLE and isinstance(s.value, float) and s.value
    }
    moved = [one for one in judged.findings if any(remedy.slip is Slip.FIRMWARE for remedy in one.remedies)]
    names = [name_of((one.point, one.index)) for one in moved]
    held = {name: before.stable[name] for name in names if name not in confirmed} if before is not None else {}
    made = Record(
        device=device,
        at=at,
        verdict=judged.verdict,
        profile="+".join(profile.id for profile in profiles),
        profile_sha256=digest(profiles),
        serial=texts.get(identity.SERIAL, ""),
        model=texts.get(identity.MODEL, ""),
        firmware=texts.get(identity.FIRMWARE, ""),
        points={
            name_of((one.point, one.index)): one.verdict for one in judged.points if one.verdict is not Verdict.UNTESTED
        },
        confirmed=tuple(confirmed),
        stable={name_of(where): float(v) for where, v in values.items() if where not in wrong} | held,
        held=tuple(held),
    )
    return sign(made, key)


def digest(profiles: Sequence[Profile]) -> str:
    """What was believed of the wire: changes with any row of a profile. Worked out once for all devices that share them."""
    key = tuple(map(id, profiles))
    if key not in _digests:
        if len(_digests) >= _MOST_DIGESTS:
            _digests.clear()
        _digests[key] = (tuple(profiles), hashlib.sha256(msgspec.json.encode(_plain(profiles))).hexdigest())
    return _digests[key][1]


#: Sums of profiles, held with them so that an address stays their own: a fleet has few, and each takes milliseconds.
_digests: dict[tuple[int, ...], tuple[tuple[Profile, ...], str]] = {}
_MOST_DIGESTS = 256


def _plain(value: object) -> object:
    """The same from process to process: sets and tables in order."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {
            key: _plain(one)
            for key, one in sorted(((str(key), one) for key, one in value.items()), key=lambda item: item[0])
        }
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def sign(made: Record, key: str) -> Record:
    """The record with its signature."""
    return msgspec.structs.replace(made, signature=_signature(made, key))


def sound(kept: Record, key: str) -> bool:
    """Whether a record is as this agent made it."""
    return hmac.compare_digest(kept.signature, _signature(kept, key))


def _signature(made: Record, key: str) -> str:
    said = msgspec.json.encode(msgspec.structs.replace(made, signature=""), order="deterministic")
    if not key:
        return "sha256:" + hashlib.sha256(said).hexdigest()
    return "hmac-sha256:" + hmac.new(key.encode(), said, hashlib.sha256).hexdigest()

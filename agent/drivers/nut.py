"""Network UPS Tools as a source: what `upsd` holds of one UPS, as points.

    > LIST VAR ups1
    < VAR ups1 ups.status "OB DISCHRG LB"       what feeds the load, and what is the matter
    < VAR ups1 battery.charge "12"              number and unit as in RFC 9271

Rules. One question brings everything, so each tier asks the same one. `nut_names` says which variable is which point,
`nut_sense` which value cannot be true beside the others; a refused value is a gap with its text. A variable that is not
there is `not_supported` where every UPS should have it, else it is not told of; one that nobody knows is left alone. A word
of `ups.status` that nobody knows means nothing.

    ups.source   OL 3 mains · OB 5 battery · BYPASS 4 · BOOST 6 · TRIM 7 · OFF 2 nothing · none of them: not told

Data that upsd itself calls stale are no readings: the whole UPS is a gap `stale`, and `alarm.communication_lost` is raised
(by `agent.asking`), for nobody has heard of that UPS since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from agent.address import DeviceUrl
from agent.drivers import nut_sense, settle
from agent.drivers.exchange import AskNamed, Exchange, Failure, Named, Request, Sample, printable
from agent.drivers.nut_names import ALARM_TEXTS, FLAGS, OUTLETS, ROWS, TOLD_BY_TEXT, Row, same_named
from agent.drivers.nut_sense import number
from agent.profiles.form import Profile, Tier
from model.points import POINTS, BatteryStatus, ChargeMode, Kind, Source, plausible
from model.reading import GapCause

#: What stands in for a profile: one table for everything that NUT can read.
PROFILE = Profile(id="nut", driver="nut", title=("Network UPS Tools", "NUT（Network UPS Tools）"), source="RFC 9271, NUT nut-names.txt")  # fmt: skip
STATUS, LOST, FAULT = "ups.status", "alarm.communication_lost", "alarm.general_fault"
#: The word of a driver that has not heard its UPS yet.
_WAITS = "WAIT"
_DISCHARGE = ("battery.", "ups.load", "output.power", "output.realpower", "output.voltage", "output.current")
#: What every UPS should tell: only of these it is said that they are not there.
_CORE = frozenset(
    {
        "battery.charge",
        "battery.runtime",
        "battery.voltage",
        "input.voltage",
        "output.voltage",
        "ups.load",
        "device.model",
    }
)
#: The first that is said counts; a UPS that says none of them does not say what feeds its load.
_SOURCES = (
    ("OFF", Source.NONE), ("OB", Source.BATTERY), ("BYPASS", Source.BYPASS), ("BOOST", Source.BOOSTER), ("TRIM", Source.REDUCER),
    ("OL", Source.NORMAL),
)  # fmt: skip
_CHARGING = {"CHRG": ChargeMode.CHARGING, "DISCHRG": ChargeMode.DISCHARGING}
_OUTLET = re.compile(r"outlet\.(\d+)\.(\w+)")
#: A month and a day that are not 0: some UPSes are delivered with 2001/00/00.
_DATE = re.compile(r"[1-9]\d*\D+0?[1-9]\d*|^\d{8}$")
_UNKNOWN = frozenset({"", "unknown", "n/a", "none", "0", "-", "?"})


def plan(_profile: Profile, url: DeviceUrl, _tier: Tier) -> list[Request]:
    """The one question."""
    return [AskNamed(name=url.name)]


def narrow(_profile: Profile, _url: DeviceUrl, _tier: Tier, _refused: Request) -> list[Request]:
    """There is nothing smaller."""
    return []


def read(_profile: Profile, _url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """The points of a tier."""
    return [sample for exchange in exchanges for sample in samples(exchange.answer, tier, exchange.at)]


def samples(answer: object, tier: Tier, at: int) -> list[Sample]:
    """The points of a tier in one list of variables, or why there is none of them."""
    if not isinstance(answer, Named):
        failure = answer if isinstance(answer, Failure) else Failure(cause=GapCause.GARBLED, raw="not a list")
        return _nothing(tier, failure, at)
    values = answer.values
    if _WAITS in nut_sense.words(values):  # its driver has not heard the UPS yet: no flag is known to be down
        return _nothing(tier, Failure(cause=GapCause.STALE, raw=f"{STATUS} {values[STATUS].strip()}"), at)
    against = nut_sense.refused(values)
    out = [*_measured(values, against, tier, at)]
    if tier is Tier.STATUS:
        out = [*_told(values, against, at), *out]
    return out


def rows(tier: Tier) -> list[Row]:
    """The rows of a tier."""
    if tier is Tier.BATTERY:
        return [row for row in ROWS if row.tier is not Tier.IDENTITY and row.point.startswith(_DISCHARGE)]
    return [row for row in ROWS if row.tier is tier]


def _nothing(tier: Tier, failure: Failure, at: int) -> list[Sample]:
    points = dict.fromkeys((row.point, row.index) for row in rows(tier))
    if tier is Tier.STATUS:
        points |= dict.fromkeys(
            (point, None) for point in ("ups.source", "battery.status", *FLAGS, *TOLD_BY_TEXT, FAULT)
        )
    out = [settle.gap(point, index, at, "LIST VAR", failure.raw, failure.cause) for point, index in points]
    if tier is Tier.STATUS and failure.cause is GapCause.STALE:
        out.append(_is(LOST, 1, at, "LIST VAR", failure.raw))
    return out


def _measured(values: Mapping[str, str], against: Mapping[str, str], tier: Tier, at: int) -> Iterator[Sample]:
    many = {side: _many(values, side) for side in ("input", "output")}
    for row in rows(tier):
        name = next((name for name in row.names if name in values), "")
        side = "input" if row.names[0].startswith("input") else "output"
        if not name and (row.of_phase or (row.index and many[side])):
            continue  # another row of the same point has it
        whole = bool(row.index and many[side] and not row.of_phase)  # of all phases together
        index = None if whole else row.index
        row = msgspec.structs.replace(row, point=row.total) if whole and row.total else row
        if not name and row.point not in _CORE:
            continue
        if not name:
            yield settle.gap(row.point, index, at, row.names[0], "", GapCause.NOT_SUPPORTED)
            continue
        if name in against:
            raw = f"{values[name].strip()}: {against[name]}"
            yield settle.gap(row.point, index, at, name, printable(raw), GapCause.NOT_PLAUSIBLE)
            continue
        yield _value(row, index, values[name], name, at)
    for name in values:
        same = same_named(name)
        if same is not None and same.tier is tier:
            yield _value(same, None, values[name], name, at)
        found = _OUTLET.fullmatch(name)
        point, outlet_tier, words = OUTLETS.get(found[2], ("", None, None)) if found else ("", None, None)
        if found and point and tier is outlet_tier:
            yield _value(Row(point, (name,), tier, words=words), found[1], values[name], name, at)


def _many(values: Mapping[str, str], side: str) -> bool:
    """Whether a side of the UPS has several phases."""
    return (number(values.get(f"{side}.phases")) or 1) > 1 or any(name.startswith(f"{side}.L2") for name in values)


def _value(row: Row, index: str | None, raw: str, name: str, at: int) -> Sample:
    point, shown = POINTS[row.point], printable(raw)
    if point.kind is Kind.TEXT:
        if raw.strip().lower() in _UNKNOWN or (row.point == "battery.date" and not _DATE.search(raw)):
            return settle.gap(row.point, index, at, name, shown, GapCause.NOT_SUPPORTED)
        return Sample(point=row.point, index=index, at=at, value=printable(raw.strip()), where=name, raw=shown)
    if row.words is not None:
        state = row.words.get(raw.partition(",")[0].strip().lower())
        if state is None:  # a word that nobody knows says nothing
            return settle.gap(row.point, index, at, name, shown, GapCause.NOT_SUPPORTED)
        return Sample(point=row.point, index=index, at=at, value=float(state), where=name, raw=shown)
    value = number(raw)
    if value is None:  # "LoadTooLow", "n/a": words are no number, and not torn ones either
        cause = GapCause.GARBLED if any(map(str.isdigit, raw)) else GapCause.NOT_SUPPORTED
        return settle.gap(row.point, index, at, name, shown, cause)
    if value in row.missing:
        return settle.gap(row.point, index, at, name, shown, GapCause.NOT_SUPPORTED)
    dark = value == 0 and row.point.endswith(".frequency")  # 0 Hz of a dead line
    inside = (row.low is None or value >= row.low or dark) and (row.high is None or value <= row.high)
    if not inside or not plausible(point, value):
        return settle.gap(row.point, index, at, name, shown, GapCause.NOT_PLAUSIBLE)
    return Sample(point=row.point, index=index, at=at, value=value, where=name, raw=shown)


def _told(values: Mapping[str, str], against: Mapping[str, str], at: int) -> Iterator[Sample]:
    """What `ups.status` and `ups.alarm` say."""
    said = nut_sense.words(values)
    text = values.get(STATUS, "").strip()
    if not said:
        points = ("ups.source", "battery.status", *FLAGS, *TOLD_BY_TEXT, FAULT)
        yield from (settle.gap(point, None, at, STATUS, text, GapCause.NOT_SUPPORTED) for point in points)
        yield _is(LOST, 0, at, STATUS, text)
        return
    wrong, all_wrong = against.get(STATUS), against.get(f"{STATUS}:*")
    source = next((source for word, source in _SOURCES if word in said), None)
    if wrong:
        yield settle.gap("ups.source", None, at, STATUS, f"{text}: {wrong}", GapCause.NOT_PLAUSIBLE)
    elif source is None:
        yield settle.gap("ups.source", None, at, STATUS, text, GapCause.NOT_SUPPORTED)
    else:
        yield _is("ups.source", source, at, STATUS, text)
    low = BatteryStatus.LOW if "LB" in said else BatteryStatus.NORMAL
    yield _sound("battery.status", low, all_wrong, at, text)
    texted, unknown = _alarms(values)
    for flag, meant in FLAGS.items():
        why = all_wrong or (wrong if flag == "alarm.on_battery" else None)
        why = why or next((against[f"{STATUS}:{word}"] for word in meant if f"{STATUS}:{word}" in against), None)
        yield _sound(flag, any(word in said for word in meant) or flag in texted, why, at, text)
    yield from (_is(flag, flag in texted, at, "ups.alarm", values.get("ups.alarm", "")) for flag in TOLD_BY_TEXT)
    yield _is(FAULT, unknown or ("ALARM" in said and not texted), at, "ups.alarm", values.get("ups.alarm", text))
    yield _is(LOST, LOST in texted, at, STATUS, text)
    if "battery.charger.status" not in values:
        modes = {mode for word, mode in _CHARGING.items() if word in said}
        if len(modes) == 1:
            yield _is("battery.charger.status", modes.pop(), at, STATUS, text)


def _alarms(values: Mapping[str, str]) -> tuple[set[str], bool]:
    """The flags that the sentences of `ups.alarm` raise, and whether one of them is not known."""
    flags: set[str] = set()
    unknown = False
    for sentence in values.get("ups.alarm", "").replace("[", "!").replace("]", "!").split("!"):
        if not sentence.strip(" .,;"):
            continue
        meant = {flag for pattern, flag in ALARM_TEXTS if pattern.search(sentence)}
        flags |= meant
        unknown = unknown or not meant
    return flags, unknown


def _sound(point: str, value: float, why: str | None, at: int, text: str) -> Sample:
    if why:
        return settle.gap(point, None, at, STATUS, printable(f"{text}: {why}"), GapCause.NOT_PLAUSIBLE)
    return _is(point, value, at, STATUS, text)


def _is(point: str, value: float, at: int, where: str, raw: str) -> Sample:
    return Sample(point=point, index=None, at=at, value=float(value), where=where, raw=printable(raw))

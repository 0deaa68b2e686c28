"""SNMP: variables to points, over whatever a card makes of its MIB.

    1.3.6.1.2.1.33.1.4.4.1.2.1 = INTEGER 2302     column 4.4.1.2 (upsOutputVoltage), row 1
                                                  RFC 1628: whole V; a Delta card means 0.1 V: 230.2 V

A tier whose units or marks depend on it begins with what the device says of itself (sysObjectID, sysDescr), each time,
for devices are swapped; what a card does not say, its numbers may still prove (`sees`). Tolerated: a trailing .0
behind a row, a scalar without its .0, numbers sent as text, sysObjectID with a leading dot, and alarm
rows preallocated with OID 0.0. A NULL is an absent variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.address import DeviceUrl
from agent.drivers import settle
from agent.drivers.exchange import (
    Exchange,
    Failure,
    GetVariables,
    Request,
    Sample,
    Variable,
    Variables,
    WalkVariables,
    printable,
)
from agent.profiles.form import Alarms, Evidence, Profile, Tier, Value, Variant, layered, says, under
from model.points import POINTS, Kind
from model.reading import GapCause

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
UPTIME = "1.3.6.1.2.1.1.3.0"
#: Who a device is; also what a tier begins with that has no scalar to ask for. The first request of a tier is a get: whatever it
#: asks for, every live agent answers it.
WHO = GetVariables(oids=(SYS_DESCR, SYS_OBJECT_ID))
_TEXT_NUMBER = re.compile(r"\s*([+-]?\d{1,18})(\.\d{1,9})?\s*[A-Za-z%°]{0,4}\s*")
_ABSENT = Failure(cause=GapCause.NOT_SUPPORTED, raw="no such variable")


#: Plans by profile (held, so that its address stays its own) and tier: a fleet asks the same thing all day.
_plans: dict[tuple[int, Tier], tuple[Profile, list[Request]]] = {}
_MOST_PLANS = 256


def plan(profile: Profile, _url: DeviceUrl, tier: Tier) -> list[Request]:
    """One get for scalars and one walk a column, or the subtrees that the profile names."""
    known = _plans.get((id(profile), tier))
    if known is None:
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        known = _plans[id(profile), tier] = (profile, _plan(profile, tier))
    return known[1]


def _plan(profile: Profile, tier: Tier) -> list[Request]:
    rows = profile.rows(tier)
    walks = list(profile.walks.get(tier, ()))
    scalars: list[str] = []
    if not walks:
        walks = [row.place for row in rows if row.column]
        scalars = [f"{row.place}.0" for row in rows if not row.column]
    last: list[Request] = []
    if UPTIME in scalars and any(row.bits for row in rows if row.column):
        # behind the counters: a reboot in between must not be seen before them (agent/counters.py)
        scalars.remove(UPTIME)
        last = [GetVariables(oids=(UPTIME,))]
    walks += [a.at for a in profile.alarms if a.tier == tier and not any(under(a.at, walk) for walk in walks)]
    variants = deciding(profile, tier)
    said = [f"{place}.0" for variant in variants for place in variant.match.said]
    asks_who = tier is Tier.IDENTITY or not scalars or any(asks(variant) for variant in variants)
    first = GetVariables(oids=tuple(dict.fromkeys((*(WHO.oids if asks_who else ()), *said, *scalars))))
    return [first, *(WalkVariables(root=root) for root in dict.fromkeys(walks)), *last]


def deciding(profile: Profile, tier: Tier) -> tuple[Variant, ...]:
    """The variants that change a point of a tier."""
    points = {row.point for row in profile.rows(tier)}
    return tuple(variant for variant in profile.variants if points.intersection(variant.changes))


def asks(variant: Variant) -> bool:
    """Whether a variant depends on who the device says that it is."""
    return bool(variant.match.sys_object_id or variant.match.sys_descr)


def narrow(_profile: Profile, _url: DeviceUrl, _tier: Tier, _refused: Request) -> list[Request]:
    """The link makes SNMP requests smaller by itself."""
    return []


def read(profile: Profile, _url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """Samples of a tier, in the profile's order."""
    tree = Tree(exchanges)
    fitted = layered(profile, tree.applies())
    rows: dict[str, list[Value]] = {}
    for row in fitted.rows(tier):
        rows.setdefault(row.point, []).append(row)
    out = [sample for same in rows.values() for sample in _point(same, tree)]
    for alarms in fitted.alarms:
        if alarms.tier == tier:
            out.extend(alarm_flags(alarms, tree))
    return out


def identity(values: dict[str, Variable]) -> tuple[str, str]:
    """(sysObjectID without a leading dot, sysDescr) as the device gave them."""
    object_id, descr = values.get(SYS_OBJECT_ID), values.get(SYS_DESCR)
    return _oid(object_id) or "", _text(descr) if isinstance(descr, bytes) else ""


class Tree:
    """The variables of a round, and the failures of the requests that should have brought more."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.values: dict[str, Variable] = {}
        self._at: dict[str, int] = {}
        self._failed: list[tuple[tuple[str, ...], Failure, int]] = []
        self.last_at = max((exchange.at for exchange in exchanges), default=0)
        for exchange in exchanges:
            answer, request = exchange.answer, exchange.request
            if isinstance(answer, Variables):
                self.values.update(answer.values)
                self._at.update(dict.fromkeys(answer.values, exchange.at))
            failure = answer.cut if isinstance(answer, Variables) else answer
            if isinstance(failure, Failure):
                asked = request.oids if isinstance(request, GetVariables) else ()
                roots = (request.root,) if isinstance(request, WalkVariables) else asked
                lacking = tuple(root for root in roots if root not in self.values)
                self._failed.append((lacking, failure, exchange.at))

    def at(self, oid: str) -> int:
        return self._at.get(oid, self.last_at)

    def under(self, place: str) -> Iterator[tuple[str, str, Variable]]:
        """(OID, rest of the OID, value) of everything below a place that has a value."""
        prefix = place + "."
        for oid, value in self.values.items():
            if oid.startswith(prefix) and value is not None:
                yield oid, oid[len(prefix) :], value

    def failure(self, place: str) -> tuple[Failure, int] | None:
        """Why nothing is known at a place: a request failed that would have brought it."""
        for roots, failure, at in self._failed:
            if any(under(place, root) or under(root, place) for root in roots):
                return failure, at
        return None

    def applies(self) -> Callable[[Variant], bool]:
        """Whether a variant is what this device is, by what it says and by what its numbers prove."""
        object_id, descr = identity(self.values)

        def applies(variant: Variant) -> bool:
            told = says(variant.match, object_id, descr) and self.said(variant.match.said)
            return told and (variant.sees is None or self.sees(variant.sees))

        return applies

    def said(self, patterns: dict[str, str]) -> bool:
        """Whether every scalar named holds text that fits."""
        for place, pattern in patterns.items():
            value = self.values.get(f"{place}.0")
            if not isinstance(value, bytes) or not re.search(pattern, _text(value)):
                return False
        return True

    def sees(self, evidence: Evidence) -> bool:
        """Whether some raw number at or below a place lies within the evidence's bounds."""
        found: Iterable[Variable] = [value for _, _, value in self.under(evidence.at)]
        numbers = (raw_number(value) for value in found)
        return any(number is not None and evidence.low <= number[0] <= evidence.high for number in numbers)


def _point(rows: Sequence[Value], tree: Tree) -> list[Sample]:
    """One point from its rows, the better first. A fallback stands in for what is absent, never for what failed:
    a counter that changes its source for one round would look like a jump. What is no counter may be right at its
    second place when the first holds nonsense (ifHighSpeed in bit/s)."""
    out: dict[str | None, Sample] = {}
    counter = POINTS[rows[0].point].kind == Kind.COUNTER
    for row in rows:
        for index, oid in column(row, tree) if row.column else scalar(row, tree):
            one = sample(row, index, oid, tree.values[oid], tree.at(oid))
            held = out.get(one.index)
            if held is None or (held.value is None and one.value is not None and not counter):
                out[one.index] = one
        failed = tree.failure(row.place)
        if failed and not out:
            return [settle.gap(row.point, row.index, failed[1], row.place, failed[0].raw, failed[0].cause)]
    return list(out.values()) or [missing(rows[0], tree)]


def scalar(row: Value, tree: Tree) -> Iterator[tuple[str | None, str]]:
    """(index, OID) of the scalar at its .0, or where a careless card puts it."""
    for oid in (f"{row.place}.0", row.place, f"{row.place}.0.0"):
        if tree.values.get(oid) is not None:
            yield row.index, oid
            return


def column(row: Value, tree: Tree) -> Iterator[tuple[str, str]]:
    """(index, OID) of each row of the table. A trailing .0 is not part of the index."""
    seen: set[str] = set()
    no_rows = {oid for oid, zero in beyond(row, tree) if zero} if row.lines else ()
    for oid, rest, _ in tree.under(row.place):
        index = rest.removesuffix(".0") if "." in rest else rest
        if index not in seen and oid not in no_rows:
            seen.add(index)
            yield index, oid


def beyond(row: Value, tree: Tree) -> Iterator[tuple[str, bool]]:
    """(OID, whether it holds zero and so is no row) of everything beyond the lines that the device counts."""
    lines = raw_number(tree.values.get(f"{row.lines}.0"))
    if lines is None or lines[0] < 1:
        return
    for oid, rest, value in tree.under(row.place):
        index = rest.removesuffix(".0") if "." in rest else rest
        if index.isdigit() and int(index) > lines[0]:
            yield oid, raw_number(value) == (0.0, True)


def sample(row: Value, index: str | None, oid: str, value: Variable, at: int) -> Sample:
    shown = _text(value) if isinstance(value, bytes) else str(value)
    shown = printable(shown)
    if POINTS[row.point].kind == Kind.TEXT:
        raw = _text(value) if isinstance(value, bytes) else str(value)
        return settle.text(row, " ".join(raw.split()), index=index, at=at, where=oid)
    number = raw_number(value)
    if number is None:
        blank = isinstance(value, bytes) and not value.strip(b" \x00-")
        cause = GapCause.NOT_SUPPORTED if blank else GapCause.GARBLED
        return settle.gap(row.point, index, at, oid, shown, cause)
    return settle.number(row, number[0], index=index, at=at, where=oid, shown=shown, scaled=number[1])


def raw_number(value: Variable) -> tuple[float, bool] | None:
    """(number, whether it is in the MIB's raw steps). Text with a decimal point is in the unit already."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value), True
    if isinstance(value, bytes):
        found = _TEXT_NUMBER.fullmatch(_text(value))
        if found:
            return float(found[1] + (found[2] or "")), found[2] is None
    return None


def missing(row: Value, tree: Tree) -> Sample:
    return settle.gap(row.point, row.index, tree.last_at, row.place, _ABSENT.raw, _ABSENT.cause)


def alarm_flags(alarms: Alarms, tree: Tree) -> Iterator[Sample]:
    """All flags, 0 and 1, when the table was seen; a gap each when it was not."""
    counted = raw_number(tree.values.get(f"{alarms.count}.0")) or raw_number(tree.values.get(alarms.count))
    rows = [(oid, _oid(value)) for oid, _, value in tree.under(alarms.at)]
    named: dict[int, str] = {}
    for oid, name in rows:
        if name and name.startswith(alarms.names + "."):
            number = int(name[len(alarms.names) + 1 :].partition(".")[0])
            named.setdefault(number, oid)
    failed = tree.failure(alarms.at)
    unseen = counted is None and not rows
    unnamed = counted is not None and counted[0] > 0 and not any(name and name != "0.0" for _, name in rows)
    for number, flag in alarms.flags.items():
        if number in named:
            oid = named[number]
            raw = f"{alarms.names}.{number}"
            yield Sample(point=flag, index=None, at=tree.at(oid), value=1.0, where=oid, raw=raw)
        elif failed:
            yield settle.gap(flag, None, failed[1], alarms.at, failed[0].raw, failed[0].cause)
        elif unseen or unnamed:
            raw = "alarms present, but none is named" if unnamed else _ABSENT.raw
            yield settle.gap(flag, None, tree.last_at, alarms.at, raw, GapCause.NOT_SUPPORTED)
        else:
            yield Sample(point=flag, index=None, at=tree.last_at, value=0.0, where=alarms.at, raw="no such row")


def _oid(value: Variable) -> str | None:
    """An OID as dotted numbers, or None."""
    text = value if isinstance(value, str) else _text(value) if isinstance(value, bytes) else ""
    text = text.strip().lstrip(".")
    return text if re.fullmatch(r"\d+(\.\d+)*", text) else None


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8").rstrip("\x00")
    except UnicodeDecodeError:
        return data.decode("latin-1").rstrip("\x00")

"""SNMP: variables to points, over whatever a card makes of its MIB.

    1.3.6.1.2.1.33.1.4.4.1.2.1 = INTEGER 2302     column 4.4.1.2 (upsOutputVoltage), row 1
                                                  RFC 1628: whole V; a Delta card means 0.1 V: 230.2 V

A tier whose units or marks depend on it begins with what the device says of itself (sysObjectID, sysDescr), each time,
for devices are swapped; what a card does not say, its numbers may still prove (`sees`). Tolerated: a trailing .0
behind a row, a scalar without its .0, numbers sent as text, sysObjectID with a leading dot, and alarm
rows preallocated with OID 0.0. A NULL is an absent variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.address import DeviceUrl
from agent.drivers import settle
from agent.drivers.derive import derived
from agent.drivers.exchange import Exchange, GetVariables, Request, Sample, Variable, WalkVariables, printable
from agent.drivers.snmp_flags import ABSENT, alarm_flags, word_flags
from agent.drivers.snmp_rows import Cell, cells, column_beside, lacking
from agent.drivers.snmp_tree import SYS_DESCR, SYS_OBJECT_ID, Tree, identity, number_of, shown
from agent.profiles.form import FIRST_BIT, FIRST_CHAR, Profile, Tier, Value, Variant, under
from agent.profiles.layers import layered
from agent.profiles.units import factor, named
from model.points import POINTS, Kind
from model.reading import GapCause

__all__ = ["SYS_DESCR", "SYS_OBJECT_ID", "UPTIME", "WHO", "Tree", "identity", "narrow", "plan", "read"]

UPTIME = "1.3.6.1.2.1.1.3.0"
#: Who a device is; also what a tier begins with that has no scalar to ask for. The first request of a tier is a get: whatever it
#: asks for, every live agent answers it.
WHO = GetVariables(oids=(SYS_DESCR, SYS_OBJECT_ID))

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
    columns, scalars = _places(profile, tier)
    walks += [place for place in columns if not _covered(place, walks)]
    scalars = [f"{place}.0" for place in scalars if not _covered(place, walks)]
    last: list[Request] = []
    if UPTIME in scalars and any(row.bits for row in rows if row.column):
        # behind the counters: a reboot in between must not be seen before them (agent/counters.py)
        scalars.remove(UPTIME)
        last = [GetVariables(oids=(UPTIME,))]
    variants = deciding(profile, tier)
    said = [f"{place}.0" for variant in variants for place in variant.match.scalars]
    asks_who = tier is Tier.IDENTITY or not scalars or any(asks(variant) for variant in variants)
    first = GetVariables(oids=tuple(dict.fromkeys((*(WHO.oids if asks_who else ()), *said, *scalars))))
    return [first, *(WalkVariables(root=root) for root in dict.fromkeys(walks)), *last]


def _places(profile: Profile, tier: Tier) -> tuple[list[str], list[str]]:
    """Columns and scalars (without their .0) that a tier's rows, flags and tables stand in or depend on."""
    columns: list[str] = []
    scalars: list[str] = []
    for row in profile.rows(tier):
        (columns if row.column else scalars).append(row.place)
        for place in row.beside:
            if row.column and not place.endswith(".0"):
                columns.append(column_beside(place))
            else:
                scalars.append(place.removesuffix(".0"))
        if row.lines and profile.rows(tier) and tier not in profile.walks:
            scalars.append(row.lines)
        if row.only_if in profile.conditions:
            scalars.append(profile.conditions[row.only_if].at)
    for word in profile.flags:
        if word.tier == tier:
            (columns if word.at.endswith(".*") else scalars).append(word.at.removesuffix(".*"))
    for alarms in profile.alarms:
        if alarms.tier == tier:
            columns += [alarms.at, *map(column_beside, alarms.where)]
            scalars += [alarms.count] if alarms.count else []
    return columns, list(dict.fromkeys(scalars))


def _covered(place: str, walks: Sequence[str]) -> bool:
    return any(under(place, walk) for walk in walks)


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
    out = [sample for same in by_point(fitted, tier, tree) for sample in _point(same, tree)]
    out.extend(flags(fitted, tier, tree))
    return derived(profile, tier, out)


def by_point(fitted: Profile, tier: Tier, tree: Tree) -> list[list[Value]]:
    """The rows of a tier that exist on this device, those of one point together."""
    rows: dict[str, list[Value]] = {}
    for row in fitted.rows(tier):
        condition = fitted.conditions.get(row.only_if)
        if not row.only_if or (condition and tree.holds(condition)):
            rows.setdefault(row.point, []).append(row)
    return list(rows.values())


def flags(fitted: Profile, tier: Tier, tree: Tree) -> Iterator[Sample]:
    """The flags of words and tables."""
    words = tuple(word for word in fitted.flags if word.tier == tier)
    if words:
        yield from word_flags(words, tree)
    told: set[str] = set()
    for alarms in fitted.alarms:
        if alarms.tier == tier:
            yield from (one for one in alarm_flags(alarms, tree) if one.point not in told)
            told.update(alarms.told)


def _point(rows: Sequence[Value], tree: Tree) -> list[Sample]:
    """One point from its rows, the better first. A fallback stands in for what is absent, never for what failed:
    a counter that changes its source for one round would look like a jump. What is no counter may be right at its
    second place when the first holds nonsense (ifHighSpeed in bit/s)."""
    out: dict[str | None, Sample] = {}
    counter = POINTS[rows[0].point].kind == Kind.COUNTER
    for row in rows:
        for cell in cells(row, tree):
            one = cell_sample(cell, tree.values[cell.oid], tree.at(cell.oid))
            held = out.get(cell.line)
            if held is None or (held.value is None and one.value is not None and not counter):
                out[cell.line] = one
        failed = lacking(row, tree)
        if failed and not out:
            return [settle.gap(row.point, row.index, failed[1], row.place, failed[0].raw, failed[0].cause)]
    told = [one for one in out.values() if not settle.silent(one)]
    return told or ([] if out or may_lack(rows) else [missing(rows[0], tree)])


def may_lack(rows: Sequence[Value]) -> bool:
    """Whether nothing is said when none of the rows is there."""
    return all(row.may_lack for row in rows)


def cell_sample(cell: Cell, value: Variable, at: int) -> Sample:
    """What one cell says."""
    if cell.lack:
        raw = printable(f"{shown(value)}; {cell.lack}")
        return settle.gap(cell.row.point, cell.line, at, cell.oid, raw, GapCause.NOT_SUPPORTED)
    return sample(cell.row, cell.line, cell.oid, value, at)


def sample(row: Value, index: str | None, oid: str, value: Variable, at: int) -> Sample:
    """What one variable says."""
    said = shown(value)
    if row.type == "mac" and isinstance(value, bytes):
        said = value.hex(":")
    if POINTS[row.point].kind == Kind.TEXT:
        return _text(row, said, index, oid, value, at)
    if isinstance(value, bytes):
        if row.letters:
            return settle.letter(row, said, index=index, at=at, where=oid)
        if said.strip().casefold() in row.missing_text:
            return settle.gap(row.point, index, at, oid, printable(said), GapCause.NOT_SUPPORTED)
        if row.pattern:
            value = settle.group(row, said).encode()
    if row.rule == FIRST_CHAR:
        return _first_char(row, said, index, oid, at)
    return _number(row, printable(said), index, oid, value, at)


def _text(row: Value, said: str, index: str | None, oid: str, value: Variable, at: int) -> Sample:
    if row.date and isinstance(value, bytes | int | float):
        packed = value if isinstance(value, bytes) else float(value)
        return settle.date(row, packed, said, index=index, at=at, where=oid)
    if row.names and isinstance(value, int):
        return settle.text(row, row.names.get(value, ""), index=index, at=at, where=f"{oid} = {value}")
    return settle.text(row, " ".join(said.split()), index=index, at=at, where=oid)


def _number(row: Value, told: str, index: str | None, oid: str, value: Variable, at: int) -> Sample:
    number = number_of(value)
    if number is None:
        blank = isinstance(value, bytes) and not value.strip(b" \x00-")
        cause = GapCause.NOT_SUPPORTED if blank else GapCause.GARBLED
        return settle.gap(row.point, index, at, oid, told, cause)
    raw, scaled, unit = number
    if unit:
        return _in_unit(row, raw, unit, told, index, oid, at)
    if row.mask or row.shift:
        raw = settle.masked(row, raw)
    if row.rule == FIRST_BIT:
        return settle.first_bit(row, raw, index=index, at=at, where=oid, shown=told)
    return settle.number(row, raw, index=index, at=at, where=oid, shown=told, scaled=scaled)


def _in_unit(row: Value, raw: float, unit: str, told: str, index: str | None, oid: str, at: int) -> Sample:
    """A number with its unit behind it (`230.4 VAC`, `74 F`): that unit counts, and one that nobody knows is no value."""
    numbers = factor(named(unit), POINTS[row.point].unit)
    if not named(unit) or numbers is None:
        return settle.gap(row.point, index, at, oid, told, GapCause.NOT_PLAUSIBLE)
    return settle.number(row, raw, index=index, at=at, where=oid, shown=told, own=numbers)


def _first_char(row: Value, said: str, index: str | None, oid: str, at: int) -> Sample:
    """The state of the first character, in the order of `states`, that is 1. Characters count from 1."""
    text = said.strip().strip('"')
    if not text or text.strip("01"):
        return settle.gap(row.point, index, at, oid, printable(said), GapCause.NOT_PLAUSIBLE)
    raw = next((n for n in row.states if n > 0 and text[n - 1 : n] == "1"), -1)
    return settle.number(row, float(raw), index=index, at=at, where=oid, shown=printable(said))


def missing(row: Value, tree: Tree) -> Sample:
    """The gap of a point that is not there."""
    return settle.gap(row.point, row.index, tree.last_at, row.place, ABSENT, GapCause.NOT_SUPPORTED)

"""One `[[value]]` of a profile file becomes a `Value`, or problems with their lines."""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.profiles.dates import problem_of
from agent.profiles.form import ROW_TIERS, Instead, Tier, Value
from agent.profiles.taking import (
    Table,
    bounded,
    choice,
    joined,
    marks,
    pattern,
    placed,
    unknown_point,
    wanted,
)
from agent.profiles.units import Factor, factor
from model.points import POINTS, Kind, Point
from model.text import Text

_FLOATS = ("f32", "f64")
_INTEGERS = (
    "u8hi",
    "u8lo",
    "i8hi",
    "i8lo",
    "u16",
    "i16",
    "u32",
    "i32",
    "u64",
    "i64",
    "sm16",
    "sm32",
    "bcd16",
    "bcd32",
    "bcd64",
)
OLD_ORDER = ("u32le", "i32le", "f32le")
TYPES = (*_INTEGERS, *_FLOATS, *OLD_ORDER, "string", "stringle", "mac")
#: Registers that a number takes.
SPANS = {name: 4 if "64" in name else 2 if "32" in name else 1 for name in (*_INTEGERS, *_FLOATS)}
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
SCALE_RULES = ("power", "digits", "divide", "multiply")
#: SunSpec's and most makers' marks for "not available", by type.
MISSING_BY_TYPE: dict[str, tuple[float, ...]] = {
    "u8hi": (0xFF,), "u8lo": (0xFF,), "i8hi": (-0x80,), "i8lo": (-0x80,), "u16": (0xFFFF,), "i16": (-0x8000,), "u32": (0xFFFFFFFF,), "i32": (-0x80000000,),
    "u64": (0xFFFFFFFFFFFFFFFF, 2.0**64), "i64": (-0x8000000000000000,),
}  # fmt: skip
#: Numbers that SNMP agents send for what they do not know.
MISSING_OF_SNMP: tuple[float, ...] = (2**31 - 1, 2**32 - 1, -(2**31))


class Head(NamedTuple):
    """What `[profile]` says for all rows."""

    id: str
    driver: str
    base: str
    missing: frozenset[float]
    missing_text: frozenset[str]
    by_type: bool
    stride: int
    order: str


def value_of(table: Table, head: Head) -> Value:
    """One row."""
    id = table.take("point", str, "", needed=True)
    point = POINTS.get(id)
    if id and not point:
        unknown_point(table, "point", id)
    numbers = unit_of(table, point)
    at, function = placed(table)
    type_ = choice(table, "type", TYPES, "u16")
    own, own_text = marks(table)
    states = _states(table, point)
    value = Value(
        point=id,
        at=joined(head.base, at),
        tier=Tier(choice(table, "tier", ROW_TIERS)),
        index=table.take("index", str),
        scale=numbers.scale,
        conversion=numbers.conversion,
        offset=numbers.offset + float(table.take("offset", float, 0.0)),
        curve=numbers.curve,
        type=type_.removesuffix("le") if type_ in OLD_ORDER else type_,
        order="CDAB" if type_ in OLD_ORDER else choice(table, "order", ORDERS, head.order),
        length=bounded(table, "length", 1, 1, 125),
        states=states,
        default=_default(table, point),
        letters=_letters(table, point),
        missing=own | _all_missing(head, point, type_),
        missing_text=own_text | head.missing_text,
        means=_means(table),
        least=float(table.take("least", float, 0.0)),
        low=table.take("low", float),
        high=table.take("high", float),
        suspect=choice(table, "implausible", ("drop", "suspect"), "drop") == "suspect",
        only_if=table.take("only_if", str, ""),
        lines=joined(head.base, table.take("lines", str, "")),
        pattern=pattern(table, "pattern"),
        fallback=table.take("fallback", bool, False),
        optional=table.take("optional", bool, False),
        rule=table.take("rule", str, ""),
        stride=table.take("stride", int, head.stride),
        bits=table.take("bits", int, 0),
        function=function,
        names=_names(table),
        index_from=_index_from(table),
        index_map=_index_map(table),
        label=joined(head.base, table.take("label", str, "")),
        where=wanted(table, "where", head.base),
        unless=wanted(table, "unless", head.base),
        scale_from=_beside(table, "scale_from", head.base),
        scale_by=choice(table, "scale_by", SCALE_RULES, "power"),
        unit_at=_beside(table, "unit_at", head.base),
        units=_units(table, point),
        mask=bounded(table, "mask", 0, 1, 2**64 - 1),
        shift=bounded(table, "shift", 0, 1, 63),
        date=_date(table),
        layer=head.id,
    )
    table.done()
    return value


def unit_of(table: Table, point: Point | None, name: str = "unit") -> Factor:
    """What turns raw numbers into the point's unit; one to one after a problem."""
    unit = table.take(name, str, point.unit if point else "")
    numbers = factor(unit, point.unit) if point else Factor(1.0, 1.0)
    if numbers is None and point:
        wrong_unit(table, name, unit, point)
    return numbers or Factor(1.0, 1.0)


def wrong_unit(table: Table, name: str, unit: object, point: Point) -> None:
    """Tell of a unit that does not fit its point."""
    from_en = f"a step and {point.unit or 'no unit'}, or a unit that converts to it"
    expected = Text(from_en, f"步长加 {point.unit or '无单位'}，或可换算的单位")
    table.wrong(name, expected, repr(unit), Text("write what one raw step is worth", "写明一个原始单位代表多少"))


def states_of(table: Table, point: Point | None, name: str = "states") -> dict[int, int]:
    """Raw number -> state of the point (a number, for a gauge)."""
    if not table.has(name):
        return {}
    known = sorted(point.states) if point and point.states else [0, 1]
    free = point is not None and point.kind == Kind.GAUGE
    coded: dict[int, int] = {}
    for raw, state in table.table(name).named():
        if not re.fullmatch(r"-?\d{1,19}", raw) or not _whole(state) or (not free and state not in known):
            table.wrong(name, Text(f"raw number = one of {known}", f"原始值 = {known} 之一"), f"{raw} = {state}")
            continue
        coded[int(raw)] = state
    return coded


_states = states_of


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _all_missing(head: Head, point: Point | None, type_: str) -> frozenset[float]:
    if point and point.kind == Kind.COUNTER:
        return frozenset()
    if not head.by_type:
        return head.missing
    marks = MISSING_OF_SNMP if head.driver == "snmp" else MISSING_BY_TYPE.get(type_.removesuffix("le"), ())
    return head.missing | frozenset(marks)


def _default(table: Table, point: Point | None) -> int | None:
    value: int | None = table.take("default", int)
    known = sorted(point.states) if point and point.states else [0, 1]
    if value is not None and point and point.kind != Kind.GAUGE and value not in known:
        table.wrong("default", Text(f"one of {known}", f"{known} 之一"), value)
        return None
    return value


def _means(table: Table) -> dict[float, Instead]:
    """`means = { 65535 = "absent", 0 = { point = "ups.source", state = 3 } }`."""
    if not table.has("means"):
        return {}
    found: dict[float, Instead] = {}
    for raw, what in table.table("means").named():
        if not re.fullmatch(r"-?\d{1,19}", raw):
            table.wrong("means", Text("a raw number as the key", "以原始值为键"), raw)
        elif what == "absent":
            found[float(raw)] = Instead()
        elif isinstance(what, dict) and what.keys() == {"point", "state"} and _state_of(what["point"], what["state"]):
            found[float(raw)] = Instead(point=what["point"], state=float(what["state"]))
        else:
            expected = Text('"absent" or { point = …, state = … } of a state or flag', '"absent" 或 { point = …, state = … }（状态或标志）')  # fmt: skip
            table.wrong("means", expected, repr(what)[:80])
    return found


def _state_of(id: object, state: object) -> bool:
    point = POINTS.get(id) if isinstance(id, str) else None
    if not point or point.kind not in (Kind.STATE, Kind.FLAG):
        return False
    return isinstance(state, int) and not isinstance(state, bool) and state in (point.states or (0, 1))


def _letters(table: Table, point: Point | None) -> dict[str, int]:
    if not table.has("letters"):
        return {}
    known = sorted(point.states) if point and point.states else [0, 1]
    coded: dict[str, int] = {}
    for letter, state in table.table("letters").named():
        if _whole(state) and state in known:
            coded[letter] = state
        else:
            table.wrong("letters", Text(f"letter = one of {known}", f"字母 = {known} 之一"), f"{letter} = {state}")
    return coded


def _names(table: Table) -> dict[int, str]:
    if not table.has("names"):
        return {}
    found: dict[int, str] = {}
    for number, name in table.table("names").named():
        if re.fullmatch(r"\d{1,19}", number) and isinstance(name, str) and name:
            found[int(number)] = name
        else:
            table.wrong("names", Text('number = "name"', '数字 = "名称"'), f"{number} = {name!r}")
    return found


def _units(table: Table, point: Point | None) -> dict[str, str]:
    """What `unit_at` holds -> unit."""
    if not table.has("units"):
        return {}
    found: dict[str, str] = {}
    for held, unit in table.table("units").named():
        if isinstance(unit, str) and point and factor(unit, point.unit):
            found[held] = unit
        elif point:
            wrong_unit(table, "units", unit, point)
    return found


def _index_from(table: Table) -> tuple[int, ...]:
    """Which numbers behind the place make the index: 1, -1, [1, 3]."""
    written = table.peek("index_from")
    parts = written if isinstance(written, list) else [] if written is None else [written]
    if all(isinstance(n, int) and not isinstance(n, bool) and 0 < abs(n) < 128 for n in parts):
        return tuple(parts)
    expected = Text("the place of a number behind `at`: 1 the first, -1 the last, or a list", "at 之后第几个数：1 为首，-1 为末，或列表")  # fmt: skip
    table.wrong("index_from", expected, repr(written))
    return ()


def _index_map(table: Table) -> dict[str, str]:
    if not table.has("index_map"):
        return {}
    found: dict[str, str] = {}
    for wire, index in table.table("index_map").named():
        if isinstance(index, str) and index:
            found[wire] = index
        else:
            table.wrong("index_map", Text('index on the wire = "index"', '线上索引 = "索引"'), f"{wire} = {index!r}")
    return found


def _beside(table: Table, name: str, base: str) -> str:
    """A place that may be written as a number."""
    return joined(base, table.take(name, str, "") if not _whole(table.peek(name)) else str(table.peek(name)))


def _date(table: Table) -> str:
    written: str = table.take("date", str, "")
    wrong = problem_of(written) if written else ""
    if wrong:
        expected = Text("days DATE, seconds DATE, bytes, bcd, bits or text and a layout: see docs/profiles.md", "days 日期、seconds 日期、bytes、bcd、bits 或 text 加版式，见 docs/profiles.md")  # fmt: skip
        table.wrong("date", expected, f"{written!r}: {wrong}")
        return ""
    return written

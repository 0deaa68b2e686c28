"""A profile file becomes a `Profile`, or problems with their lines. Never stops at the first mistake.

Every key is taken through `_Table`, which remembers what was asked for, so that a misspelt key is a
problem and not silence. Rules that need more than one row (duplicates, walks) live in `lint`.
"""

from __future__ import annotations

import re
from typing import Any

from agent.profiles.form import (
    ROW_TIERS,
    Alarms,
    Change,
    Condition,
    Evidence,
    Flags,
    Match,
    Profile,
    Serial,
    Tier,
    Trap,
    Value,
    Variant,
)
from agent.profiles.units import factor
from model.points import POINTS, Kind
from model.problem import Lines, Problem
from model.text import Text
from model.toml_table import parse

DRIVERS = ("modbus", "megatec", "snmp")
TYPES = ("u16", "i16", "u32", "i32", "u32le", "i32le", "f32", "f32le", "string", "stringle")


class Reader:
    """Collects problems while a file is taken apart."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines = Lines(text)
        self.problems: list[Problem] = []

    def wrong(self, key: str, expected: Text, got: object, fix: Text) -> None:
        """Note one mistake."""
        self.problems.append(
            Problem(file=self.file, line=self.lines.of(key), key=key, expected=expected, got=str(got), fix=fix)
        )


class _Table:
    """One TOML table: typed takes, and a problem for each key nobody asked for."""

    def __init__(self, reader: Reader, path: str, data: object) -> None:
        self.reader = reader
        self.path = path
        self._data: dict[str, Any] = data if isinstance(data, dict) else {}
        self._asked: set[str] = set()
        if not isinstance(data, dict):
            reader.wrong(
                path, Text("a table", "一个表"), type(data).__name__, Text(f"write [{path}]", f"写成 [{path}]")
            )

    def key(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str, kind: type, default: Any = None, *, needed: bool = False) -> Any:
        """The value under `name` if it has the type; else the default and a problem."""
        self._asked.add(name)
        value = self._data.get(name)
        if value is None:
            if needed:
                self.wrong(name, Text(f"a {kind.__name__}", f"{kind.__name__} 类型的值"), "nothing")
            return default
        fits = isinstance(value, (int, float) if kind is float else kind) and not (
            isinstance(value, bool) and kind is not bool
        )
        if not fits:
            self.wrong(name, Text(f"a {kind.__name__}", f"{kind.__name__} 类型的值"), repr(value))
            return default
        return value

    def peek(self, name: str) -> Any:
        """The value under `name`, whatever it is."""
        self._asked.add(name)
        return self._data.get(name)

    def tables(self, name: str) -> list[_Table]:
        """The tables of an array of tables."""
        return [_Table(self.reader, f"{self.key(name)}.{n}", one) for n, one in enumerate(self.take(name, list, []))]

    def table(self, name: str) -> _Table:
        """A table, empty when it is not there."""
        return _Table(self.reader, self.key(name), self.take(name, dict, {}))

    def named(self) -> list[tuple[str, Any]]:
        """Every key with its value: for tables whose keys are free."""
        self._asked.update(self._data)
        return list(self._data.items())

    def wrong(self, name: str, expected: Text, got: object, fix: Text | None = None) -> None:
        key = self.key(name)
        self.reader.wrong(key, expected, got, fix or Text(f"correct {name}", f"更正 {name}"))

    def done(self) -> None:
        for name in self._data:
            if name not in self._asked:
                known = ", ".join(sorted(self._asked))
                self.wrong(name, Text(f"one of {known}", f"下列之一：{known}"), name, Text(f"remove or rename {name}", f"删除或改名 {name}"))  # fmt: skip


def read(file: str, text: str) -> tuple[Profile | None, list[Problem]]:
    """The profile in a file, and what is wrong with it. A profile with problems is None."""
    data = parse(text, file)
    if isinstance(data, Problem):
        return None, [data]
    reader = Reader(file, text)
    profile = _profile(_Table(reader, "", data))
    return (None if reader.problems else profile), reader.problems


def _profile(top: _Table) -> Profile:
    head = top.table("profile")
    title = head.table("title")
    driver = _choice(head, "driver", DRIVERS)
    missing = frozenset(map(float, _numbers(head, "missing")))
    base = head.take("base", str, "")
    flag_stride = head.take("stride", int, 0)
    profile = Profile(
        id=head.take("id", str, "", needed=True),
        driver=driver,
        title=(title.take("en", str, "", needed=True), title.take("zh", str, "", needed=True)),
        source=head.take("source", str, "", needed=True),
        function=_bounded(head, "function", 3, 1, 4),
        max_words=_bounded(head, "max_words", 125, 1, 125),
        max_gap=_bounded(head, "max_gap", 8, 0, 2000),
        match=_match(top.table("match"), base),
        walks={
            Tier(n): tuple(_join(base, one) for one in v) for n, v in top.table("walk").named() if n in list(ROW_TIERS)
        },
        commands={n: _command(one) for n, one in _subtables(top, "command")},
        conditions={n: _condition(one, base) for n, one in _subtables(top, "condition")},
        values=tuple(_value(one, base, missing, flag_stride) for one in top.tables("value")),
        flags=tuple(_flags(one, flag_stride) for one in top.tables("flags")),
        alarms=tuple(_alarms(one, base) for one in top.tables("alarms")),
        traps=tuple(_trap(one, base) for one in top.tables("trap")),
        variants=tuple(_variant(one, base) for one in top.tables("variant")),
    )
    for table in (title, head, top):
        table.done()
    if not re.fullmatch(r"[a-z0-9_]+", profile.id):
        head.wrong("id", Text("lower-case letters, digits and _", "小写字母、数字和 _"), repr(profile.id))
    return profile


def _subtables(top: _Table, name: str) -> list[tuple[str, _Table]]:
    table = top.table(name)
    return [(key, _Table(top.reader, table.key(key), data)) for key, data in table.named()]


def _value(table: _Table, base: str, missing: frozenset[float], stride: int) -> Value:
    id = table.take("point", str, "", needed=True)
    point = POINTS.get(id)
    if id and not point:
        _unknown_point(table, "point", id)
    unit = table.take("unit", str, point.unit if point else "")
    numbers = factor(unit, point.unit) if point else (1.0, 1.0)
    if numbers is None and point:
        wanted = point.unit or "no unit"
        expected = Text(
            f"a power of ten and {wanted}, or a unit that converts to it", f"10 的幂加 {wanted}，或可换算的单位"
        )
        table.wrong("unit", expected, repr(unit), Text("write what one raw step is worth", "写明一个原始单位代表多少"))
        numbers = (1.0, 1.0)
    scale, conversion = numbers or (1.0, 1.0)
    own = frozenset(map(float, _numbers(table, "missing")))
    at, function = _place(table)
    value = Value(
        point=id,
        at=_join(base, at),
        tier=Tier(_choice(table, "tier", ROW_TIERS)),
        index=table.take("index", str),
        scale=scale,
        conversion=conversion,
        type=_choice(table, "type", TYPES, "u16"),
        length=table.take("length", int, 1),
        states=_states(table, id),
        letters=_letters(table, id),
        missing=own if point and point.kind == Kind.COUNTER else missing | own,
        least=float(table.take("least", float, 0.0)),
        only_if=table.take("only_if", str, ""),
        lines=_join(base, table.take("lines", str, "")),
        pattern=_pattern(table, "pattern"),
        fallback=table.take("fallback", bool, False),
        rule=table.take("rule", str, ""),
        stride=table.take("stride", int, stride),
        bits=table.take("bits", int, 0),
        function=function,
        names=_names(table),
    )
    table.done()
    return value


def _states(table: _Table, id: str) -> dict[int, int]:
    point = POINTS.get(id)
    coded: dict[int, int] = {}
    for raw, state in table.table("states").named():
        known = sorted(point.states) if point and point.states else [0, 1]
        free = point is not None and point.kind == Kind.GAUGE
        if not re.fullmatch(r"-?\d+", raw) or not isinstance(state, int) or (not free and state not in known):
            expected = Text(f"raw number = one of {known}", f"原始值 = {known} 之一")
            table.wrong("states", expected, f"{raw} = {state}")
            continue
        coded[int(raw)] = state
    return coded


def _letters(table: _Table, id: str) -> dict[str, int]:
    point = POINTS.get(id)
    known = sorted(point.states) if point and point.states else [0, 1]
    coded: dict[str, int] = {}
    for letter, state in table.table("letters").named():
        if isinstance(state, int) and state in known:
            coded[letter] = state
        else:
            table.wrong("letters", Text(f"letter = one of {known}", f"字母 = {known} 之一"), f"{letter} = {state}")
    return coded


def _names(table: _Table) -> dict[int, str]:
    found: dict[int, str] = {}
    for number, name in table.table("names").named():
        if number.isdigit() and isinstance(name, str) and name:
            found[int(number)] = name
        else:
            table.wrong("names", Text('number = "name"', '数字 = "名称"'), f"{number} = {name!r}")
    return found


def _flags(table: _Table, stride: int) -> Flags:
    bits = _bits(table, "bits", 0, 63)
    at, function = _place(table)
    flags = Flags(
        at=at,
        function=function,
        missing=frozenset(map(int, _numbers(table, "missing"))),
        tier=Tier(_choice(table, "tier", ROW_TIERS)),
        bits=bits,
        stride=table.take("stride", int, stride),
    )
    table.done()
    return flags


def _alarms(table: _Table, base: str) -> Alarms:
    alarms = Alarms(
        at=_join(base, _at(table, "at")).removesuffix(".*"),
        count=_join(base, table.take("count", str, "", needed=True)),
        names=_join(base, table.take("names", str, "", needed=True)),
        tier=Tier(_choice(table, "tier", ROW_TIERS)),
        flags=_bits(table, "flags", 0, 2**31),
    )
    table.done()
    return alarms


def _trap(table: _Table, base: str) -> Trap:
    when = table.table("when")
    asks = table.take("asks", list, [Tier.STATUS])
    if not all(tier in ROW_TIERS for tier in asks):
        table.wrong("asks", Text("tiers: " + ", ".join(ROW_TIERS), "层：" + "、".join(ROW_TIERS)), asks)
        asks = []
    trap = Trap(
        oid=_join(base, table.take("oid", str, "", needed=True)),
        name=table.take("name", str, "", needed=True),
        sets=_sets(table),
        alarm=_join(base, table.take("alarm", str, "")),
        state=table.take("state", int, 1),
        index=_join(base, table.take("index", str, "")),
        when={_join(base, place): frozenset(map(int, _numbers(when, place))) for place, _ in when.named()},
        asks=tuple(dict.fromkeys((Tier.STATUS, *map(Tier, asks)))),
    )
    table.done()
    return trap


def _sets(table: _Table) -> dict[str, float]:
    """Points and what a trap makes of them: flags and states only, for a trap's numbers come without their round."""
    found: dict[str, float] = {}
    for id, value in table.table("sets").named():
        point = POINTS.get(id)
        if not point or point.kind not in (Kind.FLAG, Kind.STATE):
            _unknown_point(table, "sets", id, " of kind flag or state")
        elif isinstance(value, bool) or value not in (point.states or (0, 1)):
            known = sorted(point.states) or [0, 1]
            table.wrong("sets", Text(f"{id} = one of {known}", f"{id} = {known} 之一"), f"{id} = {value!r}")
        else:
            found[id] = float(value)
    return found


def _bits(table: _Table, name: str, low: int, high: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for number, id in table.table(name).named():
        point = POINTS.get(str(id))
        if not number.isdigit() or not low <= int(number) <= high:
            table.wrong(name, Text(f"numbers from {low} to {high}", f"{low} 到 {high} 的数"), number)
        elif not point or point.kind != Kind.FLAG:
            _unknown_point(table, name, str(id), " of kind flag")
        else:
            found[int(number)] = point.id
    return found


def _variant(table: _Table, base: str) -> Variant:
    match = _match(table.table("match"), base)
    sees = None
    if table.take("sees", dict):
        seen = table.table("sees")
        sees = Evidence(
            at=_join(base, _at(seen, "at")).removesuffix(".*"),
            low=float(seen.take("low", float, 0.0, needed=True)),
            high=float(seen.take("high", float, 0.0, needed=True)),
        )
        seen.done()
    changes: dict[str, Change] = {}
    for id, change in _subtables(table, "change"):
        changes[id] = _change(change, id)
    variant = Variant(why=table.take("why", str, "", needed=True), match=match, sees=sees, changes=changes)
    if not sees and match == Match():
        table.wrong("match", Text("match or sees", "match 或 sees"), "neither")
    table.done()
    return variant


def _change(table: _Table, id: str) -> Change:
    point = POINTS.get(id)
    if not point:
        _unknown_point(table, "", id)
        return Change()
    unit = table.take("unit", str)
    numbers = factor(unit, point.unit) if unit is not None else (None, None)
    if numbers is None:
        table.wrong("unit", Text(f"a unit that converts to {point.unit}", f"可换算为 {point.unit} 的单位"), repr(unit))
        numbers = (None, None)
    missing = frozenset(map(float, _numbers(table, "missing")))
    table.done()
    return Change(scale=numbers[0], conversion=numbers[1], missing=missing)


def _match(table: _Table, base: str) -> Match:
    said = table.table("said")
    match = Match(
        said={_join(base, place): _pattern(said, place) for place, _ in said.named()},
        sys_object_id=tuple(map(str, table.take("sys_object_id", list, []))),
        sys_descr=_pattern(table, "sys_descr"),
        vendor=_pattern(table, "vendor"),
        presence=_join(base, presence) if (presence := table.take("presence", str, "")) else "",
    )
    table.done()
    return match


def _pattern(table: _Table, name: str) -> str:
    pattern: str = table.take(name, str, "")
    try:
        re.compile(pattern)
    except re.error as error:
        table.wrong(name, Text("a regular expression", "正则表达式"), f"{pattern!r}: {error}")
        return ""
    return pattern


def _condition(table: _Table, base: str) -> Condition:
    at, function = _place(table)
    values = frozenset(map(int, _numbers(table, "values")))
    unless = frozenset(map(int, _numbers(table, "unless")))
    condition = Condition(at=_join(base, at), values=values, unless=unless, function=function)
    if bool(values) == bool(unless):
        table.wrong("values", Text("values or unless", "values 或 unless"), "both" if values else "neither")
    table.done()
    return condition


def _command(table: _Table) -> Serial:
    both = table.peek("length")
    pair = both if isinstance(both, list) and len(both) == 2 and all(isinstance(n, int) for n in both) else None
    if pair:
        table.take("length", list)
    command = Serial(
        starts=table.take("starts", str, "", needed=True),
        length=pair[0] if pair else table.take("length", int, 0, needed=True),
        most=pair[1] if pair else 0,
        crc=table.take("crc", bool, False),
        constant=table.take("constant", bool, False),
    )
    table.done()
    return command


def _numbers(table: _Table, name: str) -> list[float]:
    values = table.take(name, list, [])
    good = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(good) != len(values):
        table.wrong(name, Text("numbers", "数字"), values)
    return good


def _at(table: _Table, name: str) -> str:
    """Registers may be written as numbers."""
    value = table.peek(name)
    number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if number else str(table.take(name, str, "", needed=True))


def _place(table: _Table) -> tuple[str, int]:
    """(where, Modbus function): `4:30` is register 30 of function 4, and so is at = 30 with function = 4."""
    at = _at(table, "at")
    said = re.fullmatch(r"([1-4]):(\d+)", at)
    function = _bounded(table, "function", 0, 1, 4)
    return (said[2], int(said[1])) if said else (at, function)


def _bounded(table: _Table, name: str, default: int, low: int, high: int) -> int:
    value: int = table.take(name, int, default)
    if value != default and not low <= value <= high:
        table.wrong(name, Text(f"a whole number from {low} to {high}", f"{low} 到 {high} 的整数"), value)
        return default
    return value


def _choice(table: _Table, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
    value = table.take(name, str, default, needed=default is None)
    if value not in choices:
        if value is not None:
            table.wrong(name, Text("one of " + ", ".join(choices), "下列之一：" + "、".join(choices)), repr(value))
        return choices[0]
    return str(value)


def _join(base: str, place: str) -> str:
    """An OID below the base; one that starts with a dot is whole already."""
    if place.startswith("."):
        return place[1:]
    return f"{base}.{place}" if base and place else place


def _unknown_point(table: _Table, name: str, id: str, of: str = "") -> None:
    near = [p for p in POINTS if id and (id in p or p in id)][:3]
    fix = Text("write " + " or ".join(near), "写成 " + " 或 ".join(near)) if near else Text("see model/points.py", "见 model/points.py")  # fmt: skip
    table.wrong(name, Text(f"a point of the dictionary{of}", "字典中的测点"), repr(id), fix)

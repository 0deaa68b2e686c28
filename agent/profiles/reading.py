"""A profile file becomes a `Profile` of its own rows, or problems with their lines. Never stops at the first mistake.

What the file extends is laid under it in `agent.profiles.layers`; rules that need more than one row (duplicates, walks) live
in `agent.profiles.lint`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agent.profiles.apart import exclusive, order, threshold
from agent.profiles.form import (
    DERIVATIONS,
    ROW_TIERS,
    Alarms,
    Change,
    Condition,
    Derived,
    Evidence,
    Flags,
    Match,
    Profile,
    Serial,
    Tier,
    Trap,
    Variant,
    Versions,
)
from agent.profiles.rows import ORDERS, Head, states_of, value_of, wrong_unit
from agent.profiles.taking import (
    Reader,
    Table,
    bounded,
    choice,
    flag_id,
    flag_numbers,
    good_pattern,
    joined,
    marks,
    numbers,
    pattern,
    placed,
    unknown_point,
    wanted,
    written_at,
)
from agent.profiles.units import factor
from model.points import POINTS, Kind
from model.problem import Problem
from model.text import Text
from model.toml_table import parse

DRIVERS = ("modbus", "megatec", "snmp")
#: The profile that a file extends, by its id.
Lookup = Callable[[str], Profile | None]


def read(file: str, text: str, lookup: Lookup = lambda _: None) -> tuple[Profile | None, list[Problem]]:
    """The profile in a file, without what it extends, and what is wrong with it. A profile with problems is None."""
    data = parse(text, file)
    if isinstance(data, Problem):
        return None, [data]
    reader = Reader(file, text)
    profile = _profile(Table(reader, "", data), lookup)
    return (None if reader.problems else profile), reader.problems


def _profile(top: Table, lookup: Lookup) -> Profile:
    head = top.table("profile")
    title = head.table("title")
    parent = _parent(head, lookup)
    driver = choice(head, "driver", DRIVERS, parent.driver if parent else None)
    id = head.take("id", str, "", needed=True)
    missing, missing_text = marks(head)
    common = Head(
        id=id,
        driver=driver,
        base=head.take("base", str, parent.base if parent else ""),
        missing=missing,
        missing_text=missing_text,
        by_type=head.take("missing_by_type", bool, False),
        stride=head.take("stride", int, 0),
        order=choice(head, "order", ORDERS, "ABCD"),
    )
    base = common.base
    matches = _matches(top, base, parent)
    profile = Profile(
        id=id,
        driver=driver,
        title=(title.take("en", str, "", needed=True), title.take("zh", str, "", needed=True)),
        source=head.take("source", str, "", needed=True),
        function=bounded(head, "function", parent.function if parent else 3, 1, 4),
        max_words=bounded(head, "max_words", parent.max_words if parent else 125, 1, 125),
        max_gap=bounded(head, "max_gap", parent.max_gap if parent else 8, 0, 2000),
        layout=choice(head, "layout", ("", "sunspec"), ""),
        base=base,
        lineage=(parent.id, *parent.lineage) if parent else (),
        without=_words(head, "without"),
        replaces=_words(head, "replaces"),
        recordings=_proof(top, "recordings"),
        exchanges=_proof(top, "exchanges"),
        match=matches[0],
        matches=matches,
        walks=_walks(top, base),
        commands={n: _command(one) for n, one in _subtables(top, "command")},
        conditions={n: _condition(one, base) for n, one in _subtables(top, "condition")},
        values=tuple(value_of(one, common) for one in top.tables("value")),
        flags=tuple(_flags(one, common) for one in top.tables("flags")),
        alarms=tuple(_alarms(one, common) for one in top.tables("alarms")),
        traps=tuple(_trap(one, common) for one in top.tables("trap")),
        variants=tuple(_variant(one, common, extends=parent is not None) for one in top.tables("variant")),
        derived=(
            *(exclusive(one, id) for one in top.tables("exclusive")),
            *(_derived(one, id) for one in top.tables("derived")),
            *(threshold(one, id) for one in top.tables("threshold")),
        ),
        orders=tuple(order(one, driver) for one in top.tables("order")),
    )
    for table in (title, head, top):
        table.done()
    if not re.fullmatch(r"[a-z0-9_]+", profile.id):
        head.wrong("id", Text("lower-case letters, digits and _", "小写字母、数字和 _"), repr(profile.id))
    return profile


def _parent(head: Table, lookup: Lookup) -> Profile | None:
    extends = head.take("extends", str, "")
    parent = lookup(extends) if extends else None
    if extends and not parent:
        head.wrong("extends", Text("the id of a profile without problems", "一个无错误的配置的 id"), repr(extends))
    return parent


def _words(table: Table, name: str) -> tuple[str, ...]:
    values = table.take(name, list, [])
    if not all(isinstance(value, str) and value for value in values):
        table.wrong(name, Text("a list of words", "文字列表"), repr(values)[:80])
        return ()
    return tuple(values)


def _proof(top: Table, name: str) -> tuple[str, ...]:
    proof = top.table("proof")
    found = {one: _words(proof, one) for one in ("recordings", "exchanges")}
    proof.done()
    return found[name]


def _walks(top: Table, base: str) -> dict[Tier, tuple[str, ...]]:
    walk = top.table("walk")
    walks = {Tier(tier): tuple(joined(base, one) for one in _words(walk, tier)) for tier in ROW_TIERS}
    walk.done()
    return {tier: roots for tier, roots in walks.items() if roots}


def _matches(top: Table, base: str, parent: Profile | None) -> tuple[Match, ...]:
    """`[match]`, or `[[match]]` of which any will do. The MIB that must be there is that of the file it extends."""
    several = isinstance(top.peek("match"), list)
    found = [_match(one, base) for one in top.tables("match")] if several else [_match(top.table("match"), base)]
    inherited = parent.match.presence if parent else ""
    return tuple(
        one if one.presence or one.asks_nothing else _with_presence(one, inherited) for one in found or [Match()]
    )


def _with_presence(match: Match, presence: str) -> Match:
    return Match(**{name: getattr(match, name) for name in match.__struct_fields__} | {"presence": presence})


def _subtables(top: Table, name: str) -> list[tuple[str, Table]]:
    table = top.table(name)
    return [(key, Table(top.reader, table.key(key), data)) for key, data in table.named()]


def _flags(table: Table, head: Head) -> Flags:
    at, function = placed(table)
    flags = Flags(
        at=joined(head.base, at),
        function=function,
        missing=frozenset(map(int, numbers(table, "missing"))),
        tier=Tier(choice(table, "tier", ROW_TIERS)),
        bits=flag_numbers(table, "bits", 0, 4096, inverted=True),
        chars=flag_numbers(table, "chars", 1, 4096, inverted=True),
        values=flag_numbers(table, "values", 0, 2**32),
        stride=table.take("stride", int, head.stride),
        optional=table.take("optional", bool, False),
        words=bounded(table, "words", 1, 1, 4),
        layer=head.id,
    )
    table.done()
    return flags


def _alarms(table: Table, head: Head) -> Alarms:
    texts = table.table("texts")
    other = table.take("other", str, "")
    alarms = Alarms(
        at=joined(head.base, written_at(table, "at")).removesuffix(".*"),
        count=joined(head.base, table.take("count", str, "")),
        names=joined(head.base, table.take("names", str, "")),
        tier=Tier(choice(table, "tier", ROW_TIERS)),
        flags=flag_numbers(table, "flags", 0, 2**32),
        texts={good_pattern(texts, text, text): flag_id(texts, text, flag) for text, flag in texts.named()},
        other=flag_id(table, "other", other) if other else "",
        by_index=table.take("by_index", bool, False),
        where=wanted(table, "where", head.base),
        layer=head.id,
    )
    table.done()
    return alarms


def _trap(table: Table, head: Head) -> Trap:
    when = table.table("when")
    asks = table.take("asks", list, [Tier.STATUS])
    if not all(tier in ROW_TIERS for tier in asks):
        table.wrong("asks", Text("tiers: " + ", ".join(ROW_TIERS), "层：" + "、".join(ROW_TIERS)), asks)
        asks = []
    base = head.base
    trap = Trap(
        oid=joined(base, table.take("oid", str, "", needed=True)),
        name=table.take("name", str, "", needed=True),
        sets=_sets(table),
        alarm=joined(base, table.take("alarm", str, "")),
        state=table.take("state", int, 1),
        index=joined(base, table.take("index", str, "")),
        when={joined(base, place): frozenset(map(int, numbers(when, place))) for place, _ in when.named()},
        asks=tuple(dict.fromkeys((Tier.STATUS, *map(Tier, asks)))),
        layer=head.id,
    )
    table.done()
    return trap


def _sets(table: Table) -> dict[str, float]:
    """Points and what a trap makes of them: flags and states only, for a trap's numbers come without their round."""
    found: dict[str, float] = {}
    for id, value in table.table("sets").named():
        point = POINTS.get(id)
        if not point or point.kind not in (Kind.FLAG, Kind.STATE):
            unknown_point(table, "sets", id, " of kind flag or state")
        elif isinstance(value, bool) or value not in (point.states or (0, 1)):
            known = sorted(point.states) or [0, 1]
            table.wrong("sets", Text(f"{id} = one of {known}", f"{id} = {known} 之一"), f"{id} = {value!r}")
        else:
            found[id] = float(value)
    return found


def _derived(table: Table, layer: str) -> Derived:
    point = table.take("point", str, "", needed=True)
    if point and POINTS.get(point, None) is None:
        unknown_point(table, "point", point)
    sources = _words(table, "from")
    for source in sources:
        if source not in POINTS:
            unknown_point(table, "from", source)
    derived = Derived(
        point=point,
        sources=sources,
        rule=choice(table, "rule", tuple(DERIVATIONS)),
        tier=Tier(choice(table, "tier", ROW_TIERS)),
        index=table.take("index", str),
        by=float(table.take("by", float, 1.0)),
        layer=layer,
    )
    wants = DERIVATIONS[derived.rule]
    if not wants[0] <= len(sources) <= wants[1]:
        expected = Text(f"{wants[0]} to {wants[1]} points for {derived.rule}", f"{derived.rule} 需要 {wants[0]} 到 {wants[1]} 个测点")  # fmt: skip
        table.wrong("from", expected, len(sources))
    table.done()
    return derived


def _variant(table: Table, head: Head, *, extends: bool) -> Variant:
    base = head.base
    match = _match(table.table("match"), base)
    sees = None
    if table.take("sees", dict):
        seen = table.table("sees")
        sees = Evidence(
            at=joined(base, written_at(seen, "at")).removesuffix(".*"),
            low=float(seen.take("low", float, 0.0, needed=True)),
            high=float(seen.take("high", float, 0.0, needed=True)),
        )
        seen.done()
    changes = {id: _change(change, id) for id, change in _subtables(table, "change")}
    why = table.take("why", str, "", needed=True)
    if not sees and match.asks_nothing and not extends:
        table.wrong("match", Text("match or sees", "match 或 sees"), "neither")
    table.done()
    return Variant(why=why, match=match, sees=sees, changes=changes, layer=head.id)


def _change(table: Table, id: str) -> Change:
    point = POINTS.get(id)
    if not point:
        unknown_point(table, "", id)
        return Change()
    unit = table.take("unit", str)
    given = factor(unit, point.unit) if unit is not None else None
    if unit is not None and given is None:
        wrong_unit(table, "unit", unit, point)
    missing = frozenset(map(float, numbers(table, "missing")))
    change = Change(
        scale=given.scale if given else None,
        conversion=given.conversion if given else None,
        offset=given.offset if given else None,
        missing=missing,
        states=states_of(table, point) if table.peek("states") is not None else None,
        least=table.take("least", float),
        absent=table.take("absent", bool, False),
    )
    table.done()
    if change == Change():
        table.wrong("", Text("unit, missing, states, least or absent", "unit、missing、states、least 或 absent"), "nothing")  # fmt: skip
    return change


def _match(table: Table, base: str) -> Match:
    said = table.table("said")
    presence = table.take("presence", str, "")
    match = Match(
        said={joined(base, place): pattern(said, place) for place, _ in said.named()},
        sys_object_id=tuple(one.strip(".") for one in _words(table, "sys_object_id")),
        sys_descr=pattern(table, "sys_descr"),
        vendor=pattern(table, "vendor"),
        presence=joined(base, presence) if presence else "",
        version=_versions(table, base),
        qpi=pattern(table, "qpi"),
    )
    table.done()
    return match


def _versions(table: Table, base: str) -> Versions | None:
    if not table.take("version", dict):
        return None
    inner = table.table("version")
    version = Versions(
        at=joined(base, written_at(inner, "at")),
        least=inner.take("least", str, ""),
        below=inner.take("below", str, ""),
    )
    if not version.least and not version.below:
        inner.wrong("least", Text("least or below, or both", "least 或 below，或两者"), "neither")
    inner.done()
    return version


def _condition(table: Table, base: str) -> Condition:
    at, function = placed(table)
    values = frozenset(map(int, numbers(table, "values")))
    unless = frozenset(map(int, numbers(table, "unless")))
    condition = Condition(at=joined(base, at), values=values, unless=unless, function=function)
    if bool(values) == bool(unless):
        table.wrong("values", Text("values or unless", "values 或 unless"), "both" if values else "neither")
    table.done()
    return condition


def _command(table: Table) -> Serial:
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

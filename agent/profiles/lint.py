"""Rules of a profile that need more than one row: duplicates, reach of the walks, places that can be read."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from agent.profiles.form import (
    ENTITY_SENSOR,
    EXCLUSIVE,
    THRESHOLD,
    Flags,
    Profile,
    Tier,
    Trap,
    under,
)
from agent.profiles.layers import completed, over
from agent.profiles.lint_rows import check_overlaps, check_place, check_row
from agent.profiles.reading import Lookup, read
from agent.profiles.taking import Reader
from model.points import POINTS, Kind
from model.problem import Problem
from model.text import Text


def lint(file: str, text: str, lookup: Lookup = lambda _: None, recordings: Path | None = None) -> Checked:
    """The profile in a file, laid over what it extends (`lookup`), and everything that is wrong with it. A profile with
    problems is None. `recordings`: the folder that holds what `[proof]` names; without it the names are not checked."""
    own, problems = read(file, text, lookup)
    if not own:
        return None, problems
    reader = Reader(file, text)
    if Path(file).stem != own.id:
        reader.wrong("profile.id", Text(f"the file's name, {Path(file).stem}", "与文件名相同"), own.id, _RENAME)
    parent = lookup(own.lineage[0]) if own.lineage else None
    whole = over(parent, own) if parent else own
    _duplicates(own, reader)
    for command in own.commands.keys() - ASKING:
        reader.wrong(f"command.{command}", _ASKS, command, Text("remove it", "删除此项"))
    for n, row in enumerate(own.values):
        check_row(own, whole, row, f"value.{n}", reader)
    for n, flags in enumerate(own.flags):
        _flags(whole, flags, f"flags.{n}", reader)
    for name, condition in own.conditions.items():
        check_place(whole, condition.at, f"condition.{name}.at", reader)
    _alarms(own, reader)
    _traps(own, whole, reader)
    _variants(own, whole, parent, reader)
    _derived(own, whole, reader)
    _orders(own, reader)
    if own.driver == "modbus":
        check_overlaps(own, reader)
    if recordings:
        _recorded(own, recordings, reader)
    return (None if reader.problems else completed(whole)), reader.problems


#: Serial commands of the Megatec family that ask. All others may act (S, C, T, Q switch things off or over): an action
#: needs recorded consent and comes as an order, never from a profile.
ASKING = frozenset(
    [
        "Q1",
        "Q4",
        "Q5",
        "Q6",
        "QS",
        "QF",
        "QGS",
        "QMOD",
        "QPI",
        "QPIGS",
        "QPIRI",
        "QPIWS",
        "QDI",
        "D",
        "F",
        "I",
        "ID",
        "WA",
        "BPS",
        "RT",
        "BP?",
        "FW?",
        "BL",
        "M",
        "QBV",
        "QRI",
        "QMD",
        "QWS",
        "QFS",
        "QLDL",
        "QID",
        "QVFW",
        "QMF",
        "Q3PV",
        "Q3OV",
        "Q3YV",
        "Q3PC",
        "Q3OC",
        "Q3LD",
    ]
)
Checked = tuple[Profile | None, list[Problem]]
_SOURCES = {EXCLUSIVE: "points", THRESHOLD: "point"}
_IS_READ = Text("points that this profile reads", "本配置读取的测点")
_APART = Text("a name of its own", "唯一的名称")
_ASKS = Text("a command that only asks", "只作查询的命令")
_RENAME = Text("rename the file or the id", "改文件名或 id")
_ONCE = Text("each point and index once, or fallback = true", "每个测点与索引只出现一次，或写 fallback = true")
_REMOVE = Text("remove one of the two", "删去其中一个")


def _duplicates(profile: Profile, reader: Reader) -> None:
    """Two rows for one point and index, or one place for two points."""
    points: set[tuple[object, ...]] = set()
    places: dict[tuple[object, ...], str] = {}
    for n, row in enumerate(profile.values):
        chosen = (repr(row.where), repr(row.unless), repr(row.index_map), row.only_if)
        key = (row.point, row.index, row.tier, row.column, *(chosen if any(chosen) else ()))
        if key in points and not row.fallback:
            reader.wrong(f"value.{n}.point", _ONCE, row.point, _REMOVE)
        points.add(key)
        if row.fallback or row.rule == ENTITY_SENSOR:
            continue
        place = (row.at, row.function, row.tier, row.rule, row.mask, row.shift, row.pattern, bool(row.states), *chosen)
        if places.setdefault(place, row.point) != row.point:
            other = places[place]
            expected = Text(
                f"one point at {row.at}, which is {other} already", f"{row.at} 处只有一个测点，已是 {other}"
            )
            reader.wrong(f"value.{n}.at", expected, row.point, _REMOVE)
    flags = {flag for word in profile.flags for flag in _told(word)} | {f for a in profile.alarms for f in a.told}
    for n, row in enumerate(profile.values):
        if row.point in flags:
            reader.wrong(f"value.{n}.point", _ONCE, row.point, _REMOVE)


def _told(word: Flags) -> set[str]:
    return {*word.bits.values(), *word.chars.values(), *word.values.values()}


def _flags(profile: Profile, flags: Flags, key: str, reader: Reader) -> None:
    check_place(profile, flags.at, f"{key}.at", reader)
    ways = [name for name in ("bits", "chars", "values") if getattr(flags, name)]
    if len(ways) != 1:
        expected = Text("one of bits, chars and values", "bits、chars、values 之一")
        reader.wrong(key, expected, " and ".join(ways) or "none", Text("write one table each", "各写一个表"))
    elif profile.driver != "snmp" and ways == ["chars"]:
        reader.wrong(f"{key}.chars", Text("chars in SNMP profiles only", "chars 仅用于 SNMP"), profile.driver, Text("write bits", "写 bits"))  # fmt: skip
    elif profile.driver == "megatec" and (ways == ["values"] or any(bit < 0 for bit in flags.bits)):
        reader.wrong(key, Text("plain bits for serial replies", "串口应答只用普通 bits"), ways[0], Text("write bits", "写 bits"))  # fmt: skip
    if any(not -17 < bit < 16 for bit in flags.bits) and profile.driver == "modbus" and flags.words == 1:
        expected = Text("bits 0 to 15, or words = 2", "位 0 到 15，或写 words = 2")
        if (flags.function or profile.function) > 2:
            reader.wrong(f"{key}.bits", expected, max(flags.bits), Text("add words or correct the bit", "加 words 或改位号"))  # fmt: skip


def _alarms(profile: Profile, reader: Reader) -> None:
    for n, alarms in enumerate(profile.alarms):
        if not alarms.told:
            expected = Text("flags, texts or other", "flags、texts 或 other")
            reader.wrong(f"alarms.{n}", expected, "none", Text("say which rows raise what", "写明哪些行触发什么"))
        if alarms.texts and (alarms.names or alarms.by_index):
            reader.wrong(f"alarms.{n}.texts", Text("texts without names and by_index", "写 texts 时不写 names 与 by_index"), "both", _REMOVE)  # fmt: skip


def _variants(own: Profile, whole: Profile, parent: Profile | None, reader: Reader) -> None:
    points = {row.point for row in whole.values} | {row.point for row in (parent.values if parent else ())}
    seen: list[tuple[object, object, frozenset[str]]] = []
    for n, variant in enumerate(own.variants):
        for id in variant.changes.keys() - points:
            expected = Text("a point that this profile reads", "本文件读取的测点")
            reader.wrong(f"variant.{n}", expected, id, Text("remove the change", "删除此项"))
        if not variant.changes:
            reader.wrong(
                f"variant.{n}", Text("a change", "至少一个 change"), "none", Text("add change.…", "加上 change.…")
            )
        for prefix in variant.match.sys_object_id:
            if not _reachable(whole, prefix):
                expected = Text("a sysObjectID that the profile itself matches", "本配置 match 能匹配的 sysObjectID")
                reader.wrong(f"variant.{n}.match.sys_object_id", expected, prefix, Text("correct it, or the profile's match", "改正，或改 match"))  # fmt: skip
        if variant.sees and variant.sees.low > variant.sees.high:
            reader.wrong(f"variant.{n}.sees.low", Text("low <= high", "low 不大于 high"), variant.sees.low, Text("swap them", "对调"))  # fmt: skip
        for id in variant.changes:
            same = (variant.match, variant.sees, frozenset((id, *_changed_keys(variant.changes[id]))))
            if same in seen:
                expected = Text("each change once: the later one hides the earlier", "每个改动只写一次：后者遮住前者")
                reader.wrong(f"variant.{n}", expected, id, _REMOVE)
            seen.append(same)


def _changed_keys(change: object) -> list[str]:
    return [name for name in ("scale", "states", "least", "absent") if getattr(change, name) not in (None, False)]


def _reachable(profile: Profile, prefix: str) -> bool:
    """Whether some device that the profile fits can have this sysObjectID."""
    asked = [one.sys_object_id for one in (profile.matches or (profile.match,))]
    return any(not ids or any(under(prefix, id) or under(id, prefix) for id in ids) for ids in asked)


def _derived(own: Profile, whole: Profile, reader: Reader) -> None:
    read = {row.point for row in whole.values}
    before: set[str] = set()
    counts: Counter[str] = Counter()
    for derived in whole.derived:
        mine = derived.layer == own.id
        name = derived.rule if derived.rule in (EXCLUSIVE, THRESHOLD) else "derived"
        n, counts[name] = counts[name], counts[name] + 1
        for source in derived.sources:
            if source not in read and source not in before and mine:
                key = f"{name}.{n}.{_SOURCES.get(name, 'from')}"
                reader.wrong(key, _IS_READ, source, Text("add its row, or derive it before", "加上该行，或先推算它"))
        if name != "derived":
            if mine and derived.point in before:
                reader.wrong(f"{name}.{n}.name", _APART, derived.point, _REMOVE)
            before.add(derived.point)
            continue
        before.add(derived.point)
        if mine and POINTS[derived.point].kind not in (Kind.GAUGE, Kind.COUNTER):
            reader.wrong(f"derived.{n}.point", Text("a gauge", "量值型测点"), derived.point, _REMOVE)


def _orders(own: Profile, reader: Reader) -> None:
    ids: set[str] = set()
    for n, order in enumerate(own.orders):
        if order.id in ids:
            reader.wrong(f"order.{n}.id", _APART, order.id, _REMOVE)
        if order.command in ASKING:
            reader.wrong(f"order.{n}.command", Text("a command that acts", "动作类命令"), order.command, _REMOVE)
        ids.add(order.id)


def _recorded(profile: Profile, folder: Path, reader: Reader) -> None:
    for name in profile.recordings:
        if not any(folder.glob(f"{glob_safe(name)}*")):
            expected = Text(f"the name of a recording in {folder.name}", f"{folder.name} 中的录制文件名")
            reader.wrong("proof.recordings", expected, name, Text("correct the name, or add the recording", "改名或补上录制文件"))  # fmt: skip


def glob_safe(name: str) -> str:
    """A name without what has a meaning in a pattern."""
    return re.sub(r"[*?\[\]/\\]", "?", name)


def _traps(profile: Profile, whole: Profile, reader: Reader) -> None:
    known: dict[str, list[Trap]] = {}
    for n, trap in enumerate(profile.traps):
        key = f"trap.{n}"
        for place in (trap.oid, *filter(None, (trap.alarm, trap.index)), *trap.when):
            if profile.driver != "snmp" or not re.fullmatch(r"\d+(\.\d+)+", place):
                reader.wrong(f"{key}.oid", _AN_OID, place, Text("correct it", "更正"))
        if trap.alarm and trap.alarm not in {one.at for one in whole.alarms}:
            reader.wrong(f"{key}.alarm", _AN_ALARM, trap.alarm, Text("name that column", "写该列"))
        if trap.state not in (0, 1):
            reader.wrong(f"{key}.state", Text("0 or 1", "0 或 1"), trap.state, Text("correct state", "更正 state"))
        if not (trap.sets or trap.alarm or trap.when) and trap.asks == (Tier.STATUS,):
            reader.wrong(key, _A_MEANING, "none", Text("add sets, alarm or asks, or remove the trap", "补上 sets、alarm 或 asks，或删除"))  # fmt: skip
        same = known.setdefault(trap.oid, [])
        if any(not (trap.when and other.when) for other in same):
            reader.wrong(f"{key}.oid", _TRAP_ONCE, trap.oid, _REMOVE)
        same.append(trap)


_AN_OID = Text("an OID, in an SNMP profile", "OID，且为 SNMP 文件")
_AN_ALARM = Text("the column of an [[alarms]] of this file", "本文件 [[alarms]] 的列")
_A_MEANING = Text("what the trap means", "该 trap 的含义")
_TRAP_ONCE = Text("each trap once, or with when", "每个 trap 只出现一次，或写 when")

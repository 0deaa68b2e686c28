"""Rules of a profile that need more than one row: duplicates, reach of the walks, places that can be read."""

from __future__ import annotations

import re
from pathlib import Path

from agent.profiles.form import (
    ENTITY_SENSOR,
    FIRST_BIT,
    FIRST_CHAR,
    Flags,
    Profile,
    Tier,
    Trap,
    Value,
    under,
)
from agent.profiles.layers import completed, over
from agent.profiles.reading import Lookup, read
from agent.profiles.rows import SPANS
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
        _place(own, whole, row, f"value.{n}", reader)
    for n, flags in enumerate(own.flags):
        _flags(whole, flags, f"flags.{n}", reader)
    for name, condition in own.conditions.items():
        _shape(whole, condition.at, f"condition.{name}.at", reader)
    _alarms(own, reader)
    _traps(own, whole, reader)
    _variants(own, whole, parent, reader)
    _derived(own, whole, reader)
    if own.driver == "modbus":
        _overlaps(own, reader)
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
    _shape(profile, flags.at, f"{key}.at", reader)
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
    for n, derived in enumerate(whole.derived):
        mine = derived.layer == own.id
        for source in derived.sources:
            if source not in read and source not in before and mine:
                expected = Text("points that this profile reads", "本配置读取的测点")
                reader.wrong(f"derived.{n}.from", expected, source, Text("add its row, or derive it before", "加上该行，或先推算它"))  # fmt: skip
        before.add(derived.point)
        if mine and POINTS[derived.point].kind not in (Kind.GAUGE, Kind.COUNTER):
            reader.wrong(f"derived.{n}.point", Text("a gauge", "量值型测点"), derived.point, _REMOVE)


def _overlaps(profile: Profile, reader: Reader) -> None:
    """Registers that two rows of different length or kind share: one of the two addresses is wrong."""
    taken: dict[tuple[int, int], tuple[str, str, int]] = {}
    for n, row in enumerate(profile.values):
        if not row.at.isdigit():
            continue
        span = row.length if row.type.startswith("string") or row.date else SPANS.get(row.type, 1)
        function = row.function or profile.function
        for address in range(int(row.at), int(row.at) + span):
            other = taken.setdefault((function, address), (row.type, row.at, span))
            if (other[1], other[2]) != (row.at, span):
                expected = Text(f"registers of its own: {address} belongs to {other[1]} ({other[0]})", f"独占寄存器：{address} 属于 {other[1]}（{other[0]}）")  # fmt: skip
                reader.wrong(f"value.{n}.at", expected, f"{row.at} ({row.type})", Text("correct at, type or length", "更正 at、type 或 length"))  # fmt: skip
                break


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


def _place(own: Profile, whole: Profile, row: Value, key: str, reader: Reader) -> None:
    _shape(whole, row.at, f"{key}.at", reader)
    point = POINTS[row.point]
    text = point.kind == Kind.TEXT
    if row.only_if and row.only_if not in whole.conditions:
        expected = Text("a condition of this file", "本文件中的条件")
        reader.wrong(f"{key}.only_if", expected, row.only_if, Text("add [condition.…]", "加上 [condition.…]"))
    if whole.driver == "modbus":
        _modbus(whole, row, key, reader)
    if whole.driver == "snmp":
        _snmp(row, key, reader)
    if text and row.states:
        reader.wrong(f"{key}.states", Text("no states for text", "文本没有状态"), row.point, _REMOVE)
    if row.date and not text:
        reader.wrong(f"{key}.date", Text("date for text points only", "date 仅用于文本测点"), row.point, _REMOVE)
    if row.low is not None and row.high is not None and row.low > row.high:
        reader.wrong(f"{key}.low", Text("low <= high", "low 不大于 high"), row.low, Text("swap them", "对调"))
    if row.units and not row.unit_at:
        reader.wrong(f"{key}.units", Text("unit_at beside units", "units 须配 unit_at"), "none", Text("add unit_at", "加上 unit_at"))  # fmt: skip
    counts = whole.driver == "snmp" and point.kind == Kind.COUNTER
    if row.bits not in ((32, 64) if counts else (0,)):
        reader.wrong(f"{key}.bits", _BITS, row.bits or "none", Text("write bits = 32 or 64 as in the MIB", "按 MIB 写 bits = 32 或 64"))  # fmt: skip
    walks = own.walks.get(row.tier, ())
    mine = not own.base or under(row.place, own.base)
    if own.driver == "snmp" and walks and mine and not any(under(row.place, walk) for walk in walks):
        expected = Text(f"a place below the walks of tier {row.tier}", f"位于 {row.tier} 层 walks 之下")
        reader.wrong(f"{key}.at", expected, row.at, Text("add a walk or change the tier", "增加 walk 或改层"))


_TABLES_ONLY = ("index_from", "index_map", "label", "where", "unless")


def _snmp(row: Value, key: str, reader: Reader) -> None:
    if row.rule not in ("", FIRST_BIT, FIRST_CHAR, ENTITY_SENSOR):
        expected = Text(f"no rule, {FIRST_BIT}, {FIRST_CHAR} or {ENTITY_SENSOR}", f"不写 rule，或 {FIRST_BIT}、{FIRST_CHAR}、{ENTITY_SENSOR}")  # fmt: skip
        reader.wrong(f"{key}.rule", expected, row.rule, Text("correct rule", "更正 rule"))
    for name in (*_TABLES_ONLY, *(["rule"] if row.rule == ENTITY_SENSOR else [])):
        if getattr(row, name) and not row.column:
            reader.wrong(f"{key}.{name}", Text("a column (.*) for this key", "该键需要列（.*）"), row.at, Text("add .* or remove it", "加 .* 或删除"))  # fmt: skip
    for place in row.beside:
        if not re.fullmatch(r"\d+(\.(\d+|\*|\{(\*|-?\d{1,3})\}))*", place):
            reader.wrong(key, Text("OIDs beside the row; {1} stands for a number of its index", "相邻 OID；{1} 表示索引中的第几个数"), place, Text("correct it", "更正"))  # fmt: skip


def _modbus(profile: Profile, row: Value, key: str, reader: Reader) -> None:
    text = POINTS[row.point].kind == Kind.TEXT
    if text != (row.type.startswith("string") or bool(row.names) or bool(row.date)):
        expected = Text(
            "type string, or names, for text points and only for them", "文本测点且仅文本测点用 string 或 names"
        )
        reader.wrong(f"{key}.type", expected, row.type, Text("correct type", "更正 type"))
    if (row.function or profile.function) in (1, 2) and row.type != "u16":
        expected = Text("no type: functions 1 and 2 read single bits", "不写 type：功能码 1 和 2 读单个位")
        reader.wrong(f"{key}.type", expected, row.type, Text("remove type", "删除 type"))
    if row.scale_from and not re.fullmatch(r"\d{1,5}", row.scale_from):
        reader.wrong(f"{key}.scale_from", Text("a register", "寄存器"), row.scale_from, Text("correct it", "更正"))
    if row.unit_at and not re.fullmatch(r"\d{1,5}", row.unit_at):
        reader.wrong(f"{key}.unit_at", Text("a register", "寄存器"), row.unit_at, Text("correct it", "更正"))
    if row.rule not in ("", FIRST_BIT):
        expected = Text(f"no rule, or {FIRST_BIT}", f"不写 rule，或 {FIRST_BIT}")
        reader.wrong(f"{key}.rule", expected, row.rule, Text("correct rule", "更正 rule"))


_BITS = Text(
    "bits = 32 or 64 for each SNMP counter and nothing else: where it wraps",
    "每个 SNMP 计数器（且仅计数器）写 bits = 32 或 64：回绕处",
)
_LAST_REGISTER = 0xFFFF
_SHAPES = {
    "modbus": (
        r"\d{1,5}|object \d{1,3}",
        Text(
            "a register from 0 to 65535, after 1: to 4: where it is read by another function, or object 0 to 255",
            "0 到 65535 的寄存器，功能码不同时前加 1: 到 4:，或 object 0 到 255",
        ),
    ),
    "snmp": (r"\d+(\.\d+)*(\.\*(\.(\d+|\*))*)?", Text("an OID, with .* at its end for a column", "OID，列以 .* 结尾")),
    "megatec": (
        r"\w+(\[\d+:\d+\]|\{\d+\})",
        Text("COMMAND[from:to] or COMMAND{word}", "命令[起:止] 或 命令{第几个词}"),
    ),
}


def _shape(profile: Profile, at: str, key: str, reader: Reader) -> None:
    shape, expected = _SHAPES[profile.driver]
    if not re.fullmatch(shape, at) or (at.isdigit() and int(at) > _LAST_REGISTER):
        reader.wrong(key, expected, at, Text("correct at", "更正 at"))
    elif profile.driver == "megatec":
        command, start, *end = re.split(r"[\[\]{}:]", at)[:3]
        known = profile.commands.get(command)
        last = int(end[0]) if "[" in at else int(start) + 1
        if not known or not int(start) < last <= known.longest:
            expected = Text(
                "a [command.…] of this file and characters within its length", "本文件的命令及其长度内的字符"
            )
            reader.wrong(key, expected, at, Text("correct at or the command", "更正 at 或命令"))

"""Rules of a profile that need more than one row: duplicates, reach of the walks, places that can be read."""

from __future__ import annotations

import re
from pathlib import Path

from agent.profiles.form import FIRST_BIT, Profile, Tier, Trap, Value, under
from agent.profiles.reading import Reader, read
from model.points import POINTS, Kind
from model.problem import Problem
from model.text import Text


def lint(file: str, text: str) -> tuple[Profile | None, list[Problem]]:
    """The profile in a file, and everything that is wrong with it. A profile with problems is None."""
    profile, problems = read(file, text)
    if not profile:
        return None, problems
    reader = Reader(file, text)
    if Path(file).stem != profile.id:
        reader.wrong("profile.id", Text(f"the file's name, {Path(file).stem}", "与文件名相同"), profile.id, _RENAME)
    _duplicates(profile, reader)
    for command in profile.commands.keys() - ASKING:
        reader.wrong(f"command.{command}", _ASKS, command, Text("remove it", "删除此项"))
    for n, row in enumerate(profile.values):
        _place(profile, row, f"value.{n}", reader)
    for n, flags in enumerate(profile.flags):
        _shape(profile, flags.at, f"flags.{n}.at", reader)
    for name, condition in profile.conditions.items():
        _shape(profile, condition.at, f"condition.{name}.at", reader)
    _traps(profile, reader)
    points = {row.point for row in profile.values}
    for n, variant in enumerate(profile.variants):
        for id in variant.changes.keys() - points:
            expected = Text("a point that this profile reads", "本文件读取的测点")
            reader.wrong(f"variant.{n}", expected, id, Text("remove the change", "删除此项"))
    return (None if reader.problems else profile), reader.problems


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
_ASKS = Text("a command that only asks", "只作查询的命令")
_RENAME = Text("rename the file or the id", "改文件名或 id")
_ONCE = Text("each point and index once, or fallback = true", "每个测点与索引只出现一次，或写 fallback = true")
_REMOVE = Text("remove one of the two", "删去其中一个")


def _duplicates(profile: Profile, reader: Reader) -> None:
    points: set[tuple[str, str | None, Tier, bool]] = set()
    places: dict[tuple[str, int, Tier, str], str] = {}
    for n, row in enumerate(profile.values):
        key = (row.point, row.index, row.tier, row.column)
        if key in points and not row.fallback:
            reader.wrong(f"value.{n}.point", _ONCE, row.point, _REMOVE)
        points.add(key)
        place = (row.at, row.function, row.tier, row.rule)
        if places.get(place, row.point) != row.point and not row.fallback:
            other = places[place]
            expected = Text(
                f"one point at {row.at}, which is {other} already", f"{row.at} 处只有一个测点，已是 {other}"
            )
            reader.wrong(f"value.{n}.at", expected, row.point, _REMOVE)
        if not row.fallback:
            places[place] = row.point
    flags = [flag for word in profile.flags for flag in set(word.bits.values())]
    for flag in {row.point for row in profile.values} & set(flags):
        reader.wrong("value", _ONCE, flag, _REMOVE)


def _traps(profile: Profile, reader: Reader) -> None:
    known: dict[str, list[Trap]] = {}
    for n, trap in enumerate(profile.traps):
        key = f"trap.{n}"
        for place in (trap.oid, *filter(None, (trap.alarm, trap.index)), *trap.when):
            if profile.driver != "snmp" or not re.fullmatch(r"\d+(\.\d+)+", place):
                reader.wrong(f"{key}.oid", _AN_OID, place, Text("correct it", "更正"))
        if trap.alarm and trap.alarm not in {one.at for one in profile.alarms}:
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


def _place(profile: Profile, row: Value, key: str, reader: Reader) -> None:
    _shape(profile, row.at, f"{key}.at", reader)
    point = POINTS[row.point]
    text = point.kind == Kind.TEXT
    if row.only_if and row.only_if not in profile.conditions:
        expected = Text("a condition of this file", "本文件中的条件")
        reader.wrong(f"{key}.only_if", expected, row.only_if, Text("add [condition.…]", "加上 [condition.…]"))
    if profile.driver == "modbus":
        _modbus(profile, row, key, reader)
    if text and row.states:
        reader.wrong(f"{key}.states", Text("no states for text", "文本没有状态"), row.point, _REMOVE)
    counts = profile.driver == "snmp" and point.kind == Kind.COUNTER
    if row.bits not in ((32, 64) if counts else (0,)):
        reader.wrong(f"{key}.bits", _BITS, row.bits or "none", Text("write bits = 32 or 64 as in the MIB", "按 MIB 写 bits = 32 或 64"))  # fmt: skip
    walks = profile.walks.get(row.tier, ())
    if profile.driver == "snmp" and walks and not any(under(row.place, walk) for walk in walks):
        expected = Text(f"a place below the walks of tier {row.tier}", f"位于 {row.tier} 层 walks 之下")
        reader.wrong(f"{key}.at", expected, row.at, Text("add a walk or change the tier", "增加 walk 或改层"))


def _modbus(profile: Profile, row: Value, key: str, reader: Reader) -> None:
    text = POINTS[row.point].kind == Kind.TEXT
    if text != (row.type.startswith("string") or bool(row.names)):
        expected = Text(
            "type string, or names, for text points and only for them", "文本测点且仅文本测点用 string 或 names"
        )
        reader.wrong(f"{key}.type", expected, row.type, Text("correct type", "更正 type"))
    if (row.function or profile.function) in (1, 2) and row.type != "u16":
        expected = Text("no type: functions 1 and 2 read single bits", "不写 type：功能码 1 和 2 读单个位")
        reader.wrong(f"{key}.type", expected, row.type, Text("remove type", "删除 type"))
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
    "snmp": (r"\d+(\.\d+)*(\.\*)?", Text("an OID, with .* at its end for a column", "OID，列以 .* 结尾")),
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

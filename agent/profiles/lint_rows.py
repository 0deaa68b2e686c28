"""Rules of one row of a profile: what its keys say of each other, and whether its place can be read at all."""

from __future__ import annotations

import re

from agent.profiles.form import ENTITY_SENSOR, FIRST_BIT, FIRST_CHAR, Profile, Value, under
from agent.profiles.rows import SPANS
from agent.profiles.taking import Reader
from model.points import POINTS, Kind
from model.text import Text

_REMOVE = Text("remove one of the two", "删去其中一个")


def check_row(own: Profile, whole: Profile, row: Value, key: str, reader: Reader) -> None:
    """One row of a file, with the profile that it makes with what it extends."""
    check_place(whole, row.at, f"{key}.at", reader)
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


def check_place(profile: Profile, at: str, key: str, reader: Reader) -> None:
    """Whether a place is one of the driver's."""
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


def check_overlaps(profile: Profile, reader: Reader) -> None:
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

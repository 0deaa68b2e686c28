"""One table of a profile file, key by key: typed takes, and a problem for what is wrong or was never asked for.

Every key is taken through `Table`, which remembers what was asked for, so that a misspelt key is a problem and not silence.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from agent.profiles.form import Wanted
from model.points import POINTS, Kind
from model.problem import Lines, Problem
from model.text import Text


class Reader:
    """Collects problems while a file is taken apart."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._text = text
        self._lines: Lines | None = None
        self.problems: list[Problem] = []

    def wrong(self, key: str, expected: Text, got: object, fix: Text) -> None:
        """Note one mistake. Where lines are is only worked out for a file that has one."""
        self._lines = self._lines or Lines(self._text)
        self.problems.append(
            Problem(file=self.file, line=self._lines.of(key), key=key, expected=expected, got=str(got), fix=fix)
        )


class Table:
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
        return f"{self.path}.{name}".strip(".")

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

    def tables(self, name: str) -> list[Table]:
        """The tables of an array of tables."""
        return [Table(self.reader, f"{self.key(name)}.{n}", one) for n, one in enumerate(self.take(name, list, []))]

    def table(self, name: str) -> Table:
        """A table, empty when it is not there."""
        return Table(self.reader, self.key(name), self.take(name, dict, {}))

    def has(self, name: str) -> bool:
        """Whether a key is written."""
        self._asked.add(name)
        return name in self._data

    def named(self) -> list[tuple[str, Any]]:
        """Every key with its value: for tables whose keys are free."""
        self._asked.update(self._data)
        return list(self._data.items())

    def wrong(self, name: str, expected: Text, got: object, fix: Text | None = None) -> None:
        key = self.key(name)
        self.reader.wrong(key, expected, got, fix or Text(f"correct {name or key}", f"更正 {name or key}"))

    def done(self) -> None:
        for name in self._data:
            if name not in self._asked:
                known = ", ".join(sorted(self._asked))
                self.wrong(name, Text(f"one of {known}", f"下列之一：{known}"), name, Text(f"remove or rename {name}", f"删除或改名 {name}"))  # fmt: skip


def pattern(table: Table, name: str) -> str:
    """A regular expression; "" when there is none or it is none."""
    return good_pattern(table, name, table.take(name, str, ""))


def good_pattern(table: Table, name: str, written: str) -> str:
    """A regular expression that was taken already."""
    try:
        re.compile(written)
    except (re.error, OverflowError, RecursionError) as error:
        table.wrong(name, Text("a regular expression", "正则表达式"), f"{written!r}: {error}")
        return ""
    return written


def numbers(table: Table, name: str) -> list[float]:
    """A list of numbers."""
    return number_list(table, name, table.take(name, list, []))


def number_list(table: Table, name: str, values: list[Any]) -> list[float]:
    """The numbers of a list that was taken already."""
    good = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(good) != len(values):
        table.wrong(name, Text("numbers", "数字"), values)
    return good


def marks(table: Table) -> tuple[frozenset[float], frozenset[str]]:
    """Marks for "not available", numbers and texts."""
    values = table.take("missing", list, [])
    texts = frozenset(value.strip().casefold() for value in values if isinstance(value, str))
    rest = [value for value in values if not isinstance(value, str)]
    return frozenset(map(float, number_list(table, "missing", rest))), texts


def wanted(table: Table, name: str, base: str) -> dict[str, Wanted]:
    """Places and what they must hold: `where = { "2.1.3" = [1, 2], "2.1.4" = "(?i)fan" }`."""
    if not table.has(name):
        return {}
    inner = table.table(name)
    found: dict[str, Wanted] = {}
    for place, held in inner.named():
        if isinstance(held, str):
            found[joined(base, place)] = Wanted(pattern=good_pattern(inner, place, held))
        else:
            values = held if isinstance(held, list) else [held]
            found[joined(base, place)] = Wanted(numbers=frozenset(map(float, number_list(inner, place, values))))
    return found


def written_at(table: Table, name: str) -> str:
    """Registers may be written as numbers."""
    value = table.peek(name)
    number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if number else str(table.take(name, str, "", needed=True))


def placed(table: Table) -> tuple[str, int]:
    """(where, Modbus function): `4:30` is register 30 of function 4, and so is at = 30 with function = 4."""
    at = written_at(table, "at")
    said = re.fullmatch(r"([1-4]):(\d+)", at)
    function = bounded(table, "function", 0, 1, 4)
    return (said[2], int(said[1])) if said else (at, function)


def bounded(table: Table, name: str, default: int, low: int, high: int) -> int:
    """A whole number within bounds."""
    value: int = table.take(name, int, default)
    if value != default and not low <= value <= high:
        table.wrong(name, Text(f"a whole number from {low} to {high}", f"{low} 到 {high} 的整数"), value)
        return default
    return value


def choice(table: Table, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
    """One of a few words."""
    value = table.take(name, str, default, needed=default is None)
    if value not in choices:
        if value is not None:
            table.wrong(name, Text("one of " + ", ".join(choices), "下列之一：" + "、".join(choices)), repr(value))
        return choices[0]
    return str(value)


def joined(base: str, place: str) -> str:
    """An OID below the base; one that starts with a dot is whole already."""
    if place.startswith("."):
        return place[1:]
    return f"{base}.{place}" if base and place else place


def flag_numbers(table: Table, name: str, low: int, high: int, *, inverted: bool = False) -> dict[int, str]:
    """Number -> flag. `inverted`: "!3" is bit 3 that raises its flag when it is 0, kept as -1 - 3."""
    found: dict[int, str] = {}
    for number, id in table.table(name).named():
        said = re.fullmatch(r"(!?)(\d{1,10})" if inverted else r"()(\d{1,10})", number)
        if not said or not low <= int(said[2]) <= high:
            table.wrong(name, Text(f"numbers from {low} to {high}", f"{low} 到 {high} 的数"), number)
        elif flag := flag_id(table, name, id):
            found[-1 - int(said[2]) if said[1] else int(said[2])] = flag
    return found


def flag_id(table: Table, name: str, id: object) -> str:
    """The id of a flag; "" after a problem."""
    point = POINTS.get(str(id))
    if point and point.kind == Kind.FLAG:
        return point.id
    unknown_point(table, name, str(id), " of kind flag")
    return ""


def unknown_point(table: Table, name: str, id: str, of: str = "") -> None:
    """Tell of a point that the dictionary does not have, and of those that look like it."""
    near = [p for p in POINTS if id and (id in p or p in id)][:3] or get_close_matches(id, POINTS, 3)
    fix = Text("write " + " or ".join(near), "写成 " + " 或 ".join(near)) if near else Text("see model/points.py", "见 model/points.py")  # fmt: skip
    table.wrong(name, Text(f"a point of the dictionary{of}", "字典中的测点"), repr(id), fix)

"""Reading one table of a TOML file: every mistake becomes a `Problem`, none an exception. Pure.

A `Table` hands out typed fields; a field that is missing or wrong is noted and its default returned, so
that the caller goes on and finds the next mistake too. `unknown` names the keys that nobody asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from model.problem import Lines, Problem
from model.text import Text


class Problems:
    """The mistakes found so far in one file."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.found: list[Problem] = []
        self._lines = Lines(text)

    def add(self, path: str, expected: Text, got: str, fix: Text, *, warning: bool = False) -> None:
        """Note a mistake at a dotted path such as `device.0.url`."""
        self.found.append(
            Problem(
                file=self.file,
                # A table written as [[table]] stands at its first place.
                line=self._lines.of(path) or self._lines.of(f"{path}.0"),
                key=path,
                expected=expected,
                got=got,
                fix=fix,
                severity="warning" if warning else "error",
            )
        )

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.found)


class Table:
    """One table, read key by key. `path` is empty for the file itself."""

    def __init__(self, values: Mapping[str, Any], path: str, problems: Problems) -> None:
        self._values = values
        self._path = path
        self._asked: set[str] = set()
        self.problems = problems

    def place(self, key: str) -> str:
        """The dotted path of a key."""
        return f"{self._path}.{key}" if self._path else key

    def wrong(self, key: str, expected: Text, got: str, fix: Text) -> None:
        """Note that a key's value is wrong."""
        self.problems.add(self.place(key), expected, got, fix)

    def text(self, key: str, example: str, default: str | None = None, *, secret: bool = False) -> str | None:
        """A text that is not empty; without a default it must be there. `secret`: a wrong value is not shown."""
        value = self._ask(key, default, example)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.wrong(key, _TEXT, "a value (not shown)" if secret else _shown(value), _write(key, f'"{example}"'))
        return None

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        value = self._ask(key, default, f"{default:g}")
        if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        expected = Text(f"a number from {low:g} to {high:g}", f"{low:g} 到 {high:g} 的数")
        self.wrong(key, expected, _shown(value), _write(key, f"{default:g}"))
        return default

    def table(self, key: str) -> Table:
        """A table below; an empty one when it is missing or something else."""
        value = self._ask(key, {}, "")
        if not isinstance(value, Mapping):
            self.wrong(key, Text(f"a table [{key}]", f"表 [{key}]"), _shown(value), _head(f"[{key}]"))
            value = {}
        return Table(value, self.place(key), self.problems)

    def tables(self, key: str) -> list[Table]:
        """An array of tables below, each with its number in the path."""
        value = self._ask(key, [], "")
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            self.wrong(key, Text(f"tables [[{key}]]", f"表 [[{key}]]"), _shown(value), _head(f"[[{key}]]"))
            return []
        return [Table(one, f"{self.place(key)}.{number}", self.problems) for number, one in enumerate(value)]

    def unknown(self, theirs: frozenset[str] = frozenset()) -> None:
        """Note each key that was not asked for. `theirs`: tables that another program reads from the same file."""
        for key in self._values:
            if key in self._asked or key in theirs:
                continue
            expected = Text("one of " + ", ".join(sorted(self._asked)), "下列之一：" + "、".join(sorted(self._asked)))
            near = difflib.get_close_matches(key, sorted(self._asked), n=1)
            fix = Text(f"rename it to {near[0]}", f"改名为 {near[0]}") if near else Text("remove it", "删除此项")
            self.wrong(key, expected, key, fix)

    def _ask(self, key: str, default: Any, example: str) -> Any:
        self._asked.add(key)
        if key not in self._values and default is None:
            self.wrong(key, _THERE, "nothing", _write(key, f'"{example}"'))
        return self._values.get(key, default)


_TEXT = Text("a text in quotes", "带引号的文本")
_THERE = Text("this key to be there", "须有此项")


def _write(key: str, example: str) -> Text:
    return Text(f"write {key} = {example}", f"写成 {key} = {example}")


def _head(header: str) -> Text:
    return Text(f"write {header} and its keys below", f"写 {header}，其下写各项")


def _shown(value: object) -> str:
    """A value as the person wrote it, cut short."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"

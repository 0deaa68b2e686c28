"""Reading one TOML table key by key, collecting problems instead of stopping at the first.

Each reader returns a usable value even after a problem, so that the rest of the file is checked too; the
caller throws the result away when any problem is an error. `done` names the keys nobody read. Pure: text in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Self, TypeVar, overload

from model.problem import Lines, Problem
from model.text import Text

T = TypeVar("T")
MISSING: Any = object()
_CHECK = Text("correct the value", "改正该值")
#: Of the keys that may stand where an unknown one does.
_MOST_NAMED = 12
_LINE = re.compile(r"line (\d+)")


def parse(body: str, file: str) -> dict[str, Any] | Problem:
    """The TOML in `body`, or where it breaks: the last line when something is never closed."""
    try:
        return tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else len(body.splitlines())
        expected, fix = Text("valid TOML", "有效的 TOML"), Text("correct the TOML here", "改正此处的 TOML")
        return Problem(file=file, line=line, key="", expected=expected, got=str(error), fix=fix)


class Table:
    """One table with its path in the file. Sub-tables share the list of problems."""

    def __init__(self, tree: dict[str, Any], path: str, file: str, lines: Lines, problems: list[Problem]) -> None:
        self.tree = tree
        self.path = path
        self.problems = problems
        self.lines = lines
        self._file = file
        self._read: set[str] = set()

    @classmethod
    def root(cls, tree: dict[str, Any], file: str, body: str) -> Self:
        """The whole file: `tree` as parsed from `body`."""
        return cls(tree, "", file, Lines(body), [])

    @property
    def errors(self) -> int:
        """How many errors were found in the file so far; warnings do not count."""
        return sum(problem.severity == "error" for problem in self.problems)

    def problem(self, key: str, expected: Text, got: str, fix: Text = _CHECK, *, warning: bool = False) -> None:
        """Note a mistake at `key` of this table."""
        path = f"{self.path}.{key}".strip(".")
        self.problems.append(
            Problem(
                file=self._file,
                line=self.lines.of(path),
                key=path,
                expected=expected,
                got=got,
                fix=fix,
                severity="warning" if warning else "error",
            )
        )

    def leave(self, keys: Iterable[str]) -> None:
        """These are read by someone else: tables of another program in the same file."""
        self._read.update(keys)

    def done(self, value: T) -> T:
        """Hand `value` on after naming every key that nobody read."""
        for key in [key for key in self.tree if key not in self._read]:
            self.problem(key, Text("a known key", "已知的键"), f"`{key}`", self._instead(key))
        return value

    def _instead(self, key: str) -> Text:
        """What may be meant by a key that nobody reads: the one like it, else those that could stand here and do not."""
        near = get_close_matches(key, sorted(self._read), 1)
        free = sorted(self._read - self.tree.keys())
        if near:
            return Text(f"rename it to {near[0]}", f"改名为 {near[0]}")
        if not free:
            return Text("remove it", "删除该项")
        names = ", ".join(free[:_MOST_NAMED]) + (" …" if len(free) > _MOST_NAMED else "")
        return Text(f"remove it, or say by one of these what is meant: {names}", f"删除该项，或改用以下之一：{names}")

    def word(
        self,
        key: str,
        default: str | None = None,
        among: Sequence[str] | None = None,
        *,
        example: str = "",
        secret: bool = False,
    ) -> str:
        """Text in quotes, not empty unless its default is; without a default it must be there. "" after a problem.

        `among`: the words it may be. `example`: what to write. `secret`: a wrong value is not shown.
        """
        value = self.get(key, MISSING if default is None else default, example)
        if value is MISSING:
            return ""
        if not isinstance(value, str) or (not value.strip() and default != ""):
            got = "a value (not shown)" if secret else _shown(value)
            self.problem(key, Text("a word in quotes", "带引号的文字"), got, _write(key, example))
            return ""
        self._among(key, value, among)
        return value

    def words(
        self, key: str, default: tuple[str, ...] | None = None, among: Sequence[str] | None = None
    ) -> tuple[str, ...]:
        """A list of words, at least one."""
        value = self.get(key, MISSING if default is None else default)
        if value is MISSING:
            return ()
        if isinstance(value, tuple):
            return value
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            self.problem(key, Text('a list of words, ["a", "b"]', '文字列表，如 ["a", "b"]'), _shown(value))
            return ()
        for word in value:
            self._among(key, word, among)
        return tuple(value)

    @overload
    def text(self, key: str) -> Text: ...
    @overload
    def text(self, key: str, default: None) -> Text | None: ...
    def text(self, key: str, default: Any = MISSING) -> Text | None:
        """Words in both languages."""
        value = self.get(key, default)
        if value is MISSING:
            return Text("", "")
        if value is None:
            return None
        fine = isinstance(value, dict) and value.keys() == {"en", "zh"}
        if not fine or not all(isinstance(v, str) and v for v in value.values()):
            self.problem(key, Text("both languages, { en = …, zh = … }", "两种语言，{ en = …, zh = … }"), _shown(value))
            return Text("", "")
        return Text(value["en"], value["zh"])

    @overload
    def number(self, key: str, default: float, low: float, high: float) -> float: ...
    @overload
    def number(self, key: str, default: None, low: float, high: float) -> float | None: ...
    def number(self, key: str, default: float | None, low: float, high: float) -> float | None:
        """A number from `low` to `high`; its unit is in the key's name."""
        value = self.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.problem(key, Text(f"a number from {low:g} to {high:g}", f"{low:g} 到 {high:g} 的数"), _shown(value))
            return low
        return float(value)

    @overload
    def flag(self, key: str, default: bool) -> bool: ...
    @overload
    def flag(self, key: str, default: None) -> bool | None: ...
    def flag(self, key: str, default: bool | None) -> bool | None:
        """true or false."""
        value = self.get(key, default)
        if value is not None and not isinstance(value, bool):
            self.problem(key, Text("true or false", "true 或 false"), _shown(value))
            return default
        return value

    def table(self, key: str, optional: bool = False) -> Self:
        """The table below, [key]; an empty one when it is missing or something else."""
        value = self.get(key, {} if optional else MISSING)
        if value is MISSING:
            value = {}
        elif not isinstance(value, dict):
            self.problem(key, Text("a table", "表"), _shown(value))
            value = {}
        return self._below(value, key)

    def tables(self, key: str, required: bool = False) -> list[Self]:
        """The tables below, [[key]], each with its number in the path."""
        value = self.get(key, MISSING if required else [])
        if value is MISSING:
            return []
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.problem(key, Text(f"tables, [[{key}]]", f"表数组 [[{key}]]"), type(value).__name__)
            return []
        return [self._below(v, f"{key}.{n}") for n, v in enumerate(value)]

    def named(self, key: str) -> Iterator[tuple[str, Self]]:
        """Tables by name: [calendar."5x8"]."""
        holder = self.table(key, optional=True)
        for name in holder.tree:
            yield name, holder.table(name)

    def unique(self, key: str, values: Iterable[str]) -> None:
        """Note each of `values` that stands twice below `key`."""
        seen: set[str] = set()
        for number, value in enumerate(values):
            if value in seen:
                self.problem(f"{key}.{number}", Text("each once", "不得重复"), f"`{value}` twice")
            seen.add(value)

    def _below(self, tree: dict[str, Any], key: str) -> Self:
        return type(self)(tree, f"{self.path}.{key}".strip("."), self._file, self.lines, self.problems)

    def get(self, key: str, default: Any, example: str = "") -> Any:
        """The value as parsed, whatever it is; `MISSING` as the default notes its absence and comes back."""
        self._read.add(key)
        if key in self.tree:
            return self.tree[key]
        if default is MISSING:
            fix = _write(key, example) if example else Text(f"add `{key}`", f"添加 `{key}`")
            self.problem(key, Text("the key to be there", "该键必须存在"), "nothing", fix)
        return default

    def _among(self, key: str, value: str, among: Sequence[str] | None) -> None:
        if among is None or value in among:
            return
        near = get_close_matches(value, among, 1)
        fix = Text(f"did you mean `{near[0]}`?", f"是否为 `{near[0]}`？") if near else _CHECK
        options = ", ".join(word for word in among if word) or "—"
        self.problem(key, Text(f"one of {options}", f"以下之一：{options}"), f"`{value}`", fix)


def _write(key: str, example: str) -> Text:
    return Text(f'write {key} = "{example}"', f'写成 {key} = "{example}"') if example else _CHECK


def _shown(value: object) -> str:
    """A value as the person wrote it, cut short."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"

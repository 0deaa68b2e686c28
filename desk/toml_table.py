"""Reading one TOML table key by key, collecting problems instead of stopping at the first.

Each reader returns a usable value even after a problem, so that the rest of the file is checked too; the
caller throws the result away when any problem is an error. `done` names the keys nobody read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, overload

from desk.duration import Duration
from model.problem import Lines, Problem
from model.text import Text

T = TypeVar("T")
_MISSING: Any = object()
_CHECK = Text("correct the value", "改正该值")


class Table:
    """One table with its path in the file. Sub-tables share the list of problems."""

    def __init__(self, tree: dict[str, Any], path: str, file: str, lines: Lines, problems: list[Problem]) -> None:
        self.tree = tree
        self.path = path
        self.problems = problems
        self._file = file
        self._lines = lines
        self._read: set[str] = set()

    @classmethod
    def root(cls, tree: dict[str, Any], file: str, body: str) -> Table:
        return cls(tree, "", file, Lines(body), [])

    def problem(self, key: str, expected: Text, got: str, fix: Text = _CHECK) -> None:
        path = f"{self.path}.{key}".strip(".")
        line = self._lines.of(path)
        self.problems.append(Problem(file=self._file, line=line, key=path, expected=expected, got=got, fix=fix))

    def done(self, value: T) -> T:
        """Hand `value` on after naming every key that nobody read."""
        for key in self.tree.keys() - self._read:
            near = get_close_matches(key, self._read, 1)
            fix = Text(f"did you mean `{near[0]}`?", f"是否为 `{near[0]}`？") if near else Text("remove it", "删除该项")
            self.problem(key, Text("a known key", "已知的键"), f"`{key}`", fix)
        return value

    def source(self) -> str:
        """The line of the published text, or of this file where nothing was published."""
        return self.word("source", default=f"line {self._lines.of(self.path)}")

    def word(self, key: str, default: str | None = None, among: Sequence[str] | None = None) -> str:
        value = self._get(key, _MISSING if default is None else default)
        if value is _MISSING:
            return ""
        if not isinstance(value, str) or (not value and default is None):
            self.problem(key, Text("a word in quotes", "带引号的文字"), repr(value))
            return ""
        self._among(key, value, among)
        return value

    def words(
        self, key: str, default: tuple[str, ...] | None = None, among: Sequence[str] | None = None
    ) -> tuple[str, ...]:
        value = self._get(key, _MISSING if default is None else default)
        if value is _MISSING:
            return ()
        if isinstance(value, tuple):
            return value
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            self.problem(key, Text('a list of words, ["a", "b"]', '文字列表，如 ["a", "b"]'), repr(value))
            return ()
        for word in value:
            self._among(key, word, among)
        return tuple(value)

    @overload
    def text(self, key: str) -> Text: ...
    @overload
    def text(self, key: str, default: None) -> Text | None: ...
    def text(self, key: str, default: Any = _MISSING) -> Text | None:
        value = self._get(key, default)
        if value is _MISSING:
            return Text("", "")
        if value is None:
            return None
        fine = isinstance(value, dict) and value.keys() == {"en", "zh"}
        if not fine or not all(isinstance(v, str) and v for v in value.values()):
            self.problem(key, Text("both languages, { en = …, zh = … }", "两种语言，{ en = …, zh = … }"), repr(value))
            return Text("", "")
        return Text(value["en"], value["zh"])

    @overload
    def duration(self, key: str, default: str = ...) -> Duration: ...
    @overload
    def duration(self, key: str, default: None) -> Duration | None: ...
    def duration(self, key: str, default: Any = _MISSING) -> Duration | None:
        value = self._get(key, default)
        if value is None:
            return None
        if value is _MISSING:
            value = "PT0S"
        try:
            return Duration.parse(value)
        except (ValueError, TypeError):
            self.problem(
                key,
                Text("an ISO 8601 duration like PT30M, PT4H, P3Y", "ISO 8601 时长，如 PT30M、PT4H、P3Y"),
                repr(value),
            )
            return Duration.parse("PT0S")

    @overload
    def number(self, key: str, default: float, low: float, high: float) -> float: ...
    @overload
    def number(self, key: str, default: None, low: float, high: float) -> float | None: ...
    def number(self, key: str, default: float | None, low: float, high: float) -> float | None:
        value = self._get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.problem(key, Text(f"a number from {low:g} to {high:g}", f"{low:g} 到 {high:g} 的数"), repr(value))
            return low
        return float(value)

    @overload
    def flag(self, key: str, default: bool) -> bool: ...
    @overload
    def flag(self, key: str, default: None) -> bool | None: ...
    def flag(self, key: str, default: bool | None) -> bool | None:
        value = self._get(key, default)
        if value is not None and not isinstance(value, bool):
            self.problem(key, Text("true or false", "true 或 false"), repr(value))
            return default
        return value

    def minutes(self, key: str, hour: str) -> int:
        """`09:30` as minutes from midnight; `24:00` is the day's end."""
        left, _, right = hour.partition(":")
        if left.isdigit() and right.isdigit() and int(right) < 60 and int(left) * 60 + int(right) <= 24 * 60:
            return int(left) * 60 + int(right)
        self.problem(key, Text("an hour like 09:00", "时刻，如 09:00"), repr(hour))
        return 0

    def table(self, key: str, optional: bool = False) -> Table:
        value = self._get(key, {} if optional else _MISSING)
        if value is _MISSING:
            value = {}
        elif not isinstance(value, dict):
            self.problem(key, Text("a table", "表"), repr(value))
            value = {}
        return self._below(value, key)

    def tables(self, key: str, required: bool = False) -> list[Table]:
        value = self._get(key, _MISSING if required else [])
        if value is _MISSING:
            return []
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.problem(key, Text(f"tables, [[{key}]]", f"表数组 [[{key}]]"), type(value).__name__)
            return []
        return [self._below(v, f"{key}.{n}") for n, v in enumerate(value)]

    def named(self, key: str) -> Iterator[tuple[str, Table]]:
        """Tables by name: [calendar."5x8"]."""
        holder = self.table(key, optional=True)
        for name in holder.tree:
            yield name, holder.table(name)

    def unique(self, key: str, values: Iterable[str]) -> None:
        seen: set[str] = set()
        for number, value in enumerate(values):
            if value in seen:
                self.problem(f"{key}.{number}", Text("each once", "不得重复"), f"`{value}` twice")
            seen.add(value)

    def _below(self, tree: dict[str, Any], key: str) -> Table:
        return Table(tree, f"{self.path}.{key}".strip("."), self._file, self._lines, self.problems)

    def _get(self, key: str, default: Any) -> Any:
        self._read.add(key)
        if key in self.tree:
            return self.tree[key]
        if default is _MISSING:
            self.problem(
                key, Text("the key to be there", "该键必须存在"), "nothing", Text(f"add `{key}`", f"添加 `{key}`")
            )
        return default

    def _among(self, key: str, value: str, among: Sequence[str] | None) -> None:
        if among is None or value in among:
            return
        near = get_close_matches(value, among, 1)
        fix = Text(f"did you mean `{near[0]}`?", f"是否为 `{near[0]}`？") if near else _CHECK
        options = ", ".join(among) or "—"
        self.problem(key, Text(f"one of {options}", f"以下之一：{options}"), f"`{value}`", fix)

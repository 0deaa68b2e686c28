"""What is wrong with something a person wrote, and how to mend it.

A problem names the place (file, line, key), what was expected, what came, and the fix. Readers of
files collect problems and go on; they never stop at the first one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from model.text import Language, Text

_TABLE = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake in one place. `line` is 1-based, 0 when the whole file is meant."""

    file: str
    line: int
    key: str
    expected: Text
    got: str
    fix: Text
    severity: Literal["error", "warning"] = "error"

    def render(self, language: Language) -> str:
        """One line for a terminal: FILE:LINE: KEY: expected …, got …; fix: …, without a line or key where there is none."""
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        place += f"{self.key}: " if self.key else ""
        if language == "zh":
            return f"{place}应为 {self.expected.zh}，实为 {self.got}；改法：{self.fix.zh}"
        return f"{place}expected {self.expected.en}, got {self.got}; fix: {self.fix.en}"


def unreadable(file: str, error: OSError | UnicodeDecodeError) -> Problem:
    """What to say of a file that cannot be read at all."""
    got = (error.strerror or str(error)) if isinstance(error, OSError) else f"bytes that are not UTF-8 at {error.start}"
    return Problem(file=file, line=0, key="", expected=_A_FILE, got=got, fix=_FIX_FILE)


_A_FILE = Text("a readable UTF-8 file", "可读的 UTF-8 文件")
_FIX_FILE = Text("check path and rights", "检查路径与权限")


class Lines:
    """Where each key of a TOML file stands, so that a problem can name its line.

    `tomllib` keeps no positions. This reads only table headers and `key =` starts, which is enough to
    point at a line; it is never used to read a value. Paths are dotted, array tables are counted from 0.

    >>> Lines('[agent]\\nsite = "a"\\n[[device]]\\nid = 1\\n').of("device.0.id")
    4
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        for path, number in _walk(text):
            self._lines.setdefault(path, number)

    def of(self, path: str) -> int:
        """The line of `path`, else of its nearest parent that has one, else 0."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path.rpartition(".")[0]
        return 0


def _walk(text: str) -> Iterator[tuple[str, int]]:
    prefix = ""
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        table = _TABLE.match(line)
        if table:
            name = _place(table[2].replace('"', "").replace("'", ""), counts)
            if table[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                yield name, number  # the first of them stands for all
                name = f"{name}.{counts[name]}"
            prefix = name + "."
            yield name, number
            continue
        key = _KEY.match(line)
        if key:
            yield prefix + key[1].replace('"', "").replace("'", ""), number


def _place(name: str, counts: dict[str, int]) -> str:
    """Turn `device.battery` below the third `[[device]]` into `device.2.battery`."""
    parts: list[str] = []
    for part in name.split("."):
        parent = ".".join(parts)
        if parent in counts:
            parts.append(str(counts[parent]))
        parts.append(part.strip())
    return ".".join(parts)

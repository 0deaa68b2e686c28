"""What a policy's TOML says beyond words and numbers: durations, hours of the day, lines of the published text."""

from __future__ import annotations

from typing import Any, overload

from desk.duration import HOUR_MS, Duration
from model.text import Text
from model.toml_table import MISSING, Table

DAY_MS = 24 * HOUR_MS
#: What is longer is a slip of the pen, and no calendar could count it.
_MOST_MONTHS = 1200
_MOST_MS = 36_525 * DAY_MS


class PolicyTable(Table):
    """One table of a policy's file."""

    def source(self) -> str:
        """The line of the published text, or of this file where nothing was published."""
        return self.word("source", default=f"line {self.lines.of(self.path)}")

    @overload
    def duration(self, key: str, default: str = ...) -> Duration: ...
    @overload
    def duration(self, key: str, default: None) -> Duration | None: ...
    def duration(self, key: str, default: Any = MISSING) -> Duration | None:
        """An ISO 8601 duration in quotes."""
        value = self.get(key, default)
        if value is None:
            return None
        if value is MISSING:
            value = "PT0S"
        try:
            found = Duration.parse(value)
            if found.months <= _MOST_MONTHS and found.days * DAY_MS + found.ms <= _MOST_MS:
                return found
            self.problem(key, Text("a century at most", "最长一百年"), value)
            return Duration.parse("PT0S")
        except (ValueError, TypeError):
            self.problem(
                key,
                Text("an ISO 8601 duration like PT30M, PT4H, P3Y", "ISO 8601 时长，如 PT30M、PT4H、P3Y"),
                repr(value),
            )
            return Duration.parse("PT0S")

    def minutes(self, key: str, hour: str) -> int:
        """`09:30` as minutes from midnight; `24:00` is the day's end."""
        left, _, right = hour.partition(":")
        if left.isdigit() and right.isdigit() and int(right) < 60 and int(left) * 60 + int(right) <= 24 * 60:
            return int(left) * 60 + int(right)
        self.problem(key, Text("an hour like 09:00", "时刻，如 09:00"), repr(hour))
        return 0

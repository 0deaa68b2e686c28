"""ISO 8601 durations, as contracts use them: PT30M, PT4H, P3D, P6M, P3Y.

Hours and less are milliseconds. Days are *days of a calendar*: 24 hours on 7x24, one working day's hours
on 5x8. Months and years exist only between dates (warranty terms, inspection cycles), never on a clock.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

import msgspec

from model.text import Text

_ISO = re.compile(
    r"P(?:(?P<y>\d+)Y)?(?:(?P<mo>\d+)M)?(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?:(?P<h>\d+)H)?(?:(?P<mi>\d+)M)?(?:(?P<s>\d+)S)?)?"
)
SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS


class Duration(msgspec.Struct, frozen=True, kw_only=True):
    """`iso` is what the contract's file says; the rest is what it means."""

    iso: str
    months: int = 0
    days: int = 0
    ms: int = 0

    @property
    def on_clock(self) -> bool:
        """Whether a clock can count it (months have no fixed length)."""
        return self.months == 0

    def on(self, day_ms: int) -> int:
        """Milliseconds on a calendar whose day has `day_ms`."""
        return self.days * day_ms + self.ms

    def after(self, day: date) -> date:
        """The date this much after `day`; the last day of a short month stands in for a missing one.

        >>> Duration.parse("P1M").after(date(2027, 1, 31))
        datetime.date(2027, 2, 28)
        """
        month = day.year * 12 + day.month - 1 + self.months
        year, month = divmod(month, 12)
        moved = None
        for last in range(day.day, 27, -1):
            try:
                moved = date(year, month + 1, last)
                break
            except ValueError:
                continue
        return (moved or date(year, month + 1, day.day)) + timedelta(days=self.days)

    def words(self) -> Text:
        """As a person says it.

        >>> Duration.parse("PT30M").words().en, Duration.parse("P3Y").words().zh
        ('30 min', '3 年')
        """
        years, months = divmod(self.months, 12)
        hours, rest = divmod(self.ms, HOUR_MS)
        minutes, rest = divmod(rest, MINUTE_MS)
        parts = [
            (years, "{n} y", "{n} 年"),
            (months, "{n} mo", "{n} 个月"),
            (self.days, "{n} d", "{n} 天"),
            (hours, "{n} h", "{n} 小时"),
            (minutes, "{n} min", "{n} 分钟"),
            (rest // SECOND_MS, "{n} s", "{n} 秒"),
        ]
        said = [Text(en, zh).format(n=n) for n, en, zh in parts if n]
        return Text(" ".join(t.en for t in said) or "0 min", "".join(t.zh for t in said) or "0 分钟")

    @classmethod
    def parse(cls, iso: str) -> Duration:
        """Raises ValueError naming what was expected."""
        match = _ISO.fullmatch(iso)
        if not match or not any(match.groupdict().values()) or iso.endswith("T"):
            raise ValueError(f"expected an ISO 8601 duration like PT30M, PT4H or P3Y, got {iso!r}")
        n = {key: int(value or 0) for key, value in match.groupdict().items()}
        return cls(
            iso=iso,
            months=n["y"] * 12 + n["mo"],
            days=n["w"] * 7 + n["d"],
            ms=n["h"] * HOUR_MS + n["mi"] * MINUTE_MS + n["s"] * SECOND_MS,
        )

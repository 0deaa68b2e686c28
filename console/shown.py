"""How values, times and durations are written for one reader: Babel does the writing, in the site's time zone.

Pure: `now` comes in. One `Shown` is made for each page; templates call it as `show`.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_datetime, format_time, format_timedelta, get_timezone_name
from babel.numbers import format_decimal
from babel.units import format_unit

from alerts.kinds import kind_of
from alerts.types import Impact
from desk import complaints, duties, parts, visits, words
from desk.agreement import PARTS, scope_name
from desk.duties import DutyState
from desk.forms import GRADES
from desk.outcomes import PLAIN
from desk.parts import PartState
from desk.types import EntryKind, TicketKind, TicketState
from desk.visits import VisitState
from model.points import POINTS, Kind, Point
from model.reading import Reading
from model.text import Language, Text

_LOCALES = {"en": Locale("en", "GB"), "zh": Locale("zh", "CN", script="Hans")}
_CHANGE = re.compile(r"(-?\d+(?:\.\d+)?) -> (-?\d+(?:\.\d+)?)\Z")
_FLAGS = {0: Text("clear", "正常"), 1: Text("ALARM", "告警")}


class Shown:
    """Writes for one language at one moment."""

    def __init__(self, language: Language, now: int) -> None:
        self.language = language
        self.now = now
        self._locale = _LOCALES[language]

    def text(self, text: Text | None) -> str:
        """A house sentence in the reader's language."""
        return "" if text is None else text[self.language]

    def when(self, at: int, tz: str) -> str:
        """Day and time at the site: the year is left out, it stands in `full`."""
        pattern = "M月d日 HH:mm:ss" if self.language == "zh" else "d MMM HH:mm:ss"
        return format_datetime(_moment(at, tz), pattern, locale=self._locale)

    def day(self, at: int, tz: str) -> str:
        """The date at the site, with its year."""
        return format_datetime(_moment(at, tz), "yyyy-MM-dd", locale=self._locale)

    def hour(self, at: int, tz: str) -> str:
        """The time of day at the site."""
        return format_time(_moment(at, tz), "HH:mm:ss", locale=self._locale)

    def full(self, at: int, tz: str) -> str:
        """Everything, with the zone's name: for titles."""
        moment = _moment(at, tz)
        zone = get_timezone_name(moment, width="long", locale=self._locale)
        return f"{format_datetime(moment, 'yyyy-MM-dd HH:mm:ss', locale=self._locale)} {zone}"

    def iso(self, at: int) -> str:
        """For machines: the `datetime` attribute."""
        return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")

    def duration(self, seconds: float) -> str:
        """`12 sec`, `3 min`, `2 hr`: one unit, rounded down the way people say it."""
        return format_timedelta(round(max(0.0, seconds)), granularity="second", format="short", locale=self._locale)

    def promise(self, seconds: float) -> str:
        """A promised time in hours or minutes, never in days: forty hours by 5x8 are not two days."""
        size, unit = (seconds / 3600, "duration-hour") if seconds >= 3600 else (seconds / 60, "duration-minute")
        return format_unit(round(size, 2), unit, length="short", locale=self._locale)

    def age(self, at: int) -> str:
        """How long ago. Clocks of sites differ a little: the future is `0 sec` ago."""
        return self.duration((self.now - at) / 1000)

    def hms(self, seconds: float) -> str:
        """A running clock: `0:28:14`, hours unbounded. The browser's copy is `hms` in static/app.js."""
        whole = math.floor(abs(seconds))
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"

    def number(self, value: float) -> str:
        """Four significant digits are enough for people, whole numbers stay whole."""
        digits = 0 if abs(value) >= 1000 or value == int(value) else (1 if abs(value) >= 100 else 2)
        return format_decimal(round(value, digits), locale=self._locale, decimal_quantization=False)

    def value(self, reading: Reading) -> str:
        """A reading with its unit, a state in words."""
        return self.quantity(POINTS.get(reading.point), reading.value)

    def quantity(self, point: Point | None, value: float) -> str:
        """A value of a point: states and flags in words, seconds as a clock, the rest with its unit."""
        if point is None:
            return self.number(value)
        if point.kind in (Kind.STATE, Kind.FLAG):
            word = words_of(point).get(int(value))
            return word[self.language] if word else self.number(value)
        if point.unit == "s" and value >= 60:
            return self.hms(value)
        return f"{self.number(value)} {point.unit}".rstrip()

    @staticmethod
    def claims(kind: str) -> bool:
        """Whether a kind of finding can be right or wrong: not so for a state that the device tells itself."""
        return kind not in PLAIN

    @staticmethod
    def sure(score: float) -> str:
        """A score as a share; never quite none or all."""
        return f"{min(max(score, 0.01), 0.99):.0%}"

    def kind(self, id: str) -> str:
        """What a kind of finding is called."""
        return kind_of(id).title[self.language]

    def impact(self, impact: Impact) -> str:
        """The desk's word for it: one glossary for screen, ledger and messages."""
        return words.IMPACTS[impact][self.language]

    def state(self, state: TicketState) -> str:
        """The desk's word for a ticket's state."""
        return words.STATES[state][self.language]

    def entry(self, kind: EntryKind) -> str:
        """The desk's word for a line of the ledger."""
        return words.ENTRIES[kind][self.language].capitalize()

    def ticket_kind(self, kind: TicketKind) -> str:
        """Fault, question, planned work."""
        return words.KINDS[kind][self.language]

    def fact(self, name: str) -> Text:
        """A question of the contract's conditions."""
        return words.FACTS[name]

    def grade(self, id: str) -> Text:
        """A customer's opinion in words."""
        return GRADES.get(id, Text(id, id))

    def scope(self, id: str) -> Text:
        """For what a consent is."""
        return scope_name(id)

    def consent_part(self, id: str) -> Text:
        """What somebody gives for a consent."""
        return PARTS.get(id, Text(id, id))

    def consent_parts(self) -> tuple[str, ...]:
        """All that can be given."""
        return tuple(PARTS)

    def visit_state(self, state: VisitState) -> Text:
        """How far a visit is."""
        return visits.NAMES[state]

    def part_state(self, state: PartState) -> Text:
        """Where a part is."""
        return parts.NAMES[state]

    def duty_state(self, state: DutyState) -> Text:
        """How a duty stands."""
        return duties.NAMES[state]

    def complaint_word(self, id: str) -> Text:
        """What it is, or how far."""
        return complaints.NAMES.get(id, Text(id, id))

    def plain(self, point: str, value: float) -> str:
        """A value of a curve, where a counter stands as its rate."""
        known = POINTS.get(point)
        if known is not None and known.kind is Kind.COUNTER:
            return f"{self.number(value)} {known.unit or '1'}/s"
        return self.quantity(known, value)

    def change(self, point: str, why: str) -> str:
        """What a recording's `why` says of its point, in words: `mains → battery`."""
        found = _CHANGE.search(why)
        if found is None:
            return ""
        known = POINTS.get(point)
        return f"{self.quantity(known, float(found[1]))} → {self.quantity(known, float(found[2]))}"

    def point(self, id: str) -> str:
        """What a point is called."""
        known = POINTS.get(id)
        return known.meaning[self.language] if known else id


def words_of(point: Point) -> dict[int, Text]:
    """What the codes of a state or flag mean."""
    return _FLAGS if point.kind is Kind.FLAG else point.states


def _moment(at: int, tz: str) -> datetime:
    return datetime.fromtimestamp(at / 1000, _zone(tz))


@cache
def _zone(tz: str) -> ZoneInfo:
    """An unknown zone is a mistake of the inventory, shown there; a page still has to appear."""
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")

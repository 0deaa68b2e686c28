"""Which hours count: 7x24, or working hours of the site's country and time zone.

Pure: (calendar, place, instants) in, instants out; everything in ms since 1970 UTC. A working day is the
stretch between `opens` and `closes` on the *wall clock of the site*, so a day on which the clocks change is
as long as that wall clock says. Public holidays, and the weekends that China works in exchange for them,
come from the `holidays` library; an unknown country has none. Where the table cannot be sure (an unknown zone or
country, a year after its end, exchanged days not announced yet), `doubts` says so.

`windows` walks day by day and is what a person checks by hand; `add` and `counted` give the same by one look into a
table of the year, for a ticket's clocks ask thousands of times.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
import msgspec

from desk.duration import HOUR_MS, MINUTE_MS, Duration
from model.text import Text

#: A working clock is never projected further than this: a calendar without hours must not loop.
HORIZON_DAYS = 3660
_HORIZON_MS = (HORIZON_DAYS - 2) * 24 * HOUR_MS
#: A country that exchanged working days in each of so many last known years announces them every year.
_HABIT_YEARS = 3

_NO_ZONE = Text(
    "the site's time zone `{tz}` is not known: working hours are counted in UTC; fix: give the site an IANA zone",
    "站点时区“{tz}”未知：工作时间按 UTC 计；改法：为站点填写 IANA 时区",
)
_NO_COUNTRY = Text(
    "no table of public holidays for country `{country}`: none is counted; fix: give the site an ISO 3166 code",
    "没有国家“{country}”的节假日表：未计任何节假日；改法：为站点填写 ISO 3166 国家代码",
)
_TABLE_ENDS = Text(
    "the table of public holidays of {country} ends with {year}: a time after it may move",
    "{country} 的节假日表止于 {year} 年：此后的时间可能变动",
)
_NOT_ANNOUNCED = Text(
    "the exchanged working days of {country} are known up to {year}: a time after it may move",
    "{country} 的调休安排仅知至 {year} 年：此后的时间可能变动",
)


class Place(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What a calendar needs to know of a site."""

    country: str = "CN"
    tz: str = "Asia/Shanghai"


class Calendar(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """`days` are ISO weekdays (1 = Monday); minutes count from midnight. No days: every hour counts."""

    id: str
    days: tuple[int, ...] = ()
    opens_min: int = 0
    closes_min: int = 24 * 60
    holidays: bool = True  #: public holidays do not count

    @property
    def always(self) -> bool:
        return not self.days

    @property
    def day_ms(self) -> int:
        """What `P1D` means here."""
        return (self.closes_min - self.opens_min) * MINUTE_MS


ALWAYS = Calendar(id="7x24")
WORKING = Calendar(id="5x8", days=(1, 2, 3, 4, 5), opens_min=9 * 60, closes_min=17 * 60)
BUILT_IN = {ALWAYS.id: ALWAYS, WORKING.id: WORKING}

Window = tuple[int, int]


class _Year(msgspec.Struct, frozen=True):
    """The windows of one year, and how much had counted in it when each began and when each ended, in ms."""

    days: list[int]  #: ordinals, as `date` has them
    opens: list[int]
    closes: list[int]
    before: list[int]
    after: list[int]
    total: int


@lru_cache(maxsize=1024)
def zone(tz: str) -> ZoneInfo:
    """The zone, or UTC for a name nobody knows (the inventory's lint names it; a clock must go on)."""
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def windows(calendar: Calendar, place: Place, since: int, until: int) -> list[Window]:
    """The stretches between two instants that count."""
    if until <= since:
        return []
    if calendar.always:
        return [(since, until)]
    found = []
    for opens, closes in _days(calendar, place, since):
        if opens >= until:
            break
        if closes > since:
            found.append((max(opens, since), min(closes, until)))
    return found


def counted(calendar: Calendar, place: Place, since: int, until: int) -> int:
    """How many ms count between two instants."""
    if until <= since:
        return 0
    if not calendar.days:
        return until - since
    if until - since > _HORIZON_MS:
        return sum(end - start for start, end in windows(calendar, place, since, until))
    tz = zone(place.tz)
    first, last = _local(since, tz).year, _local(until, tz).year
    whole = sum(_year(calendar, place, year).total for year in range(first, last))
    return whole + _spent(_year(calendar, place, last), until) - _spent(_year(calendar, place, first), since)


def add(calendar: Calendar, place: Place, since: int, ms: int) -> int | None:
    """The first instant at which `ms` have counted since `since`; None beyond the horizon."""
    if ms <= 0:
        return since
    if not calendar.days:
        return since + ms
    day = _local(since, zone(place.tz)).date()
    last_day = day.toordinal() + HORIZON_DAYS - 1
    year, left = day.year, ms
    table = _year(calendar, place, year)
    left += _spent(table, since)
    while left > table.total:
        left -= table.total
        year += 1
        if year > min(day.year + HORIZON_DAYS // 365 + 1, MAXYEAR):
            return None
        table = _year(calendar, place, year)
    n = bisect_left(table.after, left)
    return table.opens[n] + left - table.before[n] if table.days[n] <= last_day else None


def target_ms(calendar: Calendar, target: Duration) -> int:
    """A promised time in ms that count on this calendar."""
    return target.on(24 * HOUR_MS if calendar.always else calendar.day_ms)


def doubts(calendar: Calendar, place: Place, until: int) -> list[Text]:
    """What makes counting up to `until` on this calendar doubtful; nothing for 7x24, which needs no table."""
    if not calendar.days:
        return []
    return list(_doubts(calendar.holidays, place, _local(until, zone(place.tz)).year))


@lru_cache(maxsize=1024)
def _doubts(holidays: bool, place: Place, year: int) -> tuple[Text, ...]:
    unknown = () if known_zone(place.tz) else (_NO_ZONE.format(tz=place.tz),)
    if not holidays:
        return unknown
    table = _table(place.country)
    if table is None:
        return (*unknown, _NO_COUNTRY.format(country=place.country))
    announced = _announced(place.country)
    if year > table.end_year:
        return (*unknown, _TABLE_ENDS.format(country=place.country, year=table.end_year))
    if announced is not None and year > announced:
        return (*unknown, _NOT_ANNOUNCED.format(country=place.country, year=announced))
    return unknown


def known_zone(tz: str) -> bool:
    """Whether the name is a zone at all."""
    return zone(tz).key == tz


def _days(calendar: Calendar, place: Place, since: int) -> Iterator[Window]:
    """Working days from the one that holds `since`, or the next."""
    first = _local(since, zone(place.tz)).date()
    for offset in range(HORIZON_DAYS):
        try:
            day = first + timedelta(days=offset)
        except OverflowError:
            return
        window = _working_day(calendar, place, day)
        if window and window[1] > since:
            yield window


def _local(at: int, tz: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, tz)


def _spent(table: _Year, at: int) -> int:
    """What has counted in a year up to an instant in it."""
    n = bisect_right(table.closes, at)
    if n == len(table.closes):
        return table.total
    return table.before[n] + max(0, at - table.opens[n])


@lru_cache(maxsize=512)
def _year(calendar: Calendar, place: Place, year: int) -> _Year:
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    made = _Year([], [], [], [], [], 0)
    total = 0
    for ordinal in range(first, last + 1):
        window = _working_day(calendar, place, date.fromordinal(ordinal))
        if window is None:
            continue
        made.days.append(ordinal)
        made.opens.append(window[0])
        made.closes.append(window[1])
        made.before.append(total)
        total += max(0, window[1] - window[0])
        made.after.append(total)
    return msgspec.structs.replace(made, total=total)


@lru_cache(maxsize=16_384)
def _working_day(calendar: Calendar, place: Place, day: date) -> Window | None:
    table = _table(place.country) if calendar.holidays else None
    if table is None:
        if day.isoweekday() not in calendar.days:
            return None
    else:
        off = day in table  # looking a day up loads its year, which `weekend_workdays` needs
        exchanged = day in table.weekend_workdays
        if off or (day.isoweekday() not in calendar.days and not exchanged):
            return None
    return _instant(day, calendar.opens_min, place), _instant(day, calendar.closes_min, place)


def _instant(day: date, minutes: int, place: Place) -> int:
    if minutes == 24 * 60:
        day, minutes = day + timedelta(days=1), 0
    wall = datetime.combine(day, time(minutes // 60, minutes % 60), zone(place.tz))
    return round(wall.astimezone(UTC).timestamp() * 1000)


@lru_cache(maxsize=64)
def _announced(country: str) -> int | None:
    """The last year whose exchanged working days the table has; None where a country exchanges none by habit."""
    table = _table(country)
    special = getattr(table, "special_public_holidays", None) or {}
    years = {year for year, days in special.items() if any(len(day) > 3 for day in _rows(days))}
    last = max(years, default=0)
    return last if years and all(last - n in years for n in range(_HABIT_YEARS)) else None


def _rows(days: tuple[object, ...]) -> list[tuple[object, ...]]:
    """A year has one row or several; a row of an exchanged day also names the day that is worked for it."""
    return [row for row in days if isinstance(row, tuple)] if days and isinstance(days[0], tuple) else [days]


@lru_cache(maxsize=64)
def _table(country: str) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError:
        return None

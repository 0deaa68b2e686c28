"""Which hours count: 7x24, or working hours of the site's country and time zone.

Pure: (calendar, place, instants) in, instants out; everything in ms since 1970 UTC. A working day is the
stretch between `opens` and `closes` on the *wall clock of the site*, so a day on which the clocks change is
as long as that wall clock says. Public holidays, and the weekends that China works in exchange for them,
come from the `holidays` library; an unknown country has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
import msgspec

from desk.duration import HOUR_MS, MINUTE_MS, Duration

#: A working clock is never projected further than this: a calendar without hours must not loop.
HORIZON_DAYS = 3660


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a calendar needs to know of a site."""

    country: str = "CN"
    tz: str = "Asia/Shanghai"


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
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


def zone(tz: str) -> ZoneInfo:
    """The zone, or UTC for a name nobody knows (the inventory's lint names it; a clock must go on)."""
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError):
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
    return sum(end - start for start, end in windows(calendar, place, since, until))


def add(calendar: Calendar, place: Place, since: int, ms: int) -> int | None:
    """The first instant at which `ms` have counted since `since`; None beyond the horizon."""
    if calendar.always or ms <= 0:
        return since + max(ms, 0)
    left = ms
    for opens, closes in _days(calendar, place, since):
        start = max(opens, since)
        if closes - start >= left:
            return start + left
        left -= max(closes - start, 0)
    return None


def target_ms(calendar: Calendar, target: Duration) -> int:
    """A promised time in ms that count on this calendar."""
    return target.on(24 * HOUR_MS if calendar.always else calendar.day_ms)


def _days(calendar: Calendar, place: Place, since: int) -> Iterator[Window]:
    """Working days from the one that holds `since`, or the next."""
    first = datetime.fromtimestamp(since / 1000, zone(place.tz)).date()
    for offset in range(HORIZON_DAYS):
        try:
            day = first + timedelta(days=offset)
        except OverflowError:
            return
        window = _working_day(calendar, place, day)
        if window and window[1] > since:
            yield window


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
def _table(country: str) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError:
        return None

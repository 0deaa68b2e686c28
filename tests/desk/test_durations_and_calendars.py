"""What a promised time means on a clock: 7x24, working hours, holidays, zones in which the clocks change."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.calendars import ALWAYS, WORKING, Calendar, Place, add, counted, target_ms, windows, zone
from desk.duration import Duration
from tests.desk.stage import DAY, HOUR, MINUTE, at

CHINA = Place(country="CN", tz="Asia/Shanghai")
GERMANY = Place(country="DE", tz="Europe/Berlin")
US = Place(country="US", tz="America/New_York")


@pytest.mark.parametrize(
    ("iso", "months", "days", "ms", "en"),
    [
        ("PT30M", 0, 0, 30 * MINUTE, "30 min"),
        ("PT4H", 0, 0, 4 * HOUR, "4 h"),
        ("P3Y", 36, 0, 0, "3 y"),
        ("P1Y6M", 18, 0, 0, "1 y 6 mo"),
        ("P2W", 0, 14, 0, "14 d"),
        ("P1DT12H", 0, 1, 12 * HOUR, "1 d 12 h"),
    ],
)
def test_a_duration_is_read_and_said(iso: str, months: int, days: int, ms: int, en: str) -> None:
    found = Duration.parse(iso)
    assert (found.months, found.days, found.ms, found.words().en) == (months, days, ms, en)


@pytest.mark.parametrize("wrong", ["", "P", "PT", "4H", "PT4", "-PT4H", "PT1.5H", "P1H"])
def test_what_is_no_duration_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(ValueError, match="PT30M"):
        Duration.parse(wrong)


def test_a_term_that_ends_on_a_day_that_does_not_exist_ends_on_the_last_one() -> None:
    assert Duration.parse("P1Y").after(date(2028, 2, 29)) == date(2029, 2, 28)
    assert Duration.parse("P1M").after(date(2026, 12, 31)) == date(2027, 1, 31)


def test_five_days_of_office_hours_from_a_friday_before_the_spring_festival_skip_it() -> None:
    """2027: the festival is 5 to 11 February (4th Thursday; holiday table of the library)."""
    friday = at("2027-01-29 16:00")
    due = add(WORKING, CHINA, friday, target_ms(WORKING, Duration.parse("P5D")))
    # Fri 1 h, Mon-Thu 4 x 8 h = 33 h; the festival Fri 5 to Wed 10; the last 7 h on Thu 11.
    assert due == at("2027-02-11 16:00")


def test_a_sunday_that_china_works_in_exchange_counts() -> None:
    sunday = at("2026-09-20 00:00")  # worked for 6 October
    assert counted(WORKING, CHINA, sunday, sunday + DAY) == 8 * HOUR
    plain = at("2026-09-13 00:00")
    assert counted(WORKING, CHINA, plain, plain + DAY) == 0


def test_the_same_instant_is_a_holiday_in_one_country_and_not_in_another() -> None:
    new_year = at("2027-02-08 09:00")
    assert counted(WORKING, CHINA, new_year, new_year + HOUR) == 0
    assert counted(WORKING, Place(country="XX", tz="Asia/Shanghai"), new_year, new_year + HOUR) == HOUR


@pytest.mark.parametrize(
    ("place", "opened", "due"),
    [
        (GERMANY, "2026-10-25 01:30", "2026-10-25 04:30"),  # an hour is lived twice
        (US, "2027-03-14 01:30", "2027-03-14 06:30"),  # an hour is missing
    ],
)
def test_four_hours_round_the_clock_are_four_real_hours_when_clocks_change(place: Place, opened: str, due: str) -> None:
    start = at(opened, place.tz)
    assert add(ALWAYS, place, start, 4 * HOUR) == start + 4 * HOUR == at(due, place.tz)


def test_working_hours_follow_the_wall_clock_over_the_change() -> None:
    friday = at("2026-10-23 16:00", GERMANY.tz)  # summer time
    due = add(WORKING, GERMANY, friday, 2 * HOUR)
    assert due == at("2026-10-26 10:00", GERMANY.tz)  # winter time
    assert due is not None
    assert due - friday == 3 * DAY - 6 * HOUR + HOUR


def test_a_day_shift_that_spans_the_change_is_as_long_as_its_wall_clock() -> None:
    night = Calendar(id="all-sunday", days=(7,), opens_min=0, closes_min=24 * 60, holidays=False)
    sunday = at("2026-10-25 00:00", GERMANY.tz)
    assert counted(night, GERMANY, sunday, sunday + 2 * DAY) == 25 * HOUR


def test_a_site_with_an_unknown_zone_is_counted_in_utc_rather_than_not_at_all() -> None:
    assert zone("Mars/Olympus").key == "UTC"


def test_a_calendar_on_which_nothing_ever_counts_gives_no_due_time_and_ends() -> None:
    assert add(Calendar(id="never", days=(8,)), CHINA, at("2026-11-23 10:00"), HOUR) is None


_moments = st.integers(at("2025-01-01 00:00"), at("2028-12-31 00:00"))
_places = st.sampled_from([CHINA, GERMANY, US])
_calendars = st.sampled_from([ALWAYS, WORKING])


@settings(deadline=None, max_examples=60)
@given(_calendars, _places, _moments, st.integers(0, 40 * DAY), st.integers(0, 40 * DAY))
def test_counting_in_two_pieces_is_counting_once(c: Calendar, p: Place, start: int, first: int, second: int) -> None:
    middle, end = start + first, start + first + second
    assert counted(c, p, start, end) == counted(c, p, start, middle) + counted(c, p, middle, end)


@settings(deadline=None, max_examples=60)
@given(_calendars, _places, _moments, st.integers(1, 200 * HOUR))
def test_what_is_added_is_what_is_counted(c: Calendar, p: Place, start: int, ms: int) -> None:
    due = add(c, p, start, ms)
    assert due is not None
    assert counted(c, p, start, due) == ms
    assert counted(c, p, start, due - 1) == ms - 1, "the first such instant"


@settings(deadline=None, max_examples=60)
@given(_calendars, _places, _moments, st.integers(0, 40 * DAY))
def test_windows_are_in_order_and_inside(c: Calendar, p: Place, start: int, length: int) -> None:
    found = windows(c, p, start, start + length)
    edges = [edge for window in found for edge in window]
    assert edges == sorted(edges)
    assert all(start <= a < b <= start + length for a, b in found)

"""The shared mathematics: what a technician's sum on paper would say, and what must not be learned."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from analytics.hours import HourColumn, Hours
from analytics.slow import days, line, persistence, profile
from analytics.slow.frames import frames
from analytics.slow.level import away, level
from analytics.slow.rate import surprise
from analytics.slow.trend import Slope, crossing, daily, theil_sen

HOUR = 3_600_000


def column(at: list[int], mean: list[float]) -> HourColumn:
    return HourColumn(at, [1] * len(at), mean, mean, mean, mean, mean, [0] * len(at))


def test_frames_come_hour_by_hour_and_without_what_was_not_said() -> None:
    hours = Hours("s/d", {"a": {None: column([0, HOUR], [1, 2])}, "b": {"1": column([HOUR], [5.0])}}, 0, 2 * HOUR)
    first, second = frames(hours, ("a", "b", "c"))
    assert (first.at, first.mean("a"), first.one("b"), first.mean("b")) == (0, 1, None, None)
    only = second.one("b")
    assert only is not None
    assert only.mean == 5.0


def test_days_close_by_the_next_day_and_short_days_are_left_out() -> None:
    kept: days.Days = {}
    for hour in range(24 * 3 + 2):
        if 24 <= hour < 44:  # the second day is silent but for 4 hours
            continue
        kept, _ = days.take(kept, hour * HOUR, float(hour // 24), keep=10, least=12)
    assert [(day.day, day.mean, day.n) for day in days.closed(kept)] == [(0, 0.0, 24), (2, 2.0, 24)]


def test_outliers_pull_neither_the_level_nor_the_slope() -> None:
    assert level([1, 1, 2, 2, 900])[0] == 2
    assert away(900, [1.0, 1.1, 0.9], 0.1) > 1000
    slope = theil_sen(list(range(30)), [0.1 * n + (500 if n % 10 == 3 else 0) for n in range(30)])
    assert slope is not None
    assert slope.per_x == pytest.approx(0.1)
    assert slope.rises


def test_noise_alone_rises_in_about_one_case_of_twenty() -> None:
    dice = random.Random(7)
    slopes = [daily(range(40), [dice.gauss(0, 1) for _ in range(40)]) for _ in range(300)]
    assert 5 <= sum(slope is not None and slope.rises for slope in slopes) <= 27


def test_too_few_values_have_no_slope() -> None:
    assert theil_sen([1, 2, 3], [1, 2, 3]) is None
    assert theil_sen([1, 1, 1, 1], [1, 2, 3, 4]) is None


def test_a_limit_is_dated_with_its_error_and_never_by_a_slope_that_leads_away() -> None:
    day = days.DAY_MS
    found = crossing(Slope(1.0, 0.5, 2.0, 70.0, 0.0, 20), 0, 80.0)
    assert found is not None
    assert (found.soonest, found.at, found.latest) == (5 * day, 10 * day, 20 * day)
    assert crossing(Slope(-1.0, -2.0, -0.5, 70.0, 0.0, 20), 0, 80.0) is None
    falling = crossing(Slope(-1.0, -2.0, 0.5, 70.0, 0.0, 20), 0, 60.0)
    assert falling is not None
    assert (falling.at, falling.latest) == (10 * day, None)


def test_a_rate_is_surprised_by_what_the_past_does_not_explain() -> None:
    assert surprise(5, 7, before=2, days_before=180) < 1e-3
    assert surprise(5, 7, before=100, days_before=180) > 0.1
    assert surprise(2, 7, before=0, days_before=3) > 1e-3, "a young device knows no rate yet"
    counts = [surprise(n, 1, 10, 100) for n in range(8)]
    assert all(a > b for a, b in pairwise(counts))


def test_the_usual_follows_hour_and_weekend_and_not_a_fault_of_a_week() -> None:
    known = profile.fresh()
    for hour in range(24 * 60):
        weekend = (hour // 24 + 3) % 7 >= 5
        known = profile.learn(known, hour * HOUR, (20 if weekend else 40) + hour % 24 + hour % 2 * 0.2)
    monday_noon = (24 * (4 + 7 * 9) + 12) * HOUR
    usual = profile.usual(known, monday_noon)
    assert usual is not None
    assert usual.level == pytest.approx(52, abs=0.5)
    assert profile.usual(profile.fresh(), monday_noon) is None
    for n in range(5):
        known = profile.learn(known, monday_noon + n * 24 * HOUR, 500.0)
    usual = profile.usual(known, monday_noon)
    assert usual is not None
    assert usual.level < 60


def test_a_cusum_finds_a_small_shift_and_when_it_began() -> None:
    dice = random.Random(3)
    state = persistence.fresh()
    for at in range(1000):
        state = persistence.cusum(state, at, dice.gauss(0, 1))
        assert state[0] < 8
    for at in range(1000, 1020):
        state = persistence.cusum(state, at, dice.gauss(2, 1))
    assert state[0] > 8
    assert 985 <= state[1] <= 1003


def test_one_impossible_value_is_no_shift() -> None:
    assert persistence.cusum(persistence.fresh(), 0, 1e9)[0] < 3


def test_a_line_compares_at_the_same_load_and_not_beyond_what_was_seen() -> None:
    sums = line.fresh()
    for n in range(200):
        load = 20 + n % 5 * 10
        sums = line.add(sums, load, 25 + 0.2 * load + (0.1 if n % 2 else -0.1))
    fitted = line.fit(sums)
    assert fitted is not None
    assert fitted.at(40) == pytest.approx(33, abs=0.1)
    assert fitted.slope == pytest.approx(0.2, abs=0.01)
    assert fitted.at(1000) < 25 + 0.2 * 100
    assert line.fit(line.fresh()) is None


def test_a_load_that_never_moves_gives_a_flat_line() -> None:
    sums = line.fresh()
    for n in range(20):
        sums = line.add(sums, 40.0, 30.0 + n % 2)
    fitted = line.fit(sums, least_spread_x=1.0)
    assert fitted is not None
    assert (fitted.slope, fitted.at(90.0)) == (0.0, 30.5)

"""The detector for history: it knows no future, no units and no gaps; what never was is news, once."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core.exact import both, median, upper
from analytics.core.novelty import novelty
from analytics.core.residual import Event, events
from analytics.core.seasons import of_day
from analytics.core.whole import CALL, calls, heard, score
from analytics.core.windows import nearest

HALF_HOUR_MS = 1_800_000


def _days(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A series with a daily swing, half-hourly, and its times."""
    at = np.arange(48 * count, dtype=np.int64) * HALF_HOUR_MS
    swing = np.sin(2 * np.pi * at / 86_400_000)
    return swing + 0.1 * np.random.default_rng(seed).normal(size=len(at)), at


@pytest.mark.parametrize("cut", [1, 30, 400, 700])
def test_the_past_does_not_know_the_future(cut: int) -> None:
    values, at = _days(16)
    values[600] = 9.0
    whole, part = score(values[:, None], at_ms=at), score(values[:cut, None], at_ms=at[:cut])
    np.testing.assert_array_equal(part.news, whole.news[:cut])
    np.testing.assert_array_equal(part.extent, whole.extent[:cut])


@pytest.mark.parametrize(("factor", "zero"), [(1024.0, 0.0), (2.0**-10, 0.0), (1000.0, 0.0), (1.8, 32.0)])
def test_scores_do_not_know_the_unit(factor: float, zero: float) -> None:
    values, at = _days(12)
    values = np.round(values, 2)
    ours, theirs = score(values[:, None], at_ms=at), score(values[:, None] * factor + zero, at_ms=at)
    np.testing.assert_allclose(theirs.extent, ours.extent, atol=0.15)
    assert (calls(theirs.news) == calls(ours.news)).all()


def test_a_stuck_night_is_news_though_each_value_is_usual() -> None:
    values, at = _days(30)
    values[1200:1230] = -0.9
    quiet = score(_days(30)[0][:, None], at_ms=at)
    found = score(values[:, None], at_ms=at)
    assert not calls(quiet.news)[1100:].any()
    assert calls(found.news)[1200:1240].any()
    assert found.extent[1210:1230].max() > quiet.extent[1100:].max()


def test_a_call_overshadows_what_is_no_louder() -> None:
    news = np.zeros(400)
    news[[100, 130, 150, 300]] = [6.0, 6.2, 7.0, 5.5]
    assert np.flatnonzero(calls(news)).tolist() == [100, 150, 300]
    assert np.flatnonzero(heard(news)).tolist() == [100, 150, 300]
    assert news[300] > CALL


@pytest.mark.parametrize("length", [0, 1, 2, 31, 59])
def test_a_short_past_says_nothing_and_raises_nothing(length: int) -> None:
    found = score(np.arange(float(length))[:, None], good_rows=length)
    assert len(found.news) == length
    assert not calls(found.news).any()
    assert found.mixture is None


def test_bad_values_are_the_last_good_one_and_raise_nothing() -> None:
    values, at = _days(8)
    gaps = values.copy()
    gaps[[0, 100, 101, 250]] = [np.nan, np.inf, -np.inf, np.nan]
    filled = values.copy()
    filled[[0, 100, 101, 250]] = [0.0, values[99], values[99], values[249]]
    np.testing.assert_array_equal(score(gaps[:, None], at_ms=at).news, score(filled[:, None], at_ms=at).news)
    assert np.isfinite(score(np.full((200, 2), np.nan), 100).news).all()


def test_a_series_that_never_moves_is_no_news() -> None:
    found = score(np.full((500, 1), 7.0))
    assert not calls(found.news).any()
    assert found.extent.max() < 1


def test_of_a_device_the_most_unlike_series_speaks_and_switches_are_left_out() -> None:
    random = np.random.default_rng(4)
    rows = random.normal(size=(500, 3))
    rows[:, 2] = random.random(500) < 0.01
    rows[450:, 1] += 8
    found = score(rows, 300)
    np.testing.assert_array_equal(found.extent, np.maximum(score(rows[:, :1]).extent, score(rows[:, 1:2]).extent))
    assert found.mixture is not None
    assert found.mixture[470] > 5 * found.mixture[300:450].max()


def test_ranks_count_ties_half_and_the_tail_has_a_size() -> None:
    measure = np.concatenate([np.arange(1.0, 100.0), [99.0, 200.0]])
    plain = upper(measure)
    assert plain[99] == pytest.approx(-np.log10(1.5 / 100))
    assert plain[100] == pytest.approx(-np.log10(1 / 101))
    further = np.concatenate([measure[:-1], [2000.0]])
    assert upper(further)[100] == plain[100]
    assert upper(further, tail=True)[100] > upper(measure, tail=True)[100] > 2
    assert not plain[:40].any()
    high, low = both(np.concatenate([np.arange(50.0), [-1.0]]))
    assert high[50] == pytest.approx(0)
    assert low[50] == pytest.approx(-np.log10(1 / 51))


def test_the_median_is_of_the_past_only() -> None:
    np.testing.assert_array_equal(median(np.array([4.0, 8.0, 6.0, 100.0])), [4.0, 4.0, 8.0, 6.0])


def test_a_wrong_order_of_usual_values_is_novel() -> None:
    values = np.tile([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 40)
    values[200:203] = values[200:203][::-1]
    novel = novelty(values)
    assert not novel[60:200].any()
    assert novel[200:203].max() > 0.5


def test_an_hour_of_the_day_out_of_its_habit_is_far_and_the_first_two_days_say_nothing() -> None:
    values, at = _days(12)
    values[500] = -values[500] + 2
    away = of_day(values, at)
    assert not away[:96].any()
    assert away[500] > 1.5 * away[200:500].max()


def test_a_nearest_stretch_never_overlaps_the_present_one() -> None:
    values = np.arange(50.0)
    distances = nearest(values, [4, 8])
    assert np.isinf(distances[0, :7]).all()
    assert np.isinf(distances[1, :15]).all()
    # A ramp is nearest to itself one length before: each of w readings is w away.
    np.testing.assert_allclose(distances[0, 7:], 4 * np.sqrt(4))
    np.testing.assert_allclose(distances[1, 15:], 8 * np.sqrt(8))


def test_one_impossible_value_does_not_blind_the_rest() -> None:
    values, at = _days(30)
    values[1200:1230] = -0.9
    values[300] = 1e15
    far = score(values[:, None], at_ms=at).extent
    assert far[1210:1235].max() > far[500:1200].max()


def test_an_event_ends_when_the_distance_has_halved_and_its_trace_begins_no_other() -> None:
    distances = np.array([1.0, 3, 8, 9, 7, 4, 3.5, 3, 3.2, 7, 8, 2, 1])
    inside, after = events(Event(), distances, call=2.4)
    assert np.flatnonzero(inside).tolist() == [1, 2, 3, 4, 9, 10]
    first, middle = events(Event(), distances[:4], call=2.4)
    second, last = events(middle, distances[4:], call=2.4)
    np.testing.assert_array_equal(np.concatenate([first, second]), inside)
    assert last == after

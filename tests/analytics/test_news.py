"""A device's hours looked back over: what was never so before is told once, with the gauge and in both languages."""

from __future__ import annotations

import numpy as np

from analytics.core.whole import CALL
from analytics.news import LEAST_HOURS, PARTS, news

HOUR_MS = 3_600_000
NIGHT = range(1000, 1012)


def _hours(count: int = 1100) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    at = np.arange(count, dtype=np.int64) * HOUR_MS
    day = np.sin(2 * np.pi * at / 86_400_000)[:, None]
    return at, np.array([[25.0, 40.0]]) + day * [[3.0, 10.0]] + random.normal(size=(count, 2)) * [[0.3, 1.0]]


def test_a_hot_night_is_told_with_its_gauge_and_reasons() -> None:
    at, hours = _hours()
    hours[NIGHT, 0] += 9
    found = [one for one in news(["ups.temperature", "ups.load"], at, hours) if one.at >= at[900]]
    assert found[0].gauge == "ups.temperature"
    assert at[NIGHT[0]] <= found[0].at <= at[NIGHT[-1]]
    assert found[0].loud >= CALL
    assert set(found[0].parts) <= set(PARTS)
    assert "median" in found[0].how.en
    assert "中位数" in found[0].how.zh


def test_an_ordinary_month_and_a_short_past_are_no_news() -> None:
    at, hours = _hours()
    assert not [one for one in news(["a", "b"], at, hours) if one.at >= at[300]]
    hours[:LEAST_HOURS, 0] = 1e6 * np.arange(LEAST_HOURS)
    assert news(["a", "b"], at[: LEAST_HOURS - 1], hours[: LEAST_HOURS - 1]) == []
    assert news([], np.empty(0, np.int64), np.empty((0, 0))) == []


def test_a_gauge_that_is_not_heard_is_never_news() -> None:
    at, hours = _hours()
    hours[900:1000, 1] = np.nan
    assert not [one for one in news(["a", "b"], at, hours) if at[900] <= one.at < at[1000] and one.gauge == "b"]

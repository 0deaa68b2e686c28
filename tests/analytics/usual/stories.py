"""A healthy UPS in hours, and what goes wrong with one of its gauges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analytics.hours import HourlyDetector
from model.finding import Change
from tests.analytics.timeline import UPS, context
from tests.contracts.hourly_year import START, Floats, Story, cut, healthy

HOUR_MS = 3_600_000


def healthy_but(
    point: str, days: int, change: Callable[[Floats], None], *, start_day: int, index: str | None = None
) -> Story:
    """So many days of the healthy UPS; `change` gets the rows of one gauge (n, mean, low, high, first, last, moves) from a day on."""
    story = {key: rows[: days * 24].copy() for key, rows in healthy(UPS).items()}
    change(story[point, index][start_day * 24 :])
    return story


def told(detector: HourlyDetector, story: Story, every: int = 24) -> list[Change]:
    state, found = detector.fresh(), []
    for hours in cut(UPS, story, detector.needs, every):
        state, changes = detector.step(state, hours, context(UPS), hours.last_at)
        found += changes
    return found


def day(at: int) -> float:
    return (at - START) / HOUR_MS / 24


def stick(rows: Floats) -> None:
    rows[:, 1:6] = rows[0, 1]
    rows[:, 6] = 0


def lift(by: float) -> Callable[[Floats], None]:
    def change(rows: Floats) -> None:
        rows[:, 1:6] += by

    return change


def lose(rows: Floats) -> None:
    rows[...] = np.nan

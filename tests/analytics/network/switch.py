"""A healthy switch, hour by hour, and what can be done to it: the stories of slow faults of network gear."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np

from analytics.detector import Context
from analytics.hours import HOUR_MS, HourlyDetector
from model.finding import Change, Changed, Cleared, Finding, Raised
from tests.analytics.timeline import SWITCH, context
from tests.contracts.hourly_year import START, Floats, Story, cut, healthy

DAY = 24


@cache
def _days(days: int) -> Story:
    return {key: rows[: days * DAY] for key, rows in healthy(SWITCH).items()}


def story(days: int) -> Story:
    """The healthy switch for so many days; the caller's own copy."""
    return {key: rows.copy() for key, rows in _days(days).items()}


def bend(told: Story, point: str, index: str | None, change: Callable[[Floats], Floats], *, day: float = 0.0) -> None:
    """Change the values of one series from a day on: `change` is given days since then, one a row, and gives what is added."""
    rows = told[point, index][round(day * DAY) :]
    rows[:, 1:6] += change(np.arange(len(rows)) / DAY)[:, None]


def scale(told: Story, point: str, index: str | None, by: float, *, day: float = 0.0) -> None:
    told[point, index][round(day * DAY) :, 1:6] *= by


def silence(told: Story, begin: float, end: float, *points: str) -> None:
    """Nothing was heard between two days, of these points or of any."""
    for (point, _), rows in told.items():
        if not points or point in points:
            rows[round(begin * DAY) : round(end * DAY)] = np.nan


def count(told: Story, point: str, index: str, per_hour: Floats) -> None:
    """Make a counter of what is added in each hour."""
    ends = np.cumsum(per_hour)
    begins = ends - per_hour
    told[point, index] = np.stack(
        [np.full(len(ends), 360.0), (begins + ends) / 2, begins, ends, begins, ends, np.ones(len(ends))], axis=1
    )


def restart(told: Story, *days: float) -> None:
    """The device starts again at these days: its up-time and all its counters begin at nothing."""
    for (point, index), rows in told.items():
        if point not in ("sysUpTime",) and not point.startswith(("ifHC", "ifIn", "ifOut")):
            continue
        edges = [*(round(day * DAY) for day in days), len(rows)]
        for begin, end in pairwise(edges):
            told[point, index][begin:end, 1:6] -= rows[begin, 4]


def play(detector: HourlyDetector, told: Story, *, every: int = 7 * DAY, known: Context | None = None) -> list[Change]:
    """All that the detector says."""
    state, changes = detector.fresh(), []
    for hours in cut(SWITCH, told, detector.needs, every):
        state, some = detector.step(state, hours, known or context(SWITCH), hours.last_at)
        changes += some
    return changes


def measured(detector: HourlyDetector, told: Story) -> dict[str, float]:
    state = detector.fresh()
    for hours in cut(SWITCH, told, detector.needs, 7 * DAY):
        state, _ = detector.step(state, hours, context(SWITCH), hours.last_at)
    return detector.quantities(state)  # type: ignore[attr-defined, no-any-return]


def raised(changes: list[Change]) -> list[Finding]:
    return [change.finding for change in changes if isinstance(change, Raised)]


def told_of(changes: list[Change]) -> list[Finding]:
    return [change.finding for change in changes if isinstance(change, Raised | Changed)]


def cleared(changes: list[Change]) -> list[Cleared]:
    return [change for change in changes if isinstance(change, Cleared)]


def day_of(at: int) -> float:
    """A time in days of the story."""
    return (at - START) / HOUR_MS / DAY


def seen(finding: Finding) -> float:
    """The day on which the finding was told."""
    return day_of(max(line.at for line in finding.evidence))

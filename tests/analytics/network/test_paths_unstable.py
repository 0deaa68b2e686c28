from __future__ import annotations

import numpy as np

from analytics.detectors.paths_unstable import PathsUnstable
from tests.analytics.network.switch import DAY, cleared, play, raised, seen, story
from tests.contracts.hourly_year import Story


def roles(days: int, *changes: float) -> Story:
    """A group of two whose role changes at these days."""
    told = story(days)
    state = 1.0 + np.searchsorted(sorted(changes), np.arange(days * DAY) / DAY, side="right") % 2
    rows = told["redundancy.role", "7"] = told["ifAdminStatus", "1"].copy()
    rows[:, 1:6] = state[:, None]
    return told


class TestPathsUnstable:
    def test_five_changes_in_a_day_are_raised_and_over_a_day_later(self) -> None:
        changes = play(PathsUnstable(), roles(40, *(30 + n / 10 for n in range(5))))
        [finding] = raised(changes)
        assert seen(finding) < 30.5
        assert len(cleared(changes)) == 1

    def test_a_switch_over_now_and_then_is_none(self) -> None:
        assert play(PathsUnstable(), roles(300, *range(10, 300, 30))) == []

    def test_a_device_that_does_so_every_day_is_its_usual(self) -> None:
        told = roles(100, *(day + n / 5 for day in range(100) for n in range(3)), *(90 + n / 9 for n in range(3)))
        assert all(seen(finding) < 20 for finding in raised(play(PathsUnstable(), told)))

    def test_unknown_states_and_gaps_are_no_changes(self) -> None:
        told = roles(60)
        rows = told["redundancy.role", "7"]
        rows[30 * DAY : 40 * DAY : 2, 1:6] = 7
        rows[45 * DAY : 50 * DAY] = np.nan
        assert play(PathsUnstable(), told) == []

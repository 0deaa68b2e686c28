"""What left its usual is told within days by what it did; what seasons, weekends and outages do is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analytics.detectors.unusual import ACCEPTED, BACK, TOGETHER_EDGES, Unusual
from analytics.usual import days
from model.finding import Change, Cleared, Finding, Raised
from tests.analytics.usual.stories import day, healthy_but, lift, lose, told
from tests.contracts.hourly_year import Floats

START = 60


def wider(rows: Floats) -> None:
    middle = rows[:, 1:2]
    rows[:, 2:6] = middle + 6 * (rows[:, 2:6] - middle)


def flat(rows: Floats) -> None:
    """The hour's noise stays, the day's pattern goes."""
    rows[:, 1:6] += rows[:, 1].mean() - rows[:, 1:2] + np.random.default_rng(3).normal(0, 0.4, (len(rows), 1))


def creep(rows: Floats) -> None:
    rows[:, 1:6] *= 1 + 0.009 * np.arange(len(rows))[:, None] / 24


STORIES: dict[str, tuple[str, str | None, Callable[[Floats], None], str]] = {
    "level": ("output.voltage", "2", lift(12), "in the four weeks before"),
    "warm": ("battery.temperature", None, lift(6), "in the four weeks before"),
    "spread": ("input.voltage", "1", wider, "times as far within an hour"),
    "drift": ("output.voltage", "1", creep, "times its scatter"),
    "cycle": ("ups.efficiency", None, flat, "pattern of the day"),
}


def first(changes: list[Change]) -> Finding:
    raised = changes[0]
    assert isinstance(raised, Raised)
    return raised.finding


@pytest.mark.parametrize("name", ["level", "warm", "spread"])
def test_a_gauge_that_leaves_its_usual_is_told_on_the_third_day_by_what_it_did(name: str) -> None:
    point, index, change, words = STORIES[name]
    finding = first(told(Unusual(), healthy_but(point, START + 8, change, start_day=START, index=index)))
    assert day(finding.since) == START
    assert day(finding.evidence[0].at) == START + 3
    assert (finding.evidence[0].point, finding.evidence[0].index) == (point, index)
    assert words in finding.evidence[0].text.en


def test_a_creeping_value_is_told_as_drift() -> None:
    point, index, change, _ = STORIES["drift"]
    finding = first(told(Unusual(), healthy_but(point, START + 30, change, start_day=START, index=index)))
    assert (finding.evidence[0].point, finding.evidence[0].index) == (point, index)
    assert START < day(finding.since) < START + 28


def test_a_pattern_of_the_day_that_is_lost_is_told_after_ten_days() -> None:
    point, index, change, words = STORIES["cycle"]
    found = told(Unusual(), healthy_but(point, START + 14, change, start_day=START, index=index))
    assert any(words in e.text.en for c in found if not isinstance(c, Cleared) for e in c.finding.evidence)


def test_gauges_that_part_from_each_other_are_far_together_though_each_alone_is_not() -> None:
    dice = np.random.default_rng(5)
    busy = np.tile([1, 1, 1, 1, 1, 0, 0], 4) + dice.normal(0, 0.05, 28)
    ring = np.full((6, 28, 3), 0.01)
    ring[:, :, days.LEVEL] = 50 + np.outer([8, 6, 10, 9, 7, 5], busy) + dice.normal(0, 0.2, (6, 28))
    today = ring[:, 3].copy()
    assert days.judge(ring, today, np.zeros(6)).together < 1.5
    today[2, days.LEVEL] -= 8
    found = days.judge(ring, today, np.zeros(6))
    assert found.together > TOGETHER_EDGES
    assert found.strangest == 2
    assert np.abs(found.level).max() < 1.2


def test_it_is_taken_back_after_two_usual_days() -> None:
    def for_five_days(rows: Floats) -> None:
        lift(12)(rows[: 5 * 24])

    raised, cleared = told(
        Unusual(), healthy_but("output.voltage", START + 12, for_five_days, start_day=START, index="2")
    )
    assert isinstance(raised, Raised)
    assert isinstance(cleared, Cleared)
    assert (day(cleared.at), cleared.why) == (START + 7, BACK)


def test_what_stays_for_two_weeks_counts_as_usual_and_is_said_once() -> None:
    found = told(Unusual(), healthy_but("output.voltage", START + 70, lift(12), start_day=START, index="2"))
    assert [type(c) for c in found] == [Raised, Cleared]
    assert isinstance(found[1], Cleared)
    assert found[1].why == ACCEPTED


def test_an_outage_of_some_hours_every_day_for_a_week_is_no_change_of_usual() -> None:
    def dips(rows: Floats) -> None:
        for begin in range(0, 7 * 24, 24):
            rows[begin : begin + 5, 1:6] = 0

    assert told(Unusual(), healthy_but("input.voltage", START + 12, dips, start_day=START, index="1")) == []


def test_nothing_is_said_in_the_first_month_and_what_lasts_is_said_after_it() -> None:
    def told_by(days: int) -> list[Change]:
        return told(Unusual(), healthy_but("output.voltage", days, lift(40), start_day=26, index="2"))

    assert told_by(30) == []
    assert 30 < day(first(told_by(36)).evidence[0].at) < 35


def test_months_of_silence_begin_a_new_usual() -> None:
    def away(rows: Floats) -> None:
        lose(rows[: 40 * 24])
        rows[40 * 24 :, 1:6] += 40

    assert told(Unusual(), healthy_but("output.voltage", START + 80, away, start_day=START, index="2")) == []


def test_a_finding_does_not_know_the_unit() -> None:
    def millivolts(rows: Floats) -> None:
        rows[:, 1:6] *= 1000

    story = healthy_but("output.voltage", START + 8, lift(12), start_day=START, index="2")
    plain = first(told(Unusual(), story))
    millivolts(story["output.voltage", "2"])
    scaled = first(told(Unusual(), story))
    assert (scaled.since, len(scaled.evidence), scaled.evidence[0].point) == (plain.since, 1, "output.voltage")
    assert scaled.evidence[0].value == pytest.approx(1000 * (plain.evidence[0].value or 0))


def test_a_unit_changed_by_a_firmware_is_told_and_then_learned() -> None:
    def ten_times(rows: Floats) -> None:
        rows[:, 1:6] *= 10

    found = told(Unusual(), healthy_but("battery.temperature", START + 40, ten_times, start_day=START))
    assert [type(c) for c in found] == [Raised, Cleared]

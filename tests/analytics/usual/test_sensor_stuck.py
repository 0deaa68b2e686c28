"""A stuck sensor is told within hours; standing still for a reason is not."""

from __future__ import annotations

import pytest

from analytics.detectors.sensor_stuck import SensorStuck
from model.finding import Cleared, Raised
from tests.analytics.usual.stories import day, healthy_but, stick, told
from tests.contracts.hourly_year import Floats

GAUGES = [("battery.voltage", None), ("ups.temperature", None), ("ups.load", "2"), ("battery.temperature", None)]


@pytest.mark.parametrize(("point", "index"), GAUGES)
def test_a_value_that_stands_still_to_the_last_digit_is_told_within_eight_hours(point: str, index: str | None) -> None:
    found = told(SensorStuck(), healthy_but(point, 25, stick, start_day=20, index=index), every=1)
    [change] = found
    assert isinstance(change, Raised)
    [evidence] = change.finding.evidence
    assert (evidence.point, evidence.index) == (point, index)
    assert 20 <= day(change.finding.since) < 20.1
    assert day(evidence.at) < 20 + 8 / 24


def test_it_is_taken_back_when_the_value_moves_again() -> None:
    def for_two_days(rows: Floats) -> None:
        stick(rows[:48])

    raised, cleared = told(SensorStuck(), healthy_but("ups.temperature", 25, for_two_days, start_day=20))
    assert isinstance(raised, Raised)
    assert isinstance(cleared, Cleared)
    assert 22 <= day(cleared.at) < 22.2


def test_nothing_is_said_before_the_gauge_was_known_for_ten_days() -> None:
    assert told(SensorStuck(), healthy_but("ups.temperature", 20, stick, start_day=6)) == []


def test_zero_is_no_sticking() -> None:
    def off(rows: Floats) -> None:
        rows[:, 1:7] = 0

    assert told(SensorStuck(), healthy_but("output.current", 25, off, start_day=20, index="1")) == []


def test_a_device_that_repeats_all_its_values_has_no_stuck_sensor() -> None:
    story = healthy_but("ups.load", 25, stick, start_day=20, index="1")
    for key in story:
        stick(story[key][480:])
    assert told(SensorStuck(), story) == []


def test_a_gauge_that_often_stands_still_is_let_off() -> None:
    def coarse(rows: Floats) -> None:
        for begin in range(0, len(rows) - 24, 24):
            stick(rows[begin : begin + 10])
        stick(rows[480:500])

    assert told(SensorStuck(), healthy_but("ups.temperature", 25, coarse, start_day=0)) == []


def test_a_month_of_silence_is_no_standing_still() -> None:
    def silent(rows: Floats) -> None:
        stick(rows[:2])
        rows[2:] = float("nan")
        rows[-2:] = rows[1]

    assert told(SensorStuck(), healthy_but("ups.temperature", 52, silent, start_day=20)) == []

"""When a discharge is worth every reading that a line carries."""

from __future__ import annotations

from agent.backlog import Found
from agent.urgency import FRESH_MS, Alarms, Urgency
from model.points import Source, TestResult
from model.reading import Gap, GapCause, Reading


def said(point: str, value: float) -> Found:
    return Reading(device="sz/u", point=point, index=None, at=1, value=value)


def test_on_battery_is_the_most_pressing_by_source_or_by_flag() -> None:
    assert Alarms().heard([said("ups.source", Source.BATTERY)], 1) is Urgency.BATTERY
    assert Alarms().heard([said("alarm.on_battery", 1)], 1) is Urgency.BATTERY
    alarms = Alarms()
    alarms.heard([said("ups.source", Source.BATTERY)], 1)
    assert alarms.heard([said("ups.source", Source.NORMAL)], 2) is Urgency.CALM


def test_a_test_is_pressing_for_as_long_as_it_runs() -> None:
    alarms = Alarms()
    assert alarms.heard([said("ups.test.result", TestResult.IN_PROGRESS)], 1) is Urgency.PRESSING
    assert alarms.urgency(10 * FRESH_MS) is Urgency.PRESSING
    assert alarms.heard([said("ups.test.result", TestResult.PASSED)], 2) is Urgency.CALM
    assert alarms.heard([said("alarm.test_in_progress", 1)], 3) is Urgency.PRESSING


def test_an_alarm_is_pressing_while_it_is_news_and_standing_after_that() -> None:
    alarms = Alarms()
    assert alarms.heard([said("alarm.replace_battery", 1)], 0) is Urgency.PRESSING
    assert alarms.heard([said("alarm.replace_battery", 1)], FRESH_MS - 1) is Urgency.PRESSING
    assert alarms.heard([said("alarm.replace_battery", 1)], FRESH_MS) is Urgency.STANDING
    assert alarms.heard([said("alarm.overload", 1)], FRESH_MS + 1) is Urgency.PRESSING, "another one is news"
    assert alarms.heard([said("alarm.overload", 0), said("alarm.replace_battery", 0)], FRESH_MS + 2) is Urgency.CALM


def test_settings_and_measurements_are_no_alarms_and_what_is_not_said_is_not_judged() -> None:
    alarms = Alarms()
    assert alarms.heard([said("ups.beeper", 1), said("battery.voltage", 27.0)], 1) is None
    assert alarms.heard([Gap(device="sz/u", point=None, index=None, at=1, cause=GapCause.NO_ANSWER)], 1) is None
    alarms.heard([said("alarm.on_battery", 1)], 2)
    assert alarms.heard([said("alarm.overload", 0)], 3) is Urgency.BATTERY, "a flag not said keeps its last value"

from __future__ import annotations

import numpy as np
import pytest

from analytics.detectors.fan_tray import FanTray
from analytics.detectors.overheating import KIND, ROOM, Overheating
from analytics.detectors.power_supply import PowerSupply
from model.finding import Severity
from tests.analytics.network.switch import (
    DAY,
    bend,
    cleared,
    day_of,
    measured,
    play,
    raised,
    scale,
    seen,
    silence,
    story,
    told_of,
)


class TestPowerSupply:
    def test_a_voltage_that_drifts_by_four_percent_is_raised_within_a_day(self) -> None:
        told = story(40)
        bend(told, "entity.voltage", "22", lambda days: np.full(len(days), -0.5), day=30)
        [finding] = raised(play(PowerSupply(), told))
        assert finding.evidence[0].index == "22"
        assert day_of(finding.since) == pytest.approx(30, abs=0.05)
        assert seen(finding) < 31

    def test_a_share_that_moves_to_the_twin_is_raised_for_the_weak_one(self) -> None:
        told = story(40)
        scale(told, "entity.current", "21", 0.4, day=30)
        scale(told, "entity.current", "22", 1.6, day=30)
        [finding] = raised(play(PowerSupply(), told))
        assert finding.evidence[0].index == "21"

    def test_a_state_that_flaps_is_raised_and_over_a_day_later(self) -> None:
        told = story(30)
        told["entity.power.status", "11"][20 * DAY : 20 * DAY + 5, 6] = 1
        changes = play(PowerSupply(), told)
        assert [day_of(end.at) for end in cleared(changes)] == [pytest.approx(21, abs=0.3)]

    def test_a_single_supply_is_critical_and_a_redundant_one_major(self) -> None:
        for twin, severity in ((5.0, Severity.CRITICAL), (1.0, Severity.MAJOR)):
            told = story(30)
            told["entity.power.status", "12"] = told["entity.power.status", "11"].copy()
            told["entity.power.status", "12"][:, 1:6] = twin
            bend(told, "entity.voltage", "21", lambda days: np.full(len(days), -0.6), day=20)
            assert raised(play(PowerSupply(), told))[0].severity is severity

    def test_mains_that_strays_and_a_plant_on_its_battery_are_not_judged_like_it(self) -> None:
        told = story(60)
        for index, volts, off, begin, days in (("23", 230.0, -20, 30, 30), ("24", 53.5, -5, 30, 0.5)):
            told["entity.voltage", index] = told["entity.voltage", "21"].copy()
            told["entity.voltage", index][:, 1:6] *= volts / 12.05
            bend(told, "entity.voltage", index, lambda d, off=off, days=days: np.where(d < days, off, 0.0), day=begin)  # type: ignore[misc]
        assert play(PowerSupply(), told) == []

    def test_volts_told_in_millivolts_from_one_day_on_are_learned_anew(self) -> None:
        told = story(60)
        scale(told, "entity.voltage", "21", 1000, day=30)
        assert play(PowerSupply(), told) == []

    def test_a_supply_that_is_off_for_a_week_or_silent_for_a_month_is_none(self) -> None:
        told = story(80)
        told["entity.voltage", "21"][30 * DAY : 37 * DAY, 1:6] = 0
        silence(told, 40, 70)
        assert play(PowerSupply(), told) == []


class TestFanTray:
    def test_a_fan_slower_than_its_sisters_is_raised(self) -> None:
        told = story(60)
        bend(told, "entity.fan.speed", "12", lambda days: -40 * days, day=20)
        [finding] = raised(play(FanTray(), told))
        assert finding.evidence[0].index == "12"
        assert finding.severity is Severity.MINOR
        assert 34 < seen(finding) < 38, "15 % of 4000 RPM are 600"

    def test_a_fan_that_stands_is_major_within_hours(self) -> None:
        told = story(30)
        scale(told, "entity.fan.speed", "13", 0.05, day=25)
        [finding] = [f for f in told_of(play(FanTray(), told)) if f.severity is Severity.MAJOR]
        assert seen(finding) < 25.3

    def test_a_drive_that_rises_while_the_air_is_as_it_was_is_a_filter(self) -> None:
        told = story(90)
        for index in ("11", "12", "13"):
            bend(told, "entity.fan.level", index, lambda days: np.minimum(30, days), day=30)
            bend(told, "entity.fan.speed", index, lambda days: 80 * np.minimum(30, days), day=30)
        findings = raised(play(FanTray(), told))
        assert [finding.evidence[0].point for finding in findings] == ["entity.fan.level"]

    def test_a_hot_summer_drives_all_fans_and_is_none(self) -> None:
        told = story(120)
        for index in ("1", "2"):
            bend(told, "entity.temperature", index, lambda days: 8 * np.sin(days / 60 * np.pi), day=30)
        for index in ("11", "12", "13"):
            bend(told, "entity.fan.level", index, lambda days: 25 * np.sin(days / 60 * np.pi), day=30)
            bend(told, "entity.fan.speed", index, lambda days: 1500 * np.sin(days / 60 * np.pi), day=30)
        assert play(FanTray(), told) == []

    def test_a_tray_exchanged_for_another_clears_it(self) -> None:
        told = story(60)
        bend(told, "entity.fan.speed", "12", lambda days: np.where(days < 10, -1000.0, 0.0), day=30)
        changes = play(FanTray(), told)
        assert [day_of(end.at) for end in cleared(changes)] == [pytest.approx(40.5, abs=0.6)]

    def test_the_usual_drive_is_what_the_cohort_is_told(self) -> None:
        assert measured(FanTray(), story(30)) == {"fan_level": pytest.approx(40, abs=1)}


class TestOverheating:
    def test_one_sensor_that_leaves_the_others_is_the_device(self) -> None:
        told = story(40)
        bend(told, "entity.temperature", "2", lambda days: np.full(len(days), 10.0), day=30)
        [finding] = raised(play(Overheating(), told))
        assert (finding.kind, finding.severity, finding.evidence[0].index) == (KIND, Severity.MINOR, "2")
        assert seen(finding) < 30.3

    def test_all_sensors_together_are_the_room_and_its_root_is_the_site(self) -> None:
        told = story(40)
        for index in ("1", "2"):
            bend(told, "entity.temperature", index, lambda days: np.full(len(days), 12.0), day=30)
        assert [finding.kind for finding in raised(play(Overheating(), told))] == [ROOM]

    def test_dust_that_warms_it_slowly_is_given_a_date(self) -> None:
        told = story(120)
        bend(told, "entity.temperature", "2", lambda days: 0.15 * days, day=30)
        [first] = raised(play(Overheating(), told))
        assert first.forecast is not None
        assert day_of(first.forecast) == pytest.approx(130, abs=12), "15 degrees at 0.15 a day, from day 30 on"

    def test_it_grows_worse_and_clears(self) -> None:
        told = story(60)
        bend(
            told, "entity.temperature", "2", lambda days: np.where(days < 2, 9.0, np.where(days < 5, 30.0, 0.0)), day=30
        )
        changes = play(Overheating(), told)
        assert [finding.severity for finding in told_of(changes)][-1] is Severity.CRITICAL
        assert len(cleared(changes)) == 1

    def test_a_device_with_one_sensor_says_that_it_cannot_tell(self) -> None:
        told = {key: rows for key, rows in story(60).items() if key != ("entity.temperature", "1")}
        bend(told, "entity.temperature", "2", lambda days: np.full(len(days), 12.0), day=40)
        [finding] = raised(play(Overheating(), told))
        assert finding.kind == KIND
        assert finding.score < 0.7
        assert "neighbours" in finding.evidence[1].text.en

    def test_degrees_fahrenheit_from_one_day_on_are_learned_anew(self) -> None:
        told = story(60)
        for index in ("1", "2"):
            rows = told["entity.temperature", index][40 * DAY :]
            rows[:, 1:6] = rows[:, 1:6] * 1.8 + 32
        assert play(Overheating(), told) == []

    def test_a_month_of_silence_and_an_absent_sensor_are_none(self) -> None:
        told = story(90)
        silence(told, 30, 60)
        told["entity.temperature", "2"][70 * DAY : 71 * DAY, 1:6] = 0
        assert play(Overheating(), told) == []

from __future__ import annotations

import numpy as np
import pytest

from alerts.kinds import KINDS
from analytics.detectors.congestion import Congestion
from analytics.detectors.fibre_loss import FibreLoss
from analytics.detectors.laser_ageing import LaserAgeing
from analytics.detectors.line_errors import LineErrors
from model.finding import Severity
from tests.analytics.network.switch import (
    DAY,
    bend,
    cleared,
    count,
    day_of,
    measured,
    play,
    raised,
    restart,
    scale,
    seen,
    silence,
    story,
    told_of,
)
from tests.contracts.hourly_year import Story


def age(told: Story, a_day: float, *, day: float, port: str = "1") -> None:
    """Let the current of a laser grow by a share each day."""
    rows = told["optics.bias", port][round(day * DAY) :]
    rows[:, 1:6] *= (1 + a_day * np.arange(len(rows)) / DAY)[:, None]


class TestLaserAgeing:
    def test_a_current_that_grows_is_watched_then_due_with_a_date(self) -> None:
        told = story(150)
        age(told, 0.006, day=20)
        watched, *_, due = told_of(play(LaserAgeing(), told))
        assert (watched.severity, watched.index) == (Severity.WARNING, "1")
        assert 50 < seen(watched) < 60, "20 % at 0.6 % a day"
        assert watched.forecast is not None
        assert day_of(watched.forecast) == pytest.approx(20 + 0.5 / 0.006, abs=12)
        assert due.severity is Severity.MINOR
        assert "kept by the control" in watched.evidence[1].text.en

    def test_light_that_falls_at_last_is_major(self) -> None:
        told = story(120)
        age(told, 0.006, day=20)
        bend(told, "optics.tx_power", "1", lambda days: -0.2 * days, day=90)
        assert told_of(play(LaserAgeing(), told))[-1].severity is Severity.MAJOR

    def test_a_hot_season_is_none(self) -> None:
        told = story(120)
        bend(told, "optics.temperature", "1", lambda days: 12 * np.sin(days / 60 * np.pi), day=20)
        rows = told["optics.bias", "1"][20 * DAY :]
        rows[:, 1:6] *= (1 + 0.009 * 12 * np.sin(np.arange(len(rows)) / DAY / 60 * np.pi))[:, None]
        assert play(LaserAgeing(), told) == []

    def test_another_optic_is_learned_anew_and_clears_what_stood(self) -> None:
        told = story(150)
        age(told, 0.006, day=20)
        for point, by in (("optics.bias", 0.6), ("optics.tx_power", 0.7)):
            scale(told, point, "1", by, day=100)
        changes = play(LaserAgeing(), told)
        assert [day_of(end.at) for end in cleared(changes)] == [pytest.approx(100, abs=1)]
        assert len(raised(changes)) == 1

    def test_an_optic_that_needs_more_from_the_day_it_was_put_in_is_none(self) -> None:
        told = story(60)
        scale(told, "optics.bias", "1", 1.6, day=30)
        bend(told, "optics.tx_power", "1", lambda days: np.full(len(days), 0.9), day=30)
        assert play(LaserAgeing(), told) == []

    def test_milliamperes_from_one_day_on_a_dark_laser_and_a_month_of_silence_are_none(self) -> None:
        told = story(100)
        silence(told, 25, 55)
        told["optics.bias", "1"][60 * DAY : 62 * DAY, 1:6] = 0
        scale(told, "optics.bias", "2", 1000, day=30)
        assert play(LaserAgeing(), told) == []

    def test_its_drift_is_what_the_cohort_is_told(self) -> None:
        told = story(60)
        age(told, 0.002, day=0)
        assert measured(LaserAgeing(), told)["bias_drift"] == pytest.approx(5.7, abs=0.7)


class TestFibreLoss:
    def test_a_bend_is_raised_within_hours_as_a_step_of_one_direction(self) -> None:
        told = story(40)
        bend(told, "optics.rx_power", "1", lambda days: np.full(len(days), -2.6), day=30)
        finding = told_of(play(FibreLoss(), told))[1]
        assert (finding.severity, finding.index) == (Severity.MINOR, "1")
        assert seen(finding) < 30.3
        words = " ".join(line.text.en for line in finding.evidence)
        assert "in a step" in words
        assert "one direction only" in words

    def test_dirt_is_watched_from_one_decibel_and_dated(self) -> None:
        told = story(120)
        bend(told, "optics.rx_power", "2", lambda days: -0.04 * days, day=20)
        watched, *_, due = told_of(play(FibreLoss(), told))
        assert (watched.severity, due.severity) == (Severity.WARNING, Severity.MINOR)
        assert seen(watched) == pytest.approx(45, abs=2)
        assert watched.forecast is not None
        assert day_of(watched.forecast) == pytest.approx(170, abs=15)

    def test_a_port_that_was_moved_to_another_patch_is_learned_anew(self) -> None:
        told = story(60)
        told["optics.rx_power", "1"][30 * DAY : 30 * DAY + 3, 1:6] = -40
        bend(told, "optics.rx_power", "1", lambda days: np.full(len(days), -4.0), day=30 + 3 / DAY)
        assert play(FibreLoss(), told) == []

    def test_darkness_and_the_same_light_again_keep_what_was_learned(self) -> None:
        told = story(60)
        told["optics.rx_power", "1"][30 * DAY : 31 * DAY, 1:6] = -40
        bend(told, "optics.rx_power", "1", lambda days: np.full(len(days), -2.5), day=35)
        [finding] = raised(play(FibreLoss(), told))
        assert seen(finding) < 35.3

    def test_more_light_is_none_and_learned_anew(self) -> None:
        told = story(80)
        bend(told, "optics.rx_power", "1", lambda days: np.full(len(days), 4.0), day=30)
        assert [f.index for f in raised(play(FibreLoss(), told))] == []

    def test_ports_that_changed_places_under_their_numbers_are_learned_anew(self) -> None:
        told = story(60)
        for point, by in (("optics.rx_power", -3.0), ("optics.tx_power", 1.0)):
            bend(told, point, "1", lambda days, by=by: np.full(len(days), by), day=30)  # type: ignore[misc]
            bend(told, point, "2", lambda days, by=by: np.full(len(days), -by), day=30)  # type: ignore[misc]
        assert play(FibreLoss(), told) == []

    def test_a_cleaned_connector_clears_it(self) -> None:
        told = story(60)
        bend(told, "optics.rx_power", "1", lambda days: np.where(days < 10, -3.0, 0.0), day=30)
        assert len(cleared(play(FibreLoss(), told))) == 1


def errors(told: Story, rate: float, *, day: float, port: str = "1", way: str = "In") -> None:
    """Let a share of the frames be damaged from a day on."""
    frames = told[f"if{way}UcastPkts", port]
    added = np.diff(frames[:, 5], prepend=0)
    added[: round(day * DAY)] = 0
    damaged = np.round(np.cumsum(added * rate))
    count(told, f"if{way}Errors", port, np.diff(damaged, prepend=0.0).astype(np.float64))


class TestLineErrors:
    def test_three_in_a_million_are_a_job_within_a_day(self) -> None:
        told = story(40)
        errors(told, 3e-6, day=30)
        finding = told_of(play(LineErrors(), told))[1]
        assert (finding.severity, finding.index) == (Severity.MINOR, "1")
        assert seen(finding) < 31
        assert "not the fibre" in finding.evidence[1].text.en

    def test_one_in_a_hundred_million_is_watched(self) -> None:
        told = story(40)
        errors(told, 3e-8, day=30)
        assert [finding.severity for finding in raised(play(LineErrors(), told))] == [Severity.WARNING]

    def test_with_less_light_it_is_the_fibre_and_one_incident_with_it(self) -> None:
        told = story(40)
        errors(told, 3e-6, day=31)
        bend(told, "optics.rx_power", "1", lambda days: np.full(len(days), -3.0), day=30)
        [finding] = raised(play(LineErrors(), told))
        [light] = raised(play(FibreLoss(), told))
        assert "less light" in finding.evidence[1].text.en
        assert finding.index == light.index
        keys = {
            (KINDS[kind].cause, KINDS[kind].root)
            for kind in ("line_errors", "fibre_loss", "port_errors", "link_flapping", "laser_ageing", "port_down")
        }
        assert len(keys) == 1

    def test_three_ports_at_once_are_the_device(self) -> None:
        told = story(40)
        for point in ("ifInErrors", "ifInUcastPkts"):
            told[point, "3"] = told[point, "1"].copy()
        for port in ("1", "2", "3"):
            errors(told, 3e-6, day=30, port=port)
        last = {finding.index: finding for finding in raised(play(LineErrors(), told))}
        assert any("line card" in line.text.en for finding in last.values() for line in finding.evidence)

    def test_a_port_that_always_had_some_is_its_usual(self) -> None:
        told = story(60)
        errors(told, 5e-7, day=0)
        assert play(LineErrors(), told) == []

    def test_restarts_wraps_and_silence_are_no_errors(self) -> None:
        told = story(60)
        told["ifInErrors", "1"][:, 1:6] += 4_294_967_000
        told["ifInErrors", "1"][25 * DAY :, 1:6] -= 4_294_966_900
        restart(told, 30, 40)
        silence(told, 45, 55)
        told["ifInErrors", "2"][52 * DAY :, 1:6] += 1e6
        assert play(LineErrors(), told) == []

    def test_it_clears_when_the_line_is_well(self) -> None:
        told = story(50)
        errors(told, 3e-6, day=30)
        rows = told["ifInErrors", "1"]
        rows[35 * DAY :, 1:6] = rows[35 * DAY, 5]
        assert [day_of(end.at) for end in cleared(play(LineErrors(), told))] == [pytest.approx(36, abs=0.3)]


def full(told: Story, *, day: float, share: float = 0.9, lost: float = 1e-3, days: int = 99) -> None:
    """From a day on, fill port 1 at four hours of the evening and discard a share."""
    hours = len(told["ifHCOutOctets", "1"])
    hour = np.arange(hours)
    busy = (hour >= day * DAY) & (hour < (day + days) * DAY) & (hour % DAY >= 18) & (hour % DAY < 22)
    octets = np.where(busy, share * 1e10 / 8 * 3600, 1e9)
    count(told, "ifHCOutOctets", "1", octets)
    count(told, "ifOutUcastPkts", "1", np.round(octets / 800))
    count(told, "ifOutDiscards", "1", np.where(busy, np.round(octets / 800 * lost), 0.0))


class TestCongestion:
    def test_three_full_evenings_are_raised(self) -> None:
        told = story(30)
        full(told, day=20)
        [finding] = raised(play(Congestion(), told))
        assert finding.severity is Severity.MINOR
        assert 22 < seen(finding) < 24

    def test_two_are_not(self) -> None:
        told = story(30)
        full(told, day=20, days=2)
        assert play(Congestion(), told) == []

    def test_discards_in_an_idle_port_are_a_warning(self) -> None:
        told = story(30)
        full(told, day=20, share=0.2)
        assert [finding.severity for finding in raised(play(Congestion(), told))] == [Severity.WARNING]

    def test_it_is_over_when_the_link_is_faster(self) -> None:
        told = story(50)
        full(told, day=20, days=8)
        assert len(cleared(play(Congestion(), told))) == 1

    def test_restarts_and_impossible_rises_are_none(self) -> None:
        told = story(40)
        for day in (20, 22, 24, 26):
            told["ifOutDiscards", "1"][day * DAY :, 1:6] += 1e6
            told["ifHCOutOctets", "1"][day * DAY :, 1:6] += 1e17
        restart(told, 10, 15)
        assert play(Congestion(), told) == []

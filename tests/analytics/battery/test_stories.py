"""Stories of one battery each, told by a physics that shares nothing with the estimators."""

from __future__ import annotations

from model.finding import Severity
from tests.analytics.battery.cabinet import Cabinet, file_of
from tests.analytics.timeline import cleared, last, raised

JOB = "battery_replace"


def test_a_false_flag_makes_no_job() -> None:
    cabinet = Cabinet()
    cabinet.rest(3)
    cabinet.outage(500)
    cabinet.flag = 1.0
    cabinet.rest(30)
    assert raised(cabinet.changes, "battery_flag"), "the flag itself is told"
    assert raised(cabinet.changes, JOB) == raised(cabinet.changes, "battery_unproven") == []


def test_a_battery_that_fails_at_full_charge_with_its_test_passed_is_a_job() -> None:
    cabinet = Cabinet(installed="2021-06-01", celsius=28)
    cabinet.rest(1)
    for week in range(10):
        cabinet.soh, cabinet.resistive = 1.0 - 0.045 * week, 1 + 0.12 * week
        cabinet.self_test()
        cabinet.rest(7)
    cabinet.outage(420)
    finding = last(cabinet.changes, JOB)
    told = " | ".join(e.text.en for e in finding.evidence)
    assert finding.severity in (Severity.MAJOR, Severity.CRITICAL)
    assert told.count("[for replacement") >= 4, told
    assert "self-test passed" in told
    assert "flag says its battery is OK [against it" in told
    assert "wrong if a capacity test" in finding.advice.en
    assert all(e.text.zh for e in finding.evidence)
    assert finding.forecast is not None


def test_an_exchanged_battery_clears_the_verdict_by_measurement() -> None:
    cabinet = Cabinet(soh=0.55)
    cabinet.rest(2)
    cabinet.outage(400)
    assert raised(cabinet.changes, JOB)
    cabinet.soh = 1.0  # exchanged, and nobody wrote it down
    cabinet.rest(5)
    assert cleared(cabinet.changes, JOB) == [], "a full charge proves nothing"
    cabinet.outage(700)
    [end] = cleared(cabinet.changes, JOB)
    assert "exchanged" in end.why.en
    assert file_of(cabinet)["belief"]["health"] > 0.9  # type: ignore[index]


def test_a_new_date_in_the_inventory_clears_it_too() -> None:
    cabinet = Cabinet(soh=0.55)
    cabinet.rest(2)
    cabinet.outage(400)
    cabinet.installed, cabinet.soh = "2026-02-10", 1.0
    [end] = cleared(cabinet.rest(1), JOB)
    assert "inventory" in end.why.en


def test_23_minutes_were_said_21_came_and_it_is_scored() -> None:
    cabinet = Cabinet(load=28, soh=0.96, promised_s=23 * 60)
    cabinet.rest(2)
    cabinet.outage(99_999)
    [score] = file_of(cabinet)["scores"]  # type: ignore[misc]
    minutes = {key: score[key] / 60 for key in ("p10", "p50", "p90", "real")}
    assert round(minutes["p50"]) == 23
    assert 2 < minutes["p50"] - minutes["p10"] < 4
    assert 2 < minutes["p90"] - minutes["p50"] < 4
    assert score["p10"] <= score["real"] <= score["p90"]
    assert score["made"] < score["at"]
    assert round(minutes["real"]) == 21


def test_a_year_without_any_test_is_told_and_no_job() -> None:
    cabinet = Cabinet()
    cabinet.rest(400, every_s=43_200)
    assert [f.severity for f in raised(cabinet.changes, "battery_untested")] == [Severity.WARNING]
    cabinet.outage(500)
    assert cleared(cabinet.changes, "battery_untested")


def test_a_healthy_battery_is_not_accused_in_its_first_month_at_any_load() -> None:
    for load in (10, 40, 80):
        cabinet = Cabinet(load=load)
        cabinet.rest(3)
        cabinet.outage(120)
        cabinet.self_test()
        cabinet.rest(20)
        assert not [k for k in (JOB, "battery_unproven", "battery_untested") if raised(cabinet.changes, k)], load

"""The end of a life as a date: told while there is time to plan, once, and taken back by an order or by another battery."""

from __future__ import annotations

from datetime import UTC, datetime

from analytics.battery import due
from model.finding import Severity
from tests.analytics.battery.cabinet import Cabinet
from tests.analytics.timeline import cleared, last, raised


def aged(weeks: int) -> Cabinet:
    """Three and a half years old, tested each week while it wears by 0.3 % of its capacity in each, faster and faster."""
    cabinet = Cabinet(installed="2022-09-01", celsius=27)
    cabinet.rest(1)
    for week in range(weeks):
        cabinet.soh = 0.97 - 0.17 * (week / 52) ** 2
        cabinet.resistive = 1 + 0.5 * (1 - cabinet.soh) / 0.2
        cabinet.self_test()
        cabinet.rest(7)
    return cabinet


def test_it_is_told_before_the_end_with_a_date_and_no_job() -> None:
    cabinet = aged(48)
    [finding, *_] = raised(cabinet.changes, due.KIND)

    assert cabinet.soh > 0.8
    assert finding.severity is Severity.WARNING
    assert finding.score > 0.6
    assert finding.forecast is not None
    day = datetime.fromtimestamp(finding.forecast / 1000, UTC).date().isoformat()
    [line] = finding.evidence
    assert day in line.text.en
    assert day in line.text.zh
    assert "wrong if" in finding.advice.en


def test_nothing_is_told_in_the_first_four_months_nor_of_a_battery_that_holds() -> None:
    assert raised(aged(16).changes, due.KIND) == []
    young = Cabinet(installed="2025-12-01")
    young.rest(1)
    for _ in range(30):
        young.self_test()
        young.rest(7)
    assert raised(young.changes, due.KIND) == []


def test_another_battery_in_the_inventory_takes_it_back() -> None:
    cabinet = aged(48)
    cabinet.installed, cabinet.soh, cabinet.resistive = "2027-01-01", 1.0, 1.0
    cabinet.rest(1)
    assert cleared(cabinet.changes, due.KIND)
    assert last(cabinet.changes, due.KIND).kind == due.KIND

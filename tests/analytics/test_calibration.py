"""What a score is worth is learned from what findings proved to be, and a little from few of them."""

from __future__ import annotations

from math import isnan

import pytest

from analytics import calibration
from analytics.calibration import NONE, SHIPPED, Calibration, Case, Curve, bins, brier, calibrated, decode, encode, fit
from analytics.watch import Watch, blocks_of, step
from model.finding import Change, Cleared, Finding, Raised, Severity
from model.text import Text
from tests.analytics.timeline import Line, context


def cases(kind: str, score: float, right: int, n: int, *, devices: int | None = None, first: int = 0) -> list[Case]:
    return [
        Case(kind=kind, device=str(first + i % (devices or n)), score=score, right=i < right) for i in range(n)
    ]  # fmt: skip


def finding(score: float, kind: str = "fan") -> Finding:
    return Finding(
        device="s/d", kind=kind, index=None, severity=Severity.MINOR, since=0, score=score, evidence=(), advice=Text("", "")
    )  # fmt: skip


def test_many_cases_say_what_a_claim_is_worth() -> None:
    found = fit(cases("fan", 0.9, 100, 200), "x")
    assert found.observed("fan", 0.9) == pytest.approx(0.5, abs=0.02)


def test_few_devices_keep_the_claim_and_a_dozen_move_it_half_way() -> None:
    assert fit(cases("fan", 0.9, 0, 4), "x").observed("fan", 0.9) is None
    some = fit(cases("fan", 0.9, 6, 12), "x").observed("fan", 0.9)
    assert some is not None
    assert 0.5 < some < 0.8


def test_forty_findings_of_one_device_are_no_forty_cases() -> None:
    assert fit(cases("fan", 0.9, 0, 40, devices=1), "x").curves == {}
    by_ten = fit(cases("fan", 0.9, 0, 40, devices=10), "x").observed("fan", 0.9)
    by_forty = fit(cases("fan", 0.9, 0, 40), "x").observed("fan", 0.9)
    assert by_ten is not None
    assert by_forty is not None
    assert by_forty < by_ten < 0.9


def test_more_claimed_is_never_less_observed() -> None:
    upside_down = cases("fan", 0.9, 5, 60) + cases("fan", 0.3, 55, 60, first=60)
    table = fit(upside_down, "x").curves["fan"].table
    seen = [observed for _, observed in table]
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen)


def test_new_cases_go_on_from_what_was_known() -> None:
    known = fit(cases("fan", 0.9, 100, 200), "x")
    again = fit(cases("fan", 0.9, 5, 10), "y", known).observed("fan", 0.9)
    alone = fit(cases("fan", 0.9, 5, 10), "y").observed("fan", 0.9)
    assert again == pytest.approx(0.5, abs=0.02)
    assert alone is not None
    assert alone > 0.6


def test_claims_between_and_beyond_the_rows_are_read_by_lines() -> None:
    curve = Curve(table=((0.2, 0.1), (0.6, 0.5)), n=10, right=5, devices=10)
    by = Calibration(source="x", curves={"fan": curve})
    assert [by.observed("fan", c) for c in (0.0, 0.2, 0.4, 0.6, 1.0)] == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5])
    assert by.observed("other", 0.4) is None


def test_a_finding_shows_what_was_observed_and_keeps_its_claim() -> None:
    by = fit(cases("fan", 0.9, 100, 200), "x")
    over = Cleared(device="s/d", kind="fan", index=None, at=1, why=Text("", ""))
    changes: list[Change] = [Raised(finding=finding(0.9)), Raised(finding=finding(0.9, "charger")), over]
    first, second, third = calibrated(changes, by)
    assert isinstance(first, Raised)
    assert (first.finding.claimed, first.finding.score) == (0.9, pytest.approx(0.5, abs=0.02))
    assert (second, third) == (changes[1], over)


def test_what_the_detectors_say_comes_out_calibrated() -> None:
    line = Line().say(0, alarm__fan_failure=0)
    for s in range(10, 60, 10):
        line.say(s, alarm__fan_failure=1)
    blocks = blocks_of(line.readings, [])
    [raised] = step(Watch(), blocks, context, 0, calibration=NONE)
    [shown] = step(Watch(), blocks, context, 0, calibration=fit(cases("fan", 0.9, 0, 50), "x"))
    assert isinstance(raised, Raised)
    assert isinstance(shown, Raised)
    assert raised.finding.claimed is None
    assert shown.finding.claimed == raised.finding.score > shown.finding.score


def test_cases_that_were_fitted_are_right_as_often_as_they_say() -> None:
    rows = cases("fan", 0.9, 60, 100) + cases("charger", 0.5, 45, 50, first=100)
    by = fit(rows, "x")
    assert brier(rows, by) < brier(rows)
    for one in bins(rows, by):
        assert one.score == pytest.approx(one.right / one.n, abs=0.05)
    assert isnan(brier([]))


def test_the_table_that_is_shipped_can_be_read_and_says_of_what_it_was_made() -> None:
    assert decode(encode(SHIPPED)) == SHIPPED
    assert SHIPPED.source
    for curve in SHIPPED.curves.values():
        assert curve.devices >= calibration.LEAST_DEVICES
        assert [claim for claim, _ in curve.table] == list(calibration.CLAIMS)
        assert [seen for _, seen in curve.table] == sorted(seen for _, seen in curve.table)

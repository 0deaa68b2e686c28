"""What the suite runs of the simulated fleet: 46 UPSs and 4 switches over a year, seed 1, through the real path."""

from __future__ import annotations

import json

import pytest

from tests.simulation.fleet import __main__ as fleet


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(1200)
def test_a_year_of_fifty_devices_is_judged_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    """Bounds, not figures: docs/fleet.md has the figures. A change that makes the detectors worse than these is a step back."""
    assert fleet.main(["--seed", "1", "--small", "--workers", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["figures"]
    assert found["devices"] == 50
    assert found["broken"] == {}, "no detector fails on any device"
    assert found["first_month"] == 0, found["first_month_kinds"]
    assert found["false_jobs"]["k"] == 0
    assert found["announced"]["n"] >= 8
    assert found["announced"]["k"] >= 7
    assert found["in_time"]["n"] >= 18
    assert found["in_time"]["k"] >= 17
    assert found["false_tickets"]["k"] <= 4, found["false_kinds"]

"""What one discharge shows, and what it does not: stale gauges, batteries that gave more than they were believed to hold."""

from __future__ import annotations

import pytest

from analytics.battery import belief, measuring
from analytics.battery.measuring import measure
from analytics.battery.recorder import Discharge, End
from model.inventory import Battery, Device
from tests.analytics.timeline import UPS, context

FULL_S = 1800.0


def device(runtime_s: float | None = FULL_S) -> Device:
    return context(UPS, battery=Battery(blocks=16, block_ah=9.0, runtime_s=runtime_s, runtime_load=40.0)).device


def record(seconds: float, charge_end: float, *, reason: End = End.MAINS) -> Discharge:
    return Discharge(
        start=0, end=round(seconds * 1000), test=False, reason=reason, load=40.0, celsius=25.0, charge_start=100.0, charge_end=charge_end,
        depth=(100 - charge_end) / 100, rest_v=217.0, trough_v=None, plateau_v=None, end_v=None, sag_v=None, amps=None, ah=None, wh=None,
        estimate_s=None, effort_s=seconds, load_first=40.0,
    )  # fmt: skip


def rows(seconds: float, charge_end: float, bend: float = 0.0) -> list[list[float | None]]:
    """A gauge that falls in a line, or `bend` (parts of the charge) below it in the middle; no volts, so that the pace is alone."""
    some = 30
    return [
        [
            seconds * n / some, None, None, None,
            100 - (100 - charge_end) * n / some - 400 * bend * (n / some) * (1 - n / some), seconds * n / some,
        ]
        for n in range(some + 1)
    ]  # fmt: skip


def test_a_gauge_that_counts_shows_an_old_belief_and_weighs_little_until_its_end() -> None:
    straight = measure(record(900, 50), rows(900, 50), device())
    bent = measure(record(900, 50), rows(900, 50, bend=0.1), device())
    ended = measure(record(1750, 4), rows(1750, 4), device())
    assert straight is not None
    assert bent is not None
    assert ended is not None
    assert straight[1] == pytest.approx(1.0, abs=0.02)
    assert straight[2] > 0.2 > bent[2] > ended[2]
    assert ended[2] < 0.08


def test_a_low_reading_is_no_old_belief() -> None:
    """Such a gauge believes in the battery when it was new: one that reads 60 % says that this one is worn."""
    found = measure(record(500, 50), rows(500, 50), device())
    assert found is not None
    assert found[1] < 0.65
    assert found[2] < 0.13


def test_nothing_promised_and_nothing_told_measure_nothing() -> None:
    assert measure(record(900, 50), rows(900, 50), device(None)) is None
    assert measure(record(60, 97), rows(60, 97), device()) is None


def test_what_a_battery_gave_it_had() -> None:
    weak = belief.prior(0.55, 0.0, 0, sd=0.05)
    gave = measure(record(1500, 20), rows(1500, 20), device())
    short = measure(record(900, 20), rows(900, 20), device())
    assert gave is not None
    assert short is not None
    assert measuring.outlived(gave[0], weak)
    assert not measuring.outlived(short[0], weak)
    assert not measuring.outlived(gave[0], belief.prior(0.9, 0.0, 0, sd=0.05))

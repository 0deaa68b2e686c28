"""Capacity from a part of a discharge: made-up blocks whose curves are no part of the estimator, seen through a coarse gauge."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.battery import cohort
from analytics.battery.cohort import DEPTHS, Cohort, Floats

NOISE_V, STEP_V = 0.02, 0.1


def _curve(x: Floats, amps: float, celsius: float, ohm: float, acid: float) -> Floats:
    """Shepherd's form, so that the shapes learned are not the ones that made the blocks."""
    top = 12.6 + acid - ohm * amps * (1 - 0.005 * (celsius - 25))
    return np.asarray(10.5 + (top - 10.5) * (1 - 0.72 * x - 0.28 * x / (1.35 - x) * 0.35))


def _blocks(n: int, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    random = np.random.default_rng(seed)
    amps, celsius = random.uniform(6, 40, n), random.uniform(15, 35, n)
    ohm, acid = random.uniform(0.01, 0.03, n), random.uniform(-0.1, 0.1, n)
    capacity = 12 * np.exp(-0.2 * np.log(amps / 10) - 12 * (ohm - 0.02) + acid + random.normal(0, 0.1, n))
    curves = np.stack([_curve(DEPTHS, *row) for row in zip(amps, celsius, ohm, acid, strict=True)])
    return amps, celsius, capacity, curves


@pytest.fixture(scope="module")
def learned() -> Cohort:
    return cohort.fit(*_blocks(120, 1))


def _seen(capacity: float, amps: float, curve: Floats, share: float, seed: int) -> cohort.Part:
    drawn = np.arange(0.0, share * capacity, amps / 3600)
    volts = np.interp(drawn / capacity, DEPTHS, curve) + np.random.default_rng(seed).normal(0, NOISE_V, len(drawn))
    return cohort.part(drawn, np.round(volts / STEP_V) * STEP_V, noise_v=NOISE_V, step_v=STEP_V)


def test_the_more_was_seen_the_better_and_the_error_is_known(learned: Cohort) -> None:
    amps, celsius, capacity, curves = _blocks(25, 2)
    errors: dict[float, list[float]] = {0.0: [], 0.1: [], 0.5: []}
    inside = []
    for k in range(25):
        for share, found in errors.items():
            told = cohort.estimate(learned, amps[k], celsius[k], _seen(capacity[k], amps[k], curves[k], share, k))
            found.append(abs(told.capacity_ah / capacity[k] - 1))
            inside.append(abs(np.log(told.capacity_ah / capacity[k])) < 2 * told.sd)
    nothing, tenth, half = (float(np.mean(errors[share])) for share in (0.0, 0.1, 0.5))
    assert tenth < 0.9 * nothing
    assert half < 0.5 * tenth
    assert half < 0.03
    assert np.mean(inside) > 0.85


def test_a_gauge_ten_times_too_high_tells_nothing(learned: Cohort) -> None:
    amps, celsius, capacity, curves = (column[0] for column in _blocks(1, 3))
    before = cohort.estimate(learned, amps, celsius, _seen(capacity, amps, curves, 0.0, 0))
    after = cohort.estimate(learned, amps, celsius, _seen(capacity, amps, curves * 10, 0.05, 0))
    assert after.sd > 0.8 * before.sd
    assert after.capacity_ah == pytest.approx(before.capacity_ah, rel=0.15)


def test_readings_that_are_no_numbers_are_left_out(learned: Cohort) -> None:
    amps, celsius, capacity, curves = (column[0] for column in _blocks(1, 4))
    drawn = np.arange(0.0, 0.3 * capacity, amps / 3600)
    volts = np.round(np.interp(drawn / capacity, DEPTHS, curves) / STEP_V) * STEP_V
    holed, at = volts.copy(), drawn.copy()
    holed[5::50] = np.nan
    at[7::50] = np.inf
    kept = np.isfinite(holed) & np.isfinite(at)
    with_holes = cohort.estimate(learned, amps, celsius, cohort.part(at, holed, noise_v=NOISE_V, step_v=STEP_V))
    without = cohort.part(drawn[kept], volts[kept], noise_v=NOISE_V, step_v=STEP_V)
    assert with_holes == cohort.estimate(learned, amps, celsius, without)


def test_single_odd_readings_move_nothing(learned: Cohort) -> None:
    amps, celsius, capacity, curves = (column[0] for column in _blocks(1, 5))
    drawn = np.arange(0.0, 0.3 * capacity, amps / 3600)
    volts = np.round(np.interp(drawn / capacity, DEPTHS, curves) / STEP_V) * STEP_V
    spiked = volts.copy()
    spiked[[3, 90, 200]] = 0.0
    clean = cohort.estimate(learned, amps, celsius, cohort.part(drawn, volts, noise_v=NOISE_V, step_v=STEP_V))
    odd = cohort.estimate(learned, amps, celsius, cohort.part(drawn, spiked, noise_v=NOISE_V, step_v=STEP_V))
    assert odd.capacity_ah == pytest.approx(clean.capacity_ah, rel=0.02)


def test_a_part_longer_than_any_block_says_only_that_much(learned: Cohort) -> None:
    told = cohort.estimate(learned, 10.0, 25.0, _seen(5000.0, 10.0, np.full(len(DEPTHS), 12.0), 0.9, 0))
    assert told.capacity_ah == pytest.approx(4500, rel=0.01)
    assert told.sd == 1.0


def test_a_finer_gauge_needs_no_steps(learned: Cohort) -> None:
    amps, celsius, capacity, curves = (column[0] for column in _blocks(1, 6))
    drawn = np.arange(0.0, 0.3 * capacity, amps / 3600)
    volts = np.interp(drawn / capacity, DEPTHS, curves)
    told = cohort.estimate(learned, amps, celsius, cohort.part(drawn, volts, noise_v=0.005, step_v=0.0))
    assert told.capacity_ah == pytest.approx(capacity, rel=0.05)


def test_fewer_than_thirty_whole_discharges_teach_nothing() -> None:
    with pytest.raises(ValueError, match="expected at least 30 whole discharges, got 29"):
        cohort.fit(*_blocks(29, 1))

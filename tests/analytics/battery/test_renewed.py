"""An exchange that nobody wrote down, by the tests' volts: another battery, or something else that came back."""

from __future__ import annotations

import random

import pytest

from analytics.battery import life

CELLS_RATE = 1.5


def state(
    levels: list[float], *, ohms: float = 1.45, rates: list[float] | None = None, noise: float = 0.001
) -> dict[str, object]:
    """Volts a cell of tests a fortnight apart, told with noise."""
    dice = random.Random(5)
    tests = [
        [n * 14 * 86_400_000, 0.02 * n, volts + dice.gauss(0, noise), (rates or [CELLS_RATE] * len(levels))[n], 25.0, 2.27, True]
        for n, volts in enumerate(levels)
    ]  # fmt: skip
    return {"tests": tests, "ohms": [ohms, 30], "step": 0.005}


OLD = [2.03 - 0.0006 * n for n in range(25)]


def test_two_tests_of_a_new_battery_tell_it() -> None:
    assert life.renewed(state([*OLD, 2.04, 2.04]))
    assert not life.renewed(state([*OLD, 2.04])), "one alone may be a slip"


@pytest.mark.parametrize("noise", [0.001, 0.004])
def test_a_battery_that_goes_on_as_before_is_no_new_one(noise: float) -> None:
    for n in range(8, len(OLD)):
        assert not life.renewed(state(OLD[:n], noise=noise))


def test_a_cell_that_was_short_and_is_mended_is_no_new_battery() -> None:
    assert not life.renewed(state([*OLD[:18], *(v - 0.02 for v in OLD[18:23]), *OLD[23:]]))


def test_another_load_and_a_gauge_that_counts_ten_times_too_high_are_no_new_battery() -> None:
    lighter = [CELLS_RATE] * len(OLD) + [0.8, 0.8]
    assert not life.renewed(state([*OLD, 2.06, 2.06], rates=lighter))
    assert not life.renewed(state([*OLD, 2.25, 2.25]))


def test_a_battery_that_is_still_new_cannot_be_told_from_a_newer_one() -> None:
    assert not life.renewed(state([2.04] * 20 + [2.046, 2.046], ohms=1.02))

"""The measure of TSB-AD against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.vus import buffered, period, vus_pr


def test_without_a_buffer_a_perfect_order_is_worth_one() -> None:
    assert vus_pr(np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.8, 0.2]), 0) == pytest.approx(1.0)


def test_half_of_the_ranges_called_is_worth_half_of_the_recall() -> None:
    # The first call finds half of the labels in half of the ranges (recall 1/4, precision 1), the third completes both (2/3).
    found = vus_pr(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.5, 0.1]), 0)
    assert found == pytest.approx(0.25 * 1 + 0.75 * 2 / 3)


def test_a_call_just_beside_the_label_is_worth_its_buffer() -> None:
    # Buffers of 0 and 1 reach nothing: one false call, then the label, precision 1/2. A buffer of 2 is sqrt(1/2) on either side.
    side = np.sqrt(0.5)
    positives = (1 + 1 + side) / 2
    wide = side / positives * side + (1 - side / positives) * (1 + side) / 2
    found = vus_pr(np.array([0, 0, 1, 0, 0]), np.array([0.0, 0.9, 0.5, 0.2, 0.1]), 2)
    assert found == pytest.approx((0.5 + 0.5 + wide) / 3)


def test_ranges_are_one_where_their_buffers_share_a_reading() -> None:
    label = np.array([0, 1, 0, 0, 1, 0])
    assert buffered(label, 2) == [(0, 2), (3, 5)]
    assert buffered(label, 4) == [(0, 5)]


def test_the_buffer_is_the_period_and_125_where_there_is_none() -> None:
    assert period(np.sin(np.arange(1000) * 2 * np.pi / 50)) == 50
    assert period(np.zeros(500)) == 125

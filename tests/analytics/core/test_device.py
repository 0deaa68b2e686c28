"""Several series of one device: the mixture that no longer fits, and the burst that names where it began."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core.burst import events, jumps, largest_moves
from analytics.core.residual import CALL, step, train
from analytics.core.windows import nearest


def _pair(steps: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    common = random.normal(size=(steps, 1))
    return common + 0.1 * random.normal(size=(steps, 3))


def test_series_that_part_are_found_though_each_stays_in_its_range() -> None:
    rows = _pair(600)
    rows[500:, 1] *= -1
    rows[500:] += [[0.8, -0.8, 0.8]]
    mixture, tail = train(rows[:400])
    ratio, _ = step(mixture, tail, rows[400:])
    assert (ratio[:100] < CALL).all()
    assert (ratio[160:] > CALL).all()


def test_the_mixture_gives_the_same_however_the_rows_are_cut_and_scaled() -> None:
    rows = _pair(500)
    mixture, tail = train(rows[:300])
    whole, _ = step(mixture, tail, rows[300:])
    first, middle = step(mixture, tail, rows[300:333])
    second, _ = step(mixture, middle, rows[333:])
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-6)
    other, other_tail = train(rows[:300] * [1000.0, 1e-3, 3.6])
    np.testing.assert_allclose(step(other, other_tail, rows[300:] * [1000.0, 1e-3, 3.6])[0], whole, rtol=1e-6)


def test_a_missing_value_is_the_last_one_and_a_dead_sensor_in_training_raises_nothing() -> None:
    rows = _pair(300)
    rows[:, 2] = np.nan
    rows[250, 0] = np.inf
    mixture, tail = train(rows[:200])
    assert np.isfinite(step(mixture, tail, rows[200:])[0]).all()


def test_too_short_a_good_stretch_is_refused_with_what_was_expected() -> None:
    with pytest.raises(ValueError, match="at least 60 rows"):
        train(_pair(59))


def test_the_device_whose_counters_jump_most_is_named_and_one_event_is_one() -> None:
    good = np.tile(np.arange(8.0) * 100, (60, 1))
    largest = largest_moves(good)
    struck = good.copy()
    struck[30:] += 5
    felt = good.copy()
    felt[31:, :3] += 5
    seen = {
        name: [(at * 4.0, int(count)) for at, count in enumerate(jumps(largest, good[-1], rows))]
        for name, rows in (("leaf1", struck), ("spine1", felt), ("leaf2", good))
    }
    (event,) = events(seen)
    assert (event.begin_s, event.origin, list(event.devices)) == (120.0, "leaf1", ["leaf1", "spine1"])


def test_one_series_that_jumps_is_no_event() -> None:
    assert events({"leaf1": [(0.0, 1), (4.0, 3), (8.0, 2)]}) == []


def test_a_shape_never_seen_is_far_and_the_past_does_not_know_the_future() -> None:
    values = np.sin(np.arange(600) / 5)
    values[500:520] = 0.0
    far = nearest(values, [32])[0]
    assert far[515] > 5 * far[200:500].max()
    np.testing.assert_array_equal(nearest(values[:400], [32])[0], far[:400])

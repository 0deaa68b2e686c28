"""The streaming core: the same answer however it is cut, shared, scaled or restarted; defined outcomes for bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.core import ONE, Scores, fresh, restore, snapshot, step
from analytics.core.state import bytes_a_series

STEPS = 120


def _series(seed: int, count: int = 3, steps: int = STEPS) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.normal(size=(steps, count)) + np.sin(np.arange(steps) / 7)[:, None]
    values[random.integers(60, steps), :] += 15
    values[random.random(values.shape) < 0.02] = np.nan
    return values


def _times(steps: int = STEPS) -> np.ndarray:
    return np.arange(steps, dtype=np.int64) * 600_000 + 1_700_000_000_000


def _run(values: np.ndarray, times: np.ndarray | None = None) -> Scores:
    return step(fresh(values.shape[1], ONE), values, times, ONE)[1]


def test_the_state_of_a_series_is_under_two_kilobytes() -> None:
    assert bytes_a_series(ONE) <= 2000


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, STEPS - 1))
def test_a_snapshot_restored_at_any_point_gives_the_same_findings(seed: int, cut: int) -> None:
    values, times = _series(seed), _times()
    whole = _run(values, times)
    state, first = step(fresh(3, ONE), values[:cut], times[:cut], ONE)
    _, second = step(restore(snapshot(state)), values[cut:], times[cut:], ONE)
    np.testing.assert_array_equal(np.concatenate([first.score, second.score]), whole.score)
    np.testing.assert_array_equal(np.concatenate([first.call, second.call]), whole.call)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), others=st.integers(1, 20))
def test_a_series_scores_the_same_whoever_shares_its_batch(seed: int, others: int) -> None:
    values = _series(seed, 1 + others)
    np.testing.assert_array_equal(_run(values).score[:, :1], _run(values[:, :1]).score)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), octaves=st.integers(-40, 40), zero=st.sampled_from([0.0, 64.0, -4096.0]))
def test_scores_do_not_know_the_unit_nor_the_zero_of_a_series(seed: int, octaves: int, zero: float) -> None:
    values = np.round(_series(seed) * 1024) / 1024
    np.testing.assert_array_equal(_run((values + zero) * 2.0**octaves).score, _run(values).score)


@pytest.mark.parametrize("factor", [1000.0, 1e-3, 9 / 5, 3600.0])
def test_a_change_of_unit_moves_no_score_noticeably(factor: float) -> None:
    values = _series(5)
    np.testing.assert_allclose(_run(values * factor).score, _run(values).score, atol=0.02)


def test_the_warm_up_is_silent() -> None:
    values = np.random.default_rng(1).normal(size=(ONE.warm, 50)) ** 5
    assert not _run(values).call.any()
    assert not _run(values).score.any()


def test_a_jump_in_steady_noise_is_called_at_once_and_once() -> None:
    values = np.random.default_rng(2).normal(size=(600, 20))
    values[500:510] += 12
    call = _run(values, _times(600)).call
    assert call[500].mean() >= 0.9
    assert call[500:600].sum(0).max() <= 5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_not_taken(bad: float) -> None:
    values = _series(3)
    holed = np.insert(values, 80, bad, axis=0)
    score = _run(holed).score
    assert np.isnan(score[80]).all()
    np.testing.assert_array_equal(np.delete(score, 80, axis=0), _run(values).score)


@pytest.mark.parametrize("back_ms", [0, 1, 3_600_000])
def test_a_repeated_or_late_reading_is_not_taken(back_ms: int) -> None:
    values, times = _series(4), _times()
    again = np.insert(values, 80, 99.0, axis=0)
    score = _run(again, np.insert(times, 80, times[79] - back_ms)).score
    fresh_rows = ~np.isnan(values[79])
    assert np.isnan(score[80, fresh_rows]).all()
    kept = np.delete(score, 80, axis=0)[:, fresh_rows]
    np.testing.assert_array_equal(kept, _run(values, times).score[:, fresh_rows])


def test_a_series_that_never_moves_never_calls_and_its_first_move_is_noticed() -> None:
    values = np.full((500, 1), 230.0)
    values[400:] = 231.0
    score = _run(values, _times(500)).score[:, 0]
    assert not score[:400].any()
    assert score[400] > 0


def test_a_month_of_silence_is_no_finding_and_restarts_the_short_memory() -> None:
    values = np.random.default_rng(6).normal(size=(600, 5))
    times = _times(600)
    times[400:] += 30 * 86_400_000
    state, _ = step(fresh(5, ONE), values[:401], times[:401], ONE)
    assert (state["filled"] == 1).all()
    assert not _run(values, times).call[400:420].any()

"""Charts: nothing is drawn where nothing was heard."""

from __future__ import annotations

from collector.history import Bucket, Samples
from console import chart


def samples(*pairs: tuple[int, float]) -> Samples:
    return Samples(at=[at for at, _ in pairs], value=[value for _, value in pairs], quality=[0] * len(pairs))


def test_a_gap_is_never_bridged() -> None:
    steady = [(at * 10_000, 1.0) for at in range(10)]
    later = [(200_000 + at * 10_000, 2.0) for at in range(10)]
    curve = chart.curve_of_samples(samples(*steady, *later))
    assert curve.value.count(None) == 1
    assert curve.value[10] is None
    assert curve.gaps == [(90_000, 200_000)]
    assert curve.at == sorted(set(curve.at))


def test_one_late_answer_is_no_gap() -> None:
    curve = chart.curve_of_samples(samples((0, 1), (10_000, 1), (20_000, 1), (45_000, 1), (55_000, 1)))
    assert None not in curve.value


def test_a_missing_step_of_a_rollup_is_a_gap() -> None:
    buckets = [Bucket(at=at * 60_000, count=6, low=1, mean=2, high=3) for at in (0, 1, 2, 6, 7)]
    curve = chart.curve_of_buckets(buckets, 60_000, 10_000)
    assert curve.value == [2, 2, 2, None, 2, 2]
    assert curve.gaps == [(180_000, 360_000)]
    assert (curve.low[0], curve.high[0], curve.low[3]) == (1, 3, None)


def test_a_slow_series_has_no_gaps_between_its_steps() -> None:
    buckets = [Bucket(at=at * 600_000, count=1, low=1, mean=1, high=1) for at in range(5)]
    assert None not in chart.curve_of_buckets(buckets, 120_000, 600_000).value
    assert None not in chart.curve_of_buckets(buckets, 120_000, 10_000).value


def test_a_counter_is_drawn_as_its_rate_and_a_reset_is_no_number() -> None:
    curve = chart.rates(
        chart.curve_of_samples(samples((0, 100), (10_000, 200), (20_000, 400), (30_000, 5), (40_000, 15)))
    )
    assert curve.value == [10, 20, None, 1]


def test_a_long_range_is_rolled_up_and_a_short_one_is_not() -> None:
    assert chart.step_for(0, 3_600_000, 10_000) == 0
    assert chart.step_for(0, 86_400_000, 10_000) == 120_000
    assert chart.step_for(0, 86_400_000, 120_000) == 0


def test_thinning_keeps_the_extremes_and_the_gaps() -> None:
    pairs = [(at * 1000, float(at % 7)) for at in range(1000)]
    pairs += [(5_000_000 + at * 1000, 3.0) for at in range(1000)]
    curve = chart.thinned(chart.curve_of_samples(samples(*pairs)), most=100)
    assert len(curve.at) < 120
    assert curve.value.count(None) == 1
    assert max(v for v in curve.high if v is not None) == 6
    assert curve.at == sorted(set(curve.at))


def test_nothing_heard_is_an_empty_curve() -> None:
    assert chart.curve_of_samples(samples()).at == []
    assert chart.rates(chart.curve_of_samples(samples((0, 1)))).at == []
    assert chart.curve_of_buckets([], 60_000, 0).value == []

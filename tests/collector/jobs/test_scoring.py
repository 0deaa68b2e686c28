"""Many batteries at once are judged as each alone."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.battery import ageing, belief
from analytics.battery.belief import Belief
from analytics.battery.verdict import LEAD_DAYS
from collector.jobs.scoring import Beliefs, outlook, update

NOW = 1_790_000_000_000
RNG = np.random.default_rng(6)
ONES = [
    belief.predict(belief.prior(h, f, NOW - round(a * ageing.DAY_MS), sd), NOW - 1000)
    for h, f, a, sd in zip(
        RNG.uniform(0.3, 1.1, 60), RNG.uniform(0, 1e-3, 60), RNG.uniform(0, 900, 60), RNG.uniform(0.02, 0.2, 60), strict=True
    )
]  # fmt: skip


def test_all_at_once_is_each_alone() -> None:
    found = outlook(Beliefs.of(ONES), NOW)
    for place, one in enumerate(ONES):
        today = belief.predict(one, NOW)
        assert found.health[place] == pytest.approx(today.health)
        assert found.sd[place] == pytest.approx(today.sd)
        assert found.p_below[place] == pytest.approx(ageing.below(today, LEAD_DAYS), abs=1e-9)
        for days, chance in zip(found.days, (0.1, 0.5, 0.9), strict=True):
            assert days[place] == pytest.approx(ageing.remaining_days(today, chance), abs=1e-4)


def test_what_a_model_saw_moves_the_belief_as_a_measurement_does() -> None:
    one = belief.prior(0.95, 1e-4, NOW, 0.08)
    alone, _ = belief.update(one, 0.88, 0.06, NOW)
    many = update(Beliefs.of([one, one]), np.array([0.88, np.nan]), np.array([0.06, np.nan]))
    assert many.health.tolist() == pytest.approx([alone.health, 0.95])
    assert many.hh.tolist() == pytest.approx([alone.hh, one.hh])
    assert many.fade.tolist() == pytest.approx([alone.fade, one.fade])


def test_a_wild_answer_of_a_model_is_believed_no_further_than_three_deviations() -> None:
    one = belief.prior(0.95, 1e-4, NOW, 0.05)
    many = update(Beliefs.of([one]), np.array([-4.0]), np.array([0.05]))
    assert many.health[0] > 0.8


def test_nothing_known_says_nothing() -> None:
    assert outlook(Beliefs.of([]), NOW).p_below.shape == (0,)
    broken = Belief(health=float("nan"), fade=0.0, hh=0.01, hf=0.0, ff=0.0, at=NOW)
    assert np.isnan(outlook(Beliefs.of([broken]), NOW).days[1][0])

"""The course of a battery's health by all its tests together. The batteries here age by another law than the courses do."""

from __future__ import annotations

import random
from math import log

import msgspec
import numpy as np

from analytics.battery import course
from analytics.battery.belief import Belief
from analytics.battery.course import Trial

PACE = 1 / (4 * 365.25)


def life_of(
    life: float, years: float, *, noise: float = 0.003, seed: int = 1, rate: float = 1.0
) -> tuple[list[Trial], float]:
    """A test a fortnight until `years`, of a battery that is worn after `life` years of wear; and its health at the end."""
    dice, found, health = random.Random(seed), [], 1.0
    for n in range(1, int(years * 26)):
        wear = n / 26 / 4
        health = 1 - 0.2 * (wear / (life / 4)) ** 2.6
        ohms = 0.033 * (1 + 0.45 * (1 - health) / 0.2)
        load = rate * dice.uniform(0.9, 1.1)
        volts = 2.09 - ohms * load - 0.01 * log(1 + 20 * load) + dice.gauss(0, noise)
        found.append(
            Trial(
                at=n,
                wear=wear,
                volts=volts,
                rate=load,
                celsius=25 + dice.uniform(-4, 4),
                rest=2.27 + dice.gauss(0, 0.01),
            )
        )
    return found, health


def measured(wear: float, health: float, sd: float, way: str = "pace", common_sd: float = 0.05) -> course.Measured:
    return course.Measured(wear=wear, health=health, sd=sd, way=way, common_sd=common_sd)


def test_what_a_way_of_measuring_reads_too_high_is_learned_while_the_battery_is_young() -> None:
    """Three runs say 115 % of a battery that must be at 100 %; a fourth, a life later, that says 100 % means 85 %."""
    high = [measured(wear, 1.15, 0.04, "curve", 0.15) for wear in (0.05, 0.15, 0.25)]
    found = course.follow(0.95, PACE, [], [*high, measured(0.95, 0.98, 0.04, "curve", 0.15)])
    error, sd = found.errors["curve"]
    assert 0.09 < error < 0.19
    assert sd < 0.05
    assert found.health < 0.88
    alone = course.follow(0.95, PACE, [], [measured(0.95, 0.98, 0.04, "curve", 0.15)])
    assert alone.sd > 1.3 * found.sd


def test_the_noise_of_the_tests_is_learned_from_themselves() -> None:
    clean, _ = life_of(3.2, 3.0, noise=0.001)
    noisy, _ = life_of(3.2, 3.0, noise=0.005)
    level = [np.array([t.volts + 0.033 * t.rate for t in tests]) for tests in (clean, noisy)]
    assert course.noise_v(level[0], 0.01) < 0.003 < course.noise_v(level[1], 0.01)
    assert course.noise_v(level[0][:5], 0.0) == course.NOISE_V


def test_many_tests_that_say_nothing_each_tell_where_the_battery_stands() -> None:
    for seed, life in ((1, 3.2), (2, 4.0), (3, 5.0)):
        tests, truth = life_of(life, 3.0, seed=seed)
        found = course.follow(3.0 / 4, PACE, tests, [])
        assert abs(found.health - truth) < 0.06, life
        alone = course.follow(3.0 / 4, PACE, [], [])
        assert found.sd < 0.6 * alone.sd


def test_a_measured_capacity_moves_it_as_far_as_its_error_allows() -> None:
    base = course.follow(0.7, PACE, [], [])
    low = course.follow(0.7, PACE, [], [measured(0.7, 0.75, 0.05)])
    vague = course.follow(0.7, PACE, [], [measured(0.7, 0.75, 0.4)])
    assert low.health < 0.83 < base.health
    assert low.sd < vague.sd < base.sd
    assert low.days[1] < base.days[1]


def test_days_and_chances_are_in_order_and_the_belief_is_plain() -> None:
    tests, _ = life_of(4.0, 3.5)
    found = course.follow(3.5 / 4, PACE, tests, [measured(0.5, 0.95, 0.1)])
    assert list(found.days) == sorted(found.days)
    assert list(found.chances) == sorted(found.chances)
    believed = found.belief(0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(believed), type=Belief) == believed
    ahead, sd = believed.ahead(60)
    assert ahead < found.health
    assert sd > 0


def test_a_gauge_without_resolution_and_a_light_load_tell_little() -> None:
    tests, _ = life_of(3.2, 3.0)
    steps = [msgspec.structs.replace(t, volts=round(t.volts / 0.05) * 0.05) for t in tests]
    coarse = course.follow(0.75, PACE, steps, [], step_v=0.05)
    light, _ = life_of(3.2, 3.0, rate=0.05)
    sharp = course.follow(0.75, PACE, tests, [])
    assert coarse.sd > 1.5 * sharp.sd
    assert course.follow(0.75, PACE, light, []).sd > 1.5 * sharp.sd


def test_a_battery_met_old_and_alive_is_not_believed_dead() -> None:
    assert course.follow(1.6, PACE, [], [], wear_seen=1.6).health > 0.7

"""The rule itself: who orders a battery, who sends somebody, and who keeps still."""

from __future__ import annotations

import msgspec

from analytics.battery import belief, verdict, witnesses
from analytics.battery.belief import Belief
from analytics.battery.verdict import Judgement, Verdict
from analytics.battery.witnesses import Says, Witness
from model.text import Text

FADE = 0.15 / 365


def believed(health: float, sd: float = 0.03) -> Belief:
    return msgspec.structs.replace(belief.prior(health, FADE, 0, sd=sd), ff=(0.1 * FADE) ** 2)


def witness(name: str, says: Says, weight: float = 0.3) -> Witness:
    return Witness(name=name, says=says, weight=weight, at=0, text=Text(name, name), measured=True)


def judged(
    health: float,
    *said: Witness,
    deep: bool = False,
    followed: bool = True,
    standing: bool = False,
    sd: float = 0.03,
    days: float = 500,
) -> Judgement:
    return verdict.judge(
        believed(health, sd), list(said), deep=deep, untested_days=10, watched_days=days, followed=followed, standing=standing
    )  # fmt: skip


OHMS = witness("ohms", Says.REPLACE)
UNSURE, WELL = witness("discharge", Says.UNSURE), witness("discharge", Says.WELL)


def test_an_order_needs_two_who_looked_one_who_speaks_and_none_against() -> None:
    assert judged(0.78, OHMS, UNSURE).verdict is Verdict.REPLACE
    assert judged(0.78, OHMS).verdict is Verdict.UNPROVEN
    assert judged(0.78, UNSURE, witness("estimate", Says.UNSURE)).verdict is Verdict.UNPROVEN
    assert judged(0.78, OHMS, WELL).verdict is Verdict.UNPROVEN
    assert judged(0.78, witness("discharge", Says.REPLACE), deep=True).verdict is Verdict.REPLACE


def test_an_order_is_as_good_as_sure_that_another_year_is_too_long() -> None:
    assert judged(0.86, OHMS, UNSURE).verdict is Verdict.UNPROVEN
    assert judged(0.80, OHMS, UNSURE, sd=0.10).verdict is Verdict.UNPROVEN
    assert judged(0.79, OHMS, UNSURE).score >= verdict.ORDER_RISK


def test_two_failed_tests_are_enough_with_a_second_witness_whatever_is_believed() -> None:
    failed = witnesses.self_test(2, 0)
    assert judged(0.95, failed, OHMS).verdict is Verdict.REPLACE
    assert judged(0.95, failed).verdict is Verdict.UNPROVEN


def test_what_the_course_holds_already_sends_nobody_by_itself_unless_it_is_heavy() -> None:
    light = msgspec.structs.replace(OHMS, weight=0.4)
    assert judged(0.93, light).verdict is not Verdict.UNPROVEN
    assert judged(0.93, msgspec.structs.replace(OHMS, weight=0.5)).verdict is Verdict.UNPROVEN
    assert judged(0.88, witness("estimate", Says.REPLACE)).verdict is Verdict.UNPROVEN
    assert judged(1.05, witness("estimate", Says.REPLACE)).verdict is not Verdict.UNPROVEN, "as good as sure of a year"


def test_a_finding_that_stands_is_taken_back_later_than_it_is_told() -> None:
    between = next(h / 1000 for h in range(950, 800, -1) if judged(h / 1000, standing=True).verdict is Verdict.UNPROVEN)
    assert judged(between).verdict is not Verdict.UNPROVEN
    assert judged(between - 0.04).verdict is Verdict.UNPROVEN


def test_a_course_that_was_never_followed_accuses_nobody_by_its_age() -> None:
    assert judged(0.7, followed=False).verdict is Verdict.UNKNOWN


def test_in_the_first_month_one_odd_measurement_suspects_nobody() -> None:
    heavy = witness("discharge", Says.REPLACE, 0.6)
    assert judged(0.93, heavy, days=40).verdict is Verdict.UNPROVEN
    assert judged(0.93, heavy, days=20).verdict is Verdict.UNKNOWN
    assert judged(0.86, OHMS, witness("sag", Says.REPLACE), days=20).verdict is Verdict.UNPROVEN
    assert (
        judged(0.86, OHMS, witness("sag", Says.REPLACE), witness("runtime", Says.WELL), days=20).verdict is Verdict.WELL
    )


def test_in_the_first_month_a_heavy_witness_that_the_belief_agrees_with_is_heard() -> None:
    assert judged(0.83, witness("discharge", Says.REPLACE, 0.6), days=5).verdict is Verdict.UNPROVEN
    assert judged(0.83, witness("sag", Says.REPLACE, 0.3), days=5).verdict is Verdict.UNKNOWN


def test_an_order_that_no_course_makes_sure_needs_two_against_it() -> None:
    sag, unsure = witness("sag", Says.REPLACE), witness("ohms", Says.UNSURE)
    assert judged(0.60, sag, unsure, followed=False).verdict is Verdict.UNPROVEN
    assert judged(0.60, sag, OHMS, followed=False).verdict is Verdict.REPLACE

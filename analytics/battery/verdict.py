"""The rule by which a battery is to be replaced, and the other things that can be said of one.

    REPLACE    health P50 < 0.80, or P(< 0.80 within the lead time) > 0.2, or P10 of the runtime below what is required, or the sag
               50 % over its own baseline, or two failed tests in a row;
               and at least two measured witnesses looked, of which one speaks for it and none against it, or one discharge of half depth
               or more that itself speaks for it;
               and it is as good as sure (0.97) that it would not hold another half year: an order a year too early costs a battery set;
               where the course does not make it so, a second measured witness against it is asked for
    UNPROVEN   the course of its tests and discharges makes an end within half a year possible (0.2, until it is below 0.1 again), or a
               measured witness that the course does not hold says so, or a heavy one that it does: test it. In the first month of watching
               only by two measured witnesses with none for it, or by a heavy one with which the belief agrees (0.5)
    UNTESTED   nothing measured for more than a year of watching
    WELL       measured, and none of these holds
    UNKNOWN    not enough evidence; a battery is not accused by its age or by its own flag

A flag and age alone give no verdict, whatever they say.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from analytics.battery import ageing
from analytics.battery.belief import Belief
from analytics.battery.witnesses import SAG_REPLACE, Says, Witness

LEAD_DAYS = 60.0
RISK = 0.2
ORDER_RISK = 0.97
#: A battery set that would have held a year longer was exchanged for nothing: what the score is the chance of not being so.
RIGHT_DAYS = 365.0
#: For an order its end must be as good as sure well before that: a belief that is half a year wrong must not cost a set.
ORDER_DAYS = 180.0
#: A light witness against a battery that all the rest makes as good as sure to hold another year is no reason to go there; a heavy one always is.
DOUBT, HEAVY = 0.1, 0.5
WATCH_DAYS, WATCH_RISK, CALM_RISK = 180.0, 0.2, 0.1
#: Who has watched a battery for less knows its age and little else: one odd discharge, or a first sag against no baseline worth the name, is no suspicion yet.
NEW_DAYS, NEW_RISK = 30.0, 0.5
#: What the course of all tests and discharges holds already.
HELD = frozenset({"ohms", "discharge", "runtime"})
UNTESTED_DAYS = 365.0


class Verdict(StrEnum):
    REPLACE = "replace"
    UNPROVEN = "unproven"
    UNTESTED = "untested"
    WELL = "well"
    UNKNOWN = "unknown"


class Ground(StrEnum):
    """Why: the part of the rule that holds."""

    HEALTH = "health"
    RISK = "risk"
    RUNTIME = "runtime"
    SAG = "sag"
    TESTS = "tests"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Of what is believed of a battery; `p_below` within the lead time."""

    belief: Belief
    verdict: Verdict
    grounds: tuple[Ground, ...]
    p_below: float
    untested_days: float
    score: float

    @property
    def days(self) -> tuple[float, float, float]:
        """Of remaining life, at 10, 50 and 90 %. Not asked for every day, so not found every day."""
        soon, middle, late = (ageing.remaining_days(self.belief, chance) for chance in (0.1, 0.5, 0.9))
        return soon, middle, late


def judge(
    belief: Belief,
    witnesses: list[Witness],
    *,
    deep: bool,
    untested_days: float,
    watched_days: float,
    runtime_p10_s: float | None = None,
    required_s: float | None = None,
    followed: bool = False,
    standing: bool = False,
) -> Judgement:
    """`deep`: a discharge of half depth or more measured the health to 12 %. Days since the last measurement, and since the first sight. `followed`: the
    belief is that of the course of all tests and discharges; `standing`: it is `UNPROVEN` already."""
    p_below = ageing.below(belief, LEAD_DAYS)
    grounds = _grounds(belief, witnesses, p_below, runtime_p10_s, required_s)
    looked = [w for w in witnesses if w.measured and w.says is not Says.WELL]
    against = [w for w in looked if w.says is Says.REPLACE]
    deep = deep and any(w.name in ("discharge", "runtime") for w in against)
    # A battery that failed its tests or cannot hold what is required is not saved by a belief that has yet to learn of it.
    proven = bool({Ground.TESTS, Ground.RUNTIME} & set(grounds))
    opposed = any(w.measured and w.says is Says.WELL for w in witnesses)
    sure = ageing.below(belief, ORDER_DAYS) if followed else p_below
    backed = followed or len(against) >= 2 or deep
    certain = (proven and (len(against) >= 2 or deep)) or (sure >= ORDER_RISK and backed and not opposed)
    score = _sure(belief, witnesses, followed)
    if grounds and against and certain and (len(looked) >= 2 or deep):
        verdict = Verdict.REPLACE
    elif watched_days < NEW_DAYS:
        likely = any(w.weight >= HEAVY for w in against) and ageing.below(belief, WATCH_DAYS) > NEW_RISK
        accused = (len(against) >= 2 and not opposed) or likely
        verdict = Verdict.UNPROVEN if accused else _calm(witnesses)
    elif _accused(against, score, followed) or (
        followed and ageing.below(belief, WATCH_DAYS) > (CALM_RISK if standing else WATCH_RISK)
    ):
        verdict = Verdict.UNPROVEN
    elif min(untested_days, watched_days) > UNTESTED_DAYS:
        verdict = Verdict.UNTESTED
    else:
        verdict = _calm(witnesses)
    return Judgement(
        belief=belief,
        verdict=verdict,
        grounds=tuple(grounds),
        p_below=p_below,
        untested_days=untested_days,
        score=score,
    )


def _calm(witnesses: list[Witness]) -> Verdict:
    return Verdict.WELL if any(w.measured and w.says is Says.WELL for w in witnesses) else Verdict.UNKNOWN


def _grounds(
    belief: Belief, witnesses: list[Witness], p_below: float, p10_s: float | None, required_s: float | None
) -> list[Ground]:
    found = []
    if belief.health < ageing.END:
        found.append(Ground.HEALTH)
    elif p_below > RISK:
        found.append(Ground.RISK)
    if p10_s is not None and required_s is not None and p10_s < required_s:
        found.append(Ground.RUNTIME)
    if any(w.name == "sag" and w.value is not None and w.value >= SAG_REPLACE for w in witnesses):
        found.append(Ground.SAG)
    if any(w.name == "test" and w.measured for w in witnesses):
        found.append(Ground.TESTS)
    return found


def _accused(against: list[Witness], score: float, followed: bool) -> bool:
    """Whether a measured witness is a reason to go there: what the course holds already only where it is heavy."""
    return any(w.weight >= HEAVY or (score >= DOUBT and not (followed and w.name in HELD)) for w in against)


def _sure(belief: Belief, witnesses: list[Witness], followed: bool) -> float:
    """The chance that the battery would not hold another year, sharpened by each measured witness that the belief does not hold yet."""
    odds = max(ageing.below(belief, RIGHT_DAYS), 1e-3)
    odds = odds / max(1 - odds, 1e-3)
    held = HELD if followed else {"discharge"}
    for w in witnesses:
        if w.measured and w.name not in held and not (followed and w.name == "sag") and w.says is not Says.UNSURE:
            odds *= (1 + w.weight) if w.says is Says.REPLACE else 1 / (1 + w.weight)
    return round(min(odds / (1 + odds), 0.99), 3)

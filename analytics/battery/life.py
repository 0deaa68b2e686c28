"""The tests and measurements of one battery's life, kept for `course`, and what it makes of them for the belief.

State (part of the battery's file): "tests": [[ms, wear, V a cell, A / Ah, °C, rest V a cell]…], "step": least step of the gauge seen, V a cell,
"seen_wear": wear at first sight, "course": [ms, tests, measurements] of the newest reckoning, "ohms": against new, [mean, tests],
"dated": its age is known, "broken": it fell suddenly, and follows no course since.
"""

from __future__ import annotations

from statistics import median

import msgspec

from analytics.battery import ageing, course, recorder
from analytics.battery.belief import Belief
from analytics.battery.course import Trial
from analytics.battery.recorder import Discharge
from analytics.detector import State
from model.inventory import Device

MOST, FIRST, LAST = 60, 10, 20
FULL = 97.0
LEAST_TESTS = 5
ANEW_MS = 30 * ageing.DAY_MS
UNTOLD_C = 25.0
#: A test whose volts no cell can have, or that hardly loads the battery, says nothing.
LEAST_V, MOST_V, LEAST_RATE = 1.5, 2.3, 0.05
LEAST_SD = 0.03
#: Two runs are alike within this share of the load; and what rise of volts a cell a new battery must show to be told from an old one.
LIKE, CLEAR_V = 0.2, 0.008
#: A day recharges any battery of a UPS to nearly full.
FILLS_MS = ageing.DAY_MS
NEW_TESTS, OLD_TESTS = 3, 5
YEAR_MS = ageing.YEAR_DAYS * ageing.DAY_MS


def begin(state: State, wear: float, *, dated: bool) -> None:
    """Another battery: its tests are to come."""
    state.update(tests=[], step=0.0, seen_wear=wear, course=None, ohms=None, dated=dated, broken=False)


def note(state: State, record: Discharge, device: Device, step_v: float) -> None:
    """Keep a run that began full as a test; where no charge is told, one that began a day after the last run."""
    cells, rated = recorder.cells_of(device), recorder.rated_ah(device)
    if not cells or not rated or record.early_v is None or record.early_a is None or record.rest_v is None:
        return
    if record.charge_start is not None and record.charge_start < FULL:
        return
    if record.charge_start is None and state["log"] and record.start - state["log"][-1]["end"] < FILLS_MS:
        return
    volts, rate = record.early_v / cells, record.early_a / rated
    if not LEAST_V < volts < MOST_V or rate < LEAST_RATE:
        return
    warm = UNTOLD_C if record.celsius is None else record.celsius
    test = [
        record.start,
        round(state["wear"], 5),
        round(volts, 5),
        round(rate, 4),
        warm,
        round(record.rest_v / cells, 4),
        record.test,
    ]
    tests = [*state.get("tests", []), test]
    if len(tests) > MOST:
        tests = [*tests[:FIRST], *tests[FIRST:-LAST:2], *tests[-LAST:]]
    state["tests"] = tests
    if step_v > 0:
        step = step_v / cells
        state["step"] = min(state.get("step") or step, step)


def trials(state: State) -> list[Trial]:
    """Runs that can be compared: self-tests where there are enough, else the others. Asked at other moments, the same battery
    stands up to 20 mV a cell apart in the two, as its surface charge goes in the first half minute: as much as all its wear."""
    told = msgspec.convert(state.get("tests", []), list[Trial])
    own, others = [t for t in told if t.test], [t for t in told if not t.test]
    return own if len(own) >= min(len(others), LEAST_TESTS) else others


def renewed(state: State) -> bool:
    """Whether the newest tests stand where only another battery can: no resistance falls by half of what wear has added."""
    told, ohms = trials(state), ohms_of(state)
    if ohms is None or len(told) < OLD_TESTS + NEW_TESTS:
        return False
    ohm = course.OHM_AH * ohms[0]
    level = [t.volts + ohm * t.rate - course.REST * t.rest for t in told[-OLD_TESTS - NEW_TESTS :]]
    before, new = level[:OLD_TESTS], level[OLD_TESTS:]
    expected = course.OHM_AH * (ohms[0] - 1) * told[-1].rate
    return expected > 2 * CLEAR_V and min(new) > max(before) and median(new) - median(before) > expected / 2


def contradicts_exchange(state: State) -> bool:
    """Whether the newest run's volts are those of the old battery: a new one would stand clearly higher at once."""
    tests, ohms = msgspec.convert(state.get("tests", []), list[Trial]), ohms_of(state)
    if ohms is None or len(tests) < LEAST_TESTS + 1:
        return False
    new = tests[-1]
    before = [t.volts for t in tests[:-1] if t.test == new.test and abs(t.rate / new.rate - 1) < LIKE][-3:]
    expected = course.OHM_AH * (ohms[0] - 1) * new.rate
    return len(before) == 3 and expected > CLEAR_V and new.volts - median(before) < expected / 2


def reckon(state: State, at: int) -> Belief | None:
    """The belief by all tests and measurements of this battery's life, when there is news; None: there is none, or not enough to go by."""
    tests, known = trials(state), _measured(state)
    if not state.get("dated") or state.get("broken"):
        return None
    if len(tests) < LEAST_TESTS and not known:
        return None
    mark, old = [len(tests), tests[-1].at if tests else 0, len(known)], state.get("course")
    if old and old[1:] == mark and at - old[0] < ANEW_MS:
        return None
    days = (at - state["seen"]) / ageing.DAY_MS
    usual = ageing.heat(ageing.UNKNOWN_C) / (ageing.LIFE_YEARS * ageing.YEAR_DAYS)
    seen_wear = state.get("seen_wear", 0.0)
    # Over less than a season the pace of a year is not known.
    pace = usual + (max(state["wear"] - seen_wear, 0.0) / days - usual) * min(days / 365, 1.0) if days > 1 else usual
    found = course.follow(
        state["wear"],
        pace,
        tests,
        known,
        wear_seen=seen_wear,
        step_v=state.get("step", 0.0),
    )
    state["course"] = [at, *mark]
    state["ohms"] = [round(found.ohms, 3), found.tests]
    return found.belief(at)


def _measured(state: State) -> list[tuple[float, float, float]]:
    """(wear then, health, sd) of each discharge that measured this battery."""
    return [
        (one["wear"], one["soh"], max(one["soh_sd"], LEAST_SD))
        for one in state["log"]
        if one["soh"] is not None and one["end"] >= state["seen"] and one.get("wear") is not None
    ]


def ohms_of(state: State) -> tuple[float, int] | None:
    """(ohms against new, tests) of the newest reckoning."""
    return (state["ohms"][0], state["ohms"][1]) if state.get("ohms") else None

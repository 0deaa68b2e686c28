"""The tests and measurements of one battery's life, kept for `course`, and what it makes of them for the belief.

State (part of the battery's file): "tests": [[ms, wear, V a cell, A / Ah, °C, rest V a cell]…], "step": least step of the gauge seen, V a cell,
"seen_wear": wear at first sight, "course": [ms, tests, measurements] of the newest reckoning, "looked": how many tests and runs there were at the last look, and of when the newest, "ohms": against new, [mean, tests],
"errors": {way: [mean, sd]} of measuring in this battery, "dated": its age is known, "broken": it fell suddenly, and follows no course since.
"""

from __future__ import annotations

from statistics import median
from typing import Any

import msgspec
import numpy as np

from analytics.battery import ageing, course, recorder
from analytics.battery.belief import Belief
from analytics.battery.course import Measured, Trial
from analytics.battery.recorder import Discharge, End
from analytics.detector import State
from model.inventory import Device

MOST, FIRST, LAST = 60, 10, 20
FULL = 97.0
LEAST_TESTS = 5
ANEW_MS = 30 * ageing.DAY_MS
UNTOLD_C = 25.0
#: A test whose volts no cell can have, or that hardly loads the battery, says nothing.
LEAST_V, MOST_V, LEAST_RATE = 1.5, 2.3, 0.05
LEAST_REST, MOST_REST = 1.9, 2.6
#: Runs of one battery measured by the curve differ by 5 % from each other, and by 15 % together from the truth (exponent, power factor, reference);
#: near the end the knee is no more the reference's. A pace differs by 5 % at least, and by what the promise is wrong.
CURVE_OWN_SD, CURVE_SD, CURVE_DEPTHS = 0.05, 0.15, (0.15, 0.9)
LEAST_SD, GAUGE_SD = 0.05, 0.07
#: Two runs are alike within this share of the load; and what rise of volts a cell a new battery must show to be told from an old one.
LIKE, CLEAR_V = 0.2, 0.008
#: A day recharges any battery of a UPS to nearly full.
FILLS_MS = ageing.DAY_MS
NEW_TESTS, OLD_TESTS = 2, 5
CLEAR_NOISE, MOST_RISE_V = 5.0, 0.02
YEAR_MS = ageing.YEAR_DAYS * ageing.DAY_MS


def begin(state: State, wear: float, *, dated: bool) -> None:
    """Another battery: its tests are to come."""
    state.update(
        tests=[], step=0.0, seen_wear=wear, course=None, looked=None, ohms=None, errors={}, dated=dated, broken=False
    )


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
    if not LEAST_V < volts < MOST_V or rate < LEAST_RATE or not LEAST_REST < record.rest_v / cells < MOST_REST:
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
    """Whether the newest tests stand where only another battery can: no resistance falls by half of what wear has added.

    Above all of the last tests and not only the newest: a cell that was short and is mended brings back its volts, and no more.
    Only at a like load: the line of ohms is straight over a small piece."""
    told, ohms = trials(state), ohms_of(state)
    if ohms is None or len(told) < OLD_TESTS + NEW_TESTS:
        return False
    told = told[-LAST - NEW_TESTS :]
    ohm = course.OHM_AH * ohms[0]
    level = np.array([t.volts + ohm * t.rate * course.cold(t.celsius) - course.REST * t.rest for t in told])
    before, new = level[:-NEW_TESTS], level[-NEW_TESTS:]
    rates = [t.rate for t in told]
    expected = course.OHM_AH * (ohms[0] - 1) * told[-1].rate
    rise = median(new) - median(before[-OLD_TESTS:])
    alike = abs(median(rates[-NEW_TESTS:]) / median(rates[-OLD_TESTS - NEW_TESTS : -NEW_TESTS]) - 1) < LIKE
    noise = course.noise_v(before, state.get("step", 0.0))
    least = max(CLEAR_V, CLEAR_NOISE * noise, expected / 2)
    return bool(alike and min(new) > max(before) and least < rise < 2.5 * expected + MOST_RISE_V)


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
    if not state.get("dated") or state.get("broken"):
        return None
    old, kept = state.get("course"), [_newest(state.get("tests", []), 0), _newest(state["log"], "end")]
    if old and at - old[0] < ANEW_MS and state.get("looked") == kept:
        return None
    state["looked"] = kept
    tests, known = trials(state), _measured(state)
    if len(tests) < LEAST_TESTS and not known:
        return None
    mark = [len(tests), tests[-1].at if tests else 0, len(known)]
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
    state["errors"] = {way: [round(mean, 4), round(sd, 4)] for way, (mean, sd) in found.errors.items()}
    return found.belief(at)


def _newest(rows: list[Any], when: int | str) -> list[int]:
    """How many there are, and of when the newest is: enough to see that there is news."""
    return [len(rows), rows[-1][when] if rows else 0]


def _measured(state: State) -> list[Measured]:
    """What each discharge measured of this battery, by each way."""
    found = []
    for told in state["log"]:
        if told["soh"] is None or told["end"] < state["seen"] or told.get("wear") is None:
            continue
        one = msgspec.convert(told, Discharge)
        assert one.wear is not None
        if one.curve and curve_counts(one.depth, one.reason):
            found.append(Measured(wear=one.wear, health=one.curve[0], sd=CURVE_OWN_SD, way="curve", common_sd=CURVE_SD))
        if one.pace and one.pace_sd is not None:
            sd = max(one.pace_sd, LEAST_SD)
            found.append(Measured(wear=one.wear, health=one.pace, sd=sd, way="pace", common_sd=GAUGE_SD))
    return found


def curve_counts(depth: float | None, reason: str) -> bool:
    """Whether a discharge went neither too shallow for its curve nor to where the knee is no more the reference's; untold: it stands."""
    return reason != End.EMPTY and (depth is None or CURVE_DEPTHS[0] <= depth <= CURVE_DEPTHS[1])


def followed(state: State) -> bool:
    """Whether the belief is the course's, and so holds all tests and measurements already."""
    return bool(state.get("course") and state.get("dated") and not state.get("broken"))


def error_of(state: State, way: str) -> tuple[float, float] | None:
    """What this way of measuring is wrong by in this battery, and its sd, as its whole life shows; None: not reckoned."""
    told = (state.get("errors") or {}).get(way) if followed(state) else None
    return (told[0], told[1]) if told else None


def ohms_of(state: State) -> tuple[float, int] | None:
    """(ohms against new, tests) of the newest reckoning."""
    return (state["ohms"][0], state["ohms"][1]) if state.get("ohms") else None

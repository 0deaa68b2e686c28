"""The health that one discharge shows: by its curve and by the pace of the device's own gauge.

    curve   h = q            capacity that the shape of the volts tells (`curve`), in Peukert's ampere-hours over the rating. The exponent, the power factor and
                             the reference are wrong by the same in every run of one battery: ± 15 % together, and 5 % from one run to the next
    pace    h = (T / t0)^(1/1.15)     T: seconds at the first load over the part that the gauge says was used, or to the real end; t0: promised

A gauge that counts (a straight line over the time, until the volts correct it near the end) divides by a capacity that it believed in long ago: what its pace
shows is that belief, so it weighs little before the end. Two that contradict each other are both worth less.

Errors in parts of the rating: promise 6 %, the device's own word 12 %, rating 5 %, Peukert 4 % of ln(20 I / rated), a stale gauge 12 % (1 - depth), one that counts 20 %.
"""

from __future__ import annotations

from itertools import pairwise
from math import log
from typing import Any

import msgspec
import numpy as np

from analytics import expectation
from analytics.battery import curve, electrical, recorder, runtime
from analytics.battery.belief import Belief
from analytics.battery.recorder import Discharge, End
from model.inventory import Device

#: A run that says anything of the capacity: shallower or shorter ones are kept, but measure nothing.
LEAST_DEPTH, LEAST_S = 0.1, 120.0
#: A curve depends on the inventory's rating and on a power factor nobody measured; a gauge on its own calibration.
CURVE_RATING_SD, PROMISE_SD, OWN_SD = 0.05, 0.06, 0.12
#: AGM blocks have exponents of 1.08 to 1.25: carried from the 15 min rate to the 20 h rate of the rating that is 15 % of the capacity.
PEUKERT_SD = 0.04
#: What a gauge that counts is wrong by, until the volts put it right; that it counts shows in a line straighter than this, over this much of the charge.
COUNTED_SD, STRAIGHT, RIGHT_BELOW = 0.20, 0.012, 0.15
FRESH, FULL_FROM = 0.85, 0.95
MORE_SDS, MORE_LEAST = 2.0, 0.12
LEAST_RANGE, LEAST_ROWS, SETTLED_S = 0.10, 6, 60.0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """`sd` in all, `own_sd` without the promise, which is the same in every run."""

    health: float
    sd: float
    own_sd: float
    promised_s: float


def measure(record: Discharge, rows: list[list[Any]], device: Device) -> tuple[Discharge, float, float] | None:
    """The health that a discharge shows, as (the record with it, health, sd); None: it shows nothing."""
    by_curve = _by_curve(record, rows, device)
    full_s = _full_s(record)
    by_pace = _by_pace(record, rows, full_s, device)
    known = [by_curve] if by_curve else []
    if by_pace is not None:
        known.append((by_pace.health, by_pace.sd))
    if not known:
        return None
    total = sum(1 / sd**2 for _, sd in known)
    soh = sum(value / sd**2 for value, sd in known) / total
    apart = max(value for value, _ in known) - min(value for value, _ in known)
    sd = max(total**-0.5, apart / 2)
    record = msgspec.structs.replace(
        record,
        soh=soh,
        soh_sd=sd,
        full_s=full_s,
        curve=by_curve,
        pace_sd=by_pace.own_sd if by_pace else None,
        promised_s=by_pace.promised_s if by_pace else None,
    )
    return record, soh, sd


def outlived(record: Discharge, believed: Belief) -> bool:
    """Whether the battery gave more than the one that is believed in holds, as if it were empty now: by 2 sd and 12 % of the rating."""
    if not record.promised_s or share(record.charge_start) < FULL_FROM:
        return False
    least = (record.effort_s / record.promised_s) ** (1 / electrical.PEUKERT)
    return bool(least - believed.health > max(MORE_SDS * (believed.hh + PROMISE_SD**2) ** 0.5, MORE_LEAST))


def share(charge: float | None) -> float:
    """A charge in % as a part; untold: full."""
    return 1.0 if charge is None else min(max(charge, 0.0), 100.0) / 100


def step(volts: list[float]) -> float:
    """In what steps the gauge counts: the least difference that was seen."""
    return min((abs(b - a) for a, b in pairwise(volts) if b != a), default=0.0)


def counts(record: Discharge, rows: list[list[Any]]) -> bool:
    """Whether the gauge of this run counted what went out, rather than looked at the volts."""
    told = [(row[5], row[4] / 100) for row in rows if row[4] is not None and row[0] >= SETTLED_S]
    if record.reason is End.EMPTY or len(told) < LEAST_ROWS or share(record.charge_end) <= RIGHT_BELOW:
        return False
    effort, charge = np.array(told).T
    if charge[0] - charge[-1] < LEAST_RANGE:
        return False
    slope, level = np.polyfit(effort, charge, 1)
    return bool(np.sqrt(np.mean((charge - level - slope * effort) ** 2)) < STRAIGHT / 2)


def _by_curve(record: Discharge, rows: list[list[Any]], device: Device) -> tuple[float, float] | None:
    cells, rated = recorder.cells_of(device), recorder.rated_ah(device)
    rows = [row for row in rows if row[1] is not None and row[2] is not None]
    if (device.battery is not None and device.battery.chemistry == "lithium") or not cells or not rated:
        return None
    if len(rows) < curve.LEAST_SAMPLES:
        return None
    amps = record.amps or 0.0
    rate = amps / rated
    found = curve.match(
        [row[0] for row in rows],
        [row[1] / cells for row in rows],
        [row[2] / rated for row in rows],
        [row[3] / rated for row in rows],
        electrical.warmth(record.celsius, rate),
        start=share(record.charge_start),
        step_v=step([row[1] for row in rows]) / cells,
    )
    if not found or found.depth < 0.05:
        return None
    by_rate = found.soh * PEUKERT_SD * log(max(20 * rate, 1.0))
    return found.soh, (found.sd**2 + CURVE_RATING_SD**2 + by_rate**2) ** 0.5


def _full_s(record: Discharge) -> float | None:
    """Seconds of a full battery at the first load, by the gauge's pace or by the real end."""
    if record.seconds < LEAST_S or record.load_first is None:
        return None
    start = share(record.charge_start)
    if record.reason is End.EMPTY and start > 0.3:
        return record.effort_s / start
    if record.depth is None or record.depth < LEAST_DEPTH:
        return None
    return record.effort_s / record.depth


def _by_pace(record: Discharge, rows: list[list[Any]], full_s: float | None, device: Device) -> Pace | None:
    """Against the promise it is the health; against the UPS's own word only what that did not yet know."""
    if full_s is None:
        return None
    promised, sd = expectation.by_inventory(device, record.load_first), PROMISE_SD
    if promised is None and record.estimate_s and record.charge_start:
        promised, sd = record.estimate_s / share(record.charge_start), OWN_SD
    if not promised:
        return None
    depth = 1.0 if record.reason is End.EMPTY else record.depth or 0.0
    soh = min((full_s / promised) ** (1 / electrical.PEUKERT), recorder.MOST_HEALTH)
    # Such a belief is too high while the battery wears; a low reading is none.
    stale = COUNTED_SD if soh > FRESH and counts(record, rows) else runtime.stale_sd(depth)
    own = soh * (runtime.gauge_sd(depth) ** 2 + stale**2) ** 0.5
    return Pace(health=soh, sd=(sd**2 + own**2) ** 0.5, own_sd=own, promised_s=promised)

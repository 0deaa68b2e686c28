"""Cuts every discharge out of what a UPS says: outage, self-test, maintenance. Streaming, one device, event time.

A run begins when the device says that the battery feeds the load or that a self-test runs, and ends when it says neither, when it was not
seen for ten minutes, or when its output goes off. It is a self-test when the device says so within `ROUND_MS` of the transfer, for the points of
one round are not read at one instant, and no longer than that fed by the battery without a test: else an outage. Of the curve at most 96 rows are kept: when they are full every second one goes,
so a run of ten seconds and one of ten hours cost the same.

State (plain data): {"now": {point: {index: [value, at]}}, "supply", "testing", "rest": volts before the run, "run": …, "filling": …}
    run   {"start", "seen", "test", "outage", "alone": since when the battery feeds without a test, "rows", "stride", "n", "v0", "charge0", "estimate", "low", "dark", "ah", "used", "wh", "load", "load0", "at"}
    row   [seconds, volts or None, amps or None, Peukert Ah or None, charge or None, seconds x (load / first load) ^ k]

Repeated or impossible values: a gauge that never moves gives a run without a curve, and `curve.match` says nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from analytics import expectation, supply
from analytics.battery import electrical
from analytics.detector import State
from analytics.walk import Sample
from model.inventory import Device
from model.points import Source

VOLTS, AMPS, AMPS_OUT = "battery.voltage", "battery.current", "battery.discharging.current"
CHARGE, RUNTIME, WARM, LOAD = "battery.charge", "battery.runtime", "battery.temperature", "ups.load"
TESTING, LOW, DEPLETED = "alarm.test_in_progress", "alarm.battery_low", "alarm.battery_depleted"
HEALTH = "battery.health"
#: Of samples of one instant: what feeds the output first, then the context, last what makes a row.
POINTS = (*supply.POINTS, TESTING, LOW, DEPLETED, LOAD, WARM, AMPS, AMPS_OUT, HEALTH, RUNTIME, CHARGE, VOLTS)

#: What a run needs to know of the time before it.
CONTEXT = (LOAD, WARM, AMPS, AMPS_OUT, RUNTIME, CHARGE, VOLTS)

MOST_ROWS = 96
UNSEEN_MS = 600_000
UNHEARD_MS = 1_800_000
LONGEST_TEST_MS = 7_200_000
#: The flags of one round need not change together (as `on_battery.AFTER_TEST_S`).
ROUND_MS = 5_000
FULL, NEARLY = 98.0, 90.0
MOST_HEALTH = 1.3


class End(StrEnum):
    """Why a run ended."""

    MAINS = "mains"  #: the mains came back, or the test was over
    EMPTY = "empty"  #: the battery was at its end: low flag and output off, or silence after the low flag
    OFF = "off"  #: the output went off without a low battery
    UNSEEN = "unseen"  #: no data for ten minutes


class Discharge(msgspec.Struct, frozen=True, kw_only=True):
    """One discharge as it is kept. Times in ms, `seconds` of the run, volts of the whole string, charge in %."""

    start: int
    end: int
    test: bool
    reason: End
    load: float | None
    celsius: float | None
    charge_start: float | None
    charge_end: float | None
    depth: float | None  #: 0..1 by the device's own gauge
    rest_v: float | None
    trough_v: float | None
    plateau_v: float | None
    end_v: float | None
    sag_v: float | None  #: rest less the volts 5 … 20 s after the load came on
    amps: float | None
    ah: float | None
    wh: float | None
    estimate_s: float | None  #: the device's own runtime as the run began
    effort_s: float  #: seconds, weighted to the first load by Peukert
    load_first: float | None
    recharge_s: float | None = None  #: until the charge stood at 90 %
    soh: float | None = None  #: health that it showed, and how sure, all ways together
    soh_sd: float | None = None
    curve: tuple[float, float] | None = None  #: health and sd by the voltage alone
    pace_sd: float | None = None  #: of the health by the gauge's pace, without what the promise is wrong by
    promised_s: float | None = None  #: what was expected of a full battery at the first load
    full_s: float | None = None  #: what the full battery would have lasted at the first load, as measured
    early_v: float | None = None  #: volts 8 … 32 s after the load came on, when the surface charge is mostly gone
    early_a: float | None = None  #: amperes then
    wear: float | None = None  #: of the battery when it was filed (`ageing`)

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / 1000

    @property
    def pace(self) -> float | None:
        """The health by the gauge's pace; None: it showed none."""
        if not self.full_s or not self.promised_s:
            return None
        return float(min((self.full_s / self.promised_s) ** (1 / electrical.PEUKERT), MOST_HEALTH))


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over: the record and its curve (rows as above)."""

    record: Discharge
    rows: list[list[Any]]


def fresh() -> State:
    return {"now": {}, "supply": [], "testing": False, "rest": None, "run": None, "filling": None}


def newest(state: State, point: str) -> float | None:
    """The last value of a point; of several indexes (phases, strings) their mean."""
    found = state["now"].get(point)
    return sum(v for v, _ in found.values()) / len(found) if found else None


def take(state: State, sample: Sample, device: Device, on_row: Callable[[State], None] | None = None) -> Ended | None:
    """Move the recorder on by one sample (`state` is the caller's own and is changed)."""
    ended = _unseen(state, sample.at)
    filling = bool(state["filling"]) and sample.point == CHARGE
    heard = max((at for _, at in state["now"].get(CHARGE, {}).values()), default=None) if filling else None
    state["now"].setdefault(sample.point, {})[sample.key] = [sample.value, sample.at]
    if sample.point in supply.POINTS:
        state["supply"] = supply.heard(state["supply"], sample.point, sample.value)
        if sample.value == Source.NONE and sample.point == supply.SOURCE and state["run"]:
            state["run"]["dark"] = True
    elif sample.point == TESTING:
        state["testing"] = sample.value >= 0.5
    elif sample.point in (LOW, DEPLETED):
        if state["run"] and sample.value >= 0.5:
            state["run"]["low"] = True
    elif sample.point == LOAD and state["run"]:
        _pace(state["run"], sample.at, newest(state, LOAD))
    if sample.point in (*supply.POINTS, TESTING):
        return ended or _turn(state, sample.at)
    if sample.point == VOLTS or (sample.point == CHARGE and VOLTS not in state["now"]):
        _row(state, sample, device)
        if on_row and state["run"]:
            on_row(state)
    if sample.point == CHARGE and state["filling"]:
        _fill(state, sample, heard)
    return ended


def recharged(state: State) -> tuple[int, float] | None:
    """(end of the discharge, seconds until the charge stood at 90 %), once, when it was seen; `state` is the caller's own."""
    filling = state["filling"]
    return (filling["since"], filling.pop("took")) if filling and "took" in filling else None


def _turn(state: State, at: int) -> Ended | None:
    """Begin or end a run as the device's own words demand."""
    run = state["run"]
    wanted = bool(state["supply"]) or state["testing"]
    alone = bool(state["supply"]) and not state["testing"]
    if wanted and run is None:
        state["run"] = _begin(state, at)
        _sort(state["run"], alone, at)
    elif run is not None:
        _sort(run, alone, at)
        run["test"] = run["test"] or (state["testing"] and not run["outage"])
        if not wanted or run["dark"]:
            reason = (End.EMPTY if run["low"] else End.OFF) if run["dark"] else End.MAINS
            return _end(state, at, reason)
    return None


def _sort(run: State, alone: bool, at: int) -> None:
    """Whether it is an outage: the battery fed the load without a test for longer than one round may take."""
    since = run.get("alone")
    run["outage"] = run["outage"] or (since is not None and at - since > ROUND_MS)
    run["alone"] = (at if since is None else since) if alone else None


def _unseen(state: State, at: int) -> Ended | None:
    run = state["run"]
    if run is None or at - run["seen"] <= UNSEEN_MS:
        return None
    ended = _end(state, run["seen"], End.EMPTY if run["low"] else End.UNSEEN)
    state["supply"], state["testing"] = [], False
    return ended


def _begin(state: State, at: int) -> State:
    charge, load = newest(state, CHARGE), newest(state, LOAD)
    state["filling"] = None
    return {
        "start": at, "seen": at, "at": at, "test": state["testing"], "outage": False, "alone": None, "rows": [], "stride": 1, "n": 0,
        "v0": state["rest"], "charge0": charge, "estimate": newest(state, RUNTIME), "low": False, "dark": False,
        "ah": 0.0, "used": 0.0, "wh": 0.0, "load": load, "load0": load, "loads": 0.0, "effort": 0.0,
    }  # fmt: skip


def _pace(run: State, at: int, load: float | None) -> None:
    """Count the time since the last change at the load that it had, then go on with the new one."""
    seconds = max(at - run["at"], 0) / 1000
    old = run["load"]
    run["effort"] += seconds * (1.0 if old is None or run["load0"] is None else expectation.stretch(old, run["load0"]))
    run["loads"] += seconds * (old or 0.0)
    run["at"] = at
    run["load"] = load
    if run["load0"] is None:
        run["load0"] = load


def _row(state: State, sample: Sample, device: Device) -> None:
    run = state["run"]
    volts = newest(state, VOLTS)
    if run is None:
        state["rest"] = volts if not state["filling"] or state["filling"].get("full") else state["rest"]
        return
    amps = _amps(state, device, volts)
    seconds = max(sample.at - run["seen"], 0) / 1000
    if amps is not None:
        run["ah"] += amps * seconds / 3600
        run["wh"] += amps * (volts or 0.0) * seconds / 3600
        rated = rated_ah(device)
        run["used"] += amps * seconds / 3600 * (electrical.stress(amps, rated) if rated else 1.0)
    run["seen"] = sample.at
    _pace(run, sample.at, run["load"])
    row = [(sample.at - run["start"]) / 1000, volts, amps, run["used"], newest(state, CHARGE), run["effort"]]
    if run["n"] % run["stride"] == 0:
        run["rows"].append(row)
        if len(run["rows"]) >= MOST_ROWS:
            run["rows"] = run["rows"][::2]
            run["stride"] *= 2
    run["last"] = row
    run["n"] += 1


def _amps(state: State, device: Device, volts: float | None) -> float | None:
    """What the battery gives: measured where the device tells, else from the load. The sign is no standard."""
    for point in (AMPS_OUT, AMPS):
        told = newest(state, point)
        if told:
            return abs(told)
    load = newest(state, LOAD)
    if load is None or device.rated_va is None or volts is None:
        return None
    return electrical.current_a(load, device.rated_va, volts)


def rated_ah(device: Device) -> float | None:
    """Ampere-hours of the whole bank at the 20 h rate; None when the inventory has no word."""
    battery = device.battery
    return battery.block_ah * battery.strings if battery else None


def cells_of(device: Device) -> int | None:
    """Cells in series; None when the inventory has no word."""
    battery = device.battery
    return electrical.cells(battery.blocks / battery.strings * battery.block_v) if battery else None


def _end(state: State, at: int, reason: End) -> Ended:
    run = state["run"]
    state["run"] = None
    _sort(run, False, at)
    _pace(run, at, run["load"])
    rows = run["rows"] if not run["n"] or run["rows"][-1] is run["last"] else [*run["rows"], run["last"]]
    charge = rows[-1][4] if rows else None
    used = None if charge is None or run["charge0"] is None else max(run["charge0"] - charge, 0.0) / 100
    seconds = max((at - run["start"]) / 1000, 1e-3)
    curve = [(r[0], r[1]) for r in rows if r[1] is not None]
    record = Discharge(
        start=run["start"],
        end=at,
        test=run["test"] and not run["outage"],
        reason=reason,
        load=None if run["load0"] is None else round(run["loads"] / seconds, 2),
        celsius=newest(state, WARM),
        charge_start=run["charge0"],
        charge_end=charge,
        depth=used,
        rest_v=run["v0"],
        trough_v=min((v for t, v in curve if t <= 180), default=None),
        plateau_v=_plateau(curve),
        end_v=curve[-1][1] if curve else None,
        sag_v=_sag(run["v0"], curve),
        amps=run["ah"] * 3600 / seconds if run["ah"] else None,
        ah=run["ah"] or None,
        wh=run["wh"] or None,
        estimate_s=run["estimate"],
        effort_s=run["effort"],
        load_first=run["load0"],
        early_v=_early(rows, 1),
        early_a=_early(rows, 2),
    )
    below = reason is End.MAINS and charge is not None and charge < NEARLY
    state["filling"] = {"since": at, "whole": below} if used and used > 0.02 else None
    return Ended(record=record, rows=rows)


def _plateau(curve: list[tuple[float, float]]) -> float | None:
    """The highest volts after the dip, while the battery recovers: minute 1 to 10."""
    return max((v for t, v in curve if 60 <= t <= 600), default=None)


def _sag(rest: float | None, curve: list[tuple[float, float]]) -> float | None:
    early = [v for t, v in curve if 2 <= t <= 20]
    return rest - sum(early) / len(early) if rest is not None and early else None


def _early(rows: list[list[Any]], place: int) -> float | None:
    found = [r[place] for r in rows if 8 <= r[0] <= 32 and r[place] is not None]
    return sum(found) / len(found) if found else None


def _fill(state: State, sample: Sample, heard: int | None) -> None:
    filling = state["filling"]
    if sample.value >= NEARLY and "nearly" not in filling:
        filling["nearly"] = (sample.at - filling["since"]) / 1000
        # Only from a return of the mains that was seen, and where the charge was heard on the way.
        if filling.get("whole") and heard is not None and sample.at - heard <= UNHEARD_MS:
            filling["took"] = filling["nearly"]
    if sample.value >= FULL:
        filling["full"] = True

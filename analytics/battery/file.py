"""The file of one battery: what is remembered of it between readings, and what each discharge changes in it.

State (plain data, one a device): the recorder's (see `recorder`), and
    {"battery": identity in the inventory, "seen": first ms, "aged": ms, "wear", "heat": f(T) lately, "belief", "full", "log": [Discharge…],
     "sags": [[load, ratio basis]…], "estimate0": [seconds, load], "failed": tests in a row, "passed", "tested": ms, "flag": [value, at, point],
     "measured": ms, "deep": bool, "forecast", "scores": […], "forecasts": see `foretold`, "told": {kind: …}, "judged": ms}
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from math import exp, log
from statistics import median
from typing import Any

import msgspec

from analytics import expectation
from analytics.battery import ageing, belief, curve, electrical, foretold, life, recorder, runtime
from analytics.battery import witnesses as w
from analytics.battery.belief import Belief, Outcome
from analytics.battery.recorder import Discharge, End, Ended
from analytics.battery.runtime import FullRuntime
from analytics.battery.witnesses import Witness
from analytics.detector import State
from model.inventory import Device

#: What the file hears besides the recorder's points.
FLAGS = ("alarm.replace_battery", "alarm.battery_bad")
RESULT, LEAST_RUNTIME = "ups.test.result", "battery.runtime.low"
MOST_RUNS, MOST_TESTS, MOST_SCORES = 40, 20, 40
BASELINE = 5
LEAST_TESTS = 8
MANAGEMENT_SD = 0.06
#: A run that says anything of the capacity: shallower or shorter ones are kept, but measure nothing.
LEAST_DEPTH, LEAST_S = 0.1, 120.0
HOUR_MS = 3_600_000
SURE_EXCHANGE_SD = 0.10
#: A curve depends on the inventory's rating and on a power factor nobody measured; a gauge on its own calibration.
CURVE_RATING_SD, PROMISE_SD, OWN_SD = 0.05, 0.06, 0.12
#: AGM blocks have exponents of 1.08 to 1.25: carried from the 15 min rate to the 20 h rate of the rating that is 15 % of the capacity.
PEUKERT_SD = 0.04


def fresh() -> State:
    return recorder.fresh()


def identity(device: Device) -> str:
    """Another answer means that the battery was replaced in the inventory."""
    return f"{device.serial}|{device.battery.installed if device.battery else None}"


def lithium(device: Device) -> bool:
    """Its volts say nothing of its charge or its health; its own management counts both."""
    return device.battery is not None and device.battery.chemistry == "lithium"


def hear_management(state: State, device: Device, at: int) -> None:
    """The health that a lithium battery's own management tells: a measurement of its own whenever it says another number."""
    told = recorder.newest(state, recorder.HEALTH)
    if not lithium(device) or not told or told == state.get("bms"):
        return
    state["bms"], state["bms_at"] = told, at
    believe(state, belief.update(belief_of(state), told / 100, MANAGEMENT_SD, at)[0])


def years(device: Device, at: int) -> float | None:
    """Age by the inventory; None when nobody wrote a date, or a date to come."""
    told = (device.battery.installed if device.battery else None) or device.installed
    try:
        installed = date.fromisoformat(told or "")
    except ValueError:
        return None
    days = at / ageing.DAY_MS - (installed - date(1970, 1, 1)).days
    return days / ageing.YEAR_DAYS if days >= 0 else None


def open_file(state: State, device: Device, at: int) -> None:
    """A battery that was not known before: all that is believed of it is its age."""
    life_years = ageing.LITHIUM_YEARS if lithium(device) else ageing.LIFE_YEARS
    wear = (years(device, at) or 0.0) / life_years * ageing.heat(ageing.UNKNOWN_C)
    state.update(life_years=life_years, bms=None)
    state.update(
        battery=identity(device), seen=at, aged=at, wear=wear, log=state.get("log", []), sags=[], estimate0=None, failed=0, tested=None,
        passed=None, flag=None, measured=None, deep=False, full=_promise(device, at), scores=state.get("scores", []), forecast=None,
        judged=at,
    )  # fmt: skip
    foretold.all_withdrawn(state, at)
    life.begin(state, wear, dated=years(device, at) is not None and not lithium(device))
    believe(state, _prior(wear, at, life_years))


def believe(state: State, now: Belief) -> None:
    state["belief"] = msgspec.to_builtins(now)


def belief_of(state: State) -> Belief:
    return msgspec.convert(state["belief"], Belief)


def full_of(state: State) -> FullRuntime | None:
    return msgspec.convert(state["full"], FullRuntime) if state["full"] else None


def _prior(wear: float, at: int, life_years: float) -> Belief:
    a_day = ageing.heat(ageing.UNKNOWN_C) / (life_years * ageing.YEAR_DAYS)
    sd = belief.PRIOR_SD * (0.5 + min(wear, 2.0))
    return belief.prior(ageing.expected_health(wear), ageing.expected_fade(wear, a_day), at, sd)


def _promise(device: Device, at: int) -> dict[str, Any] | None:
    battery = device.battery
    if battery is None or battery.runtime_s is None:
        return None
    begun = runtime.begin(battery.runtime_s, battery.runtime_load, at, by="inventory")
    return msgspec.to_builtins(begun)  # type: ignore[no-any-return]


def grow_old(state: State, at: int, celsius: float | None = None) -> None:
    """Count the heat since the last time, by the hour, at the temperature that held until now; then `celsius` holds, if told."""
    if at - state["aged"] >= HOUR_MS or celsius is None:
        days = max(at - state["aged"], 0) / ageing.DAY_MS
        last = state.get("warm")
        factor = ageing.heat(ageing.UNKNOWN_C if last is None else last)
        state["wear"] += days / (state.get("life_years", ageing.LIFE_YEARS) * ageing.YEAR_DAYS) * factor
        state["aged"] = max(at, state["aged"])
        if celsius is not None:
            state["warm"] = celsius


def forecast(state: State, device: Device, at: int) -> None:
    """Once a discharge: what it will last, said before it is known."""
    run = state["run"]
    full = full_of(state)
    if full is None and run["estimate"] and run["load0"] is not None:
        full = runtime.begin(run["estimate"], run["load0"], at, by="ups")
    if full is None or run["load0"] is None:
        return
    said = runtime.spread(full, run["load0"], 100.0 if run["charge0"] is None else run["charge0"], at)
    state["forecast"] = {"made": at, "start": run["start"], **msgspec.to_builtins(said), "by": full.by}
    foretold.runtime_said(state, device.id, at, run["start"], said, full.by)


def close_run(state: State, device: Device, ended: Ended) -> Outcome | None:
    """File a discharge. `EXCHANGED`: what it measured cannot be the battery that was believed in."""
    record = ended.record
    outcome: Outcome | None = None
    if record.depth:
        state["wear"] += record.depth / ageing.LITHIUM_CYCLES if lithium(device) else ageing.cycle(record.depth)
    record = msgspec.structs.replace(record, wear=state["wear"])
    _score(state, record)
    if not lithium(device):
        _sag(state, record)
        life.note(state, record, device, _step([row[1] for row in ended.rows if row[1] is not None]))
    renewed = life.renewed(state)
    if renewed:
        _anew(state, device, record.end)
    found = measure(record, ended.rows, device)
    if found is not None:
        record, soh, sd = found
        foretold.measured(state, record)
        outcome = _learn(state, device, record, soh, sd)
    if renewed or outcome is Outcome.EXCHANGED:
        outcome = Outcome.EXCHANGED
        record = msgspec.structs.replace(record, wear=0.0)
    state["log"] = _kept([*state["log"], msgspec.to_builtins(record)])
    return outcome


def measure(record: Discharge, rows: list[list[Any]], device: Device) -> tuple[Discharge, float, float] | None:
    """The health that a discharge shows, as (the record with it, health, sd); None: it shows nothing."""
    by_curve = _by_curve(record, rows, device)
    full_s = _full_s(record)
    by_pace = _by_pace(record, full_s, device)
    known = [x[:2] for x in (by_curve, by_pace) if x is not None]
    if not known:
        return None
    total = sum(1 / sd**2 for _, sd in known)
    soh = sum(value / sd**2 for value, sd in known) / total
    apart = max(value for value, _ in known) - min(value for value, _ in known)
    sd = max(total**-0.5, apart / 2)  # two that contradict each other are both worth less
    promised = by_pace[2] if by_pace else None
    record = msgspec.structs.replace(record, soh=soh, soh_sd=sd, full_s=full_s, curve=by_curve, promised_s=promised)
    return record, soh, sd


def _by_curve(record: Discharge, rows: list[list[Any]], device: Device) -> tuple[float, float] | None:
    cells, rated = recorder.cells_of(device), recorder.rated_ah(device)
    rows = [row for row in rows if row[1] is not None and row[2] is not None]
    if lithium(device) or not cells or not rated or len(rows) < curve.LEAST_SAMPLES:
        return None
    rate = (record.amps or 0.0) / rated
    found = curve.match(
        [row[0] for row in rows],
        [row[1] / cells for row in rows],
        [row[2] / rated for row in rows],
        [row[3] / rated for row in rows],
        electrical.warmth(record.celsius, rate),
        start=_share(record.charge_start),
        step_v=_step([row[1] for row in rows]) / cells,
    )
    if not found or found.depth < 0.05:
        return None
    by_rate = found.soh * PEUKERT_SD * log(max(20 * rate, 1.0))
    return found.soh, (found.sd**2 + CURVE_RATING_SD**2 + by_rate**2) ** 0.5


def _full_s(record: Discharge) -> float | None:
    """Seconds of a full battery at the first load, by the gauge's pace or by the real end."""
    if record.seconds < LEAST_S or record.load_first is None:
        return None
    start = _share(record.charge_start)
    if record.reason is End.EMPTY and start > 0.3:
        return record.effort_s / start
    if record.depth is None or record.depth < LEAST_DEPTH:
        return None
    return record.effort_s / record.depth


def _by_pace(record: Discharge, full_s: float | None, device: Device) -> tuple[float, float, float] | None:
    """(health, sd, seconds expected). Against the promise it is the health; against the UPS's own word only what that did not yet know."""
    if full_s is None:
        return None
    promised, sd = expectation.by_inventory(device, record.load_first), PROMISE_SD
    if promised is None and record.estimate_s and record.charge_start:
        promised, sd = record.estimate_s / _share(record.charge_start), OWN_SD
    if not promised:
        return None
    depth = 1.0 if record.reason is End.EMPTY else record.depth or 0.0
    soh = min((full_s / promised) ** (1 / electrical.PEUKERT), 1.3)
    return soh, (sd**2 + (runtime.gauge_sd(depth) ** 2 + runtime.stale_sd(depth) ** 2) * soh**2) ** 0.5, promised


def _learn(state: State, device: Device, record: Discharge, soh: float, sd: float) -> Outcome:
    now, outcome = belief.update(belief_of(state), soh, sd, record.end)
    sure = sd <= SURE_EXCHANGE_SD and state["measured"] is not None
    if outcome is Outcome.EXCHANGED and sure and not life.contradicts_exchange(state):
        _anew(state, device, record.end)
        now, _ = belief.update(_prior(0.0, record.end, state["life_years"]), soh, sd, record.end)
    else:
        state["broken"] = state.get("broken") or (outcome is Outcome.DOUBTED and sd <= belief.SURE_SD)
        outcome = Outcome.DOUBTED if outcome is Outcome.EXCHANGED else outcome
        if outcome is Outcome.DOUBTED and now == belief.predict(belief_of(state), record.end):
            now, _ = belief.update(msgspec.structs.replace(now, hh=now.hh + sd**2), soh, 2 * sd, record.end)
    believe(state, now)
    depth = 1.0 if record.reason is End.EMPTY else record.depth or 0.0
    state["measured"], state["deep"] = record.end, depth >= 0.5 and sd <= 0.12
    if record.full_s is not None and record.load_first is not None:
        learned = runtime.learn(full_of(state), record.full_s, runtime.gauge_sd(depth), record.load_first, record.end)
        state["full"] = msgspec.to_builtins(learned)
    return outcome


def _anew(state: State, device: Device, at: int) -> None:
    """Another battery than the inventory knows: its file begins with a new one."""
    open_file(state, device, at)
    life.begin(state, 0.0, dated=not lithium(device))
    state["wear"] = 0.0
    believe(state, _prior(0.0, at, state["life_years"]))


def _sag(state: State, record: Discharge) -> None:
    """Only from full, and per load: the sag of a heavier load is deeper in every battery."""
    if record.sag_v is None or record.sag_v <= 0 or not record.load_first or _share(record.charge_start) < 0.95:
        return
    state["sags"] = [*state["sags"], [record.end, record.sag_v / max(record.load_first, expectation.LEAST_LOAD)]]
    if len(state["sags"]) > BASELINE + MOST_TESTS:
        del state["sags"][BASELINE]


def _score(state: State, record: Discharge) -> None:
    said = state["forecast"]
    if said and said["start"] == record.start and record.reason is End.EMPTY:
        state["scores"] = [*state["scores"], runtime.scored(said, record.seconds, record.end)][-MOST_SCORES:]
    state["forecast"] = None
    foretold.runtime_over(state, record.start, record.end, record.reason is End.EMPTY)


def _kept(log_: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest of each sort: a test every week must not push the outages out."""
    runs = [r for r in log_ if not r["test"]][-MOST_RUNS:]
    tests = [r for r in log_ if r["test"]][-MOST_TESTS:]
    return sorted([*runs, *tests], key=lambda r: int(r["start"]))


def _share(charge: float | None) -> float:
    return 1.0 if charge is None else min(max(charge, 0.0), 100.0) / 100


def _step(volts: list[float]) -> float:
    """In what steps the gauge counts: the least difference that was seen."""
    return min((abs(b - a) for a, b in pairwise(volts) if b != a), default=0.0)


def sag_ratio(state: State) -> tuple[float, int] | None:
    """The newest three sags over the first ones; None before there are enough to compare."""
    sags = [basis for _, basis in state["sags"]]
    count = min(BASELINE, len(sags) - 2)
    if count < 2:
        return None
    return median(sags[-3:]) / median(sags[:count]), count


def witnesses(state: State, device: Device, at: int) -> list[Witness]:
    """All that can be said of this battery now, strongest first."""
    found: list[Witness] = []
    told = [msgspec.convert(r, Discharge) for r in state["log"] if r["soh"] is not None and r["end"] >= state["seen"]]
    if told:
        newest = told[-1]
        depth = 1.0 if newest.reason is End.EMPTY else newest.depth or 0.0
        if newest.curve is not None:
            found.append(w.discharge(*newest.curve, depth, newest.end))
        if newest.full_s and newest.promised_s:
            found.append(w.runtime(newest.full_s, newest.promised_s, newest.end))
    found += _by_tests(state, at)
    if state.get("bms"):
        found.append(w.management(state["bms"] / 100, state["bms_at"]))
    if state.get("estimate"):
        found.append(w.estimate(*state["estimate"]))
    if state["failed"] or state["passed"]:
        found.append(w.self_test(state["failed"], state.get("tested") or state["passed"] or at))
    if state["flag"]:
        found.append(w.flag(state["flag"][0] >= 0.5, int(state["flag"][1]), state["flag"][2]))
    found.append(w.age(state["wear"], years(device, at), at))
    return sorted(found, key=lambda one: -one.weight)


def flag_news(before: list[Any] | None, point: str, value: float) -> bool:
    """Whether a sample of `FLAGS` says what `before` ([value, at, point]) does not: one that stands is not taken back by the other."""
    if before is None:
        return True
    if value < 0.5:
        return bool(before[0] >= 0.5 and before[2] == point)
    return bool(before[0] != value or before[2] != point)


def _by_tests(state: State, at: int) -> list[Witness]:
    """What the tests say of the resistance: one witness, by all tests where they were reckoned, else by the sag of the newest ones."""
    ratio, ohms = sag_ratio(state), life.ohms_of(state)
    sag = None if ratio is None else w.sag(*ratio, state["sags"][-1][0])
    if ohms is None or ohms[1] < LEAST_TESTS or (sag is not None and sag.says is w.Says.REPLACE):
        return [sag] if sag is not None else []
    return [w.ohms(*ohms, state["sags"][-1][0] if state["sags"] else at)]


def own_estimate(state: State, at: int) -> None:
    """The UPS's runtime when full and on mains, at a like load, against its first one."""
    seconds, load = recorder.newest(state, recorder.RUNTIME), recorder.newest(state, recorder.LOAD)
    charge = recorder.newest(state, recorder.CHARGE)
    if not seconds or not load or charge is None or charge < recorder.FULL or state["run"]:
        return
    normal = log(seconds * expectation.stretch(load, runtime.AT_LOAD))
    if state["estimate0"] is None:
        state["estimate0"] = normal
    ratio = round(exp(normal - state["estimate0"]), 3)
    state["estimate"] = [ratio, at]

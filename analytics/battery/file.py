"""The file of one battery: what is remembered of it between readings, and what each discharge changes in it.

State (plain data, one a device): the recorder's (see `recorder`), and
    {"battery": identity in the inventory, "seen": first ms, "aged": ms, "wear", "heat": f(T) lately, "belief", "full", "log": [Discharge…],
     "sags": [[load, ratio basis]…], "estimate0": [seconds, load], "failed": tests in a row, "passed", "tested": ms, "flag": [value, at, point],
     "measured": ms, "deep": bool, "forecast", "scores": […], "forecasts": see `foretold`, "told": {kind: …}, "judged": ms}
"""

from __future__ import annotations

from datetime import date
from math import exp, log
from statistics import median
from typing import Any

import msgspec

from analytics import expectation
from analytics.battery import ageing, belief, foretold, life, measuring, recorder, runtime
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
HOUR_MS = 3_600_000
SURE_EXCHANGE_SD = 0.10


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
        life.note(state, record, device, measuring.step([row[1] for row in ended.rows if row[1] is not None]))
    renewed = life.renewed(state)
    if renewed:
        _anew(state, device, record.end)
    found = measuring.measure(record, ended.rows, device)
    if found is not None:
        record, soh, sd = found
        foretold.measured(state, record)
        outcome = _learn(state, device, record, soh, sd)
    if renewed or outcome is Outcome.EXCHANGED:
        outcome = Outcome.EXCHANGED
        record = msgspec.structs.replace(record, wear=0.0)
    state["log"] = _kept([*state["log"], _short(record)])
    return outcome


def _learn(state: State, device: Device, record: Discharge, soh: float, sd: float) -> Outcome:
    now, outcome = belief.update(belief_of(state), soh, sd, record.end)
    # What a gauge says may be old; what the battery gave, it had.
    outlived = measuring.outlived(record, belief.predict(belief_of(state), record.end))
    sure = state["measured"] is not None and (outlived or (outcome is Outcome.EXCHANGED and sd <= SURE_EXCHANGE_SD))
    if sure and not life.contradicts_exchange(state):
        outcome = Outcome.EXCHANGED
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
    if (
        record.sag_v is None
        or record.sag_v <= 0
        or not record.load_first
        or measuring.share(record.charge_start) < 0.95
    ):
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


def _short(record: Discharge) -> dict[str, Any]:
    """As it is kept: whole numbers take a third of the room."""
    told: dict[str, Any] = msgspec.to_builtins(record)
    for name in ("effort_s", "full_s", "promised_s", "estimate_s", "recharge_s"):
        if told[name] is not None:
            told[name] = round(told[name])
    return {name: int(x) if isinstance(x, float) and x.is_integer() else x for name, x in told.items()}


def _kept(log_: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest of each sort: a test every week must not push the outages out."""
    runs = [r for r in log_ if not r["test"]][-MOST_RUNS:]
    tests = [r for r in log_ if r["test"]][-MOST_TESTS:]
    return sorted([*runs, *tests], key=lambda r: int(r["start"]))


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
    last = next((r for r in reversed(state["log"]) if r["soh"] is not None and r["end"] >= state["seen"]), None)
    if last is not None:
        newest = msgspec.convert(last, Discharge)
        depth = 1.0 if newest.reason is End.EMPTY else newest.depth
        if newest.curve is not None:
            found.append(_by_curve(state, newest, depth))
        if newest.full_s and newest.promised_s:
            found.append(w.runtime(newest.full_s, newest.promised_s, newest.end, newest.pace_sd or 0.0))
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


def _by_curve(state: State, record: Discharge, depth: float | None) -> Witness:
    """What the volts of a discharge say, as far as it is known what they read too high in this battery."""
    assert record.curve is not None
    known = life.error_of(state, "curve") if life.curve_counts(record.depth, record.reason) else None
    if known is None:
        return w.discharge(*record.curve, depth or 0.0, record.end)
    error, sd = known
    return w.discharge(record.curve[0] - error, (life.CURVE_OWN_SD**2 + sd**2) ** 0.5, depth, record.end, error)


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

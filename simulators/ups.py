"""A double-conversion UPS: state, surroundings, dt -> state, and what its own meters would show. Pure.

    NORMAL --mains lost--> BATTERY --battery gives out--> NONE (off) --mains back--> NORMAL
    NORMAL --60 s overload or a fault--> BYPASS (needs mains; without them: off)

The meters (`meters`) are those of the state itself, so they always fit each other: load % x rating = VA,
W = VA x pf = V x I x pf, battery power = W / efficiency while on battery.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from model.points import BatteryStatus, Source, TestResult
from simulators import battery
from simulators.battery import BatteryMake, BatteryState

OVERLOAD_PCT = 105.0
OVERLOAD_HOLD_S = 60.0
LOW_CHARGE = 0.15
HOT_C = 45.0
#: Mains outside nominal x these is no mains for the rectifier.
INPUT_LOW, INPUT_HIGH = 0.80, 1.20
_RATED_FAN_RISE_C = 14.0
_DEAD_FAN_RISE_C = 26.0
_THERMAL_S = 600.0

#: Faults of the equipment that a scenario may set, and the flag that each raises.
FAULTS: Mapping[str, str] = {
    "fan": "alarm.fan_failure",
    "charger": "alarm.charger_failed",
    "replace_battery": "alarm.replace_battery",
    "rectifier": "alarm.rectifier_fault",
    "inverter": "alarm.inverter_fault",
    "general": "alarm.general_fault",
}
#: These carry the load to bypass; `bypass` is such a state without a fault flag of its own.
_TO_BYPASS = frozenset({"inverter", "rectifier", "bypass"})


class UpsMake(msgspec.Struct, frozen=True, kw_only=True):
    """A UPS as it was built; power factors and efficiencies are shares of 1."""

    rated_va: float
    battery: BatteryMake
    rated_pf: float = 0.9  #: rated W / rated VA
    load_pf: float = 0.9
    nominal_v: float = 220.0
    nominal_hz: float = 50.0
    efficiency: float = 0.93
    inverter_efficiency: float = 0.92
    low_runtime_s: float = 120.0  #: the UPS says "low" below this


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the site does to the UPS during a step. `input_v` 0 = mains lost."""

    input_v: float
    input_hz: float
    ambient_c: float
    load_va: float


class UpsState(msgspec.Struct, frozen=True, kw_only=True):
    """A UPS now. `faults` are what is broken in it, `flags` what it says of itself."""

    battery: BatteryState
    source: Source
    around: Surroundings
    temperature_c: float
    uptime_s: float  #: of the card that speaks for it; below zero: it boots
    boots: int = 1  #: how often that card has started
    on_battery_s: float = 0.0
    overload_s: float = 0.0
    line_bads: int = 0
    faults: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    flag_since_s: Mapping[str, float] = {}  #: uptime at which each standing flag came
    flag_ids: Mapping[str, int] = {}  #: a number for each standing flag, never used twice between boots
    last_flag_id: int = 0


def fresh(make: UpsMake, around: Surroundings, uptime_s: float) -> UpsState:
    """On mains, warm, fully charged."""
    full = battery.recharge(make.battery, battery.at_rest(make.battery), 0)
    return UpsState(
        battery=full,
        source=Source.NORMAL,
        around=around,
        temperature_c=around.ambient_c + _rise(make, around.load_va, frozenset()),
        uptime_s=uptime_s,
    )


def step(make: UpsMake, state: UpsState, around: Surroundings, dt_s: float) -> UpsState:
    """The UPS `dt_s` later; `around` holds over the step."""
    mains = INPUT_LOW * make.nominal_v <= around.input_v <= INPUT_HIGH * make.nominal_v
    load_pct = 100 * around.load_va / make.rated_va
    overload_s = state.overload_s + dt_s if load_pct > OVERLOAD_PCT else 0.0
    source, cells = _feed(make, state, around, mains=mains, overloaded=overload_s > OVERLOAD_HOLD_S, dt_s=dt_s)
    goal = around.ambient_c + _rise(make, around.load_va if source != Source.NONE else 0.0, state.faults)
    had_mains = state.source != Source.BATTERY and state.around.input_v >= INPUT_LOW * make.nominal_v
    after = msgspec.structs.replace(
        state,
        battery=cells,
        source=source,
        around=around,
        temperature_c=state.temperature_c + (goal - state.temperature_c) * min(1.0, dt_s / _THERMAL_S),
        uptime_s=state.uptime_s + dt_s,
        on_battery_s=state.on_battery_s + dt_s if source == Source.BATTERY else 0.0,
        overload_s=overload_s,
        line_bads=state.line_bads + (1 if had_mains and not mains else 0),
    )
    return flagged(make, after)


def flagged(make: UpsMake, state: UpsState) -> UpsState:
    """The state with its flags made anew from its conditions; standing flags keep the time they came."""
    flags = _flags(make, state)
    if flags == state.flags:
        return state
    since = {flag: state.flag_since_s.get(flag, state.uptime_s) for flag in sorted(flags)}
    came = [flag for flag in _FLAGS if flag in flags and flag not in state.flag_ids]
    ids = {flag: id for flag, id in state.flag_ids.items() if flag in flags}
    ids |= {flag: id for id, flag in enumerate(came, start=state.last_flag_id + 1)}
    last = state.last_flag_id + len(came)
    return msgspec.structs.replace(state, flags=flags, flag_since_s=since, flag_ids=ids, last_flag_id=last)


def rebooted(state: UpsState, seconds: float) -> UpsState:
    """The UPS goes on, its card starts anew: silent for `seconds`, then with flags as new as itself."""
    ids = {flag: id for id, flag in enumerate((flag for flag in _FLAGS if flag in state.flags), start=1)}
    return msgspec.structs.replace(
        state,
        uptime_s=-seconds,
        boots=state.boots + 1,
        line_bads=0,
        flag_since_s=dict.fromkeys(sorted(state.flags), 0.0),
        flag_ids=ids,
        last_flag_id=len(ids),
    )


def _feed(
    make: UpsMake, state: UpsState, around: Surroundings, *, mains: bool, overloaded: bool, dt_s: float
) -> tuple[Source, BatteryState]:
    bypass = overloaded or bool(state.faults & _TO_BYPASS)
    if mains:
        charged = state.battery
        if "charger" in state.faults or state.faults & _TO_BYPASS:
            charged = battery.at_rest(make.battery, state.battery.soc)
        else:
            charged = battery.recharge(make.battery, state.battery, dt_s)
        return (Source.BYPASS if bypass else Source.NORMAL), charged
    resting = battery.at_rest(make.battery, state.battery.soc)
    if state.source == Source.NONE or bypass:
        return Source.NONE, resting
    power_w = around.load_va * make.load_pf / make.inverter_efficiency
    drained = battery.discharge(make.battery, state.battery, power_w, dt_s)
    if drained is None:
        return Source.NONE, battery.at_rest(make.battery, 0.0)
    return Source.BATTERY, drained


def _rise(make: UpsMake, load_va: float, faults: frozenset[str]) -> float:
    span = _DEAD_FAN_RISE_C if "fan" in faults else _RATED_FAN_RISE_C
    return 3.0 + span * load_va / make.rated_va


def runtime_estimate_s(make: UpsMake, state: UpsState) -> float:
    """Seconds left as the firmware works it out."""
    power_w = state.around.load_va * make.load_pf / make.inverter_efficiency
    return battery.firmware_runtime_s(make.battery, state.battery.soc, power_w)


def _flags(make: UpsMake, state: UpsState) -> frozenset[str]:
    soc, source, around = state.battery.soc, state.source, state.around
    mains = INPUT_LOW * make.nominal_v <= around.input_v <= INPUT_HIGH * make.nominal_v
    on_battery = source == Source.BATTERY
    low = soc < LOW_CHARGE or (on_battery and runtime_estimate_s(make, state) < make.low_runtime_s)
    conditions = {
        "alarm.on_battery": on_battery,
        "alarm.battery_low": low,
        "alarm.battery_depleted": soc < 0.02,
        "alarm.input_bad": not mains,
        "alarm.bypass_bad": not mains,
        "alarm.on_bypass": source == Source.BYPASS,
        "alarm.overload": 100 * around.load_va / make.rated_va > OVERLOAD_PCT,
        "alarm.temperature": state.temperature_c > HOT_C,
        "alarm.output_off": source == Source.NONE,
    }
    return frozenset(
        [flag for flag, stands in conditions.items() if stands]
        + [FAULTS[fault] for fault in state.faults if fault in FAULTS]
    )


def battery_status(state: UpsState) -> BatteryStatus:
    """The UPS's own verdict on its charge (RFC 1628 upsBatteryStatus)."""
    if "alarm.battery_depleted" in state.flags:
        return BatteryStatus.DEPLETED
    return BatteryStatus.LOW if "alarm.battery_low" in state.flags else BatteryStatus.NORMAL


def meters(make: UpsMake, state: UpsState) -> dict[str, float]:
    """Every point that the UPS could show, `point` or `point#index`, in the points' units."""
    around, cells = state.around, state.battery
    on = state.source != Source.NONE
    va = around.load_va if on else 0.0
    watts = va * make.load_pf
    output_v = _output_v(make, state)
    drawing = on and state.source != Source.BATTERY
    charging_w = cells.voltage_v * cells.current_a if drawing else 0.0
    input_w = watts / make.efficiency + charging_w if drawing else 0.0
    return {
        "battery.charge": 100 * cells.soc,
        "battery.voltage": cells.voltage_v,
        "battery.current": cells.current_a,
        "battery.runtime": runtime_estimate_s(make, state),
        "battery.runtime.low": make.low_runtime_s,
        "battery.temperature": around.ambient_c + 3.0,
        "battery.capacity": make.battery.rated_ah,
        "battery.voltage.nominal": make.battery.nominal_v,
        "battery.packs": float(make.battery.blocks * make.battery.strings),
        "battery.discharge.seconds": state.on_battery_s,
        "battery.status": float(battery_status(state)),
        "battery.charger.status": float(cells.mode),
        "input.voltage#1": around.input_v,
        "input.voltage.nominal": make.nominal_v,
        "input.voltage.fault": around.input_v,
        "input.frequency.nominal": make.nominal_hz,
        "input.current.nominal": float(int(make.rated_va / make.nominal_v)),
        "input.transfer.low": make.nominal_v * INPUT_LOW,
        "input.transfer.high": make.nominal_v * INPUT_HIGH,
        "input.line_bads": float(state.line_bads),
        "input.phases": 1.0,
        "input.bypass.phases": 1.0,
        "output.phases": 1.0,
        "input.frequency#1": around.input_hz,
        "input.current#1": input_w / around.input_v if around.input_v > 0 else 0.0,
        "input.realpower#1": input_w,
        "input.bypass.voltage#1": around.input_v,
        "input.bypass.frequency": around.input_hz,
        "output.voltage#1": output_v,
        "output.voltage.nominal": make.nominal_v,
        "output.frequency": _output_hz(make, state),
        "output.frequency.nominal": make.nominal_hz,
        "output.current#1": va / output_v if output_v > 0 else 0.0,
        "output.realpower#1": watts,
        "output.power#1": va,
        "ups.load#1": 100 * va / make.rated_va,
        "ups.temperature": state.temperature_c,
        "ups.power.nominal": make.rated_va,
        "ups.realpower.nominal": make.rated_va * make.rated_pf,
        "ups.source": float(state.source),
        "ups.alarms": float(len(state.flags)),
        "ups.test.result": float(TestResult.NONE),
        "ups.beeper": float(state.source == Source.BATTERY),
        "ups.shutdown_active": 0.0,
    } | {flag: float(flag in state.flags) for flag in _FLAGS}


#: Every flag that `_flags` can raise, so that a meter reading says of each that it stands or not.
_FLAGS = (
    "alarm.on_battery", "alarm.battery_low", "alarm.battery_depleted", "alarm.input_bad", "alarm.bypass_bad",
    "alarm.on_bypass", "alarm.overload", "alarm.temperature", "alarm.output_off", *FAULTS.values(),
)  # fmt: skip


def _output_v(make: UpsMake, state: UpsState) -> float:
    if state.source == Source.NONE:
        return 0.0
    return state.around.input_v if state.source == Source.BYPASS else make.nominal_v


def _output_hz(make: UpsMake, state: UpsState) -> float:
    if state.source == Source.NONE:
        return 0.0
    return state.around.input_hz if state.source in (Source.BYPASS, Source.NORMAL) else make.nominal_hz

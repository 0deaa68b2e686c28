"""The UPS goes from state to state for a reason, and its meters agree with each other in each."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.points import POINTS, BatteryStatus, Source, plausible
from simulators import ups
from simulators.battery import BatteryMake
from simulators.ups import Surroundings, UpsMake, UpsState

MAKE = UpsMake(rated_va=6000, battery=BatteryMake(blocks=16, block_ah=9))


def around(mains: bool = True, load: float = 0.5, ambient_c: float = 24) -> Surroundings:
    volts, hertz = (221.3, 50.02) if mains else (0.0, 0.0)
    return Surroundings(input_v=volts, input_hz=hertz, ambient_c=ambient_c, load_va=load * MAKE.rated_va)


def run(state: UpsState, seconds: int, at: Surroundings) -> UpsState:
    for _ in range(seconds):
        state = ups.step(MAKE, state, at, 1.0)
    return state


def faulty(*faults: str) -> UpsState:
    return msgspec.structs.replace(ups.fresh(MAKE, around(), 0), faults=frozenset(faults))


@given(
    mains=st.booleans(),
    load=st.floats(0, 1.04),
    seconds=st.integers(1, 30),
    faults=st.sets(st.sampled_from(sorted([*ups.FAULTS, "bypass"])), max_size=2),
)
def test_the_meters_always_fit_each_other(mains: bool, load: float, seconds: int, faults: set[str]) -> None:
    values = ups.meters(MAKE, run(faulty(*faults), seconds, around(mains, load)))
    va = values["output.power#1"]
    assert values["ups.load#1"] == pytest.approx(100 * va / MAKE.rated_va, abs=1e-6)
    assert values["output.realpower#1"] == pytest.approx(va * MAKE.load_pf, abs=1e-6)
    assert values["output.voltage#1"] * values["output.current#1"] == pytest.approx(va, abs=1e-6)
    if values["ups.source"] == Source.BATTERY:
        drawn_w = values["battery.voltage"] * values["battery.current"]
        assert drawn_w * MAKE.inverter_efficiency == pytest.approx(values["output.realpower#1"], abs=1e-6)
        assert values["input.realpower#1"] == 0
    if values["input.voltage#1"]:
        assert values["input.voltage#1"] * values["input.current#1"] == pytest.approx(
            values["input.realpower#1"], abs=1e-6
        )


@given(mains=st.booleans(), load=st.floats(0, 1.3), seconds=st.integers(1, 90))
def test_every_meter_is_a_known_point_within_its_bounds(mains: bool, load: float, seconds: int) -> None:
    for name, value in ups.meters(MAKE, run(faulty(), seconds, around(mains, load))).items():
        assert plausible(POINTS[name.partition("#")[0]], value), (name, value)


def test_mains_lost_is_on_battery_at_once_and_back_when_it_returns() -> None:
    lost = run(ups.fresh(MAKE, around(), 0), 1, around(mains=False))
    assert lost.source == Source.BATTERY
    assert {"alarm.on_battery", "alarm.input_bad"} <= lost.flags
    assert lost.line_bads == 1
    back = run(lost, 1, around())
    assert back.source == Source.NORMAL
    assert not back.flags
    assert back.on_battery_s == 0


def test_seconds_on_battery_count_and_the_flag_keeps_the_time_it_came() -> None:
    state = run(ups.fresh(MAKE, around(), 1000), 30, around(mains=False))
    assert state.on_battery_s == 30
    assert state.flag_since_s["alarm.on_battery"] == 1001


def test_an_exhausted_battery_says_low_first_and_then_drops_the_load() -> None:
    state, low_at, seconds = ups.fresh(MAKE, around(), 0), None, 0
    while state.source != Source.NONE and seconds < 7200:
        state, seconds = run(state, 1, around(mains=False)), seconds + 1
        if low_at is None and ups.battery_status(state) == BatteryStatus.LOW:
            low_at = seconds
    assert low_at is not None
    assert low_at < seconds - 60
    values = ups.meters(MAKE, state)
    assert values["output.voltage#1"] == values["output.power#1"] == values["ups.load#1"] == 0
    assert run(state, 1, around()).source == Source.NORMAL


def test_a_minute_of_overload_goes_to_bypass_and_comes_back_when_the_load_falls() -> None:
    state = run(ups.fresh(MAKE, around(), 0), 30, around(load=1.2))
    assert state.source == Source.NORMAL
    assert "alarm.overload" in state.flags
    state = run(state, 40, around(load=1.2))
    assert state.source == Source.BYPASS
    assert "alarm.on_bypass" in state.flags
    assert run(state, 1, around(load=0.5)).source == Source.NORMAL


def test_bypass_without_mains_is_darkness() -> None:
    assert run(faulty("inverter"), 1, around()).source == Source.BYPASS
    assert run(faulty("inverter"), 1, around(mains=False)).source == Source.NONE


def test_a_dead_fan_raises_its_flag_and_the_temperature_but_not_the_alarm_of_heat() -> None:
    healthy, dead = run(faulty(), 3600, around()), run(faulty("fan"), 3600, around())
    assert dead.flags == {"alarm.fan_failure"}
    assert dead.temperature_c > healthy.temperature_c + 4


def test_heat_raises_its_own_flag() -> None:
    assert "alarm.temperature" in run(faulty("fan"), 3600, around(load=0.9, ambient_c=35)).flags


def test_a_dead_charger_leaves_the_battery_where_it_is() -> None:
    state = run(ups.fresh(MAKE, around(), 0), 300, around(mains=False))
    state = msgspec.structs.replace(state, faults=frozenset({"charger"}))
    after = run(state, 600, around())
    assert after.battery.soc == state.battery.soc
    assert after.battery.current_a == 0


def test_an_aged_battery_raises_no_flag_of_its_own() -> None:
    make = msgspec.structs.replace(MAKE, battery=BatteryMake(blocks=16, block_ah=9, soh=0.6))
    state = ups.fresh(make, around(), 0)
    for _ in range(300):
        state = ups.step(make, state, around(mains=False), 1.0)
    assert state.flags == {"alarm.on_battery", "alarm.input_bad", "alarm.bypass_bad"}


@given(faults=st.sets(st.sampled_from(sorted(ups.FAULTS))), mains=st.booleans(), load=st.floats(0, 1.3))
def test_every_standing_flag_is_among_the_meters(faults: set[str], mains: bool, load: float) -> None:
    state = run(faulty(*faults), 3, around(mains, load))
    values = ups.meters(MAKE, state)
    assert {name for name, value in values.items() if name.startswith("alarm.") and value} == state.flags

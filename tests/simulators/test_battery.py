"""The battery obeys arithmetic: energy, charge, and the difference that age makes."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.points import ChargeMode
from simulators import battery
from simulators.battery import BatteryMake, BatteryState

makes = st.builds(
    BatteryMake,
    blocks=st.integers(1, 40),
    block_ah=st.floats(4, 200),
    strings=st.integers(1, 4),
    soh=st.floats(0.05, 1.0),
)


def emptied(make: BatteryMake, power_w: float, dt_s: float = 5.0) -> list[BatteryState]:
    """Every state from full until the bank gives out."""
    states = [battery.at_rest(make)]
    while state := battery.discharge(make, states[-1], power_w, dt_s):
        states.append(state)
    return states


@given(make=makes, hours=st.floats(0.15, 10))
def test_what_leaves_the_terminals_is_what_was_asked_for(make: BatteryMake, hours: float) -> None:
    power_w = make.nominal_v * make.rated_ah / hours
    for state in emptied(make, power_w, 30.0)[1:]:
        assert state.voltage_v * state.current_a == pytest.approx(power_w, rel=1e-9)


@given(make=makes, hours=st.floats(0.15, 10))
def test_charge_only_falls_in_discharge_and_no_more_comes_out_than_is_in(make: BatteryMake, hours: float) -> None:
    states = emptied(make, make.nominal_v * make.rated_ah / hours, 30.0)
    charges = [state.soc for state in states]
    assert all(after < before for before, after in pairwise(charges))
    drawn_ah = sum(state.current_a for state in states[1:]) * 30.0 / 3600
    assert drawn_ah <= make.rated_ah * make.soh + 1e-6


@given(make=makes, hours=st.floats(0.15, 10))
def test_losses_are_current_squared_times_resistance(make: BatteryMake, hours: float) -> None:
    power_w = make.nominal_v * make.rated_ah / hours
    before = battery.at_rest(make, 0.8)
    after = battery.discharge(make, before, power_w, 1e-6)
    if after:
        inside_w = battery.ocv(make, before.soc) * after.current_a
        lost_w = after.current_a**2 * battery.resistance(make, before.soc)
        assert inside_w == pytest.approx(power_w + lost_w, rel=1e-9)


@given(make=makes, soc=st.floats(0, 1), hours=st.floats(0.01, 100), dt=st.floats(0, 3600))
def test_no_value_is_ever_nan_or_infinite(make: BatteryMake, soc: float, hours: float, dt: float) -> None:
    power_w = make.nominal_v * make.rated_ah / hours
    state = battery.at_rest(make, soc)
    after = battery.discharge(make, state, power_w, dt)
    for one in (state, battery.recharge(make, state, dt), *([after] if after else [])):
        assert all(isfinite(value) for value in (one.soc, one.voltage_v, one.current_a))
        assert 0 <= one.soc <= 1
        assert one.voltage_v > 0
    assert isfinite(battery.firmware_runtime_s(make, soc, power_w))


@given(make=makes, soc=st.floats(0, 1), dt=st.floats(0.1, 600))
def test_recharge_never_loses_charge_nor_passes_boost_voltage(make: BatteryMake, soc: float, dt: float) -> None:
    after = battery.recharge(make, battery.at_rest(make, soc), dt)
    assert after.soc >= soc
    assert after.voltage_v <= battery.BOOST_V_CELL * make.cells + 1e-9


def test_a_bank_at_sixty_percent_empties_in_six_tenths_of_the_time() -> None:
    new = BatteryMake(blocks=20, block_ah=9, strings=2)
    aged = BatteryMake(blocks=20, block_ah=9, strings=2, soh=0.6)
    ratio = len(emptied(aged, 6000, 1.0)) / len(emptied(new, 6000, 1.0))
    assert ratio == pytest.approx(0.6, abs=0.01)


def test_the_firmware_is_right_about_a_new_bank_and_knows_nothing_of_age() -> None:
    new = BatteryMake(blocks=16, block_ah=9)
    aged = BatteryMake(blocks=16, block_ah=9, soh=0.5)
    guess_s = battery.firmware_runtime_s(new, 1.0, 1800)
    assert guess_s == pytest.approx(len(emptied(new, 1800, 1.0)), rel=0.03)
    assert battery.firmware_runtime_s(aged, 1.0, 1800) == guess_s


def test_half_the_power_lasts_more_than_twice_as_long() -> None:
    make = BatteryMake(blocks=16, block_ah=9)
    assert len(emptied(make, 900)) > 2 * len(emptied(make, 1800))


def test_charging_ends_in_float_at_float_voltage() -> None:
    make = BatteryMake(blocks=6, block_ah=9)
    state = battery.at_rest(make, 0.3)
    hours = 0
    while state.mode != ChargeMode.FLOATING:
        state = battery.recharge(make, state, 3600)
        hours += 1
    assert 7 <= hours <= 24
    assert state.voltage_v == pytest.approx(battery.FLOAT_V_CELL * 36)

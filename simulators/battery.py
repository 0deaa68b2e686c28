"""A string of VRLA blocks: state, power, dt -> state. Pure.

State of charge is a fraction of what the battery *can* hold now (rated capacity x state of health); the
health itself is hidden from the UPS, as in life.

    discharge   P = V I at constant power, V = OCV(soc) - I R(soc)      the lower root of a quadratic
                d soc/dt = -I (I / I20)^(k-1) / (C x SoH)               Peukert, k = 1.15, I20 = C / 20 h
    R(soc)      R (1 + 0.08 / (soc + 0.03))                             the knee at the end of discharge
    recharge    constant current up to 2.40 V/cell, then a taper; float 2.27 V/cell; 95 % of the charge stays

Open-circuit volts per cell are the medians of 1,027 field VRLA units; Peukert, float and boost volts are
makers' figures. Not modelled: temperature, coup de fouet, self-discharge, single cells.
"""

from __future__ import annotations

from math import sqrt

import msgspec

from model.points import ChargeMode

CELLS_A_BLOCK = 6
PEUKERT = 1.15
RATED_HOURS = 20.0
FLOAT_V_CELL = 2.27
BOOST_V_CELL = 2.40
#: A discharge ends here: the converter cannot hold its output any more.
CUTOFF_V_CELL = 1.60
#: Firmware counts no further.
LONGEST_S = 86_400.0
_ACCEPTANCE = 0.95
_FULL = 0.995
#: Charge is accepted ever more slowly above this.
_TAPER_FROM = 0.90
_OCV_V_CELL = (1.913, 1.943, 1.979, 2.011, 2.040, 2.068, 2.097, 2.126, 2.157, 2.187, 2.199)


class BatteryMake(msgspec.Struct, frozen=True, kw_only=True):
    """What is bolted into the cabinet."""

    blocks: int  #: 12 V blocks in one string
    block_ah: float  #: rated, 20 h
    strings: int = 1
    soh: float = 1.0  #: true capacity / rated; the UPS does not know it
    block_mohm: float | None = None  #: 180 mΩ·Ah / capacity when not given
    charge_rate: float = 0.1  #: charger's limit, parts of the rated capacity an hour

    @property
    def rated_ah(self) -> float:
        return self.block_ah * self.strings

    @property
    def nominal_v(self) -> float:
        return 12.0 * self.blocks

    @property
    def cells(self) -> int:
        return self.blocks * CELLS_A_BLOCK

    @property
    def ohm(self) -> float:
        """Of the whole bank when new and full."""
        block = self.block_mohm if self.block_mohm is not None else 180.0 / self.block_ah
        return block / 1000 * self.blocks / self.strings


class BatteryState(msgspec.Struct, frozen=True, kw_only=True):
    """`voltage_v` and `current_a` hold over the step that led here; the current has no sign, `mode` has."""

    soc: float
    voltage_v: float
    current_a: float
    mode: ChargeMode


def at_rest(make: BatteryMake, soc: float = 1.0) -> BatteryState:
    """Neither charged nor discharged."""
    return BatteryState(soc=soc, voltage_v=ocv(make, soc), current_a=0.0, mode=ChargeMode.RESTING)


def ocv(make: BatteryMake, soc: float) -> float:
    """Volts of the bank without current, from 0 to 100 % charge."""
    place = min(max(soc, 0.0), 1.0) * 10
    low = min(int(place), 9)
    cell = _OCV_V_CELL[low] + (_OCV_V_CELL[low + 1] - _OCV_V_CELL[low]) * (place - low)
    return cell * make.cells


def resistance(make: BatteryMake, soc: float) -> float:
    """Ohms of the bank, rising steeply as it empties."""
    return make.ohm * (1 + 0.08 / (max(soc, 0.0) + 0.03))


def discharge_current(make: BatteryMake, soc: float, power_w: float) -> float | None:
    """The current at which the bank gives `power_w`; None when no current does, or only below the cut-off."""
    open_v, ohm = ocv(make, soc), resistance(make, soc)
    under_root = open_v * open_v - 4 * ohm * power_w
    if under_root < 0:
        return None
    current = (open_v - sqrt(under_root)) / (2 * ohm)
    return current if open_v - current * ohm >= CUTOFF_V_CELL * make.cells else None


def drain(make: BatteryMake, current_a: float) -> float:
    """Parts of the *rated* capacity used in a second at this current, after Peukert."""
    ratio = current_a * RATED_HOURS / make.rated_ah
    faster: float = max(ratio, 1.0) ** (PEUKERT - 1)
    return current_a * faster / (make.rated_ah * 3600)


def discharge(make: BatteryMake, state: BatteryState, power_w: float, dt_s: float) -> BatteryState | None:
    """`dt_s` later at constant power; None when the bank gives out within the step."""
    current = discharge_current(make, state.soc, power_w)
    if current is None:
        return None
    soc = state.soc - drain(make, current) / make.soh * dt_s
    if soc <= 0:
        return None
    voltage = ocv(make, state.soc) - current * resistance(make, state.soc)
    return BatteryState(soc=soc, voltage_v=voltage, current_a=current, mode=ChargeMode.DISCHARGING)


def recharge(make: BatteryMake, state: BatteryState, dt_s: float) -> BatteryState:
    """`dt_s` later with a good charger."""
    if state.soc >= _FULL:
        trickle = make.rated_ah * 0.001
        soc = min(1.0, state.soc + trickle * dt_s / (make.rated_ah * make.soh * 3600))
        return BatteryState(soc=soc, voltage_v=FLOAT_V_CELL * make.cells, current_a=trickle, mode=ChargeMode.FLOATING)
    taper = min(1.0, (1.02 - state.soc) / (1.02 - _TAPER_FROM))
    current = make.rated_ah * make.charge_rate * taper
    soc = min(1.0, state.soc + current * _ACCEPTANCE * dt_s / (make.rated_ah * make.soh * 3600))
    # On charge the bank stands between its rest voltage and the boost limit, nearer the limit as it fills.
    lift = (BOOST_V_CELL * make.cells - ocv(make, state.soc)) * (0.35 + 0.65 * state.soc)
    return BatteryState(soc=soc, voltage_v=ocv(make, state.soc) + lift, current_a=current, mode=ChargeMode.CHARGING)


def firmware_runtime_s(make: BatteryMake, soc: float, power_w: float) -> float:
    """What a UPS believes it has left: rated capacity x charge at the present power, health taken as 100 %.

    Right within a few percent for a new battery and too hopeful for an aged one, which is the point.
    """
    current = discharge_current(make, max(soc * 0.5, 0.05), power_w)
    if current is None:
        return 0.0
    return min(soc / drain(make, current), LONGEST_S) if current > 0 else LONGEST_S

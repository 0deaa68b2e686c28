"""The hours of a battery as one row each, and in what phase the battery was: what the slow battery detectors walk over.

    DISCHARGE  the battery fed the load, or a test ran, at some time of the hour
    CHARGE     on mains, and a discharge is not yet made good: charge below 95 %, or less than `SETTLE_H` since a discharge
    REST       on mains, and the device says that it rests its battery (ABM and the like: legitimate for weeks)
    FLOAT      on mains, full, settled
    UNKNOWN    nobody said what feeds the output (in this hour or in the day before it)

State (plain data, the caller's own): {"out": end of the last hour with a discharge, ms; "light": it took less than 5 %; "mains": when it was last
said that the mains feeds the load; "charge", "warm": [value, ms]}.

Volts are given a cell where the inventory or the device says how many there are; a value that no cell can have (a unit changed
by a firmware, a wrong entry in the inventory) is None.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from analytics import supply
from analytics.battery import recorder
from analytics.detector import State
from analytics.hours import HOUR_MS, HourColumn, Hours
from model.inventory import Device
from model.points import ChargeMode, Source

VOLTS, CHARGE, WARM = "battery.voltage", "battery.charge", "battery.temperature"
MODE, NOMINAL, TESTING, LOAD = (
    "battery.charger.status", "battery.voltage.nominal", "alarm.test_in_progress", "ups.load",
)  # fmt: skip
#: What every one of them needs to tell the phase.
POINTS = frozenset({*supply.POINTS, TESTING, VOLTS, CHARGE, WARM, MODE})

SETTLE_H, SETTLE_LIGHT_H = 24, 6
FULL, LIGHT = 95.0, 95.0
HELD_H = 24
LEAST_V_CELL, MOST_V_CELL = 1.5, 3.0
_BATTERY = float(Source.BATTERY)
CHARGING_MODES = (ChargeMode.FLOATING, ChargeMode.CHARGING)


class Phase(StrEnum):
    DISCHARGE = "discharge"
    CHARGE = "charge"
    REST = "rest"
    FLOAT = "float"
    UNKNOWN = "unknown"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One hour. `at` is its start (ms); `volts` and `low` of the whole string; `settled` hours since the last discharge, None: never seen."""

    at: int
    phase: Phase
    volts: float | None
    low: float | None
    v_cell: float | None
    celsius: float | None
    charge: float | None
    charge_low: float | None
    load: float | None
    mode: float | None  #: the device's own word of its charger, when it was the same all hour
    settled: float | None


def lithium(device: Device) -> bool:
    return device.battery is not None and device.battery.chemistry == "lithium"


def rows(hours: Hours, phase: State, device: Device) -> Iterator[Row]:
    """The hours in order; `phase` is the caller's own and is moved on."""
    cells = recorder.cells_of(device)
    for at, told in _told(hours):
        yield _row(at, told, phase, cells)


Sums = tuple[float, float, float, float, int]  #: mean, low, high, last, moves: over the indexes their mean, least, most


def _told(hours: Hours) -> list[tuple[int, dict[str, Sums]]]:
    """What was said in each hour, the oldest first; made once for all that ask."""
    made: list[tuple[int, dict[str, Sums]]] | None = hours.shared.get("battery")
    if made is None:
        found: dict[int, dict[str, Sums]] = {}
        for point in (*POINTS, LOAD):
            for at, sums in _by_hour(hours, point).items():
                found.setdefault(at, {})[point] = sums
        made = hours.shared["battery"] = sorted(found.items(), key=lambda hour: hour[0])
    return made


def _by_hour(hours: Hours, point: str) -> dict[int, Sums]:
    columns = hours.columns.get(point)
    if not columns:
        return {}
    if len(columns) == 1:
        [only] = columns.values()
        return dict(zip(only.at, zip(only.mean, only.low, only.high, only.last, only.moves, strict=True), strict=True))
    found: dict[int, list[Sums]] = {}
    for column in columns.values():
        for place, at in enumerate(column.at):
            found.setdefault(at, []).append(_sums(column, place))
    return {
        at: some[0] if len(some) == 1 else (
            sum(s[0] for s in some) / len(some), min(s[1] for s in some), max(s[2] for s in some),
            sum(s[3] for s in some) / len(some), sum(s[4] for s in some),
        )
        for at, some in found.items()
    }  # fmt: skip


def _sums(column: HourColumn, place: int) -> Sums:
    return column.mean[place], column.low[place], column.high[place], column.last[place], column.moves[place]


def _row(at: int, told: dict[str, Sums], phase: State, cells: int | None) -> Row:
    charge, warm, volts = told.get(CHARGE), told.get(WARM), told.get(VOLTS)
    if charge is not None:
        phase["charge"] = [charge[3], at]
    if warm is not None:
        phase["warm"] = [warm[0], at]
    now = _phase(at, told, phase)
    out: int | None = phase.get("out")
    v_cell = volts[0] / cells if volts and cells else None
    if v_cell is not None and not LEAST_V_CELL <= v_cell <= MOST_V_CELL:
        v_cell = None
    mode = told.get(MODE)
    return Row(
        at=at,
        phase=now,
        volts=volts[0] if volts else None,
        low=volts[1] if volts else None,
        v_cell=v_cell,
        celsius=_held(phase, "warm", at),
        charge=_held(phase, "charge", at),
        charge_low=charge[1] if charge else None,
        load=told[LOAD][0] if LOAD in told else None,
        mode=mode[3] if mode and not mode[4] else None,
        settled=None if out is None else (at - out) / HOUR_MS,
    )


def _held(phase: State, name: str, at: int) -> float | None:
    """A value that a slower tier told lately."""
    known = phase.get(name)
    return known[0] if known and at - known[1] < HELD_H * HOUR_MS else None


def _phase(at: int, told: dict[str, Sums], phase: State) -> Phase:
    source, flag, test = told.get(supply.SOURCE), told.get(supply.FLAG), told.get(TESTING)
    spent = (
        (source is not None and (source[1] == _BATTERY or source[2] == _BATTERY or source[3] == _BATTERY))
        or (flag is not None and flag[2] >= 0.5)
        or (test is not None and test[2] >= 0.5)
    )
    charge = told.get(CHARGE)
    if spent:
        light = charge is None or charge[1] >= LIGHT
        phase["light"] = light and (phase.get("light", True) or _over(phase, at))
        phase["out"] = at + HOUR_MS
        phase["mains"] = at
        return Phase.DISCHARGE
    if source is not None or flag is not None:
        phase["mains"] = at
    if at - phase.get("mains", -HELD_H * HOUR_MS) >= HELD_H * HOUR_MS:
        return Phase.UNKNOWN
    known = _held(phase, "charge", at)
    if not _over(phase, at) or (known is not None and known < FULL):
        return Phase.CHARGE
    mode = told.get(MODE)
    return Phase.REST if mode is not None and mode[3] == ChargeMode.RESTING else Phase.FLOAT


def _over(phase: State, at: int) -> bool:
    """Whether the last discharge is made good: a day after a real one, six hours after a test."""
    out = phase.get("out")
    return out is None or at - int(out) >= (SETTLE_LIGHT_H if phase.get("light", True) else SETTLE_H) * HOUR_MS

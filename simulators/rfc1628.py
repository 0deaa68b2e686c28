"""What an RFC 1628 card shows: meters -> objects of UPS-MIB and the system group. Pure.

Whole volts, tenths of amperes and hertz, minutes: the MIB's own resolution. One phase, so one row in each
line table. Alarms stand in `upsAlarmTable` in the order they came, with sysUpTime of their coming,
each under an upsAlarmId of its own as long as it stands. Write
objects read as they were set at the works.
"""

from __future__ import annotations

from collections.abc import Mapping

from model.points import TestResult
from simulators.objects import (
    Objects,
    Oid,
    Value,
    counter32,
    gauge32,
    integer,
    objectid,
    octets,
    system_group,
    timeticks,
)
from simulators.scenario import Device, UpsModel
from simulators.ups import UpsState

UPS = (1, 3, 6, 1, 2, 1, 33)
_MIB = (*UPS, 1)
#: upsWellKnownAlarms (6.3.n) by flag.
WELL_KNOWN: Mapping[str, int] = {
    "alarm.replace_battery": 1,
    "alarm.on_battery": 2,
    "alarm.battery_low": 3,
    "alarm.battery_depleted": 4,
    "alarm.temperature": 5,
    "alarm.input_bad": 6,
    "alarm.overload": 8,
    "alarm.on_bypass": 9,
    "alarm.bypass_bad": 10,
    "alarm.charger_failed": 13,
    "alarm.output_off": 14,
    "alarm.fan_failure": 16,
    "alarm.general_fault": 18,
    "alarm.rectifier_fault": 18,
    "alarm.inverter_fault": 18,
}
_BEEPER_ENABLED = 2


def objects(device: Device, meters: Mapping[str, float], state: UpsState) -> Objects:
    """Every instance, in no particular order."""
    model = device.model
    assert isinstance(model, UpsModel)
    description = f"{model.mfr} {model.model}"
    found = system_group(description, UPS, device.id, device.site.id, state.uptime_s)
    for place, value in _scalars(device, model, meters).items():
        found[(*_MIB, *place, 0)] = value
    for place, value in _lines(meters).items():
        found[(*_MIB, *place, 1)] = value
    return found | _alarms(state)


def _scalars(device: Device, model: UpsModel, meters: Mapping[str, float]) -> dict[tuple[int, ...], Value]:
    return {
        (1, 1): octets(model.mfr),
        (1, 2): octets(model.model),
        (1, 3): octets(model.firmware),
        (1, 4): octets(f"{device.serial} / 1.0"),
        (1, 5): octets(device.id),
        (1, 6): octets(""),
        (2, 1): integer(meters["battery.status"]),
        (2, 2): integer(meters["battery.discharge.seconds"]),
        (2, 3): integer(max(meters["battery.runtime"] // 60, 1)),
        (2, 4): integer(meters["battery.charge"]),
        (2, 5): integer(meters["battery.voltage"] * 10),
        (2, 6): integer(meters["battery.current"] * 10),
        (2, 7): integer(meters["battery.temperature"]),
        (3, 1): counter32(meters["input.line_bads"]),
        (3, 2): integer(1),
        (4, 1): integer(meters["ups.source"]),
        (4, 2): integer(meters["output.frequency"] * 10),
        (4, 3): integer(1),
        (5, 1): integer(meters["input.bypass.frequency"] * 10),
        (5, 2): integer(1),
        (7, 1): objectid((*_MIB, 7, 7, 1)),
        (7, 2): integer(0),
        (7, 3): integer(TestResult.NONE),
        (7, 4): octets(""),
        (7, 5): timeticks(0),
        (7, 6): integer(0),
        (9, 1): integer(meters["input.voltage.nominal"]),
        (9, 2): integer(meters["input.frequency.nominal"] * 10),
        (9, 3): integer(meters["output.voltage.nominal"]),
        (9, 4): integer(meters["output.frequency.nominal"] * 10),
        (9, 5): integer(meters["ups.power.nominal"]),
        (9, 6): integer(meters["ups.realpower.nominal"]),
        (9, 7): integer(meters["battery.runtime.low"] / 60),
        (9, 8): integer(_BEEPER_ENABLED),
        (9, 9): integer(meters["input.transfer.low"]),
        (9, 10): integer(meters["input.transfer.high"]),
    }


def _lines(meters: Mapping[str, float]) -> dict[tuple[int, ...], Value]:
    return {
        (3, 3, 1, 2): integer(meters["input.frequency#1"] * 10),
        (3, 3, 1, 3): integer(meters["input.voltage#1"]),
        (3, 3, 1, 4): integer(meters["input.current#1"] * 10),
        (3, 3, 1, 5): integer(meters["input.realpower#1"]),
        (4, 4, 1, 2): integer(meters["output.voltage#1"]),
        (4, 4, 1, 3): integer(meters["output.current#1"] * 10),
        (4, 4, 1, 4): integer(meters["output.realpower#1"]),
        (4, 4, 1, 5): integer(meters["ups.load#1"]),
        (5, 3, 1, 2): integer(meters["input.bypass.voltage#1"]),
        (5, 3, 1, 3): integer(0),
        (5, 3, 1, 4): integer(0),
    }


def _alarms(state: UpsState) -> Objects:
    rows = alarm_rows(state)
    found: Objects = {(*_MIB, 6, 1, 0): gauge32(len(rows))}
    for known, (row, since_s) in rows.items():
        found[(*_MIB, 6, 2, 1, 2, row)] = objectid(alarm_oid(known))
        found[(*_MIB, 6, 2, 1, 3, row)] = timeticks(max(since_s, 0.0))
    return found


def alarm_oid(known: int) -> Oid:
    """upsWellKnownAlarms."""
    return (*_MIB, 6, 3, known)


def alarm_rows(state: UpsState) -> dict[int, tuple[int, float]]:
    """Each standing well-known alarm: upsAlarmId, which it keeps as long as it stands, and when it came."""
    rows: dict[int, tuple[int, float]] = {}
    for flag, since_s in state.flag_since_s.items():
        if flag in WELL_KNOWN:
            known, row = WELL_KNOWN[flag], (state.flag_ids[flag], since_s)
            rows[known] = min(row, rows.get(known, row))
    return rows

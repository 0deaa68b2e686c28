"""What a switch shows: meters -> ifTable, ifXTable and the system group. Pure.

Counters of 32 bits are the low half of those of 64, as RFC 2863 has it. Columns: all of ifTable that is not
deprecated, and all of ifXTable but the broadcast and multicast halves of 32 bits.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulators.objects import Objects, Value, counter32, counter64, gauge32, integer, octets, system_group, timeticks
from simulators.scenario import Device, SwitchModel
from simulators.switch import PortMake, SwitchMake

_IF = (1, 3, 6, 1, 2, 1, 2)
_ENTRY = (*_IF, 2, 1)
_X_ENTRY = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_ETHERNET = 6
_YES, _NO = 1, 2
#: Columns of ifXTable that an agent with counters of 32 bits does not have.
_OF_64_BITS = frozenset(range(6, 14))


def objects(device: Device, meters: Mapping[str, float]) -> Objects:
    """Every instance, in no particular order."""
    model, make = device.model, device.make
    assert isinstance(model, SwitchModel)
    assert isinstance(make, SwitchMake)
    object_id = tuple(int(part) for part in model.object_id.split("."))
    description = f"{model.mfr} {model.model} Software, Version {model.firmware}"
    found = system_group(description, object_id, device.id, device.site.id, meters["sysUpTime"])
    found[(*_IF, 1, 0)] = integer(meters["ifNumber"])
    for index, port in enumerate(make.ports, start=1):
        values = {name: meters[f"{name}#{index}"] for name in _PER_PORT}
        for column, value in _if_row(index, port, values, device).items():
            found[(*_ENTRY, column, index)] = value
        for column, value in _x_row(port, values).items():
            if device.entry.counters == 64 or column not in _OF_64_BITS:
                found[(*_X_ENTRY, column, index)] = value
    return found


_PER_PORT = (
    "ifAdminStatus", "ifOperStatus", "ifHighSpeed", "ifMtu", "ifLastChange", "ifHCInOctets", "ifHCOutOctets",
    "ifInUcastPkts", "ifOutUcastPkts", "ifInErrors", "ifOutErrors", "ifInDiscards", "ifOutDiscards",
)  # fmt: skip


def _if_row(index: int, port: PortMake, values: Mapping[str, float], device: Device) -> dict[int, Value]:
    return {
        1: integer(index),
        2: octets(port.name),
        3: integer(_ETHERNET),
        4: integer(values["ifMtu"]),
        5: gauge32(values["ifHighSpeed"] * 1_000_000),
        6: octets(f"02:{device.site.number:02x}:{device.entry.host:02x}:00:00:{index:02x}"),
        7: integer(values["ifAdminStatus"]),
        8: integer(values["ifOperStatus"]),
        9: timeticks(values["ifLastChange"]),
        10: counter32(values["ifHCInOctets"]),
        11: counter32(values["ifInUcastPkts"]),
        13: counter32(values["ifInDiscards"]),
        14: counter32(values["ifInErrors"]),
        15: counter32(0),
        16: counter32(values["ifHCOutOctets"]),
        17: counter32(values["ifOutUcastPkts"]),
        19: counter32(values["ifOutDiscards"]),
        20: counter32(values["ifOutErrors"]),
    }


def _x_row(port: PortMake, values: Mapping[str, float]) -> dict[int, Value]:
    return {
        1: octets(port.name.replace("GigabitEthernet", "GE")),
        6: counter64(values["ifHCInOctets"]),
        7: counter64(values["ifInUcastPkts"]),
        8: counter64(0),
        9: counter64(0),
        10: counter64(values["ifHCOutOctets"]),
        11: counter64(values["ifOutUcastPkts"]),
        12: counter64(0),
        13: counter64(0),
        14: integer(_YES),
        15: gauge32(values["ifHighSpeed"]),
        16: integer(_NO),
        17: integer(_YES),
        18: octets(port.alias),
        19: timeticks(0),
    }

"""What an SNMP agent says unasked: two states of a device -> traps; a trap -> PDU. Pure (RFC 1628, RFC 3418, RFC 2863).

    boot over          coldStart, and every standing alarm as if it were new
    on battery         upsTrapOnBattery at once, and at each full minute (story) as long as it lasts
    alarm table        upsTrapAlarmEntryAdded, upsTrapAlarmEntryRemoved with upsAlarmId and upsAlarmDescr
    port               linkDown, linkUp

A v1 trap is the v2 one by the rule of RFC 3584 3.2: standard traps are generic, others enterprise and specific number.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from model.points import OperStatus, Source
from simulators import ber, rfc1628, ups
from simulators.envelope import pdu
from simulators.objects import Oid, Value, encoded, integer, objectid, timeticks
from simulators.scenario import Device, SwitchModel
from simulators.switch import SwitchMake, SwitchState
from simulators.ups import UpsMake, UpsState

_STANDARD = (1, 3, 6, 1, 6, 3, 1, 1, 5)
_UPS_TRAPS, _UPS = (*rfc1628.UPS, 2), (*rfc1628.UPS, 1)
_IF = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_UPTIME, _TRAP_OID = (1, 3, 6, 1, 2, 1, 1, 3, 0), (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
_V1_TRAP, _IP_ADDRESS = 0xA4, 0x40
_ENTERPRISE_SPECIFIC = 6
_MINUTE_S = 60


class Trap(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to say: its MIB name, its OID, what it carries."""

    name: str
    oid: Oid
    bindings: tuple[tuple[Oid, Value], ...] = ()


def due(device: Device, before: UpsState | SwitchState, after: UpsState | SwitchState) -> tuple[Trap, ...]:
    """What `device` says on its way from one state to the other; nothing while it is down."""
    if before is after:
        return ()
    if isinstance(after, UpsState) and isinstance(before, UpsState) and isinstance(device.make, UpsMake):
        return tuple(_of_ups(device.make, before, after)) if after.source != Source.NONE else ()
    if isinstance(after, SwitchState) and isinstance(before, SwitchState) and isinstance(device.make, SwitchMake):
        return tuple(_of_switch(device.make, before, after)) if after.answering else ()
    return ()


def _cold(before: UpsState | SwitchState, after: UpsState | SwitchState) -> bool:
    return after.uptime_s >= 0 and (before.uptime_s < 0 or before.boots != after.boots)


_COLD_START = Trap(name="coldStart", oid=(*_STANDARD, 1))


def _of_ups(make: UpsMake, before: UpsState, after: UpsState) -> Iterator[Trap]:
    if after.uptime_s < 0:
        return
    cold = _cold(before, after)
    if cold:
        yield _COLD_START
    if after.source == Source.BATTERY:
        minutes = [int(state.on_battery_s // _MINUTE_S) for state in (before, after)]
        if cold or before.source != Source.BATTERY or minutes[0] != minutes[1]:
            yield _on_battery(make, after)
    if cold or before.flags is not after.flags:
        told = {} if cold else rfc1628.alarm_rows(before)
        stands = rfc1628.alarm_rows(after)
        for known, (row, _) in stands.items():
            if known not in told:
                yield _alarm("upsTrapAlarmEntryAdded", 3, row, known)
        for known, (row, _) in told.items():
            if known not in stands:
                yield _alarm("upsTrapAlarmEntryRemoved", 4, row, known)


def _on_battery(make: UpsMake, state: UpsState) -> Trap:
    minutes = max(ups.runtime_estimate_s(make, state) // _MINUTE_S, 1)
    bindings = (
        ((*_UPS, 2, 3, 0), integer(minutes)),
        ((*_UPS, 2, 2, 0), integer(state.on_battery_s)),
        ((*_UPS, 9, 7, 0), integer(make.low_runtime_s / _MINUTE_S)),
    )
    return Trap(name="upsTrapOnBattery", oid=(*_UPS_TRAPS, 1), bindings=bindings)


def _alarm(name: str, number: int, row: int, known: int) -> Trap:
    entry = (*_UPS, 6, 2, 1)
    bindings = (((*entry, 1, row), integer(row)), ((*entry, 2, row), objectid(rfc1628.alarm_oid(known))))
    return Trap(name=name, oid=(*_UPS_TRAPS, number), bindings=bindings)


def _of_switch(make: SwitchMake, before: SwitchState, after: SwitchState) -> Iterator[Trap]:
    if _cold(before, after):
        yield _COLD_START
        return
    for index, (was, port) in enumerate(zip(before.ports, after.ports, strict=True), start=1):
        if was.oper != port.oper:
            up = port.oper == OperStatus.UP
            admin = OperStatus.UP if make.ports[index - 1].enabled else OperStatus.DOWN
            bindings = (
                ((*_IF, 1, index), integer(index)),
                ((*_IF, 7, index), integer(admin)),
                ((*_IF, 8, index), integer(port.oper)),
            )
            yield Trap(name="linkUp" if up else "linkDown", oid=(*_STANDARD, 4 if up else 3), bindings=bindings)


def notification(trap: Trap, id: int, uptime_s: float, *, inform: bool) -> bytes:
    """The PDU of v2c and v3."""
    said = ((_UPTIME, timeticks(max(uptime_s, 0.0))), (_TRAP_OID, objectid(trap.oid)), *trap.bindings)
    return pdu("inform" if inform else "trap", id, _list(said))


def v1_trap(trap: Trap, device: Device, address: bytes, uptime_s: float) -> bytes:
    """The PDU of v1; `address` is the agent's, 4 octets."""
    if trap.oid[:-1] == _STANDARD:
        enterprise, generic, specific = _object_id(device), trap.oid[-1] - 1, 0
    else:
        enterprise, generic, specific = trap.oid[:-1], _ENTERPRISE_SPECIFIC, trap.oid[-1]
    parts = encoded(objectid(enterprise)), ber.tlv(_IP_ADDRESS, address), ber.integer(generic), ber.integer(specific)
    return ber.tlv(_V1_TRAP, b"".join((*parts, encoded(timeticks(max(uptime_s, 0.0))), _list(trap.bindings))))


def _object_id(device: Device) -> Oid:
    if isinstance(device.model, SwitchModel):
        return tuple(int(part) for part in device.model.object_id.split("."))
    return rfc1628.UPS


def _list(bindings: tuple[tuple[Oid, Value], ...]) -> bytes:
    return ber.sequence(*(ber.sequence(encoded(objectid(oid)), encoded(value)) for oid, value in bindings))

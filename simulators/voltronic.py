"""Voltronic interfaces: command line in, reply out. Pure. Dialects of one Megatec line (`[[device]] dialect = …`):

    qs         QS answers as Q1 does elsewhere; Q1 is echoed; temperature is not available (--.-)
    voltronic  QPI (PI01, QGS, QMOD, QWS, QBV, QRI, QMD, QMF, QID, QVFW; anything else (NAK
    axpert     QPI, QMOD, QPIGS, QPIRI, QID, QVFW, every line with a CRC-16/XMODEM; anything else (NAK

Source: NUT's voltronic.txt and driver notes; written from those, not from our own driver's maps.
"""

from __future__ import annotations

from collections.abc import Mapping

from model.points import Source
from simulators import megatec
from simulators.scenario import Device, UpsModel

QUESTIONS = frozenset(b"Q1 QS F I QPI QGS QMOD QWS QBV QRI QMD QMF QID QVFW QPIGS QPIRI".split())
_NAK = b"(NAK"
_POLYNOMIAL = 0x1021

Meters = Mapping[str, float]


def answer(device: Device, meters: Meters, command: bytes) -> bytes:
    """The reply to one command, both without the CR, check sums included."""
    if device.entry.dialect == "qs":
        return _qs(device, meters, command)
    if device.entry.dialect == "voltronic":
        found = _ups(device, meters).get(command.decode("latin-1"))
        return found.encode("ascii", "replace") if found else _NAK
    asked, sum_ = command[:-2], command[-2:]
    found = _inverter(device, meters).get(asked.decode("latin-1")) if checksum(asked) == sum_ else None
    line = found.encode("ascii", "replace") if found else _NAK
    return line + checksum(line)


def checksum(data: bytes) -> bytes:
    """CRC-16/XMODEM, bit by bit; a byte that would be a bracket or an end of line is sent plus one."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ _POLYNOMIAL if crc & 0x8000 else crc << 1) & 0xFFFF
    return bytes(half + 1 if half in (0x28, 0x0D, 0x0A) else half for half in (crc >> 8, crc & 0xFF))


def _qs(device: Device, meters: Meters, command: bytes) -> bytes:
    if command == b"QS":
        line = megatec.answer(device, meters, b"Q1")
        return line[:33] + b"--.-" + line[37:]
    return command if command == b"Q1" else megatec.answer(device, meters, command)


def _mode(meters: Meters) -> str:
    failed = meters.get("alarm.general_fault") or meters.get("alarm.inverter_fault")
    letters = {Source.BATTERY: "B", Source.BYPASS: "Y", Source.NONE: "S"}
    return letters.get(Source(int(meters["ups.source"])), "F" if failed else "L")


def _ups(device: Device, meters: Meters) -> dict[str, str]:
    model = device.model
    assert isinstance(model, UpsModel)
    volts = meters["battery.voltage"]
    charge = round(meters["battery.charge"])
    serial = "".join(c for c in device.serial if c.isdigit()).rjust(14, "0")[-14:]
    return {
        "QPI": "(PI01",
        "QGS": (
            f"({meters['input.voltage#1']:05.1f} {meters['input.frequency#1']:04.1f} {meters['output.voltage#1']:05.1f}"
            f" {meters['output.frequency']:04.1f} {meters['output.current#1']:05.1f} {round(meters['ups.load#1']):03d}"
            f" 360.0 360.0 {volts:05.1f} ---.- {meters['ups.temperature']:05.1f} {_status_bits(meters)}"
        ),
        "QMOD": f"({_mode(meters)}",
        "QWS": f"({_warnings(meters)}",
        "QBV": f"({volts:05.1f} {model.blocks:02d} {model.strings:02d} {charge:03d} {round(meters['battery.runtime'] / 60):03d}",
        "QRI": f"({meters['output.voltage.nominal']:05.1f} {round(meters['input.current.nominal']):03d} 012.0 {meters['output.frequency.nominal']:04.1f}",
        "QMD": (
            f"({model.model[:15]:#>15} {round(model.rated_va):#>7} 90 1/1 {round(model.nominal_v):03d} {round(model.nominal_v):03d}"
            f" {model.blocks:02d} 12.0"
        ),
        "QMF": f"({model.mfr[:15]:#>15}",
        "QID": f"({serial}",
        "QVFW": f"(VERFW:{model.firmware[:10]}",
    }


def _status_bits(meters: Meters) -> str:
    """b11 … b0: type online, battery, low, bypass, fault, ?, test, shutdown, muted, ?, beeper."""
    on_battery = meters["ups.source"] == Source.BATTERY
    failed = bool(meters.get("alarm.general_fault") or meters.get("alarm.inverter_fault"))
    bypass = meters["ups.source"] == Source.BYPASS
    low = bool(meters.get("alarm.battery_low"))
    bits = (True, False, on_battery, low, bypass, failed, False, False, False, False, False, on_battery)
    return "".join("1" if bit else "0" for bit in bits)


#: Position in the protocol's table of warnings, from 1 -> the flag of the model.
_WARNINGS = {9: "alarm.overload", 10: "alarm.fan_failure", 13: "alarm.temperature", 14: "alarm.charger_failed", 56: "alarm.replace_battery"}  # fmt: skip


def _warnings(meters: Meters) -> str:
    return "".join("1" if meters.get(_WARNINGS.get(place, "")) else "0" for place in range(1, 65))


def _inverter(device: Device, meters: Meters) -> dict[str, str]:
    model = device.model
    assert isinstance(model, UpsModel)
    ups = _ups(device, meters)
    amps = meters["battery.current"]
    rated, nominal = round(model.rated_va), model.nominal_v
    battery_v = meters["battery.voltage.nominal"]
    return {
        "QPI": "(PI30",
        "QMOD": ups["QMOD"],
        "QPIGS": (
            f"({meters['input.voltage#1']:05.1f} {meters['input.frequency#1']:04.1f} {meters['output.voltage#1']:05.1f}"
            f" {meters['output.frequency']:04.1f} {round(meters['output.power#1']):04d} {round(meters['output.realpower#1']):04d}"
            f" {round(meters['ups.load#1']):03d} 360 {meters['battery.voltage']:05.2f} {round(max(amps, 0)):03d}"
            f" {round(meters['battery.charge']):03d} {round(meters['ups.temperature']):04d} 0000 000.0 00.00"
            f" {round(max(-amps, 0)):05d} 00010000 00 00 00000 010"
        ),
        "QPIRI": (
            f"({nominal:.1f} {rated / nominal:.1f} {nominal:.1f} 50.0 {rated / nominal:.1f} {rated:04d} {rated:04d} {battery_v:.1f}"
            " 46.0 42.0 56.4 54.0 0 030 060 1 0 0 9 01 0 0 54.0 0 1"
        ),
        "QID": ups["QID"],
        "QVFW": ups["QVFW"],
    }

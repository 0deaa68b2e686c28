"""A Megatec/Q1 interface: command line in, reply out. Pure.

    > Q1<CR>
    < (229.4 229.4 229.4 013 49.9 13.1 25.0 00001001<CR>
      |in V  fault out V load Hz  batt degC b7...b0     b7 mains lost, b6 battery low, b5 bypass, b4 failed,
                                                        b3 standby type, b2 test, b1 shutdown, b0 beeper
    > F<CR>     < #220.0 013 72.00 50.0<CR>             rated V, A, battery V, Hz
    > I<CR>     < #vendor (15) model (10) version (10)<CR>

Source: NUT's megatec protocol description. Any other command is echoed, as these interfaces do.
"""

from __future__ import annotations

from collections.abc import Mapping

from model.points import Source
from simulators.scenario import Device, UpsModel


def answer(device: Device, meters: Mapping[str, float], command: bytes) -> bytes:
    """The reply to one command, both without the CR."""
    if command == b"Q1":
        return _status(device, meters).encode()
    if command == b"F":
        return _ratings(meters).encode()
    if command == b"I":
        return _identity(device).encode("ascii", "replace")
    return command


def _status(device: Device, meters: Mapping[str, float]) -> str:
    bits = "".join("1" if bit else "0" for bit in _bits(meters))
    cells = meters["battery.voltage.nominal"] / 2
    bank = meters["battery.voltage"]
    volts = f"{bank / cells:.2f}" if device.entry.rated_field == "cell" else f"{bank:04.1f}"
    input_v = meters["input.voltage#1"]
    return (
        f"({input_v:05.1f} {meters['input.voltage.fault']:05.1f} {meters['output.voltage#1']:05.1f}"
        f" {min(round(meters['ups.load#1']), 999):03d} {meters['input.frequency#1']:04.1f}"
        f" {volts} {meters['ups.temperature']:04.1f} {bits}"
    )


def _bits(meters: Mapping[str, float]) -> tuple[bool, ...]:
    failed = any(meters.get(flag) for flag in ("alarm.general_fault", "alarm.inverter_fault", "alarm.rectifier_fault"))
    on_battery = meters["ups.source"] == Source.BATTERY
    return (
        on_battery,
        bool(meters.get("alarm.battery_low")),
        meters["ups.source"] == Source.BYPASS,
        failed,
        False,
        False,
        False,
        on_battery,
    )


def _ratings(meters: Mapping[str, float]) -> str:
    battery_v = meters["battery.voltage.nominal"]
    volts = f"{battery_v:05.2f}" if battery_v < 100 else f"{battery_v:05.1f}"
    return f"#{meters['output.voltage.nominal']:05.1f} {meters['input.current.nominal']:03.0f} {volts} {meters['output.frequency.nominal']:04.1f}"


def _identity(device: Device) -> str:
    model = device.model
    assert isinstance(model, UpsModel)
    return f"#{model.mfr[:15]:15} {model.model[:10]:10} {model.firmware[:10]:10}"

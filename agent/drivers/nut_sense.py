"""What cannot be true of a UPS by its own other words: pure reasons against a value, never a better value.

NUT's drivers tell what a firmware says, and some firmwares say what cannot be. A value is refused when another one of the
same list makes it impossible; where both could be meant, both are let alone. Each rule names the equipment that taught it.

    ups.status OL and OB at once             HP UPS Network Module (CPQPOWER)
    OB LB at a full battery and good mains   Tripp Lite HID of NUT 2.1
    FSD from the driver while OL             Tuncmatik and other Megatec over USB: the shutdown bit is always set
    load over 110 % without OVER             Tripp Lite card: ten times too high
    voltage of a full battery below 0.75     CyberPower HID (x 0.667), Tripp Lite HID (one block for the bank)
    no load, though the output has a current Liebert ESP II: what it does not measure is 0
    828 V of batteries, 100 kVA at 1 kVA      Liebert ESP II: ten and a hundred times too high
    more watts than volts x amperes          HP card: its rating for its load; Tripp Lite card
    0 Hz at a voltage; 0 s of a full battery APC Silcon; NetVision
    5 V mains on line                        a driver that fills up with 1
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_NUMBER = re.compile(r"\s*[+-]?\d{1,12}(\.\d{1,9})?\s*")

#: What certain models tell without measuring it: (variable, its constant, pattern over the model).
_CONSTANTS: tuple[tuple[str, float, str], ...] = (
    ("ups.temperature", 25.0, r"\s*IN\d{5}\w?"),  # Inform Informer Compact
    ("battery.current", 0.0, r"GXT2-3000.*"),  # Liebert
)
_FULL, _NEARLY_FULL = 50.0, 95.0
_LOAD_WITHOUT_WORD = 110.0
_LEAST_RATIO, _EMPTY_RATIO, _MOST_RATIO = 0.75, 0.5, 1.4
#: Volts that no line has while it feeds; VA from which an output has a load.
_NO_MAINS_V, _SOME_LOAD_VA = 5.0, 50.0
#: A bank of so many volts has no UPS of so few VA.
_BIG_BANK_V, _SMALL_VA = 400.0, 5000.0
#: Currents are told in steps of 0.1 A and worse: watts beyond so many times V x A, and so many more, cannot be.
_POWER_TIMES, _POWER_MORE_VA = 2.0, 100.0
#: How far a rating may be from what power and load say of it.
_RATING_TIMES = 5.0
#: Below that much voltage no frequency is expected.
_DARK_V = 40.0
#: Seconds of runtime that contradict a low battery.
_LONG_S = 600.0


def number(text: str | None) -> float | None:
    """The number in a variable, or None: it is none.

    >>> number(" 01406"), number("-1.00"), number("LoadTooLow"), number(None)
    (1406.0, -1.0, None, None)
    """
    return float(text) if text is not None and _NUMBER.fullmatch(text) else None


def words(values: Mapping[str, str]) -> tuple[str, ...]:
    """The words of `ups.status`, in their order."""
    return tuple(values.get("ups.status", "").split())


def refused(values: Mapping[str, str]) -> dict[str, str]:
    """variable -> why it cannot be. `ups.status` stands for what feeds the load, `ups.status:WORD` for one word."""
    return dict([*_status(values), *_battery(values), *_load(values), *_lines(values), *_constants(values)])


def _status(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    said = words(values)
    if "OL" in said and "OB" in said:
        yield "ups.status", "on line and on battery at once"
    charge, runtime, volts = (
        number(values.get(name)) for name in ("battery.charge", "battery.runtime", "input.voltage")
    )
    low = number(values.get("input.transfer.low")) or 0.8 * (number(values.get("input.voltage.nominal")) or 1e9)
    full = charge is not None and charge >= _NEARLY_FULL and runtime is not None and runtime >= _LONG_S
    if {"OB", "LB"} <= set(said) and full and volts is not None and volts > low:
        yield "ups.status", "battery low, though it is full and the mains is good"
        yield "ups.status:*", "the same"
    if "FSD" in said[1:] and "OL" in said:  # upsd itself puts it first
        yield "ups.status:FSD", "a shutdown while on line, told by the UPS"


def _battery(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    charge, volts, rated, runtime = (
        number(values.get(f"battery.{name}")) for name in ("charge", "voltage", "voltage.nominal", "runtime")
    )
    if volts is not None and rated is not None and rated >= 6:
        least = _LEAST_RATIO if charge is not None and charge >= _FULL else _EMPTY_RATIO
        if not least <= volts / rated <= _MOST_RATIO:
            yield "battery.voltage", f"{volts:g} V of a battery of {rated:g} V"
    if (rated or 0) > _BIG_BANK_V and 0 < (number(values.get("ups.power.nominal")) or 0) < _SMALL_VA:
        yield "battery.voltage.nominal", f"{rated:g} V in a small UPS"
        yield "battery.voltage", f"{volts or 0:g} V in a small UPS"
    if runtime == 0 and charge is not None and charge >= _FULL and "LB" not in words(values):
        yield "battery.runtime", f"no runtime at {charge:g} % of charge"


def _load(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    load = number(values.get("ups.load"))
    if load is not None and load > _LOAD_WITHOUT_WORD and "OVER" not in words(values):
        yield "ups.load", f"{load:g} % without an overload"
    rated = number(values.get("ups.power.nominal")) or 0
    power = number(values.get("ups.power")) or number(values.get("output.power"))
    if load and power and rated > _RATING_TIMES * power * 100 / load and load >= 5:  # a smaller one is rounded
        yield "ups.power.nominal", f"{rated:g} VA, though {power:g} VA are {load:g} %"
    amperes, volts = number(values.get("output.current")), number(values.get("output.voltage"))
    feeding = (amperes or 0) * (volts or 0)
    yield from _more_than_fed(values, feeding)
    if feeding < _SOME_LOAD_VA:
        return
    for name in ("ups.power", "ups.realpower", "output.power", "output.realpower"):
        if number(values.get(name)) == 0:
            yield name, f"0 at an output of {feeding:.0f} VA"
    if load == 0 and 0 < rated < 100 * feeding and feeding / rated > 0.02:
        yield "ups.load", f"0 % at an output of {feeding:.0f} VA of {rated:g}"


def _more_than_fed(values: Mapping[str, str], feeding: float) -> Iterator[tuple[str, str]]:
    """Watts beyond volts x amperes of one phase: one of them is wrong, and nobody knows which."""
    if not feeding or "output.L1.current" in values:
        return
    for name in ("ups.realpower", "output.realpower"):
        watts = number(values.get(name)) or 0
        if watts > _POWER_TIMES * feeding + _POWER_MORE_VA:
            yield name, f"{watts:g} W at an output of {feeding:.0f} VA"
            yield "output.current", f"an output of {feeding:.0f} VA at {watts:g} W"


def _lines(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    said = set(words(values))
    on_line = "OL" in said and not said & {"OB", "OFF"}
    for side in ("input", "output"):
        volts = number(values.get(f"{side}.voltage"))
        if on_line and volts is not None and 0 <= volts < _NO_MAINS_V:
            yield f"{side}.voltage", f"{volts:g} V on line"
        hertz = number(values.get(f"{side}.frequency"))
        lit = volts if volts is not None else number(values.get(f"{side}.L1-N.voltage"))
        if hertz == 0 and lit is not None and lit > _DARK_V:
            yield f"{side}.frequency", f"0 Hz at {lit:g} V"


def _constants(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    model = values.get("device.model") or values.get("ups.model", "")
    for name, constant, pattern in _CONSTANTS:
        if number(values.get(name)) == constant and re.fullmatch(pattern, model):
            yield name, "a constant of this make, not measured"

"""Units as a profile or a mapping writes them: an optional step and a unit, `0.1 V`, `min`, `0.1 kW`, `2^-6 V`, `1/64 V`.

The unit says what one raw step is worth; the point says what unit a reading has. Where both name the same
quantity there is exactly one factor, so a profile cannot contradict the dictionary in silence.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Factor(NamedTuple):
    """raw x scale + offset = the point's unit. `conversion` is the part of `scale` that changes the unit."""

    scale: float
    conversion: float
    offset: float = 0.0
    curve: str = ""  #: `dBm`: what raw x scale gives is milliwatts


#: (unit on the wire, unit of the point) -> factor
_CONVERSIONS: dict[tuple[str, str], float] = {
    ("ns", "s"): 1e-9,
    ("us", "s"): 1e-6,
    ("ms", "s"): 0.001,
    ("min", "s"): 60,
    ("h", "s"): 3600,
    ("d", "s"): 86400,
    ("ticks", "s"): 0.01,
    ("kW", "W"): 1000,
    ("MW", "W"): 1e6,
    ("mW", "W"): 0.001,
    ("kVA", "VA"): 1000,
    ("kvar", "var"): 1000,
    ("mV", "V"): 0.001,
    ("kV", "V"): 1000,
    ("mA", "A"): 0.001,
    ("uA", "A"): 1e-6,
    ("mAh", "Ah"): 0.001,
    ("Ah", "As"): 3600,
    ("Wh", "kWh"): 0.001,
    ("MWh", "kWh"): 1000,
    ("kWh", "Wh"): 1000,
    ("kHz", "Hz"): 1000,
    ("mohm", "ohm"): 0.001,
    ("ohm", "mohm"): 1000,
    ("uohm", "mohm"): 0.001,
    ("bit/s", "Mbit/s"): 1e-6,
    ("kbit/s", "Mbit/s"): 0.001,
    ("Gbit/s", "Mbit/s"): 1000,
    ("kB", "B"): 1024,
    ("MB", "B"): 1024**2,
    ("hPa", "Pa"): 100,
    ("kPa", "Pa"): 1000,
    ("ratio", "%"): 100,
}
#: Scales that do not begin at the same nought: (factor, offset).
_SHIFTED: dict[tuple[str, str], tuple[float, float]] = {
    ("K", "°C"): (1.0, -273.15),
    ("°F", "°C"): (5 / 9, -160 / 9),
}
_POWERS = {"mW": 1.0, "uW": 0.001, "W": 1000.0}
_STEP = re.compile(r"(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?:/(\d+))?|2\^(-?\d{1,2}))(?:\s+(.*))?")
#: What devices write for a unit, in lower case and without dots and spaces.
_SPELT = {
    "%": "% pct percent %rh rh %load", "A": "a amp amps ampere amperes aac adc arms", "V": "v volt volts vac vdc vrms",
    "W": "w watt watts", "VA": "va", "Hz": "hz hertz", "s": "s sec secs second seconds", "min": "min mins minute minutes",
    "h": "h hr hrs hour hours", "°C": "c °c degc celsius degreesc degc. degreescelsius", "°F": "f °f degf fahrenheit degreesf",
    "Ah": "ah", "mV": "mv", "mA": "ma", "dBm": "dbm", "RPM": "rpm", "ms": "ms", "d": "d day days",
}  # fmt: skip
_KNOWN = {word: unit for unit, words in _SPELT.items() for word in words.split()}
_SAME = {"kw": "kW", "kva": "kVA", "kwh": "kWh", "wh": "Wh", "mwh": "MWh", "khz": "kHz", "kv": "kV"}


def factor(written: str, unit: str) -> Factor | None:
    """What turns a raw number into `unit`; None when the units do not fit.

    >>> factor("0.1 kW", "W"), factor("2^-6 V", "V")
    (Factor(scale=100.0, conversion=1000, offset=0.0, curve=''), Factor(scale=0.015625, conversion=1.0, offset=0.0, curve=''))
    >>> factor("0.1 K", "°C").offset, factor("0.1 A", "V")
    (-273.15, None)
    """
    step, name = (1.0, unit) if written.strip() == unit else _step(written.strip())
    if step <= 0:
        return None
    if unit == "dBm" and name in _POWERS:
        return Factor(step * _POWERS[name], _POWERS[name], curve=unit)
    conversion, offset = _SHIFTED.get((name, unit), (1.0 if name == unit else _CONVERSIONS.get((name, unit)), 0.0))
    return None if conversion is None else Factor(round(step * conversion, 15), conversion, offset)


def _step(written: str) -> tuple[float, str]:
    """(what one step is worth, name of the unit); (0, "") when that makes no sense."""
    if not written[:1].isdigit():
        return 1.0, written
    found = _STEP.fullmatch(written)
    if not found:
        return 0.0, ""
    number, over, power, name = found.groups()
    if over is not None and not int(over):
        return 0.0, ""
    step = 2.0 ** int(power) if power else float(number) / int(over or 1)
    return step, (name or "").strip()


def named(text: str) -> str:
    """The unit that a device spells in its own way; "" when nobody knows it.

    >>> named(" VAC"), named("deg F"), named("kW"), named("furlongs")
    ('V', '°F', 'kW', '')
    """
    word = "".join(text.split()).rstrip(".")
    if word in ("mW", "MW", "uW", "K", "mV", "mA", "MWh", "µW"):
        return word.replace("µ", "u")
    low = word.lower()
    return _KNOWN.get(low) or _SAME.get(low, "")

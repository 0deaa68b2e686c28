"""What a voltage or a frequency should be, where the device does not say, or says what cannot be.

State: {"first": the first volts} until `ENOUGH` are heard, then {"volts": nominal}; {"told": what the device says}.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from analytics.detector import Block

ENOUGH = 24
GONE_V = 60.0  #: under it there is no mains: the business of others
#: Rated voltages in use, phase to neutral and phase to phase (IEC 60038, North America, Japan; DC plants are not looked at).
STANDARDS = (
    100.0,
    110.0,
    115.0,
    120.0,
    127.0,
    200.0,
    208.0,
    220.0,
    230.0,
    240.0,
    277.0,
    347.0,
    380.0,
    400.0,
    415.0,
    440.0,
    480.0,
    600.0,
    690.0,
)
_BELIEVED = 0.15  #: the device's own word counts when its readings are within this

Nominal = dict[str, Any]


def hear(nominal: Nominal, volts: float) -> Nominal:
    """One more voltage; nothing changes once it is known."""
    if "volts" in nominal or volts <= GONE_V:
        return nominal
    first = [*nominal.get("first", []), volts]
    rest = {key: value for key, value in nominal.items() if key != "first"}
    if len(first) < ENOUGH:
        return {**rest, "first": first}
    middle, told = median(first), nominal.get("told")
    if told and abs(middle / told - 1) < _BELIEVED:
        return {**rest, "volts": told}
    return {**rest, "volts": min(STANDARDS, key=lambda standard: abs(middle / standard - 1))}


def hear_told(nominal: Nominal, volts: float) -> Nominal:
    """The device's own word; it counts from then on if it is near what was learned."""
    if nominal.get("told") == volts or volts <= GONE_V:
        return nominal
    nominal = {**nominal, "told": volts}
    known = nominal.get("volts")
    return {**nominal, "volts": volts} if known and abs(known / volts - 1) < _BELIEVED else nominal


def steady(block: Block, point: str, off: float) -> bool:
    """Whether every sample of a frequency is within the share `off` of 50 or 60 Hz, one of them a series."""
    series = block.columns.get(point)
    if series is not None:
        for column in series.values():
            values = column.value
            base = 50.0 if values[0] < 55 else 60.0  # of_frequency
            if min(values) < base * (1 - off) or max(values) > base * (1 + off):
                return False
    return True


def of_frequency(hertz: float) -> float:
    """50 or 60 Hz, whichever is nearer.

    >>> of_frequency(51.2), of_frequency(59.1)
    (50.0, 60.0)
    """
    return 50.0 if hertz < 55 else 60.0

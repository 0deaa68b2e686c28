"""Equations of one line: current from load, Peukert, temperature. Amperes are positive in discharge.

Sources: Peukert k = 1.15 (AGM 1.08-1.25); capacity-temperature coefficients of IEC 60896 practice (0.6 %/C slow, 1 %/C fast);
inverter efficiency 0.90 (0.85-0.96). All (tune).
"""

from __future__ import annotations

CELLS_A_VOLT = 0.5  #: a lead cell is 2 V nominal
PEUKERT = 1.15
RATED_HOURS = 20.0
INVERTER = 0.90
#: W per VA where only the apparent rating is known: between 0.8 of old and 1.0 of new machines.
POWER_FACTOR = 0.9
WARM_C = 25.0
_SLOW_A, _FAST_A, _FAST_RATE = 0.006, 0.010, 0.33


def cells(volts_nominal: float) -> int:
    """Cells in series of a lead battery of so many nominal volts.

    >>> cells(192.0)
    96
    """
    return max(1, round(volts_nominal * CELLS_A_VOLT))


def current_a(load: float, rated_va: float, volts: float) -> float:
    """Amperes that the battery gives at `load` % of `rated_va` and `volts` at its terminals.

    >>> round(current_a(50.0, 3000.0, 72.0), 1)
    20.8
    """
    return max(load, 0.0) / 100 * rated_va * POWER_FACTOR / (INVERTER * max(volts, 1.0))


def stress(amps: float, rated_ah: float) -> float:
    """Peukert: by what factor an ampere-hour at this current counts more than one at the 20 h rate; 1 at slower ones.

    >>> round(stress(10.0, 100.0), 3)
    1.11
    """
    return float(max(amps * RATED_HOURS / rated_ah, 1.0) ** (PEUKERT - 1))


def warmth(celsius: float | None, rate: float) -> float:
    """Capacity at this temperature as a share of that at 25 C; `rate` in 1/h. Clamped to -10 … 45 C; unknown: 1.

    >>> round(warmth(15.0, 0.05), 3), round(warmth(15.0, 1.0), 3)
    (0.94, 0.9)
    """
    if celsius is None:
        return 1.0
    slope = _SLOW_A if rate < _FAST_RATE else _FAST_A
    return 1.0 + slope * (min(max(celsius, -10.0), 45.0) - WARM_C)

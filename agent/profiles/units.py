"""Units as a profile writes them: an optional power of ten and a unit, `0.1 V`, `min`, `0.1 kW`.

The unit says what one raw step is worth; the point says what unit a reading has. Where both name the same
quantity there is exactly one factor, so a profile cannot contradict the dictionary in silence.
"""

from __future__ import annotations

#: (unit on the wire, unit of the point) -> factor
_CONVERSIONS: dict[tuple[str, str], float] = {
    ("min", "s"): 60,
    ("h", "s"): 3600,
    ("ticks", "s"): 0.01,
    ("kW", "W"): 1000,
    ("kVA", "VA"): 1000,
    ("mV", "V"): 0.001,
    ("mA", "A"): 0.001,
    ("bit/s", "Mbit/s"): 1e-6,
}


def factor(written: str, unit: str) -> tuple[float, float] | None:
    """(scale, conversion) from a raw number to `unit`; None when the units do not fit.

    >>> factor("0.1 kW", "W"), factor("min", "s"), factor("", ""), factor("0.1 A", "V")
    ((100.0, 1000), (60.0, 60), (1.0, 1.0), None)
    """
    head, _, tail = written.strip().partition(" ")
    step, name = 1.0, written.strip()
    if head[:1].isdigit():
        try:
            step = float(head)
        except ValueError:
            return None
        name = tail.strip()
    if step <= 0:
        return None
    conversion = 1.0 if name == unit else _CONVERSIONS.get((name, unit))
    return None if conversion is None else (round(step * conversion, 12), conversion)

"""A row whose unit or scale the device itself tells, beside the number. Pure."""

from __future__ import annotations

from math import isfinite

import msgspec

from agent.drivers.exchange import printable
from agent.profiles.form import Value
from agent.profiles.units import factor, named
from model.points import POINTS

_MOST_POWER = 24


def with_unit(row: Value, held: str | None) -> tuple[Value, str]:
    """The row with the unit that the device tells, and what is wrong."""
    if held is None:
        return row, "its unit is not told"
    held = held.strip()
    written = row.units.get(held, "") if row.units else named(held)
    numbers = factor(written, POINTS[row.point].unit) if written else None
    if numbers is None:
        return row, f"unit {printable(held, 40)}"
    step = 1.0 if row.units else row.scale / row.conversion
    scale = numbers.scale * step
    return (
        msgspec.structs.replace(
            row, scale=scale, conversion=numbers.conversion, offset=numbers.offset, curve=numbers.curve
        ),
        "",
    )


def with_scale(row: Value, by: float | None) -> tuple[Value, str]:
    """The row with the scale that the device tells, and what is wrong."""
    if by is None or not isfinite(by):
        return row, "its scale is not told"
    if row.scale_by == "digits":  # how many of them stand behind the point
        row, by = msgspec.structs.replace(row, scale_by="power"), -by
    if row.scale_by == "power":
        if by != int(by) or abs(by) > _MOST_POWER:
            return row, f"scale 10^{by:g}"
        by = 10.0 ** int(by) if by >= 0 else 1 / 10.0 ** -int(by)
    elif by <= 0:
        return row, f"scale {by:g}"
    elif row.scale_by == "divide":
        by = 1 / by
    return msgspec.structs.replace(row, scale=round(row.scale * by, 15)), ""

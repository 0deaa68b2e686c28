"""From a raw number to a value of a point: missing marks first, then scale, then what can physically be.

The order matters: a mark such as 4294967295 is tested on the raw number, because a scaled one may look
like a value. A value outside the point's bounds is a gap with its raw text, never a reading.
"""

from __future__ import annotations

import re
from math import isfinite

from agent.drivers.exchange import Sample, printable
from agent.profiles.form import Value
from model.points import POINTS, Kind, plausible
from model.reading import GapCause


def number(
    row: Value, raw: float, *, index: str | None, at: int, where: str, shown: str, scaled: bool = True
) -> Sample:
    """The sample for a raw number. `scaled` False: the device sent it in the unit already (text with a dot)."""
    if raw in row.missing:
        return gap(row.point, index, at, where, shown, GapCause.NOT_SUPPORTED)
    if not isfinite(raw):  # an opaque float of an SNMP agent may hold NaN or infinity
        return gap(row.point, index, at, where, shown, GapCause.NOT_PLAUSIBLE)
    point = POINTS[row.point]
    if row.states:
        coded = row.states.get(int(raw)) if raw == int(raw) else None
        if coded is None:
            return gap(row.point, index, at, where, shown, GapCause.NOT_PLAUSIBLE)
        value = float(coded)
    else:
        value = round(raw * (row.scale if scaled else row.conversion), 6)
    if not plausible(point, value) or (value and abs(value) < row.least):
        return gap(row.point, index, at, where, shown, GapCause.NOT_PLAUSIBLE)
    if point.kind in (Kind.STATE, Kind.FLAG) and value not in (point.states or (0, 1)):
        return gap(row.point, index, at, where, shown, GapCause.NOT_PLAUSIBLE)
    return Sample(point=row.point, index=index, at=at, value=value, where=where, raw=shown)


def text(row: Value, raw: str, *, index: str | None, at: int, where: str) -> Sample:
    """The sample for a piece of text; one that is blank or only fillers is not there."""
    clean = raw.strip(" \t\r\n\x00\xff")
    if row.pattern:
        found = re.search(row.pattern, clean)
        clean = found[1].strip() if found and found.groups() else ""
    if not clean.strip("-@?"):
        return gap(row.point, index, at, where, printable(raw), GapCause.NOT_SUPPORTED)
    return Sample(point=row.point, index=index, at=at, value=printable(clean), where=where, raw=printable(raw))


def gap(point: str, index: str | None, at: int, where: str, raw: str, cause: GapCause) -> Sample:
    """No value, and why."""
    return Sample(point=point, index=index, at=at, value=None, where=where, raw=raw, cause=cause)

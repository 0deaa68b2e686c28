"""From a raw number to a value of a point: missing marks first, then scale, then what can physically be.

The order matters: a mark such as 4294967295 is tested on the raw number, because a scaled one may look
like a value. A value outside the point's bounds is a gap with its raw text, never a reading. A mark may mean something: another
point's state, or that there is nothing to tell (`silent`).
"""

from __future__ import annotations

import re
from math import isfinite, log10

import msgspec

from agent.drivers.exchange import Sample, printable
from agent.profiles import dates
from agent.profiles.form import Value
from agent.profiles.units import Factor
from model.points import POINTS, Kind, Point, plausible
from model.reading import GapCause, Quality


def number(
    row: Value,
    raw: float,
    *,
    index: str | None,
    at: int,
    where: str,
    shown: str,
    scaled: bool = True,
    own: Factor | None = None,
) -> Sample:
    """The sample for a raw number. `scaled` False: the device sent it in the unit already (text with a dot). `own`: the
    number came with a unit of its own."""
    if raw in row.missing:
        return gap(row.point, index, at, where, shown, GapCause.NOT_SUPPORTED)
    if raw in row.means:
        return _instead(row, raw, index, at, where, shown)
    if not isfinite(raw):  # an opaque float of an SNMP agent may hold NaN or infinity
        return gap(row.point, index, at, where, shown, GapCause.NOT_PLAUSIBLE)
    point = POINTS[row.point]
    value = _coded(row, raw) if row.states or row.default is not None else _scaled(row, raw, scaled, own)
    if value is None or not plausible(point, value) or (value and abs(value) < row.least):
        return gap(row.point, index, at, where, shown, GapCause.NOT_PLAUSIBLE)
    if point.kind in (Kind.STATE, Kind.FLAG) and value not in (point.states or (0, 1)):
        return gap(row.point, index, at, where, shown, GapCause.NOT_PLAUSIBLE)
    if (row.low is not None and value < row.low) or (row.high is not None and value > row.high):
        if not row.suspect:
            return gap(row.point, index, at, where, shown, GapCause.NOT_PLAUSIBLE)
        return Sample(
            point=row.point, index=index, at=at, value=value, where=where, raw=shown, quality=int(Quality.SUSPECT)
        )
    return Sample(point=row.point, index=index, at=at, value=value, where=where, raw=shown)


def _coded(row: Value, raw: float) -> float | None:
    coded = row.states.get(int(raw), row.default) if raw == int(raw) else row.default
    return None if coded is None else float(coded)


def _scaled(row: Value, raw: float, scaled: bool, own: Factor | None) -> float | None:
    if own:
        scale, offset, curve = own.scale, own.offset, own.curve
    else:
        scale, offset, curve = (row.scale if scaled else row.conversion), row.offset, row.curve
    value = raw * scale
    if curve == "dBm":
        return round(10 * log10(value) + offset, 6) if value > 0 and isfinite(value) else None
    return round(value + offset, 6) if isfinite(value) else None


def _instead(row: Value, raw: float, index: str | None, at: int, where: str, shown: str) -> Sample:
    what = row.means[raw]
    if not what.point:
        return Sample(point=row.point, index=index, at=at, value=None, where=where, raw=shown, cause=None)
    return Sample(point=what.point, index=None, at=at, value=what.state, where=where, raw=shown)


def silent(sample: Sample) -> bool:
    """Whether a sample says that there is nothing to tell."""
    return sample.value is None and sample.cause is None


def first_bit(row: Value, raw: float, *, index: str | None, at: int, where: str, shown: str) -> Sample:
    """The state of the first bit, in the order of `states`, that is set; -1 where none is."""
    if raw in row.missing or raw in row.means or not isfinite(raw) or raw != int(raw) or raw < 0:
        return number(row, raw, index=index, at=at, where=where, shown=shown)
    bit = next((bit for bit in row.states if bit >= 0 and int(raw) >> bit & 1), -1)
    # Marks are of the word: a bit whose number is one of them is no mark.
    plain = msgspec.structs.replace(row, missing=frozenset(), means={}) if row.missing or row.means else row
    return number(plain, float(bit), index=index, at=at, where=where, shown=shown)


def masked(row: Value, raw: float) -> float:
    """The field of a word."""
    if not isfinite(raw) or raw != int(raw) or raw < 0:
        return raw
    word = int(raw)
    return float((word & row.mask if row.mask else word) >> row.shift)


def letter(row: Value, said: str, *, index: str | None, at: int, where: str) -> Sample:
    """The sample for a word that names a state."""
    clean = said.strip()
    found = row.letters.get(clean)
    if found is None:
        folded = {word.casefold(): state for word, state in row.letters.items()}
        found = folded.get(clean.casefold(), row.default)
    if clean.casefold() in row.missing_text:
        return gap(row.point, index, at, where, printable(said), GapCause.NOT_SUPPORTED)
    if found is None:
        return gap(row.point, index, at, where, printable(said), GapCause.NOT_PLAUSIBLE)
    return Sample(point=row.point, index=index, at=at, value=float(found), where=where, raw=printable(said))


def text(row: Value, raw: str, *, index: str | None, at: int, where: str) -> Sample:
    """The sample for a piece of text; one that is blank or only fillers is not there."""
    clean = raw.strip(" \t\r\n\x00\xff")
    if row.date:
        clean = dates.from_text(row.date, clean)
    if row.pattern:
        clean = group(row, clean)
    if not clean.strip("-@?") or clean.casefold() in row.missing_text:
        return gap(row.point, index, at, where, printable(raw), GapCause.NOT_SUPPORTED)
    return Sample(point=row.point, index=index, at=at, value=printable(clean), where=where, raw=printable(raw))


def group(row: Value, said: str) -> str:
    """What the pattern means of a text; "" when it does not fit."""
    found = re.search(row.pattern, said)
    return (found[1] or "").strip() if found and found.groups() else ""


def date(row: Value, raw: float | bytes, shown: str, *, index: str | None, at: int, where: str) -> Sample:
    """The sample for a packed date."""
    if isinstance(raw, bytes):
        told = dates.from_bytes(row.date, raw) or dates.from_text(row.date, shown)
        shown = raw.hex(" ") if any(byte < 32 for byte in raw) else shown
    else:
        told = "" if raw in row.missing else dates.from_number(row.date, raw)
    if not told:
        return gap(row.point, index, at, where, printable(shown), GapCause.NOT_SUPPORTED)
    return Sample(point=row.point, index=index, at=at, value=told, where=where, raw=printable(shown))


def gap(point: str, index: str | None, at: int, where: str, raw: str, cause: GapCause) -> Sample:
    """No value, and why."""
    return Sample(point=point, index=index, at=at, value=None, where=where, raw=raw, cause=cause)


def bounds(row: Value, point: Point) -> tuple[float, float]:
    """What a value can be without a second look."""
    low = point.low if row.low is None else max(point.low, row.low)
    high = point.high if row.high is None else min(point.high, row.high)
    return low, high

"""Which rows of an SNMP table exist, what their index is, and how each is to be read. Pure.

    at = "5.2.3.1.4.1.*.4"     column 5.2.3.1.4, row 1.<inlet>.4: what `*` stands for is the index
    where, unless              a row exists only if columns beside it hold something, or do not
    label, scale_from, unit_at its index, scale and unit from columns beside it: same numbers behind the place; `{1}` in such a
                               place stands for the first of them, `{-1}` for the last, `{*}` for all

A place beside that ends in `.0` is a scalar. What decides about rows are whole columns (`Value.beside`), so that
`agent.drivers.quick` can tell when it has to work them out anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from agent.drivers.exchange import Failure, Variable, printable
from agent.drivers.scales import with_scale, with_unit
from agent.drivers.snmp_tree import Tree, meets, raw_number, shown
from agent.profiles.form import ENTITY_SENSOR, Value, sensor_place
from agent.profiles.units import factor
from model.points import POINTS

#: The `lack` of a row that is another point's.
NOT_HERE = "another point's"
_LABEL_LIMIT = 60
_SLOT = re.compile(r"\{(\*|-?\d+)\}")
#: EntitySensorDataType and SensorDataType (Cisco adds dBm): type -> unit.
_SENSOR_UNITS = {3: "V", 4: "V", 5: "A", 6: "W", 7: "Hz", 8: "°C", 9: "%", 10: "RPM", 14: "dBm"}
#: EntitySensorDataScale -> power of ten (RFC 3433).
_SENSOR_SCALES = {
    1: -24, 2: -21, 3: -18, 4: -15, 5: -12, 6: -9, 7: -6, 8: -3, 9: 0, 10: 3, 11: 6, 12: 9, 13: 12, 14: 18, 15: 15,
    16: 21, 17: 24,
}  # fmt: skip


class Cell(NamedTuple):
    """One value of one row: how to read it, and where it is. `lack`: why it says nothing though it is there."""

    row: Value
    line: str | None  #: the index of its samples
    oid: str
    lack: str = ""


def cells(row: Value, tree: Tree) -> Iterator[Cell]:
    """The values of a row: one of a scalar, one a line of a column."""
    if row.column:
        yield from _column(row, tree)
        return
    oid = tree.scalar_oid(row.place)
    if oid:
        yield fitted(row, row.index, oid, (), tree)


def lacking(row: Value, tree: Tree) -> tuple[Failure, int] | None:
    """Why nothing can be said of a row: what it stands in, or what stands beside it, did not come. Without its label a value
    would be told of another index, without `where` of a row that does not exist."""
    for place in (row.place, *(column_beside(one.removesuffix(".0")) for one in row.beside)):
        if failed := tree.failure(place):
            return failed
    return None


def _column(row: Value, tree: Tree) -> Iterator[Cell]:
    if row.beside and lacking(row, tree):
        return
    seen: set[str] = set()
    template = row.template
    no_rows = {oid for oid, zero in beyond(row, tree) if zero} if row.lines else ()
    for oid, rest, _ in tree.under(row.place):
        parts = _parts(rest)
        caught = _caught(parts, template)
        if caught is None or oid in no_rows:
            continue
        index = _index(row, parts, caught, tree)
        if index is None or index in seen or not _exists(row, parts, tree):
            continue
        cell = fitted(row, index or None, oid, parts, tree)  # index = "": the first row that exists speaks for all
        if cell.lack is not NOT_HERE:
            seen.add(index)
            yield cell


def _parts(rest: str) -> tuple[str, ...]:
    """The numbers behind the place. A trailing .0 is not part of the index."""
    return tuple((rest.removesuffix(".0") if "." in rest else rest).split("."))


def _caught(parts: tuple[str, ...], template: tuple[str, ...]) -> tuple[str, ...] | None:
    """What the stars of a template stand for, or None when the row does not fit."""
    if template == ("*",):
        return parts
    fixed = template[:-1] if template[-1] == "*" else template
    if len(parts) < len(template) or (fixed is template and len(parts) != len(template)):
        return None
    if any(want not in ("*", part) for part, want in zip(parts, fixed, strict=False)):
        return None
    caught = [part for part, want in zip(parts, fixed, strict=False) if want == "*"]
    return (*caught, *(parts[len(fixed) :] if fixed is not template else ()))


def _index(row: Value, parts: tuple[str, ...], caught: tuple[str, ...], tree: Tree) -> str | None:
    """The index of a row; None when it does not exist."""
    if row.index_from:
        if any(abs(n) > len(parts) for n in row.index_from):
            return None
        index = ".".join(parts[n - 1 if n > 0 else n] for n in row.index_from)
    else:
        index = ".".join(caught)
    if row.index_map:
        found = row.index_map.get(index)
        if found is None:
            return None
        index = found
    if row.label:
        label = held_beside(row.label, parts, tree)
        text = " ".join(shown(label).split()) if label is not None else ""
        return printable(text, _LABEL_LIMIT) or index
    return index if row.index is None else row.index


def _exists(row: Value, parts: tuple[str, ...], tree: Tree) -> bool:
    if any(not meets(held_beside(place, parts, tree), wanted) for place, wanted in row.where.items()):
        return False
    return not any(meets(held_beside(place, parts, tree), unwanted) for place, unwanted in row.unless.items())


def place_beside(place: str, parts: Sequence[str]) -> str:
    """The OID beside a row: a scalar as it stands, a column with the row's numbers, or with those that it names.

    >>> place_beside("1.3.2", ["7", "1"]), place_beside("1.3.2.{1}", ["7", "1"]), place_beside("1.3.2.0", ["7", "1"])
    ('1.3.2.7.1', '1.3.2.7', '1.3.2.0')
    """
    if place.endswith(".0"):
        return place
    if "{" not in place:
        return ".".join((place.removesuffix(".*"), *parts))

    def slot(found: re.Match[str]) -> str:
        if found[1] == "*":
            return ".".join(parts)
        n = int(found[1])
        return parts[n - 1 if n > 0 else n] if n and abs(n) <= len(parts) else "none"

    return _SLOT.sub(slot, place)


def held_beside(place: str, parts: Sequence[str], tree: Tree) -> Variable:
    """What stands beside a row. Where the last number of an index is 0 it is part of it after all."""
    oid = place_beside(place, parts)
    value = tree.values.get(oid)
    return tree.values.get(f"{oid}.0") if value is None else value


def column_beside(place: str) -> str:
    """What has to be walked for a place beside a column."""
    return place.partition(".{")[0].removesuffix(".*")


def beyond(row: Value, tree: Tree) -> Iterator[tuple[str, bool]]:
    """(OID, whether it holds zero and so is no row) of everything beyond the lines that the device counts."""
    lines = raw_number(tree.values.get(f"{row.lines}.0"))
    if lines is None or lines[0] < 1:
        return
    for oid, rest, value in tree.under(row.place):
        index = rest.removesuffix(".0") if "." in rest else rest
        if index.isdecimal() and int(index) > lines[0]:
            yield oid, raw_number(value) == (0.0, True)


# ---- scale and unit from beside


def fitted(row: Value, index: str | None, oid: str, parts: tuple[str, ...], tree: Tree) -> Cell:
    """The cell with its row as it is to be read there."""
    lack = ""
    if row.rule == ENTITY_SENSOR:
        return _sensor(row, index, oid, parts, tree)
    if row.unit_at:
        held = _held(row.unit_at, row, parts, tree)
        row, lack = with_unit(row, None if held is None else shown(held))
    if row.scale_from and not lack:
        found = raw_number(_held(row.scale_from, row, parts, tree))
        row, lack = with_scale(row, found and found[0])
    return Cell(row, index, oid, lack)


def _held(place: str, row: Value, parts: tuple[str, ...], tree: Tree) -> Variable:
    return held_beside(place, parts, tree) if row.column else tree.scalar(place.removesuffix(".0"))


def _sensor(row: Value, index: str | None, oid: str, parts: tuple[str, ...], tree: Tree) -> Cell:
    """A value of ENTITY-SENSOR-MIB (or of a table with the same columns): type, scale and precision stand beside it."""

    def beside(column: int) -> float | None:
        found = raw_number(held_beside(sensor_place(row.place, column), parts, tree))
        return found and found[0]

    kind, scale, precision, status = beside(1), beside(2), beside(3), beside(5)
    unit = _SENSOR_UNITS.get(int(kind), "") if kind is not None and abs(kind) < 256 else ""
    numbers = factor(unit, POINTS[row.point].unit) if unit else None
    if numbers is None:
        return Cell(row, index, oid, NOT_HERE)
    power = _SENSOR_SCALES.get(int(scale)) if scale is not None and abs(scale) < 256 else None
    if status is not None and status != 1:
        return Cell(row, index, oid, f"sensor status {status:g}")
    if power is None or precision is None or not abs(precision) <= 9:
        return Cell(row, index, oid, "scale or precision not told")
    power -= int(precision)
    by = 10.0**power if power >= 0 else 1 / 10.0**-power
    return Cell(
        msgspec.structs.replace(
            row, scale=round(numbers.scale * by, 15), conversion=numbers.conversion, offset=numbers.offset
        ),
        index,
        oid,
    )

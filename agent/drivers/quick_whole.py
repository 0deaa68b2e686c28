"""A turn in which every entry is a reading: the short way of `agent.drivers.quick`, for nearly every answer of a fleet.

An `Entry` is one number of an answer and what it means; `Plain` is what of a table's entries is looked at while all goes well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from agent.drivers.exchange import Sample, Variable
from agent.drivers.snmp_rows import Cell
from agent.profiles.form import Value
from agent.whole import Order, Whole
from model.reading import Gap

_NEVER = float("inf")


class Slow(NamedTuple):
    """How one point is read the long way."""

    place: int
    exchange: int
    cell: Cell
    others: tuple[
        tuple[int, int, Value, str], ...
    ]  #: what stands in when this one is no value: place, exchange, row, OID


class Entry(NamedTuple):
    """One number of the answer, and what it means: `raw * times / over`, or `coded[raw]` for states."""

    place: int
    exchange: int
    point: str
    line: str | None
    coded: dict[int, float] | None
    missing: frozenset[float]
    times: float
    over: float
    low: float
    high: float
    least: float
    slow: Slow


#: What is needed of an entry while all goes well: place, codes, times, over, low, high, and where there are such: marks within
#: the bounds, least. A plain tuple: Python takes a named one apart at half the speed.
Number = tuple[int, dict[int, float] | None, float, float, float, float, tuple[frozenset[float], float] | None]


class Plain(msgspec.Struct, frozen=True):
    """A turn in which every entry is a reading."""

    numbers: tuple[Number, ...]
    constants: tuple[float, ...]  #: flags that the shape itself decided
    exchanges: tuple[int, ...]  #: of each of both
    order: Order


def flawless(plain: Plain, values: list[Variable], times: list[int], device: str) -> Whole | None:
    """The hot loop. None where anything is not as usual: then each is looked at by itself."""
    out: list[float] = []
    take = out.append
    for place, coded, factor, over, low, high, odd in plain.numbers:
        raw = values[place]
        if type(raw) is not int:
            return None
        value = raw * factor / over if coded is None else coded.get(raw, _NEVER)
        if not low <= value <= high:
            return None
        if odd is not None and (raw in odd[0] or (-odd[1] < value < odd[1] and value)):
            return None
        take(value)
    out += plain.constants
    if len(times) == 1:
        return Whole(device, plain.order, out, times[0], times[0])
    return Whole(device, plain.order, out, [times[exchange] for exchange in plain.exchanges], max(times))


def plain(
    entries: Sequence[Entry], flags: Sequence[tuple[Sample, int]], absent: Sequence[Gap], last: int
) -> Plain | None:
    """What a turn without a flaw holds; `absent`: the flags without a value. None where there is none, a series would be said twice, or an entry is always read the long way."""
    said = [(sample, exchange) for sample, exchange in flags if sample.value is not None]
    series = [(entry.point, entry.line) for entry in entries] + [(sample.point, sample.index) for sample, _ in said]
    long = any(entry.low > entry.high or (entry.coded is not None and not entry.coded) for entry in entries)
    odd = any(sample.quality or isinstance(sample.value, str) for sample, _ in said)
    early = any(sample.value is None and exchange < last for sample, exchange in flags)
    if not series or long or odd or early or len(set(series)) != len(series):
        return None
    return Plain(
        numbers=tuple([_number(entry) for entry in entries]),
        constants=tuple([float(sample.value or 0.0) for sample, _ in said]),
        # what belongs to no exchange has the time of the last
        exchanges=(*(entry.exchange for entry in entries), *(min(exchange, last - 1) for _, exchange in said)),
        order=Order(series, absent),
    )


def _number(entry: Entry) -> Number:
    missing: frozenset[float] = frozenset()
    if entry.coded is None:
        missing = frozenset(m for m in entry.missing if entry.low <= m * entry.times / entry.over <= entry.high)
    odd = (missing, entry.least) if missing or entry.least else None
    return entry.place, entry.coded, entry.times, entry.over, entry.low, entry.high, odd

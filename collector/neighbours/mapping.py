"""The mapping file: which field of which measurement is which point of which device. Pure.

    [[map]]
    measurement = "upsd"                 # Telegraf's
    device = "{ups_name}"                # a tag in braces, or a word; the site is that of the key
    where = { host = "gw-1" }            # tags that must be so; left out: any
    index = "{phase}"                    # left out: none
    silent_after_s = 300                 # a device that is not heard so long is silent; 0: never
    [map.fields]
    battery_charge_percent = { point = "battery.charge" }
    time_left_ns = { point = "battery.runtime", unit = "ns" }
    input_voltage = { point = "input.voltage", index = "1" }
    ups_status = { point = "ups.source", states = { OL = 3, OB = 5 } }

Rules. A number is what its `unit` says, in the point's unit when it says nothing; units are those of profiles. Words need
`states`; booleans are 0 and 1; a text point takes text. What no `[[map]]` takes, or cannot take, is counted by measurement
and field with its reason, and never guessed. The first `[[map]]` that fits a line is the one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from math import isfinite

import msgspec

from collector.neighbours.line_protocol import Field, Line
from model.batch import Event, EventKind
from model.points import POINTS, Kind
from model.problem import Problem
from model.reading import Reading
from model.text import Text
from model.toml_table import Table, parse
from model.units import Factor, factor

_TAG = re.compile(r"\{([^{}]+)\}")
#: Different names that are counted apart; a client that makes them up does not fill the memory.
MOST_COUNTED = 500
#: A device that other programs tell of, and that was not heard so long, is silent (s), unless its map says another time.
SILENT_S = 300.0
_SAME = Factor(1.0, 1.0)
_SEE_POINTS = Text("take one of model/points.py", "选用 model/points.py 中的测点")


class FieldMap(msgspec.Struct, frozen=True, kw_only=True):
    """What one field is."""

    point: str
    index: str | None = None
    factor: Factor = _SAME
    states: dict[str, int] = {}


class Map(msgspec.Struct, frozen=True, kw_only=True):
    """What the fields of one measurement are."""

    measurement: str
    device: str
    index: str | None = None
    where: dict[str, str] = {}
    fields: dict[str, FieldMap] = {}
    silent_after_s: float = SILENT_S

    def place(self, line: Line) -> tuple[str, str | None] | None:
        """Device and index of a line; None: the line is not of this map."""
        if any(line.tags.get(tag) != value for tag, value in self.where.items()):
            return None
        device, index = _filled(self.device, line), _filled(self.index, line) if self.index else None
        return (device, index) if device and index != "" else None


class Taken(msgspec.Struct, kw_only=True):
    """What a body gave. `left`: (measurement, field, why) -> how often; field "*": the whole line."""

    readings: list[Reading] = []
    events: list[Event] = []
    left: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)
    limits: dict[str, float] = {}  #: device -> after how many seconds without it it is silent

    @property
    def heard(self) -> dict[str, int]:
        """device -> the newest time (ms) that was told of it."""
        told = [(one.device, one.at) for one in self.readings]
        told += [(one.device, one.at) for one in self.events if one.device is not None]
        found: dict[str, int] = {}
        for device, at in told:
            found[device] = max(at, found.get(device, 0))
        return found


def read(body: str, file: str) -> tuple[tuple[Map, ...], list[Problem]]:
    """The maps of a file; not to be used if a problem is an error."""
    tree = parse(body, file)
    if isinstance(tree, Problem):
        return (), [tree]
    root = Table.root(tree, file, body)
    maps = tuple(_map(table) for table in root.tables("map", required=True))
    root.done(None)
    return maps, root.problems


def _map(table: Table) -> Map:
    where = table.table("where", optional=True)
    return table.done(
        Map(
            measurement=table.word("measurement", example="upsd"),
            device=table.word("device", example="{ups_name}"),
            index=table.word("index", default="") or None,
            where={tag: where.word(tag) for tag in where.tree},
            fields={name: field_of(one) for name, one in table.named("fields")},
            silent_after_s=table.number("silent_after_s", SILENT_S, 0, 31 * 86400),
        )
    )


def field_of(table: Table) -> FieldMap:
    """What one field is, as its table says."""
    id = table.word("point", example="battery.charge")
    point = POINTS.get(id)
    if id and point is None:
        near = get_close_matches(id, POINTS, 1)
        fix = Text(f"did you mean {near[0]}?", f"是否为 {near[0]}？") if near else _SEE_POINTS
        table.problem("point", Text("a point of the dictionary", "字典中的测点"), f"`{id}`", fix)
    found: Factor | None = _SAME
    if (unit := table.word("unit", default="")) and point:
        found = factor(unit, point.unit)
        if found is None:
            table.problem(
                "unit", Text(f"a unit that converts to {point.unit}", f"可换算为 {point.unit} 的单位"), f"`{unit}`"
            )
    states = table.table("states", optional=True)
    known = sorted(point.states) if point and point.states else [0, 1]
    for word, state in states.tree.items():
        if isinstance(state, bool) or state not in known:
            table.problem("states", Text(f"word = one of {known}", f"文字 = {known} 之一"), f"{word} = {state!r}")
    coded = {word.lower(): int(state) for word, state in states.tree.items() if isinstance(state, int)}
    index = table.word("index", default="") or None
    return table.done(FieldMap(point=id, index=index, factor=found or _SAME, states=coded))


def take(found: Iterable[Line], maps: Iterable[Map], site: str, now: int) -> Taken:
    """Lines as readings of devices of `site`; a line without a time is of `now`."""
    by_name: dict[str, list[Map]] = {}
    for one in maps:
        by_name.setdefault(one.measurement, []).append(one)
    taken = Taken()
    for line in found:
        places = ((one, one.place(line)) for one in by_name.get(line.measurement, ()))
        fit = next(((one, place) for one, place in places if place), None)
        if fit is None:
            why = "no [[map]] of its tags" if line.measurement in by_name else "no [[map]]"
            _leave(taken, line.measurement, "*", why)
            continue
        _take_line(taken, line, *fit, site=site, now=now)
    return taken


def _take_line(taken: Taken, line: Line, one: Map, place: tuple[str, str | None], *, site: str, now: int) -> None:
    at = now if line.at is None else line.at
    device, index = f"{site}/{place[0]}", place[1]
    taken.limits[device] = max(one.silent_after_s, taken.limits.get(device, 0.0))
    names: dict[str, str | int | float] = {}
    for name, value in line.fields.items():
        to = one.fields.get(name)
        if to is None:
            _leave(taken, line.measurement, name, "no field of its [[map]]")
        elif POINTS[to.point].kind is Kind.TEXT:
            names[to.point if (to.index or index) is None else f"{to.point}.{to.index or index}"] = str(value)[:200]
        else:
            number = _number(value, to)
            if isinstance(number, str):
                _leave(taken, line.measurement, name, number)
            else:
                taken.readings.append(
                    Reading(device=device, point=to.point, index=to.index or index, at=at, value=number)
                )
    if names:
        taken.events.append(Event(kind=EventKind.IDENTITY, device=device, at=at, data=names))


def _number(value: Field, to: FieldMap) -> float | str:
    """The value in the point's unit, or why it is none."""
    if to.states:
        state = to.states.get(_word(value))
        return "a word that states does not name" if state is None else float(state)
    if isinstance(value, str):
        return "text where a number is due"
    if isinstance(value, bool):
        return float(value) if POINTS[to.point].kind is Kind.FLAG else "a boolean where a number is due"
    number = round(value * to.factor.scale + to.factor.offset, 6)
    return number if isfinite(number) and not to.factor.curve else "no number"


def _word(value: Field) -> str:
    """A value as `states` names it: 3 and 3.0 are one word.

    >>> _word(3.0), _word(True), _word("OL")
    ('3', 'true', 'ol')
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower()


def _filled(template: str, line: Line) -> str:
    """A template with its tags; "" when one is not there."""
    names = _TAG.findall(template)
    if any(not line.tags.get(name) for name in names):
        return ""
    return _TAG.sub(lambda found: line.tags[found[1]], template)


def _leave(taken: Taken, measurement: str, field: str, why: str) -> None:
    key = (measurement[:64], field[:64], why)
    if key not in taken.left and len(taken.left) >= MOST_COUNTED:
        key = ("…", "*", "more names than are counted")
    taken.left[key] += 1

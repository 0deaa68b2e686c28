"""Readings as InfluxDB line protocol, by cached templates.

    battery,device=sz-futian/ups-1,site=sz-futian voltage=218.4,charge=97.0 1790000000000
    measurement,tags in order            fields, all floats                  ms

The readings of one device and instant become one template with a place for each value, made once for each
set of points; what is left for a batch is one `%` a device. influxdb-client's own encoder is five to eight
times slower (tests/benchmarks); a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from collector.history.places import PLACES, QUALITY
from model.reading import Reading

_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "%": "%%"})
_Points = tuple[tuple[str, str | None, bool], ...]


class LineEncoder:
    """Keeps the templates. One for each store; not for several threads at once."""

    #: So many sets of points are remembered; a fleet has one or a few for each device.
    _LIMIT = 50_000

    def __init__(self) -> None:
        self._templates: dict[tuple[str, _Points], tuple[str, Any]] = {}

    def encode(self, readings: Iterable[Reading]) -> str:
        """Lines joined by newlines. A point without a place (text) is left out: it is never a reading."""
        groups: dict[tuple[str, int], list[Reading]] = {}
        for reading in readings:
            group = groups.get((reading.device, reading.at))
            if group is None:
                groups[reading.device, reading.at] = [reading]
            else:
                group.append(reading)
        return "\n".join(filter(None, (self._lines(device, at, group) for (device, at), group in groups.items())))

    def _lines(self, device: str, at: int, group: list[Reading]) -> str:
        points = tuple([(r.point, r.index, r.quality != 0) for r in group])
        found = self._templates.get((device, points))
        if found is None:
            if len(self._templates) >= self._LIMIT:
                self._templates.clear()
            found = self._templates[device, points] = _template(device, points)
        template, pick = found
        if not template:
            return ""
        return template % pick([at, *[r.value for r in group], *[float(r.quality) for r in group if r.quality]])  # type: ignore[no-any-return]


def _template(device: str, points: _Points) -> tuple[str, Any]:
    """The lines with places, and what picks the values for them out of [at, values…, qualities…]."""
    fields: dict[tuple[str, str | None], dict[str, int]] = {}
    quality_at = 1 + len(points)
    for n, (point, index, marked) in enumerate(points, start=1):
        where = PLACES.get(point)
        if where is not None:
            line = fields.setdefault((where[0], index), {})
            line[where[1]] = n  # a point twice at one instant: the last counts, as everywhere
            line.pop(where[1] + QUALITY, None)
            if marked:
                line[where[1] + QUALITY] = quality_at
        quality_at += marked
    order: list[int] = []
    lines: list[str] = []
    for (measurement, index), places in fields.items():
        lines.append(f"{measurement}{_tags(device, index)} " + ",".join(f"{name}=%r" for name in places) + " %d")
        order += [*places.values(), 0]
    if len(order) < 2:
        return "", None
    return "\n".join(lines), itemgetter(*order)


def _tags(device: str, index: str | None) -> str:
    tags = {"device": device, "index": index, "site": device.partition("/")[0]}
    return "".join(f",{key}={value.translate(_ESCAPES)}" for key, value in tags.items() if value)

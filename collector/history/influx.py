"""History in InfluxDB: written as line protocol, read by InfluxQL (1.x, 2.x with a DBRP mapping, 3.x).

    influxdb+http://127.0.0.1:8086?db=roundsman                        1.x: /write
    influxdb+https://host:8086?bucket=roundsman&org=ours&token=env:T   2.x, 3.x: /api/v2/write

Shown on 1.6.7; 2.x and 3.x follow their documented API. The same (series, at) twice is once: InfluxDB
overwrites. No Flux.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from collector.history import Bucket, HistoryError, Samples
from collector.history.places import PLACES, POINT_AT, QUALITY
from collector.history.remote import Remote
from model.reading import Reading, Series

#: InfluxDB's first and last instant, ms.
_FIRST, _LAST = -9_223_372_036_854, 9_223_372_036_854


class Influx(Remote):
    """One database. Thread-safe for reading; one thread writes."""

    _VERSION = 1

    def range(self, series: Series, start: int, end: int) -> Samples:
        """Every reading of a series in [start, end)."""
        measurement, field = PLACES[series[1]]
        query = _select(f'"{field}", "{field}{QUALITY}"', measurement, _where(series, start, end))
        rows = [row for found in self._ask(query) for row in found["values"] if row[1] is not None]
        return Samples(
            at=[row[0] for row in rows],
            value=[float(row[1]) for row in rows],
            quality=[int(row[2] or 0) for row in rows],
        )

    def rollup(self, series: Series, start: int, end: int, step_ms: int) -> list[Bucket]:
        """Counts, means and extremes by step from `start`, computed by the server."""
        measurement, field = PLACES[series[1]]
        what = f'count("{field}"), min("{field}"), mean("{field}"), max("{field}")'
        group = f" GROUP BY time({step_ms}ms, {start % step_ms}ms) fill(none)"
        query = _select(what, measurement, _where(series, start, end) + group)
        rows = [row for found in self._ask(query) for row in found["values"]]
        return [
            Bucket(at=at, count=int(count), low=float(low), mean=float(mean), high=float(high))
            for at, count, low, mean, high in rows
        ]

    def _ask_newest(self) -> Iterator[Reading]:
        """One LAST a field, for only so each has its own time."""
        fields = {found["name"]: {row[0] for row in found["values"]} for found in self._ask("SHOW FIELD KEYS")}
        for (measurement, field), point in POINT_AT.items():
            if field in fields.get(measurement, ()):
                yield from self._last(measurement, field, point, field + QUALITY in fields[measurement])

    def _last(self, measurement: str, field: str, point: str, marked: bool) -> Iterator[Reading]:
        group = ' GROUP BY "device", "index"'
        marks: dict[tuple[str, str], tuple[int, float]] = {}
        if marked:
            for found in self._ask(_select(f'last("{field}{QUALITY}")', measurement, group)):
                at, quality = found["values"][0]
                marks[found["tags"]["device"], found["tags"]["index"]] = (at, quality)
        for found in self._ask(_select(f'last("{field}")', measurement, group)):
            device, index = found["tags"]["device"], found["tags"]["index"]
            at, value = found["values"][0]
            mark = marks.get((device, index))
            quality = int(mark[1]) if mark and mark[0] == at else 0
            yield Reading(device=device, point=point, index=index or None, at=at, value=float(value), quality=quality)

    def _ask(self, query: str) -> list[dict[str, Any]]:
        """The series of one InfluxQL statement."""
        answer = self._server.ask("/query", {"db": self._server.address.database, "epoch": "ms", "q": query})
        result = orjson.loads(answer.content)["results"][0]
        if "error" in result:
            raise HistoryError(f"{self._server.address.base}: {result['error']}")
        return list(result.get("series", ()))


def _select(what: str, measurement: str, rest: str) -> str:
    """Names come from the registry of points; what comes from outside is quoted in `_where`."""
    return f'SELECT {what} FROM "{measurement}"{rest}'  # noqa: S608


def _where(series: Series, start: int, end: int) -> str:
    device, _, index = series
    tags = f'"device" = {_quoted(device)} AND "index" = {_quoted(index or "")}'
    return f" WHERE {tags} AND time >= {max(start, _FIRST)}ms AND time < {min(end, _LAST)}ms"


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"

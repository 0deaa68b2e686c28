"""History in VictoriaMetrics: written to /api/v2/write, read back raw by /api/v1/export.

    victoriametrics+http://127.0.0.1:8428

Measurement and field become one name, `battery_voltage`. A new series shows after up to ten seconds; the
server keeps what it got in memory for up to five, so a kill -9 of it can lose that much. The same (series, at)
twice is once here; for other readers start it with -dedup.minScrapeInterval=1ms. Values keep 15 digits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import orjson

from collector.history import Bucket, Samples
from collector.history.places import MEASUREMENTS, PLACES, POINT_AT, QUALITY
from collector.history.remote import Remote
from collector.history.rollup import rollup
from model.reading import Reading, Series

#: Newest readings are looked for in the last 32 days, and 2 days ahead (the furthest that the server accepts).
_RECENT = "[32d] offset -2d"
_NAMES = {f"{measurement}_{field}": point for (measurement, field), point in POINT_AT.items()}


class Victoria(Remote):
    """One server. Thread-safe for reading; one thread writes."""

    _VERSION = 2

    def range(self, series: Series, start: int, end: int) -> Samples:
        """Every reading of a series in [start, end), each time once."""
        name = "_".join(PLACES[series[1]])
        values = dict(self._export(name, series, start, end))
        marks = dict(self._export(name + QUALITY, series, start, end))
        at = sorted(values)
        return Samples(at=at, value=[values[t] for t in at], quality=[int(marks.get(t, 0)) for t in at])

    def rollup(self, series: Series, start: int, end: int, step_ms: int) -> list[Bucket]:
        """Counts, means and extremes by step from `start`."""
        found = self.range(series, start, end)
        return rollup(np.array(found.at, np.int64), np.array(found.value, np.float64), start, step_ms)

    def _export(self, name: str, series: Series, start: int, end: int) -> Iterator[tuple[int, float]]:
        """(at, value) as stored, in no order. The server's range is closed, ours is half open."""
        if end <= start:
            return
        match = f"{name}{{device={_quoted(series[0])},index={_quoted(series[2] or '')}}}"
        times = {"start": _seconds(max(start, 0)), "end": _seconds(min(end - 1, 253_402_300_799_000))}
        answer = self._server.ask("/api/v1/export", {"match[]": match, "reduce_mem_usage": "1", **times})
        for line in answer.content.splitlines():
            block = orjson.loads(line)
            yield from zip(block["timestamps"], map(float, block["values"]), strict=True)

    def _ask_newest(self) -> Iterator[Reading]:
        """The newest value of each series, and its time."""
        of_ours = '{__name__=~"(' + "|".join(MEASUREMENTS) + ')_.+",site!=""}'
        times = self._instant(f"tlast_over_time({of_ours}{_RECENT}) keep_metric_names")
        values = self._instant(f"last_over_time({of_ours}{_RECENT}) keep_metric_names")
        return _newest(times, values)

    def _instant(self, query: str) -> dict[tuple[str, str, str], float]:
        """By (name, device, index)."""
        answer = self._server.ask("/api/v1/query", {"query": query})
        rows = orjson.loads(answer.content)["data"]["result"]
        return {
            (row["metric"].get("__name__", ""), row["metric"].get("device", ""), row["metric"].get("index", "")): float(
                row["value"][1]
            )
            for row in rows
        }


def _newest(times: dict[tuple[str, str, str], float], values: dict[tuple[str, str, str], float]) -> Iterator[Reading]:
    for (name, device, index), value in values.items():
        at = times.get((name, device, index))
        point = _NAMES.get(name)
        if at is None or point is None:
            continue
        marked = times.get((name + QUALITY, device, index)) == at
        quality = int(values[name + QUALITY, device, index]) if marked else 0
        yield Reading(
            device=device, point=point, index=index or None, at=round(at * 1000), value=value, quality=quality
        )


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03d}"


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'

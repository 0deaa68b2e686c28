"""Any history, read with the clocks put right: the stored times plus the offset of the boot they came from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from collector.history import Bucket, History, Samples
from collector.history.rollup import rollup
from collector.offsets import OffsetBook
from model.batch import Batch
from model.reading import Reading, Series


class Corrected:
    """Passes everything on; only sites with a wrong clock cost anything."""

    def __init__(self, inner: History, book: OffsetBook) -> None:
        self.inner = inner
        self._book = book

    def moves(self, device: str) -> bool:
        """Whether any time of this device is put right when it is read."""
        return bool(self._book.segments(_site(device)))

    def write(self, batches: Sequence[Batch]) -> None:
        """As they came: rows are never rewritten."""
        self.inner.write(batches)

    def latest(self, device: str | None = None) -> list[Reading]:
        """The newest reading of each series, in the centre's time."""
        return [self._moved(reading) for reading in self.inner.latest(device)]

    def range(self, series: Series, start: int, end: int) -> Samples:
        """Every reading of a series in [start, end) of the centre's time."""
        segments = self._book.segments(_site(series[0]))
        found = self.inner.range(series, start, end)
        if not segments:
            return found
        rows = [
            row
            for row in zip(found.at, found.value, found.quality, strict=True)
            if not any(s.since <= row[0] < s.until for s in segments)
        ]
        for s in segments:
            part = self.inner.range(series, max(s.since, start - s.offset_ms), min(s.until, end - s.offset_ms))
            rows += zip([at + s.offset_ms for at in part.at], part.value, part.quality, strict=True)
        rows.sort(key=lambda row: row[0])
        return Samples(at=[r[0] for r in rows], value=[r[1] for r in rows], quality=[r[2] for r in rows])

    def rollup(self, series: Series, start: int, end: int, step_ms: int) -> list[Bucket]:
        """Counts, means and extremes by step."""
        if not self._book.segments(_site(series[0])):
            return self.inner.rollup(series, start, end, step_ms)
        found = self.range(series, start, end)
        return rollup(np.array(found.at, np.int64), np.array(found.value, np.float64), start, step_ms)

    def series(self, device: str) -> list[Series]:
        """What is kept of a device."""
        return self.inner.series(device)

    def close(self) -> None:
        """Close the store beneath."""
        self.inner.close()

    def _moved(self, reading: Reading) -> Reading:
        for s in reversed(self._book.segments(_site(reading.device))):
            if s.since <= reading.at < s.until:
                return msgspec.structs.replace(reading, at=reading.at + s.offset_ms)
        return reading


def _site(device: str) -> str:
    return device.partition("/")[0]

"""The default history: hot rows in SQLite, sealed into Parquet by day and device.

    history/hot.sqlite                          the last hour or so, the dictionary, the manifest
    history/sealed/day=2026-11-22/DEVICE.N.parquet   standard files, read by DuckDB, pandas, a lake

`write` is one transaction with fsync. `seal` (sealing.py) runs in another thread and never holds the
write lock for longer than its manifest step. Reads merge both and give each (series, at) once.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from collector.history import Bucket, HistoryError, Samples, hot, sealed
from collector.history.newest import Newest
from collector.history.packing import Columns, join, pack, unpack
from collector.history.rollup import rollup
from model.batch import Batch
from model.reading import Reading, Series

#: A sealed file may go (replaced, or retention) between the look at the manifest and the read: look again.
_TRIES = (1, 2, 3)


#: device, its readings of one batch, the first and last of their times
_Noted = tuple[str, list[Reading], int, int]


class Embedded:
    """History in one folder, without a server. Any thread may read; one at a time may write."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HistoryError(f"{folder}: {error.strerror}") from error
        self.folder = folder
        self.swept = False  #: by sealing.sweep_once
        self.hot = hot.HotTable(folder / "hot.sqlite")
        self._newest = Newest()
        self._load()

    def _load(self) -> None:
        """Fill the dictionaries and the cache of newest readings."""
        with self.hot.reading() as db:
            self._devices = hot.names(db, "devices")
            self._spools = hot.names(db, "spools")
            self._series = hot.all_series(db)
            self.names = {id: series for series, id in self._series.items()}
            self._newest.note(self._reading(n.series, n.at, n.value, n.quality) for n in hot.newest_sealed(db))
            for body in hot.everything(db):
                row = unpack(body)
                columns = (row.series.tolist(), row.at.tolist(), row.value.tolist(), row.quality.tolist())
                self._newest.note(itertools.starmap(self._reading, zip(*columns, strict=True)))

    def _reading(self, id: int, at: int, value: float, quality: int) -> Reading:
        device, point, index = self.names[id]
        return Reading(device=device, point=point, index=index, at=at, value=value, quality=quality)

    def write(self, batches: Sequence[Batch]) -> None:
        """Keep all readings durably before returning; a batch that is already here changes nothing."""
        fresh: list[Series] = []
        noted: list[_Noted] = []
        try:
            with self.hot.writing() as db:
                hot.put(db, [row for batch in batches for row in self._rows(db, batch, fresh, noted)])
        except HistoryError:
            self._forget(fresh)
            raise
        for device, readings, first_at, last_at in noted:
            self._newest.note_in_order(device, readings, first_at, last_at)

    def _rows(
        self, db: sqlite3.Connection, batch: Batch, fresh: list[Series], noted: list[_Noted]
    ) -> Iterator[hot.HotRow]:
        by_device: dict[str, list[Reading]] = {}
        for reading in batch.readings:
            of_device = by_device.get(reading.device)
            if of_device is None:
                of_device = by_device[reading.device] = []
            of_device.append(reading)
        if not by_device:
            return
        spool = self._spools.get(batch.spool) or self._named(db, "spools", self._spools, batch.spool)
        for name, readings in by_device.items():
            device = self._devices.get(name) or self._named(db, "devices", self._devices, name)
            ids = self._ids(db, device, readings, fresh)
            times = [r.at for r in readings]
            first_at, last_at = min(times), max(times)
            noted.append((name, readings, first_at, last_at))
            yield device, spool, batch.row, first_at, last_at, pack(ids, times, readings)

    def _ids(self, db: sqlite3.Connection, device: int, readings: list[Reading], fresh: list[Series]) -> list[int]:
        known = self._series
        try:
            return [known[r.device, r.point, r.index] for r in readings]
        except KeyError:
            for r in readings:
                series = (r.device, r.point, r.index)
                if series not in known:
                    id = hot.add_series(db, device, series)
                    known[series], self.names[id] = id, series
                    fresh.append(series)
            return [known[r.device, r.point, r.index] for r in readings]

    def _named(self, db: sqlite3.Connection, table: str, known: dict[str, int], name: str) -> int:
        known[name] = hot.add_name(db, table, name)
        return known[name]

    def _forget(self, fresh: list[Series]) -> None:
        """The transaction was undone: the ids given in it do not exist."""
        for series in fresh:
            self.names.pop(self._series.pop(series), None)
        with self.hot.reading() as db:
            self._devices = hot.names(db, "devices")
            self._spools = hot.names(db, "spools")

    def latest(self, device: str | None = None) -> list[Reading]:
        """The newest reading of each series, from memory."""
        return self._newest.of(device)

    def range(self, series: Series, start: int, end: int) -> Samples:
        """Every reading of a series in [start, end)."""
        found = self._columns(series, start, end)
        return Samples(at=found.at.tolist(), value=found.value.tolist(), quality=found.quality.tolist())

    def rollup(self, series: Series, start: int, end: int, step_ms: int) -> list[Bucket]:
        """Counts, means and extremes by step from `start`."""
        found = self._columns(series, start, end)
        return rollup(found.at, found.value, start, step_ms)

    def series(self, device: str) -> list[Series]:
        """What is kept of a device."""
        return self._newest.series(device)

    def device_id(self, device: str) -> int | None:
        """The number of a device in the files; None: nothing is kept of it."""
        return self._devices.get(device)

    def _columns(self, series: Series, start: int, end: int) -> Columns:
        id = self._series.get(series)
        if id is None:
            return join([])
        device = self._devices[series[0]]
        for attempt in _TRIES:
            with self.hot.reading() as db:
                bodies = hot.bodies(db, device, start, end)
                parts = hot.parts(db, device, start, end)
            try:
                old = [sealed.read(self.folder / p.file, series, id, start, end) for p in parts]
                break
            except FileNotFoundError as error:
                if attempt == _TRIES[-1]:
                    raise HistoryError(f"{error.filename}: listed, but not there") from error
        both = join([*old, *map(unpack, bodies)])
        mask: np.ndarray[tuple[int], np.dtype[np.bool_]] = (both.series == id) & (both.at >= start) & (both.at < end)
        return both.where(mask).once()

    def close(self) -> None:
        """Close the database."""
        self.hot.close()

"""History read in bulk, a device and a UTC day at a time: what back-tests and nightly work read.

A sealed file goes from Parquet to columns without one object a reading. Other stores, and sites whose clock was put right, are asked
series by series: the same columns, more slowly. Each (series, at) comes once, in rising time; a day that cannot be read is told and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from analytics.detector import Column
from collector.history import History, HistoryError, hot, sealed
from collector.history.corrected import Corrected
from collector.history.embedded import Embedded
from collector.history.packing import Columns, join, unpack
from model.reading import Series

DAY_MS = 86_400_000
#: What one day of a device says: `[point][index]`.
Day = dict[str, dict[str | None, Column]]
_Strings = npt.NDArray[np.object_]


def days(
    history: History, device: str, start: int, end: int, told: Callable[[HistoryError], None]
) -> Iterator[tuple[int, Day]]:
    """Each day of [start, end) in which the device said anything: its begin (ms) and its columns. What cannot be read goes to `told`."""
    store = _bulk(history, device)
    for begin in range(start - start % DAY_MS, end, DAY_MS):
        first, last = max(start, begin), min(end, begin + DAY_MS)
        try:
            found = _stored(store, device, first, last) if store else _asked(history, device, first, last)
        except HistoryError as error:
            told(error)
            continue
        if found:
            yield begin, found


def span(history: History, devices: list[str]) -> tuple[int, int] | None:
    """From the first to just after the last reading of these devices; None: there is none. Only `Embedded` knows the first."""
    store = history.inner if isinstance(history, Corrected) else history
    newest = [reading.at for device in devices for reading in history.latest(device)]
    if not newest:
        return None
    if not isinstance(store, Embedded):
        return min(newest) - 30 * DAY_MS, max(newest) + 1
    with store.hot.reading() as db:
        first = hot.first_of(db, devices)
    return (min(newest) if first is None else first, max(newest) + 1)


def _bulk(history: History, device: str) -> Embedded | None:
    if isinstance(history, Corrected):
        return None if history.moves(device) else _bulk(history.inner, device)
    return history if isinstance(history, Embedded) else None


def _asked(history: History, device: str, start: int, end: int) -> Day:
    day: Day = {}
    for series in history.series(device):
        found = history.range(series, start, end)
        if found.at:
            day.setdefault(series[1], {})[series[2]] = Column(found.at, found.value)
    return day


def _stored(store: Embedded, device: str, start: int, end: int) -> Day:
    id = store.device_id(device)
    if id is None:
        return {}
    for attempt in (1, 2, 3):
        with store.hot.reading() as db:
            parts = hot.parts(db, id, start, end)
            bodies = hot.bodies(db, id, start, end)
        try:
            files = [sealed.read_codes(store.folder / part.file) for part in parts]
            break
        except FileNotFoundError as error:
            if attempt == 3:
                raise HistoryError(f"{error.filename}: listed, but not there") from error
    if len(files) == 1 and not bodies:
        series, columns = files[0]
        return _split(columns, series, start, end)
    names: dict[Series, int] = {}
    parts_ = [_renumbered(columns, series, names) for series, columns in files]
    for body in bodies:
        row = unpack(body)
        ids = [store.names[int(one)] for one in np.unique(row.series)]
        parts_.append(_renumbered(_dense(row), ids, names))
    return _split(join(parts_).once(), list(names), start, end)


def _dense(row: Columns) -> Columns:
    _, codes = np.unique(row.series, return_inverse=True)
    return Columns(codes.astype(np.uint32), row.at, row.value, row.quality)


def _renumbered(columns: Columns, series: list[Series], names: dict[Series, int]) -> Columns:
    """The same rows with the numbers that `names` gives; new series are added to it."""
    table = np.array([names.setdefault(one, len(names)) for one in series], np.uint32)
    codes = table[columns.series] if len(columns) else columns.series
    return Columns(codes, columns.at, columns.value, columns.quality)


def _split(columns: Columns, series: list[Series], start: int, end: int) -> Day:
    """Rows sorted by series and time as columns; only [start, end)."""
    day: Day = {}
    if not len(columns):
        return day
    edges = np.flatnonzero(np.diff(columns.series)) + 1
    begins, ends = [0, *edges.tolist()], [*edges.tolist(), len(columns)]
    for a, b in zip(begins, ends, strict=True):
        at = columns.at[a:b]
        left, right = a + int(np.searchsorted(at, start)), a + int(np.searchsorted(at, end))
        if left < right:
            _, point, index = series[int(columns.series[a])]
            day.setdefault(point, {})[index] = Column(
                columns.at[left:right].tolist(), columns.value[left:right].tolist()
            )
    return day

"""Move ripe hot rows into Parquet, device by device, without stopping the writer.

Order, so that a kill at any instruction neither doubles nor loses a reading: write the new file under a
new name and fsync it; in ONE transaction list it, unlist the file it replaces and delete the hot rows;
unlink the old file. A file that is not listed is an orphan of a kill, swept at start.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np

from collector.history import hot, sealed
from collector.history.embedded import Embedded
from collector.history.hot import Newest, Part
from collector.history.packing import Columns, join, unpack

DAY_MS = 86_400_000
#: Rows of one step: bounds memory and the length of the manifest transaction.
_ROWS = 4_000


def seal(store: Embedded, before: int, stop: Callable[[], bool] = lambda: False) -> int:
    """Seal rows that ended before `before`; the number of rows moved. `stop` is asked between steps."""
    moved = 0
    with store.hot.reading() as db:
        devices = hot.due(db, before)
    for device in devices:
        while not stop():
            step = _seal_device(store, device, before)
            moved += step
            if step < _ROWS:
                break
    return moved


def _seal_device(store: Embedded, device: int, before: int) -> int:
    with store.hot.reading() as db:
        rows = hot.ripe(db, device, before, _ROWS)
        if not rows:
            return 0
        columns = join(unpack(row[5]) for row in rows)
        days = {int(day): hot.part_of(db, device, day_name(int(day))) for day in np.unique(columns.at // DAY_MS)}
    fresh = [
        _write_day(store, device, day, old, columns.where(columns.at // DAY_MS == day)) for day, old in days.items()
    ]
    with store.hot.writing() as db:
        hot.replace_parts(db, fresh, rows, _newest(columns))
    for old in days.values():
        if old is not None:
            (store.folder / old.file).unlink(missing_ok=True)
    return len(rows)


def _write_day(store: Embedded, device: int, day: int, old: Part | None, columns: Columns) -> Part:
    names = dict(store.names)  # a copy: the writer adds series meanwhile
    if old is not None:
        ids = {series: id for id, series in names.items()}
        columns = join([sealed.read_all(store.folder / old.file, ids), columns])
    columns = columns.once()
    name = quote(names[int(columns.series[0])][0], safe="")
    count = int(old.file.split(".")[-2]) + 1 if old else 1
    file = f"sealed/day={day_name(day)}/{name}.{count}.parquet"
    sealed.write(store.folder / file, columns, names)
    return Part(
        device=device,
        day=day_name(day),
        file=file,
        first_at=int(columns.at.min()),
        last_at=int(columns.at.max()),
        readings=len(columns),
    )


def _newest(columns: Columns) -> list[Newest]:
    once = columns.once()
    last = np.flatnonzero(np.r_[once.series[1:] != once.series[:-1], True])
    rows = zip(
        once.series[last].tolist(),
        once.at[last].tolist(),
        once.value[last].tolist(),
        once.quality[last].tolist(),
        strict=True,
    )
    return [Newest(series=s, at=a, value=v, quality=q) for s, a, v, q in rows]


def sweep(store: Embedded) -> int:
    """Remove files that the manifest does not list: left by a kill between two steps."""
    with store.hot.reading() as db:
        listed = hot.files(db)
    orphans = [
        path
        for path in (store.folder / "sealed").glob("day=*/*")
        if path.relative_to(store.folder).as_posix() not in listed
    ]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def sweep_once(store: Embedded) -> None:
    """Sweep the first time that this store is asked; sealing of the same thread leaves no orphans behind."""
    if not store.swept:
        sweep(store)
        store.swept = True


def retain(store: Embedded, since: int) -> int:
    """Forget sealed days that ended before `since`; the number of files unlinked."""
    with store.hot.writing() as db:
        gone = hot.drop_days(db, day_name(since // DAY_MS))
    for file in gone:
        path: Path = store.folder / file
        path.unlink(missing_ok=True)
    return len(gone)


def day_name(day: int) -> str:
    """The ISO date of a UTC day counted from 1970."""
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()

"""The hot table of the embedded history: SQLite, one row a device and batch. All its SQL is here.

`hot.sqlite` also holds the dictionary of series and the manifest of sealed files, so that sealing is one
transaction: a row is either hot or in a listed file, never both, never neither.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from collector.history import HistoryError
from model.reading import Series

_SCHEMA = """
CREATE TABLE IF NOT EXISTS devices (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES devices, point TEXT NOT NULL, idx TEXT NOT NULL,
    at INTEGER, value REAL, quality INTEGER,          -- the newest sealed reading
    UNIQUE (device, point, idx));
CREATE TABLE IF NOT EXISTS spools (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS hot (
    device INTEGER NOT NULL REFERENCES devices, spool INTEGER NOT NULL REFERENCES spools, row INTEGER NOT NULL,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (device, spool, row)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed (
    id INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES devices, day TEXT NOT NULL, file TEXT NOT NULL UNIQUE,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, readings INTEGER NOT NULL,
    UNIQUE (device, day));
"""

#: device id, spool id, row, first_at, last_at, body
HotRow = tuple[int, int, int, int, int, bytes]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed file: one device, one UTC day."""

    device: int
    day: str
    file: str
    first_at: int
    last_at: int
    readings: int


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """The newest sealed reading of a series."""

    series: int
    at: int
    value: float
    quality: int


class HotTable:
    """One connection a thread; SQLite's own lock orders the writers (the collector and the sealer)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with self.writing() as db:
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for db in self._all:
                db.close()
            self._all.clear()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction. Raises `HistoryError` when the disk or the lock does not allow it."""
        try:
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise HistoryError(f"{self._path}: {error}") from error
        try:
            yield db
            db.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(db)
            raise HistoryError(f"{self._path}: {error}") from error
        except BaseException:
            self._undo(db)
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view: hot rows and manifest of the same moment."""
        try:
            db = self._connection()
            db.execute("BEGIN")
            try:
                yield db
            finally:
                self._undo(db)
        except sqlite3.Error as error:
            raise HistoryError(f"{self._path}: {error}") from error

    def _undo(self, db: sqlite3.Connection) -> None:
        if db.in_transaction:
            db.execute("ROLLBACK")

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._mine, "db", None)
        if db is None:
            db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=20)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            self._mine.db = db
            with self._lock:
                self._all.append(db)
        return db


def names(db: sqlite3.Connection, table: str) -> dict[str, int]:
    """The dictionary of `devices` or `spools`."""
    return dict(db.execute(f"SELECT name, id FROM {table}"))  # noqa: S608  a table of ours, not input


def add_name(db: sqlite3.Connection, table: str, name: str) -> int:
    """The id of a new name."""
    db.execute(f"INSERT OR IGNORE INTO {table} (name) VALUES (?)", (name,))  # noqa: S608  a table of ours, not input
    return int(db.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()[0])  # noqa: S608


def all_series(db: sqlite3.Connection) -> dict[Series, int]:
    """The dictionary of series."""
    found = db.execute("SELECT d.name, s.point, s.idx, s.id FROM series s JOIN devices d ON d.id = s.device")
    return {(device, point, index or None): id for device, point, index, id in found}


def add_series(db: sqlite3.Connection, device: int, series: Series) -> int:
    """The id of a new series."""
    key = (device, series[1], series[2] or "")
    db.execute("INSERT OR IGNORE INTO series (device, point, idx) VALUES (?, ?, ?)", key)
    return int(db.execute("SELECT id FROM series WHERE device = ? AND point = ? AND idx = ?", key).fetchone()[0])


def put(db: sqlite3.Connection, rows: Sequence[HotRow]) -> None:
    """Keep rows; one that is already here stays as it is (its bytes are the same)."""
    db.executemany("INSERT OR IGNORE INTO hot VALUES (?, ?, ?, ?, ?, ?)", rows)


def bodies(db: sqlite3.Connection, device: int, start: int, end: int) -> list[bytes]:
    """Hot rows of a device that touch [start, end)."""
    query = "SELECT body FROM hot WHERE device = ? AND last_at >= ? AND first_at < ?"
    return [body for (body,) in db.execute(query, (device, start, end))]


def first_of(db: sqlite3.Connection, devices: Sequence[str]) -> int | None:
    """When the oldest reading of these devices was taken; None: nothing is kept of them."""
    query = (
        "SELECT min(first_at) FROM (SELECT device, first_at FROM sealed UNION ALL SELECT device, first_at FROM hot) k"
        " JOIN devices d ON d.id = k.device WHERE d.name = ?"
    )
    found = [at for name in devices if (at := db.execute(query, (name,)).fetchone()[0]) is not None]
    return min(found, default=None)


def everything(db: sqlite3.Connection) -> Iterator[bytes]:
    """All hot rows, for the cache of newest readings at start."""
    for (body,) in db.execute("SELECT body FROM hot"):
        yield body


def due(db: sqlite3.Connection, before: int) -> list[int]:
    """Devices with rows that ended before `before`."""
    return [device for (device,) in db.execute("SELECT DISTINCT device FROM hot WHERE last_at < ?", (before,))]


def ripe(db: sqlite3.Connection, device: int, before: int, limit: int) -> list[HotRow]:
    """The oldest rows of a device that ended before `before`."""
    query = "SELECT * FROM hot WHERE device = ? AND last_at < ? ORDER BY first_at LIMIT ?"
    return db.execute(query, (device, before, limit)).fetchall()


def parts(db: sqlite3.Connection, device: int, start: int, end: int) -> list[Part]:
    """Sealed files of a device that touch [start, end)."""
    query = (
        "SELECT device, day, file, first_at, last_at, readings FROM sealed"
        " WHERE device = ? AND last_at >= ? AND first_at < ? ORDER BY day"
    )
    return [_part(row) for row in db.execute(query, (device, start, end))]


def part_of(db: sqlite3.Connection, device: int, day: str) -> Part | None:
    """The sealed file of a device and day, if there is one."""
    query = "SELECT device, day, file, first_at, last_at, readings FROM sealed WHERE device = ? AND day = ?"
    row = db.execute(query, (device, day)).fetchone()
    return _part(row) if row else None


def files(db: sqlite3.Connection) -> set[str]:
    """Every file of the manifest."""
    return {file for (file,) in db.execute("SELECT file FROM sealed")}


def replace_parts(
    db: sqlite3.Connection, fresh: Sequence[Part], rows: Sequence[HotRow], newest: Sequence[Newest]
) -> None:
    """The one step of sealing: list the new files instead of the old, and let the hot rows go."""
    for part in fresh:
        db.execute("DELETE FROM sealed WHERE device = ? AND day = ?", (part.device, part.day))
        db.execute(
            "INSERT INTO sealed (device, day, file, first_at, last_at, readings) VALUES (?, ?, ?, ?, ?, ?)",
            msgspec.structs.astuple(part),
        )
    db.executemany("DELETE FROM hot WHERE device = ? AND spool = ? AND row = ?", [row[:3] for row in rows])
    db.executemany(
        "UPDATE series SET at = ?2, value = ?3, quality = ?4 WHERE id = ?1 AND (at IS NULL OR at <= ?2)",
        [(n.series, n.at, n.value, n.quality) for n in newest],
    )


def newest_sealed(db: sqlite3.Connection) -> list[Newest]:
    """The newest sealed reading of each series that has one."""
    rows = db.execute("SELECT id, at, value, quality FROM series WHERE at IS NOT NULL")
    return [Newest(series=id, at=at, value=value, quality=quality) for id, at, value, quality in rows]


def drop_days(db: sqlite3.Connection, before_day: str) -> list[str]:
    """Take days before `before_day` off the manifest; the files to unlink."""
    gone = [file for (file,) in db.execute("SELECT file FROM sealed WHERE day < ?", (before_day,))]
    db.execute("DELETE FROM sealed WHERE day < ?", (before_day,))
    return gone


def _part(row: tuple[int, str, str, int, int, int]) -> Part:
    device, day, file, first_at, last_at, readings = row
    return Part(device=device, day=day, file=file, first_at=first_at, last_at=last_at, readings=readings)

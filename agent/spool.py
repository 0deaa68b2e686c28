"""The spool: the agent's only buffer, and what it promises to keep.

Rules.
- One row is one batch, encoded once; its bytes never change. (spool uuid, row) is the dedupe key, so a row
  number is never used twice (AUTOINCREMENT) and a fresh file has a fresh uuid.
- A row is in the spool when `write` returned: WAL with synchronous=FULL survives a power cut.
- It leaves when the centre confirmed it (`acknowledge`), or by the bound: the oldest undelivered fall out in
  the same transaction that writes the loss event telling so. Nothing else removes a row.
- A damaged file is moved aside, never deleted, and a fresh one goes on.

```
rows      id at first_at last_at readings gaps packed delivered_at|NULL
rejected  id at packed reason            the centre called it no batch: kept for a person to look at
meta      spool last_at
```
Blocking; `agent.writer` and `agent.uplink` call it through one thread (`agent.spooling`). Errors of SQLite and of the
file system come out as `SpoolError`: the caller keeps what it has and tries again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec

from agent import spool_sql as sql
from agent.backlog import Chunk, Loss
from agent.whole import Row as Columns
from agent.whole import Whole
from model.batch import Batch, encode
from model.reading import Reading

_MEGABYTE = 1024 * 1024


class SpoolError(Exception):
    """The disk or the file refused; nothing that was in the spool is lost. Try again later."""


class SpoolTaken(SpoolError):
    """Another agent has this spool open: two would ask the same devices. Not to be tried again."""


class SpoolDamaged(SpoolError):
    """SQLite says that the file is not, or no longer, a database."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One undelivered batch as it is to be sent."""

    id: int
    packed: bytes


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How much waits."""

    undelivered: int
    rejected: int
    used_bytes: int


class Spool:
    """One open spool file. Not thread-safe: one thread owns it."""

    def __init__(self, path: Path, *, max_mb: int, keep_delivered_ms: int = 0) -> None:
        self._path = path
        self._max_bytes = max_mb * _MEGABYTE
        self._keep_ms = keep_delivered_ms
        self._attempt: tuple[int, bytes] | None = None
        self._lock = _lock(path)
        self._db: sqlite3.Connection | None = None
        self.id = ""
        self.last_at = 0
        self.moved_to: Path | None = None  #: where `open` put a damaged file, when there was one

    def open(self) -> None:
        """Open or create the file; a damaged one is moved aside first. Raises `SpoolError`."""
        self.moved_to = None
        try:
            self._connect()
        except SpoolDamaged:
            self.replace()

    def replace(self) -> None:
        """Move the file aside, as it is, and go on with a fresh one. Raises `SpoolError`."""
        self.moved_to = self._move_aside()
        self._connect()

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._disconnect()
        os.close(self._lock)

    def reopen(self) -> None:
        """After an error: a connection that met an I/O error is not to be trusted."""
        self._disconnect()
        self.open()

    def write(self, site: str, boot: str, at: int, *chunks: Chunk) -> int:
        """Make one row of each of `chunks`, all on the disk or none. Returns the last one's number. Raises `SpoolError`.

        A write that failed at the very end may have succeeded after all; the next call finds that out, so
        that nothing is spooled twice: hand in the same chunks again.
        """
        with self._transaction() as db:
            row = self._settled(db)
            if row is None:
                row = [self._insert(db, site, boot, at, chunk) for chunk in chunks][-1]
        self._attempt = None
        return row

    def undelivered(self, after: int, most: int = 16) -> list[Row]:
        """The oldest rows above number `after` that the centre did not confirm."""
        with self._transaction(write=False) as db:
            found = db.execute(sql.UNDELIVERED, (after, most)).fetchall()
        return [Row(id=id, packed=packed) for id, packed in found]

    def acknowledge(self, spool: str, rows: Iterable[int], at: int) -> None:
        """The centre has these for ever: delete them, or mark them when delivered rows are kept for audit.

        `spool` is the file they were read from: numbers of one that was replaced meanwhile mean nothing here.
        """
        numbers = list(rows) if spool == self.id else []
        with self._transaction() as db:
            if self._keep_ms:
                db.executemany(sql.MARK_DELIVERED, [(at, row) for row in numbers])
                db.execute(sql.PRUNE_DELIVERED, (at - self._keep_ms,))
            else:
                db.executemany(sql.DELETE, [(row,) for row in numbers])

    def reject(self, spool: str, row: int, at: int, reason: str) -> None:
        """The centre calls it no batch: put it where a person can look at it and go on with the next."""
        if spool != self.id:
            return
        with self._transaction() as db:
            db.execute(sql.REJECT, (at, reason[:500], row))
            db.execute(sql.DELETE, (row,))

    def standing(self) -> Standing:
        """How much waits, for the status line."""
        with self._transaction(write=False) as db:
            undelivered, rejected = db.execute(sql.STANDING).fetchone()
            return Standing(undelivered=undelivered, rejected=rejected, used_bytes=_used(db))

    def _insert(self, db: sqlite3.Connection, site: str, boot: str, at: int, chunk: Chunk) -> int:
        row = int(db.execute(sql.NEXT_ROW).fetchone()[0])
        losses = [*chunk.losses, *self._make_room(db)]
        readings, first, last = _in_rows(chunk, at)
        batch = Batch(
            spool=self.id,
            row=row,
            site=site,
            boot=boot,
            at=at,
            readings=readings,
            gaps=chunk.gaps,
            events=[*chunk.events, *(loss.event(at) for loss in losses)],
        )
        packed = encode(batch)
        db.execute(sql.INSERT, (row, at, first, last, len(readings), len(chunk.gaps), packed))
        self.last_at = max(at, last, self.last_at)
        db.execute(sql.SET_META, ("last_at", str(self.last_at)))
        self._attempt = (row, packed)
        return row

    def _settled(self, db: sqlite3.Connection) -> int | None:
        """The last row of the last failed attempt, if it reached the disk all the same."""
        if self._attempt is None:
            return None
        row, packed = self._attempt
        found = db.execute(sql.PACKED, (row,)).fetchone()
        return row if found and found[0] == packed else None

    def _make_room(self, db: sqlite3.Connection) -> list[Loss]:
        """Below the bound again: delivered rows go first, then rejected ones, then the oldest undelivered."""
        lost: list[Loss] = []
        for table, condition in (("rows", "delivered_at IS NOT NULL"), ("rejected", "1"), ("rows", "1")):
            while _used(db) > self._max_bytes:
                query = {"table": table, "condition": condition}
                count, readings, gaps, first, last, upto = db.execute(sql.OLDEST.format(**query)).fetchone()
                if not count:
                    break
                db.execute(sql.DROP_OLDEST.format(**query), (upto,))
                if table == "rows" and condition == "1":
                    lost.append(
                        Loss(rows=count, readings=readings, gaps=gaps, first_at=first, last_at=last, why="spool_full")
                    )
        total = Loss(why="spool_full")
        for loss in lost:
            total = total.plus(loss)
        return [total] if lost else []

    def _connect(self) -> None:
        with _translated():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
            self._db = db
            db.executescript(sql.PRAGMAS)
            found = int(db.execute(sql.GET_VERSION).fetchone()[0])
            if found not in (0, sql.VERSION):
                raise SpoolError(
                    f"{self._path}: expected a spool of version {sql.VERSION}, got {found}: run the agent that wrote it"
                )
            db.executescript(sql.SCHEMA)
            db.execute(sql.SET_VERSION)
            # The fresh uuid is taken only when the file has none yet.
            db.execute(sql.ADD_META, ("spool", uuid.uuid4().hex))
            meta = dict(db.execute(sql.META).fetchall())
            db.execute(sql.STANDING).fetchone()
        self.id, self.last_at = str(meta["spool"]), int(meta.get("last_at", 0))

    def _disconnect(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _move_aside(self) -> Path:
        self._disconnect()
        number = 1
        while (target := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        with _translated():
            for suffix in ("", "-wal", "-shm"):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.rename(target.with_name(target.name + suffix))
        # A write that was under way belongs to the old file: it has to go into the fresh one again.
        self._attempt = None
        return target

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            self.open()
        db = self._db
        assert db is not None
        with _translated():
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        db.execute("ROLLBACK")
                raise


def _in_rows(chunk: Chunk, at: int) -> tuple[list[Reading], int, int]:
    """The readings of a chunk one by one, and the first and last time in it; `at` when there is none.

    Those of whole turns are rows of a batch, no readings yet: encoded they are the same, and making them costs less.
    """
    rows: list[Reading | Columns] = []
    firsts, lasts = [gap.at for gap in chunk.gaps], [gap.at for gap in chunk.gaps]
    for one in chunk.readings:
        if type(one) is Whole:
            rows.extend(one.rows())
            firsts.append(one.began)
            lasts.append(one.ended)
        elif isinstance(one, Reading):
            rows.append(one)
            firsts.append(one.at)
            lasts.append(one.at)
    return cast("list[Reading]", rows), min(firsts, default=at), max(lasts, default=at)


def _lock(path: Path) -> int:
    """Hold `PATH.lock` while we live; the kernel lets go of it however we end."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SpoolError(f"{path}: expected a folder that can be written to: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise SpoolTaken(f"{path}: expected a spool of our own, another agent has it open") from error
    return handle


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        # Only the plain class means damage ("file is not a database", "disk image is malformed"). Its children are
        # a full disk, an I/O error, a lock, or a mistake of ours: for none of them may a good file be moved aside.
        if type(error) is sqlite3.DatabaseError:
            raise SpoolDamaged(str(error)) from error
        raise SpoolError(str(error)) from error
    except OSError as error:
        raise SpoolError(str(error)) from error


def _used(db: sqlite3.Connection) -> int:
    """Bytes that hold something; freed pages are used again before the file grows."""
    pages, free, size = db.execute(sql.USED).fetchone()
    return int(pages - free) * int(size)

"""What the sources at the centre's door must remember across a restart, in a small file beside the database.

    begun      a message that was handed to the writer, by its batch and with the time it was given: written before, so that
               after a kill the writer's own mark of that batch says whether the message is kept, and history, which may
               have it already, is given it again at the same time
    retained   what a broker retained and was taken, so that it is taken once
    heard      when each source and device was last heard, so that silence is noticed over a restart
    cable      what switches said of their neighbours, with dates (collector.topology)

Losing the file loses no reading: an MQTT message that the broker sends twice may then count twice. Blocks; one user at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from uuid import uuid4

import msgspec

from collector.topology import Row, Rows

#: The columns of `Row`, in its order.
_CABLES = "select device, port, label, chassis, name, since, seen, gone from cable order by device, port, since"
_PUT_CABLE = "insert into cable (device, port, label, chassis, name, since, seen, gone) values (?, ?, ?, ?, ?, ?, ?, ?)"
#: A broker has at most some thousand messages under way; what is older it can not send again.
_KEPT_ROWS = 4096
_MAKE = """
create table if not exists spool (source text primary key, spool text not null, row integer not null) without rowid;
create table if not exists begun (source text, key blob, row integer not null, at integer not null,
    primary key (source, key)) without rowid;
create table if not exists retained (source text, topic text, digest blob, primary key (source, topic)) without rowid;
create table if not exists heard (source text, device text, at integer not null, limit_ms integer not null,
    primary key (source, device)) without rowid;
create table if not exists cable (device text, port text, chassis text, name text, since integer, label text not null,
    seen integer not null, gone integer, primary key (device, port, chassis, name, since)) without rowid;
"""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One device (or a whole source) that is to be missed when it is not heard for `limit_ms`."""

    at: int
    limit_ms: int


class Memory:
    """The file. `None` as a path: in memory only, for tests."""

    def __init__(self, path: Path | None) -> None:
        self._lock = Lock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(f"pragma journal_mode=wal; pragma synchronous=full; {_MAKE}")

    def begin(self, source: str, times: Mapping[bytes, int]) -> tuple[str, int]:
        """Note that messages are about to be written, by their keys, each with its time: (spool, row) of their batch."""
        with self._lock:
            self._db.execute("begin immediate")
            fresh = (source, uuid4().hex)
            self._db.execute("insert into spool values (?, ?, 0) on conflict do nothing", fresh)
            asked = "update spool set row = row + 1 where source = ? returning spool, row"
            spool, row = self._db.execute(asked, (source,)).fetchone()
            put = "insert into begun values (?, ?, ?, ?) on conflict do update set row = excluded.row, at = excluded.at"
            self._db.executemany(put, [(source, key, row, at) for key, at in times.items()])
            self._db.execute("delete from begun where source = ? and row < ?", (source, row - _KEPT_ROWS))
            self._db.execute("commit")
        return spool, row

    def begun(self, source: str, key: bytes) -> tuple[str, int, int] | None:
        """(spool, row) of the batch with which a message was begun last, and the time it was given."""
        asked = "select spool, begun.row, at from begun join spool using (source) where source = ? and key = ?"
        with self._lock:
            found = self._db.execute(asked, (source, key)).fetchone()
        return (found[0], found[1], found[2]) if found else None

    def retained(self, source: str, topic: str) -> bytes | None:
        """What was taken last of a topic that the broker retains."""
        with self._lock:
            asked = "select digest from retained where source = ? and topic = ?"
            found = self._db.execute(asked, (source, topic)).fetchone()
        return bytes(found[0]) if found else None

    def retain(self, source: str, taken: dict[str, bytes]) -> None:
        """Note what was taken."""
        put = "insert into retained values (?, ?, ?) on conflict do update set digest = excluded.digest"
        with self._lock:
            self._db.executemany(put, [(source, topic, digest) for topic, digest in taken.items()])

    def heard(self) -> dict[tuple[str, str], Heard]:
        """Everything ever noted by `hear`, by (source, device)."""
        with self._lock:
            rows = self._db.execute("select source, device, at, limit_ms from heard").fetchall()
        return {(source, device): Heard(at=at, limit_ms=limit) for source, device, at, limit in rows}

    def hear(self, heard: dict[tuple[str, str], Heard], gone: Iterable[tuple[str, str]] = ()) -> None:
        """Note when devices were heard, and forget those that are `gone`."""
        put = "insert into heard values (?, ?, ?, ?) on conflict do update set at = excluded.at, limit_ms = excluded.limit_ms"
        with self._lock:
            self._db.execute("begin immediate")
            self._db.executemany(put, [(*key, one.at, one.limit_ms) for key, one in heard.items()])
            self._db.executemany("delete from heard where source = ? and device = ?", list(gone))
            self._db.execute("commit")

    def cables(self) -> Rows:
        """What every switch said of its neighbours."""
        found: Rows = {}
        with self._lock:
            for values in self._db.execute(_CABLES):
                row = Row(**dict(zip(Row.__struct_fields__, values, strict=True)))
                found.setdefault(row.device, []).append(row)
        return found

    def put_cables(self, rows: Rows, devices: Iterable[str]) -> None:
        """Keep what these `devices` say, in place of what is kept of them."""
        with self._lock:
            self._db.execute("begin immediate")
            for device in devices:
                self._db.execute("delete from cable where device = ?", (device,))
                self._db.executemany(_PUT_CABLE, [msgspec.structs.astuple(row) for row in rows.get(device, [])])
            self._db.execute("commit")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

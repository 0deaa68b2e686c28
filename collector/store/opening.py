"""Open the centre's database, and refuse one that a newer Roundsman has written.

SQLite as a durable store: WAL so that readers never wait, synchronous=FULL so that a committed
transaction survives a power cut, foreign keys on, BEGIN IMMEDIATE for writers so that two of them queue
instead of failing half way.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from collector.store import tables
from desk.store import metadata as desk_metadata

SCHEMA_VERSION = 1
_BUSY_MS = 20_000


class StoreError(Exception):
    """The database cannot be used, and trying again would not mend it. The message says why and what to do."""


class StoreWaits(StoreError):
    """Nothing is wrong with the database itself: the disk is full, the folder cannot be written. Try again later."""


class StoreTaken(StoreError):
    """Another collector runs on this folder: two would judge and call twice."""


def open_engine(path: Path) -> sa.Engine:
    """The database at `path`, made if it is not there. Raises `StoreError`."""
    engine = sa.create_engine(
        f"sqlite:///{path}", connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000}
    )
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    try:
        with writing(engine) as conn:
            _check_version(conn, path)
            tables.metadata.create_all(conn)
            desk_metadata.create_all(conn)
    except sa.exc.OperationalError as error:
        engine.dispose()
        fix = "fix: free the disk, or let this user write there"
        raise StoreWaits(f"{path}: expected a database that can be written, got: {error.orig}; {fix}") from error
    except sa.exc.DatabaseError as error:
        engine.dispose()
        fix = "fix: put the backup back, or move the file away to begin with an empty one"
        raise StoreError(f"{path}: expected a Roundsman database, got: {error.orig}; {fix}") from error
    except StoreError:
        engine.dispose()
        raise
    return engine


def hold(folder: Path) -> int:
    """Take the folder of a centre for this process, as long as the returned handle is open. Raises `StoreTaken`.

    The kernel lets go of it however we end. Commands beside the centre write too, and need no lock.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / "collector.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise StoreTaken(
            f"{folder}: expected a folder of our own, got one on which another collector runs; fix: stop that one"
        ) from error
    return handle


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One write transaction: committed at the end of the block, undone by any exception."""
    with engine.connect().execution_options(roundsman_write=True) as conn, conn.begin():
        yield conn


def in_words(engine: sa.Engine, error: Exception) -> str:
    """What went wrong, for /healthz: SQLite's own words ("disk I/O error") do not say with which file."""
    if isinstance(error, sa.exc.DBAPIError):
        return f"{engine.url.database}: {error.orig}"
    return str(error)


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin and commit ourselves, see _on_begin
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(conn: sa.Connection) -> None:
    write = conn.get_execution_options().get("roundsman_write", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _check_version(conn: sa.Connection, path: Path) -> None:
    """Keep the version beside the data; the oldest and the newest that we can read are the same for now."""
    there = sa.inspect(conn).get_table_names()
    if there and tables.about.name not in there:
        raise StoreError(
            f"{path}: expected a Roundsman database, got one of another program ({', '.join(there[:3])}); "
            "fix: name another folder in `data`"
        )
    tables.about.create(conn, checkfirst=True)
    found = conn.scalar(sa.select(tables.about.c.value).where(tables.about.c.key == "schema"))
    if found is None:
        conn.execute(tables.about.insert().values(key="schema", value=str(SCHEMA_VERSION)))
    elif int(found) != SCHEMA_VERSION:
        newer = int(found) > SCHEMA_VERSION
        raise StoreError(
            f"{path}: expected schema {SCHEMA_VERSION}, got {found}; "
            + ("upgrade Roundsman: this file was written by a newer one" if newer else "an older file: import it anew")
        )

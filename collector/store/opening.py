"""Open the centre's database, bring it up to date, and refuse one that a newer Roundsman has written.

`about.schema` says how far a database is; schema N is what revision N of `migrations` left behind. A new database is
made at the newest one at once. An older one is brought up to date at start, in one transaction, with a copy of the
SQLite file beside it: a kill in the middle leaves the old database whole.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from secrets import token_hex

import sqlalchemy as sa
import structlog

from collector.store import migrations, recordings, tables
from collector.store.engines import Claim, make_engine, shown, writing
from collector.store.errors import StoreError, StoreTaken, StoreWaits
from desk.store import metadata as desk_metadata
from model.secret import SecretError, resolve

#: What this program writes and reads.
SCHEMA_VERSION = migrations.NEWEST
METADATA = (tables.metadata, desk_metadata)
assert recordings.recordings.metadata is tables.metadata, "its tables stand with the queries on them"
log = structlog.get_logger()


def database_of(database: str, data: Path, folder: Path) -> Path | sa.URL:
    """Where `database` of the collector's file points: a SQLite file below `data`, or PostgreSQL with its password.

    The password is a reference in the URL (`?password=env:NAME`; a file counts from `folder`). Raises `StoreWaits`
    when it is not there.
    """
    if not database:
        return data / "centre.sqlite"
    url = sa.make_url(database)
    reference = str(url.query.get("password", ""))
    url = url.difference_update_query(["password"]).set(drivername="postgresql+psycopg")
    if not reference:
        return url
    try:
        return url.set(
            password=resolve(reference, os.environ.get, lambda path: (folder / path).read_text(encoding="utf-8"))
        )
    except SecretError as error:
        why = f"{url.render_as_string()}: expected a password by reference, got: {error}; fix: put it there"
        raise StoreWaits(why) from error


def open_engine(where: Path | sa.URL, make: bool = True) -> sa.Engine:
    """The database at `where`, made or brought up to date if `make`. Raises `StoreError`, `StoreWaits`."""
    engine = make_engine(where)
    try:
        bring_up_to_date(engine, make)
    except BaseException:
        engine.dispose()
        raise
    return engine


def take_engine(where: Path | sa.URL) -> tuple[sa.Engine, Claim | None]:
    """As `open_engine`, for the collector: on PostgreSQL no other one may run. Raises `StoreTaken` too."""
    if isinstance(where, Path):
        return open_engine(where), None
    engine = make_engine(where)
    claim = Claim(engine, token_hex(16))
    try:
        try:
            claim.take()
        except sa.exc.OperationalError as error:
            raise _waits(engine, error) from error
        bring_up_to_date(engine)
        claim.sign()
    except BaseException:
        claim.release()
        engine.dispose()
        raise
    return engine.execution_options(roundsman_claim=claim), claim


def bring_up_to_date(engine: sa.Engine, make: bool = True) -> None:
    """Look at the version, and make what is missing. Raises as `open_engine`."""
    name = shown(engine)
    sqlite = engine.dialect.name == "sqlite"
    try:
        with engine.connect() as conn:
            found = _version(conn, name)
        if found == SCHEMA_VERSION:
            return
        if not make:
            raise StoreError(_not_ours_to_make(name, found))
        if found is not None and sqlite:
            migrations.copy_beside(Path(str(engine.url.database)), found)
        with writing(engine) as conn:
            migrations.bring(conn, _version(conn, name), METADATA, name)
    except sa.exc.OperationalError as error:
        raise _waits(engine, error) from error
    except sa.exc.DatabaseError as error:
        fix = "put the backup back, or move the file away to begin with an empty one"
        if not sqlite:
            fix = "let this user create tables in its schema"
        raise StoreError(f"{name}: expected a Roundsman database, got: {_said(error)}; fix: {fix}") from error


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


def in_words(engine: sa.Engine, error: Exception) -> str:
    """What went wrong, for /healthz: the database's own words ("disk I/O error") do not say with which one."""
    if isinstance(error, sa.exc.DBAPIError):
        said = _said(error)
        return said if isinstance(error.orig, StoreError) else f"{shown(engine)}: {said}"
    return str(error)


def _version(conn: sa.Connection, name: str) -> int | None:
    """The schema of a database, None for an empty one. Raises `StoreError` for one that is newer, or none of ours."""
    if conn.dialect.name == "postgresql":
        encoding = conn.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            fix = "make one with createdb -E UTF8"
            raise StoreError(f"{name}: expected a database in UTF8, got one in {encoding}; fix: {fix}")
    there = sa.inspect(conn).get_table_names()
    if not there:
        return None
    if tables.about.name not in there:
        fix = "name another folder in `data`" if conn.dialect.name == "sqlite" else "name another database or schema"
        got = f"one of another program ({', '.join(there[:3])})"
        raise StoreError(f"{name}: expected a Roundsman database, got {got}; fix: {fix}")
    value = conn.scalar(sa.select(tables.about.c.value).where(tables.about.c.key == "schema"))
    if value is None:
        return None
    if int(value) > SCHEMA_VERSION:
        raise StoreError(
            f"{name}: expected schema {SCHEMA_VERSION} or older, got {value}; "
            "upgrade Roundsman: this database was written by a newer one"
        )
    return int(value)


def _not_ours_to_make(name: str, found: int | None) -> str:
    if found is None:
        return f"{name} is empty: start the collector once, it makes the tables"
    return f"{name}: expected schema {SCHEMA_VERSION}, got {found}; start the collector once, it brings it up to date"


def _waits(engine: sa.Engine, error: sa.exc.DBAPIError) -> StoreWaits:
    fix = "free the disk, or let this user write there"
    if engine.dialect.name != "sqlite":
        fix = "see that the server runs and lets this user in"
    return StoreWaits(f"{shown(engine)}: expected a database that can be written, got: {_said(error)}; fix: {fix}")


def _said(error: sa.exc.DBAPIError) -> str:
    return " ".join(str(error.orig).split())

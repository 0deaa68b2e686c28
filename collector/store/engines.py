"""One behaviour on two databases: what SQLite does by itself, PostgreSQL is asked to do.

    what                      SQLite                        PostgreSQL
    one writer at a time      BEGIN IMMEDIATE               an advisory lock, taken first in each write transaction
    a reader's steady view    WAL snapshot                  REPEATABLE READ, READ ONLY
    committed is kept         synchronous=FULL              synchronous_commit, turned on where it was off
    a wait that ends          busy_timeout                  lock_timeout, keep-alives, connect_timeout
    one collector             a lock on the folder          `Claim`: a session's lock and a token in the database

So every query above this file is written once. PostgreSQL keeps no NUL in text: U+0000 is kept as U+FFFD there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from collector.store import tables
from collector.store.errors import StoreTaken

BUSY_MS = 20_000
_OWNER = "collector"
#: A client that hangs inside a transaction must not hold the write lock for ever.
_IDLE_MS = 120_000
_PG_SESSION = (
    f"SELECT set_config('lock_timeout', '{BUSY_MS}', false),"
    f" set_config('idle_in_transaction_session_timeout', '{_IDLE_MS}', false),"
    " set_config('timezone', 'UTC', false),"
    " CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END"
)
_PG_CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": BUSY_MS,
    "application_name": "roundsman",
}
# Two schemas of one database are two centres: the lock is the schema's.
_PG_KEY = "hashtextextended('roundsman {what} ' || current_schema(), 0)"
_PG_WRITE = f"SELECT pg_advisory_xact_lock({_PG_KEY.format(what='write')})"
_PG_READ = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_PG_HOLD = f"SELECT pg_try_advisory_lock({_PG_KEY.format(what='collector')})"


def make_engine(where: Path | sa.URL, **options: Any) -> sa.Engine:
    """An engine that keeps to the table above; nothing is opened yet. `options` are SQLAlchemy's."""
    if isinstance(where, Path):
        where = sa.URL.create("sqlite", database=str(where))
    if where.get_backend_name() == "sqlite":
        arguments = {"check_same_thread": False, "timeout": BUSY_MS / 1000}
        engine = sa.create_engine(where, connect_args=arguments, **options)
        sa.event.listen(engine, "connect", _on_connect_sqlite)
        sa.event.listen(engine, "begin", _on_begin_sqlite)
        return engine
    pinged = {"pool_pre_ping": True} if "poolclass" not in options else {}
    engine = sa.create_engine(where, connect_args=dict(_PG_CONNECT), **pinged, **options)
    sa.event.listen(engine, "connect", _on_connect_postgresql)
    sa.event.listen(engine, "begin", _on_begin_postgresql)
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One write transaction: committed at the end of the block, undone by any exception."""
    with engine.connect().execution_options(roundsman_write=True) as conn, conn.begin():
        yield conn


class Claim:
    """That this process, and no other, is the collector of a PostgreSQL database.

    A session's lock says it as long as the session lives. Where the session is lost, another collector may take over:
    so each of our write transactions also looks for our token, under the write lock, and is refused when another's
    stands there. `keep` mends a lost session; after another's turn the state in memory is out of date, and the next
    write is refused once, so that it is built anew.
    """

    def __init__(self, engine: sa.Engine, token: str) -> None:
        self.token = token
        self._engine = engine
        self._stale = False
        self._session: sa.Connection | None = None

    def take(self) -> None:
        """Raises `StoreTaken`, or SQLAlchemy's OperationalError when the database cannot be reached."""
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT", roundsman_session=True)
        try:
            if not session.exec_driver_sql(_PG_HOLD).scalar():
                raise StoreTaken(
                    f"{shown(self._engine)}: expected a database of our own, got one on which another collector runs; "
                    "fix: stop that one, or name another database or schema"
                )
        except BaseException:
            session.invalidate()
            session.close()
            raise
        self._session = session

    def sign(self) -> None:
        """Put our token down; before the first write of a collector, when the tables are there."""
        with writing(self._engine) as conn:
            conn.execute(tables.about.delete().where(tables.about.c.key == _OWNER))
            conn.execute(tables.about.insert().values(key=_OWNER, value=self.token))

    def keep(self) -> None:
        """See that the session still lives, and begin another where it does not. Raises as `take`."""
        if self._lives():
            return
        self.release()
        self.take()
        with self._engine.connect() as conn:
            self._stale = owner(conn) != self.token
        if self._stale:
            self.sign()

    def _lives(self) -> bool:
        try:
            return self._session is not None and self._session.exec_driver_sql("SELECT 1").scalar() == 1
        except sa.exc.DBAPIError:
            return False

    def release(self) -> None:
        """Let go; the lock ends with the session."""
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()  # never back into the pool: the lock would live on in it
            session.close()

    def check(self, conn: sa.Connection) -> None:
        """Refuse a write of ours when another collector has, or had, its turn. Raises SQLAlchemy's OperationalError."""
        if self._stale:
            self._stale = False
            raise _refused("another collector wrote here meanwhile: the state is built anew")
        if owner(conn) != self.token:
            raise _refused(f"{shown(self._engine)}: another collector runs on this database; fix: stop one of the two")


def owner(conn: sa.Connection) -> str | None:
    """The token of the collector that last took the database."""
    return conn.scalar(sa.select(tables.about.c.value).where(tables.about.c.key == _OWNER))


def shown(engine: sa.Engine) -> str:
    """Which database, for people: a path, or a URL without its password."""
    url = engine.url
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _refused(why: str) -> sa.exc.OperationalError:
    return sa.exc.OperationalError("BEGIN", None, StoreTaken(why))


def _on_connect_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin and commit ourselves, see _on_begin_sqlite
    # recursive_triggers: without, a REPLACE would delete a line of the ledger past its guard
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON")
    for pragma in (*pragmas, f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin_sqlite(conn: sa.Connection) -> None:
    write = conn.get_execution_options().get("roundsman_write", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _on_connect_postgresql(connection: Any, _record: Any) -> None:
    connection.adapters.register_dumper(str, _dumper())
    connection.execute(_PG_SESSION)
    connection.commit()


def _on_begin_postgresql(conn: sa.Connection) -> None:
    options = conn.get_execution_options()
    if options.get("roundsman_session"):
        return
    if not options.get("roundsman_write", False):
        conn.exec_driver_sql(_PG_READ)
        return
    conn.exec_driver_sql(_PG_WRITE)
    claim = options.get("roundsman_claim")
    if isinstance(claim, Claim):
        claim.check(conn)


def _dumper() -> Any:
    from psycopg.types.string import StrDumper

    class WithoutNul(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\x00", "\ufffd") if "\x00" in obj else obj)

    return WithoutNul

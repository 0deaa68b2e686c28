"""On which database a test runs: SQLite, or a schema of its own on one real PostgreSQL for the whole session.

A test that is run on both (tests/desk/conftest.py, tests/collector/conftest.py) asks `place(path)` where its database is;
the same path is the same database. `ROUNDSMAN_TEST_DB=postgresql` puts every database of a run there, also those
of tests that would only run on SQLite.
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg
import sqlalchemy as sa

from tests.services.postgresql import PostgresServer, served

BOTH = ("sqlite", "postgresql")


class _State:
    kind = os.environ.get("ROUNDSMAN_TEST_DB", "sqlite")
    server: PostgresServer | None = None
    numbers = count(1)
    places: dict[Path, sa.URL] = {}  # noqa: RUF012


def kind() -> str:
    """What the present test runs on."""
    return _State.kind


@contextmanager
def on(database: str) -> Iterator[None]:
    """Run on `database` ("sqlite" or "postgresql"); skipped where that is not installed."""
    before, _State.kind = _State.kind, database
    made = set(_State.places)
    try:
        if database == "postgresql":
            server()
        yield
    finally:
        for path in set(_State.places) - made:
            drop = f"DROP SCHEMA {_schema(_State.places.pop(path))} CASCADE"
            with suppress(psycopg.errors.LockNotAvailable):  # a test that failed may have left a transaction open
                server().run(f"SET lock_timeout = '3s'; {drop}")
        _State.kind = before


def place(path: Path | None = None) -> Path | sa.URL:
    """The database that stands for the SQLite file `path`; without one, a new one."""
    if _State.kind == "sqlite":
        return path or Path(":memory:")
    path = path or Path(f"memory-{next(_State.numbers)}")
    if path not in _State.places:
        name = f"t{next(_State.numbers)}"
        server().run(f"CREATE SCHEMA {name}")
        _State.places[path] = sa.make_url(f"{server().url}?options=-csearch_path%3D{name}")
    return _State.places[path]


def in_file(path: Path) -> str:
    """What `database` in a collector's file says for `place(path)`."""
    where = place(path)
    return "" if isinstance(where, Path) else where.render_as_string(hide_password=False)


def server() -> PostgresServer:
    """The session's server, started at its first use."""
    if _State.server is None:
        stack = ExitStack()
        _State.server = stack.enter_context(served())
        atexit.register(stack.close)
    return _State.server


def _schema(url: sa.URL) -> str:
    found = re.search(r"search_path=(\w+)", str(url.query["options"]))
    assert found
    return found[1]

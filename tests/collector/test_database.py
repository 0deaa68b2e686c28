"""The centre on a database that goes away, comes back, or is claimed by another collector; nothing is lost, all is said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
import sqlalchemy as sa

from collector import config, store
from collector.store import engines, tables
from collector.store.opening import database_of, take_engine
from tests import databases
from tests.collector.centres import batch, centre_at, post, reading
from tests.services.postgresql import installed

UPS = "sz-futian/ups-1"
T = TypeVar("T")


def _file(line: str) -> str:
    return f'[collector]\ndata = "var/"\n{line}\n'


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql+psycopg://desk:hunter2@db/desk", "password=env:NAME"),
        ("postgresql+psycopg://desk@db/desk?password=hunter2", "literal"),
        ("mysql://desk@db/desk", "mysql://…"),
        ("postgresql+psycopg://desk@db", "without the name of a database"),
        ("no url at all: hunter2", "no URL"),
    ],
)
def test_a_database_that_cannot_be_meant_is_told_without_its_password(url: str, says: str) -> None:
    found, problems = config.read(_file(f'database = "{url}"'), "collector.toml", Path())
    (problem,) = problems
    assert problem.key == "collector.database"
    assert says in problem.render("en")
    assert "hunter2" not in problem.render("en") + problem.render("zh") + repr(found)


def test_the_password_is_read_from_where_the_url_says_and_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql+psycopg://desk@127.0.0.1:1/desk?password=env:DESK_PASSWORD&sslmode=require"
    found, problems = config.read(_file(f'database = "{url}"'), "collector.toml", tmp_path)
    assert problems == []
    with pytest.raises(store.StoreWaits, match="DESK_PASSWORD is not set"):
        database_of(found.database, found.data, found.folder)
    monkeypatch.setenv("DESK_PASSWORD", "hunter2")
    where = database_of(found.database, found.data, found.folder)
    assert isinstance(where, sa.URL)
    assert (where.password, where.query) == ("hunter2", {"sslmode": "require"})
    with pytest.raises(store.StoreWaits, match="see that the server runs") as waits:
        store.open_engine(where)
    assert "hunter2" not in str(waits.value)
    assert database_of("", tmp_path, tmp_path) == tmp_path / "centre.sqlite"


def test_text_that_a_database_cannot_keep_is_kept_as_near_as_it_can(tmp_path: Path, database: str) -> None:
    engine = store.open_engine(databases.place(tmp_path / "centre.sqlite"))
    with store.writing(engine) as conn:
        conn.execute(tables.about.insert().values(key="odd", value="a\x00b 电池\U0001f50b"))
    with engine.connect() as conn:
        kept = conn.scalar(sa.select(tables.about.c.value).where(tables.about.c.key == "odd"))
    assert kept == ("a\x00b 电池\U0001f50b" if database == "sqlite" else "a�b 电池\U0001f50b")
    engine.dispose()


def test_a_reader_sees_one_moment_and_cannot_write(tmp_path: Path, database: str) -> None:
    engine = store.open_engine(databases.place(tmp_path / "centre.sqlite"))
    count = sa.select(sa.func.count()).select_from(tables.about)
    with engine.connect() as reader:
        before = reader.scalar(count)
        with store.writing(engine) as conn:
            conn.execute(tables.about.insert().values(key="new", value="1"))
        assert reader.scalar(count) == before, "what is committed meanwhile belongs to the next look"
        if database == "postgresql":
            with pytest.raises(sa.exc.DBAPIError, match="read-only"):
                reader.execute(tables.about.insert().values(key="never", value="1"))
    engine.dispose()


def _claimed(where: Path | sa.URL) -> tuple[sa.Engine, engines.Claim]:
    engine, claim = take_engine(where)
    assert claim is not None
    return engine, claim


def test_a_second_collector_is_refused_and_one_that_lost_its_session_writes_nothing_past_its_successor(
    tmp_path: Path, database: str
) -> None:
    if database == "sqlite":
        return  # there the lock is the folder's: store.hold
    where = databases.place(tmp_path / "centre.sqlite")
    first, claim = _claimed(where)
    with pytest.raises(store.StoreTaken, match="another collector runs"):
        take_engine(where)
    claim.release()  # what a server's restart, or a cut network, does to the session
    second, successor = _soon(lambda: _claimed(where))
    with pytest.raises(sa.exc.OperationalError, match="another collector runs"), store.writing(first):
        pytest.fail("a write began")
    with pytest.raises(store.StoreTaken):
        claim.keep()
    successor.release()
    second.dispose()
    _soon(claim.keep)
    with pytest.raises(sa.exc.OperationalError, match="built anew"), store.writing(first):
        pytest.fail("another wrote: what was known before is out of date, once")
    with store.writing(first) as conn:
        assert engines.owner(conn) == claim.token
    claim.release()
    first.dispose()


def _soon(take: Callable[[], T]) -> T:
    """The server lets go of a lock when it notices that its session ended, not when we end it."""
    for _ in range(200):
        try:
            return take()
        except store.StoreTaken:
            time.sleep(0.05)
    return take()


async def test_a_server_that_restarts_delays_and_loses_nothing(tmp_path: Path, database: str) -> None:
    """Sessions are cut in the middle of the work, as a restart does: agents hear 503, or nothing at all, and come again."""
    if database == "sqlite":
        return
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        for row in range(1, 13):
            if row % 3 == 0:
                _cut_sessions()
            await _until_kept(client, row, now + row)
        with centre.engine.connect() as conn:
            assert conn.scalar(sa.select(sa.func.count()).select_from(tables.deliveries)) == 12
        assert centre.history.range((UPS, "ups.load", None), 0, 2**44).value == [float(row) for row in range(1, 13)]
        assert centre.claim is not None
        centre.claim.keep()
        await centre.write(centre.writer.tick, centre.now())
        assert (await client.get("/healthz")).json()["problems"] == []


def _cut_sessions() -> None:
    databases.server().run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'roundsman'"
    )


async def _until_kept(client: httpx.AsyncClient, row: int, at: int) -> None:
    """Send as an agent does: again, until it is kept."""
    for _ in range(10):
        answer = await post(client, batch(row, [reading("ups.load", float(row), at)], at=at))
        if answer.status_code == 200:
            return
        assert answer.status_code == 503, answer.text
    pytest.fail(f"row {row} was not kept")


async def test_a_server_that_is_away_is_a_problem_in_healthz_until_it_is_back(tmp_path: Path, database: str) -> None:
    if database == "sqlite":
        return
    with installed() as server, ExitStack() as up:
        up.enter_context(server.up())
        async with centre_at(tmp_path, database=server.url) as (centre, client):
            now = centre.now()
            await _until_kept(client, 1, now)
            up.close()
            answer = await post(client, batch(2, [reading("ups.load", 2.0, now + 2)], at=now))
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "5"
            while not any(p.startswith("tick: postgresql") for p in (await client.get("/healthz")).json()["problems"]):
                await asyncio.sleep(0.2)
            up.enter_context(server.up())
            await _until_kept(client, 2, now + 2)
            while (await client.get("/healthz")).json()["problems"]:
                await asyncio.sleep(0.2)
            assert centre.history.range((UPS, "ups.load", None), 0, 2**44).value == [1.0, 2.0]

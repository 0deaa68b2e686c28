"""A database of the first release is brought up to date at start: whole or not at all, with a copy beside, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from collector import store
from collector.store import migrations, tables
from collector.store.engines import make_engine
from collector.store.opening import METADATA, bring_up_to_date
from desk import outbox
from desk import store as desk
from desk.connectors import settings
from desk.types import EntryKind
from tests import databases
from tests.desk.stage import MINUTE, T0, incident, inventory
from tests.kills import killed_at

HERE = Path(__file__).parent
INVENTORY = inventory()


def _first_release(path: Path, database: str) -> Path | sa.URL:
    """A database as release 1 left it, with two tickets, their ledgers and an outbox."""
    where = databases.place(path)
    today = store.open_engine(databases.place(path.with_name("today.sqlite")))
    with store.writing(today) as conn:
        outbox.register(conn, [settings("webhook", "http://127.0.0.1:9/", "env:S")])
        desk.apply(conn, [incident(), incident("sz/ups-1", "battery")], INVENTORY, T0)
        desk.act(conn, "T-000001", EntryKind.ACKNOWLEDGED, "ann", "mine", T0 + MINUTE, T0 + MINUTE)
    old = make_engine(where)
    with store.writing(old) as conn, today.connect() as source:
        body = (HERE / "schema_1" / f"{database}.sql").read_text(encoding="utf-8").partition("\n")[2]
        for statement in filter(None, map(str.strip, body.split(";;\n"))):
            conn.exec_driver_sql(statement.replace("%", "%%"))
        there = sa.MetaData()
        there.reflect(conn)
        for table in there.sorted_tables:
            names = [column.name for column in table.columns]
            if table.name in ("about", "alembic_version") or table.name.startswith("console_"):
                continue
            rows = source.execute(sa.select(*(sa.column(n, c.type) for n, c in table.columns.items())).select_from(
                sa.table(table.name)
            )).all()  # fmt: skip
            if rows:
                conn.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
        conn.execute(tables.about.insert().values(key="schema", value="1"))
    for engine in (today, old):
        engine.dispose()
    return where


def _schema(engine: sa.Engine) -> str | None:
    with engine.connect() as conn:
        return conn.scalar(sa.select(tables.about.c.value).where(tables.about.c.key == "schema"))


def _tickets(conn: sa.Connection) -> list[tuple[str, int]]:
    return [(t.id, len(desk.ledger(conn, t.id))) for t in desk.tickets(conn)]


def test_a_database_of_the_first_release_is_upgraded_with_all_that_it_holds(tmp_path: Path, database: str) -> None:
    path = tmp_path / "centre.sqlite"
    where = _first_release(path, database)
    engine = store.open_engine(where)
    assert _schema(engine) == str(store.SCHEMA_VERSION)
    with store.writing(engine) as conn:
        assert _tickets(conn) == [("T-000002", 3), ("T-000001", 2)]
        desk.tick(conn, INVENTORY, T0 + 2 * MINUTE)
        assert [due.ticket.id for due in desk.by_due(conn)] == ["T-000002", "T-000001"]
        assert all(due.due_at is not None and due.due_at > T0 for due in desk.by_due(conn))
        assert [t.id for t in desk.tickets(conn, device="sz/ups-1")] == ["T-000002"]
        assert len(outbox.rows(conn)) == 5
    with store.writing(engine) as conn, pytest.raises(sa.exc.IntegrityError, match="append-only"):
        conn.exec_driver_sql("DELETE FROM ledger")
    engine.dispose()
    if database == "sqlite":
        copy = make_engine(tmp_path / "centre.sqlite.schema-1")
        assert _schema(copy) == "1"
        copy.dispose()
    store.open_engine(where).dispose()  # a second time there is nothing to do


def test_an_upgraded_database_has_the_tables_of_a_new_one_to_the_last_guard(tmp_path: Path, database: str) -> None:
    upgraded = store.open_engine(_first_release(tmp_path / "centre.sqlite", database))
    fresh = store.open_engine(databases.place(tmp_path / "fresh.sqlite"))
    options = {"include_name": lambda name, kind, _: not (kind == "table" and name.startswith("console_"))}
    for engine in (upgraded, fresh):
        with engine.connect() as conn:
            context = MigrationContext.configure(conn, opts=options)
            left = compare_metadata(context, list(METADATA))  # type: ignore[arg-type]  # it takes several, by its manual
            assert left == [], "a table has changed: write a revision (docs/database.md)"
            assert context.get_current_revision() == f"{store.SCHEMA_VERSION:04d}"
    assert _guards(upgraded) == _guards(fresh)
    assert len(_guards(fresh)) >= 4
    upgraded.dispose()
    fresh.dispose()


def _guards(engine: sa.Engine) -> set[tuple[str, str]]:
    """The triggers, each with what it says."""
    sqlite = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    postgresql = (
        "SELECT c.relname || '.' || t.tgname, p.prosrc || t.tgtype FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
    )
    with engine.connect() as conn:
        found = conn.exec_driver_sql(sqlite if engine.dialect.name == "sqlite" else postgresql)
        return {(str(row[0]), " ".join(str(row[1]).split())) for row in found}


def test_an_upgrade_killed_at_any_instant_leaves_a_database_that_the_next_start_upgrades(
    tmp_path: Path, database: str
) -> None:
    where = _first_release(tmp_path / "centre.sqlite", database)
    step = 5 if database == "sqlite" else 31
    point, kills = 1, 0
    while killed_at(point, lambda: make_engine(where), bring_up_to_date):
        look = make_engine(where)
        assert _schema(look) == "1", f"after a kill at instant {point}"
        look.dispose()
        point, kills = point + step, kills + 1
    assert kills >= 4
    engine = store.open_engine(where)
    with engine.connect() as conn:
        assert _schema(engine) == str(store.SCHEMA_VERSION)
        assert _tickets(conn) == [("T-000002", 3), ("T-000001", 2)]
    engine.dispose()


def test_a_command_beside_the_collector_neither_makes_nor_upgrades(tmp_path: Path, database: str) -> None:
    old = _first_release(tmp_path / "centre.sqlite", database)
    for where, says in ((old, "got 1; start the collector once"), (databases.place(tmp_path / "none"), "is empty")):
        with pytest.raises(store.StoreError, match=says):
            store.open_engine(where, make=False)
    engine = make_engine(old)
    assert _schema(engine) == "1"
    engine.dispose()


def test_what_another_program_keeps_there_is_left_alone(tmp_path: Path, database: str) -> None:
    where = databases.place(tmp_path / "theirs.sqlite")
    engine = make_engine(where)
    with store.writing(engine) as conn:
        conn.exec_driver_sql("CREATE TABLE recipes (id INTEGER)")
    engine.dispose()
    with pytest.raises(
        store.StoreError, match=f"another program .recipes.*{'folder' if database == 'sqlite' else 'schema'}"
    ):
        store.open_engine(where)


def test_the_copy_beside_is_whole_or_not_there_and_never_written_twice(tmp_path: Path, database: str) -> None:
    if database != "sqlite":
        return
    file = _first_release(tmp_path / "centre.sqlite", database)
    assert isinstance(file, Path)
    (tmp_path / "centre.sqlite.schema-1.part").write_bytes(b"half a copy of an earlier try")
    copy = migrations.copy_beside(file, 1)
    assert sorted(p.name for p in tmp_path.glob("*schema-1*")) == [copy.name]
    before = copy.stat().st_mtime_ns
    store.open_engine(file).dispose()
    assert copy.stat().st_mtime_ns == before

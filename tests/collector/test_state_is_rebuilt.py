"""What the centre knows survives: snapshot and replay, history down, disk full, a clock an hour wrong, a new inventory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from collector import inventory, pipeline, store
from collector.history import HistoryError
from collector.running import Running
from collector.store import tables
from collector.writer import Post
from desk.store import tickets
from model.batch import Batch, encode
from model.points import Source
from model.reading import Gap, GapCause, Reading
from model.timescale import TimeScale
from tests import databases
from tests.collector.centres import SITE, batch, centre_at, post, reading

UPS = f"{SITE}/ups-1"


def _outage_row(row: int, at: int, source: Source = Source.BATTERY) -> Batch:
    return batch(
        row,
        [
            reading("ups.source", float(source), at),
            reading("input.voltage", 0.0 if source is Source.BATTERY else 230.0, at, "1"),
            reading("battery.charge", 100.0 - row, at),
        ],
        at=at,
        gaps=[Gap(device=f"{SITE}/sw-1", point=None, index=None, at=at, cause=GapCause.NO_ANSWER)],
    )


def _post(one: Batch, agent: str) -> Post:
    return Post(agent=agent, site=SITE, batch=one, body=encode(one), received_at=one.at + 300)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(snapshots=st.sets(st.integers(0, 29)), dropped=st.sets(st.integers(0, 29)), group=st.integers(1, 4))
def test_snapshot_and_replay_give_the_state_of_a_run_without_a_break(
    tmp_path_factory: pytest.TempPathFactory, snapshots: set[int], dropped: set[int], group: int
) -> None:
    start = time.time_ns() // 1_000_000 - 60_000

    async def run(breaks: bool) -> tuple[bytes, bytes]:
        async with centre_at(tmp_path_factory.mktemp("centre")) as (centre, _):
            writer = centre.writer
            with centre.engine.connect() as conn:
                agent = store.agents(conn)[0].id
            rows = [_outage_row(n, start + n * 2000, Source.NORMAL if n < 5 else Source.BATTERY) for n in range(30)]

            def story() -> tuple[bytes, bytes]:
                state = writer.recover()
                for n in range(0, 30, group):
                    writer.take([_post(one, agent) for one in rows[n : n + group]])
                    if breaks and n in snapshots:
                        writer.snapshot(centre.now(), 0, 0, 0)
                    if breaks and n in dropped:
                        writer.recover()
                state = writer._state
                assert state is not None
                return pipeline.dump_detectors(state), pipeline.dump_board(state)

            for task in centre._tasks:
                task.cancel()  # no ticks: both runs shall see the same calls
            return await centre.write(story)

    assert asyncio.run(run(breaks=True)) == asyncio.run(run(breaks=False))


async def test_a_history_that_is_down_refuses_batches_and_loses_none(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        inner = centre.history.inner  # type: ignore[attr-defined]
        real, inner.write = inner.write, _down
        answer = await post(client, batch(1, [reading("ups.load", 1.0, now)], at=now))
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
        health = (await client.get("/healthz")).json()
        assert health["status"] == "degraded"
        assert "no route" in health["problems"][0]
        inner.write = real
        assert (await post(client, batch(1, [reading("ups.load", 1.0, now)], at=now))).status_code == 200
        assert (await client.get("/healthz")).json()["status"] == "ok"
        assert len(centre.history.range((UPS, "ups.load", None), 0, now + 1).at) == 1


async def test_a_clean_stop_leaves_nothing_to_replay(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        for row in range(8):
            assert (await post(client, _outage_row(row, now - 20_000 + row * 2000))).status_code == 200
        before = pipeline.dump_detectors(centre.writer.recover())
    async with centre_at(tmp_path) as (centre, _):
        with centre.engine.connect() as conn:
            found = store.deliveries.snapshot(conn)
            assert found is not None
            assert store.deliveries.kept_count(conn, found[0]) == 0
        assert found[1] == before
        assert pipeline.dump_detectors(centre.writer.recover()) == before


async def test_a_centre_whose_database_takes_no_snapshot_stops_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        assert (await post(client, _outage_row(0, now, Source.NORMAL))).status_code == 200
        monkeypatch.setattr(store.deliveries, "put_snapshot", _full)
    monkeypatch.undo()
    async with centre_at(tmp_path) as (centre, _):
        assert set(centre.writer.recover().watch.seen) == {UPS, f"{SITE}/sw-1"}


def _full(*_: object) -> None:
    raise sa.exc.OperationalError("INSERT", None, Exception("database or disk is full"))


def _down(_: object) -> None:
    raise HistoryError("http://127.0.0.1:8086: no route")


async def test_a_full_disk_refuses_batches_and_recovers_by_itself(tmp_path: Path, database: str) -> None:
    if database != "sqlite":
        return  # the disk is the server's: tests/collector/test_database.py takes the server away
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        assert (await post(client, _outage_row(0, now - 2000, Source.NORMAL))).status_code == 200
        with centre.engine.connect() as conn:  # max_page_count is how SQLite itself says "disk full"
            full = conn.exec_driver_sql("PRAGMA page_count").scalar_one()

        def limit(pages: int) -> None:
            for _ in range(8):  # whichever pooled connection the writer takes next
                with centre.engine.connect() as conn:
                    conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")

        await centre.write(limit, full)
        big = batch(1, [reading("ups.load", n % 100 + 0.5, now + n) for n in range(5000)], at=now)
        answer = await post(client, big)
        assert answer.status_code == 503
        assert "full" in answer.json()["error"]
        assert "full" in (await client.get("/healthz")).json()["problems"][0]
        await centre.write(limit, 2**30)
        assert (await post(client, big)).status_code == 200
        found = centre.history.range((UPS, "ups.load", None), 0, 2**44)
        assert len(found.at) == 5000, "history had it already: it is there once"


@asynccontextmanager
async def _hour_ahead(tmp_path: Path) -> AsyncIterator[tuple[Running, httpx.AsyncClient, dict[str, str], int]]:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        ahead = now + 3_600_000
        yield centre, client, {"X-Roundsman-Boot": "b" * 32, "X-Roundsman-At": str(ahead)}, ahead


async def test_an_agent_an_hour_ahead_is_put_right_for_detectors_and_on_reading_history(tmp_path: Path) -> None:
    async with _hour_ahead(tmp_path) as (centre, client, headers, ahead):
        for row in range(12):
            assert (await post(client, _outage_row(row, ahead - 30_000 + row * 2000), **headers)).status_code == 200
        now = centre.now()
        with centre.engine.connect() as conn:
            (offset,) = store.offset_segments(conn)
            heard = {d.id: d.last_reading_at for d in store.devices(conn)}[UPS]
        assert offset.offset_ms == pytest.approx(-3_600_000, abs=5_000)
        assert heard is not None
        assert abs(heard - now) < 15_000
        await _until_ticket(centre)
        with centre.engine.connect() as conn:
            opened = tickets(conn)[0].opened_at
        assert now - 60_000 < opened <= centre.now(), "the outage began now, not in an hour"
        true = centre.history.range((UPS, "battery.charge", None), now - 60_000, now + 60_000)
        assert len(true.at) == 12
        assert centre.history.range((UPS, "battery.charge", None), ahead - 60_000, ahead + 60_000).at == []
        stored = centre.history.inner.range((UPS, "battery.charge", None), 0, 2**44)  # type: ignore[attr-defined]
        assert stored.at[0] == ahead - 30_000, "the row is as it came"
        assert (
            sum(b.count for b in centre.history.rollup((UPS, "battery.charge", None), now - 60_000, now + 60_000, 7000))
            == 12
        )
        assert all(abs(r.at - now) < 60_000 for r in centre.history.latest(UPS))


async def _until_ticket(centre: Running) -> None:
    async with asyncio.timeout(30):
        while True:
            with centre.engine.connect() as conn:
                if tickets(conn):
                    return
            await asyncio.sleep(0.1)


async def test_the_next_boot_with_a_right_clock_is_left_alone(tmp_path: Path) -> None:
    async with _hour_ahead(tmp_path) as (centre, client, headers, ahead):
        await post(client, batch(1, [reading("ups.load", 1.0, ahead)], at=ahead), **headers)
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        right = {"X-Roundsman-Boot": "c" * 32, "X-Roundsman-At": str(now)}
        await post(client, batch(2, [reading("ups.load", 2.0, now)], at=now, boot="c" * 32), **right)
        found = centre.history.range((UPS, "ups.load", None), now - 60_000, now + 60_000)
        assert sorted(found.value) == [1.0, 2.0]
        assert len(centre.history.range((UPS, "ups.load", None), now + 60_000, 2**44).at) == 0


async def test_a_backlog_completes_history_and_marks_the_device_but_wakes_no_detector(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        await post(client, _outage_row(1, now, Source.NORMAL))
        hour_ago = [reading("ups.source", float(Source.BATTERY), now - 3_600_000 + n * 2000) for n in range(30)]
        await post(client, batch(2, hour_ago, spool="e" * 32, at=now - 3_500_000))
        await centre.write(centre.writer.tick, centre.now() + 600_000)
        with centre.engine.connect() as conn:
            assert store.alerts(conn, device=UPS) == []
            device = next(d for d in store.devices(conn) if d.id == UPS)
        assert device.recompute_from == now - 3_600_000
        assert len(centre.history.range((UPS, "ups.source", None), 0, now).at) == 30


async def test_an_inventory_imported_beside_the_running_centre_counts_from_the_next_tick(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, _):
        file = tmp_path / "inventory.toml"
        file.write_text('[[customer]]\nid = "c"\nname = "C"\n[[site]]\nid = "s"\ncustomer = "c"\nname = "S"\n')
        other = store.open_engine(databases.place(tmp_path / "centre.sqlite"))
        with store.writing(other) as conn:
            found, problems = inventory.import_file(conn, file, centre.now())
        other.dispose()
        assert problems == []
        assert found is not None
        await centre.write(centre.writer.tick, centre.now())
        assert centre.inventory.site("s").customer == "c"
        assert centre.inventory.revision == 1


async def test_kept_bytes_are_pruned_only_behind_the_older_snapshot(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        for row in range(6):
            await post(client, batch(row, [reading("ups.load", 1.0, now + row)], at=now))
            await centre.write(centre.writer.snapshot, centre.now(), 2**60, 0, 0)
        with centre.engine.connect() as conn:
            cursors = conn.scalars(sa.select(tables.batches.c.cursor)).all()
        assert cursors == [6], "all before the older of the two snapshots are gone"
        await centre.write(centre.writer.snapshot, centre.now(), 2**60, 2**60, 0)
        assert (await post(client, batch(3, [reading("ups.load", 1.0, now + 3)], at=now))).status_code == 200
        with centre.engine.connect() as conn:
            assert conn.scalar(sa.select(sa.func.count()).select_from(tables.deliveries)) == 0, "known by the floor"


async def test_a_newer_database_is_refused_with_a_clear_message(tmp_path: Path) -> None:
    where = databases.place(tmp_path / "centre.sqlite")
    engine = store.open_engine(where)
    with store.writing(engine) as conn:
        conn.execute(tables.about.update().where(tables.about.c.key == "schema").values(value="99"))
    engine.dispose()
    with pytest.raises(store.StoreError, match="newer"):
        store.open_engine(where)
    (tmp_path / "other.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(store.StoreError, match="not a database"):
        store.open_engine(tmp_path / "other.sqlite")


async def test_a_silent_agent_is_told_and_a_restart_of_the_centre_is_not_its_fault(tmp_path: Path) -> None:
    scale = TimeScale(speed=1.0)
    async with centre_at(tmp_path, scale) as (centre, client):
        await post(
            client,
            batch(1, [Reading(device=UPS, point="ups.load", index=None, at=centre.now(), value=1.0)], at=centre.now()),
        )
        for task in centre._tasks:
            task.cancel()
        await centre.write(centre.writer.tick, centre.now() + 60_000)
        with centre.engine.connect() as conn:
            assert store.alerts(conn) == []
        for ahead in (100_000, 200_000, 300_000):
            await centre.write(centre.writer.tick, centre.now() + ahead)
        with centre.engine.connect() as conn:
            assert [a.kind for a in store.alerts(conn)] == ["agent_silent"]


async def test_a_centre_that_was_down_itself_blames_no_agent(tmp_path: Path) -> None:
    """An hour down; agents in back-off come within 15 s, and only then may one count as silent."""
    async with centre_at(tmp_path) as (centre, client):
        assert (await post(client, batch(1, []))).status_code == 200
        with store.writing(centre.engine) as conn:
            conn.execute(tables.agents.update().values(heard_at=centre.now() - 3_600_000))
    async with centre_at(tmp_path) as (centre, _):
        limit_ms = round(centre.writer.world.silent_after_s * 1000)
        assert limit_ms > (15 + 5) * 1000
        for after_ms, silent in ((0, 0), (limit_ms - 1000, 0), (limit_ms + 1000, 1)):
            await centre.write(centre.writer.tick, centre.writer.listens_since + after_ms)
            with centre.engine.connect() as conn:
                assert len([a for a in store.alerts(conn) if a.kind == "agent_silent"]) == silent

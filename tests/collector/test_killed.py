"""kill -9 of a real collector process while agents post: what was answered with 200 is there once, for ever."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from collector import store
from collector.history.embedded import Embedded
from collector.history.sealing import DAY_MS, seal, sweep
from collector.store import tables
from desk.store import tickets
from model.batch import Batch, encode
from model.points import Source
from model.reading import Reading
from tests.collector.centres import HEADERS, SITE, ChildCentre
from tests.services import running, wait_for

ROWS = 60


def _story(now: int) -> list[Batch]:
    """A minute and a half of two devices; the mains fails in the middle of it for good."""
    rows = []
    for row in range(ROWS):
        at = now - (ROWS - row) * 1500
        source = Source.NORMAL if row < 20 else Source.BATTERY
        readings = [
            Reading(device=f"{SITE}/{device}", point=point, index=index, at=at, value=value)
            for device in ("ups-1", "ups-2")
            for point, index, value in (
                ("ups.source", None, float(source)),
                ("input.voltage", "1", 230.0 if row < 20 else 0.0),
                ("battery.charge", None, 100.0 - max(0, row - 20) * 0.1),
                ("alarm.on_battery", None, 0.0 if row < 20 else 1.0),
            )
        ]
        rows.append(
            Batch(spool="a" * 32, row=row, site=SITE, boot="b" * 32, at=at, readings=readings, gaps=[], events=[])
        )
    return rows


async def _deliver(url: str, rows: list[Batch], done: dict[int, float], kill_after: int, child: object) -> None:
    """Post rows in order, several at a time, as agents do; kill the child after so many answers."""
    async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=30, verify=False) as client:

        async def one(batch: Batch) -> None:
            try:
                answer = await client.post("/v1/batches", content=encode(batch))
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                done[batch.row] = done.get(batch.row, 0) + 1
                if len(done) == kill_after:
                    child.kill()  # type: ignore[attr-defined]

        for start in range(0, len(rows), 4):
            await asyncio.gather(*(one(batch) for batch in rows[start : start + 4]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_was_acknowledged_is_in_history_exactly_once_and_opened_one_ticket(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    centre = ChildCentre(tmp_path)
    rows: list[Batch] = []
    acknowledged: dict[int, float] = {}
    kills = sorted(chance.sample(range(1, ROWS), 4))
    for kill_after in [*kills, ROWS + 1]:
        with centre.up() as child:
            rows = rows or _story(int(centre.health()["now"]))  # type: ignore[call-overload]
            waiting = [b for b in rows if b.row not in acknowledged]
            chance.random() < 0.5 and waiting.insert(0, rows[0])  # a repeat of what was long kept
            asyncio.run(_deliver(centre.url, waiting, acknowledged, kill_after, child))
            if kill_after > ROWS:
                wait_for(lambda: bool(_tickets(centre)), 20, "the ticket of the mains failure")
    assert set(acknowledged) == set(range(ROWS))
    _check_history(tmp_path / "var" / "history", rows)
    _check_findings(centre)


def _tickets(centre: ChildCentre) -> list[str]:
    engine = store.open_engine(centre.database)
    try:
        with engine.connect() as conn:
            return [ticket.title.en for ticket in tickets(conn)]
    finally:
        engine.dispose()


def _check_history(folder: Path, rows: list[Batch]) -> None:
    history = Embedded(folder)
    expected: dict[tuple[str, str, str | None], list[tuple[int, float]]] = {}
    for batch in rows:
        for r in batch.readings:
            expected.setdefault((r.device, r.point, r.index), []).append((r.at, r.value))
    for series, values in expected.items():
        found = history.range(series, 0, 2**44)
        assert list(zip(found.at, found.value, strict=True)) == values, series
    with history.hot.reading() as db:
        assert db.execute("SELECT count(*) FROM hot").fetchone() == (2 * ROWS,), (
            "a row a device and batch, none doubled"
        )
    history.close()


def _check_findings(centre: ChildCentre) -> None:
    engine = store.open_engine(centre.database)
    with engine.connect() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(tables.deliveries)) == ROWS
        assert sorted({(a.device, a.kind) for a in store.alerts(conn)}) == [
            (f"{SITE}/ups-1", "on_battery"),
            (f"{SITE}/ups-2", "on_battery"),
        ]
        assert len(store.alerts(conn)) == 2
        assert [i.key.cause for i in store.incidents(conn)] == ["mains"]
        assert len(tickets(conn)) == 1
    engine.dispose()


_SEALER = """
import sys
from pathlib import Path
from collector.history.embedded import Embedded
from collector.history.sealing import seal, sweep
store = Embedded(Path(sys.argv[1]))
sweep(store)
print("sealing", flush=True)
seal(store, 2**44)
print("sealed", flush=True)
"""


@pytest.mark.parametrize("seed", range(6))
def test_a_kill_while_sealing_neither_doubles_nor_loses(tmp_path: Path, seed: int) -> None:
    import sys

    chance = random.Random(seed)
    store = Embedded(tmp_path / "h")
    start = 1_790_000_000_000 // DAY_MS * DAY_MS - 50_000
    rows = [
        Batch(
            spool="s" * 32, row=row, site="s", boot="b", at=start, gaps=[], events=[],
            readings=[
                Reading(device=f"s/d{d}", point="ups.load", index=None, at=start + row * 1000 + d, value=float(row))
                for d in range(12)
            ],
        )
        for row in range(100)
    ]  # fmt: skip
    store.write(rows[:50])
    seal(store, 2**44)
    store.write(rows[50:])
    store.close()
    log = tmp_path / "log"
    with running([sys.executable, "-c", _SEALER, str(tmp_path / "h")], log, Path(__file__).parents[2]) as child:
        wait_for(lambda: b"sealing" in log.read_bytes(), 30, "the sealer")
        seen = len(list((tmp_path / "h").glob("sealed/*/*")))
        target = seen + chance.randrange(12)
        wait_for(
            lambda: child.poll() is not None or len(list((tmp_path / "h").glob("sealed/*/*"))) >= target
            or b"sealed" in log.read_bytes(), 30, "some sealed files",
        )  # fmt: skip
        child.kill()
        child.wait()
    store = Embedded(tmp_path / "h")
    sweep(store)
    with store.hot.reading() as db:
        hot = db.execute("SELECT count(*) FROM hot").fetchone()[0]
        sealed = db.execute("SELECT sum(readings) FROM sealed").fetchone()[0]
    assert hot + sealed == 1200, "every reading is hot or sealed, none is both"
    for d in range(12):
        found = store.range((f"s/d{d}", "ups.load", None), 0, 2**44)
        assert found.value == [float(row) for row in range(100)]
    seal(store, 2**44)
    files = {p.relative_to(tmp_path / "h").as_posix() for p in (tmp_path / "h").glob("sealed/*/*")}
    with store.hot.reading() as db:
        assert files == {row[0] for row in db.execute("SELECT file FROM sealed")}
    store.close()


def test_a_collector_told_to_stop_stops_with_zero(tmp_path: Path) -> None:
    centre = ChildCentre(tmp_path)
    with centre.up() as child, httpx.Client(base_url=centre.url, verify=False):
        child.terminate()
        assert child.wait(20) == 0, (tmp_path / "log").read_text()


def test_a_collector_whose_file_is_wrong_says_where_and_exits_with_two(tmp_path: Path) -> None:
    centre = ChildCentre(tmp_path)
    centre.file.write_text("[collector]\nlisten = '0.0.0.0:1'\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"collector\.toml:2: collector\.listen"), centre.up():
        pass

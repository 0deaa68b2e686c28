"""The same batches in the embedded store, a real InfluxDB and a real VictoriaMetrics: same points, same values."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from collector.history import History, HistoryError
from collector.history.embedded import Embedded
from collector.history.opening import open_history
from collector.history.sealing import seal
from collector.running import Running
from model.batch import Batch
from model.reading import Reading, Series
from tests.collector.centres import SITE, batch, centre_at, post, reading
from tests.services.influxdb import InfluxServer
from tests.services.victoria_metrics import VictoriaServer

pytestmark = pytest.mark.service
#: An hour ago: VictoriaMetrics looks for newest values around its own clock.
NOW = time.time_ns() // 1_000_000 - 3_600_000
_SPOOLS = itertools.count(1)
_POINTS = [
    ("ups.load", None),
    ("input.voltage", "1"),
    ("input.voltage", "2"),
    ("battery.charger.status", None),
    ("ifOperStatus", "3"),
]
#: What devices say: a few significant digits, far within what every store keeps exactly.
_VALUES = st.integers(-(10**7), 10**7).map(lambda n: n / 100)


@st.composite
def _batches(draw: st.DrawFn) -> list[Batch]:
    """Rows of one spool; each series' times rise, a device may be silent in a row."""
    at = NOW
    spool = f"{next(_SPOOLS):032x}"
    rows = []
    for row in range(draw(st.integers(1, 5))):
        readings = []
        for device in draw(st.sets(st.sampled_from(["ups-1", "ups-2"]), min_size=1)):
            at += draw(st.integers(1, 90_000))
            quality = draw(st.sampled_from([0, 0, 0, 1, 2]))
            for point, index in draw(st.sets(st.sampled_from(_POINTS), min_size=1)):
                value = draw(_VALUES)
                readings.append(
                    Reading(
                        device=f"{spool[-8:]}/{device}", point=point, index=index, at=at, value=value, quality=quality
                    )
                )
        rows.append(
            Batch(spool=spool, row=row, site=spool[-8:], boot="b", at=at, readings=readings, gaps=[], events=[])
        )
    return rows


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaServer]:
    with VictoriaServer(tmp_path_factory.mktemp("victoria")).up() as server:
        yield server


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with InfluxServer(tmp_path_factory.mktemp("influx")).up() as server:
        yield server


def test_every_store_gives_back_the_same_points_and_values(
    tmp_path: Path, victoria: VictoriaServer, influx: InfluxServer
) -> None:
    embedded = Embedded(tmp_path)
    stores: dict[str, History] = {
        "embedded": embedded,
        "influxdb": open_history(influx.url, tmp_path),
        "victoriametrics": open_history(victoria.url, tmp_path),
    }
    written: list[list[Batch]] = []

    @settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(_batches(), st.booleans())
    def write(batches: list[Batch], sealed: bool) -> None:
        for store in stores.values():
            store.write(batches)
            store.write(batches[:1])  # a repeat changes nothing
        if sealed:
            seal(embedded, batches[-1].at)
        written.append(batches)

    write()
    victoria.show_now()
    for batches in written:
        _compare(stores, batches)
    reopened = {
        "influxdb": open_history(influx.url, tmp_path),
        "victoriametrics": open_history(victoria.url, tmp_path),
        "embedded": Embedded(tmp_path / "."),
    }
    for name, store in reopened.items():
        said = sorted(stores[name].latest(), key=lambda r: (r.device, r.point, r.index or ""))
        assert sorted(store.latest(), key=lambda r: (r.device, r.point, r.index or "")) == said, name
        store.close()
    for store in stores.values():
        store.close()


def _compare(stores: dict[str, History], batches: list[Batch]) -> None:
    expected: dict[Series, list[tuple[int, float, int]]] = {}
    for one in batches:
        for r in one.readings:
            expected.setdefault((r.device, r.point, r.index), []).append((r.at, r.value, r.quality))
    start, end = NOW, batches[-1].at + 1
    middle = (start + end) // 2
    for series, rows in expected.items():
        buckets = stores["embedded"].rollup(series, start + 7, end, 60_000)
        for name, store in stores.items():
            found = store.range(series, start, end)
            assert list(zip(found.at, found.value, found.quality, strict=True)) == rows, (name, series)
            half = store.range(series, start, middle)
            assert half.at == [at for at, _, _ in rows if at < middle], name
            rolled = store.rollup(series, start + 7, end, 60_000)
            assert [(b.at, b.count, b.low, b.high) for b in rolled] == [
                (b.at, b.count, b.low, b.high) for b in buckets
            ], name
            assert [b.mean for b in rolled] == pytest.approx([b.mean for b in buckets]), name
            assert series in store.series(series[0]), name


def test_a_server_that_is_down_refuses_and_takes_all_when_it_is_back(tmp_path: Path) -> None:
    server = InfluxServer(tmp_path / "server")
    store = open_history(server.url, tmp_path)
    rows = [
        Batch(
            spool="s" * 32, row=row, site="s", boot="b", at=NOW, gaps=[], events=[],
            readings=[Reading(device="s/u", point="ups.load", index=None, at=NOW + row, value=float(row))],
        )
        for row in range(3)
    ]  # fmt: skip
    with pytest.raises(HistoryError, match=r"127\.0\.0\.1"):
        store.write(rows[:1])
    with server.up():
        store.write(rows[:2])
    with pytest.raises(HistoryError):
        store.write(rows[2:])
    with server.up():
        store.write(rows[2:])
        assert store.range(("s/u", "ups.load", None), NOW, NOW + 9).value == [0.0, 1.0, 2.0]
    store.close()


def test_user_and_password_come_from_the_environment_never_from_the_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFLUX_SECRET", "s3cret!")
    server = InfluxServer(tmp_path / "server", "ups", "s3cret!")
    with server.up():
        store = open_history(server.url + "&user=ups&password=env:INFLUX_SECRET", tmp_path)
        one = Batch(
            spool="s" * 32, row=1, site="s", boot="b", at=NOW, gaps=[], events=[],
            readings=[Reading(device="s/u", point="ups.load", index=None, at=NOW, value=4.0)],
        )  # fmt: skip
        store.write([one])
        assert store.latest("s/u") == one.readings
        store.close()
        stranger = open_history(server.url, tmp_path)
        with pytest.raises(HistoryError, match="401"):
            stranger.write([one])
        stranger.close()
    with pytest.raises(HistoryError, match="no secret"):
        open_history("influxdb+http://ups:s3cret@127.0.0.1:1?db=x", tmp_path)
    with pytest.raises(HistoryError, match="literal"):
        open_history("influxdb+http://127.0.0.1:1?db=x&user=u&password=s3cret", tmp_path)


def values(centre: Running, now: int) -> list[float]:
    return centre.history.range((f"{SITE}/ups-1", "ups.load", None), now - 10_000, now).value


async def fed(centre: Running) -> None:
    """Until the server has everything that was kept."""
    forwarder = centre.forwarder
    assert forwarder
    for _ in range(400):
        if not forwarder.behind() and "history" not in centre.upkeep_problems:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{forwarder.behind()} batches still wait: {centre.upkeep_problems}")


async def degraded(client: httpx.AsyncClient) -> list[str]:
    """The problems that /healthz names, as soon as it names one."""
    for _ in range(400):
        health = (await client.get("/healthz")).json()
        if health["status"] == "degraded":
            return list(health["problems"])
        await asyncio.sleep(0.05)
    pytest.fail("nobody noticed that the server is down")


async def test_a_stopped_server_delays_no_agent_and_loses_nothing(tmp_path: Path) -> None:
    server = InfluxServer(tmp_path / "server")
    async with centre_at(tmp_path / "centre", history=server.url) as (centre, client):
        now = centre.now()
        rows = [batch(n, [reading("ups.load", float(n), now - 9000 + n)], at=now) for n in range(9)]
        with server.up():
            assert [(await post(client, row)).status_code for row in rows[:3]] == [200] * 3
            await fed(centre)
        assert [(await post(client, row)).status_code for row in rows[3:6]] == [200] * 3
        assert "3 batches wait" in (await degraded(client))[0]
        with server.up():
            assert [(await post(client, row)).status_code for row in rows[6:]] == [200] * 3
            await fed(centre)
            assert (await client.get("/healthz")).json()["status"] == "ok"
            assert values(centre, now) == [float(n) for n in range(9)]


async def test_what_waits_for_a_server_survives_the_end_of_the_centre(tmp_path: Path) -> None:
    server = InfluxServer(tmp_path / "server")
    async with centre_at(tmp_path / "centre", history=server.url) as (centre, client):
        now = centre.now()
        rows = [batch(n, [reading("ups.load", float(n), now - 9000 + n)], at=now) for n in range(4)]
        assert [(await post(client, row)).status_code for row in rows] == [200] * 4
    with server.up():
        async with centre_at(tmp_path / "centre", history=server.url) as (centre, client):
            await fed(centre)
            assert values(centre, now) == [0.0, 1.0, 2.0, 3.0]


async def test_what_a_killed_server_had_only_in_memory_is_written_again(tmp_path: Path) -> None:
    server = VictoriaServer(tmp_path / "server")
    async with centre_at(tmp_path / "centre", history=server.url) as (centre, client):
        now = centre.now()
        rows = [batch(n, [reading("ups.load", float(n), now - 9000 + n)], at=now) for n in range(9)]
        with server.up():
            assert [(await post(client, row)).status_code for row in rows[:4]] == [200] * 4
            await fed(centre)
            server.child.kill()
            server.child.wait()
        assert (await post(client, rows[4])).status_code == 200
        await degraded(client)
        with server.up():
            assert [(await post(client, row)).status_code for row in rows[5:]] == [200] * 4
            await fed(centre)
            server.show_now()
            assert values(centre, now) == [float(n) for n in range(9)]

"""Discharges and forecasts are kept for good: once, with their last word, over kills, replays and repeats."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from analytics.forecast import Forecast, Quantity, came
from analytics.records import Records, note, remember
from collector import enrol, inventory
from collector.config import CollectorConfig
from collector.running import Running, open_centre
from collector.store import records, tables, writing
from collector.writer import Post
from model.batch import Batch, decode, encode
from model.inventory import Device, Inventory
from model.text import Text
from model.timescale import REAL
from tests import databases
from tests.collector.centres import KEY, SITE, T0, batch, reading

UPS = f"{SITE}/ups-1"
INVENTORY = Inventory(revision=1, devices={UPS: Device(id=UPS, name=Text("UPS", "UPS"), kind="ups")})


def said(made: int = T0) -> Forecast:
    return Forecast(
        device=UPS, kind="battery_verdict", quantity=Quantity.RUNTIME, made=made, start=made, p10=made + 1000, p50=made + 2000, p90=made + 3000, version="1",
    )  # fmt: skip


def two_outages() -> list[Batch]:
    dark = {*range(30, 90), *range(150, 200)}
    found = []
    for n in range(240):
        at = T0 + n * 10_000
        low = 100.0 - (n - 29 if n < 90 else n - 149) * 0.5
        values = {
            "ups.source": 5.0 if n in dark else 3.0,
            "ups.load": 40.0,
            "battery.charge": low if n in dark else 100.0,
            "battery.voltage": 200.0 if n in dark else 218.0,
        }
        found.append(batch(n, [reading(point, value, at) for point, value in values.items()], at=at))
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "var").mkdir()
    return tmp_path / "var"


def opened(data: Path) -> tuple[Running, str]:
    centre = open_centre(CollectorConfig(data=data, database=databases.in_file(data / "centre.sqlite")), REAL)
    with centre.engine.connect() as conn:
        agent = conn.scalar(sa.select(tables.agents.c.id))
    if agent is None:
        with writing(centre.engine) as conn:
            agent = enrol.register(conn, SITE, KEY, T0)
            inventory.put(conn, INVENTORY, "test", T0)
    return centre, agent


def closed(centre: Running) -> None:
    centre.history.close()
    centre.engine.dispose()
    os.close(centre._lock)
    if centre.claim:
        centre.claim.release()


def kept(centre: Running) -> list[records.DischargeRow]:
    with centre.engine.connect() as conn:
        return list(records.discharges(conn))


def give(centre: Running, agent: str, batches: list[Batch]) -> None:
    posts = [
        Post(agent=agent, site=SITE, batch=decode(encode(b)), body=encode(b), received_at=b.at + 500) for b in batches
    ]
    assert all(answer.kept for answer in centre.writer.take(posts))


def test_each_discharge_is_kept_once_whatever_breaks(data: Path) -> None:
    story = two_outages()
    centre, agent = opened(data)
    give(centre, agent, story[:60])
    closed(centre)  # in the middle of the first, without a snapshot: all is replayed
    centre, agent = opened(data)
    give(centre, agent, story[50:120])  # some again
    assert [row.record.start for row in kept(centre)] == [T0 + 300_000]
    centre.writer.snapshot(T0 + 1_200_000, 0, 0, 0)
    give(centre, agent, story[120:])
    starts = [T0 + 300_000, T0 + 1_500_000]
    assert [row.record.start for row in kept(centre)] == starts
    closed(centre)
    centre, agent = opened(data)
    centre.writer.recover()
    give(centre, agent, story[230:])
    assert [row.record.start for row in kept(centre)] == starts
    assert kept(centre)[0].device == UPS
    closed(centre)


def test_a_transaction_that_fails_keeps_nothing_and_the_next_keeps_all(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre, agent = opened(data)
    story = two_outages()
    give(centre, agent, story[:89])
    with monkeypatch.context() as broken:
        broken.setattr(centre.writer, "_put_board", _fails)
        body = encode(story[90])
        post = Post(agent=agent, site=SITE, batch=decode(body), body=body, received_at=story[90].at)
        assert not centre.writer.take([post])[0].kept
    assert kept(centre) == []
    give(centre, agent, story[89:95])
    assert [row.record.start for row in kept(centre)] == [T0 + 300_000]
    closed(centre)


def _fails(*_: object) -> bytes:
    raise sa.exc.OperationalError("no", None, Exception("disk full"))


def test_what_detectors_remembered_before_there_were_tables_is_kept(data: Path) -> None:
    centre, agent = opened(data)
    story = two_outages()
    give(centre, agent, story[:200])
    centre.writer.snapshot(T0 + 2_000_000, 2**60, 0, 0)
    with writing(centre.engine) as conn:
        conn.execute(tables.discharges.delete())
        conn.execute(tables.forecasts.delete())
    closed(centre)
    centre, agent = opened(data)
    give(centre, agent, story[200:202])
    assert [row.record.start for row in kept(centre)][:1] == [T0 + 300_000]
    closed(centre)


def test_only_what_a_step_changed_is_news() -> None:
    log = [{"start": 1}, {"start": 2}]
    before: dict[str, dict[str, Any]] = {"a": {"log": log, "battery": "x"}, "b": {"forecasts": [{"id": 1}]}}
    after: dict[str, dict[str, Any]] = {
        "a": {"log": [*log, {"start": 3}], "battery": "x"},
        "b": {"forecasts": before["b"]["forecasts"], "n": 2},
    }
    found = Records()
    note(found, UPS, before, after)
    assert [one.body for one in found.discharges] == [{"start": 3}]
    assert found.forecasts == []
    note(found, UPS, after, {**after, "b": {"forecasts": [{"id": 1, "real": 5}]}})
    assert found.forecasts == [{"id": 1, "real": 5}]
    remember(everything := Records(), {UPS: after})
    assert len(everything.discharges) == 3


def test_an_answer_takes_the_place_of_the_open_forecast(data: Path) -> None:
    centre, _ = opened(data)
    with writing(centre.engine) as conn:
        records.put_forecasts(conn, [said(), said(T0 + 1)])
        records.put_forecasts(conn, [came(said(), T0 + 2500, T0 + 2600)])
        records.put_forecasts(conn, [came(said(), T0 + 2500, T0 + 2600)])
        found = records.forecasts(conn, site=SITE)
        assert [one.real for one in found] == [None, T0 + 2500]
        assert records.forecasts(conn, site="sz") == []
        assert records.forecasts(conn, device=UPS, quantity="dark") == []
    closed(centre)


def test_the_most_endangered_battery_comes_first(data: Path) -> None:
    centre, _ = opened(data)
    one = records.Prognosis(device="a/b", made=T0, health=0.9, health_sd=0.05, p_below=0.1, days_p10=1, days_p50=2, days_p90=3, model="core")  # fmt: skip
    worse = records.Prognosis(device="a/c", made=T0, health=0.7, health_sd=0.05, p_below=0.9, days_p10=1, days_p50=2, days_p90=3, model="core")  # fmt: skip
    with writing(centre.engine) as conn:
        records.put_prognoses(conn, [one, worse])
        records.put_prognoses(conn, [one])
        assert records.prognoses(conn) == [worse, one]
        assert records.prognoses(conn, "a/b") == [one]
    closed(centre)

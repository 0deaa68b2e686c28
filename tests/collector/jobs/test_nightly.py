"""The night's work on a real centre: the memory of the fleet and every battery's outlook, once a day, whatever is broken."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from analytics.battery import belief
from analytics.cohort import Cohorts, Spread
from collector.jobs import learning, memory, nightly
from collector.running import Running
from collector.store import models, records, tables
from collector.writer import Writer
from model.inventory import Device, Inventory
from model.text import Text
from tests.collector.centres import T0, centre_at

DAY = 86_400_000
UPS = "sz/ups-1"


def remembers(writer: Writer) -> None:
    """As if detectors had watched a battery."""
    state = writer.recover()
    known = msgspec.to_builtins(belief.prior(0.78, 2e-4, T0, 0.05))
    state.watch.states[UPS] = {"battery_verdict": {"belief": known}}
    state.watch.states["sz/ups-2"] = {"battery_verdict": {"belief": {**known, "hh": float("nan")}}}


async def night(centre: Running) -> nightly.Reckoned:
    await centre.write(remembers, centre.writer)
    return await nightly.night(centre)


def kept(centre: Running) -> list[records.Prognosis]:
    with centre.engine.connect() as conn:
        return records.prognoses(conn)


async def test_each_battery_gets_its_outlook_and_nonsense_none(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, _):
        found = await night(centre)
        assert found.problems == []
        [one] = kept(centre)
        assert (one.device, one.model) == (UPS, "core")
        assert one.days_p10 <= one.days_p50 <= one.days_p90
        assert one.p_below > 0.5
        await night(centre)
        assert len(kept(centre)) == 1


async def test_a_damaged_model_leaves_the_core_alone_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with centre_at(tmp_path) as (centre, _):
        row = await centre.transact(
            lambda conn: models.put_model(conn, "capacity/x", learning.packed({}), T0, (0, 1), 1)
        )
        await centre.transact(lambda conn: conn.execute(tables.models.update().values(body=b"x")))
        found = await night(centre)
        assert row.id in found.problems[0]
        assert len(kept(centre)) == 1
    assert row.id in capsys.readouterr().out


async def test_the_memory_of_the_fleet_is_there_after_a_restart_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    spread = Spread(devices=9, customers=3, median=1.0, spread=0.1, low=0.5, high=2.0)
    cohorts = Cohorts(made=T0, models={"M": {"restarts_a_month": spread}})
    async with centre_at(tmp_path) as (centre, _):
        await centre.transact(lambda conn: memory.keep(conn, cohorts))
        await centre.write(centre.writer.remember_fleet, cohorts)
        assert centre.writer.world.cohorts == cohorts
    async with centre_at(tmp_path) as (centre, _):
        assert centre.writer.world.cohorts == cohorts
        world = centre.writer.world.with_inventory(
            Inventory(devices={UPS: Device(id=UPS, name=Text("U", "U"), model="M")})
        )
        cohort = world.context(UPS).cohort
        assert cohort is not None
        assert cohort.model["restarts_a_month"] == spread
        await centre.transact(lambda conn: conn.execute(tables.models.update().values(body=b"\x00")))
    async with centre_at(tmp_path) as (centre, _):
        assert centre.writer.world.cohorts is None


async def test_the_night_comes_once_a_day(tmp_path: Path) -> None:
    three = T0 - T0 % DAY + nightly.AT_MS
    assert [nightly.due(last, three) for last in (None, three - DAY, three - 1, three)] == [False, True, True, False]
    assert not nightly.due(three, three + DAY - 1)
    async with centre_at(tmp_path) as (centre, _):
        assert await nightly.turn(centre) is None
        with centre.engine.connect() as conn:
            assert memory.made(conn) is not None
        assert await nightly.turn(centre) is None
        await centre.transact(lambda conn: conn.execute(sa.update(tables.models).values(made=centre.now() - 2 * DAY)))
        assert await nightly.turn(centre) is not None
        assert await nightly.turn(centre) is None

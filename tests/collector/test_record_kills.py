"""kill -9 before every write and commit of what is kept for good: discharges, forecasts, prognoses, the fleet's memory, models.

Whatever the instant (of the discharge's story each third one, for the sake of the suite's time): after a restart, in which agents send again and the night comes again, all is there as if nothing had happened, once.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from analytics.battery import belief
from analytics.cohort import Cohorts
from collector import enrol, inventory
from collector.config import CollectorConfig
from collector.jobs import memory, nightly
from collector.running import Running, open_centre
from collector.store import models, open_engine, records, tables, writing
from collector.writer import Post
from model.batch import Batch, decode, encode
from model.inventory import Battery, Device, Inventory
from model.text import Text
from model.timescale import REAL
from tests.collector.centres import KEY, SITE, T0, batch, reading
from tests.kills import killed_at

UPS = f"{SITE}/ups-1"
DEVICE = Device(
    id=UPS,
    name=Text("UPS", "UPS"),
    rated_va=3000,
    battery=Battery(blocks=2, block_ah=9, installed="2024-01-01", runtime_s=1500, runtime_load=40),
)
DAY = 86_400_000
NIGHT = T0 - T0 % DAY + DAY + nightly.AT_MS
Story = Callable[[Running], object]


def opened(data: Path) -> Running:
    return open_centre(CollectorConfig(data=data), REAL)


def closed(centre: Running) -> None:
    centre._thread.shutdown()
    centre._memory.close()
    centre.history.close()
    centre.engine.dispose()
    os.close(centre._lock)


def survives(folder: Path, begun: Path, story: Story, found: Callable[[sa.Connection], object], step: int = 1) -> None:
    """Play `story` on copies of `begun`, killed at each instant and begun again; all end as the one that nobody killed."""
    expected = _ends(_copy(begun, folder / "clean"), story, found)
    point = 1
    while True:
        data = _copy(begun, folder / "killed")
        centres: list[Running] = []

        def make(data: Path = data, centres: list[Running] = centres) -> sa.Engine:
            centres.append(opened(data))
            return centres[-1].engine

        if not killed_at(point, make, lambda _, centres=centres: story(centres[-1])):
            break
        assert _ends(data, story, found) == expected, f"killed at instant {point}"
        point += step
    assert point > 5 * step, "few instants prove little"


def _copy(begun: Path, data: Path) -> Path:
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(begun, data)
    return data


def _ends(data: Path, story: Story, found: Callable[[sa.Connection], object]) -> object:
    centre = opened(data)
    story(centre)
    with centre.engine.connect() as conn:
        what = found(conn)
    closed(centre)
    return what


# -- the record of a discharge -------------------------------------------------------------------------


@cache
def outage() -> list[Batch]:
    """Five minutes on the battery, a minute a batch, and the recharge after it."""
    found = []
    for minute in range(30):
        readings = []
        for n in range(6):
            at = T0 + minute * 60_000 + n * 10_000
            gone = max(minute * 60 + n * 10 - 600, 0)
            dark = 600 <= minute * 60 + n * 10 < 900
            charge = 100.0 - gone / 12 if dark else 100.0 if minute < 10 or minute >= 28 else 75.0 + (minute - 15) * 2
            said = {"ups.source": 5.0 if dark else 3.0, "ups.load": 40.0, "battery.charge": min(charge, 100.0)}
            said["battery.voltage"] = 24.5 - gone / 400 if dark else 27.2
            said["battery.runtime"] = 1500.0
            readings += [reading(point, round(value, 2), at) for point, value in said.items()]
        found.append(batch(minute, readings, at=T0 + minute * 60_000 + 55_000))
    return found


def give(centre: Running, some: list[Batch]) -> None:
    with centre.engine.connect() as conn:
        agent = conn.scalar(sa.select(tables.agents.c.id))
    for one in some:
        body = encode(one)
        post = Post(agent=str(agent), site=SITE, batch=decode(body), body=body, received_at=one.at + 500)
        assert centre.writer.take([post])[0].kept


def the_record(conn: sa.Connection) -> dict[str, Any]:
    return {
        "discharges": list(records.discharges(conn)),
        "forecasts": records.forecasts(conn),
        "rows": [conn.scalar(sa.select(sa.func.count()).select_from(t)) for t in (tables.discharges, tables.forecasts)],
        "delivered": conn.scalar(sa.select(sa.func.count()).select_from(tables.deliveries)),
    }


@pytest.fixture
def before_the_end(tmp_path: Path) -> Path:
    """A centre as it stood in the middle of the outage, a snapshot taken before it."""
    centre = opened(tmp_path / "begun")
    with writing(centre.engine) as conn:
        enrol.register(conn, SITE, KEY, T0)
        inventory.put(conn, Inventory(revision=1, devices={UPS: DEVICE}), "test", T0)
    give(centre, outage()[:12])
    centre.writer.snapshot(T0 + 720_000, 0, 0, 0)
    give(centre, outage()[12:15])
    closed(centre)
    return tmp_path / "begun"


def test_a_discharge_its_recharge_and_its_forecasts_are_kept_once_whenever_the_kill_comes(
    tmp_path: Path, before_the_end: Path
) -> None:
    def story(centre: Running) -> None:
        """What agents do: send again whatever was not answered, and more than that."""
        give(centre, outage()[14:16])
        centre.writer.snapshot(T0 + 960_000, 0, 0, 0)
        give(centre, [outage()[23]])

    engine = open_engine(before_the_end / "centre.sqlite")
    with engine.connect() as conn:
        assert the_record(conn)["rows"][0] == 0
    engine.dispose()
    _shows_what_is_asked(_copy(before_the_end, tmp_path / "looked"), story)
    survives(tmp_path, before_the_end, story, the_record, step=3)


def _shows_what_is_asked(data: Path, story: Story) -> None:
    """The story itself: one discharge with its recharge, and a forecast of it that was answered or taken back."""
    found = _ends(data, story, the_record)
    assert isinstance(found, dict)
    [one] = found["discharges"]
    assert one.record.start == T0 + 600_000
    assert one.record.recharge_s is not None
    assert {str(each.outcome) for each in found["forecasts"]} - {"open"}


# -- the night -----------------------------------------------------------------------------------------


def test_a_night_that_is_killed_is_made_up_for_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "_ROWS_A_TRANSACTION", 2)
    centre = opened(tmp_path / "begun")
    with writing(centre.engine) as conn:
        memory.keep(conn, Cohorts(made=NIGHT - DAY))
        enrol.register(conn, SITE, KEY, T0)
    closed(centre)

    def story(centre: Running) -> None:
        """Start, remember three batteries, and do what is due."""
        centre._clock.now = lambda: NIGHT + 1000  # type: ignore[method-assign]  # the same night after the restart
        state = centre.writer.recover()
        for n in range(3):
            known = msgspec.to_builtins(belief.prior(0.7 + 0.04 * n, 2e-4, NIGHT, 0.05))
            state.watch.states[f"{SITE}/ups-{n}"] = {"battery_verdict": {"belief": known}}
        asyncio.run(_turn(centre))

    def found(conn: sa.Connection) -> object:
        count = conn.scalar(sa.select(sa.func.count()).select_from(tables.prognoses))
        made = [(row.name, row.version, row.made, models.body_of(conn, row)) for row in models.listed(conn)]
        return records.prognoses(conn), count, made

    prognoses, count, made = _ends(_copy(tmp_path / "begun", tmp_path / "looked"), story, found)  # type: ignore[misc]
    assert len(prognoses) == count == 3
    assert [(name, version) for name, version, *_ in made] == [(memory.COHORT, 2)]
    survives(tmp_path, tmp_path / "begun", story, found)


async def _turn(centre: Running) -> None:
    await nightly.turn(centre)


# -- models --------------------------------------------------------------------------------------------


def test_a_training_that_is_killed_leaves_the_versions_before_it_whole(tmp_path: Path) -> None:
    centre = opened(tmp_path / "begun")
    with writing(centre.engine) as conn:
        for version in range(models.MOST_VERSIONS):
            models.put_model(conn, "capacity/x", bytes([version]) * 1000, T0 + version, (0, 1), 1)
    closed(centre)

    def story(centre: Running) -> None:
        """Two models in one transaction, as `analyze train` writes them, unless they are there."""
        with writing(centre.engine) as conn:
            if models.listed(conn, "capacity/x")[0].version == models.MOST_VERSIONS:
                models.put_model(conn, "capacity/x", b"new" * 1000, T0 + 99, (0, 2), 2)
                models.put_model(conn, "normal/x", b"other" * 1000, T0 + 99, (0, 2), 2)

    def found(conn: sa.Connection) -> object:
        kept = [tuple(row) for row in conn.execute(sa.select(tables.models.c.name, tables.models.c.version))]
        return sorted(kept), [(row.id, models.body_of(conn, row)) for row in models.listed(conn)]

    survives(tmp_path, tmp_path / "begun", story, found)

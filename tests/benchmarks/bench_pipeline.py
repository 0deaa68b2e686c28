"""Readings per CPU-second through the centre: intake, detectors, alerts, desk, embedded history.

    .venv/bin/python tests/benchmarks/bench_pipeline.py [--devices 42] [--minutes 20]

A day in the life of a fleet: UPS polled each 10 s with forty points, one batch a site. Each stage is timed
alone and then all of it through the real writer (one transaction, fsync). Beside it, in the same run, what
a naive store costs: one SQLite row a value, and influxdb-client's `Point` encoding.
"""

from __future__ import annotations

import argparse
import math
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import holidays.countries  # noqa: F401 - loaded once in a centre's life: not part of what a reading costs
from influxdb_client import Point, WritePrecision

from collector import enrol, pipeline
from collector.config import CollectorConfig
from collector.history.embedded import Embedded
from collector.history.lines import LineEncoder
from collector.history.places import PLACES
from collector.inventory import put
from collector.pipeline import World
from collector.running import open_centre
from collector.store import writing
from collector.writer import Post
from model.batch import Batch, decode, encode
from model.inventory import Battery, Customer, Device, Inventory, Site
from model.points import POINTS, Kind
from model.reading import Reading
from model.text import Text
from model.timescale import REAL

START = 1_790_000_000_000
STEP_MS = 10_000
_FLAGS = [p.id for p in POINTS.values() if p.kind == Kind.FLAG and p.id.startswith("alarm.")][:20]
_ANALOG = {
    "input.voltage": ("1", 231.0, 2.0),
    "input.frequency": ("1", 50.0, 0.05),
    "output.voltage": ("1", 230.0, 0.3),
    "output.frequency": (None, 50.0, 0.02),
    "output.current": ("1", 14.0, 1.0),
    "output.realpower": ("1", 3100.0, 200.0),
    "output.power": ("1", 3400.0, 200.0),
    "ups.load": ("1", 34.0, 2.0),
    "ups.temperature": (None, 31.0, 1.0),
    "battery.voltage": (None, 218.0, 0.4),
    "battery.current": (None, 0.1, 0.05),
    "battery.charge": (None, 100.0, 0.0),
    "battery.runtime": (None, 2400.0, 60.0),
    "battery.temperature": (None, 25.0, 0.5),
    "input.bypass.voltage": ("1", 231.0, 2.0),
    "input.bypass.frequency": (None, 50.0, 0.05),
    "device.round_trip": (None, 0.6, 0.1),
}
_STATES = {"ups.source": 3.0, "battery.status": 2.0, "battery.charger.status": 2.0}


def fleet(devices: int, minutes: float) -> Iterator[Batch]:
    """Batches in the order in which they come; every tenth device goes on battery for a while."""
    sites = max(1, devices // 7)
    for row in range(round(minutes * 60_000 / STEP_MS)):
        at = START + row * STEP_MS
        for site in range(sites):
            mine = range(site, devices, sites)
            readings = [r for n in mine for r in _poll(f"site-{site}/ups-{n}", n, row, at)]
            yield Batch(
                spool=f"{site:032x}",
                row=row,
                site=f"site-{site}",
                boot="b" * 32,
                at=at,
                readings=readings,
                gaps=[],
                events=[],
            )


def _poll(device: str, n: int, row: int, at: int) -> Iterator[Reading]:
    outage = n % 10 == 0 and 30 <= row % 90 < 60
    for k, (point, (index, middle, swing)) in enumerate(_ANALOG.items()):
        value = round(middle + swing * math.sin(row * 0.7 + k + n), 2)
        if outage and point == "input.voltage":
            value = 0.0
        if point == "battery.charge":
            value = 100.0 - (row % 90 - 30) * 0.5 if outage else 100.0
        yield Reading(device=device, point=point, index=index, at=at + k // 8 * 40, value=value)
    for point, state in _STATES.items():
        yield Reading(
            device=device, point=point, index=None, at=at, value=5.0 if outage and point == "ups.source" else state
        )
    for point in _FLAGS:
        yield Reading(
            device=device, point=point, index=None, at=at, value=float(outage and point == "alarm.on_battery")
        )


def inventory(devices: int) -> Inventory:
    """Everything listed, with batteries, so that no detector has an easy life."""
    sites = max(1, devices // 7)
    ids = [f"site-{n % sites}/ups-{n}" for n in range(devices)]
    return Inventory(
        revision=1,
        customers={"c": Customer(id="c", name=Text("c", "c"))},
        sites={f"site-{n}": Site(id=f"site-{n}", customer="c", name=Text("s", "s")) for n in range(sites)},
        devices={
            id: Device(
                id=id, name=Text(id, id), rated_va=10_000, fed_by="mains", battery=Battery(blocks=16, block_ah=38)
            )
            for id in ids
        },
    )


def spent(work: Callable[[], object]) -> float:
    """CPU seconds, user and system."""
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=42)
    parser.add_argument("--minutes", type=float, default=20)
    wishes = parser.parse_args()
    batches = list(fleet(wishes.devices, wishes.minutes))
    readings = sum(len(batch.readings) for batch in batches)
    world = World(inventory(wishes.devices))
    print(f"{readings:,} readings in {len(batches):,} batches of {wishes.devices} devices\n")
    print(f"{'stage':<58}{'readings per CPU-s':>20}")
    with tempfile.TemporaryDirectory() as folder:
        for name, share, work in stages(batches, world, Path(folder)):
            print(f"{name:<58}{readings * share / spent(work):>20,.0f}", flush=True)
    return 0


def stages(batches: list[Batch], world: World, folder: Path) -> Iterator[tuple[str, float, Callable[[], object]]]:
    """Each stage alone, all together, and the peers: name, share of the readings, work."""
    packed = [encode(batch) for batch in batches]
    yield "decode (zlib, msgpack)", 1.0, lambda: [decode(body) for body in packed]
    yield "intake", 1.0, lambda: [pipeline.take_in({}, b, b.site, 0, b.at) for b in batches]
    yield "intake + detectors + alerts", 1.0, lambda: judge(batches, world)
    history = Embedded(folder / "alone")
    yield "embedded history, fsync each batch", 1.0, lambda: [history.write([b]) for b in batches]
    encoder = LineEncoder()
    yield "line protocol, our templates", 1.0, lambda: [encoder.encode(b.readings) for b in batches]
    yield "ALL: decode, intake, detectors, alerts, desk, history", 1.0, whole(packed, batches, world, folder)
    yield "peer: SQLite, one row a value, commit each batch", 1.0, lambda: naive(batches, folder / "naive.sqlite")
    few = batches[: max(1, len(batches) // 20)]
    share = sum(len(b.readings) for b in few) / sum(len(b.readings) for b in batches)
    yield (
        "peer: influxdb-client Point, one a reading, encoding only",
        share,
        lambda: [point(r) for b in few for r in b.readings],
    )


def judge(batches: list[Batch], world: World) -> None:
    """The pure path, without a disk."""
    state = pipeline.fresh()
    for b in batches:
        admitted = pipeline.take_in(state.marks, b, b.site, 0, b.at)
        pipeline.on_batch(state, admitted, world, b.at)


def whole(packed: list[bytes], batches: list[Batch], world: World, folder: Path) -> Callable[[], object]:
    """The real writer on real files, a group of all sites at a time."""
    centre = open_centre(CollectorConfig(data=folder / "centre"), REAL)
    centre.writer.world = world
    sites = sorted({b.site for b in batches})
    with writing(centre.engine) as conn:
        agents = {site: enrol.register(conn, site, site, START) for site in sites}
        put(conn, world.inventory, "benchmark", START)

    def run() -> None:
        for n in range(0, len(packed), len(sites)):
            bodies = [(decode(body), body) for body in packed[n : n + len(sites)]]
            posts = [
                Post(agent=agents[b.site], site=b.site, batch=b, body=body, received_at=b.at + 500)
                for b, body in bodies
            ]
            answers = centre.writer.take(posts)
            if not all(answer.kept for answer in answers):
                raise RuntimeError(answers[0].why)
            centre.writer.events()

    return run


def naive(batches: list[Batch], path: Path) -> None:
    """What many write first: a row a value, an index to find it again."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE v (device TEXT, point TEXT, idx TEXT, at INTEGER, value REAL)")
    db.execute("CREATE INDEX i ON v (device, point, at)")
    for b in batches:
        db.executemany(
            "INSERT INTO v VALUES (?,?,?,?,?)", [(r.device, r.point, r.index, r.at, r.value) for r in b.readings]
        )
        db.commit()
    db.close()


def point(r: Reading) -> str:
    """One reading as influxdb-client's examples have it."""
    measurement, field = PLACES[r.point]
    made = Point(measurement).tag("device", r.device).tag("index", r.index).field(field, r.value)
    return str(made.time(r.at, WritePrecision.MS).to_line_protocol())


if __name__ == "__main__":
    raise SystemExit(main())

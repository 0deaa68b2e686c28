"""A small fleet with whole discharges in a real centre's files, for the tests of nightly work."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from analytics.battery.recorder import Discharge, End
from analytics.records import Kept, Records
from collector import inventory
from collector.history.embedded import Embedded
from collector.store import open_engine, records, writing
from model.inventory import Battery, Customer, Device, Inventory, Site
from model.reading import Reading
from model.text import Text
from tests.collector.centres import T0, batch

HOUR, DAY = 3_600_000, 86_400_000
MODEL = "Model 9"
DEVICES = [f"s{n % 2}/ups-{n}" for n in range(8)]
INVENTORY = Inventory(
    revision=1,
    customers={c: Customer(id=c, name=Text(c, c)) for c in ("c0", "c1")},
    sites={f"s{n}": Site(id=f"s{n}", customer=f"c{n}", name=Text("s", "s")) for n in (0, 1)},
    devices={
        id: Device(
            id=id, name=Text(id, id), kind="ups", model=MODEL, rated_va=3000, battery=Battery(blocks=2, block_ah=9)
        )
        for id in DEVICES
    },
)


def discharge(start: int, soh: float, *, depth: float = 1.0) -> tuple[Discharge, list[tuple[int, float]]]:
    """A discharge at about 1 h's rate of two blocks of 9 Ah, and its volts each 20 s."""
    full_s = 2400.0 * soh
    seconds = full_s * depth
    t = np.arange(0, seconds, 20.0)
    left = 1 - t / full_s
    volts = 24.0 * (1.02 - 0.05 * (1 - soh)) + 1.6 * left + 0.5 * np.log(left + 0.01)
    ah = 9.0 * 0.8 * soh * depth
    record = Discharge(
        start=start, end=start + round(seconds * 1000), test=False, reason=End.EMPTY if depth == 1.0 else End.MAINS, load=50, celsius=25,
        charge_start=100, charge_end=100 * (1 - depth), depth=depth, rest_v=27, trough_v=24, plateau_v=25, end_v=21, sag_v=1,
        amps=ah * 3600 / seconds, ah=ah, wh=ah * 24, estimate_s=2400, effort_s=seconds, load_first=50,
    )  # fmt: skip
    return record, [
        (start + round(s * 1000), round(float(v), 2)) for s, v in zip(t.tolist(), volts.tolist(), strict=True)
    ]


def made(folder: Path) -> Path:
    """A collector's file with a database and history: five full discharges of each device, one shallow, two weeks of hours."""
    (folder / "collector.toml").write_text('[collector]\ndata = "var/"\n', "utf-8")
    (folder / "var").mkdir()
    rng = np.random.default_rng(6)
    engine, store, found = (
        open_engine(folder / "var" / "centre.sqlite"),
        Embedded(folder / "var" / "history"),
        Records(),
    )
    for n, id in enumerate(DEVICES):
        readings: list[Reading] = []
        for k in range(6):
            start = T0 - 10 * DAY + k * DAY + n * HOUR
            record, curve = discharge(start, 0.75 + 0.04 * n + rng.normal(0, 0.01), depth=1.0 if k < 5 else 0.3)
            found.discharges.append(Kept(device=id, battery="b", body=msgspec.to_builtins(record)))
            readings += [Reading(device=id, point="battery.voltage", index=None, at=at, value=v) for at, v in curve]
        for hour in range(24 * 3):
            at = T0 - 3 * DAY + hour * HOUR + 60_000
            warm = 25 + 3 * np.sin(hour / 24 * 6.28) + rng.normal(0, 0.3)
            readings.append(Reading(device=id, point="ups.temperature", index=None, at=at, value=warm))
            readings.append(Reading(device=id, point="ups.load", index="1", at=at, value=30 + rng.normal(0, 1)))
        store.write([batch(n, readings, at=T0)])
    with writing(engine) as conn:
        inventory.put(conn, INVENTORY, "test", T0)
        records.put_records(conn, found)
    store.close()
    engine.dispose()
    return folder

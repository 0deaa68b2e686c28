"""The night over a whole fleet: 100,000 batteries, from the detectors' states to rows in the database.

    .venv/bin/python -m tests.benchmarks.bench_nightly [--batteries 100000] [--json]

To reach: under 10 CPU-minutes and 2 GB. Each stage with its CPU-seconds; memory is that of the whole process, the made-up states included, and beside
it what the states alone take. As a baseline a thousand batteries one by one through `analytics.battery.ageing`, scaled.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from analytics.battery import ageing, belief
from analytics.watch import Watch
from collector.jobs import memory, nightly
from collector.store import open_engine, records, writing
from model.inventory import Device, Inventory, Site
from model.text import Text

NOW = 1_790_000_000_000
_A_TURN, _A_TRANSACTION = 500, 2_000


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batteries", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    wishes = parser.parse_args()
    watch, inventory = _fleet(wishes.batteries)
    before = _memory_mb()
    rows: list[dict[str, Any]] = []

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        found = work()
        rows.append({"stage": stage, "cpu_s": round(time.process_time() - began, 2)})
        return found

    devices = sorted(watch.states)
    turns = [devices[n : n + _A_TURN] for n in range(0, len(devices), _A_TURN)]
    looked = timed("look at the states", lambda: [nightly.look(watch, inventory, {}, some) for some in turns])
    found = timed("cohorts and outlooks", lambda: nightly.reckon(looked, NOW))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "centre.sqlite")

        def keep() -> None:
            for n in range(0, len(found.prognoses), _A_TRANSACTION):
                with writing(engine) as conn:
                    records.put_prognoses(conn, found.prognoses[n : n + _A_TRANSACTION])
            with writing(engine) as conn:
                memory.keep(conn, found.cohorts)

        timed("write", keep)
        engine.dispose()
    whole = {"stage": "ALL", "batteries": len(found.prognoses), "cpu_s": round(sum(row["cpu_s"] for row in rows), 2), "memory_mb": _memory_mb(), "states_mb": before}  # fmt: skip
    rows.append(whole)
    some_beliefs = [one for each in looked for _, one in each.beliefs][:1000]
    alone = timed("one by one", lambda: [_alone(one) for one in some_beliefs])
    scale = wishes.batteries / max(len(alone), 1)
    rows[-1] |= {"stage": "baseline: outlooks one by one (scaled)", "cpu_s": round(rows[-1]["cpu_s"] * scale, 1)}
    for row in rows:
        print(json.dumps(row) if wishes.json else f"{row.pop('stage'):<44}{row.pop('cpu_s'):>10.2f} CPU-s  {row or ''}")
    return 0


def _alone(one: belief.Belief) -> tuple[float, ...]:
    today = belief.predict(one, NOW)
    return ageing.below(today, 60.0), *(ageing.remaining_days(today, chance) for chance in (0.1, 0.5, 0.9))


def _fleet(count: int) -> tuple[Watch, Inventory]:
    rng = np.random.default_rng(6)
    watch = Watch()
    devices: dict[str, Device] = {}
    sites = {f"s{n}": Site(id=f"s{n}", customer=f"c{n % 50}", name=Text("s", "s")) for n in range(1000)}
    wears = rng.uniform(0, 1.3, count)
    for n, wear in enumerate(wears.tolist()):
        id = f"s{n % 1000}/ups-{n}"
        health = ageing.expected_health(wear)
        known = belief.prior(health, ageing.expected_fade(wear, 1 / 1461), NOW - n % 90 * ageing.DAY_MS, 0.08)
        watch.states[id] = {"battery_verdict": {"belief": msgspec.to_builtins(known)}}
        devices[id] = Device(id=id, name=Text(id, id), model=f"M{n % 40}")
    return watch, Inventory(sites=sites, devices=devices)


def _memory_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    raise SystemExit(main())

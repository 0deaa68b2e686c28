"""How many times real time a back-test runs: 40 devices of 40 points at 10 s, from sealed history, on one core.

    .venv/bin/python -m tests.benchmarks.bench_backtest [--devices 40] [--hours 6] [--json]

To reach: 1,000 times real time, which is 160,000 readings per CPU-second. The history is a real one (written, sealed into Parquet, every tenth
device on battery for five minutes in fifteen). Beside it what the reading of columns alone costs, and the same through `Reading` objects.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from analytics.replay import replay
from collector.history import HistoryError, sealing
from collector.history.days import days, span
from collector.history.embedded import Embedded
from collector.pipeline import World
from model.reading import Reading
from roundsman.analysis_backtest import Piece, Run, replayed
from tests.benchmarks.bench_pipeline import fleet, inventory


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=40)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--json", action="store_true")
    wishes = parser.parse_args()
    world = World(inventory(wishes.devices))
    with tempfile.TemporaryDirectory() as folder:
        store = _history(Path(folder), wishes.devices, wishes.hours)
        for name, work in _ways(store, world):
            run, cpu_s = work()
            times = (run.end - run.start) / 1000 / cpu_s
            row = {"way": name, "readings": run.readings, "cpu_s": round(cpu_s, 2), "readings_per_cpu_s": round(run.readings / cpu_s), "times_real": round(times), "changes": len(run.changes)}  # fmt: skip
            if wishes.json:
                print(json.dumps(row), flush=True)
            else:
                print(f"{name:<48}{run.readings / cpu_s:>14,.0f} readings/CPU-s{times:>10,.0f} times real", flush=True)
    return 0


def _history(folder: Path, devices: int, hours: float) -> Embedded:
    store = Embedded(folder / "history")
    waiting = []
    for batch in fleet(devices, hours * 60):
        waiting.append(batch)
        if len(waiting) == 200:
            store.write(waiting)
            waiting = []
    store.write(waiting)
    sealing.seal(store, 2**60)
    return store


def _ways(store: Embedded, world: World) -> Iterator[tuple[str, Callable[[], tuple[Run, float]]]]:
    ids = sorted(world.inventory.devices)
    start, end = span(store, ids) or (0, 0)

    def pieces() -> Iterator[Piece]:
        for device in ids:
            for begin, day in days(store, device, start, end, _never):
                yield device, begin, day, []

    def read() -> tuple[Run, float]:
        run, began = Run(start=start, end=end), time.process_time()
        for _, _, day, _ in pieces():
            run.readings += sum(len(column.at) for series in day.values() for column in series.values())
        return run, time.process_time() - began

    def whole() -> tuple[Run, float]:
        began = time.process_time()
        run = replayed(pieces(), world.context, Run(start=start, end=end))
        return run, time.process_time() - began

    def by_reading() -> tuple[Run, float]:
        """The first device alone, each reading an object, in the batches of ten seconds in which they came."""
        run, began = Run(start=start, end=end), time.process_time()
        batches: dict[int, list[Reading]] = {}
        for point, indexes in next(pieces())[2].items():
            for index, column in indexes.items():
                for at, value in zip(column.at, column.value, strict=True):
                    one = Reading(device=ids[0], point=point, index=index, at=at, value=value)
                    batches.setdefault(at // 10_000, []).append(one)
        for _, changes in replay(((batch, []) for batch in batches.values()), world.context):
            run.changes += changes
        scale = len(ids) * _days(start, end)
        run.readings = sum(map(len, batches.values())) * scale
        return run, (time.process_time() - began) * scale

    yield "columns read, nothing judged", read
    yield "back-test: columns of a day through all detectors", whole
    yield "the same by batches of readings (one day, scaled)", by_reading


def _days(start: int, end: int) -> int:
    return (end - 1) // 86_400_000 - start // 86_400_000 + 1


def _never(error: HistoryError) -> None:
    raise error


if __name__ == "__main__":
    raise SystemExit(main())

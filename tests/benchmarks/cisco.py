"""Router telemetry of a leaf-spine fabric with cleared BGP sessions: events found, false alarms, delay, right node.

    .venv/bin/python -m tests.benchmarks.cisco --data DIR [--json]

DIR holds `nodes/NODE*.csv.gz` (second column: time) and `truth/*.txt` (Node,Host,Start,End,Event,Type). The first 60 rows of each
node are the good stretch; the control-plane counters of a node (all columns that are neither of an interface nor of a drop
counter) go through `analytics.core.burst` with the thresholds it ships with. Truth that overlaps is one event. A found event that
begins inside a true one (10 s of grace at its start) counts; the right node is one of those that were cleared.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from statistics import median

import numpy as np

from analytics.core.burst import CALL, events, jumps, largest_moves
from tests.benchmarks.anomaly_report import Row, main

_TRAIN = 60
_GRACE_S = 10


def node(path: Path) -> list[tuple[float, int]]:
    with gzip.open(path, "rt") as file:
        table = list(csv.reader(file))
    wanted = [i for i, name in enumerate(table[0]) if i > 1 and "Gig" not in name and not name.startswith("0/")]
    rows = np.array([[_number(line[i]) for i in wanted] for line in table[1:]])
    counts = jumps(largest_moves(rows[:_TRAIN]), rows[_TRAIN - 1], rows[_TRAIN:])
    return [(float(line[1]), int(count)) for line, count in zip(table[1 + _TRAIN :], counts, strict=True)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def truth(path: Path) -> list[tuple[float, float, set[str]]]:
    """Begin, end and cleared nodes of each true event."""
    merged: list[tuple[float, float, set[str]]] = []
    with path.open() as file:
        for row in sorted(csv.DictReader(file), key=lambda row: int(row["Start"])):
            begin, end = float(row["Start"]), float(row["End"])
            if merged and begin <= merged[-1][1]:
                last = merged.pop()
                merged.append((last[0], max(last[1], end), last[2] | {row["Node"]}))
            else:
                merged.append((begin, end, {row["Node"]}))
    return merged


def run(folder: Path) -> tuple[list[Row], Row]:
    rows: list[Row] = []
    delays: list[float] = []
    total = right = false = 0
    seconds = 0.0
    for path in sorted((folder / "truth").glob("*.txt")):
        files = sorted((folder / "nodes").glob(f"*{path.stem}.csv.gz"))
        seen = {file.name.removesuffix(f"{path.stem}.csv.gz"): node(file) for file in files}
        found = events(seen)
        seconds += max(items[-1][0] - items[0][0] for items in seen.values())
        true = truth(path)
        total += len(true)
        hits = set()
        for begin, end, cleared in true:
            hit = next((item for item in found if begin - _GRACE_S <= item.begin_s <= end), None)
            if hit is not None:
                hits.add(hit.begin_s)
                delays.append(max(0.0, hit.begin_s - begin))
                right += hit.origin in cleared
            named = None if hit is None else hit.origin
            delay = None if hit is None else hit.begin_s - begin
            rows.append({"file": path.stem, "cleared": sorted(cleared), "named": named, "delay_s": delay})
        false += sum(item.begin_s not in hits for item in found)
    return rows, {
        "events": total,
        "found": len(delays),
        "false_alarms": false,
        "false_alarms_per_day": round(false / (seconds / 86_400), 2),
        "median_delay_s": median(delays) if delays else None,
        "right_node_percent": round(100 * right / max(1, len(delays)), 1),
        "threshold": CALL,
    }


if __name__ == "__main__":
    main(__doc__, run)

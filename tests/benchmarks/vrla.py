"""Capacity of VRLA blocks from the beginning of one discharge: cross-validated error on the 240 blocks of PyBaMM's lead-acid model.

    python -m tests.benchmarks.vrla --data DIR [--json]        DIR holds blocks.csv and discharge_curves.csv.gz

Each curve is seen through a gauge polled each second: 20 mV of noise, then steps of 0.1 V (seed 1). Ten folds of blocks; what is fitted is
fitted to the other nine, whole curves without the gauge. Only current, temperature and the part seen go in. The part ends after 3 minutes,
or at a depth, and depth can be meant in two ways; both are shown:

    10 % rated   a tenth of the rated capacity was drawn (current / c_rate x 1 h): depth of discharge as a UPS can count it
    10 %         a tenth of what this block will give: nobody can cut there, and the length would be the answer, so it is no feature

Blocks that are empty before the end of a part have no beginning to be judged by: they are left out and counted (`over`).
`--hertz`: polls a second. `--own-samples`: the file's own 50 or so samples of a part instead. Error: mean |estimate / truth - 1|.
Beside it, as a baseline, the median capacity of such blocks at this current and temperature (nothing seen).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analytics.battery import cohort
from analytics.battery.cohort import Estimate, Floats

NOISE_V, STEP_V = 0.02, 0.1
FOLDS, SEED = 10, 1
#: Name: (what the number counts, number).
CUTS = {
    "3 min": ("s", 180.0),
    "10 % rated": ("rated", 0.10),
    "20 % rated": ("rated", 0.20),
    "10 %": ("own", 0.10),
    "20 %": ("own", 0.20),
}
TARGET = {"3 min": 9.0, "10 %": 4.0, "20 %": 2.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--own-samples", action="store_true")
    parser.add_argument("--hertz", type=float, default=1.0)
    asked = parser.parse_args()
    began = time.process_time()
    found = run(asked.data, None if asked.own_samples else asked.hertz)
    cpu_s = time.process_time() - began
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for cut, judged in found.items():
        row = _row(cut, judged)
        if asked.json:
            print(json.dumps(row))
        else:
            print(
                f"{cut:>10}: MAPE {row['mape']:6.2f} %  median {row['median']:6.2f} %  (nothing seen {row['prior_mape']:.1f} %, "
                f"target {row['target']} %), 80 % interval holds {100 * row['inside_80']:.0f} %, {row['over']} blocks over before"
            )
    print(json.dumps({"cpu_s": round(cpu_s, 1), "memory_mb": round(memory_mb)}))


@dataclass(frozen=True, kw_only=True)
class Judged:
    truth: float
    found: Estimate
    unseen: Estimate


def _row(cut: str, judged: list[Judged | None]) -> dict[str, Any]:
    blocks = [j for j in judged if j is not None]
    error = np.array([abs(j.found.capacity_ah / j.truth - 1) for j in blocks])
    unseen = [abs(j.unseen.capacity_ah / j.truth - 1) for j in blocks]
    inside = [abs(np.log(j.found.capacity_ah / j.truth)) < 1.2816 * j.found.sd for j in blocks]
    return {
        "benchmark": "vrla", "cut": cut, "blocks": len(blocks), "over": len(judged) - len(blocks),
        "mape": round(100 * float(error.mean()), 2), "median": round(100 * float(np.median(error)), 2),
        "prior_mape": round(100 * float(np.mean(unseen)), 2), "inside_80": round(float(np.mean(inside)), 3),
        "target": TARGET[cut.removesuffix(" rated")],
    }  # fmt: skip


def run(folder: Path, hertz: float | None) -> dict[str, list[Judged | None]]:
    """What was said of each block at each cut; None: it was empty before."""
    blocks, curves = read(folder)
    order = np.random.default_rng(SEED).permutation(len(blocks["current"]))
    whole = np.stack([_at_depths(*curves[k], blocks["current"][k], blocks["capacity"][k]) for k in range(len(order))])
    found: dict[str, list[Judged | None]] = {cut: [] for cut in CUTS}
    for fold in range(FOLDS):
        train = np.concatenate([order[f::FOLDS] for f in range(FOLDS) if f != fold])
        model = cohort.fit(blocks["current"][train], blocks["temp"][train], blocks["capacity"][train], whole[train])
        for k in order[fold::FOLDS]:
            amps, celsius, truth = (float(blocks[name][k]) for name in ("current", "temp", "capacity"))
            t, v = gauge(*curves[k], np.random.default_rng([SEED, int(k)]), hertz)
            nothing = cohort.part(t[:0], v[:0], noise_v=NOISE_V, step_v=STEP_V)
            unseen = cohort.estimate(model, amps, celsius, nothing)
            for cut, (kind, much) in CUTS.items():
                end_s = much * {"s": 1.0, "own": curves[k][0][-1], "rated": blocks["rated"][k] / amps * 3600}[kind]
                if end_s >= curves[k][0][-1]:
                    found[cut].append(None)
                    continue
                seen = t <= end_s
                part = cohort.part(t[seen] * amps / 3600, v[seen], noise_v=NOISE_V, step_v=STEP_V)
                told = cohort.estimate(model, amps, celsius, part)
                found[cut].append(Judged(truth=truth, found=told, unseen=unseen))
    return found


def gauge(t: Floats, v: Floats, random: np.random.Generator, hertz: float | None) -> tuple[Floats, Floats]:
    """The curve as a UPS would tell it; None: at the file's own instants."""
    if hertz:
        seconds = np.arange(0.0, t[-1], 1 / hertz)
        t, v = seconds, np.interp(seconds, t, v)
    return t, np.round((v + random.normal(0, NOISE_V, len(v))) / STEP_V) * STEP_V


def read(folder: Path) -> tuple[dict[str, Floats], list[tuple[Floats, Floats]]]:
    with (folder / "blocks.csv").open() as list_of_blocks:
        rows = list(csv.DictReader(list_of_blocks))
    blocks = {
        "current": np.array([float(r["current_a"]) for r in rows]),
        "temp": np.array([float(r["temp_c"]) for r in rows]),
        "capacity": np.array([float(r["capacity_ah"]) for r in rows]),
        "rated": np.array([float(r["current_a"]) / float(r["c_rate"]) for r in rows]),
    }
    with gzip.open(folder / "discharge_curves.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1)
    numbers = [int(r["block"]) for r in rows]
    curves = [(table[table[:, 0] == n, 1], table[table[:, 0] == n, 2]) for n in numbers]
    return blocks, curves


def _at_depths(t: Floats, v: Floats, current: float, capacity: float) -> Floats:
    return np.interp(cohort.DEPTHS * capacity, t * current / 3600, v)


if __name__ == "__main__":
    main()

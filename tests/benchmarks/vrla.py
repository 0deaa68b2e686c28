"""Capacity of VRLA blocks from the beginning of one discharge: cross-validated error on the 240 blocks of PyBaMM's lead-acid model.

    python -m tests.benchmarks.vrla --data DIR [--json]        DIR holds blocks.csv and discharge_curves.csv.gz

Each curve is seen through a gauge polled each second: 20 mV of noise, then steps of 0.1 V (seed 1), to 3 minutes, 10 % and 20 % of its depth. Ten folds of
blocks; what is fitted is fitted to the other nine, whole curves without the gauge. Only current, temperature and the part seen go in.
The length of the part is no feature: it would be the answer. `--own-samples`: the file's own 50 or so samples of a part instead of polls. Error: mean |estimate / truth - 1|.
Beside it, as a baseline, the mean of the training blocks at this current and temperature.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import resource
import time
from pathlib import Path

import numpy as np

from analytics.battery import cohort
from analytics.battery.cohort import Floats

NOISE_V, STEP_V = 0.02, 0.1
FOLDS, SEED = 10, 1
CUTS = {"3 min": 180.0, "10 %": 0.10, "20 %": 0.20}
TARGET = {"3 min": 9.0, "10 %": 4.0, "20 %": 2.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--own-samples", action="store_true")
    asked = parser.parse_args()
    began = time.process_time()
    errors, base, inside = run(asked.data, polled=not asked.own_samples)
    cpu_s = time.process_time() - began
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for cut, found in errors.items():
        row = {
            "benchmark": "vrla", "cut": cut, "blocks": len(found), "mape": round(100 * float(np.mean(found)), 2),
            "median": round(100 * float(np.median(found)), 2), "prior_mape": round(100 * float(np.mean(base[cut])), 2),
            "inside_80": round(float(np.mean(inside[cut])), 3), "target": TARGET[cut],
        }  # fmt: skip
        if asked.json:
            print(json.dumps(row))
        else:
            print(
                f"{cut:>6}: MAPE {row['mape']:6.2f} %  median {row['median']:6.2f} %  (prior alone {row['prior_mape']:.1f} %, "
                f"target {row['target']} %), 80 % interval holds {100 * row['inside_80']:.0f} %"
            )
    print(json.dumps({"cpu_s": round(cpu_s, 1), "memory_mb": round(memory_mb)}))


def run(
    folder: Path, *, polled: bool = True
) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, list[bool]]]:
    blocks, curves = read(folder)
    order = np.random.default_rng(SEED).permutation(len(blocks["current"]))
    whole = np.stack([_at_depths(*curves[k], blocks["current"][k], blocks["capacity"][k]) for k in range(len(order))])
    errors: dict[str, list[float]] = {cut: [] for cut in CUTS}
    base: dict[str, list[float]] = {cut: [] for cut in CUTS}
    inside: dict[str, list[bool]] = {cut: [] for cut in CUTS}
    for fold in range(FOLDS):
        train = np.concatenate([order[f::FOLDS] for f in range(FOLDS) if f != fold])
        model = cohort.fit(blocks["current"][train], blocks["temp"][train], blocks["capacity"][train], whole[train])
        for k in order[fold::FOLDS]:
            truth = float(blocks["capacity"][k])
            prior = float(
                np.exp(cohort._before(blocks["current"][k : k + 1], blocks["temp"][k : k + 1])[0] @ model.prior)
            )
            for cut, until in CUTS.items():
                t, v = gauge(*curves[k], np.random.default_rng([SEED, int(k)]), polled=polled)
                end = until if until > 1 else until * curves[k][0][-1]
                seen = t <= end
                x, volts, sd = cohort.smooth(t[seen] * blocks["current"][k] / 3600, v[seen], NOISE_V, STEP_V)
                found, wide = cohort.estimate(
                    model, float(blocks["current"][k]), float(blocks["temp"][k]), x, volts, sd
                )
                errors[cut].append(abs(found / truth - 1))
                base[cut].append(abs(prior / truth - 1))
                inside[cut].append(abs(np.log(found / truth)) < 1.2816 * wide)
    return errors, base, inside


def gauge(t: Floats, v: Floats, random: np.random.Generator, *, polled: bool) -> tuple[Floats, Floats]:
    """The curve as a UPS would tell it."""
    if polled:
        seconds = np.arange(0.0, t[-1])
        t, v = seconds, np.interp(seconds, t, v)
    return t, np.round((v + random.normal(0, NOISE_V, len(v))) / STEP_V) * STEP_V


def read(folder: Path) -> tuple[dict[str, Floats], list[tuple[Floats, Floats]]]:
    with (folder / "blocks.csv").open() as list_of_blocks:
        rows = list(csv.DictReader(list_of_blocks))
    blocks = {
        "current": np.array([float(r["current_a"]) for r in rows]),
        "temp": np.array([float(r["temp_c"]) for r in rows]),
        "capacity": np.array([float(r["capacity_ah"]) for r in rows]),
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

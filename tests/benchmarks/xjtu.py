"""State of health of XJTU's lithium cells from 16 features of their charges: leave-cells-out error over six folds fixed here.

    python -m tests.benchmarks.xjtu --data DIR [--json]        DIR holds train_42cells.csv.gz

Cells in the order of their names, every sixth to one fold: no cell is on both sides. What goes in: the features of this charge and of
the cell's charges before it, and the duty it is on (its name up to `_battery`; a UPS's duty is known too). What does not: the number of the charge,
any capacity of the cell at any time, anything later, a scale by the cell's own life; no row is left out by its label. Two estimators:

    one charge   extra trees on the 16 features of this charge alone, without the duty
    with past    `xjtu_past`, and the same in four lives: how good it is while a cell is new, and when it is worn

The charges at the beginning stand for what a UPS knows of a battery from its commissioning; an estimator that is shown a cell only in
the middle of its life has none, and is worth what `one charge` gives. Error: MAPE of the capacity.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from tests.benchmarks import xjtu_past
from tests.benchmarks.xjtu_past import Floats, Names

FOLDS, SEED = 6, 1
TARGET = 0.75


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--shuffle", type=int, help="other folds, by this seed: how much the figure owes to those it was tuned on"
    )
    asked = parser.parse_args()
    began = time.process_time()
    cells, features, y = read(asked.data)
    names = np.unique(cells)
    if asked.shuffle is not None:
        names = np.random.default_rng(asked.shuffle).permutation(names)
    fold_of = {name: k % FOLDS for k, name in enumerate(names)}
    fold = np.array([fold_of[cell] for cell in cells])
    for name, found in estimates(cells, features, y, fold).items():
        row = {"benchmark": "xjtu", "estimator": name, **judged(cells, found / y - 1), "target": TARGET}
        print(json.dumps(row) if asked.json else _line(row))
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_s": round(time.process_time() - began, 1), "memory_mb": round(memory_mb)}))


def estimates(cells: Names, features: dict[str, Floats], y: Floats, fold: Any) -> dict[str, Floats]:
    """Held out: each charge judged by what the cells of the other folds taught."""
    x = np.stack(list(features.values()), axis=1)
    duties = np.array([cell.split("_battery")[0] for cell in cells])
    seen, steps = xjtu_past.views(cells, features), xjtu_past.before(cells, x)
    one, past = np.zeros(len(y)), np.zeros(len(y))
    for k in range(FOLDS):
        train = fold != k
        if train.all():
            continue
        one[~train] = _trees().fit(x[train], y[train]).predict(x[~train])
        past[~train] = xjtu_past.capacity(cells, duties, seen, steps, y, train)
    return {"one charge": one, "with past": past}


def judged(cells: Names, off: Floats) -> dict[str, Any]:
    error = np.abs(off)
    per_cell = {str(name): float(error[cells == name].mean()) for name in np.unique(cells)}
    quarter = np.concatenate([np.arange(n) * 4 // n for n in (int((cells == name).sum()) for name in per_cell)])
    order = np.concatenate([np.flatnonzero(cells == name) for name in per_cell])
    duties = np.array([cell.split("_battery")[0] for cell in cells])
    return {
        "cells": len(per_cell), "rows": len(off), "mape": round(100 * float(error.mean()), 3),
        "worst_cell": round(100 * max(per_cell.values()), 2),
        "lives": [round(100 * float(error[order[quarter == q]].mean()), 2) for q in range(4)],
        "duties": {str(duty): round(100 * float(error[duties == duty].mean()), 2) for duty in np.unique(duties)},
        "each_cell_less_its_median": round(100 * float(np.mean([abs(v) for v in _less_median(cells, off)])), 3),
    }  # fmt: skip


def _less_median(cells: Names, off: Floats) -> Floats:
    left = off.copy()
    for name in np.unique(cells):
        left[cells == name] -= np.median(off[cells == name])
    return left


def _line(row: dict[str, Any]) -> str:
    lives = " ".join(f"{v:.2f}" for v in row["lives"])
    duties = " ".join(f"{name} {v:.2f}" for name, v in row["duties"].items())
    return (
        f"{row['estimator']:>12}: MAPE {row['mape']:.3f} %  worst cell {row['worst_cell']:.2f} %  by quarter of life {lives}  {duties}"
        f"  each cell's median taken away {row['each_cell_less_its_median']:.2f}"
    )


def _trees() -> Any:
    return ExtraTreesRegressor(n_estimators=100, min_samples_leaf=2, max_features=0.7, random_state=SEED, n_jobs=1)


def read(folder: Path) -> tuple[Names, dict[str, Floats], Floats]:
    """(cell, 16 features by their names, capacity) of each charge, in the order of the file."""
    with gzip.open(folder / "train_42cells.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    features = {
        name: np.array([float(row[name]) for row in rows])
        for name in rows[0]
        if name not in ("cell", "cycle", "capacity")
    }
    for name, numbers in features.items():  # the set has a few infinities in its skew and kurtosis
        features[name] = np.clip(np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0), -1e6, 1e6)
    return np.array([row["cell"] for row in rows]), features, np.array([float(row["capacity"]) for row in rows])


if __name__ == "__main__":
    main()

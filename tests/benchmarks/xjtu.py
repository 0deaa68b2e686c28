"""State of health of XJTU's lithium cells from 16 features of their charges: leave-cells-out error over six folds fixed here.

    python -m tests.benchmarks.xjtu --data DIR [--json]        DIR holds train_42cells.csv.gz

Cells in the order of their names, every sixth to one fold: no cell is on both sides. No scaling by a cell's own life, no cycle number, no
row left out by its label, no capacity of the cell itself at any time. Two kinds of estimator, all causal (nothing later is seen):

    one charge   extra trees on the 16 features of this charge alone
    with past    boosting, and a Laplacian kernel ridge on quantiles, on this charge beside medians of its last 5 and 20, the median of
                 its first 10 (fewer while there are fewer), the five charges before it (random discharges come in a rhythm that the
                 label follows) and the lowest and highest of the past; their mean is the figure

That median of the first charges stands for what a UPS knows of a battery from its commissioning; an estimator that is shown a cell only in
the middle of its life has none, and is worth what `one charge` gives. Error: MAPE of the capacity.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

FOLDS, SEED = 6, 1
FIRST = 10  #: charges that stand for the beginning
TARGET = 0.75
HEADLINE = "with past: both"
#: Of the rows of training each sees every nth: neighbouring charges say nearly the same.
EVERY = {"one charge": 1, "with past: boosting": 2, "with past: kernel": 4}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    began = time.process_time()
    cells, x, y = read(asked.data)
    names = sorted(set(cells))
    fold_of = {name: k % FOLDS for k, name in enumerate(names)}
    fold = np.array([fold_of[c] for c in cells])
    slow, quick = past(cells, x)
    kinds = {
        "one charge": (_trees, x),
        "with past: boosting": (_boosting, np.hstack([slow, quick])),
        "with past: kernel": (_kernel, slow),
    }
    guess = {name: _held_out(make, inputs, y, fold, EVERY[name]) for name, (make, inputs) in kinds.items()}
    guess[HEADLINE] = (guess["with past: boosting"] + guess["with past: kernel"]) / 2
    for name, found in guess.items():
        error = np.abs(found / y - 1)
        per_cell = [float(error[cells == c].mean()) for c in names]
        row = {
            "benchmark": "xjtu", "estimator": name, "cells": len(names), "rows": len(y), "mape": round(100 * float(error.mean()), 3),
            "worst_cell": round(100 * max(per_cell), 2), "target": TARGET,
        }  # fmt: skip
        print(
            json.dumps(row)
            if asked.json
            else f"{name:>20}: MAPE {row['mape']:.2f} %  worst cell {row['worst_cell']:.2f} %"
        )
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_s": round(time.process_time() - began, 1), "memory_mb": round(memory_mb)}))


def _held_out(make: Callable[[], Any], x: Any, y: Any, fold: Any, every: int) -> Any:
    found = np.zeros(len(y))
    for k in range(FOLDS):
        train, test = np.flatnonzero(fold != k)[::every], fold == k
        middle = y[train].mean()
        found[test] = make().fit(x[train], y[train] - middle).predict(x[test]) + middle
    return found


def _trees() -> Any:
    return ExtraTreesRegressor(n_estimators=100, min_samples_leaf=2, max_features=0.7, random_state=SEED, n_jobs=1)


def _boosting() -> Any:
    return HistGradientBoostingRegressor(
        max_iter=300, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=30, l2_regularization=5.0, max_features=0.3, random_state=SEED,
    )  # fmt: skip


def _kernel() -> Any:
    scale = QuantileTransformer(n_quantiles=300, output_distribution="normal", random_state=SEED)
    return make_pipeline(scale, KernelRidge(kernel="laplacian", gamma=0.001, alpha=0.03))


def past(cells: Any, x: Any) -> tuple[Any, Any]:
    """What each charge's past adds: (now, medians and their distance from the beginning), (extremes, the five charges before)."""
    slow, quick = np.zeros((len(x), 5 * x.shape[1])), np.zeros((len(x), 7 * x.shape[1]))
    for name in set(cells):
        mine = x[cells == name]
        five, twenty = _medians(mine, 5), _medians(mine, 20)
        begun = np.stack([np.median(mine[: min(k + 1, FIRST)], axis=0) for k in range(len(mine))])
        before = [mine - np.concatenate([np.repeat(mine[:1], n, axis=0), mine])[: len(mine)] for n in range(1, 6)]
        low, high = np.minimum.accumulate(five), np.maximum.accumulate(five)
        slow[cells == name] = np.hstack([mine, five, twenty, begun, five - begun])
        quick[cells == name] = np.hstack([five - low, five - high, *before])
    return slow, quick


def _medians(x: Any, last: int) -> Any:
    return np.stack([np.median(x[max(0, k - last + 1) : k + 1], axis=0) for k in range(len(x))])


def read(folder: Path) -> tuple[Any, Any, Any]:
    with gzip.open(folder / "train_42cells.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    features = [name for name in rows[0] if name not in ("cell", "cycle", "capacity")]
    cells = np.array([r["cell"] for r in rows])
    x = np.array([[float(r[name]) for name in features] for r in rows])
    x = np.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)  # the set has a few infinities in its skew and kurtosis
    return cells, np.clip(x, -1e6, 1e6), np.array([float(r["capacity"]) for r in rows])


if __name__ == "__main__":
    main()

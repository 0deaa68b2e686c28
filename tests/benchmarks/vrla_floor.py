"""How well could anybody do in `vrla`? The same gauge and parts, judged by a model that is told what the blocks are made of.

    python -m tests.benchmarks.vrla_floor --data DIR [--blocks 40]

Not an estimator: it learns PyBaMM's blocks from their hidden parameters (Gaussian processes over log current, temperature and the four
hidden columns of blocks.csv: log time to cut-off and the first six shapes of the curve), draws 6,000 sets of hidden parameters
for each block at its current and temperature, evenly over their ranges, and weighs them by the same gauge. What is left is the gauge's error: the mean
relative error that an estimator without the hidden columns should not beat by much on many blocks. The same blocks by `cohort` stand beside.
Where few sets keep any weight (long parts) the figure is too high and no bound; `kept` tells how many count.
"""

from __future__ import annotations

import argparse
import csv
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import qmc
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from analytics.battery import cohort
from tests.benchmarks import vrla

_SETS, _SHAPES = 6000, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--blocks", type=int, default=40)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")  # kernels at the edge of their ranges
    blocks, curves = vrla.read(asked.data)
    with (asked.data / "blocks.csv").open() as file:
        hidden = np.array(
            [[float(v) for k, v in row.items() if k.startswith("hidden")] for row in csv.DictReader(file)]
        )
    whole = np.stack(
        [vrla._at_depths(*curves[k], blocks["current"][k], blocks["capacity"][k]) for k in range(len(hidden))]
    )
    ours = vrla.run(asked.data, 1.0)
    order = np.random.default_rng(vrla.SEED).permutation(len(hidden))
    place = {int(k): n for n, k in enumerate(np.concatenate([order[f :: vrla.FOLDS] for f in range(vrla.FOLDS)]))}
    told = _maker(blocks, hidden, whole)
    some = np.random.default_rng(0).permutation(len(hidden))[: asked.blocks]
    for cut, (kind, much) in vrla.CUTS.items():
        rows = []
        for k in some:
            amps, end = float(blocks["current"][k]), curves[k][0][-1]
            until = much * {"s": 1.0, "own": end, "rated": blocks["rated"][k] / amps * 3600}[kind]
            judged = ours[cut][place[int(k)]]
            if judged is None:
                continue
            t, v = vrla.gauge(*curves[k], np.random.default_rng([vrla.SEED, int(k)]), 1.0)
            seen = t <= until
            part = cohort.part(t[seen] * amps / 3600, v[seen], noise_v=vrla.NOISE_V, step_v=vrla.STEP_V)
            log_c, volts = told(amps, float(blocks["temp"][k]), int(k))
            log_p = cohort._likelihood(_exact(), log_c, volts, part)
            weight = np.exp(log_p - log_p.max())
            weight /= weight.sum()
            best = cohort._least_relative_error(log_c, weight)
            rows.append((best / judged.truth - 1, judged.found.capacity_ah / judged.truth - 1, 1 / np.sum(weight**2)))
        floor, by_cohort = (100 * float(np.mean(np.abs([row[n] for row in rows]))) for n in (0, 1))
        kept = float(np.median([row[2] for row in rows]))
        print(
            json.dumps(
                {"cut": cut, "blocks": len(rows), "told_mape": round(floor, 2), "cohort_mape": round(by_cohort, 2), "kept": round(kept)}
            )
        )  # fmt: skip


def _exact() -> cohort.Cohort:
    nothing = np.zeros(0)
    return cohort.Cohort(curve=nothing, shapes=nothing, links=(), rest_v=0.001)


def _maker(blocks: Any, hidden: Any, whole: Any) -> Any:
    """(current, temperature, seed) -> (log C, curves) of many blocks with hidden parameters drawn evenly over their ranges."""
    inputs = np.column_stack([np.log(blocks["current"]), blocks["temp"] / 10, _logged(hidden)])
    middle, spread = inputs.mean(0), inputs.std(0)
    mean = whole.mean(axis=0)
    left, size, shapes = np.linalg.svd(whole - mean, full_matrices=False)
    target = np.column_stack([np.log(blocks["capacity"]), left[:, :_SHAPES] * size[:_SHAPES]])
    zero, one = target.mean(0), target.std(0)
    x = (inputs - middle) / spread
    models = []
    for column in ((target - zero) / one).T:
        kernel = ConstantKernel(10.0) * RBF(np.full(x.shape[1], 3.0), (0.3, 100)) + WhiteKernel(1e-4, (1e-7, 1))
        models.append(GaussianProcessRegressor(kernel).fit(x, column))
    low, high = _logged(hidden).min(0), _logged(hidden).max(0)

    def told(amps: float, celsius: float, seed: int) -> tuple[Any, Any]:
        drawn = low + (high - low) * qmc.Sobol(hidden.shape[1], seed=seed).random(_SETS)
        at = (np.column_stack([np.full(_SETS, np.log(amps)), np.full(_SETS, celsius / 10), drawn]) - middle) / spread
        found = np.stack([model.predict(at) for model in models], axis=1) * one + zero
        return found[:, 0], mean + found[:, 1:] @ shapes[:_SHAPES]

    return told


def _logged(hidden: Any) -> Any:
    """Areas in their logarithms: the first and third column."""
    out = hidden.copy()
    out[:, [0, 2]] = np.log(out[:, [0, 2]])
    return out


if __name__ == "__main__":
    main()

"""TSB-AD: VUS-PR on series of one column (U) and of many (M), mean over the files.

    .venv/bin/python -m tests.benchmarks.tsbad --data DIR [--json]

DIR holds `U/*.csv` and `M/*.csv`, last column the label; `_tr_N_` in the name: the first N rows train. U: `analytics.core.windows`,
which needs no training. M: `analytics.core.residual` over the measured columns (more than two values in training; all columns
where none is). Both causal. VUS-PR uses no threshold; beside it stand the false alarms that the residual's own threshold gives on
unlabelled rows, in episodes per 1,000 rows (the files tell no time).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from analytics.core.residual import CALL, step, train
from analytics.core.windows import unlike
from tests.benchmarks.anomaly_report import Row, main
from tests.benchmarks.vus import period, vus_pr


def distances(values: np.ndarray, training: int) -> np.ndarray:
    measured = [i for i in range(values.shape[1]) if len(np.unique(values[:training, i])) > 2]
    chosen = values[:, measured] if measured else values
    mixture, _ = train(chosen[:training])
    found, _ = step(mixture, chosen[:1].repeat(60, axis=0), chosen)
    return found


def one(path: Path) -> Row:
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    values, label = table[:, :-1], table[:, -1]
    match = re.search(r"_tr_(\d+)_", path.name)
    if match is None:
        raise ValueError(f"{path.name}: expected _tr_N_ in the name")
    score = distances(values, int(match.group(1)))
    shape = unlike(values[:, 0]) if values.shape[1] == 1 else score
    starts = np.diff((score > CALL).astype(int), prepend=0) == 1
    return {
        "file": f"{path.parent.name}/{path.name}",
        "vus_pr": round(vus_pr(label, shape, period(values[:, 0])), 3),
        "false_per_1000": round(1000 * float((starts & (label == 0)).sum()) / len(label), 2),
    }


def run(folder: Path) -> tuple[list[Row], Row]:
    rows = {kind: [one(path) for path in sorted((folder / kind).glob("*.csv"))] for kind in ("U", "M")}
    whole = {f"vus_pr_{kind}": round(float(np.mean([row["vus_pr"] for row in rows[kind]])), 3) for kind in rows}
    false = {f"false_per_1000_{k}": round(float(np.mean([row["false_per_1000"] for row in rows[k]])), 2) for k in rows}
    return [*rows["U"], *rows["M"]], {**whole, **false, "threshold": CALL}


if __name__ == "__main__":
    main(__doc__, run)

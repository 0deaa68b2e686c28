"""TSB-AD: VUS-PR on series of one column (U) and of many (M), mean over the files.

    .venv/bin/python -m tests.benchmarks.tsbad --data DIR [--json]

DIR holds `U/*.csv` and `M/*.csv`, last column the label; `_tr_N_` in the name: the first N rows train. The score is `extent` of
`analytics.core.whole`, causal, the same for both: the most unlike of the measured columns (more than two values in training; all
columns where none is). VUS-PR uses no threshold; beside it stands what the other
answers of the same detector give, `news` and `mixture`, and the false calls of
its `news` on unlabelled rows, in calls per 1,000 rows (the files tell no time). Ranks among the past favour later rows a little: a record
among 5,000 says more than one among 500; labels in these sets begin after the training rows.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from analytics.core import whole
from tests.benchmarks.anomaly_report import Row, halves, main
from tests.benchmarks.vus import period, vus_pr


def one(path: Path) -> Row:
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    values, label = table[:, :-1], table[:, -1]
    match = re.search(r"_tr_(\d+)_", path.name)
    if match is None:
        raise ValueError(f"{path.name}: expected _tr_N_ in the name")
    found = whole.score(values, int(match.group(1)))
    buffer = period(values[:, 0])
    return {
        "file": f"{path.parent.name}/{path.name}",
        "vus_pr": round(vus_pr(label, found.extent, buffer), 3),
        "news_vus_pr": round(vus_pr(label, found.news, buffer), 3),
        "mixture_vus_pr": None if found.mixture is None else round(vus_pr(label, found.mixture, buffer), 3),
        "false_per_1000": round(1000 * float((whole.calls(found.news) & (label == 0)).sum()) / len(label), 2),
    }


def _halves(scored: np.ndarray) -> Row:
    return halves(len(scored), lambda part: {"vus_pr": round(float(scored[part].mean()), 3)})


def run(folder: Path) -> tuple[list[Row], Row]:
    rows = {kind: [one(path) for path in sorted((folder / kind).glob("*.csv"))] for kind in ("U", "M")}
    all_: dict[str, float] = {}
    for kind, items in rows.items():
        if not items:
            continue
        scored = np.array([row["vus_pr"] for row in items])
        all_[f"vus_pr_{kind}"] = round(float(scored.mean()), 3)
        all_ |= {f"{name}_{kind}": value for name, value in _halves(scored).items()}
        for other in ("news", "mixture"):
            told = [row[f"{other}_vus_pr"] for row in items if row[f"{other}_vus_pr"] is not None]
            if told:
                all_[f"{other}_vus_pr_{kind}"] = round(float(np.mean(told)), 3)
        all_[f"false_per_1000_{kind}"] = round(float(np.mean([row["false_per_1000"] for row in items])), 2)
    return [*rows["U"], *rows["M"]], {**all_, "threshold": whole.CALL}


if __name__ == "__main__":
    main(__doc__, run)

"""SKAB: a pump loop with faults, eight sensors at 1 s. F1 over all test points, false-alarm rate, missed-alarm rate.

    .venv/bin/python -m tests.benchmarks.skab --data DIR [--json] [--extent | --news]

DIR holds `data/*/*.csv`. `mixture` of `analytics.core.whole`, trained on the first 400 rows of each file, and the rows that
`residual.events` makes of it with the threshold it ships with, a multiple of the largest distance in training: an event ends when the
distance has halved. No point adjustment. `plain`: every row beyond the same threshold.
`--extent`, `--news`: the answers that the other sets are judged by, a row being called beyond the largest of training. Calling everything gives F1 0.698.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from analytics.core.residual import CALL, Event, events
from analytics.core.whole import mixture, score
from tests.benchmarks.anomaly_report import Row, halves, main

_TRAIN = 400
_SENSORS = 8


def figures(called: np.ndarray, truth: np.ndarray) -> Row:
    hit, false = int((called & truth).sum()), int((called & ~truth).sum())
    missed, quiet = int((~called & truth).sum()), int((~called & ~truth).sum())
    return {
        "f1": round(2 * hit / max(1, 2 * hit + false + missed), 3),
        "far_percent": round(100 * false / max(1, false + quiet), 1),
        "mar_percent": round(100 * missed / max(1, missed + hit), 1),
    }


def run(folder: Path) -> tuple[list[Row], Row]:
    return judged(folder, _together, CALL)


def _together(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows of an event, rows beyond the threshold) after training."""
    distances = mixture(values, _TRAIN)[_TRAIN:]
    called, _ = events(Event(), distances)
    return called, distances > CALL


def _as(answer: str) -> Callable[[Path], tuple[list[Row], Row]]:
    """The same rows by another answer of the detector: beyond its largest in training."""

    def beyond(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        told = getattr(score(values, _TRAIN), answer)
        called = told[_TRAIN:] > told[:_TRAIN].max()
        return called, called

    return lambda folder: judged(folder, beyond, None)


def judged(
    folder: Path, told: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], threshold: float | None
) -> tuple[list[Row], Row]:
    rows: list[Row] = []
    every, plain, truths, episodes = [], [], [], 0
    for path in sorted((folder / "data").glob("*/*.csv")):
        with path.open() as file:
            table = list(csv.reader(file, delimiter=";"))
        if "anomaly" not in table[0]:
            continue
        values = np.array([[float(cell) for cell in line[1 : 1 + _SENSORS]] for line in table[1:]])
        truth = np.array([float(line[table[0].index("anomaly")]) > 0 for line in table[1:]])[_TRAIN:]
        called, beyond = told(values)
        plain.append(beyond)
        rows.append({"file": f"{path.parent.name}/{path.name}", **figures(called, truth)})
        episodes += int(((np.diff(called.astype(int), prepend=0) == 1) & ~truth).sum())
        every.append(called)
        truths.append(truth)
    whole = figures(np.concatenate(every), np.concatenate(truths))
    beside = figures(np.concatenate(plain), np.concatenate(truths))
    days = sum(len(item) for item in every) / 86_400
    return rows, {
        **whole,
        **{f"plain_{name}": value for name, value in beside.items()},
        **halves(len(every), lambda part: figures(np.concatenate(every[part]), np.concatenate(truths[part]))),
        "false_alarm_episodes_per_day": round(episodes / days, 1),
        "threshold": threshold,
    }


if __name__ == "__main__":
    main(__doc__, run, {"--extent": _as("extent"), "--news": _as("news")})

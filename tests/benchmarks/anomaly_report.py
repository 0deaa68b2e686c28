"""What the anomaly benchmarks share: their command line, their table, and the core run over files of any length in one batch."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analytics.core import ONE, Scores, Setting, fresh, step

Row = Mapping[str, Any]


Run = Callable[[Path], tuple[Sequence[Row], Row]]


def main(doc: str, run: Run, others: Mapping[str, Run] | None = None) -> None:
    """Run one benchmark: `run(folder)` gives a row a file and one row for all; `others` run instead by their flag."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true", help="one JSON object a line: files first, all last")
    for flag in others or {}:
        parser.add_argument(flag, dest="other", action="store_const", const=flag)
    options = parser.parse_args()
    if others and options.other:
        run = others[options.other]
    began = time.process_time()
    files, whole = run(options.data)
    cost = {
        "cpu_s": round(time.process_time() - began, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    for row in (*files, {"file": "ALL", **whole, **cost}):
        print(json.dumps(row) if options.json else "  ".join(f"{key} {_short(value)}" for key, value in row.items()))


def halves(files: int, figures: Callable[[slice], Row]) -> Row:
    """Figures of the files on which numbers were chosen (1st, 3rd, ...) and of those on which they were only checked."""
    parts = {"odd": slice(0, None, 2), "even": slice(1, None, 2)} if files > 1 else {}
    return {f"{name}_{key}": value for name, part in parts.items() for key, value in figures(part).items()}


def _short(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def scores(
    columns: Sequence[np.ndarray], times_ms: Sequence[np.ndarray] | None = None, setting: Setting = ONE
) -> list[Scores]:
    """The core over several series as one batch; shorter ones end early. One `Scores` a series, with one column."""
    steps = max(len(column) for column in columns)
    values = np.full((steps, len(columns)), np.nan)
    at = np.zeros((steps, len(columns)), np.int64)
    for index, column in enumerate(columns):
        values[: len(column), index] = column
        if times_ms is not None:
            at[: len(column), index] = times_ms[index]
    _, found = step(fresh(len(columns), setting), values, None if times_ms is None else at, setting)
    return [
        Scores(
            score=np.nan_to_num(found.score[: len(column), [index]]),
            call=found.call[: len(column), [index]],
            parts=found.parts[: len(column), [index]],
        )
        for index, column in enumerate(columns)
    ]


def held_back(score: np.ndarray, setting: Setting = ONE) -> np.ndarray:
    """What any threshold would call: after a call only what is clearly higher counts, for a time."""
    out, last, held = np.zeros(len(score)), -setting.refractory, 0.0
    for index, value in enumerate(score):
        free = index - last >= max(setting.refractory, setting.refractory_share * index)
        if value > 0 and (free or value > setting.louder * held):
            out[index], last, held = value, index, value
    return out

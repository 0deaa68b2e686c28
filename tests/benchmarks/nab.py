"""Numenta Anomaly Benchmark, standard profile.

    .venv/bin/python -m tests.benchmarks.nab --data DIR [--json] [--stream | --extent]

DIR holds `data/*/*.csv` (timestamp, value) and `labels/combined_windows.json`. Every series goes once, causally, through
`analytics.core.whole` (its `news`), the detector for history, with `--stream` through the streaming
core, or with `--extent` by the answer that TSB-AD is judged by.
Scored as published: a window found is worth up to 1, more the earlier; a missed one -1; a false alarm up to -0.11; the first 15 %
(at most 750 readings) do not count; silent is 0, perfect is 100. Figures: `fixed`, the detector's own calls at the threshold it
ships with; `standard`, one threshold chosen on all labels (how the published figures are made); `two_fold`, the threshold chosen
on one half of the files and scored on the other, mean of ten splits; `odd` and `even`, the shipped threshold on the files on which the
detector's numbers were chosen (1st, 3rd, ... by name) and on those on which they were only checked.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from analytics.core import ONE, whole
from tests.benchmarks.anomaly_report import Row, halves, held_back, main, scores

Detector = Callable[["Sequence[Series]"], "tuple[list[np.ndarray], list[np.ndarray], float]"]

_FALSE_ALARM = 0.11
_SPLITS = 10


@dataclass(frozen=True, kw_only=True)
class Series:
    name: str
    times_ms: np.ndarray
    values: np.ndarray
    #: First and last index of each labelled window, in order.
    windows: Sequence[tuple[int, int]]

    @property
    def probation(self) -> int:
        return int(0.15 * min(len(self.values), 5000))


def load(folder: Path) -> list[Series]:
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    return [_series(folder / "data" / name, name, spans) for name, spans in sorted(labels.items())]


def _series(path: Path, name: str, spans: Sequence[Sequence[str]]) -> Series:
    with path.open() as file:
        rows = [(_ms(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    times = np.array([at for at, _ in rows])
    windows = sorted(
        (int(np.searchsorted(times, _ms(begin))), int(np.searchsorted(times, _ms(end), side="right")) - 1)
        for begin, end in spans
    )
    return Series(name=name, times_ms=times, values=np.array([value for _, value in rows]), windows=windows)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).timestamp() * 1000)


def _sigmoid(x: float) -> float:
    return float(2 / (1 + np.exp(5 * x)) - 1)


def worth(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """For each reading: its window (-1 for none), and what an alarm there is worth."""
    window, value = np.full(len(series.values), -1), np.full(len(series.values), -_FALSE_ALARM)
    for index, (begin, end) in enumerate(series.windows):
        following = series.windows[index + 1][0] if index + 1 < len(series.windows) else len(value)
        width = end - begin + 1
        for at in range(end + 1, following):
            away = (at - end) / max(1, width - 1)
            value[at] = _FALSE_ALARM * (_sigmoid(away) if away <= 3 else -1.0)
        for at in range(begin, end + 1):
            window[at], value[at] = index, _sigmoid(-(end - at + 1) / width) / _sigmoid(-1.0)
    return window, value


def curve(series: Series, score: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Raw score of one series at each threshold."""
    window, value = worth(series)
    score = score.copy()
    score[: series.probation] = -np.inf
    outside = window < 0
    order = np.argsort(-score[outside])
    costs = np.concatenate([[0.0], np.cumsum(value[outside][order])])
    total = costs[np.searchsorted(-score[outside][order], -thresholds, side="right")]
    for index in range(len(series.windows)):
        inside = np.flatnonzero(window == index)
        first = np.searchsorted(np.maximum.accumulate(score[inside]), thresholds)
        total = total + np.where(first < len(inside), value[inside][np.minimum(first, len(inside) - 1)], -1.0)
    return total


def normal(raw: float, windows: int) -> float:
    """0 for silence, 100 for perfect; not a number where there is nothing to find."""
    return 100 * (raw + windows) / (2 * windows) if windows else float("nan")


def two_fold(curves: np.ndarray, windows: np.ndarray) -> float:
    random = np.random.default_rng(0)
    found = []
    for _ in range(_SPLITS):
        order = random.permutation(len(windows))
        one, other = order[: len(order) // 2], order[len(order) // 2 :]
        raw = sum(curves[b][:, curves[a].sum(0).argmax()].sum() for a, b in ((one, other), (other, one)))
        found.append(normal(raw, int(windows.sum())))
    return float(np.mean(found))


def news(every: Sequence[Series]) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """Of each series what any threshold would call and what the shipped one calls; and that threshold."""
    heard = [whole.heard(whole.score(item.values[:, None], at_ms=item.times_ms).news) for item in every]
    return heard, [(item >= whole.CALL).astype(float) for item in heard], whole.CALL


def extent(every: Sequence[Series]) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """By the answer that TSB-AD is judged by; it has no threshold to ship, so `fixed` means nothing here."""
    held = [whole.heard(whole.score(item.values[:, None], at_ms=item.times_ms).extent) for item in every]
    return held, [(item >= whole.CALL).astype(float) for item in held], whole.CALL


def stream(every: Sequence[Series]) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    found = scores([series.values for series in every], [series.times_ms for series in every])
    held = [held_back(item.score[:, 0].astype(float)) for item in found]
    return held, [item.call[:, 0].astype(float) for item in found], ONE.call


def run(folder: Path, detector: Detector = news) -> tuple[list[Row], Row]:
    every = load(folder)
    held, called, shipped = detector(every)
    tail = np.concatenate([item[series.probation :] for item, series in zip(held, every, strict=True)])
    thresholds = np.unique(np.concatenate([np.quantile(tail, 1 - np.logspace(-0.3, -5.3, 400)), [tail.max() + 1]]))
    curves = np.array([curve(series, item, thresholds) for series, item in zip(every, held, strict=True)])
    windows = np.array([len(series.windows) for series in every])
    best = int(curves.sum(0).argmax())
    fixed = np.array([curve(series, call, np.array([0.5]))[0] for series, call in zip(every, called, strict=True)])
    rows: list[Row] = []
    days = false = 0.0
    for series, call, at_best, at_fixed in zip(every, called, curves[:, best], fixed, strict=True):
        window, _ = worth(series)
        alarms = np.flatnonzero(call > 0)
        alarms = alarms[alarms >= series.probation]
        outside = int((window[alarms] < 0).sum())
        days += (series.times_ms[-1] - series.times_ms[series.probation]) / 86_400_000
        false += outside
        rows.append(
            {
                "file": series.name,
                "windows": len(series.windows),
                "found": len({int(item) for item in window[alarms] if item >= 0}),
                "false_alarms": outside,
                "raw_fixed": round(float(at_fixed), 3),
                "raw_standard": round(float(at_best), 3),
            }
        )
    count = int(windows.sum())
    return rows, {
        "fixed": round(normal(float(fixed.sum()), count), 2),
        "standard": round(normal(float(curves[:, best].sum()), count), 2),
        "two_fold": round(two_fold(curves, windows), 2),
        "threshold_standard": round(float(thresholds[best]), 2),
        **halves(
            len(every), lambda part: {"fixed": round(normal(float(fixed[part].sum()), int(windows[part].sum())), 2)}
        ),
        "threshold_fixed": shipped,
        "windows": count,
        "found_fixed": sum(int(row["found"]) for row in rows),
        "false_alarms_per_day": round(false / days, 3),
    }


if __name__ == "__main__":
    main(
        __doc__,
        run,
        {"--stream": lambda folder: run(folder, stream), "--extent": lambda folder: run(folder, extent)},
    )

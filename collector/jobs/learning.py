"""Heavier models, trained offline: one task a model of equipment, each a pure function of arrays, run by joblib.

    capacity/MODEL   `analytics.battery.cohort` fitted to whole discharges: what a battery holds, from the beginning of a discharge
    normal/MODEL     an isolation forest over the hourly means of a model's gauges: how unlike all its siblings one hour of a device is

Volts and ampere-hours are brought to one block of 12 V and `BLOCK_AH`, so that every battery of a model counts alike. The figures in `note` are of
parts that were not trained on (five folds by device). One machine by default; a Dask cluster by one setting: joblib's own backend. A task that fails is
told and leaves the version before in force; without any version the core stands alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]

from analytics.battery import cohort

Floats = NDArray[np.float64]
CAPACITY, NORMAL = "capacity", "normal"
BLOCK_AH = 7.4
FOLDS, SEED = 5, 6
#: Hours of at least so many devices, and so many in all, make a model's normal.
LEAST_DEVICES, LEAST_HOURS = 3, 24 * 14
MOST_HOURS = 20_000
#: A discharge that is judged by its beginning is cut here when the figures are reckoned.
_PART = 0.2
#: How long a cluster may take to answer, s.
CLUSTER_S = 10.0
#: V of one block: what a UPS's gauge adds by itself.
NOISE_V = 0.02


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one model is made of. `owners`: the device of each row; `span`: of the data, ms."""

    name: str
    kind: str
    data: dict[str, Floats]
    owners: list[str]
    columns: tuple[str, ...] = ()
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Normal:
    """The forest with what its columns mean; a score below `limit` had one hour in 200 of the training."""

    columns: tuple[str, ...]
    middle: Floats
    forest: Any
    limit: float


@dataclass(frozen=True, kw_only=True)
class Made:
    """The outcome of one task: the model's bytes and its figures, or why there is none."""

    name: str
    rows: int
    span: tuple[int, int]
    body: bytes = b""
    note: dict[str, float] = field(default_factory=dict)
    why: str = ""


class TrainingError(Exception):
    """The cluster cannot be used. Says where, expected, got, fix."""


def make(task: Task) -> Made:
    """Train one model. Whatever is wrong with its data is an outcome, not an exception: the others go on."""
    rows = len(task.owners)
    try:
        model, note = _capacity(task) if task.kind == CAPACITY else _normal(task)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        return Made(name=task.name, rows=rows, span=task.span, why=str(error))
    return Made(name=task.name, rows=rows, span=task.span, body=packed(model), note=note)


def train(tasks: Sequence[Task], dask: str = "", workers: int = 1) -> list[Made]:
    """All of them, on this machine with `workers` processes or on the cluster at `dask`. Raises `TrainingError`."""
    if dask:
        return _on_cluster(tasks, dask)
    if workers == 1 or len(tasks) < 2:
        return [make(task) for task in tasks]
    return list(joblib.Parallel(n_jobs=workers)(joblib.delayed(make)(task) for task in tasks))


def _on_cluster(tasks: Sequence[Task], dask: str) -> list[Made]:
    try:
        from distributed import Client  # only where the setting asks for it
    except ImportError as error:
        raise TrainingError(
            f"analytics.dask: expected the package distributed, got: {error}; fix: pip install distributed"
        ) from error
    try:
        with Client(dask, timeout=CLUSTER_S, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            if not client.scheduler_info().get("workers"):
                raise TrainingError(
                    f"analytics.dask: expected workers at {dask}, got none; fix: start dask worker {dask}"
                )
            with joblib.parallel_config(backend="dask", client=client):
                return list(joblib.Parallel()(joblib.delayed(make)(task) for task in tasks))
    except (OSError, TimeoutError) as error:
        raise TrainingError(
            f"analytics.dask: expected a Dask scheduler at {dask}, got: {error}; fix: start dask scheduler, or delete the setting"
        ) from error


def packed(model: object) -> bytes:
    """As it is kept."""
    file = io.BytesIO()
    joblib.dump(model, file, compress=3)
    return file.getvalue()


def unpacked(body: bytes) -> Any:
    """Undo `packed`; only of bytes whose digest was found right (`collector.store.models.body_of`): it runs what they say."""
    return joblib.load(io.BytesIO(body))


def _capacity(task: Task) -> tuple[cohort.Cohort, dict[str, float]]:
    d = task.data
    args = (d["amps"], d["celsius"], d["ah"], d["curves"])
    errors = []
    for train_rows, test_rows in _folds(task.owners):
        part = cohort.fit(*(column[train_rows] for column in args))
        errors += [_error(part, *(column[row] for column in args)) for row in test_rows]
    return cohort.fit(*args), {"mape": float(np.mean(errors)), "devices": len(set(task.owners))}


def _error(model: cohort.Cohort, amps: float, celsius: float, ah: float, curve: Floats) -> float:
    seen = cohort.DEPTHS <= _PART
    found, _ = capacity(model, float(amps), float(celsius), cohort.DEPTHS[seen] * ah, curve[seen])
    return abs(found / float(ah) - 1)


def capacity(model: cohort.Cohort, amps: float, celsius: float, used_ah: Floats, volts: Floats) -> tuple[float, float]:
    """(Ah of one block, relative sd) by what was seen of a discharge: Ah drawn and volts of one block."""
    steps = np.abs(np.diff(volts))
    step_v = float(steps[steps > 0].min()) if (steps > 0).any() else 0.0
    found = cohort.estimate(
        model, amps, celsius, cohort.part(used_ah, volts, noise_v=NOISE_V, step_v=step_v if step_v >= NOISE_V else 0.0)
    )
    return found.capacity_ah, found.sd


def _normal(task: Task) -> tuple[Normal, dict[str, float]]:
    hours = task.data["hours"]
    owners = set(task.owners)
    if len(owners) < LEAST_DEVICES or len(hours) < LEAST_HOURS:
        raise ValueError(f"expected {LEAST_HOURS} hours of {LEAST_DEVICES} devices, got {len(hours)} of {len(owners)}")
    middle = np.nanmedian(hours, axis=0)
    filled = np.where(np.isfinite(hours), hours, middle)
    over = []
    for train_rows, test_rows in _folds(task.owners):
        part = _forest(filled[train_rows])
        limit = float(np.quantile(part.score_samples(filled[train_rows]), 0.005))
        over.append(float(np.mean(part.score_samples(filled[test_rows]) < limit)))
    forest = _forest(filled)
    limit = float(np.quantile(forest.score_samples(filled), 0.005))
    model = Normal(columns=task.columns, middle=middle, forest=forest, limit=limit)
    return model, {"unusual_share_unseen": float(np.mean(over)), "devices": len(owners)}


def _forest(rows: Floats) -> Any:
    return IsolationForest(n_estimators=100, max_samples=min(512, len(rows)), random_state=SEED).fit(rows)


def unusual(model: Normal, hours: Floats) -> float:
    """The share of these hours that are less usual than 199 of 200 hours of the training; columns as in the model, NaN where nothing was heard."""
    if not len(hours):
        return float("nan")
    filled = np.where(np.isfinite(hours), hours, model.middle)
    return float(np.mean(model.forest.score_samples(filled) < model.limit))


def _folds(owners: Sequence[str]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows to train and to test, whole devices apart; fewer devices, fewer folds."""
    names = sorted(set(owners))
    of = {name: place % min(FOLDS, max(len(names), 2)) for place, name in enumerate(names)}
    fold = np.array([of[owner] for owner in owners])
    found = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in sorted(set(fold.tolist()))]
    return [(a, b) for a, b in found if len(a) and len(b)] if len(names) > 1 else []


Train = Callable[[Sequence[Task]], list[Made]]

"""What models are trained on, and what they are shown each night: discharges with their curves, hours of devices, out of history.

A discharge whose curve history has no more of is left out; a day that cannot be read is left out and told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from analytics.battery import cohort, recorder
from analytics.battery.recorder import Discharge, End
from analytics.hours import HOUR_MS
from collector.history import History, HistoryError
from collector.history.days import DAY_MS, Day, days
from collector.jobs.learning import BLOCK_AH, CAPACITY, NORMAL, Task
from collector.store.records import DischargeRow
from model.inventory import Device, Inventory
from model.points import POINTS, Kind

Floats = NDArray[np.float64]
#: Points that say nothing of a device's health, or rise for ever.
_NOT_SHOWN = ("device.round_trip",)
_LEAST_SAMPLES = 12
_CELLS_A_BLOCK = 6
#: Of so many devices a model at most the hours are read.
MOST_DEVICES = 40


class Curve:
    """One discharge on one block of 12 V and `BLOCK_AH`: drawn Ah, volts, and the mean current (A) and temperature."""

    def __init__(self, used: Floats, volts: Floats, amps: float, celsius: float, ah: float) -> None:
        self.used, self.volts, self.amps, self.celsius, self.ah = used, volts, amps, celsius, ah


def curve_of(history: History, device: Device, record: Discharge) -> Curve | None:
    """The curve of a discharge as history has it; None: no battery in the inventory, no current, too few samples."""
    cells, rated = recorder.cells_of(device), recorder.rated_ah(device)
    if not cells or not rated or not record.ah or not record.amps or record.seconds < 60:
        return None
    samples = history.range((device.id, recorder.VOLTS, None), record.start, record.end)
    if len(samples.at) < _LEAST_SAMPLES:
        return None
    volts = np.asarray(samples.value, np.float64) / cells * _CELLS_A_BLOCK
    share = (np.asarray(samples.at, np.float64) - record.start) / (record.end - record.start)
    scale = BLOCK_AH / rated
    celsius = 25.0 if record.celsius is None else record.celsius
    return Curve(share * record.ah * scale, volts, record.amps * scale, celsius, record.ah * scale)


def capacity_tasks(history: History, inventory: Inventory, rows: Iterable[DischargeRow]) -> Iterator[Task]:
    """One task for each model of which whole discharges are kept."""
    found: dict[str, list[tuple[str, Discharge, Curve]]] = {}
    for row in rows:
        device = inventory.device(row.device)
        full_start = row.record.charge_start is None or row.record.charge_start >= recorder.FULL
        if row.record.reason is not End.EMPTY or not full_start:
            continue
        curve = curve_of(history, device, row.record)
        if curve is not None:
            found.setdefault(device.model or "?", []).append((row.device, row.record, curve))
    for model, some in sorted(found.items()):
        data = {
            "amps": np.array([c.amps for _, _, c in some]),
            "celsius": np.array([c.celsius for _, _, c in some]),
            "ah": np.array([c.ah for _, _, c in some]),
            "curves": np.stack([np.interp(cohort.DEPTHS * c.ah, c.used, c.volts) for _, _, c in some]),
        }
        span = min(r.start for _, r, _ in some), max(r.end for _, r, _ in some)
        yield Task(name=f"{CAPACITY}/{model}", kind=CAPACITY, data=data, owners=[id for id, _, _ in some], span=span)


def normal_tasks(
    history: History, inventory: Inventory, start: int, end: int, told: Callable[[HistoryError], None]
) -> Iterator[Task]:
    """One task for each model of which at least one device was heard."""
    by_model: dict[str, list[str]] = {}
    for id in sorted({reading.device for reading in history.latest()}):
        device = inventory.device(id)
        if device.model:
            by_model.setdefault(device.model, []).append(id)
    for model, devices in sorted(by_model.items()):
        tables = [(id, *hours_of(history, id, start, end, told)) for id in devices[:MOST_DEVICES]]
        names = sorted({name for _, columns, _ in tables for name in columns})
        rows = [(id, _aligned(columns, hours, names)) for id, columns, hours in tables if len(hours)]
        if not rows:
            continue
        stacked = np.concatenate([hours for _, hours in rows])
        owners = [id for id, hours in rows for _ in range(len(hours))]
        heard = np.isfinite(stacked).mean(axis=0) > 0.5
        yield Task(
            name=f"{NORMAL}/{model}", kind=NORMAL, data={"hours": stacked[:, heard]}, owners=owners,
            columns=tuple(name for name, known in zip(names, heard, strict=True) if known), span=(start, end),
        )  # fmt: skip


def hours_of(
    history: History, device: str, start: int, end: int, told: Callable[[HistoryError], None]
) -> tuple[list[str], Floats]:
    """(names of gauges as `point` or `point#index`, hourly means (hours, gauges)); NaN where nothing was heard in an hour."""
    tables: list[dict[str, Floats]] = []
    for begin, day in days(history, device, start, end, told):
        tables.append(_hourly(begin, day))
    names = sorted({name for table in tables for name in table})
    if not names:
        return [], np.empty((0, 0))
    empty = np.full(24, np.nan)
    stacked = np.concatenate([np.stack([table.get(name, empty) for name in names], axis=1) for table in tables])
    return names, stacked[np.isfinite(stacked).any(axis=1)]


def _hourly(begin: int, day: Day) -> dict[str, Floats]:
    table: dict[str, Floats] = {}
    for point, series in day.items():
        known = POINTS.get(point)
        if known is None or known.kind is not Kind.GAUGE or point in _NOT_SHOWN:
            continue
        for index, column in series.items():
            hour = (np.asarray(column.at, np.int64) - begin) // HOUR_MS
            sums = np.bincount(hour, np.asarray(column.value), 24)[:24]
            counts = np.bincount(hour, minlength=24)[:24]
            with np.errstate(invalid="ignore", divide="ignore"):
                table[point if index is None else f"{point}#{index}"] = np.where(counts > 0, sums / counts, np.nan)
    return table


def _aligned(columns: list[str], hours: Floats, names: list[str] | tuple[str, ...]) -> Floats:
    place = {name: k for k, name in enumerate(columns)}
    empty = np.full(len(hours), np.nan)
    return np.stack([hours[:, place[name]] if name in place else empty for name in names], axis=1)


def shown(
    history: History, device: str, columns: tuple[str, ...], start: int, end: int, told: Callable[[HistoryError], None]
) -> Floats:
    """The hours of one device in the columns of a model."""
    names, hours = hours_of(history, device, start, end, told)
    return _aligned(names, hours, columns) if len(hours) else np.empty((0, len(columns)))


__all__ = ["DAY_MS", "capacity_tasks", "curve_of", "hours_of", "normal_tasks", "shown"]

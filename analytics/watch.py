"""Batches in, changes out: which detector sees what, and what is remembered between batches.

`blocks_of` sorts the readings and gaps of a batch into columns by device; `step` hands each block to the detectors
that need its points. All state is in `Watch`, plain data that msgspec.msgpack can write and read.

A series is only ever read forwards: samples at or before the last one of their series are history (a
back-fill, a repeat) and no detector sees them; they are counted in `late`. A detector that fails on
a block keeps its old state, the others go on, and the fault is told in `faults` (the pipeline logs and empties it).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence, Set

import msgspec

from analytics.calibration import SHIPPED, Calibration, calibrated
from analytics.detector import Block, Column, Context, Detector, State
from analytics.detectors import DETECTORS, HOURLY
from analytics.hours import HourlyDetector, Hours, Rolling, roll
from model.finding import Change
from model.reading import Gap, Reading

#: Where `Watch.seen` keeps the newest gap of a device (no point has this name).
_GAPS = "-"
#: Faults kept until the pipeline takes them: a broken detector must not fill the memory.
MOST_FAULTS = 100


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A detector failed on a block: a defect of ours, never of the device."""

    device: str
    detector: str
    error: str
    at: int


class Watch(msgspec.Struct, kw_only=True):
    """What the detectors remember. `seen` is the newest time of each series, by device, point and index."""

    states: dict[str, dict[str, State]] = {}
    seen: dict[str, dict[str, dict[str, int]]] = {}
    hours: dict[str, Rolling] = {}
    late: int = 0
    faults: list[Fault] = []


def blocks_of(readings: Iterable[Reading], gaps: Iterable[Gap]) -> list[Block]:
    """The readings as columns, one block a device, in the order in which the devices first appear."""
    by_device: dict[str, dict[str, dict[str | None, Column]]] = {}
    unsorted: list[Column] = []
    device: str | None = None
    columns: dict[str, dict[str | None, Column]] = {}
    for reading in readings:
        if reading.device != device:  # neighbours mostly share it, and comparing is cheaper than hashing
            device = reading.device
            columns = by_device.setdefault(device, {})
        series = columns.get(reading.point)
        if series is None:
            columns[reading.point] = {reading.index: Column([reading.at], [reading.value])}
            continue
        column = series.get(reading.index)
        if column is None:
            series[reading.index] = Column([reading.at], [reading.value])
            continue
        if reading.at <= column.at[-1]:
            unsorted.append(column)
        column.at.append(reading.at)
        column.value.append(reading.value)
    for column in unsorted:
        _sort(column)
    missed: dict[str, list[Gap]] = {}
    for gap in gaps:
        missed.setdefault(gap.device, []).append(gap)
    return [_block(device, by_device.get(device, {}), missed.get(device, [])) for device in {**by_device, **missed}]


def step(
    watch: Watch,
    blocks: Iterable[Block],
    context_of: Callable[[str], Context],
    now: int,
    detectors: Mapping[str, Detector] = DETECTORS,
    hourly: Mapping[str, HourlyDetector] = HOURLY,
    calibration: Calibration = SHIPPED,
) -> list[Change]:
    """Show the blocks to the detectors. `watch` is moved on in place; no state inside it is changed, only replaced.

    What the detectors claim is told as `calibration` has seen such claims hold.
    """
    changes: list[Change] = []
    rolled = _ROLLED if hourly is HOURLY else _needed(hourly)
    for whole in blocks:
        block = _forward(watch, whole)
        if block is None:
            continue
        context = context_of(block.device)
        states = watch.states.setdefault(block.device, {})
        present = block.columns.keys()
        for name, detector in _woken(detectors, present):
            before = states.get(name)
            try:
                states[name], told = detector.step(detector.fresh() if before is None else before, block, context, now)
            except Exception as error:  # noqa: BLE001 - supervisor: one detector's defect must not stop the batch
                _blame(watch, block, name, error)
                continue
            changes += told
        if rolled.isdisjoint(present):
            continue
        hours = roll(watch.hours.setdefault(block.device, Rolling()), block, rolled)
        if hours is not None:
            changes += _hourly(watch, hours, block, context, now, hourly)
    return calibrated(changes, calibration)


def _woken(detectors: Mapping[str, Detector], present: Set[str]) -> Sequence[tuple[str, Detector]]:
    """Those that need one of these points. A device says the same ones round after round: the live table's answers are kept."""
    if detectors is not DETECTORS:
        return _needing(detectors, present)
    key = frozenset(present)
    found = _WOKEN.get(key)
    if found is None:
        if len(_WOKEN) >= _MOST_WOKEN:
            _WOKEN.clear()
        found = _WOKEN[key] = _needing(detectors, present)
    return found


def _needing(detectors: Mapping[str, Detector], present: Set[str]) -> list[tuple[str, Detector]]:
    return [(name, one) for name, one in detectors.items() if not one.needs or not one.needs.isdisjoint(present)]


def _needed(hourly: Mapping[str, HourlyDetector]) -> frozenset[str]:
    return frozenset[str]().union(*(detector.needs for detector in hourly.values()))


_ROLLED = _needed(HOURLY)
_WOKEN: dict[frozenset[str], list[tuple[str, Detector]]] = {}
#: Firmwares differ in what they tell, and tiers in when: so many sets of points are remembered at most.
_MOST_WOKEN = 4096


def _hourly(
    watch: Watch, hours: Hours, block: Block, context: Context, now: int, detectors: Mapping[str, HourlyDetector]
) -> list[Change]:
    """Show the hours that closed to the detectors of slow things; the same rules as for blocks."""
    changes: list[Change] = []
    states = watch.states.setdefault(block.device, {})
    for name, detector in detectors.items():
        if detector.needs.isdisjoint(hours.columns):
            continue
        before = states.get(name)
        try:
            states[name], told = detector.step(detector.fresh() if before is None else before, hours, context, now)
        except Exception as error:  # noqa: BLE001 - supervisor, as in `step`
            _blame(watch, block, name, error)
            continue
        changes += told
    return changes


def _blame(watch: Watch, block: Block, detector: str, error: Exception) -> None:
    if len(watch.faults) < MOST_FAULTS:
        told = f"{type(error).__name__}: {error}"
        watch.faults.append(Fault(device=block.device, detector=detector, error=told, at=block.last_at))


def _sort(column: Column) -> None:
    """Put a column into rising time; of two samples of one instant the later read stays."""
    rows = dict(zip(column.at, column.value, strict=True))
    column.at[:] = sorted(rows)
    column.value[:] = [rows[at] for at in column.at]


def _block(device: str, columns: dict[str, dict[str | None, Column]], gaps: list[Gap]) -> Block:
    times = [column.at for series in columns.values() for column in series.values()]
    first, last = [at[0] for at in times], [at[-1] for at in times]
    if gaps:
        gaps.sort(key=lambda gap: gap.at)
        first.append(gaps[0].at)
        last.append(gaps[-1].at)
    return Block(device, columns, gaps, min(first), max(last))


def _forward(watch: Watch, block: Block) -> Block | None:
    """The part of the block that is newer than all before it; None when nothing is."""
    seen = watch.seen.setdefault(block.device, {})
    late: dict[tuple[str, str | None], int] = {}
    for point, series in block.columns.items():
        known = seen.get(point)
        if known is None:
            known = seen[point] = {}
        for index, column in series.items():
            key = index or ""
            at = column.at
            if at[0] > (newest := known.get(key, -1)):
                known[key] = at[-1]
                continue
            late[point, index] = bisect_right(at, newest)
            known[key] = max(at[-1], newest)
    gaps = block.gaps
    if gaps:
        known = seen.setdefault(_GAPS, {})
        newest = known.get("", -1)
        gaps = [gap for gap in gaps if gap.at > newest]
        if gaps:
            known[""] = gaps[-1].at
    old_gaps = len(block.gaps) - len(gaps)
    if not late and not old_gaps:
        return block
    watch.late += sum(late.values()) + old_gaps
    return _cut(block, late, gaps)


def _cut(block: Block, late: dict[tuple[str, str | None], int], gaps: list[Gap]) -> Block | None:
    """The block with these gaps only, and without the first so many samples of the series named in `late`."""
    columns: dict[str, dict[str | None, Column]] = {}
    for point, series in block.columns.items():
        for index, column in series.items():
            start = late.get((point, index), 0)
            if start < len(column.at):
                columns.setdefault(point, {})[index] = Column(column.at[start:], column.value[start:])
    return _block(block.device, columns, gaps) if columns or gaps else None

"""The measures: each says how far a reading is from one kind of expectation, in the series' own unit. NaN: cannot say yet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analytics.core.setting import CHANNELS, Setting
from analytics.core.state import State

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
_NEAREST = 2
_DAY_MS = 86_400_000
#: A time of day means something once it has been seen on three days.
_DAYS_FIRST = 3
#: What a new day weighs in the mean of its time of day.
_DAY_RATE = np.float32(0.08)


def measure(state: State, z: Floats, at_ms: npt.NDArray[np.int64] | None, setting: Setting) -> Floats:
    """`(series, channels)`; the ring already ends with `z`."""
    ring, filled = state["ring"], state["filled"]
    out = np.full((len(z), len(CHANNELS)), np.nan)
    out[:, 0] = np.where(filled >= 2, np.abs(z - ring[:, -2]), np.nan)
    out[:, 1] = np.abs(z - state["median"])
    mean = ring[:, -setting.short :].mean(1)
    out[:, 2] = np.where(filled >= setting.short, np.abs(mean - state["median"]), np.nan)
    out[:, 3] = np.where(filled >= setting.spread, _deviation(ring[:, -setting.spread :]), np.nan)
    out[:, 4] = np.where(filled >= setting.window, _shape(state, setting), np.nan)
    if at_ms is not None:
        out[:, 5] = _of_day(state, z, at_ms, setting)
    return out


def _deviation(readings: Floats) -> Floats:
    away = readings - readings.mean(1)[:, None]
    found: Floats = np.sqrt(np.einsum("sn,sn->s", away, away) / np.float32(readings.shape[1]))
    return found


def _shape(state: State, setting: Setting) -> Floats:
    """Mean distance to the nearest past shapes."""
    current = _folded(state["ring"][:, -setting.window :], setting)
    gap = state["shapes"] - current[:, None, :]
    squares = np.einsum("snw,snw->sn", gap, gap)
    kept = state["kept"][:, 1]
    squares = np.where(np.arange(setting.shapes) < kept[:, None], squares, np.inf)
    near = np.partition(squares, _NEAREST - 1, axis=1)[:, :_NEAREST]
    return np.where(kept >= _NEAREST, np.sqrt(near).sum(1) / np.float32(_NEAREST), np.nan)


def _folded(readings: Floats, setting: Setting) -> Floats:
    sums = sum(readings[:, place :: setting.fold] for place in range(1, setting.fold)) + readings[:, :: setting.fold]
    means: Floats = sums / np.float32(setting.fold)
    return means


def day_bin(at_ms: npt.NDArray[np.int64], setting: Setting) -> npt.NDArray[np.int64]:
    return (at_ms % _DAY_MS) * setting.day_bins // _DAY_MS


def _of_day(state: State, z: Floats, at_ms: npt.NDArray[np.int64], setting: Setting) -> Floats:
    """Distance from the mean of this time of day, in the usual distance at this time of day."""
    rows, bins = np.arange(len(z)), day_bin(at_ms, setting)
    mean, off = state["day_mean"][rows, bins], state["day_off"][rows, bins]
    typical = state["day_off"].mean(1)
    measured: Floats = np.abs(z - mean) / np.maximum(off + 0.25 * typical, 1e-3)
    return np.where(at_ms - state["since"] >= _DAYS_FIRST * _DAY_MS, measured, np.nan)


def learn(state: State, z: Floats, at_ms: npt.NDArray[np.int64] | None, rows: Bools, setting: Setting) -> None:
    """Take the reading into the memories of the series in `rows` (in place)."""
    who = np.flatnonzero(rows)
    if at_ms is not None and len(who):
        _learn_day(state, z, at_ms, who, setting)
    seen = state["seen"]
    due = who[seen[who] % state["stride"][who, 0] == 0]
    if len(due):
        _keep(state, due, 0, state["values"], z[due])
        for row in np.unique(state["kept"][due, 0]):
            same = due[state["kept"][due, 0] == row]
            state["median"][same] = np.median(state["values"][same, :row], axis=1)
    old = who[(seen[who] % (state["stride"][who, 1] * (setting.window // 2)) == 0)]
    old = old[state["filled"][old] >= 2 * setting.window]
    if len(old):
        _keep(state, old, 1, state["shapes"], _narrow(_folded(state["ring"][old, : setting.window], setting)))


def _narrow(wide: Floats) -> Floats:
    """What the state can hold of it (float16), as float32."""
    narrow: Floats = np.clip(wide, -6e4, 6e4).astype(np.float16).astype(np.float32)
    return narrow


def _keep(state: State, rows: npt.NDArray[np.int64], which: int, memory: npt.NDArray[np.floating], new: Floats) -> None:
    """Append; a full memory first drops every second of its items and from then on takes half as many."""
    kept, stride, size = state["kept"], state["stride"], memory.shape[1]
    full = rows[kept[rows, which] >= size]
    if len(full):
        memory[full, : (size + 1) // 2] = memory[full, ::2].copy()
        kept[full, which] = (size + 1) // 2
        stride[full, which] *= 2
    memory[rows, kept[rows, which]] = new
    kept[rows, which] += 1


def _learn_day(
    state: State, z: Floats, at_ms: npt.NDArray[np.int64], who: npt.NDArray[np.int64], setting: Setting
) -> None:
    bins = day_bin(at_ms[who], setting)
    mean, off, value = state["day_mean"][who, bins], state["day_off"][who, bins], z[who]
    new = np.isnan(mean)
    # A plain mean of the first days, then a fading one: what a day is like must not start from its first guess.
    days = ((at_ms[who] - state["since"][who]) // _DAY_MS).astype(np.float32)
    rate, rate_off = np.maximum(_DAY_RATE, 1 / (1 + days)), np.maximum(_DAY_RATE, 1 / np.maximum(days, 1))
    state["day_mean"][who, bins] = np.where(new, value, mean + rate * (value - mean))
    state["day_off"][who, bins] = _narrow(np.where(new, off, off + rate_off * (np.abs(value - mean) - off)))

"""Any measure to a p-value: how much of the series' own past was at least so large.

A histogram with bins evenly spaced in the logarithm (three to a doubling) stands for the whole past: the rank of a measure is
known to a bin's width, whatever its unit or size. The range moves up by itself when a measure exceeds it; what falls below
the range is in the lowest bin. The smallest p after n readings is 1/(n + 1): nothing is surer than its own past is long.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from analytics.core.setting import Setting
from analytics.core.state import State

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
UNSET = np.iinfo(np.int16).min
#: Counts are halved before they overflow: a series of years remembers its last 60,000 readings twice as well as the older.
_FULL = 60_000


def place(state: State, measures: Floats, setting: Setting) -> tuple[Ints, Floats]:
    """Bin and position in the bin (0 to 1) of each measure; ranges move up where they must (in place)."""
    with np.errstate(divide="ignore"):
        logs = np.log2(measures) * setting.per_octave
    logs = np.nan_to_num(logs, nan=-1e4, neginf=-1e4, posinf=1e4)
    low = state["low"].astype(np.int64)
    floors = np.floor(logs).astype(np.int64)
    first = (low == UNSET) & (floors > -10_000)
    low = np.where(first, floors - (2 * setting.bins) // 3, low)
    over = np.where(low == UNSET, 0, np.maximum(floors - low - (setting.bins - 1), 0))
    for row, channel in np.argwhere(over > 0):
        _move_up(state["counts"][row, channel], int(over[row, channel]))
        state["total"][row, channel] = state["counts"][row, channel].sum()
    low += over
    state["low"][...] = low
    raw = np.where(low == UNSET, -1, floors - low)
    inside = np.where(raw < 0, 0.0, logs - floors)
    return np.clip(raw, 0, setting.bins - 1), inside


@cache
def _beyond(bins: int) -> Floats:
    """Row b is 1 beyond bin b: a histogram times it, summed, is what was larger."""
    return np.triu(np.ones((bins, bins), np.float32), 1)


def _move_up(counts: Ints, by: int) -> None:
    by = min(by, len(counts) - 1)
    merged = min(int(counts[: by + 1].sum()), _FULL)
    counts[: len(counts) - by - 1] = counts[by + 1 :]
    counts[len(counts) - by - 1 :] = 0
    counts[1 : len(counts) - by] = counts[: len(counts) - by - 1].copy()
    counts[0] = merged


def p_values(state: State, bins: Ints, inside: Floats) -> Floats:
    """P of a measure at least this large, from the past alone; 1 where the channel has no past."""
    counts = state["counts"]
    above = np.einsum("scb,scb->sc", counts, _beyond(counts.shape[-1])[bins])
    own = np.take_along_axis(counts, bins[..., None], -1)[..., 0]
    p: Floats = (above + own * (1.0 - inside) + 1.0) / (state["total"] + 1.0)
    return np.minimum(p, 1.0)


def count(state: State, bins: Ints, learn: npt.NDArray[np.bool_]) -> None:
    """Add the measures to their past where `learn` (in place)."""
    rows, channels = np.nonzero(learn)
    counts = state["counts"]
    places = bins[rows, channels]
    grown = counts[rows, channels, places] + 1
    counts[rows, channels, places] = grown
    state["total"][rows, channels] += 1
    full = grown >= _FULL
    if full.any():
        halves = counts[rows[full], channels[full]] // 2
        counts[rows[full], channels[full]] = halves
        state["total"][rows[full], channels[full]] = halves.sum(-1)

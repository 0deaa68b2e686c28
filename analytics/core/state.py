"""What is kept of each series: arrays with one row a series, nothing else.

`offset` (float64) is the series' own zero, `unit` (float64) its own unit, both measured in the warm-up: all else is held in
that unit, so the state does not know whether the point was volts or millivolts. `unit` is 0 while the series never moved.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analytics.core.setting import CHANNELS, Setting

Array = npt.NDArray[np.generic]
#: Field name to array; the first axis is the series.
State = dict[str, npt.NDArray]  # type: ignore[type-arg]
#: Kept narrow, worked on as float32: whole counts below 2**24 and halves (float16) are exact in it.
_WIDENED = ("shapes", "counts", "day_off")


def fresh(series: int, setting: Setting) -> State:
    """State of `series` series that were never read."""
    channels = len(CHANNELS)

    def zeros(dtype: npt.DTypeLike, *shape: int) -> Array:
        return np.zeros((series, *shape), dtype)

    return {
        "seen": zeros(np.int32),
        "at": np.full(series, np.iinfo(np.int64).min),
        "since": zeros(np.int64),
        "period": zeros(np.float32),
        "offset": zeros(np.float64),
        "unit": zeros(np.float64),
        "ring": zeros(np.float32, 2 * setting.window),
        "filled": zeros(np.int16),
        "values": zeros(np.float32, setting.sample),
        "kept": zeros(np.int16, 2),
        "stride": np.ones((series, 2), np.int32),
        "median": zeros(np.float32),
        "shapes": zeros(np.float16, setting.shapes, setting.window // setting.fold),
        "day_mean": np.full((series, setting.day_bins), np.nan, np.float32),
        "day_off": zeros(np.float16, setting.day_bins),
        "counts": zeros(np.uint16, channels, setting.bins),
        "low": np.full((series, channels), np.iinfo(np.int16).min, np.int16),
        "since_call": np.full(series, np.iinfo(np.int32).max // 2, np.int32),
        "held": zeros(np.float32),
        "run": zeros(np.int16),
    }


def opened(state: Mapping[str, Array], rows: slice) -> State:
    """A copy of some series to be worked on: narrow numbers are wide there, and `total` counts what is in each histogram."""
    work: State = {name: array[rows].copy() for name, array in state.items()}
    for name in _WIDENED:
        work[name] = work[name].astype(np.float32)
    work["total"] = work["counts"].sum(-1)
    return work


def closed(work: State, state: State, rows: slice) -> None:
    """Put the series that were worked on back (in place). What was widened still holds only what the narrow type can."""
    for name, array in state.items():
        array[rows] = work[name]


def bytes_a_series(setting: Setting) -> int:
    return sum(array.nbytes for array in fresh(1, setting).values())


def snapshot(state: Mapping[str, Array]) -> bytes:
    """The state as bytes (npz); `restore` of it continues exactly where it stood."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict(state))  # type: ignore[arg-type]
    return buffer.getvalue()


def restore(data: bytes) -> State:
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}

"""A hot row: the readings of one device in one batch, as columns.

    u32 n | n x u32 series | n x i64 at, ms | n x f64 value | n x u8 quality      (little endian)

Written with `array` (fast for a few dozen values), read with numpy (fast for hours of rows).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from model.reading import Reading

if sys.byteorder != "little" or array("I").itemsize != 4:
    raise RuntimeError("hot rows are little endian with 32-bit series ids; this machine is not")


class Columns:
    """Parallel numpy columns of any number of series."""

    __slots__ = ("at", "quality", "series", "value")

    def __init__(
        self,
        series: npt.NDArray[np.uint32],
        at: npt.NDArray[np.int64],
        value: npt.NDArray[np.float64],
        quality: npt.NDArray[np.uint8],
    ) -> None:
        self.series, self.at, self.value, self.quality = series, at, value, quality

    def __len__(self) -> int:
        return len(self.at)

    def where(self, mask: npt.NDArray[np.bool_]) -> Columns:
        """Only the rows where `mask` holds."""
        return Columns(self.series[mask], self.at[mask], self.value[mask], self.quality[mask])

    def once(self) -> Columns:
        """By series and time, each (series, at) once: the last one written wins, as in InfluxDB."""
        order = np.lexsort((self.at, self.series))
        series, at = self.series[order], self.at[order]
        last = np.ones(len(order), dtype=np.bool_)
        last[:-1] = (series[1:] != series[:-1]) | (at[1:] != at[:-1])
        chosen = order[last]
        return Columns(self.series[chosen], self.at[chosen], self.value[chosen], self.quality[chosen])


def pack(series: Sequence[int], times: Sequence[int], readings: Sequence[Reading]) -> bytes:
    """The hot row of `readings`; `series[i]` and `times[i]` belong to `readings[i]`."""
    return b"".join(
        (
            len(readings).to_bytes(4, "little"),
            array("I", series).tobytes(),
            array("q", times).tobytes(),
            array("d", [r.value for r in readings]).tobytes(),
            bytes([r.quality & 0xFF for r in readings]),
        )
    )


def unpack(row: bytes) -> Columns:
    """Undo `pack`."""
    n = int.from_bytes(row[:4], "little")
    return Columns(
        np.frombuffer(row, np.uint32, n, 4),
        np.frombuffer(row, np.int64, n, 4 + 4 * n),
        np.frombuffer(row, np.float64, n, 4 + 12 * n),
        np.frombuffer(row, np.uint8, n, 4 + 20 * n),
    )


def join(parts: Iterable[Columns]) -> Columns:
    """Parts one behind the other."""
    found = list(parts)
    if not found:
        return Columns(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8))
    return Columns(
        np.concatenate([p.series for p in found]),
        np.concatenate([p.at for p in found]),
        np.concatenate([p.value for p in found]),
        np.concatenate([p.quality for p in found]),
    )

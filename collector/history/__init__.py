"""Telemetry stores behind one small interface: `embedded` by default, `influx` by URL.

A store keeps every reading once, however often the same batch is written, and answers in the
readings' own units and times. Adding one: implement `History`, add a line to `open_history`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from model.batch import Batch
from model.reading import Reading, Series


class Samples(msgspec.Struct, frozen=True, kw_only=True):
    """One series in time order; the three lists are equally long."""

    at: list[int]
    value: list[float]
    quality: list[int]


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a rollup: readings with `at` <= t < `at` + step."""

    at: int
    count: int
    low: float
    mean: float
    high: float


class HistoryError(Exception):
    """The store cannot be written or read now (down, full, refused). Try again: nothing was half kept."""


class History(Protocol):
    """All times in ms since 1970 UTC; ranges are [start, end)."""

    def write(self, batches: Sequence[Batch]) -> None:
        """Keep all readings durably before returning. Idempotent by (spool, row). Raises HistoryError."""
        ...

    def latest(self, device: str | None = None) -> list[Reading]:
        """The newest reading of each series of one device, or of all."""
        ...

    def range(self, series: Series, start: int, end: int) -> Samples:
        """Every reading of a series."""
        ...

    def rollup(self, series: Series, start: int, end: int, step_ms: int) -> list[Bucket]:
        """Counts, means and extremes by step; empty steps are left out."""
        ...

    def series(self, device: str) -> list[Series]:
        """What is kept of a device."""
        ...

    def close(self) -> None: ...

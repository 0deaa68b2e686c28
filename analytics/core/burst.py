"""Many series of one device jump in the same reading: something happened to the device, not to one series.

A series jumps when it moves by more than three times its largest move in a known good stretch. Counters that stood still there
(routes, neighbours, restarts) jump with their first move. How many of a device jump at once, and over the first minute, tells
the origin from the neighbours that only felt it: `origin`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: A move counts beyond so many times the largest of the good stretch.
_TIMES = 3.0
#: Series of one device that jump in one reading: a call.
CALL = 4
#: An event ends when no device has jumped for so long; the origin is told from its first `_ORIGIN_S`.
QUIET_S, _ORIGIN_S = 60.0, 60.0
#: What jumps less than this many series at once is not part of an event.
_PART = 3


@dataclass(frozen=True, kw_only=True)
class Event:
    """Seconds on the caller's clock. `origin`: the device with the most jumps of the first minute."""

    begin_s: float
    end_s: float
    origin: str
    devices: Sequence[str]


def largest_moves(rows: Floats) -> Floats:
    """`(series,)` from a known good stretch `(rows, series)`; missing values are passed over."""
    moves = np.abs(np.diff(rows, axis=0))
    largest: Floats = np.where(np.isfinite(moves), moves, 0.0).max(0)
    return largest


def jumps(largest: Floats, before: Floats, rows: Floats) -> Ints:
    """How many series jump at each of `rows`; `before` is the row ahead of them."""
    moves = np.abs(np.diff(np.concatenate([before[None, :], rows]), axis=0))
    counted: Ints = (np.where(np.isfinite(moves), moves, 0.0) > _TIMES * largest).sum(1).astype(np.int64)
    return counted


def events(seen: Mapping[str, Sequence[tuple[float, int]]]) -> list[Event]:
    """Merge `(second, jumps)` of all devices of one site: a call opens an event, a quiet minute ends it."""
    marks = sorted((at, name, count) for name, items in seen.items() for at, count in items if count >= _PART)
    found: list[list[tuple[float, str, int]]] = []
    for mark in marks:
        if found and mark[0] - found[-1][-1][0] <= QUIET_S:
            found[-1].append(mark)
        elif mark[2] >= CALL:
            found.append([mark])
    return [_event(members) for members in found]


def _event(members: Sequence[tuple[float, str, int]]) -> Event:
    begin = members[0][0]
    totals: dict[str, int] = {}
    for at, name, count in members:
        if at - begin <= _ORIGIN_S:
            totals[name] = totals.get(name, 0) + count
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    return Event(begin_s=begin, end_s=members[-1][0], origin=ranked[0], devices=ranked)

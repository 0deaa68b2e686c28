"""Several series of one device against each other: does today's mixture fit the mixture of a known good stretch?

`train` takes that stretch; `step` then gives, for each row, how far the short means of all series together lie outside it: the
Mahalanobis distance of the mean of 5, 20 and 60 rows, each over the greatest distance seen in training, the largest of the three.
1 is the edge of what training showed; `CALL` is where an event begins. `events` says which rows belong to one: what a fault leaves
behind (a warmer loop, a refilled tank) is no fault for ever. Unit-free: each series is measured in its own spread.
It does not work where the good stretch is shorter than about 100 rows, or where the load changes in ways training never saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LENGTHS = (5, 20, 60)
#: How many times the edge of training begins an event.
CALL = 2.4
#: An event ends below this share of the call, and below this share of its own peak; from then on, only what is so many times
#: further than the nearest since begins another.
_NEAR, _OVER, _AGAIN = 0.9, 0.5, 2.0
#: Share of each series' own variance added to it: two series that always moved together may part a little.
_RIDGE = 0.1
#: Rows of training before the edge is measured.
_FIRST = 20


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What training left: per length the centre and spread `(series,)`, the inverse covariance, and the edge."""

    centre: tuple[Floats, ...]
    spread: tuple[Floats, ...]
    inverse: tuple[Floats, ...]
    edge: tuple[float, ...]


def train(rows: Floats) -> tuple[Mixture, Floats]:
    """The mixture of the known good `rows` `(rows, series)`, and the tail that `step` goes on from.

    A series with no valid value in training counts as constant. Raises ValueError for fewer than 60 rows.
    """
    if len(rows) < max(LENGTHS):
        raise ValueError(f"expected at least {max(LENGTHS)} rows to train a mixture, got {len(rows)}")
    rows = _filled(rows)
    parts = [_of_length(rows, length) for length in LENGTHS]
    mixture = Mixture(
        centre=tuple(part[0] for part in parts),
        spread=tuple(part[1] for part in parts),
        inverse=tuple(part[2] for part in parts),
        edge=tuple(part[3] for part in parts),
    )
    return mixture, rows[-max(LENGTHS) :]


def step(mixture: Mixture, tail: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Distance of each row, in edges of training, and the new tail. A missing value is taken as the last one of its series."""
    joined = _filled(np.concatenate([tail, rows]))
    ratios = []
    for index, length in enumerate(LENGTHS):
        away = (_means(joined, length)[len(tail) :] - mixture.centre[index]) / mixture.spread[index]
        ratios.append(_distance(away, mixture.inverse[index]) / mixture.edge[index])
    return np.max(ratios, axis=0), joined[-max(LENGTHS) :]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Where the events stand between two blocks: the running one's peak (0: none), else the nearest since the last (0: none yet)."""

    peak: float = 0.0
    nearest: float = 0.0


def events(before: Event, distances: Floats, call: float = CALL) -> tuple[npt.NDArray[np.bool_], Event]:
    """For each row whether it belongs to an event, and what to go on from."""
    inside = np.zeros(len(distances), bool)
    peak, nearest = before.peak, before.nearest
    for index, away in enumerate(distances.tolist()):
        if peak:
            peak = max(peak, away)
            if away < _NEAR * call or away < _OVER * peak:
                peak, nearest = 0.0, away
        elif away > call and away > _AGAIN * nearest:
            peak, nearest = away, 0.0
        else:
            nearest = min(nearest, away)
        inside[index] = peak > 0
    return inside, Event(peak=peak, nearest=nearest)


def _of_length(rows: Floats, length: int) -> tuple[Floats, Floats, Floats, float]:
    every = _means(rows, length)
    means = every[min(length, len(rows) // 2) :]
    centre: Floats = means.mean(0)
    spread: Floats = means.std(0)
    # A series that stood still in training: its first move counts, but not infinitely.
    floor = 1e-3 * np.maximum(np.abs(centre), 1e-9)
    spread = np.where(spread > floor * 1e-6, spread, floor)
    away: Floats = (means - centre) / spread
    covariance = np.atleast_2d(np.cov(away.T)) + _RIDGE * np.eye(rows.shape[1])
    inverse: Floats = np.linalg.inv(covariance).astype(np.float64)
    # The edge also sees the means of the first rows, of fewer readings: a short good stretch knows too little of slow swings.
    edge = _distance((every[_FIRST:] - centre) / spread, inverse).max()
    return centre, spread, inverse, max(float(edge), 1e-9)


def _distance(away: Floats, inverse: Floats) -> Floats:
    squares: Floats = np.einsum("ij,jk,ik->i", away, inverse, away)
    return np.sqrt(np.maximum(squares, 0.0))


def _means(rows: Floats, length: int) -> Floats:
    """Mean of the last `length` rows at each row; of as many as there are at the start."""
    shift = rows[0]
    sums = np.cumsum(np.concatenate([np.zeros((1, rows.shape[1])), rows - shift]), axis=0)
    ends = np.arange(1, len(rows) + 1)
    starts = np.maximum(0, ends - length)
    means: Floats = (sums[ends] - sums[starts]) / (ends - starts)[:, None] + shift
    return means


def _filled(rows: Floats) -> Floats:
    """Each missing value replaced by the last valid one of its series; before the first, by 0."""
    good = np.isfinite(rows)
    last = np.maximum.accumulate(np.where(good, np.arange(len(rows))[:, None], -1), axis=0)
    taken: Floats = np.where(last >= 0, rows[np.maximum(last, 0), np.arange(rows.shape[1])], 0.0)
    return taken

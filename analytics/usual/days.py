"""A day of a gauge in three numbers, and how far it lies outside the four weeks before it.

Per gauge and day, from at least 18 hours: `LEVEL` the median of the hourly means, `SPAN` the median of the hourly ranges (both deaf to an outage of
some hours), `CYCLE` the correlation of its 24 hourly means with its own usual pattern of the day. All is measured in *edges*: the furthest that
any day of the four weeks before lay from their median (at least `GRAIN` of the value, half of what it swings in an hour, and two of the steps in which it
is told), so weekends, weather and the unit are in the measure. Nothing is said of a gauge with fewer than 20 known days of these 28.

`drift` is the rise between the first and the last nine days of the four weeks in units of what the days scatter about that line; `together`
the Mahalanobis distance of the day's levels from the mixture of the four weeks, over the furthest of those days, each measured without itself.

Arrays: `ring` (gauges, 28 days, 3), `today` (gauges, 3), NaN for unknown. Pure numpy, no state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

DAYS, LEAST_DAYS, LEAST_HOURS = 28, 20, 18
LEVEL, SPAN, CYCLE = 0, 1, 2
GRAIN = 0.005
_STEPS = 2.0
_LEAST_SPAN_EDGE = float(np.log(1.3))
#: Days without the pattern (weekends) are not kept, so fewer than `LEAST_DAYS` may be there.
_LEAST_CYCLES = 8
_ENDS = 9
_RIDGE = 0.3
_LEAST_GAUGES = 4


@dataclass(frozen=True, kw_only=True)
class Day:
    """What a day looks like against the weeks before it; one item a gauge, 0 where nothing can be said."""

    usual: Floats  #: median level, in the gauge's unit
    edge: Floats  #: the furthest day's distance from it, same unit
    level: Floats  #: signed, in edges
    span: Floats  #: signed, in edges of the logarithm
    times: Floats  #: today's span over the usual one
    cycle: Floats  #: how strong the pattern of the day usually is, less how strong it is today; 0 where it was never strong
    drift: Floats  #: signed, in scatters
    rise: Floats  #: what the drift amounts to, in the gauge's unit
    together: float  #: in edges; 0 with fewer than four gauges
    strangest: int  #: the gauge that makes most of it


def judge(ring: Floats, today: Floats, steps: Floats) -> Day:
    """Measure `today` against `ring`, which does not hold it yet. `steps` `(gauges,)`: the least move ever seen, 0 where unknown."""
    count = len(ring)
    zero = np.zeros(count)
    found = {name: zero.copy() for name in ("usual", "edge", "level", "span", "times", "cycle", "drift", "rise")}
    rows = np.flatnonzero((np.isfinite(ring[:, :, LEVEL]).sum(1) >= LEAST_DAYS) & np.isfinite(today[:, LEVEL]))
    if not len(rows):
        return Day(**found, together=0.0, strangest=0)
    past, now = ring[rows].astype(np.float64), today[rows].astype(np.float64)
    level = past[:, :, LEVEL]
    usual = _median(level)
    swing = _median(past[:, :, SPAN])
    floor = np.maximum(np.maximum(GRAIN * np.abs(usual), 0.5 * swing), _STEPS * steps[rows]) + 1e-9
    edge = np.maximum(np.fmax.reduce(np.abs(level - usual[:, None]), axis=1), floor)
    found["usual"][rows], found["edge"][rows] = usual, edge
    found["level"][rows] = (now[:, LEVEL] - usual) / edge
    found["span"][rows], found["times"][rows] = _span(past[:, :, SPAN], now[:, SPAN], usual)
    found["cycle"][rows] = _cycle(past[:, :, CYCLE], now[:, CYCLE])
    found["drift"][rows], found["rise"][rows] = _drift(level, floor)
    together, strangest = _together(level, now[:, LEVEL], usual, floor) if len(rows) >= _LEAST_GAUGES else (0.0, 0)
    return Day(**found, together=together, strangest=int(rows[strangest]))


def _span(past: Floats, now: Floats, usual: Floats) -> tuple[Floats, Floats]:
    """Only of a gauge that usually moves within an hour by more than a thousandth of its value."""
    least = 1e-3 * np.abs(usual) + 1e-12
    logs, today = np.log(past + least[:, None]), np.log(now + least)
    middle = _median(logs)
    edge = np.maximum(np.fmax.reduce(np.abs(logs - middle[:, None]), axis=1), _LEAST_SPAN_EDGE)
    moves = _median(past) > least
    away = np.where(moves, today - middle, 0.0)
    return away / edge, np.exp(away)


def _cycle(past: Floats, now: Floats) -> Floats:
    known = np.isfinite(past).sum(1) >= _LEAST_CYCLES
    strong = _median(np.where(known[:, None], past, 0.0))
    lost: Floats = np.where(known & (strong > 0.8) & np.isfinite(now), strong - now, 0.0)
    return lost


def _drift(level: Floats, floor: Floats) -> tuple[Floats, Floats]:
    first, last = level[:, :_ENDS], level[:, -_ENDS:]
    known = (np.isfinite(first).sum(1) > _ENDS // 2) & (np.isfinite(last).sum(1) > _ENDS // 2)
    first, last = np.where(known[:, None], first, 0.0), np.where(known[:, None], last, 0.0)
    begin, end = _median(first), _median(last)
    share = (np.arange(DAYS) - (_ENDS - 1) / 2) / (DAYS - _ENDS)
    line = begin[:, None] + (end - begin)[:, None] * share
    scatter = _median(np.abs(level - line))
    rise = np.where(known, end - begin, 0.0)
    return rise / np.maximum(1.4826 * scatter, floor / 4), rise


def _together(level: Floats, now: Floats, usual: Floats, floor: Floats) -> tuple[float, int]:
    """Leave-one-out by Sherman and Morrison: a day's distance from the mixture of the others follows from that from all."""
    scale = np.maximum(1.4826 * _median(np.abs(level - usual[:, None])), floor / 2)
    days = np.clip(np.nan_to_num((level - usual[:, None]) / scale[:, None]), -8, 8).T
    today = np.clip((now - usual) / scale, -20, 20)
    mixture = days.T @ days / len(days) + _RIDGE * np.eye(len(now))
    solved = np.linalg.solve(mixture, np.column_stack([days.T, today]))
    own = np.minimum((days * solved[:, :-1].T).sum(1) / len(days), 0.95)
    furthest = float(np.sqrt((own * len(days) / (1 - own)).max()))
    parts = today * solved[:, -1]
    return float(np.sqrt(max(parts.sum(), 0.0))) / max(furthest, 1e-9), int(np.argmax(np.abs(parts)))


def gathered(hours: list[list[list[float]]]) -> tuple[Floats, Floats, Floats]:
    """`[hour of the day, mean, range, last]…` of each gauge as means and ranges, `(gauges, 24)` each, NaN for hours that are not known; and the least move of the
    last values from hour to hour, `(gauges,)`, infinite where none moved.
    """
    flat = np.array([(n, *row) for n, some in enumerate(hours) for row in some], np.float64).reshape(-1, 5)
    means, ranges = np.full((len(hours), 24), np.nan), np.full((len(hours), 24), np.nan)
    where = flat[:, 0].astype(int), flat[:, 1].astype(int)
    means[where], ranges[where] = flat[:, 2], flat[:, 3]
    moves = np.abs(np.diff(flat[:, 4]))
    least = np.full(len(hours), np.inf)
    same = (moves > 1e-9 * np.abs(flat[1:, 4])) & (flat[1:, 0] == flat[:-1, 0])
    np.minimum.at(least, where[0][1:][same], moves[same])
    return means, ranges, least


def features(means: Floats, ranges: Floats, pattern: Floats) -> Floats:
    """A day of each gauge as `(gauges, 3)`: LEVEL, SPAN, CYCLE; NaN with too few hours. `pattern`: `(gauges, 24)`, NaN where unknown."""
    known = np.isfinite(means)
    enough = known.sum(1) >= LEAST_HOURS
    away = _centred(np.where(known, means, np.nan))
    shape = _centred(np.where(known, pattern, np.nan))
    both = _sum(away * shape)
    size = np.sqrt(_sum(away**2) * _sum(shape**2))
    strange = (known & ~np.isfinite(pattern)).any(1) | (size <= 0)
    cycle = np.where(strange, np.nan, both / np.where(size > 0, size, 1.0))
    found = np.stack([_median(means), _median(ranges), cycle], axis=1)
    found[~enough] = np.nan
    return found


def blended(pattern: Floats, means: Floats) -> Floats:
    """The patterns after one more day of those gauges that have enough of its hours: a tenth of it is new."""
    away = _centred(means)
    away[np.isfinite(means).sum(1) < LEAST_HOURS] = np.nan
    mixed = np.where(np.isnan(pattern), away, pattern + 0.1 * (away - pattern))
    after: Floats = np.where(np.isnan(away), pattern, mixed)
    return after


def _centred(rows: Floats) -> Floats:
    count = np.maximum(np.isfinite(rows).sum(1), 1)
    centred: Floats = rows - (_sum(rows) / count)[:, None]
    return centred


def _sum(rows: Floats) -> Floats:
    """Of what is known in each row, 0 where nothing is: numpy's own in a third of the time."""
    known: Floats = np.where(np.isnan(rows), 0, rows).sum(axis=1)
    return known


def _median(rows: Floats) -> Floats:
    """Along the last axis, of what is known; NaN where nothing is. (numpy's own takes ten times as long on so few.)"""
    ordered = np.sort(rows, axis=-1)  # NaN comes last
    count = np.isfinite(rows).sum(-1)
    each = np.arange(len(rows))
    middle: Floats = (ordered[each, np.maximum(count - 1, 0) // 2] + ordered[each, count // 2]) / 2
    return middle

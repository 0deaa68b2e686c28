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
from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dposv  # type: ignore[import-untyped]

Floats = npt.NDArray[np.floating]

DAYS, LEAST_DAYS, LEAST_HOURS = 28, 20, 18
LEVEL, SPAN, CYCLE = 0, 1, 2
GRAIN = 0.005
_STEPS = 2.0
_LEAST_SPAN_EDGE = float(np.log(1.3))
#: Days without the pattern (weekends) are not kept, so fewer than `LEAST_DAYS` may be there.
_LEAST_CYCLES, _STRONG = 8, 0.8
_ENDS = 9
#: A correlation is at most this; a pattern that is weaker by less than this is not lost (`analytics.detectors.unusual` asks for it).
_MOST_CYCLE, _LEAST_LOST = 1.0, 0.5
#: Two and a half edges of at least `_LEAST_SPAN_EDGE` lie at least one and a half of them outside of the ring: exp(1.5 * log(1.3)) = 1.48.
_NEAR = 1.4
#: Eight scatters of at least a quarter of the floor.
_LEAST_RISE = 2.0
_SHARE = (np.arange(DAYS) - (_ENDS - 1) / 2) / (DAYS - _ENDS)
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


def judge(ring: Floats, today: Floats, steps: Floats, *, drift_share: float = 0.0) -> Day:
    """Measure `today` against `ring`, which does not hold it yet. `steps` `(gauges,)`: the least move ever seen, 0 where unknown.

    What cannot be out of the usual by `analytics.detectors.unusual` is not measured, but 0: a spread near those of the ring, a pattern that is
    there today, a drift of less than `drift_share` of the value or of two floors.
    """
    found = np.zeros((8, len(ring)))
    past = ring.transpose(2, 0, 1)[: SPAN + 1].astype(np.float64, order="C")
    now, floor = today.T, _STEPS * steps
    rows: slice | npt.NDArray[np.intp] = slice(None)
    whole = isfinite(past[LEVEL].sum() + today[:, LEVEL].sum())
    if not whole:
        rows = np.flatnonzero((np.isfinite(past[LEVEL]).sum(1) >= LEAST_DAYS) & np.isfinite(today[:, LEVEL]))
        past, now, floor = past[:, rows], now[:, rows], floor[rows]
    level, span = past
    if not len(level):
        return _day(found, 0.0, 0)
    (usual, swing), (lows, least), (highs, most) = _ordered(past, whole)
    size = np.abs(usual)
    floor = np.maximum(np.maximum(GRAIN * size, 0.5 * swing), floor) + 1e-9
    edge = np.maximum(np.maximum(highs - usual, usual - lows), floor)
    found[0, rows], found[1, rows], found[2, rows] = usual, edge, (now[LEVEL] - usual) / edge
    each = np.arange(len(ring))[rows]
    some = np.flatnonzero(_wide(now[SPAN], least, most, _least_span(size)))
    if len(some):
        found[3:5, each[some]] = _span(span[some], now[SPAN, some], size[some])
    some = np.flatnonzero(now[CYCLE] < _MOST_CYCLE - _LEAST_LOST)
    if len(some):
        found[5, each[some]] = _cycle(ring[each[some], :, CYCLE], now[CYCLE, some])
    some = np.flatnonzero(highs - lows > np.maximum(drift_share * size, _LEAST_RISE * floor))
    if len(some):
        found[6:, each[some]] = _drift(level[some], floor[some], drift_share * size[some])
    together, strangest = 0.0, 0
    if len(level) >= _LEAST_GAUGES:
        together, strangest = _together(level - usual[:, None], now[LEVEL] - usual, floor, whole)
    return _day(found, together, int(each[strangest]))


def _day(found: Floats, together: float, strangest: int) -> Day:
    usual, edge, level, span, times, cycle, drift, rise = found
    return Day(
        usual=usual, edge=edge, level=level, span=span, times=times, cycle=cycle, drift=drift, rise=rise, together=together, strangest=strangest
    )  # fmt: skip


def _ordered(rows: Floats, whole: bool = False) -> tuple[Floats, Floats, Floats]:
    """Along the last axis, of what is known (`whole`: all is): the medians, the least, the most; NaN where nothing is known."""
    ordered = np.sort(rows, axis=-1)  # NaN comes last
    size = rows.shape[-1]
    if whole or not np.isnan(ordered[..., -1]).any():
        return (ordered[..., (size - 1) // 2] + ordered[..., size // 2]) / 2, ordered[..., 0], ordered[..., -1]
    count = np.isfinite(rows).sum(-1, keepdims=True)
    last = np.maximum(count - 1, 0)
    one, other, most = (np.take_along_axis(ordered, n, -1)[..., 0] for n in (last // 2, count // 2, last))
    return (one + other) / 2, ordered[..., 0], most


def _median(rows: Floats) -> Floats:
    """Along the last axis, of what is known; NaN where nothing is. (numpy's own takes ten times as long on so few.)"""
    return _ordered(rows)[0]


def _least_span(size: Floats) -> Floats:
    """A span below this is none."""
    least: Floats = 1e-3 * size + 1e-12
    return least


def _wide(now: Floats, least: Floats, most: Floats, none: Floats) -> npt.NDArray[np.bool_]:
    """Which spans may be two and a half edges out: at least one and a half of them lie outside of the ring's."""
    now = now + none
    wide: npt.NDArray[np.bool_] = (now > _NEAR * (most + none)) | (now * _NEAR < least + none)
    return wide


def _span(past: Floats, now: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Only of a gauge that usually moves within an hour by more than a thousandth of its value."""
    least = _least_span(size)
    logs, today = np.log(past + least[:, None]), np.log(now + least)
    middle = _median(logs)
    edge = np.maximum(np.fmax.reduce(np.abs(logs - middle[:, None]), axis=1), _LEAST_SPAN_EDGE)
    moves = _median(past) > least
    away = np.where(moves, today - middle, 0.0)
    return away / edge, np.exp(away)


def _cycle(past: Floats, now: Floats) -> Floats:
    """Only of a gauge that usually has one."""
    lost = np.zeros(len(now))
    some = np.flatnonzero((past > _STRONG).sum(1) >= _LEAST_CYCLES // 2)
    if len(some):
        past = past[some].astype(np.float64)
        strong = _median(past)
        known = np.isfinite(past).sum(1) >= _LEAST_CYCLES
        lost[some] = np.where(known & (strong > _STRONG), strong - now[some], 0.0)
    return lost


def _drift(level: Floats, floor: Floats, least: Floats) -> tuple[Floats, Floats]:
    """In scatters, and in the gauge's unit; 0 where the rise is no more than `least`."""
    ends = np.stack([level[:, :_ENDS], level[:, -_ENDS:]])
    known = (np.isfinite(ends).sum(-1) > _ENDS // 2).all(0)
    begin, end = _median(ends)
    rise = np.where(known, end - begin, 0.0)
    drift = np.zeros(len(level))
    some = np.flatnonzero(np.abs(rise) > np.maximum(least, _LEAST_RISE * floor))
    if len(some):
        line = begin[some, None] + (end - begin)[some, None] * _SHARE
        scatter = _median(np.abs(level[some] - line))
        drift[some] = rise[some] / np.maximum(1.4826 * scatter, floor[some] / 4)
    return drift, rise


def _together(off: Floats, now: Floats, floor: Floats, whole: bool) -> tuple[float, int]:
    """Leave-one-out by Sherman and Morrison: a day's distance from the mixture of the others follows from that from all.

    `off`, `now`: how far the days and today lie from the median.
    """
    gauges, size = off.shape
    scale = np.maximum(1.4826 * _ordered(np.abs(off), whole)[0], floor / 2)
    all_ = np.empty((gauges, size + 1))
    days, today = all_[:, :size], all_[:, size]
    np.divide(off, scale[:, None], out=days)
    if not whole:
        np.copyto(days, 0.0, where=np.isnan(days))
    np.minimum(np.maximum(days, -8, out=days), 8, out=days)
    today[:] = np.minimum(np.maximum(now / scale, -20), 20)
    mixture = days @ days.T / size
    mixture.ravel()[:: gauges + 1] += _RIDGE
    _, solved, _ = dposv(mixture, all_)  # what has a ridge can be solved
    parts = solved * all_
    own = parts.sum(axis=0).tolist()
    far, strangest = own.pop(), int(np.abs(parts[:, size]).argmax())
    furthest = min(max(own) / size, 0.95)
    return sqrt(max(far, 0.0)) / max(sqrt(furthest * size / (1 - furthest)), 1e-9), strangest


def gathered(hours: list[list[list[float]]]) -> tuple[Floats, Floats, Floats]:
    """`[hours of the day, means, ranges, lasts]` of each gauge as means and ranges, `(gauges, 24)` each, NaN for hours that are not known; and the least
    move of the last values from hour to hour, `(gauges,)`, infinite where none moved.
    """
    count = len(hours)
    if all(len(some[0]) == 24 for some in hours):
        told: list[float] = []
        for _, mean_, range__, last_ in hours:
            told += mean_
            told += range__
            told += last_
        means, ranges, last = np.array(told).reshape(count, 3, 24).transpose(1, 0, 2)
        moves = np.abs(last[:, 1:] - last[:, :-1])
        moves[moves <= 1e-9 * np.abs(last[:, 1:])] = np.inf
        return means, ranges, moves.min(axis=1)
    sizes = [len(some[0]) for some in hours]
    hour, mean, range_, last = (np.array([x for some in hours for x in some[n]]) for n in range(4))
    gauge = np.repeat(np.arange(count), sizes)
    where = gauge * 24 + hour.astype(np.intp)
    means, ranges = np.full(count * 24, np.nan), np.full(count * 24, np.nan)
    means[where], ranges[where] = mean, range_
    moves = np.abs(np.diff(last))
    same = (moves > 1e-9 * np.abs(last[1:])) & (gauge[1:] == gauge[:-1])
    least = np.full(count, np.inf)
    np.minimum.at(least, gauge[1:][same], moves[same])
    return means.reshape(count, 24), ranges.reshape(count, 24), least


def learned(means: Floats, ranges: Floats, pattern: Floats) -> tuple[Floats, Floats]:
    """A day of each gauge as `(gauges, 3)`: LEVEL, SPAN, CYCLE; NaN with too few hours; and the patterns after it: a tenth of it is new.

    `pattern`: `(gauges, 24)`, NaN where unknown. Only a day with enough hours changes it.
    """
    found = np.empty((len(means), 3))
    if isfinite(means.sum() + pattern.sum()):
        found[:, LEVEL], found[:, SPAN] = _ordered(np.array([means, ranges]), whole=True)[0]
        away, shape = (rows - (rows.sum(axis=1) / 24)[:, None] for rows in (means, pattern))
        found[:, CYCLE] = _correlation(away, shape)
        return found, pattern + 0.1 * (away - pattern)
    known = np.isfinite(means)
    found[:, LEVEL], found[:, SPAN] = _median(np.stack([means, ranges]))
    few = known.sum(1) < LEAST_HOURS
    found[:, CYCLE] = _correlation(
        _filled(_centred(np.where(known, means, np.nan))), _filled(_centred(np.where(known, pattern, np.nan)))
    )
    found[(known & ~np.isfinite(pattern)).any(1), CYCLE] = np.nan
    found[few] = np.nan
    away = _centred(means)
    away[few] = np.nan
    mixed = np.where(np.isnan(pattern), away, pattern + 0.1 * (away - pattern))
    return found, np.where(np.isnan(away), pattern, mixed)


def _correlation(one: Floats, other: Floats) -> Floats:
    """Of two centred rows each; NaN where one of them stands still."""
    size = np.sqrt((one * one).sum(axis=1) * (other * other).sum(axis=1))
    found = np.full(len(size), np.nan)
    np.divide((one * other).sum(axis=1), size, out=found, where=size > 0)
    return found


def _centred(rows: Floats) -> Floats:
    count = np.maximum(np.isfinite(rows).sum(1), 1)
    centred: Floats = rows - (_filled(rows).sum(axis=1) / count)[:, None]
    return centred


def _filled(rows: Floats) -> Floats:
    """0 for what is not known."""
    known: Floats = np.where(np.isnan(rows), 0.0, rows)
    return known

"""The detector for history at the centre: a device's series, whole, each reading judged by itself and its past alone.

One setting for everything. It remembers the whole past (the stream of this package does not) and is asked three things:

`extent`   how unlike its past is the stretch that ends here: high for as long as it lasts. The most unlike series of the device.
`news`     is this reading something to call about now: high once, early. The most newsworthy series of the device.
`mixture`  do the series still fit each other as in a known good stretch at the beginning: needs that stretch, and more than one
           series. `residual.events` says which rows belong to an event.

The news of one series, from measures that are each ranked among their own past (-log10 p):

    level    away from the median of the past                     1      of 5 readings   0.5
    side     mean of 10 readings, high or low among all such      1      low reading     0.5
    order    share of known contexts that never saw this letter   1
    day      away from this half hour of the day, tail by slope   1
    extent   as above                                             2

    news = sqrt(sum(weight * part ** 2)) - 0.3 * sqrt(sum(weight)) * (log10(readings of the device so far) - 3.5), not below 0

The square lets one measure speak alone; the last term keeps the false calls of a device per life, not per reading: in a past ten times
as long, or of ten times as many series, the same p comes ten times as often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.core.exact import both, median, upper
from analytics.core.novelty import novelty
from analytics.core.residual import step, train
from analytics.core.seasons import of_day
from analytics.core.windows import extent

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

#: News that is a call.
CALL = 5.2
#: After a call only news so many times as large calls again, for this share of the past, at least so many readings.
_LOUDER, _QUIET_SHARE, _QUIET_LEAST = 1.05, 0.05, 60
_WEIGHTS = {"level": 1.0, "level 5": 0.5, "side": 1.0, "low": 0.5, "order": 1.0, "day": 1.0, "extent": 2.0}
_LIFE, _LIFE_FROM = 0.3, 3.5
_TWO_SIDES = 0.3
#: Rows that a mixture needs for its training.
_GOOD_ROWS = 60


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One number a row each; `mixture` is None without a known good stretch or with one series only."""

    extent: Floats
    news: Floats
    #: Which series (column of `values`) the news is of.
    speaker: npt.NDArray[np.int64]
    mixture: Floats | None


def score(values: Floats, good_rows: int | None = None, at_ms: Times | None = None) -> Judged:
    """Judge `values` `(rows, series)`; the first `good_rows` are known to be good; `at_ms` `(rows,)` gives the time of day.

    A missing or infinite value counts as the last one of its series. Series that take at most two values in the good stretch are left
    out (all are kept where none takes more). Times are only used for the half hour of the day.
    """
    values = filled(np.asarray(values, np.float64))
    if not values.size:
        none = np.zeros(len(values))
        return Judged(extent=none, news=none, speaker=none.astype(np.int64), mixture=None)
    columns = _measured(values, good_rows)
    chosen = values[:, columns]
    extents = [extent(column) for column in chosen.T]
    series = chosen.shape[1]
    news = [_news(column, far, at_ms, series) for column, far in zip(chosen.T, extents, strict=True)]
    together = None
    if good_rows is not None and good_rows >= _GOOD_ROWS and chosen.shape[1] > 1:
        together = mixture(chosen, good_rows)
    return Judged(
        extent=np.max(extents, axis=0),
        news=np.max(news, axis=0),
        speaker=np.array(columns)[np.argmax(news, axis=0)],
        mixture=together,
    )


def mixture(values: Floats, good_rows: int) -> Floats:
    """`Judged.mixture` alone, of all of `values` `(rows, series)`; the cheap part. Raises ValueError below 60 good rows."""
    learned, _ = train(values[:good_rows])
    distances, _ = step(learned, values[:1].repeat(_GOOD_ROWS, axis=0), values)
    return distances


def calls(news: Floats, threshold: float = CALL) -> npt.NDArray[np.bool_]:
    """Where a call is made: loud enough, and not in the shadow of an earlier call."""
    found: npt.NDArray[np.bool_] = heard(news) >= threshold
    return found


def heard(news: Floats) -> Floats:
    """`news` without what an earlier one overshadows: what any threshold would call."""
    out = np.zeros(len(news))
    last, loud = -len(news) - _QUIET_LEAST, 0.0
    for index, value in enumerate(news.tolist()):
        free = index - last >= max(_QUIET_LEAST, _QUIET_SHARE * index)
        if value > 0 and (free or value > _LOUDER * loud):
            out[index], last, loud = value, index, value
    return out


def parts(values: Floats, far: Floats, at_ms: Times | None) -> dict[str, Floats]:
    """-log10 p of each measure of one series (finite); `far` is its extent."""
    usual = median(values)
    high, low = both(_mean(values, 10))
    return {
        "level": upper(np.abs(values - usual)),
        "level 5": upper(np.abs(_mean(values, 5) - usual)),
        "side": np.maximum(np.maximum(high, low) - _TWO_SIDES, 0.0),
        "low": upper(-values),
        "order": upper(novelty(values)),
        "day": np.zeros(len(values)) if at_ms is None else upper(of_day(values, at_ms), tail=True),
        "extent": far,
    }


def _news(values: Floats, far: Floats, at_ms: Times | None, series: int) -> Floats:
    found = parts(values, far, at_ms)
    loud = np.sqrt(sum(_WEIGHTS[name] * part**2 for name, part in found.items()))
    life = np.log10(np.arange(1, len(values) + 1) * series) - _LIFE_FROM
    news: Floats = np.where(loud > 0, np.maximum(loud - _LIFE * np.sqrt(sum(_WEIGHTS.values())) * life, 0.0), 0.0)
    return news


def _mean(values: Floats, length: int) -> Floats:
    """Mean of the last `length` readings, of as many as there are at the start."""
    sums = np.cumsum(np.concatenate([[0.0], values - values[0]]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - length)
    means: Floats = (sums[ends] - sums[starts]) / (ends - starts) + values[0]
    return means


def _measured(values: Floats, good_rows: int | None) -> list[int]:
    every = range(values.shape[1])
    if good_rows is None:
        return list(every)
    return [index for index in every if len(np.unique(values[:good_rows, index])) > 2] or list(every)


def filled(values: Floats) -> Floats:
    """Each missing or infinite value replaced by the last finite one of its series; before the first, by 0."""
    good = np.isfinite(values)
    last = np.maximum.accumulate(np.where(good, np.arange(len(values))[:, None], -1), axis=0)
    filled: Floats = np.where(last >= 0, values[np.maximum(last, 0), np.arange(values.shape[1])], 0.0)
    return filled

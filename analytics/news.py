"""What was news in months of a device's hours: calls of `analytics.core.whole` in words, with the gauge that spoke and how.

For people who look back over a device's history and for those who compare detectors: no findings, no jobs. On a healthy gauge about three
calls in a year of hours; what the seasons bring for the first time is called too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.core import whole
from analytics.core.windows import extent
from model.text import Text

Floats = npt.NDArray[np.float64]

#: Hours below which nothing is said.
LEAST_HOURS = 24 * 7
#: A part is named when it alone is as sure as one hour in so many.
_NAMED = 2.0
PARTS = {
    "level": Text("far from its median", "远离中位数"),
    "level 5": Text("far from its median for hours", "连续数小时远离中位数"),
    "side": Text("its mean of ten hours is high or low", "十小时均值偏高或偏低"),
    "low": Text("low", "偏低"),
    "order": Text("an order of values never seen", "出现从未有过的数值次序"),
    "day": Text("unlike this time of day", "与一天中此时段的常态不符"),
    "extent": Text("unlike every stretch before", "与以往任何一段都不相似"),
}


@dataclass(frozen=True, kw_only=True)
class News:
    """`at`: begin of the hour, ms; `loud`: the news, a call is 5.2; `parts`: what spoke, the surest first, as -log10 p."""

    at: int
    gauge: str
    value: float
    loud: float
    parts: dict[str, float]

    @property
    def how(self) -> Text:
        named = [PARTS[name] for name in self.parts] or [Text("a little of everything", "各项均略有异常")]
        return Text(", ".join(one.en for one in named), "、".join(one.zh for one in named))


def news(gauges: Sequence[str], at_ms: npt.NDArray[np.int64], hours: Floats) -> list[News]:
    """Calls in `hours` `(hours, gauges)`, NaN where nothing was heard; in time. Less than a week of hours: none.

    A gauge counts as standing still while it is not heard, and is never news then.
    """
    if len(hours) < LEAST_HOURS:
        return []
    judged = whole.score(hours, at_ms=at_ms)
    told: dict[int, dict[str, Floats]] = {}
    found = []
    for row in np.flatnonzero(whole.calls(judged.news)).tolist():
        column = int(judged.speaker[row])
        if not np.isfinite(hours[row, column]):
            continue
        if column not in told:
            values = whole.filled(hours)[:, column]
            told[column] = whole.parts(values, extent(values), at_ms)
        sure = {name: round(float(part[row]), 2) for name, part in told[column].items() if part[row] >= _NAMED}
        found.append(
            News(
                at=int(at_ms[row]),
                gauge=gauges[column],
                value=float(hours[row, column]),
                loud=round(float(judged.news[row]), 2),
                parts=dict(sorted(sure.items(), key=lambda item: -item[1])),
            )
        )
    return found

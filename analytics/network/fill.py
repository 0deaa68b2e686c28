"""A share (0..100 %) that fills up day by day: the slope of its daily lows since the last fall, how sure, and when it is full.

The lows are taken, because what is only cached or worked on is given back within the day; a leak raises the lows. A fall of the lows by `FALL` points, or
a restart, begins a new tooth: a saw-tooth that climbs alike after every restart is the same leak. State of one series: {"days": {"open", "rows"} of
`analytics.slow.days`, "from": first day of the tooth, "teeth": [[days, points a day] of finished teeth]}.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from analytics.slow import days
from analytics.slow.trend import Slope, daily

FALL = 5.0
#: Days looked at.
SPANS = (10, 21, 45)
#: A climb whose newer half is flatter than this share of its older half will not go on.
FLATTENS = 0.5
KEPT_DAYS, LEAST_HOURS, TEETH = 45, 12, 6
Fill = dict[str, Any]


class Climb(NamedTuple):
    """Points a day (P5 in `slope.low`), over `days`; `share` now; teeth before that climbed alike."""

    slope: Slope
    days: int
    risen: float
    share: float
    since_day: int
    teeth: int


def take(fill: Fill, at: int, share: float) -> tuple[Fill, bool]:
    """One hour's lowest share, %; whether a day closed by it. The fill given is not changed."""
    rolled, day = days.take(fill.get("days", {}), at, share, keep=KEPT_DAYS, least=LEAST_HOURS)
    after: Fill = {**fill, "days": rolled}
    first = after.setdefault("from", at // days.DAY_MS)
    if day is None:
        return after, False
    known = [one for one in days.closed(rolled) if one.day >= first]
    if len(known) >= 2 and known[-1].low < known[-2].low - FALL:
        return _tooth(after, day.day), True
    return after, True


def fills(fill: Fill, at: Sequence[int], shares: Sequence[float]) -> Iterator[tuple[Fill, int]]:
    """`take` for many hours; the fill and the hour (ms) each time that a day closed, and at the end. None of those given is changed."""
    after: Fill = {**fill, "days": days.own(fill.get("days", {}))}
    after.setdefault("from", at[0] // days.DAY_MS)
    for hour, share in zip(at, shares, strict=True):
        if days.put(after["days"], hour, share, keep=KEPT_DAYS, least=LEAST_HOURS):
            rows = [row for row in after["days"]["rows"][-2:] if row[0] >= after["from"]]
            if len(rows) == 2 and rows[1][3] < rows[0][3] - FALL:
                after = _tooth(after, rows[1][0])
            yield after, hour
    yield after, -1


def restart(fill: Fill, at: int) -> Fill:
    """The device restarted in the hour of `at`: what it climbed before is a tooth of its own."""
    return _tooth(fill, at // days.DAY_MS)


def climb(fill: Fill, least_days: int, least_risen: float) -> Climb | None:
    """The climb of the present tooth, when it is long enough, sure to rise, by so much, and goes on.

    Of three spans the one that surely rises most: a leak that began late in a long tooth is seen by the short one, a slow one by the long one.
    """
    best: Climb | None = None
    tooth = [one for one in days.closed(fill.get("days", {})) if one.day >= fill["from"]]
    for length in SPANS:
        known = tooth[-length:]
        if len(known) < least_days:
            break
        if known[-1].low - min(one.low for one in known) < least_risen:
            continue
        slope = daily([one.day for one in known], [one.low for one in known])
        span = known[-1].day - known[0].day
        if slope is None or not slope.rises or slope.per_x * span < least_risen or _flattens(known) < FLATTENS:
            continue
        alike = sum(0.5 * slope.per_x <= pace <= 2 * slope.per_x for _, pace in fill.get("teeth", []))
        if best is None or slope.low > best.slope.low:
            best = Climb(slope, span, slope.per_x * span, known[-1].low, known[0].day, alike)
    return best


def goes_on(fill: Fill, pace: float) -> bool:
    """Whether what climbed by `pace` points a day still climbs at a quarter of it, over the newest week of this tooth."""
    known = [one for one in days.closed(fill.get("days", {})) if one.day >= fill["from"]][-7:]
    slope = daily([one.day for one in known], [one.low for one in known])
    return slope is not None and slope.per_x > pace / 4


def slope_a_day(fill: Fill, least_days: int) -> float | None:
    """Points a day of the present tooth, whether it rises or not; None when it is too short."""
    known = [one for one in days.closed(fill.get("days", {})) if one.day >= fill.get("from", 0)]
    slope = daily([one.day for one in known], [one.low for one in known]) if len(known) >= least_days else None
    return None if slope is None else slope.per_x


def _flattens(known: list[days.Day]) -> float:
    """The slope of the newer half over that of the older one; 1 when the older did not climb."""
    half = len(known) // 2
    older = daily([one.day for one in known[: half + 1]], [one.low for one in known[: half + 1]])
    newer = daily([one.day for one in known[-half - 1 :]], [one.low for one in known[-half - 1 :]])
    if older is None or newer is None or older.per_x <= 0:
        return 1.0
    return newer.per_x / older.per_x


def _tooth(fill: Fill, day: int) -> Fill:
    """End the present tooth; the next begins after `day`, whose own values are mixed."""
    known = [one for one in days.closed(fill["days"]) if fill["from"] <= one.day < day]
    teeth = fill.get("teeth", [])
    slope = daily([one.day for one in known], [one.low for one in known]) if len(known) >= 5 else None
    if slope is not None and slope.rises:
        teeth = [*teeth, [len(known), slope.per_x]][-TEETH:]
    return {**fill, "from": day + 1, "teeth": teeth}

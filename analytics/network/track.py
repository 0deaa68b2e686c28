"""One normalised quantity of one part: what it was when it was learned, what it is now, and its days between.

A track is a dict of lists, plain data: {"recent": [[at ms, x] … the newest 24 hours], "rows": [[day, median, half-range] … the newest
days], "base": [level, spread] once learned}. The quantity is normalised first (a share, a ratio, a difference to the inlet, a current at one
temperature), so that seasons and load do not move it. The base is learned once, from the first days, and does not follow: slow ageing must not
be learned away. An exchange, a move or another unit (`rescaled`) calls for `relearn`.

Functions change the track of the caller's own; `Tracks` copies each track before its first change.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from analytics.slow.days import DAY_MS
from analytics.slow.level import level

HOUR_MS = 3_600_000
Track = dict[str, Any]

LEARN_DAYS, KEPT_DAYS, LEAST_HOURS, RECENT = 14, 60, 6, 24
#: Half the range of a day's hours between its second and its second last value is taken for its usual swing.
_TRIM = 2


class Tracks:
    """The tracks of one device, copied when first touched. `held` is what goes back into the state."""

    def __init__(self, held: dict[str, Track]) -> None:
        self.held = dict(held)
        self._own: set[str] = set()

    def of(self, key: str) -> Track:
        """The caller's own copy of one track."""
        if key not in self._own:
            self._own.add(key)
            old = self.held.get(key, {})
            self.held[key] = {name: list(value) for name, value in old.items()} if old else {"recent": [], "rows": []}
        return self.held[key]

    def drop(self, key: str) -> None:
        """Forget one."""
        self.held.pop(key, None)


def add(track: Track, at: int, x: float, *, learn_days: int = LEARN_DAYS) -> bool:
    """Take one hour; whether a day closed by it."""
    recent: list[list[float]] = track["recent"]
    closed = (
        bool(recent)
        and at // DAY_MS > recent[-1][0] // DAY_MS
        and _close(track, int(recent[-1][0] // DAY_MS), learn_days)
    )
    recent.append([at, x])
    if len(recent) > RECENT:
        del recent[:-RECENT]
    return closed


def extend(track: Track, at: Sequence[int], xs: Sequence[float]) -> None:
    """Take many hours at once: as `add` would one by one, for a track that cannot learn its base by them (`settled`)."""
    recent: list[list[float]] = track["recent"]
    begin, size = 0, len(at)
    while begin < size:
        day = at[begin] // DAY_MS
        if recent and day > recent[-1][0] // DAY_MS:
            _close(track, int(recent[-1][0] // DAY_MS), LEARN_DAYS)
        end = size if at[-1] // DAY_MS <= day else bisect_left(at, (day + 1) * DAY_MS, begin)
        recent += map(list, zip(at[begin:end], xs[begin:end], strict=True))
        if len(recent) > RECENT:
            del recent[:-RECENT]
        begin = end


def near(track: Track, xs: Iterable[float]) -> list[float]:
    """The newest hours and these that follow: between the least and the most of them lies every median that is asked for meanwhile."""
    return [x for _, x in track["recent"]] + [*xs]


def settled(track: Track, at: Sequence[int]) -> bool:
    """Whether these hours cannot make it learn its base: it knows it, or needs more days than they are."""
    return "base" in track or len(track["rows"]) + 2 + (at[-1] - at[0]) // DAY_MS < LEARN_DAYS


def base(track: Track) -> tuple[float, float] | None:
    """What the quantity was when it was learned, and how far it usually strays; None while learning."""
    found = track.get("base")
    return (found[0], found[1]) if found else None


def newest(track: Track, hours: int) -> float | None:
    """The median of the newest `hours` values when they lie within twice as many hours; None with fewer."""
    some = track["recent"][-hours:]
    if len(some) < hours or some[-1][0] - some[0][0] >= 2 * hours * HOUR_MS:
        return None
    return _middle(sorted([x for _, x in some]))


def since(track: Track, limit: float, sign: int) -> int:
    """When (ms) the newest run beyond `limit` began: sign 1 above, -1 below; days, then hours."""
    began = int(track["recent"][-1][0])
    for at, x in reversed(track["recent"]):
        if sign * (x - limit) < 0:
            return began
        began = int(at)
    for day, middle, _ in reversed(track["rows"]):
        if sign * (middle - limit) < 0:
            return began
        began = int(min(began, day * DAY_MS))
    return began


def step(track: Track) -> float | None:
    """By how much the newest 6 hours differ from the 12 before; None with fewer."""
    values = [float(x) for _, x in track["recent"][-18:]]
    return _middle(sorted(values[12:])) - _middle(sorted(values[:12])) if len(values) == 18 else None


def relearn(track: Track) -> None:
    """Forget all: the part is another one now."""
    track.clear()
    track.update({"recent": [], "rows": []})


def rescaled(x: float, before: float) -> bool:
    """Whether the unit changed by a power of ten rather than the quantity (V to mV after an update).

    >>> rescaled(12040.0, 12.0), rescaled(11.2, 12.0), rescaled(1.2, 12.1)
    (True, False, True)
    """
    if x * before <= 0:
        return False
    decades = math.log10(x / before)
    return abs(round(decades)) >= 1 and abs(decades - round(decades)) < 0.03


def _middle(values: list[float]) -> float:
    """The median of sorted values: plainer and quicker than the statistics module's, which is asked every hour."""
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def _close(track: Track, day: int, learn_days: int) -> bool:
    values = sorted(x for at, x in track["recent"] if at // DAY_MS == day)
    if len(values) < LEAST_HOURS:
        return False
    half = (values[-1 - _TRIM] - values[_TRIM]) / 2
    rows = track["rows"] = [*track["rows"], [day, _middle(values), half]][-KEPT_DAYS:]
    if "base" not in track and len(rows) >= learn_days:
        middle, spread = level([row[1] for row in rows])
        track["base"] = [middle, spread + _middle(sorted(row[2] for row in rows))]
    return True

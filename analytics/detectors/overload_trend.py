"""The load grows towards the rating. Sees: the weekly peak of `ups.load` (hourly means, the second highest of the week, each phase): over 80 % in two
weeks in a row, or a slope over the newest 6, 10 or 26 weeks that reaches 80 % or 100 % within 60 days. What reaches 80 % is a warning: shown, no job; what
reaches 100 % is one. A step of the load is no slope. Where the inventory says that UPSs stand in
parallel (`parallel`), the share that one would carry if another fails must stay under 100 %.

Does not work for a load that comes in one step (see `overload` when it is too much), nor in the first five weeks but for 100 %.

State: {"week": number, "top": {phase: [highest, second]}, "peaks": {phase: [[week, peak] …]}, "open": what stands}.
"""

from __future__ import annotations

from bisect import bisect_left
from statistics import median
from typing import NamedTuple

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import episodes
from analytics.slow.days import DAY_MS
from analytics.slow.frames import columns, heard
from analytics.slow.trend import Crossing, crossing, theil_sen
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

KIND = "overload_trend"
_LOAD = "ups.load"
WEEK_MS = 7 * DAY_MS


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, overload: weekly peak 80 % warn, 100 % alarm, N+1 100 %; the times are engineering defaults (tune)."""

    warn: float = 80.0
    full: float = 100.0
    well: float = 75.0
    horizon_days: float = 60.0
    windows: tuple[tuple[int, float], ...] = ((6, 8.0), (10, 5.0), (26, 4.0))  #: (newest weeks, least growth in points)
    keep: int = 26
    p: float = 0.02  #: a step or one busy week is not taken for a slope
    least_peak: float = 60.0  #: below it no slope is told: too far away
    step: float = 1 / 3  #: of the growth, in one go
    young: int = 5  #: weeks in which a load of 80 % is taken for what was planned
    least_hours: int = 48  #: of a week with a peak of its own


SETTING = Setting()
ADVICE = Text(
    "See what was added, and move load to another UPS or phase before the date; plan a larger unit where all of it must stay. Runtime on battery falls "
    "faster than the load rises. This is wrong if the growth was a test or a migration that is over.",
    "查明新增了哪些负载，并在预计日期之前将部分负载移到其他 UPS 或其他相；确需保留则规划扩容。电池续航的下降比负载的上升更快。"
    "若增长只是测试或已结束的割接，则本判断不成立。",
)
WELL = Text("the weekly peak is well below 80 % and does not get there soon", "每周峰值明显低于 80%，且近期不会达到")
_OVER = Text(
    "weekly peak {peak:.0f} %, two weeks in a row over {limit:.0f} %", "每周峰值 {peak:.0f}%，连续两周超过 {limit:.0f}%"
)
_GROWS = Text(
    "the weekly peak grows by {slope:.2f} points a week over {n} weeks and is {peak:.0f} % now: {limit:.0f} % in about {days} days",
    "每周峰值在 {n} 周内平均每周上升 {slope:.2f} 个百分点，现为 {peak:.0f}%：约 {days} 天后达到 {limit:.0f}%",
)
_PARALLEL = Text(
    "one of {n} in parallel lost, each of the rest would carry {share:.0f} %: there is no spare unit any more",
    "{n} 台并机中失去一台时，其余每台将承担 {share:.0f}%：已无冗余",
)


class Sign(NamedTuple):
    """Why it is told."""

    severity: Severity
    score: float
    evidence: Evidence
    forecast: int | None


class OverloadTrend:
    kinds = frozenset({KIND})
    needs = frozenset({_LOAD})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {**state, "top": dict(state.get("top", {})), "open": dict(state.get("open", {}))}
        changes: list[Change] = []
        ats, begin = heard(hours, self.needs), 0
        while begin < len(ats):
            week = (ats[begin] + 3 * DAY_MS) // WEEK_MS  # weeks begin on Monday
            until = (week + 1) * WEEK_MS - 3 * DAY_MS
            if state.setdefault("week", week) < week:
                _close(state)
                changes += _judge(state, ats[begin], context)
                state["week"] = week
            for index, column in columns(hours, _LOAD).items():
                of_week = slice(bisect_left(column.at, ats[begin]), bisect_left(column.at, until))
                _take(state, index or "", column.mean[of_week])
            begin = bisect_left(ats, until, begin)
        return state, changes


def _take(state: State, key: str, means: list[float]) -> None:
    """Some hours of one week and phase."""
    if not means:
        return
    highest, second, n = state["top"].get(key, (0.0, 0.0, 0))
    for mean in means:
        if mean >= highest:
            highest, second = mean, highest
        elif mean > second:
            second = mean
    state["top"][key] = [highest, second, n + len(means)]


def _close(state: State) -> None:
    """The week is over: its peaks go into the rows, if it had hours enough."""
    peaks = dict(state.get("peaks", {}))
    for key, (_, second, n) in state["top"].items():
        if n >= SETTING.least_hours:
            peaks[key] = [*peaks.get(key, []), [state["week"], second]][-SETTING.keep :]
    state["peaks"], state["top"] = peaks, {}


def _judge(state: State, at: int, context: Context) -> list[Change]:
    device = context.device
    units = 1 + sum(
        1
        for other in context.siblings
        if device.parallel and other.parallel == device.parallel and other.id != device.id
    )
    signs: list[Sign] = []
    well = True
    for key, rows in sorted(state["peaks"].items()):
        if rows[-1][0] != state["week"]:
            continue
        grown = [_grows(key, rows[-weeks:], at, weeks, growth) for weeks, growth in SETTING.windows]
        signs += [sign for sign in (_over(key, rows, at), *grown, _spare(key, rows, at, units)) if sign]
        well = well and rows[-1][1] < SETTING.well
    if not signs:
        return episodes.end(state["open"], device.id, KIND, None, at, WELL) if well else []
    dates = [sign.forecast for sign in signs if sign.forecast is not None]
    finding = Finding(
        device=device.id,
        kind=KIND,
        index=None,
        severity=min((sign.severity for sign in signs), key=lambda severity: severity.rank),
        since=at,
        score=max(sign.score for sign in signs),
        evidence=tuple(sign.evidence for sign in signs),
        advice=ADVICE,
        forecast=min(dates, default=None),
    )
    return episodes.stand(state["open"], finding, at)


def _over(key: str, rows: list[list[float]], at: int) -> Sign | None:
    newest = [peak for _, peak in rows[-2:]]
    if len(newest) < 2 or min(newest) < (SETTING.warn if len(rows) >= SETTING.young else SETTING.full):
        return None
    severity = Severity.MAJOR if min(newest) >= SETTING.full else Severity.WARNING
    return Sign(severity, 0.95, _said(_OVER.format(peak=newest[-1], limit=SETTING.warn), key, newest[-1], at), None)


def _grows(key: str, rows: list[list[float]], at: int, weeks: int, growth: float) -> Sign | None:
    peak = rows[-1][1]
    if len(rows) < weeks or not SETTING.least_peak <= peak < SETTING.full:
        return None
    slope = theil_sen([7.0 * week for week, _ in rows], [peak for _, peak in rows])
    if slope is None or not slope.rises or slope.p > SETTING.p or slope.per_x * 7 * (rows[-1][0] - rows[0][0]) < growth:
        return None
    if _step([peak for _, peak in rows], slope.per_x * 7):
        return None
    limit = SETTING.warn if slope.at_end < SETTING.warn else SETTING.full
    found = crossing(slope, at, limit)
    if not _soon(found, at) or found is None:
        return None
    full = crossing(slope, at, SETTING.full)
    severity = Severity.MAJOR if _soon(full, at) else Severity.WARNING
    days = round((found.at - at) / DAY_MS)
    text = _GROWS.format(slope=slope.per_x * 7, n=len(rows), peak=peak, limit=limit, days=days)
    return Sign(severity, 0.8, _said(text, key, peak, at), full.at if full else None)


def _step(peaks: list[float], slope: float) -> bool:
    """Whether most of the growth came between two weeks: the medians of three weeks on either side, beyond what the slope explains."""
    jumps = [median(peaks[n : n + 3]) - median(peaks[n - 3 : n]) for n in range(3, len(peaks) - 2)]
    return max(jumps, default=0.0) - 3 * slope > SETTING.step * slope * len(peaks)


def _soon(found: Crossing | None, at: int) -> bool:
    return found is not None and found.at - at <= SETTING.horizon_days * DAY_MS


def _spare(key: str, rows: list[list[float]], at: int, units: int) -> Sign | None:
    newest = [peak for _, peak in rows[-2:]]
    if units < 2 or len(newest) < 2:
        return None
    share = min(newest) * units / (units - 1)
    if share <= SETTING.full:
        return None
    return Sign(Severity.MINOR, 0.9, _said(_PARALLEL.format(n=units, share=share), key, newest[-1], at), None)


def _said(text: Text, key: str, value: float, at: int) -> Evidence:
    which = Text(f"phase {key}: {text.en}", f"{key} 相：{text.zh}") if key else text
    return Evidence(text=which, at=at, point=_LOAD, index=key or None, value=value, expected=SETTING.warn)

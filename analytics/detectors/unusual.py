"""Something about this device is not as usual: a gauge that no rule of ours watches left what it did for weeks, or they no longer fit together.

Sees every measured gauge by the day (`analytics.usual.days`), against its own four weeks before: a *level* two and a half times further out than any day of
them; a *spread* within the hour so far out and two and a half times as wide or narrow; a *drift* through the four weeks of a tenth of the value and eight times
its scatter (not of temperatures, which follow the seasons); a *pattern* of the day that was always there and is lost for ten days; and where four gauges
or more are known, their levels *together* further from their usual mixture than any of those days by 2.6 times. Each must hold for three days running.
One finding a device, the strongest first, with the series to draw. What is unusual is not learned from; after two weeks it counts as the new usual and the
finding is taken back, as it is after two usual days.

When it does not work: in a device's first month (silent); for gauges told less than 18 hours a day; what lasts less than three days; a season that
starts within days. It knows no causes: shown beside other findings, never a job by itself. A value that stands still is `sensor_stuck`.

State: {"day": number, "first": number of the first day seen, "today": {key: [hours, means, ranges, last values]}, "keys": […], "steps": least move of each, "ring", "pattern": float32 as bytes (keys x 28 x 3, keys x 24), "runs": {"channel key":
[days, first day]}, "well": usual days since, "told": {"since": ms, "what": […]} or None}.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import sub
from typing import Any

import numpy as np

from analytics.detector import Context, State
from analytics.hours import HOUR_MS, HourColumn, Hours
from analytics.usual import days
from analytics.usual.days import Day, Floats
from analytics.usual.gauges import MEASURED, columns, named
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.points import POINTS
from model.text import Text

KIND = "unusual"
DAY_MS = 24 * HOUR_MS
LEVEL_EDGES, SPAN_EDGES, SPAN_TIMES, CYCLE_LOST, DRIFTS, DRIFT_SHARE, TOGETHER_EDGES = 2.5, 2.5, 2.5, 0.5, 8.0, 0.1, 2.6
HOLD_DAYS = {"level": 3, "span": 3, "drift": 3, "cycle": 10, "together": 3}
_CHANNELS = ("level", "span", "drift", "cycle")
WELL_DAYS, NEW_USUAL_DAYS = 2, 14
#: What is usual of a device is not known sooner than it has been seen for a month.
FIRST_DAYS = 30
MOST_LISTED = 3
#: By judgement, not calibrated: it says that something changed, seldom what.
SCORE = 0.5

ADVICE = Text(
    "Look at the series drawn: what was changed on the day it began (load, setting, part, firmware, cabling, room)? If nothing was, compare the value with the "
    "device's panel and with a like device. Alone this is no reason for a job, but it belongs into the report of the next visit. It is wrong if the "
    "change was intended.",
    "查看所绘曲线：变化开始当天做过什么改动（负载、参数、部件、固件、接线、机房）？如无改动，请与设备面板及同类设备对比。单凭此项不足以派工，但应列入下次巡检。若变化是有意为之，则本结论不成立。",
)
BACK = Text("as usual again for two days", "已连续两天恢复常态")
ACCEPTED = Text("it has stayed so for two weeks and counts as usual from now on", "该状态已持续两周，今后视为常态")


class Unusual:
    kinds = frozenset({KIND})
    needs = MEASURED

    def fresh(self) -> State:
        return {
            "day": None,
            "first": None,
            "today": {},
            "keys": [],
            "steps": [],
            "ring": b"",
            "pattern": b"",
            "runs": {},
            "well": 0,
            "told": None,
        }

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {**state, "today": {key: [*map(list, some)] for key, some in state.get("today", {}).items()}}
        changes: list[Change] = []
        for day, said in _by_day(hours):
            if state["day"] is not None and day > state["day"]:
                changes += _close(state, day, context.device.id)
                state["today"] = {}
            state["day"] = day
            today = state["today"]
            for key, column, begin, end, of_day in said:
                held = today.get(key)
                if held is None:
                    held = today[key] = [[], [], [], []]
                held[0] += of_day
                held[1] += column.mean[begin:end]
                held[2] += (
                    map(sub, column.high[begin:end], column.low[begin:end])
                    if column.high is not column.low
                    else [0.0] * len(of_day)
                )
                held[3] += column.last[begin:end]
        return state, changes


#: Key, column, the first of its hours that is of the day and the first that is not, the hours of the day.
Said = tuple[str, HourColumn, int, int, list[int]]


def _by_day(hours: Hours) -> list[tuple[int, list[Said]]]:
    """The days in order, each with its gauges and which of their hours are of it."""
    found: dict[int, list[Said]] = {}
    cuts: dict[int, list[tuple[int, int, int, list[int]]]] = {}  # most columns share their times
    for key, column in columns(hours):
        cut = cuts.get(id(column.at))
        if cut is None:
            cut = cuts[id(column.at)] = _cut(column.at)
        for day, begin, end, of_day in cut:
            found.setdefault(day, []).append((key, column, begin, end, of_day))
    return sorted(found.items(), key=lambda item: item[0])


def _cut(at: list[int]) -> list[tuple[int, int, int, list[int]]]:
    """Day, begin, end and hours of the day, for each day."""
    cut, begin = [], 0
    while begin < len(at):
        day = at[begin] // DAY_MS
        end = bisect_left(at, (day + 1) * DAY_MS, begin)
        cut.append((day, begin, end, [t % DAY_MS // HOUR_MS for t in at[begin:end]]))
        begin = end
    return cut


def _close(state: State, next_day: int, device: str) -> list[Change]:
    """Judge the day that is over, then learn from it what was usual."""
    known = set(state["keys"])
    keys: list[str] = [*state["keys"], *sorted(key for key in state["today"] if key not in known)]
    ring, pattern = _arrays(state, len(keys))
    means, ranges, moved = days.gathered([state["today"].get(key, ([], [], [], [])) for key in keys])
    today, blended = days.learned(means, ranges, pattern)
    least = np.minimum(np.array([*state["steps"], *[np.inf] * (len(keys) - len(state["steps"]))]), moved)
    day = days.judge(ring, today, np.where(np.isfinite(least), least, 0.0), drift_share=DRIFT_SHARE)
    bad = _bad(day, keys)
    if state.get("first") is None:
        # A state of an earlier version does not tell; a device with gauges in it was seen for long.
        state["first"] = state["day"] - (FIRST_DAYS if state["keys"] else 0)
    before = state["runs"] if state["day"] - state["first"] >= FIRST_DAYS else {}
    state["runs"] = {what: [run + 1, since] for what in bad for run, since in [before.get(what, (0, state["day"]))]}
    changes, accepted = _tell(state, day, keys, today, device)
    if bad:
        learned = ~np.array(["together " in bad or f"level {key}" in bad or f"span {key}" in bad for key in keys])
        same = ~np.array([f"cycle {key}" in bad for key in keys])
        today[~same, days.CYCLE] = np.nan
        pattern = np.where((learned & same)[:, None], blended, pattern)
        ring = np.where(learned[:, None, None], _shifted(ring, today), ring)
    else:
        pattern, ring = blended, _shifted(ring, today)
    silent = min(next_day - state["day"] - 1, days.DAYS)
    if silent:
        ring = np.concatenate([ring[:, silent:], np.full((len(keys), silent, 3), np.nan, np.float32)], axis=1)
    if accepted:
        ring[[keys.index(key) for key in accepted]] = np.nan
    state.update(keys=keys, steps=least.tolist(), ring=ring.tobytes(), pattern=pattern.astype(np.float32).tobytes())
    return changes


def _shifted(ring: Floats, today: Floats) -> Floats:
    """The ring a day later."""
    after: Floats = np.concatenate([ring[:, 1:], today[:, None].astype(np.float32)], axis=1)
    return after


def _arrays(state: State, count: int) -> tuple[Floats, Floats]:
    """The rings and patterns, with empty ones for gauges that are new."""
    known = len(state["keys"])
    ring = np.frombuffer(state["ring"], np.float32).reshape(known, days.DAYS, 3)
    pattern = np.frombuffer(state["pattern"], np.float32).reshape(known, 24)
    if count > known:
        ring = np.concatenate([ring, np.full((count - known, days.DAYS, 3), np.nan, np.float32)])
        pattern = np.concatenate([pattern, np.full((count - known, 24), np.nan, np.float32)])
    return ring, pattern


def _bad(day: Day, keys: list[str]) -> list[str]:
    """What is out of the usual today, as "channel key"; the strongest first."""
    level = np.abs(day.level) / LEVEL_EDGES
    found: list[tuple[float, str]] = []
    if level.max() > 1 or day.cycle.any() or day.times.any() or day.drift.any():
        found = _strengths(day, level, keys)
    if not found and day.together > TOGETHER_EDGES:
        found = [(-day.together, "together ")]
    return [what for _, what in sorted(found)]


def _strengths(day: Day, level: Floats, keys: list[str]) -> list[tuple[float, str]]:
    """Of each channel and gauge that is out of the usual: how far, negative, and "channel key"."""
    wide = np.abs(np.log(np.maximum(day.times, 1e-9))) > np.log(SPAN_TIMES)
    strength = np.stack(
        [
            level,
            np.where((day.times > 0) & wide, np.abs(day.span) / SPAN_EDGES, 0.0),
            np.where(np.abs(day.rise) > DRIFT_SHARE * np.abs(day.usual), np.abs(day.drift) / DRIFTS, 0.0),
            day.cycle / CYCLE_LOST,
        ]
    )
    found = []
    for channel, n in np.argwhere(strength > 1).tolist():
        name, key = _CHANNELS[channel], keys[n]
        if name != "drift" or POINTS[named(key)[0]].unit != "°C":
            found.append((-float(strength[channel, n]), f"{name} {key}"))
    return found


def _tell(state: State, day: Day, keys: list[str], today: Floats, device: str) -> tuple[list[Change], list[str]]:
    """What is to be said after this day, and the keys whose new state counts as usual from now on."""
    end = (state["day"] + 1) * DAY_MS
    lasting = [what for what, (run, _) in state["runs"].items() if run >= HOLD_DAYS[what.partition(" ")[0]]]
    told: dict[str, Any] | None = state["told"]
    if told is None:
        if not lasting:
            return [], []
        since = min(state["runs"][what][1] for what in lasting) * DAY_MS
        state.update(told={"since": since, "what": lasting}, well=0)
        return [Raised(finding=_finding(state, lasting, day, keys, today, device, end))], []
    if end - told["since"] > NEW_USUAL_DAYS * DAY_MS and lasting:
        state.update(told=None, runs={})
        gone = keys if "together " in lasting else [what.partition(" ")[2] for what in lasting]
        return [Cleared(device=device, kind=KIND, index=None, at=end, why=ACCEPTED)], gone
    state["well"] = 0 if any(what in state["runs"] for what in told["what"]) else state["well"] + 1
    if state["well"] >= WELL_DAYS:
        state["told"] = None
        return [Cleared(device=device, kind=KIND, index=None, at=end, why=BACK)], []
    new = [what for what in lasting if what not in told["what"]]
    if not new:
        return [], []
    state["told"] = {**told, "what": [*told["what"], *new]}
    return [Changed(finding=_finding(state, lasting, day, keys, today, device, end))], []


def _finding(
    state: State, lasting: list[str], day: Day, keys: list[str], today: Floats, device: str, end: int
) -> Finding:
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.WARNING,
        since=state["told"]["since"],
        score=SCORE,
        evidence=tuple(
            _evidence(what, state["runs"][what][0], day, keys, today, end) for what in lasting[:MOST_LISTED]
        ),
        advice=ADVICE,
    )


def _evidence(what: str, run: int, day: Day, keys: list[str], today: Floats, end: int) -> Evidence:
    channel, _, key = what.partition(" ")
    n = keys.index(key) if key else day.strangest
    point, index = named(keys[n])
    known, which = POINTS[point], f" {index}" if index else ""
    value, usual, unit = float(today[n, days.LEVEL]), float(day.usual[n]), known.unit
    en, zh = f"{known.meaning.en}{which}: ", f"{known.meaning.zh}{which}："
    if channel == "level":
        en += f"{value:.4g} {unit}, for {run} days; in the four weeks before {usual:.4g} ± {day.edge[n]:.2g} {unit}"
        zh += f"{value:.4g} {unit}，已 {run} 天；此前四周为 {usual:.4g} ± {day.edge[n]:.2g} {unit}"
    elif channel == "span":
        en += f"swings {day.times[n]:.2g} times as far within an hour as in the four weeks before, for {run} days"
        zh += f"每小时内波动为此前四周的 {day.times[n]:.2g} 倍，已 {run} 天"
    elif channel == "drift":
        en += f"moved by {day.rise[n]:+.3g} {unit} in four weeks, {abs(day.drift[n]):.0f} times its scatter, to {value:.4g} {unit}"
        zh += f"四周内变化 {day.rise[n]:+.3g} {unit}，为其离散度的 {abs(day.drift[n]):.0f} 倍，现为 {value:.4g} {unit}"
    elif channel == "cycle":
        en += f"no longer follows the pattern of the day that it always had, for {run} days"
        zh += f"不再呈现一贯的日变化规律，已 {run} 天"
    else:
        en += (
            f"{value:.4g} {unit}, which alone may be; but the device's values together are {day.together:.1f} times further from how they fitted "
            f"together in the four weeks before than on any day of them, for {run} days"
        )
        zh += f"{value:.4g} {unit}，单看尚属正常；但设备各值之间的关系偏离此前四周最大偏离的 {day.together:.1f} 倍，已 {run} 天"
    return Evidence(text=Text(en, zh), at=end, point=point, index=index, value=value, expected=usual)

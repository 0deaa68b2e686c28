"""A processor works far more than it used to at this hour: a runaway process, a flood, a loop in the network.

Sees the hourly mean of `cpu.load` (or 100 less `cpu.idle`) against what is usual at this hour on this kind of day (working day or weekend, learned for two weeks, then slowly
followed, never from what is called abnormal): 25 points more and over 60 %, 2 hours running. Over 85 % it is major. It stays until the load is half-way back, or until 14 days later
the new level is taken for normal.

When it does not work: the first two weeks; loads told as an average over all cores hide one that is full; a flood of minutes is gone in the hour's mean. Bad
input: loads beyond 0..100 never come here; gaps say nothing; a month of silence leaves what is usual as it was.

State: {"usual": {index: profile of `analytics.slow.profile`}, "hours": {index: hours learned}, "run": {index: [hours, since ms]}, "open": parts}.
"""

from __future__ import annotations

from statistics import fmean

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts
from analytics.network.parts import Line
from analytics.slow import profile
from analytics.slow.days import DAY_MS
from analytics.slow.frames import columns
from model.finding import Change, Evidence, Severity
from model.text import Text

KIND = "cpu_high"
LOAD, IDLE = "cpu.load", "cpu.idle"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "CPU runaway": baseline step after a change. Numbers are engineering defaults (tune)."""

    more: float = 25.0
    least: float = 60.0
    major: float = 85.0
    spreads: float = 5.0
    hours: int = 2
    learn_h: int = 14 * 24
    normal_days: int = 14


LIMITS = Limits()
ADVICE = Text(
    "Ask the device which process takes the time, and since which change; look for a loop or a flood (counters of broadcast, MAC moves), and whether neighbours have it too. "
    "If it is a planned backup, scan or migration, this is disproved.",
    "查看占用最高的进程及其对应的变更；检查环路或泛洪（广播计数、MAC 漂移），以及相邻设备是否同样。若为计划内备份、扫描或迁移，则本结论不成立。",
)
OVER = Text("the processor works as usual at this hour again", "处理器占用已恢复到该时段的平常水平")


class CpuHigh:
    kinds = frozenset({KIND})
    needs = frozenset({LOAD, IDLE})

    def fresh(self) -> State:
        return {"usual": {}, "hours": {}, "run": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {name: dict(value) for name, value in state.items()}
        state["usual"] = {key: [*slots] for key, slots in state["usual"].items()}
        changes: list[Change] = []
        for at, loads in _loads(hours):
            told = {
                key: line for key, load, index in loads if (line := _judge(state, key, load, index, at)) is not _SAME
            }
            told = {key: line for key, line in told.items() if line or state["open"]}
            if told:
                changes += parts.settle(
                    state["open"],
                    told,
                    device=context.device.id,
                    kind=KIND,
                    index=None,
                    at=at,
                    advice=ADVICE,
                    over=OVER,
                )
        return state, changes

    def quantities(self, state: State) -> dict[str, float]:
        """For the cohort: the mean of what is usual through the week, the busiest processor's."""
        found = [
            fmean(level for n, level, _ in usual if n)
            for usual in state["usual"].values()
            if any(row[0] for row in usual)
        ]
        return {"cpu_level": max(found)} if found else {}


#: Neither bad nor well: what stood goes on standing.
_SAME = Line((), Severity.WARNING, 0)


def _loads(hours: Hours) -> list[tuple[int, list[tuple[str, float, str | None]]]]:
    """By hour (key, load, index) of each processor; what is idle counts in hours in which no load is told."""
    found: dict[int, list[tuple[str, float, str | None]]] = {}
    for index, column in columns(hours, LOAD).items():
        for at, mean in zip(column.at, column.mean, strict=True):
            found.setdefault(at, []).append((index or "", mean, index))
    told = set(found)
    for index, column in columns(hours, IDLE).items():
        for at, mean in zip(column.at, column.mean, strict=True):
            if at not in told:
                found.setdefault(at, []).append((index or "", 100 - mean, index))
    return sorted(found.items(), key=lambda hour: hour[0])


def _judge(state: State, key: str, load: float, index: str | None, at: int) -> Line | None:
    """What is to be said of one processor's hour (the caller's own state); it is learned from unless it is abnormal."""
    known = state["usual"].get(key) or profile.fresh()
    learned = state["hours"].get(key, 0)
    usual = profile.usual(known, at, least=2) if learned >= LIMITS.learn_h else None
    run = state["run"].get(key)
    more = max(LIMITS.more, LIMITS.spreads * usual.spread) if usual else 0.0
    high = usual is not None and load - usual.level > more and load > LIMITS.least
    standing = run is not None and run[0] >= LIMITS.hours
    if usual is not None and (high or (standing and load - usual.level > more / 2)):
        run = state["run"][key] = [(run[0] if run else 0) + 1, run[1] if run else at]
        if at - run[1] < LIMITS.normal_days * DAY_MS:
            return _line(load, usual, index, at, run[1]) if run[0] >= LIMITS.hours else _SAME
        state["usual"][key], state["hours"][key] = profile.fresh(), 0
    elif usual is None and learned >= LIMITS.learn_h and standing:
        return _SAME
    else:
        profile.put(known, at, load)
        state["usual"][key] = known
        state["hours"][key] = learned + 1
    state["run"].pop(key, None)
    return None


def _line(load: float, usual: profile.Usual, index: str | None, at: int, since: int) -> Line:
    text = Text(
        f"processor {index or ''}: {load:.0f} % for the hour, {usual.level:.0f} ± {usual.spread:.0f} % is usual at this hour",
        f"处理器 {index or ''}：本小时占用 {load:.0f}%，该时段平常为 {usual.level:.0f} ± {usual.spread:.0f}%",
    )
    evidence = Evidence(text=text, at=at, point=LOAD, index=index, value=load, expected=usual.level)
    severity = Severity.MAJOR if load >= LIMITS.major else Severity.MINOR
    return Line((evidence,), severity, since, None, 0.8)

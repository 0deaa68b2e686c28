"""The generator's starter battery is weak: it will not start when it must. Sees: `generator.battery.voltage` under 2.06 V a cell (12.4 V, 24.7 V) as the mean of 6 hours, or a
dip at a start under 1.5 V a cell (9 V, 18 V), or 0.15 V a cell deeper than in its first three starts.

Does not see a battery that holds its voltage at rest and is never asked: look at its tests. The dip needs polls that are close enough.

State: {"cells": 6 or 12, "bits": newest hours under the limit, "first", "newest": dips at starts, V a cell, "open": what stands}.
"""

from __future__ import annotations

from statistics import median

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import episodes
from analytics.slow.frames import Hour, frames
from analytics.slow.persistence import push
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

KIND = "generator_battery"
_VOLTS = "generator.battery.voltage"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, generator/ATS trouble: start battery low at each test. The numbers are those of lead-acid starters (tune)."""

    rest: float = 2.06
    hours: int = 6
    crank: float = 1.5
    deeper: float = 0.15
    start: float = 0.15  #: a dip of so much below the hour's mean is a start
    starts: int = 3
    none: float = 3.0  #: V: below it nothing is connected


SETTING = Setting()
ADVICE = Text(
    "Check the starter battery's charger and terminals and load-test the battery; replace it if it fails or is over 3 years old, then make a test start. This is wrong if a meter at "
    "its terminals reads 12.6 V or more at rest.",
    "检查启动电池的充电器和端子，并做带载测试；不合格或使用超过 3 年则更换，随后试机。若端子实测静置电压在 12.6 V 以上，则本判断不成立。",
)
WELL = Text("the starter battery is well again", "启动电池已恢复正常")
_LOW = Text(
    "{value:.1f} V at rest for {hours} h, at least {limit:.1f} V are healthy",
    "静置 {value:.1f} V 已 {hours} 小时，正常应不低于 {limit:.1f} V",
)
_CRANK = Text(
    "{value:.1f} V at the newest starts, {limit:.1f} V are needed",
    "最近几次启动时降至 {value:.1f} V，至少应有 {limit:.1f} V",
)


class GeneratorBattery:
    kinds = frozenset({KIND})
    needs = frozenset({_VOLTS})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {**state, "open": dict(state.get("open", {}))}
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            hour = min(frame.series[_VOLTS].values(), key=lambda one: one.mean)
            if hour.mean > SETTING.none:
                changes += _hour(state, hour, frame.at, hours.device)
        return state, changes


def _hour(state: State, hour: Hour, at: int, device: str) -> list[Change]:
    cells = state.setdefault("cells", 6 if hour.mean < 18 else 12)
    state["bits"] = push(state.get("bits", []), hour.mean < SETTING.rest * cells, SETTING.hours)
    dip = hour.low / cells
    if hour.mean / cells - dip > SETTING.start:
        first = state.get("first", [])
        if len(first) < SETTING.starts:
            state["first"] = [*first, dip]
        state["newest"] = [*state.get("newest", []), dip][-SETTING.starts :]
    evidence = []
    if sum(state["bits"]) == SETTING.hours:
        text = _LOW.format(value=hour.mean, hours=SETTING.hours, limit=SETTING.rest * cells)
        evidence.append(Evidence(text=text, at=at, point=_VOLTS, value=hour.mean, expected=SETTING.rest * cells))
    newest = state.get("newest", [])
    if len(newest) == SETTING.starts:
        limit, value = max(SETTING.crank, median(state["first"]) - SETTING.deeper), median(newest)
        if value < limit:
            text = _CRANK.format(value=value * cells, limit=limit * cells)
            evidence.append(Evidence(text=text, at=at, point=_VOLTS, value=value * cells, expected=limit * cells))
    if not evidence:
        return [] if any(state["bits"]) else episodes.end(state["open"], device, KIND, None, at, WELL)
    finding = Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.MAJOR if len(evidence) > 1 else Severity.MINOR,
        since=at - (SETTING.hours - 1) * 3_600_000,
        score=0.85,
        evidence=tuple(evidence),
        advice=ADVICE,
    )
    return episodes.stand(state["open"], finding, at)

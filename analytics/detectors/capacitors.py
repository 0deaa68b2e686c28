"""The capacitors of the output or the DC link age: their resistance rises. Sees, against the first weeks at the same load: `output.voltage.thd` or `dc.ripple` half as much
again for 5 days (twice: major), with the date of twice; else how far `output.voltage` dips in hours in which the load leaps by 10 points or more: twice as far in the
newest ten of them.

The first two need a device that tells them, few do; the dip needs polls that are close enough to see it, and is less sure. A new load with a bad current
shape looks the same.

State: {"drifts": {point: see `analytics.slow.drift`}, "first", "dips": dips a 10 points of load, "open": what stands}.
"""

from __future__ import annotations

from statistics import median

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import drift, episodes, nominal
from analytics.slow.days import DAY_MS
from analytics.slow.frames import Frame, frames
from analytics.slow.trend import crossing
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

KIND = "capacitors"
_THD, _RIPPLE, _VOLTS, _LOAD = "output.voltage.thd", "dc.ripple", "output.voltage", "ups.load"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, DC-link/output capacitor ageing: major at twice the ripple. The rest are engineering defaults (tune)."""

    minor: float = 0.5
    major: float = 1.0
    well: float = 0.3
    days: int = 5
    learn_h: int = 100
    leap: float = 10.0  #: points of load within an hour
    dips: int = 10
    first: int = 30
    deeper: float = 2.0
    least_dip: float = 1.0  #: % of the voltage a 10 points of load
    samples: int = 12  #: of an hour whose dip is believed


SETTING = Setting()
ADVICE = Text(
    "Have the ripple measured at the capacitors, and look for bulges and leaks, with the next service; replace the bank as a whole (makers: about 8 years at 25 °C, 4 at 50 °C). "
    "This is wrong if a load with a bad current shape was added at that time.",
    "下次维护时实测电容纹波，查看鼓包漏液；整组更换（厂家周期：25°C 约 8 年，50°C 约 4 年）。若当时新增了谐波较大的负载，则本判断不成立。",
)
WELL = Text("ripple and dips are as in the first weeks", "纹波和跌落已恢复到初期水平")
_MORE = {
    _THD: Text("the output's distortion is {pct:+.0f} % at the same load", "同等负载下输出谐波 {pct:+.0f}%"),
    _RIPPLE: Text("the ripple of the DC link is {pct:+.0f} % at the same load", "同等负载下直流母线纹波 {pct:+.0f}%"),
}
_DIPS = Text(
    "the output dips by {value:.1f} % when the load leaps by 10 points, by {first:.1f} % in its first weeks",
    "负载突增 10 个百分点时输出跌落 {value:.1f}%，初期为 {first:.1f}%",
)


class Capacitors:
    kinds = frozenset({KIND})
    needs = frozenset({_THD, _RIPPLE, _VOLTS, _LOAD})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {**state, "drifts": dict(state.get("drifts", {})), "open": dict(state.get("open", {}))}
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            if _take(state, frame) or _dip(state, frame):
                changes += _judge(state, frame.at, hours.device)
        return state, changes


def _take(state: State, frame: Frame) -> bool:
    under, ended = drift.condition((frame.mean(_LOAD) or 0.0, 10.0)), False
    for point in (_THD, _RIPPLE):
        value = frame.mean(point)
        if value is not None:
            before = state["drifts"].get(point, {})
            state["drifts"][point], closed = drift.take(
                before, frame.at, under, value, learn=SETTING.learn_h, share=True
            )
            ended = ended or closed is not None
    return ended


def _dip(state: State, frame: Frame) -> bool:
    """An hour in which the load leapt: how far the output dipped, a 10 points of load."""
    loads, volts = frame.series.get(_LOAD, {}), frame.series.get(_VOLTS, {})
    leap = max((hour.high - hour.low for hour in loads.values()), default=0.0)
    hour = min(volts.values(), key=lambda one: one.low, default=None)
    if hour is None or leap < SETTING.leap or hour.n < SETTING.samples or hour.low < nominal.GONE_V:
        return False
    dip = 100 * (hour.mean - hour.low) / hour.mean / (leap / 10)
    first = state.get("first", [])
    if len(first) < SETTING.first:
        state["first"] = [*first, dip]
        return False
    state["dips"] = [*state.get("dips", []), dip][-SETTING.dips :]
    return len(state["dips"]) == SETTING.dips


def _judge(state: State, at: int, device: str) -> list[Change]:
    evidence: list[Evidence] = []
    severity, score, since, date, well = Severity.MINOR, 0.6, at, None, True
    for point, kept in sorted(state["drifts"].items()):
        off = drift.newest(kept, SETTING.days, at // DAY_MS)
        if off is None:
            continue
        well = well and off < SETTING.well
        if off > SETTING.minor:
            severity = Severity.MAJOR if off > SETTING.major else severity
            since, score = min(since, drift.since(kept, SETTING.minor) or at), 0.85
            slope = drift.pace(kept)
            twice = (
                crossing(slope, at, SETTING.major)
                if slope is not None and slope.rises and off < SETTING.major
                else None
            )
            date = twice.at if twice else date
            evidence.append(
                Evidence(text=_MORE[point].format(pct=100 * off), at=at, point=point, value=off, expected=0.0)
            )
    if len(state.get("dips", [])) == SETTING.dips:
        now, first = median(state["dips"]), median(state["first"])
        deep = now > max(SETTING.least_dip, SETTING.deeper * first)
        well = well and not deep
        if deep:
            evidence.append(
                Evidence(text=_DIPS.format(value=now, first=first), at=at, point=_VOLTS, value=now, expected=first)
            )
    if not evidence:
        return episodes.end(state["open"], device, KIND, None, at, WELL) if well else []
    finding = Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=severity,
        since=since,
        score=score,
        evidence=tuple(evidence),
        advice=ADVICE,
        forecast=date,
    )
    return episodes.stand(state["open"], finding, at)

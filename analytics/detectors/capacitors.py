"""The capacitors of the output or the DC link age: their resistance rises. Sees, against the first weeks at the same load: `output.voltage.thd` or `dc.ripple` half as much
again for 5 days (twice: major), with the date of twice. Few devices tell them; else how restless the output has become: `output.voltage` scatters twice as far from
hour to hour as in its first 30 days, for 7 days, on a UPS whose output does not follow its input; it dips twice as far in the newest ten hours in which the load leapt
by 10 points; the UPS went to bypass by itself three times in 30 days, minutes each, and not before. Two of these make it surer.

A new load with a bad current shape looks the same. A UPS that passes its input through shows nothing of it.

State: {"drifts": {point: see `analytics.slow.drift`}, "first", "dips": dips a 10 points of load, "day": number, "out", "in": the day's hourly means,
"spread": {"first", "in", "newest": a day each}, "source": newest, "bypass": [hour (ms) …], "since": ms, "open": what stands}.
"""

from __future__ import annotations

from bisect import bisect_left
from statistics import median

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import drift, episodes, nominal
from analytics.slow.days import DAY_MS
from analytics.slow.frames import Frame, columns, frames, heard, means
from analytics.slow.level import level
from analytics.slow.trend import crossing
from model.finding import Change, Evidence, Finding, Severity
from model.points import Source
from model.text import Text

KIND = "capacitors"
_THD, _RIPPLE, _VOLTS, _LOAD = "output.voltage.thd", "dc.ripple", "output.voltage", "ups.load"
_IN, _SOURCE = "input.voltage", "ups.source"


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
    first_days: int = 30
    day_h: int = 12  #: hours that make a day's scatter
    wider: float = 2.0
    least_wide: float = 0.001  #: of the voltage: a scatter below this is the gauge's
    wide_days: int = 7
    regulated: float = 0.5  #: of the input's scatter: above it the output follows the input
    bypasses: int = 3
    bypass_days: int = 30


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
_WIDE = Text(
    "the output scatters by {value:.2f} V from hour to hour, by {first:.2f} V in its first weeks",
    "输出电压逐时波动 {value:.2f} V，初期为 {first:.2f} V",
)
_BYPASS = Text(
    "it went to bypass by itself {n} times in {days} days, and not before", "{days} 天内自行转旁路 {n} 次，此前没有"
)
_DIPS = Text(
    "the output dips by {value:.1f} % when the load leaps by 10 points, by {first:.1f} % in its first weeks",
    "负载突增 10 个百分点时输出跌落 {value:.1f}%，初期为 {first:.1f}%",
)


class Capacitors:
    kinds = frozenset({KIND})
    needs = frozenset({_THD, _RIPPLE, _VOLTS, _LOAD, _IN, _SOURCE})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {**state, "drifts": dict(state.get("drifts", {})), "open": dict(state.get("open", {}))}
        changes: list[Change] = []
        if _plain(hours):
            return state, _days(state, hours, self.needs)
        for frame in frames(hours, self.needs):
            if any(
                [_take(state, frame), _dip(state, frame), _scatter(state, hours, [frame.at]), _bypass(state, frame)]
            ):
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


def _plain(hours: Hours) -> bool:
    """Whether nothing but the scatter of these hours can tell: no ripple is measured, the load did not leap, nobody went to bypass."""
    if not hours.columns.keys().isdisjoint((_THD, _RIPPLE)) or len(columns(hours, _SOURCE)) > 1:
        return False
    for source in columns(hours, _SOURCE).values():
        if any(Source.BYPASS in said for said in (source.first, source.last, source.high, source.low)):
            return False
    if all(max(column.n) < SETTING.samples for column in columns(hours, _VOLTS).values()):
        return True
    return all(
        high - low < SETTING.leap
        for column in columns(hours, _LOAD).values()
        for high, low in zip(column.high, column.low, strict=True)
    )


def _days(state: State, hours: Hours, points: frozenset[str]) -> list[Change]:
    """The scatter alone, a day at a time (the state is ours)."""
    ats, begin = heard(hours, points), 0
    changes: list[Change] = []
    while begin < len(ats):
        end = bisect_left(ats, (ats[begin] // DAY_MS + 1) * DAY_MS, begin)
        if _scatter(state, hours, ats[begin:end]):
            changes += _judge(state, ats[begin], hours.device)
        begin = end
    for source in columns(hours, _SOURCE).values():
        state["source"] = source.last[-1]
    return changes


def _scatter(state: State, hours: Hours, ats: list[int]) -> bool:
    """The day's scatter of the output and of the input, by some hours of one day; whether the day before closed."""
    state.setdefault("since", ats[0])
    today, closed = ats[0] // DAY_MS, False
    if state.setdefault("day", today) < today:
        closed = _close(state)
        state["day"], state["out"], state["in"] = today, [], []
    for name, point in (("out", _VOLTS), ("in", _IN)):
        volts = means(hours, point)
        more = [value for at in ats if (value := volts.get(at, 0.0)) > nominal.GONE_V]
        if more:
            state[name] = [*state.get(name, []), *more]
    return closed


def _close(state: State) -> bool:
    out, volts_in = state.get("out", []), state.get("in", [])
    if len(out) < SETTING.day_h:
        return False
    spread, kept = level(out)[1], dict(state.get("spread", {}))
    if len(kept.get("first", [])) < SETTING.first_days:
        kept["first"] = [*kept.get("first", []), spread]
        if len(volts_in) >= SETTING.day_h:
            kept["in"] = [*kept.get("in", []), level(volts_in)[1]]
    else:
        kept["newest"] = [*kept.get("newest", []), spread][-SETTING.wide_days :]
    state["spread"], state["volts"] = kept, median(out)
    return len(kept.get("newest", [])) == SETTING.wide_days


def _wide(state: State) -> tuple[float, float] | None:
    """(scatter of the newest days, of the first ones) where it has grown on a UPS that makes its own output."""
    kept = state.get("spread", {})
    newest = kept.get("newest", [])
    if len(newest) < SETTING.wide_days or not kept.get("in"):
        return None
    first, now = median(kept["first"]), median(newest)
    if first > SETTING.regulated * median(kept["in"]):
        return None
    grown = now > max(SETTING.wider * first, SETTING.least_wide * state["volts"])
    return (now, first) if grown else None


def _bypass(state: State, frame: Frame) -> bool:
    """Notes a short bypass; whether there was one."""
    hour = frame.one(_SOURCE)
    if hour is None:
        return False
    on = Source.BYPASS
    touched = hour.high >= on >= hour.low and (on in (hour.first, hour.last, hour.high, hour.low))
    begun = state.get("source") == on
    state["source"] = hour.last
    times = state.get("bypass", [])
    if touched and not begun and hour.last != on:
        state["bypass"] = [*times, frame.at][-20:]
        return True
    return False


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
    if (wide := _wide(state)) is not None:
        well = False
        score = max(score, 0.7)
        text = _WIDE.format(value=wide[0], first=wide[1])
        evidence.append(Evidence(text=text, at=at, point=_VOLTS, value=wide[0], expected=wide[1]))
    times = state.get("bypass", [])
    newest = [one for one in times if at - one < SETTING.bypass_days * DAY_MS]
    known = at - state.get("since", at) > 2 * SETTING.bypass_days * DAY_MS
    if known and len({one // DAY_MS for one in newest}) >= SETTING.bypasses and len(newest) == len(times):
        well = False
        score = max(score, 0.65)
        text = _BYPASS.format(n=len(newest), days=SETTING.bypass_days)
        evidence.append(Evidence(text=text, at=at, point=_SOURCE, value=float(len(newest)), expected=0.0))
    if len(evidence) > 1:
        score = max(score, 0.85)
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

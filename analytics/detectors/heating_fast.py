"""The UPS will trip by heat within the hour, if it goes on. Sees: `ups.temperature` within 15 °C of its limit (`ups.temperature.high`, else 55 °C), 3 °C or more
in the newest hour and a slope that reaches the limit within an hour; critical within 5 °C of it. Polled seldom, the newest six samples stand for the hour.

Does not work where the UPS tells no temperature, nor for one that always says the same; what is already over the limit is `over_temperature`.

State: {"limit": °C, "newest": [[ms, °C] …] while it is near the limit, "open": what stands}.
"""

from __future__ import annotations

import msgspec

from analytics.detector import Block, Context, State
from analytics.slow import episodes
from analytics.slow.trend import theil_sen
from analytics.walk import Sample, walk
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

KIND = "heating_fast"
_TEMP, _LIMIT = "ups.temperature", "ups.temperature.high"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, over-temperature: slope, critical within 5 °C of trip; the rest are engineering defaults (tune)."""

    limit_c: float = 55.0
    near_c: float = 15.0
    rise_c: float = 3.0
    critical_c: float = 5.0
    window_ms: int = 3_600_000
    least_span_ms: int = 600_000
    apart_ms: int = 60_000
    samples: int = 6
    silence_ms: int = 3 * 3_600_000
    believed_c: float = 120.0


SETTING = Setting()
ADVICE = Text(
    "Are the neighbours and the room getting hot too? Then it is the cooling: call for it, open doors, shed load. This one alone: its fans and air filter; be ready to "
    "transfer the load before it trips. This is wrong if the room was only switched to night cooling and the slope bends.",
    "相邻设备和机房是否同时升温？若是，则为空调问题：报修、开门通风、减载。仅此一台：查风扇和防尘网，并准备在其过热停机前转移负载。"
    "若只是空调切换夜间模式且升温趋缓，则本判断不成立。",
)
WELL = Text("it does not heat up any more", "温度不再上升")
_SAID = Text(
    "{rise:.1f} °C in {minutes} min, {value:.1f} °C now: at {limit:g} °C in about {left} min",
    "{minutes} 分钟内升高 {rise:.1f}°C，现为 {value:.1f}°C：约 {left} 分钟后达到 {limit:g}°C",
)


class HeatingFast:
    kinds = frozenset({KIND})
    needs = frozenset({_TEMP, _LIMIT})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if not state.get("newest") and _LIMIT not in block.columns:
            near = state.get("limit", SETTING.limit_c) - SETTING.near_c
            if all(max(column.value) < near for column in block.columns.get(_TEMP, {}).values()):
                return state, []
        state = {**state, "open": dict(state.get("open", {}))}
        changes: list[Change] = []
        for sample in walk(block, (_LIMIT, _TEMP)):
            if sample.point == _LIMIT:
                if sample.value > SETTING.near_c * 2:
                    state["limit"] = sample.value
            else:
                changes += _take(state, sample, block.device)
        return state, changes


def _take(state: State, sample: Sample, device: str) -> list[Change]:
    limit = state.get("limit", SETTING.limit_c)
    newest: list[list[float]] = state.get("newest", [])
    if newest and sample.at - newest[-1][0] < SETTING.apart_ms:
        return []
    if sample.value < limit - SETTING.near_c:
        state.pop("newest", None)
        return episodes.end(state["open"], device, KIND, None, sample.at, WELL)
    if sample.value > SETTING.believed_c or (newest and sample.at - newest[-1][0] > SETTING.silence_ms):
        newest = []
    if sample.value > SETTING.believed_c:
        return []
    newest = [*newest, [sample.at, sample.value]]
    inside = [one for one in newest if sample.at - one[0] <= SETTING.window_ms]
    newest = inside if len(inside) >= SETTING.samples else newest[-SETTING.samples :]
    state["newest"] = newest
    return _judge(state, newest, limit, device)


def _judge(state: State, newest: list[list[float]], limit: float, device: str) -> list[Change]:
    at, value = round(newest[-1][0]), newest[-1][1]
    span_ms = at - newest[0][0]
    slope = theil_sen([(when - newest[0][0]) / 60_000 for when, _ in newest], [celsius for _, celsius in newest])
    if slope is None or span_ms < SETTING.least_span_ms:
        return []
    rise = slope.per_x * span_ms / 60_000
    if rise <= 0.5:
        return episodes.end(state["open"], device, KIND, None, at, WELL)
    left_min = max(0.0, limit - value) / slope.per_x
    if (
        rise < SETTING.rise_c
        or not slope.rises
        or left_min > max(SETTING.window_ms / 60_000, span_ms / 60_000 / 2)
        or value >= limit
    ):
        return []
    text = _SAID.format(rise=rise, minutes=round(span_ms / 60_000), value=value, limit=limit, left=round(left_min))
    finding = Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.CRITICAL if limit - value <= SETTING.critical_c else Severity.MAJOR,
        since=round(newest[0][0]),
        score=0.8,
        evidence=(Evidence(text=text, at=at, point=_TEMP, value=value, expected=limit),),
        advice=ADVICE,
        forecast=at + round(left_min * 60_000),
    )
    return episodes.stand(state["open"], finding, at)

"""The UPS cools worse than it did: a fan wears, or dust blocks the filter. Sees: `ups.temperature` above the room (`ambient.temperature`, else
`battery.temperature`) at the same load, against its own first weeks: 5 °C more for 3 days; `entity.fan.speed` at the same load and room: 15 % less,
which also sees sister fans that wear together (`fan_tray` compares them with each other, and their drive). A limit within 10 °C makes it a major one.

Does not work before about three weeks of data, nor for what was bad from the first day on; without any temperature of the room only a rise
of 10 °C over ten days counts, and it may be the room. A fan that stands still is told by the device's own flag (`fan`).

State: {"drifts": {"heat" or "bare", "speed#i": see `analytics.slow.drift`}, "limit": °C, "top": [day, hottest hour of late],
"open": what stands}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import drift, episodes
from analytics.slow.days import DAY_MS
from analytics.slow.frames import columns, heard, lasts, means
from analytics.slow.trend import crossing
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

KIND = "cooling_worn"
_TEMP, _ROOM, _CELL, _LOAD = "ups.temperature", "ambient.temperature", "battery.temperature", "ups.load"
_SPEED, _LIMIT = "entity.fan.speed", "ups.temperature.high"


class Rule(NamedTuple):
    """When a drift counts: beyond `bad` for `days` days, well again within `well`. `share`: of its baseline, not in its unit."""

    point: str
    bad: float
    well: float
    days: int
    learn_h: int
    share: bool
    score: float
    text: Text


#: Limits by faults.md (fan wear, blocked filter: 5 °C at the same load; rpm at constant duty); the rest are engineering defaults (tune).
RULES = {
    "heat": Rule(_TEMP, 5.0, 3.0, 3, 100, False, 0.85, Text(
        "{off:.1f} °C more above the room at the same load than in its first weeks",
        "同等负载下，高出室温的幅度比初期增加 {off:.1f}°C")),
    "bare": Rule(_TEMP, 10.0, 6.0, 10, 400, False, 0.6, Text(
        "{off:.1f} °C more at the same load than in its first weeks; no room temperature is told, so it may be the room",
        "同等负载下比初期高 {off:.1f}°C；没有室温数据，也可能是机房温度升高")),
    "speed": Rule(_SPEED, -0.15, -0.05, 3, 50, True, 0.85, Text(
        "fan {index}: {pct:.0f} % slower at the same load and room than in its first weeks",
        "风扇 {index}：同等负载和室温下转速比初期低 {pct:.0f}%")),
}  # fmt: skip
_HEAT, _BARE, _FAN = RULES["heat"], RULES["bare"], RULES["speed"]
LIMIT_C = 55.0  #: where the device tells none: as `over_temperature`
MARGIN_C = 10.0  #: closer to the limit than this, it is a major finding (faults.md)
ADVICE = Text(
    "Clean or change the air filter, then look at and listen to each fan; change a fan that is slow or loud (and its twin, which is as old). "
    "This is wrong if a temperature sensor was moved, or if something stands before the air inlet: look at that first.",
    "先清洁或更换防尘网，再逐个查看并听辨风扇；转速低或有异响的予以更换（同龄的另一只一并更换）。"
    "若温度传感器曾移位，或进风口被遮挡，则本判断不成立：请先查看这两点。",
)
WELL = Text("it cools as it did in its first weeks", "散热已恢复到初期水平")


class Sign(NamedTuple):
    """A drift that is out of its rule."""

    key: str
    rule: Rule
    off: float
    since: int


class CoolingWorn:
    kinds = frozenset({KIND})
    needs = frozenset({_TEMP, _ROOM, _CELL, _LOAD, _SPEED, _LIMIT})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if context.device.kind == "switch":
            return state, []
        drifts = {key: drift.own(kept) for key, kept in state.get("drifts", {}).items()}
        state = {**state, "drifts": drifts, "open": dict(state.get("open", {}))}
        limits = lasts(hours, _LIMIT)
        changes: list[Change] = []
        for at, said in _values(state, hours, limits):
            ended = False
            for key, rule, under, value in said:
                kept = drifts.get(key) or _own(drifts, key)
                ended = drift.put(kept, at, under, value, learn=rule.learn_h, share=rule.share) or ended
            if ended:
                changes += _judge(state, at, hours.device)
        return state, changes


def _own(drifts: dict[str, drift.Drift], key: str) -> drift.Drift:
    kept = drifts.get(key)
    if kept is None:
        kept = drifts[key] = drift.own({})
    return kept


def _values(
    state: State, hours: Hours, limits: dict[int, float]
) -> Iterator[tuple[int, list[tuple[str, Rule, str, float]]]]:
    """(drift, its rule, condition, value) of each hour; the state is ours, and of that hour."""
    loads, temps, rooms, cells = (means(hours, point) for point in (_LOAD, _TEMP, _ROOM, _CELL))
    fans = [
        (f"speed#{index or ''}", dict(zip(column.at, column.mean, strict=True)))
        for index, column in columns(hours, _SPEED).items()
    ]
    for at in heard(hours, (_TEMP, _SPEED, _LIMIT)):
        if at in limits:
            state["limit"] = limits[at]
        load, room, temp = loads.get(at, 0.0), rooms.get(at), temps.get(at)
        if room is None:
            room = cells.get(at)
        found: list[tuple[str, Rule, str, float]] = []
        if temp is not None:
            day, top = state.get("top", (0, temp))
            today = at // DAY_MS
            state["top"] = [today, max(temp, top) if today - day <= 1 else temp]
            under = str(round(load / 10.0))
            found.append(("bare", _BARE, under, temp) if room is None else ("heat", _HEAT, under, temp - room))
        if fans:
            under = drift.condition((load, 10.0), (room or 0.0, 5.0))
            found += [(key, _FAN, under, speeds[at]) for key, speeds in fans if speeds.get(at, 0.0) > 0]
        yield at, found


def _judge(state: State, at: int, device: str) -> list[Change]:
    signs, well = [], True
    for key, kept in sorted(state["drifts"].items()):
        rule = RULES[key.partition("#")[0]]
        off = drift.newest(kept, rule.days, at // DAY_MS)
        if off is None:
            continue
        if (off > rule.bad) if rule.bad > 0 else (off < rule.bad):
            signs.append(Sign(key, rule, off, drift.since(kept, rule.bad) or at))
        well = well and ((off < rule.well) if rule.well > 0 else (off > rule.well))
    if signs:
        return episodes.stand(state["open"], _finding(state, device, signs, at), at)
    return episodes.end(state["open"], device, KIND, None, at, WELL) if well else []


def _finding(state: State, device: str, signs: list[Sign], at: int) -> Finding:
    limit = state.get("limit", LIMIT_C)
    hottest = state.get("top", [0, None])[1]
    close = hottest is not None and limit - hottest < MARGIN_C
    evidence = [_evidence(sign, at) for sign in sorted(signs, key=lambda sign: -abs(sign.off / sign.rule.bad))]
    if hottest is not None:
        text = Text(
            "hottest hour of late {top:.0f} °C, limit {limit:.0f} °C", "近日最热一小时 {top:.0f}°C，上限 {limit:.0f}°C"
        )
        text = text.format(top=hottest, limit=limit)
        evidence.append(Evidence(text=text, at=at, point=_TEMP, value=hottest, expected=limit))
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.MAJOR if close else Severity.MINOR,
        since=min(sign.since for sign in signs),
        score=max(sign.rule.score for sign in signs),
        evidence=tuple(evidence),
        advice=ADVICE,
        forecast=_forecast(state, limit, hottest, at),
    )


def _evidence(sign: Sign, at: int) -> Evidence:
    index = sign.key.partition("#")[2]
    text = sign.rule.text.format(off=abs(sign.off), pct=-100 * sign.off, index=index)
    return Evidence(text=text, at=at, point=sign.rule.point, index=index or None, value=sign.off, expected=0.0)


def _forecast(state: State, limit: float, hottest: float | None, at: int) -> int | None:
    """When the hottest hour reaches the limit, if the drift goes on as it does."""
    slope = drift.pace(state["drifts"].get("heat", {}))
    if slope is None or hottest is None or not slope.rises or hottest >= limit:
        return None
    found = crossing(slope._replace(at_end=hottest), at, limit)
    return found.at if found else None

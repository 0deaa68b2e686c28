"""The card answers, but with old values: nothing of the UPS moves any more, to the last digit. Sees the gauges of a UPS that usually move (voltages, frequency,
currents, load, power, temperatures): all of them still for 6 hours, and for three times longer than they ever were together.

Needs three gauges and three days to know them. A UPS that was switched off at night and tells zeros stands still too, as often as it does. One value that is stuck
while the others move is a sensor's fault, not the card's.

State: {"last": {series: value}, "run": hours still, "since": ms, "longest": earlier run, "hours": seen, "moved": hours with movement, "open": what stands}.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import episodes
from analytics.slow.frames import Frame, columns, frames
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

KIND = "card_frozen"
_POINTS = frozenset(
    {
        "input.voltage",
        "input.frequency",
        "input.current",
        "output.voltage",
        "output.current",
        "output.realpower",
        "ups.load",
        "ups.temperature",
        "battery.voltage",
        "battery.temperature",
    }
)
_ORDER = sorted(_POINTS)


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, sensor fault: constant to the last digit > 6 h. The rest are engineering defaults (tune)."""

    hours: int = 6
    times: int = 3
    warm_up_h: int = 72
    series: int = 3
    moved: float = 0.5  #: of all hours: a device that mostly stands still says nothing by it
    silence_ms: int = 6 * 3_600_000


SETTING = Setting()
ADVICE = Text(
    "Nobody sees this UPS until it is put right: read its panel, restart the management card (not the UPS), check the cable between them and the card's firmware. "
    "This is wrong if the panel shows the same values and they do stand still.",
    "恢复之前无人能看到此 UPS 的真实状态：查看面板，重启管理卡（不是 UPS），检查二者间的连线和管理卡固件。若面板数值相同且确实不变，则本判断不成立。",
)
WELL = Text("its values move again", "数值已恢复变化")
_SAID = Text(
    "{n} gauges have not moved in the last digit for {hours} h; the longest before were {longest} h",
    "{n} 个测量值连续 {hours} 小时末位不变；此前最长 {longest} 小时",
)
_STILL = Text("stands at {value:g}", "停在 {value:g}")


class CardFrozen:
    kinds = frozenset({KIND})
    needs = _POINTS

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if context.device.kind == "switch":
            return state, []
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        state = {**state, "open": dict(state.get("open", {}))}
        changes: list[Change] = []
        before = state.get("last", {})  # of the frame before: words only for the one that a later block has to know
        for frame in frames(hours, _POINTS):
            said, before = _hour(state, frame, before, hours.device)
            changes += said
        state["last"] = _newest(before) if isinstance(before, Frame) else before
        return state, changes


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours in each of which some gauge moved; None: they must be gone through hour by hour."""
    some = {f"{point}#{index or ''}": column for point in _ORDER for index, column in columns(hours, point).items()}
    at = next(iter(some.values())).at
    ends = [state.get("at", at[0]), *at]
    if state.get("open") or any(column.at is not at and column.at != at for column in some.values()):
        return None
    if any(later - earlier > SETTING.silence_ms for earlier, later in pairwise(ends)):
        return None
    still, last = [*range(len(at))], state.get("last", {})
    for key, column in some.items():
        said = [last.get(key), *column.last]
        still = [n for n in still if not column.moves[n] and column.first[n] == said[n]]
        if not still:
            break
    if still:
        return None
    return {
        **state,
        "open": {},
        "at": at[-1],
        "hours": state.get("hours", 0) + len(at),
        "moved": state.get("moved", 0) + len(at),
        "longest": max(state.get("longest", 0), state.get("run", 0)),
        "run": 0,
        "last": {key: column.last[-1] for key, column in some.items()},
    }


def _hour(state: State, frame: Frame, before: Frame | dict[str, float], device: str) -> tuple[list[Change], Frame]:
    silent = frame.at - state.get("at", frame.at) > SETTING.silence_ms
    still = not silent and _stands(frame, before)
    state["at"] = frame.at
    state["hours"] = state.get("hours", 0) + 1
    if not still:
        state["moved"] = state.get("moved", 0) + 1
        if not episodes.stands(state["open"]) and not silent:
            state["longest"] = max(state.get("longest", 0), state.get("run", 0))
        state["run"] = 0
        return episodes.end(state["open"], device, KIND, None, frame.at, WELL), frame
    if not state.get("run"):
        state["since"] = frame.at
    state["run"] = state.get("run", 0) + 1
    if state["run"] < max(SETTING.hours, SETTING.times * state.get("longest", 0)) or not _known(state):
        return [], frame
    return episodes.stand(state["open"], _finding(state, frame.at, device, _newest(frame)), frame.at), frame


def _newest(frame: Frame) -> dict[str, float]:
    """What was said last, by "point#index"."""
    return {
        f"{point}#{index or ''}": hour.last
        for point in _ORDER
        if point in frame.series
        for index, hour in frame.series[point].items()
    }


def _stands(frame: Frame, before: Frame | dict[str, float]) -> bool:
    """Whether nothing moved in this hour, nor since the one before it."""
    heard = 0
    for point in _ORDER:
        for index, hour in frame.series.get(point, {}).items():
            if hour.moves:
                return False
            if isinstance(before, Frame):
                last = before.series.get(point, {}).get(index)
                if last is None or last.last != hour.first:
                    return False
            elif before.get(f"{point}#{index or ''}") != hour.first:
                return False
            heard += 1
    return heard >= SETTING.series


def _known(state: State) -> bool:
    before = state["hours"] - state["run"]
    return bool(before >= SETTING.warm_up_h and state.get("moved", 0) >= SETTING.moved * before)


def _finding(state: State, at: int, device: str, heard: dict[str, float]) -> Finding:
    text = _SAID.format(n=len(heard), hours=state["run"], longest=state.get("longest", 0))
    evidence = [Evidence(text=text, at=at)]
    for key in sorted(heard)[:3]:
        point, _, index = key.partition("#")
        value = heard[key]
        evidence.append(Evidence(text=_STILL.format(value=value), at=at, point=point, index=index or None, value=value))
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.MAJOR,
        since=state["since"],
        score=0.9,
        evidence=tuple(evidence),
        advice=ADVICE,
    )

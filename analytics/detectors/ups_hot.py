"""The UPS runs hotter than is usual for it at this hour, and the room does not say why. Sees: `ups.temperature` 8 °C over what the last weeks had at this hour and kind
of day, for 3 hours; within 10 °C of its limit it is major, within 5 °C critical. Where `ambient.temperature` has risen with it, it is the room's heat, not
this UPS's (`room_warm`). Where no room temperature is told it is `heat_unexplained`: its root is the site, so that all UPSs of a hot room are one incident.

Does not see a rise over months (see `cooling_worn`), nor judge in the first two weeks. What a week brings becomes usual again slowly.

State: {"usual": {"temp", "room": profile}, "hours": {"temp", "room": heard}, "bits": newest hits, "limit": °C, "kind", "open": what stands}.
"""

from __future__ import annotations

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import episodes, profile
from analytics.slow.frames import heard, lasts, means
from analytics.slow.persistence import push
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

OWN, UNEXPLAINED = "ups_hot", "heat_unexplained"
_TEMP, _ROOM, _LIMIT = "ups.temperature", "ambient.temperature", "ups.temperature.high"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, over-temperature (margin, "inlet also up"); the rest are engineering defaults (tune)."""

    hotter_c: float = 8.0
    spreads: float = 4.0
    well_c: float = 4.0
    hours: int = 3
    warm_up_h: int = 336
    room_share: float = 0.6  #: the room explains it when it rose by so much of it
    limit_c: float = 55.0
    major_c: float = 10.0
    critical_c: float = 5.0
    believed_c: float = 120.0


SETTING = Setting()
LEAST = 3  #: such hours make something usual
_NONE = [0] * SETTING.hours
ADVICE = Text(
    "Feel the air: is it warm at the inlet (the room, or hot air that comes round) or only at the outlet (fans, filter, more load)? Compare the neighbours. "
    "This is wrong if the load was raised or the battery is being charged after an outage: it passes within a day.",
    "先感受进风：进风热（机房或热风回流）还是仅出风热（风扇、防尘网、负载增加）？并对照相邻设备。"
    "若刚增加负载或停电后正在充电，则一天内会恢复，本判断不成立。",
)
WELL = Text("its temperature is usual again", "温度已恢复到往常水平")
_SAID = Text("{value:.1f} °C, usual at this hour are {usual:.1f} °C", "{value:.1f}°C，该时段通常为 {usual:.1f}°C")
_NO_ROOM = Text("no room temperature is told: the room is not ruled out", "没有室温数据，不能排除机房升温")
_ROOM_WELL = Text(
    "the room has {value:.1f} °C, usual are {usual:.1f} °C: it is not the room",
    "室温 {value:.1f}°C，通常为 {usual:.1f}°C：不是机房原因",
)


class UpsHot:
    kinds = frozenset({OWN, UNEXPLAINED})
    needs = frozenset({_TEMP, _ROOM, _LIMIT})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if _TEMP not in hours.columns and "usual" not in state:
            return state, []
        state = {
            **state,
            "usual": {name: [*slots] for name, slots in state.get("usual", {}).items()},
            "hours": dict(state.get("hours", {})),
            "open": dict(state.get("open", {})),
        }
        changes: list[Change] = []
        temps, rooms = means(hours, _TEMP), means(hours, _ROOM)
        limits = lasts(hours, _LIMIT)
        for at in heard(hours, self.needs):
            if at in limits:
                state["limit"] = limits[at]
            changes += _hour(state, at, temps.get(at), rooms.get(at), hours.device)
        return state, changes


def _hour(state: State, at: int, temp: float | None, room: float | None, device: str) -> list[Change]:
    here = profile.slot(at)
    if temp is None or temp > SETTING.believed_c:
        if room is not None:
            _learn(state, "room", here, room)
        return []
    usual = _usual(state, "temp", here)
    rise = 0.0 if usual is None else temp - usual[1]
    hit = usual is not None and rise > max(SETTING.hotter_c, SETTING.spreads * usual[2])
    usual_room = _usual(state, "room", here) if hit else None
    _learn(state, "temp", here, temp)
    if room is not None:
        _learn(state, "room", here, room)
    if usual is None or not (hit or state["open"] or state.get("bits") != _NONE):
        return []
    if hit and room is not None and usual_room is not None and room - usual_room[1] > SETTING.room_share * rise:
        hit = False
    bits = state["bits"] = push(state.get("bits", []), hit, SETTING.hours)
    if sum(bits) == SETTING.hours:
        room_said = _NO_ROOM
        if room is not None and usual_room is not None:
            room_said = _ROOM_WELL.format(value=room, usual=usual_room[1])
        if not episodes.stands(state["open"]):
            state["kind"] = UNEXPLAINED if room_said is _NO_ROOM else OWN
        finding = _finding(state, device, at, (temp, usual[1]), room_said)
        return episodes.stand(state["open"], finding, at)
    if not any(bits) and rise < SETTING.well_c:
        return episodes.end(state["open"], device, state.get("kind", OWN), None, at, WELL)
    return []


def _usual(state: State, name: str, here: int) -> list[float] | None:
    """[hours learned, level, spread] of this slot; None where too little is known."""
    if state["hours"].get(name, 0) < SETTING.warm_up_h:
        return None
    slot: list[float] = state["usual"][name][here]
    return slot if slot[0] >= LEAST else None


def _learn(state: State, name: str, here: int, value: float) -> None:
    slots = state["usual"].get(name)
    if slots is None:
        slots = state["usual"][name] = profile.fresh()
    profile.fill(slots, here, value)
    state["hours"][name] = state["hours"].get(name, 0) + 1


def _finding(state: State, device: str, at: int, seen: tuple[float, float], room: Text) -> Finding:
    value, usual = seen
    margin = state.get("limit", SETTING.limit_c) - value
    severity = Severity.MINOR
    if margin < SETTING.major_c:
        severity = Severity.CRITICAL if margin < SETTING.critical_c else Severity.MAJOR
    return Finding(
        device=device,
        kind=state["kind"],
        index=None,
        severity=severity,
        since=at - (SETTING.hours - 1) * profile.HOUR_MS,
        score=0.7,
        evidence=(
            Evidence(text=_SAID.format(value=value, usual=usual), at=at, point=_TEMP, value=value, expected=usual),
            Evidence(text=room, at=at, point=_ROOM),
        ),
        advice=ADVICE,
    )

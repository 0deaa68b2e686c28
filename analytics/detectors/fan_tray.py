"""A fan of a switch is wearing out, or its air filter is full: it turns slower than its sisters, or all must be driven harder for the same heat.

Sees, in medians of 12 hours against the first 14 days: the speed of each fan (`entity.fan.speed`) over the median of the others, down by more than 15 %
(minor; down by half for 2 hours: major, it stands or nearly does); with one fan only, its speed at the same drive. `entity.fan.level` up by more than 20 points for a day
while the coolest sensor is within 3 °C of its own first two weeks: filter or bearings.

When it does not work: gear that tells no speed (then `bad_state` sees the failed fan only); sisters that wear alike (fans placed together age together:
check the twin too); fans in zones of their own, whose ratio strays anyway, must stray further. Bad input: speeds below 300 RPM from the first
day are no speeds and are left out; a tray that was exchanged turns alike again, which clears; another unit (power of ten) is learned anew.

State: {"tracks": {"r:index" | "s:index" | "d:index" | "cool": track}, "open": parts}.
"""

from __future__ import annotations

from statistics import median

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts, track
from analytics.network.parts import Line
from analytics.network.track import Tracks
from analytics.slow.frames import Columns, Frame, columns, frames, together
from model.finding import Change, Evidence, Severity
from model.text import Text

KIND = "fan_tray"
SPEED, LEVEL, HEAT = "entity.fan.speed", "entity.fan.level", "entity.temperature"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Fan tray": spread between sister fans > 15 %, duty up. The rest are engineering defaults (tune)."""

    slow: float = 0.15
    stopped: float = 0.5
    hours: int = 12
    stopped_hours: int = 2
    spreads: float = 4.0
    least_rpm: float = 300.0
    drive: float = 20.0  #: points of drive gained
    drive_hours: int = 24
    same_heat: float = 3.0  #: °C about the first two weeks within which drives are compared
    same_drive: float = 5.0  #: points


LIMITS = Limits()
ADVICE = Text(
    "Listen and look: clean the filter first, then replace the fan or the tray, and its twin with it. Watch the temperatures until then. "
    "If the maker's software drives the fans otherwise since an upgrade, or a hand-held meter shows equal speeds, this is disproved.",
    "现场听、看：先清洁防尘网，再更换风扇或风扇框，并同时检查同批风扇；更换前关注温度。若升级后厂家调速策略改变，或转速表测得各扇一致，则本结论不成立。",
)
OVER = Text("the fans turn alike again, at their usual drive", "各风扇转速已恢复一致，驱动比例正常")


class FanTray:
    kinds = frozenset({KIND})
    needs = frozenset({SPEED, LEVEL, HEAT})

    def fresh(self) -> State:
        return {"tracks": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if hours.columns.keys().isdisjoint((SPEED, LEVEL)):
            return state, []
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        tracks, open = Tracks(state["tracks"]), dict(state["open"])
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            told = {**_speeds(tracks, frame, bool(open)), **_drives(tracks, frame, bool(open))}
            if told:
                changes += parts.settle(
                    open,
                    told,
                    device=context.device.id,
                    kind=KIND,
                    index=None,
                    at=frame.at,
                    advice=ADVICE,
                    over=OVER,
                )
        return {"tracks": tracks.held, "open": open}, changes

    def quantities(self, state: State) -> dict[str, float]:
        """For the cohort: the usual drive."""
        found = [known[0] for key, one in state["tracks"].items() if key[:2] == "d:" and (known := track.base(one))]
        return {"fan_level": median(found)} if found else {}


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours in which all fans turned alike, at their usual drive; None: they must be gone through hour by hour."""
    speeds, drives, heats = (columns(hours, point) for point in (SPEED, LEVEL, HEAT))
    at = together(speeds, drives, heats)
    if state["open"] or at is None or len(speeds) == 1:
        return None
    tracks = Tracks(state["tracks"])
    for index, column in speeds.items():
        others = _medians([other.mean for name, other in speeds.items() if name != index])
        one = tracks.of(f"r:{index or ''}")
        known = track.base(one)
        if min(others) < LIMITS.least_rpm or not track.settled(one, at):
            return None
        xs = [rpm / other for rpm, other in zip(column.mean, others, strict=True)]
        if known is not None:
            limit = max(LIMITS.slow, LIMITS.spreads * known[1] / known[0]) if known[0] > 0 else 2.0
            if min(track.near(one, xs)) <= (1 - limit) * known[0] or max(xs) > 2 * known[0]:
                return None
        track.extend(one, at, xs)
    if drives and heats and not _driven(tracks, at, drives, heats):
        return None
    return {"tracks": tracks.held, "open": {}}


def _driven(tracks: Tracks, at: list[int], drives: Columns, heats: Columns) -> bool:
    """Take in the drives of many hours; whether all are usual."""
    air, cool = [min(all_) for all_ in zip(*(column.mean for column in heats.values()), strict=True)], tracks.of("cool")
    usual = track.base(cool)
    if not track.settled(cool, at):
        return False
    track.extend(cool, at, air)
    alike = [n for n, celsius in enumerate(air) if usual is None or abs(celsius - usual[0]) <= LIMITS.same_heat]
    for index, column in drives.items():
        one = tracks.of(f"d:{index or ''}")
        known = track.base(one)
        xs = [column.mean[n] for n in alike]
        if not track.settled(one, at) or (
            known is not None
            and xs
            and max(track.near(one, xs)) - known[0] >= max(LIMITS.drive, LIMITS.spreads * known[1])
        ):
            return False
        track.extend(one, [at[n] for n in alike], xs)
    return True


def _medians(rows: list[list[float]]) -> list[float]:
    """Hour by hour over the rows."""
    if len(rows) == 1:
        return rows[0]
    if len(rows) == 2:
        return [(one + other) / 2 for one, other in zip(*rows, strict=True)]
    return [median(some) for some in zip(*rows, strict=True)]


def _speeds(tracks: Tracks, frame: Frame, standing: bool) -> dict[str, Line | None]:
    """By fan: slower against its sisters (one alone: at the same drive) than in its first two weeks."""
    speeds = {index: hour.mean for index, hour in frame.series.get(SPEED, {}).items()}
    told: dict[str, Line | None] = {}
    if len(speeds) == 1:
        [(index, rpm)] = speeds.items()
        drive = _drive_now(frame)
        if drive is None:
            return told
        at_drive = tracks.of("at")
        usual = track.base(at_drive)
        track.add(at_drive, frame.at, drive)
        if usual is not None and abs(drive - usual[0]) > LIMITS.same_drive:
            return told
        return _slower(tracks, f"s:{index or ''}", index, rpm, rpm, frame.at, standing)
    for index, rpm in speeds.items():
        others = median(other for name, other in speeds.items() if name != index)
        if others >= LIMITS.least_rpm:
            told |= _slower(tracks, f"r:{index or ''}", index, rpm / others, rpm, frame.at, standing)
    return told


def _slower(
    tracks: Tracks, key: str, index: str | None, x: float, rpm: float, at: int, standing: bool
) -> dict[str, Line | None]:
    one = tracks.of(key)
    known = track.base(one)
    if known and x > 0 and track.rescaled(x, known[0]) and x > known[0]:
        track.relearn(one)
        return {key: None}
    track.add(one, at, x)
    if known is None or known[0] <= 0:
        return {}
    limit = max(LIMITS.slow, LIMITS.spreads * known[1] / known[0])
    if not standing and x > (1 - limit / 2) * known[0]:
        return {}
    soon, value = track.newest(one, LIMITS.stopped_hours), track.newest(one, LIMITS.hours)
    if soon is not None and soon < (1 - LIMITS.stopped) * known[0]:
        severity, value = Severity.MAJOR, soon
    elif value is not None and value < (1 - limit) * known[0]:
        severity = Severity.MINOR
    else:
        return {key: None} if value is not None and value > (1 - limit / 2) * known[0] else {}
    lost = 1 - value / known[0]
    text = Text(
        f"fan {index or ''}: {rpm:.0f} RPM, {lost:.0%} slower against its sisters than in its first two weeks (limit {limit:.0%})",
        f"风扇 {index or ''}：{rpm:.0f} RPM，相对同组风扇比最初两周慢 {lost:.0%}（上限 {limit:.0%}）",
    )
    evidence = Evidence(
        text=text, at=at, point=SPEED, index=index, value=rpm, expected=rpm * known[0] / value if value else None
    )
    return {key: Line((evidence,), severity, track.since(one, (1 - limit) * known[0], -1), None, 0.85)}


def _drive_now(frame: Frame) -> float | None:
    return frame.mean(LEVEL)


def _drives(tracks: Tracks, frame: Frame, standing: bool) -> dict[str, Line | None]:
    """By fan: driven harder than in its first two weeks, while the air that comes in is as it was."""
    drives, heats = frame.series.get(LEVEL), frame.series.get(HEAT)
    if not drives or not heats:
        return {}
    air = min(hour.mean for hour in heats.values())
    cool = tracks.of("cool")
    usual = track.base(cool)
    track.add(cool, frame.at, air)
    if usual is not None and abs(air - usual[0]) > LIMITS.same_heat:
        return {}
    told: dict[str, Line | None] = {}
    for index, hour in drives.items():
        key = f"d:{index or ''}"
        one = tracks.of(key)
        known = track.base(one)
        track.add(one, frame.at, hour.mean)
        if known is None:
            continue
        limit = max(LIMITS.drive, LIMITS.spreads * known[1])
        if not standing and hour.mean - known[0] < limit / 2:
            continue
        value = track.newest(one, LIMITS.drive_hours)
        if value is None:
            continue
        gained = value - known[0]
        if gained > limit:
            text = Text(
                f"fan {index or ''} is driven at {value:.0f} %, {known[0]:.0f} % in its first two weeks, and the coolest sensor says {air:.0f} °C as then",
                f"风扇 {index or ''} 驱动 {value:.0f}%，最初两周为 {known[0]:.0f}%，而最低测点仍为 {air:.0f}°C",
            )
            evidence = Evidence(text=text, at=frame.at, point=LEVEL, index=index, value=value, expected=known[0])
            began = track.since(one, known[0] + limit, 1)
            told[key] = Line((evidence,), Severity.MINOR, began, None, 0.7)
        elif gained < limit / 2:
            told[key] = None
    return told

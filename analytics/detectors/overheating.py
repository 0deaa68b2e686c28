"""A switch grows too hot: by itself (its airflow), or because the air that comes in is warm (the room).

Sees, in medians of 3 hours: each `entity.temperature` over the inlet (`ambient.temperature`, else the device's coolest sensor), against that difference in the first
14 days: 8 °C more is minor, 15 °C more, or 8 °C more at 90 °C and above, is major, 25 °C more critical: `overheating`, with the date on which it would be
15 °C when it has been climbing for a fortnight. The inlet itself against its own last four weeks: 8 °C more, at 30 °C or above: `room_warm`; its root is the
site, so that all devices of a room are one incident, and the cooling is to blame, not a fan. A device with one sensor cannot tell the two apart: it is judged
against its own last four weeks, and the evidence says so.

When it does not work: makers' shut-down limits are not told; loads that doubled warm a device too (see `cpu_high`). Bad input: sensors that read 0 or
below 5 °C are absent; one that leaps by 40 °C between two hours is not believed until it stays 3 hours; °F in place of °C, on all sensors
at once, is learned anew; a device moved to another room is `room_warm` until the four weeks are over.

State: {"tracks": {"t:index" | "inlet" | "alone": track}, "open": parts, "room": parts}.
"""

from __future__ import annotations

from statistics import median

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts, track
from analytics.network.parts import Line
from analytics.network.track import Track, Tracks
from analytics.slow.days import DAY_MS
from analytics.slow.frames import Frame, columns, frames, together
from analytics.slow.trend import crossing, daily
from model.finding import Change, Evidence, Severity
from model.text import Text

KIND, ROOM = "overheating", "room_warm"
HEAT, AMBIENT = "entity.temperature", "ambient.temperature"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Overheat": against inlet and load, slope, distance to the limit. Degrees are engineering defaults (tune)."""

    minor: float = 8.0
    major: float = 15.0
    critical: float = 25.0
    hot: float = 90.0  #: °C from which 8 °C more are major
    hours: int = 3
    spreads: float = 4.0
    room: float = 8.0
    room_least: float = 30.0  #: °C below which a room is not warm, whatever it was
    weeks_days: int = 28
    weeks_least: int = 10
    least: float = 5.0  #: °C below which a sensor is absent
    climb_days: int = 14
    fahrenheit: float = 5.0


LIMITS = Limits()
ADVICE = Text(
    "The room is not to blame: the air that comes in is as it was. Look at filter, blanked slots, cables before the vents and the fans' speed; then at what the device has more to do. "
    "If the load doubled at that time, or a thermometer at the inlet shows it warm, this is disproved.",
    "与机房无关：进风温度未变。查防尘网、空槽挡板、出风口线缆和风扇转速；再查负载是否增加。若同一时刻负载倍增，或进风口实测偏热，则本结论不成立。",
)
ADVICE_ROOM = Text(
    "Look at the room's cooling first: the air that comes in is warm, and the neighbours will be too. If they are not, look at this rack's airflow (hot air going round).",
    "先查机房空调：进风偏热，相邻设备也应如此。若相邻设备正常，查本机柜气流（热风回流）。",
)
OVER = Text("no sensor is warmer over the inlet than it was", "各测点与进风温差已恢复")
OVER_ROOM = Text("the air that comes in is as in the last weeks", "进风温度已恢复到近几周水平")


class Overheating:
    kinds = frozenset({KIND, ROOM})
    needs = frozenset({HEAT, AMBIENT})

    def fresh(self) -> State:
        return {"tracks": {}, "open": {}, "room": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if HEAT not in hours.columns:
            return state, []
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        tracks, open, room = Tracks(state["tracks"]), dict(state["open"]), dict(state["room"])
        device = context.device.id
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            told, aired = _frame(tracks, frame, bool(open), bool(room))
            changes += parts.settle(
                open, told, device=device, kind=KIND, index=None, at=frame.at, advice=ADVICE, over=OVER
            )
            changes += parts.settle(
                room, aired, device=device, kind=ROOM, index=None, at=frame.at, advice=ADVICE_ROOM, over=OVER_ROOM
            )
        return {"tracks": tracks.held, "open": open, "room": room}, changes

    def quantities(self, state: State) -> dict[str, float]:
        """For the cohort: how much warmer than its inlet the warmest sensor usually is."""
        found = [known[0] for key, one in state["tracks"].items() if key[:2] == "t:" and (known := track.base(one))]
        return {"temperature_rise": max(found)} if found else {}


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours in which nothing was warm; None: they must be gone through hour by hour."""
    heats, ambient = columns(hours, HEAT), columns(hours, AMBIENT)
    at = together(heats, ambient)
    if state["open"] or state["room"] or at is None or (len(heats) == 1 and not ambient):
        return None
    if min(min(column.mean) for column in (*heats.values(), *ambient.values())) < LIMITS.least:
        return None
    tracks = Tracks(state["tracks"])
    air = zip(*(column.mean for column in (ambient or heats).values()), strict=True)
    inlets = [median(some) for some in air] if ambient else [min(some) for some in air]
    inlet = tracks.of("inlet")
    known = [row[1] for row in inlet["rows"]] + [x for _, x in inlet["recent"]] + inlets
    warmest = max(inlets)
    if warmest - min(known) >= LIMITS.room and (warmest >= LIMITS.room_least or warmest - min(known) > LIMITS.critical):
        return None
    if not track.settled(inlet, at):
        return None
    track.extend(inlet, at, inlets)
    for index, column in heats.items():
        over = [n for n, value in enumerate(column.mean) if ambient or value > inlets[n]]
        if not over:
            continue
        one = tracks.of(f"t:{index or ''}")
        xs = [column.mean[n] - inlets[n] for n in over]
        base = track.base(one)
        if not track.settled(one, at) or (base is not None and max(track.near(one, xs)) - base[0] >= LIMITS.minor):
            return None
        track.extend(one, [at[n] for n in over], xs)
    return {**state, "tracks": tracks.held}


def _frame(
    tracks: Tracks, frame: Frame, standing: bool, warm: bool
) -> tuple[dict[str, Line | None], dict[str, Line | None]]:
    """By sensor what is too warm over the inlet, and what is to be said of the inlet."""
    heats = {i: hour.mean for i, hour in frame.series.get(HEAT, {}).items() if hour.mean >= LIMITS.least}
    ambient = [hour.mean for hour in frame.series.get(AMBIENT, {}).values() if hour.mean >= LIMITS.least]
    if not heats:
        return {}, {}
    if not ambient and len(heats) == 1:
        [(index, value)] = heats.items()
        return _against_weeks(tracks.of("alone"), frame.at, value, index, LIMITS.minor, 0.0, standing, alone=True), {}
    inlet = median(ambient) if ambient else min(heats.values())
    aired = _against_weeks(tracks.of("inlet"), frame.at, inlet, None, LIMITS.room, LIMITS.room_least, warm, alone=False)
    told: dict[str, Line | None] = {}
    if _fahrenheit(tracks, inlet):
        for key in [key for key in tracks.held if key[:2] == "t:"]:
            track.relearn(tracks.of(key))
            told[key] = None
        track.relearn(tracks.of("inlet"))
        return told, {"inlet": None}
    for index, value in heats.items():
        if ambient or value > inlet:
            told |= _against_first(tracks.of(f"t:{index or ''}"), frame.at, value, inlet, index, standing)
    return told, aired


def _fahrenheit(tracks: Tracks, inlet: float) -> bool:
    """Whether the inlet reads as the last weeks would in degrees Fahrenheit."""
    rows = tracks.of("inlet")["rows"][-LIMITS.weeks_least :]
    if len(rows) < LIMITS.weeks_least:
        return False
    usual = float(median(row[1] for row in rows))
    return inlet > usual + 30 and abs(inlet - (1.8 * usual + 32)) < LIMITS.fahrenheit


def _against_first(
    one: Track, at: int, value: float, inlet: float, index: str | None, standing: bool
) -> dict[str, Line | None]:
    key = f"t:{index or ''}"
    known = track.base(one)
    track.add(one, at, value - inlet)
    if known is None or (not standing and value - inlet - known[0] < LIMITS.minor / 2):
        return {}
    rise = track.newest(one, LIMITS.hours)
    if rise is None:
        return {}
    more, least = rise - known[0], max(LIMITS.minor, LIMITS.spreads * known[1])
    if more < least:
        return {key: None} if more < least / 2 else {}
    if more >= LIMITS.critical:
        severity = Severity.CRITICAL
    else:
        severity = Severity.MAJOR if more >= LIMITS.major or value >= LIMITS.hot else Severity.MINOR
    text = Text(
        f"sensor {index or ''}: {value:.0f} °C, {rise:.0f} °C over the inlet at {inlet:.0f} °C; {known[0]:.0f} °C over it in its first two weeks",
        f"测点 {index or ''}：{value:.0f}°C，高出进风（{inlet:.0f}°C）{rise:.0f}°C；最初两周高出 {known[0]:.0f}°C",
    )
    evidence = Evidence(text=text, at=at, point=HEAT, index=index, value=value, expected=inlet + known[0])
    forecast = _climb(one, at, known[0] + LIMITS.major) if more < LIMITS.major else None
    return {key: Line((evidence,), severity, track.since(one, known[0] + least, 1), forecast, 0.85)}


def _climb(one: Track, at: int, limit: float) -> int | None:
    """When the rise reaches `limit`, if it has been climbing steadily."""
    rows = one["rows"][-LIMITS.climb_days :]
    if len(rows) < LIMITS.climb_days:
        return None
    slope = daily([int(row[0]) for row in rows], [row[1] for row in rows])
    reached = crossing(slope, at, limit) if slope is not None and slope.rises else None
    return None if reached is None else max(at, reached.at)


def _against_weeks(
    one: Track, at: int, value: float, index: str | None, limit: float, least: float, standing: bool, *, alone: bool
) -> dict[str, Line | None]:
    """Warm against the last four weeks, but for the last two days. With one sensor, device and room cannot be told apart."""
    key = "alone" if alone else "inlet"
    track.add(one, at, value)
    if not standing and (not one["rows"] or value - min(row[1] for row in one["rows"]) < limit or value < least):
        return {}
    now = track.newest(one, LIMITS.hours)
    rows = [row for row in one["rows"] if 2 <= at // DAY_MS - row[0] <= LIMITS.weeks_days + 2]
    if now is None or len(rows) < LIMITS.weeks_least:
        return {}
    usual = median(row[1] for row in rows)
    swing = median(row[2] for row in rows)
    limit = max(limit, LIMITS.spreads * swing)
    if now - usual < limit or now < least:
        return {key: None} if now - usual < limit / 2 or now < least - 2 else {}
    which = Text("its one sensor", "唯一测点") if alone else Text("the air that comes in", "进风温度")
    text = Text(
        f"{which.en}: {now:.0f} °C, {now - usual:.0f} °C over its last four weeks (limit {limit:.0f} °C)",
        f"{which.zh}：{now:.0f}°C，较近四周高 {now - usual:.0f}°C（上限 {limit:.0f}°C）",
    )
    lines = [Evidence(text=text, at=at, point=HEAT, index=index, value=now, expected=usual)]
    if alone:
        unclear = Text(
            "one sensor cannot tell this device from its room: look whether the neighbours are warmer too",
            "单一测点无法区分设备自身与机房：请查看相邻设备是否同样升温",
        )
        lines.append(Evidence(text=unclear, at=at))
    severe = now - usual >= LIMITS.major + (LIMITS.room - LIMITS.minor)
    severity = Severity.MAJOR if severe else Severity.MINOR
    return {key: Line(tuple(lines), severity, track.since(one, usual + limit, 1), None, 0.6 if alone else 0.8)}

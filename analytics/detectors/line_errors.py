"""A line damages a few frames, long before it damages many: errors an hour against frames an hour, over a day.

Sees what `ifInErrors` and `ifOutErrors` added in the last 24 hours against `ifInUcastPkts` and `ifOutUcastPkts`: at least 5 errors in 3 separate hours, and 5 times this
port's own first weeks. More than 1 in 10^9 frames is a warning, 1 in 10^6 a job (1 in 10,000 within minutes: `port_errors`). The light that comes in (`optics.rx_power` of the same
port) having fallen by 1 dB says fibre or optic; 3 ports or more of the device at once say the device; frames damaged in step with the traffic, on a copper port, say duplex or
cable. It shares its cause and root with `port_errors`, `fibre_loss`, `laser_ageing` and `link_flapping`: one incident a port.

When it does not work: ports with little traffic (5 errors in a day at least); gear that counts discarded frames as errors. Bad input: a counter that falls, a restart, a
gap of more than a day and a rise beyond any port's speed are unknown and count as nothing.

State: {"last": {point and port: [hour, value]}, "up": last up-time, "ways": {"port way": {"first": [errors, frames, hours], and once there were errors "bad": newest hour with
some, "day": [[hour, errors, frames]]}},
"light": {port: track}, "open": parts}.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts, track
from analytics.network.counts import HOUR_MS, added, all_added, rises
from analytics.network.parts import Line
from analytics.network.track import Tracks
from analytics.slow.frames import Frame, columns, frames
from model.finding import Change, Evidence, Severity
from model.text import Text

KIND = "line_errors"
UPTIME, RX, SPEED = "sysUpTime", "optics.rx_power", "ifHighSpeed"
WAYS = {"in": ("ifInErrors", "ifInUcastPkts"), "out": ("ifOutErrors", "ifOutUcastPkts")}
_NAMES = {"in": Text("received", "接收"), "out": Text("sent", "发送")}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "CRC/FCS errors": > 1e-9 watch, > 1e-6 warn, > 1e-4 fail. The rest are engineering defaults (tune)."""

    watch: float = 1e-9
    warn: float = 1e-6
    fail: float = 1e-4
    errors: int = 5
    hours: int = 3
    window_h: int = 24
    over_first: float = 5.0
    first_h: int = 14 * 24
    light_db: float = 1.0
    light_hours: int = 6
    ports: int = 3
    most_per_h: float = 6e8 * 3600  #: 400 Gbit/s of shortest frames


LIMITS = Limits()
ADVICE = Text(
    "Clean and reseat the plug or optic, then swap cable or optic with a good one and see whether the errors go with it; compare the peer's counters. "
    "If they rise while the port is looped to itself, the port is the cause; if only on one peer, this line is not.",
    "清洁并重插接头或光模块，再与完好的线缆或光模块对调，看错包是否随之转移；比对对端计数。若本端自环仍增长，则为端口故障；若只随某一对端出现，则与本线路无关。",
)
OVER = Text("no more damaged frames than in its first weeks", "错包已回到最初水平")


class LineErrors:
    kinds = frozenset({KIND})
    needs = frozenset({UPTIME, RX, *(point for pair in WAYS.values() for point in pair)})

    def fresh(self) -> State:
        return {"last": {}, "up": 0.0, "ways": {}, "light": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        light = Tracks(state["light"])
        state = {**state, "last": dict(state["last"]), "ways": dict(state["ways"]), "open": dict(state["open"])}
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            for index, hour in frame.series.get(RX, {}).items():
                track.add(light.of(index or ""), frame.at, hour.mean)
            told = _frame(state, frame)
            ill = {port for (port, way), line in told.items() if line}
            for port in dict.fromkeys(port for port, _ in told):
                of = {
                    way: line and line._replace(evidence=(*line.evidence, *_why(light, port, ill, frame.at)))
                    for (name, way), line in told.items()
                    if name == port
                }
                changes += parts.settle(
                    state["open"],
                    of,
                    device=context.device.id,
                    kind=KIND,
                    index=port or None,
                    at=frame.at,
                    advice=ADVICE,
                    over=OVER,
                )
        return {**state, "light": light.held}, changes


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours of which nothing is to be said, port by port; None: they must be gone through hour by hour."""
    up = rises(state["up"], columns(hours, UPTIME))
    if state["open"] or up is None:
        return None
    last, ways, light = dict(state["last"]), dict(state["ways"]), Tracks(state["light"])
    for way, (bad, good) in WAYS.items():
        passing = columns(hours, good)
        for index, wrong in columns(hours, bad).items():
            passed = passing.get(index)
            if passed is None or passed.at != wrong.at:
                return None
            port = index or ""
            added_to = zip(
                wrong.at,
                all_added(last, f"{bad}#{port}", wrong),
                all_added(last, f"{good}#{port}", passed),
                strict=True,
            )
            key = f"{port} {way}"
            of = _passed(ways.get(key), port, way, added_to)
            if of is None:
                return None
            if of:
                ways[key] = of
    for index, column in columns(hours, RX).items():
        one = light.of(index or "")
        if not track.settled(one, column.at):
            return None
        track.extend(one, column.at, column.mean)
    return {**state, "last": last, "up": up, "ways": ways, "light": light.held}


def _passed(
    of: dict[str, Any] | None, port: str, way: str, added_to: Iterable[tuple[int, float | None, float | None]]
) -> dict[str, Any] | None:
    """One way after these hours; empty: nothing came through yet; None: something is to be said of it."""
    for at, errors, passed in added_to:
        if errors is None or passed is None or max(errors, passed) > LIMITS.most_per_h * 26:
            continue
        if not errors:
            if of is None and not passed:
                continue
            if of is not None and "bad" not in of and of["first"][2] >= LIMITS.first_h:
                continue
        of = _took(of, at, errors, passed)
        if "bad" in of:
            clear, line = _judge(of, port, way, at)
            if clear and line:
                return None
    return of or {}


def _frame(state: State, frame: Frame) -> dict[tuple[str, str], Line | None]:
    """By port and way what is to be said after this hour (the caller's own state)."""
    uptime = frame.one(UPTIME)
    restarted = uptime is not None and (uptime.last < state["up"] or uptime.low < uptime.first)
    if uptime is not None:
        state["up"] = uptime.last
    told: dict[tuple[str, str], Line | None] = {}
    for way, (bad, good) in WAYS.items():
        frames_of = frame.series.get(good, {})
        for index, hour in frame.series.get(bad, {}).items():
            port = index or ""
            errors = added(state["last"], f"{bad}#{port}", frame.at, hour.last, restarted)
            packets = frames_of.get(index)
            passed = (
                None if packets is None else added(state["last"], f"{good}#{port}", frame.at, packets.last, restarted)
            )
            if errors is None or passed is None or max(errors, passed) > LIMITS.most_per_h * 26:
                continue
            key = f"{port} {way}"
            if errors == 0 and key not in state["ways"] and passed == 0:
                continue
            of = state["ways"][key] = _took(state["ways"].get(key), frame.at, errors, passed)
            if "bad" not in of:
                continue
            clear, line = _judge(of, port, way, frame.at)
            if clear and (line or port in state["open"]):
                told[port, way] = line
    return told


def _took(of: dict[str, Any] | None, at: int, errors: float, passed: float) -> dict[str, Any]:
    """Its first weeks, and, once there were errors, the last day of one way. The one given is not changed."""
    of = of or {"first": [0.0, 0.0, 0]}
    first = of["first"]
    if first[2] < LIMITS.first_h:
        of = {**of, "first": [first[0] + errors, first[1] + passed, first[2] + 1]}
    bad = at if errors else of.get("bad")
    if bad is None:
        return of
    if at - bad > 2 * LIMITS.window_h * HOUR_MS:
        return {"first": of["first"]}
    day = [row for row in of.get("day", []) if at - row[0] < LIMITS.window_h * HOUR_MS]
    return {"first": of["first"], "bad": bad, "day": [*day, [at, errors, passed]]}


def _judge(of: dict[str, Any], port: str, way: str, at: int) -> tuple[bool, Line | None]:
    """Whether anything can be said, and the line, None when it is well."""
    errors, passed = sum(row[1] for row in of["day"]), sum(row[2] for row in of["day"])
    if not errors:
        return True, None
    first = of["first"]
    passed += max(0, LIMITS.window_h - len(of["day"])) * first[1] / max(1, first[2])
    ratio = errors / (errors + passed)
    usual = first[0] / max(1.0, first[0] + first[1]) if first[2] >= LIMITS.first_h else 0.0
    hit = [row[0] for row in of["day"] if row[1]]
    limit = max(LIMITS.watch, LIMITS.over_first * usual) if usual < LIMITS.fail else LIMITS.fail
    if first[2] < LIMITS.first_h:
        limit = LIMITS.warn
    if ratio <= limit or errors < LIMITS.errors or len(hit) < LIMITS.hours:
        return ratio <= limit / 2 or len(hit) < 2, None
    severity = Severity.MAJOR if ratio > LIMITS.fail else Severity.MINOR if ratio > LIMITS.warn else Severity.WARNING
    name = _NAMES[way]
    text = Text(
        f"port {port}: {errors:.0f} errors in {errors + passed:.2e} frames {name.en} within a day ({ratio:.1e}; usual {usual:.1e}, watch {LIMITS.watch:.0e}, warn {LIMITS.warn:.0e})",
        f"端口 {port}：一天内{name.zh} {errors + passed:.2e} 帧，错 {errors:.0f} 帧（{ratio:.1e}；平时 {usual:.1e}，关注 {LIMITS.watch:.0e}，告警 {LIMITS.warn:.0e}）",
    )
    evidence = Evidence(text=text, at=at, point=WAYS[way][0], index=port or None, value=ratio, expected=usual)
    return True, Line((evidence,), severity, int(hit[0]), None, 0.9 if ratio > LIMITS.warn else 0.7)


def _why(light: Tracks, port: str, ill: set[str], at: int) -> list[Evidence]:
    """What speaks for one cause rather than another."""
    lines: list[Evidence] = []
    one = light.held.get(port)
    known, now = (track.base(one), track.newest(one, LIMITS.light_hours)) if one else (None, None)
    if known is not None and now is not None:
        lost = known[0] - now
        if lost >= LIMITS.light_db:
            text = Text(
                f"{lost:.1f} dB less light comes in than at first: fibre or optic",
                f"收光较最初减少 {lost:.1f} dB：光纤或光模块问题",
            )
        else:
            text = Text("as much light comes in as at first: not the fibre", "收光与最初相同：非光纤问题")
        lines.append(Evidence(text=text, at=at, point=RX, index=port or None, value=now, expected=known[0]))
    if len(ill) >= LIMITS.ports:
        text = Text(
            f"{len(ill)} ports of this device at once: line card or power, not each line",
            f"本机 {len(ill)} 个端口同时出现：应查板卡或供电，而非各条线路",
        )
        lines.append(Evidence(text=text, at=at))
    elif one is None:
        text = Text(
            "no light is told here: on copper think of duplex, cable and interference",
            "无光功率数据：若为电口，应考虑双工、线缆和干扰",
        )
        lines.append(Evidence(text=text, at=at))
    return lines

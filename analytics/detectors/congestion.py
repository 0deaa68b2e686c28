"""A port drops what it cannot send: it is full at its busy hours. More capacity or better queues, no broken part.

Sees, on each of the last 7 days: the hours in which more than 1 in 10,000 frames were discarded on the way out (`ifOutDiscards` against `ifOutUcastPkts`, 100 at least). Three such days of
seven, with the busy hours (P95 of the hours' means of `ifHCOutOctets` against `ifHighSpeed`) over 80 %, are raised. Discards in an idle port are told too, as a
warning: bursts shorter than the mean shows, a speed that does not match, a queue set too short.

When it does not work: hourly means hide bursts; a port whose speed is told wrongly (0, or that of its bundle). Bad input: restarts, wraps, gaps and
rises beyond the port's speed count as nothing; a port that changed its speed is judged by the new one.

State: {"last": {point and port: [hour, value]}, "up": last up-time, "speed": {port: Mbit/s}, "ports": {port: [[day, bad hours, discards, frames, [busiest four hours]]]}, "open": parts}.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts
from analytics.network.counts import HOUR_MS, added, all_added, rises
from analytics.network.parts import Line
from analytics.slow.days import DAY_MS
from analytics.slow.frames import Frame, Hour, columns, frames
from model.finding import Change, Evidence, Severity
from model.text import Text

KIND = "congestion"
UPTIME, DISCARDS, PACKETS, OCTETS, SPEED = (
    "sysUpTime",
    "ifOutDiscards",
    "ifOutUcastPkts",
    "ifHCOutOctets",
    "ifHighSpeed",
)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Discards/congestion": ratio > 1e-4 sustained at utilisation > 80 % P95. The rest are engineering defaults (tune)."""

    ratio: float = 1e-4
    least: int = 100
    full: float = 0.8
    days: int = 3
    of_days: int = 7
    busiest: int = 2  #: hours of a day's 24 that lie above its P95


LIMITS = Limits()
ADVICE = Text(
    "Look what fills the port at these hours (backup, camera, loop?); move it, add a link or a faster one, or give what matters a queue of its own. No part needs to be changed. "
    "If discards come in idle hours too, look at speed and queue settings instead.",
    "查明这些时段占满端口的流量（备份、摄像头、环路？）；错峰、扩容或为重要业务设置队列。无需更换部件。若空闲时段也丢弃，应查速率与队列设置。",
)
OVER = Text("fewer than three of the last seven days had discards", "近七天中出现丢弃的不足三天")


class Congestion:
    kinds = frozenset({KIND})
    needs = frozenset({UPTIME, DISCARDS, PACKETS, OCTETS, SPEED})

    def fresh(self) -> State:
        return {"last": {}, "up": 0.0, "speed": {}, "ports": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if DISCARDS not in hours.columns and UPTIME not in hours.columns:
            return state, []
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        state = {name: value if name == "up" else dict(value) for name, value in state.items()}
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            for port in _frame(state, frame):
                told = _judge(state["ports"].get(port, []), port, frame.at)
                if told or port in state["open"]:
                    changes += parts.settle(
                        state["open"],
                        {"out": told},
                        device=context.device.id,
                        kind=KIND,
                        index=port or None,
                        at=frame.at,
                        advice=ADVICE,
                        over=OVER,
                    )
        return state, changes


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours of which nothing is to be said, port by port; None: they must be gone through hour by hour."""
    up = rises(state["up"], columns(hours, UPTIME))
    if state["open"] or up is None:
        return None
    for index, column in columns(hours, SPEED).items():
        if column.last != [state["speed"].get(index or "")] * len(column.last):
            return None
    last, ports = dict(state["last"]), dict(state["ports"])
    packets, octets = columns(hours, PACKETS), columns(hours, OCTETS)
    for index, lost in columns(hours, DISCARDS).items():
        passed, load, port = packets.get(index), octets.get(index), index or ""
        if passed is None or load is None or not (lost.at == passed.at == load.at):
            return None
        speed = state["speed"].get(port, 0.0) * 1e6 / 8 * HOUR_MS / 1000
        more = [all_added(last, f"{name}#{port}", column) for name, column in (("d", lost), ("p", passed), ("o", load))]
        rows = _passed(ports.pop(port, []), port, speed, zip(lost.at, *more, strict=True))
        if rows is None:
            return None
        if rows:
            ports[port] = rows
    return {**state, "last": last, "up": up, "ports": ports}


def _passed(
    rows: list[list[Any]],
    port: str,
    speed: float,
    hours: Iterable[tuple[int, float | None, float | None, float | None]],
) -> list[list[Any]] | None:
    """The days of one port after these hours; None: something is to be said of it."""
    rows, today = [*rows], -1
    for at, lost, passed, load in hours:
        if lost is None or passed is None or (not lost and not rows):
            continue
        if load is not None and speed and load > 1.2 * speed:
            continue
        new = at // DAY_MS != today
        if new or not rows:
            today = at // DAY_MS
            new = not rows or rows[-1][0] != today
            rows = [row for row in rows if today - row[0] < LIMITS.of_days]
            rows = [*rows, [today, 0, 0.0, 0.0, []]] if new else [*rows[:-1], [*rows[-1]]]
        now = rows[-1]
        now[1] += int(lost >= LIMITS.least and lost > LIMITS.ratio * (lost + passed))
        now[2] += lost
        now[3] += passed
        if load is not None and speed:
            now[4] = sorted([*now[4], load / speed])[-LIMITS.busiest :]
        if new and not any(row[2] for row in rows):
            rows = []
        if (new or lost) and _judge(rows, port, at):
            return None
    return rows


def _frame(state: State, frame: Frame) -> list[str]:
    """Take one hour in (the caller's own state); the ports of which a new day began or discards grew."""
    uptime = frame.one(UPTIME)
    restarted = uptime is not None and (uptime.last < state["up"] or uptime.low < uptime.first)
    if uptime is not None:
        state["up"] = uptime.last
    for index, hour in frame.series.get(SPEED, {}).items():
        state["speed"][index or ""] = hour.last
    moved: list[str] = []
    packets, octets = frame.series.get(PACKETS, {}), frame.series.get(OCTETS, {})
    for index, hour in frame.series.get(DISCARDS, {}).items():
        port = index or ""
        lost = added(state["last"], f"d#{port}", frame.at, hour.last, restarted)
        passed = _more(state, f"p#{port}", packets.get(index), frame.at, restarted)
        load = _more(state, f"o#{port}", octets.get(index), frame.at, restarted)
        if lost is None or passed is None or (not lost and port not in state["ports"]):
            continue
        speed = state["speed"].get(port, 0.0) * 1e6 / 8 * HOUR_MS / 1000
        if load is not None and speed and load > 1.2 * speed:
            continue
        busy = load / speed if load is not None and speed else None
        if _day(state["ports"], port, frame.at // DAY_MS, lost, passed, busy) or lost:
            moved.append(port)
    return moved


def _more(state: State, key: str, hour: Hour | None, at: int, restarted: bool) -> float | None:
    return None if hour is None else added(state["last"], key, at, hour.last, restarted)


def _day(ports: dict[str, Any], port: str, day: int, lost: float, passed: float, busy: float | None) -> bool:
    """Add an hour to its day; whether the day is a new one."""
    rows: list[list[Any]] = [row for row in ports.get(port, []) if day - row[0] < LIMITS.of_days]
    new = not rows or rows[-1][0] != day
    today: list[Any] = [day, 0, 0.0, 0.0, []] if new else list(rows.pop())
    today[1] += int(lost >= LIMITS.least and lost > LIMITS.ratio * (lost + passed))
    today[2] += lost
    today[3] += passed
    if busy is not None:
        today[4] = sorted([*today[4], busy])[-LIMITS.busiest :]
    ports[port] = [*rows, today]
    if not any(row[2] for row in ports[port]):
        del ports[port]
    return new


def _judge(rows: list[list[Any]], port: str, at: int) -> Line | None:
    days = [row for row in rows if row[1]]
    if len(days) < LIMITS.days:
        return None
    busiest = [row[4][0] for row in days if row[4]]
    busy = sorted(busiest)[len(busiest) // 2] if busiest else None
    lost, passed = sum(row[2] for row in days), sum(row[3] for row in days)
    ratio = lost / (lost + passed)
    text = Text(
        f"port {port}: {lost:.0f} frames discarded on {len(days)} of the last {LIMITS.of_days} days ({ratio:.1e}; limit {LIMITS.ratio:.0e})",
        f"端口 {port}：近 {LIMITS.of_days} 天中有 {len(days)} 天丢弃，共 {lost:.0f} 帧（{ratio:.1e}，上限 {LIMITS.ratio:.0e}）",
    )
    lines = [Evidence(text=text, at=at, point=DISCARDS, index=port or None, value=ratio, expected=LIMITS.ratio)]
    full = busy is not None and busy > LIMITS.full
    if busy is not None:
        words = Text(
            f"its busy hours fill {busy:.0%} of the port" + ("" if full else ": bursts, speed or queues, not capacity"),
            f"繁忙时段占用端口 {busy:.0%}" + ("" if full else "：应查突发、速率或队列，而非容量"),
        )
        lines.append(Evidence(text=words, at=at, point=OCTETS, index=port or None, value=busy, expected=LIMITS.full))
    severity = Severity.MINOR if full else Severity.WARNING
    return Line(tuple(lines), severity, int(days[0][0] * DAY_MS), None, 0.9 if full else 0.7)

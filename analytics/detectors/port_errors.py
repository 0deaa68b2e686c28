"""A port damages frames: more than 1 in 10,000 packets, at least 10 errors, over at least 3 intervals.

Sees the differences of `ifInErrors` / `ifOutErrors` against `ifInUcastPkts` / `ifOutUcastPkts`, each direction by itself.
A counter that falls, or a `sysUpTime` that falls, is a restart (or a wrapped 32-bit counter): the interval is
unknown and counts as nothing, never as a huge or negative number. Cleared when the last 3 intervals together
show less than 1 in 100,000. An idle port (fewer than 10 errors) is never accused. At least two of the intervals
must have errors: one burst, such as a plug being moved, is no bad line.

Errors and packets may come in different answers: they are paired when at most 1 s (or one round of the wire) apart.

State: {"uptime": last, "restart": when it last fell, "up": {port: directions}, "ports": {"port direction":
{"errors": [at, value] not paired yet, "packets": the same, "last": [at, errors, packets], "intervals":
[[at, errors, packets] added in each of the last intervals]}}}.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from analytics.detector import Block, Column, Context, State
from analytics.walk import walk
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text

KIND = "port_errors"
UPTIME = "sysUpTime"
DIRECTIONS = (("in", "ifInErrors", "ifInUcastPkts"), ("out", "ifOutErrors", "ifOutUcastPkts"))
ROLES = ("errors", "packets")
NEAR_S = 1.0
RAISE_RATIO, CLEAR_RATIO = 1e-4, 1e-5
LEAST_ERRORS, LEAST_INTERVALS, KEPT = 10, 3, 6
#: More packets a second than any port can carry (400 Gbit/s of shortest frames): the counter is not to be believed.
MOST_PER_S = 6e8

ADVICE = Text(
    "Clean and reseat plug or optic, change the cable, check duplex on both ends; compare with the peer's counters.",
    "清洁并重插接头或光模块，更换线缆，核对两端双工；与对端计数比较。",
)
OVER = Text("no more errors on this port", "端口不再出现错包")


#: What is known of one direction of one port.
Way = dict[str, Any]
#: point -> (direction, "errors" or "packets")
_ROLES = {point: (way, role) for way, *points in DIRECTIONS for point, role in zip(points, ROLES, strict=True)}


class PortErrors:
    kinds = frozenset({KIND})
    needs = frozenset({UPTIME, *_ROLES})

    def fresh(self) -> State:
        return {"ports": {}, "up": {}}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if (quiet := _quiet(state, block)) is not None:
            return quiet, []
        state = {**state, "ports": dict(state["ports"]), "up": dict(state["up"])}
        near_ms = 1000 * max(NEAR_S, context.wire_s)
        changes: list[Change] = []
        for sample in walk(block, (UPTIME, *_ROLES)):
            if sample.point == UPTIME:
                if sample.value < state.get("uptime", 0):
                    state["restart"] = sample.at
                state["uptime"] = sample.value
                continue
            direction, role = _ROLES[sample.point]
            key = f"{sample.key} {direction}"
            way = state["ports"][key] = {**state["ports"].get(key, {}), role: [sample.at, sample.value]}
            if _paired(way, near_ms) and _interval(way, state.get("restart", 0)):
                change = _judge(state["up"], sample.key, direction, way, context.device.id)
                if change:
                    changes.append(change)
        return state, changes


def _quiet(state: State, block: Block) -> State | None:
    """The state after a block without a restart or many errors, way by way; None: its samples must be walked through."""
    up = state.get("uptime", 0)
    for column in block.columns.get(UPTIME, {}).values():
        if column.value[0] < up or any(newer < older for older, newer in pairwise(column.value)):
            return None
        up = column.value[-1]
    if state["up"] or len(block.columns.get(UPTIME, {})) > 1:
        return None
    ports = dict(state["ports"])
    for direction, *points in DIRECTIONS:
        errors, packets = (block.columns.get(point, {}) for point in points)
        for index in dict.fromkeys((*errors, *packets)):
            bad, good, key = errors.get(index), packets.get(index), f"{index or ''} {direction}"
            if bad is None or good is None:
                way = _half(ports.get(key, {}), "packets" if bad is None else "errors", bad or good)
            else:
                way = _few(ports.get(key, {}), bad, good, state.get("restart", 0)) if bad.at == good.at else None
            if way is None:
                return None
            ports[key] = way
    return {**state, "ports": ports} | ({"uptime": up} if UPTIME in block.columns else {})


def _half(way: Way, role: str, column: Column | None) -> Way | None:
    """One way of which only errors or only packets are told; None: the other half waits."""
    if column is None or any(other in way for other in ROLES if other != role):
        return None
    return {**way, role: [column.at[-1], column.value[-1]]}


def _few(way: Way, bad: Column, good: Column, restart: int) -> Way | None:
    """One way after a block whose errors and packets came together; None: there may be too many errors, or something waits for its other half."""
    if "errors" in way or "packets" in way:
        return None
    before, known = way.get("last"), way.get("intervals", [])
    rows = [*zip(bad.at, bad.value, good.value, strict=True)]
    pairs = pairwise(rows if before is None else [before, *rows])
    added = [row for one, other in pairs if (row := _added(one, other, restart)) is not None]
    if sum(row[1] for row in known) + sum(row[1] for row in added) >= LEAST_ERRORS:
        return None
    way = {**way, "last": [*rows[-1]]}
    if added:
        way["intervals"] = [*known, *added][-KEPT:]
    return way


def _paired(way: Way, near_ms: float) -> bool:
    """Whether errors and packets of one moment are both here."""
    errors, packets = way.get("errors"), way.get("packets")
    if errors is None or packets is None:
        return False
    return bool(abs(errors[0] - packets[0]) <= near_ms)


def _interval(way: Way, restart: int) -> bool:
    """Turn the pair into what was added since the last one; whether that can be known. `way` is changed."""
    (at, errors), (at_packets, packets) = way.pop("errors"), way.pop("packets")
    at = max(at, at_packets)
    last = way.get("last")
    way["last"] = [at, errors, packets]
    if last is None:
        return False
    added = _added(last, (at, errors, packets), restart)
    if added is None:
        return False
    way["intervals"] = [*way.get("intervals", [])[1 - KEPT :], added]
    return True


def _added(last: Sequence[float], now: Sequence[float], restart: int) -> list[float] | None:
    """[at, errors, packets] of one interval; None: it cannot be known."""
    before, errors0, packets0 = last
    at, errors, packets = now
    more_errors, more_packets = errors - errors0, packets - packets0
    fell = more_errors < 0 or more_packets < 0 or before < restart <= at
    if fell or more_packets > MOST_PER_S * (at - before) / 1000:
        return None
    return [at, more_errors, more_packets]


def _judge(up: dict[str, list[str]], port: str, direction: str, way: Way, device: str) -> Change | None:
    """`up` and `way` are the caller's own copies; they are changed."""
    intervals = way["intervals"]
    if len(intervals) < LEAST_INTERVALS:
        return None
    standing = up.get(port, [])
    if direction in standing:
        errors, ratio = _ratio(intervals[-LEAST_INTERVALS:])
        if ratio >= CLEAR_RATIO:
            return None
        way["intervals"] = intervals[-LEAST_INTERVALS:]  # what is forgiven must not count again
        up[port] = [other for other in standing if other != direction]
        if up[port]:
            return None
        del up[port]
        return Cleared(device=device, kind=KIND, index=port, at=intervals[-LEAST_INTERVALS][0], why=OVER)
    errors, ratio = _ratio(intervals)
    hit = [at for at, bad, _ in intervals if bad]
    if errors < LEAST_ERRORS or ratio <= RAISE_RATIO or len(hit) < 2:
        return None
    up[port] = [*standing, direction]
    finding = _finding(device, port, direction, intervals, hit[0])
    return Changed(finding=finding) if standing else Raised(finding=finding)


def _ratio(intervals: list[list[float]]) -> tuple[float, float]:
    """Errors, and their share of all frames (packets counts the good ones only)."""
    errors, packets = sum(i[1] for i in intervals), sum(i[2] for i in intervals)
    return errors, errors / (errors + packets) if errors else 0.0


def _finding(device: str, port: str, direction: str, intervals: list[list[float]], since: int) -> Finding:
    errors, ratio = _ratio(intervals)
    point = next(errors_ for name, errors_, _ in DIRECTIONS if name == direction)
    frames = errors + sum(i[2] for i in intervals)
    way = Text("received", "接收") if direction == "in" else Text("sent", "发送")
    text = Text(
        f"port {port}: {errors:.0f} errors in {frames:.0f} frames {way.en} ({ratio:.1e}; limit {RAISE_RATIO:.0e})",
        f"端口 {port}：{way.zh} {frames:.0f} 帧中 {errors:.0f} 个错误（{ratio:.1e}，上限 {RAISE_RATIO:.0e}）",
    )
    evidence = Evidence(text=text, at=int(intervals[-1][0]), point=point, index=port, value=ratio, expected=RAISE_RATIO)
    return Finding(
        device=device,
        kind=KIND,
        index=port,
        severity=Severity.MAJOR if ratio > 1e-2 else Severity.MINOR,
        since=int(since),
        score=0.9,
        evidence=(evidence,),
        advice=ADVICE,
    )

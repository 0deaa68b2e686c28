"""A port damages frames: more than 1 in 10,000 packets, at least 10 errors, over at least 3 intervals.

Sees the differences of `ifInErrors` / `ifOutErrors` against `ifInUcastPkts` / `ifOutUcastPkts`, each direction by itself.
A counter that falls, or a `sysUpTime` that falls, is a restart (or a wrapped 32-bit counter): the interval is
unknown and counts as nothing, never as a huge or negative number. Cleared when the last 3 intervals together
show less than 1 in 100,000. An idle port (fewer than 10 errors) is never accused. At least two of the intervals
must have errors: one burst, such as a plug being moved, is no bad line.

State: {"uptime": last, "ports": {"port dir": [at, errors, packets, [[at, errors, packets] of the last intervals]]},
"up": {port: directions}}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analytics.detector import Block, Column, Context, State
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text

KIND = "port_errors"
UPTIME = "sysUpTime"
DIRECTIONS = (("in", "ifInErrors", "ifInUcastPkts"), ("out", "ifOutErrors", "ifOutUcastPkts"))
RAISE_RATIO, CLEAR_RATIO = 1e-4, 1e-5
LEAST_ERRORS, LEAST_INTERVALS, KEPT = 10, 3, 6
#: More packets a second than any port can carry (400 Gbit/s of shortest frames): the counter is not to be believed.
MOST_PER_S = 6e8

ADVICE = Text(
    "Clean and reseat plug or optic, change the cable, check duplex on both ends; compare with the peer's counters.",
    "清洁并重插接头或光模块,更换线缆,核对两端双工;与对端计数比较。",
)
OVER = Text("no more errors on this port", "端口不再出现错包")


#: [at, errors, packets, intervals], plain for the snapshot.
Port = list[Any]


class PortErrors:
    kinds = frozenset({KIND})
    needs = frozenset({UPTIME, *(point for _, *points in DIRECTIONS for point in points)})

    def fresh(self) -> State:
        return {"ports": {}, "up": {}}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        uptime, restarts = _restarts(state.get("uptime"), block)
        ports = dict(state["ports"])
        up: dict[str, list[str]] = dict(state["up"])
        changes: list[Change] = []
        for at, port, direction, errors, packets in _samples(block):
            key = f"{port} {direction}"
            ports[key] = _interval(ports.get(key), at, errors, packets, restarts)
            change = _judge(up, port, direction, ports[key], context.device.id)
            if change:
                changes.append(change)
        return {"uptime": uptime, "ports": ports, "up": up}, changes


def _samples(block: Block) -> list[tuple[int, str, str, float, float]]:
    """(at, port, direction, errors, packets) in time order."""
    samples = []
    for direction, errors, packets in DIRECTIONS:
        paired = block.columns.get(packets, {})
        for port, column in block.columns.get(errors, {}).items():
            samples += [(at, port or "", direction, bad, all_) for at, bad, all_ in _pairs(column, paired.get(port))]
    samples.sort()
    return samples


def _restarts(uptime: float | None, block: Block) -> tuple[float | None, list[int]]:
    """The newest sysUpTime, and the times at which it had fallen."""
    times: list[int] = []
    for column in block.columns.get(UPTIME, {}).values():
        for at, value in zip(column.at, column.value, strict=True):
            if uptime is not None and value < uptime:
                times.append(at)
            uptime = value
    return uptime, times


def _pairs(errors: Column, packets: Column | None) -> Iterator[tuple[int, float, float]]:
    """Errors with the packets of the same moment (at most 1 s apart)."""
    if packets is None:
        return
    if errors.at == packets.at:
        yield from zip(errors.at, errors.value, packets.value, strict=True)
        return
    for at, value in zip(errors.at, errors.value, strict=True):
        near = min(range(len(packets.at)), key=lambda i: abs(packets.at[i] - at))
        if abs(packets.at[near] - at) <= 1000:
            yield at, value, packets.value[near]


def _interval(series: Port | None, at: int, errors: float, packets: float, restarts: list[int]) -> Port:
    """The series after one more pair of counters: [at, errors, packets, intervals]."""
    if series is None:
        return [at, errors, packets, []]
    before, errors0, packets0, intervals = series
    more_errors, more_packets = errors - errors0, packets - packets0
    seconds = (at - before) / 1000
    restarted = more_errors < 0 or more_packets < 0 or any(before < moment <= at for moment in restarts)
    if restarted or seconds <= 0 or more_packets > MOST_PER_S * seconds:
        return [at, errors, packets, intervals]
    return [at, errors, packets, [*intervals[1 - KEPT :], [at, more_errors, more_packets]]]


def _judge(up: dict[str, list[str]], port: str, direction: str, series: Port, device: str) -> Change | None:
    """`up` and `series` are the caller's own copies; they are changed."""
    intervals = series[3]
    if len(intervals) < LEAST_INTERVALS:
        return None
    standing = up.get(port, [])
    if direction in standing:
        errors, ratio = _ratio(intervals[-LEAST_INTERVALS:])
        if ratio >= CLEAR_RATIO:
            return None
        series[3] = intervals[-LEAST_INTERVALS:]  # what is forgiven must not count again
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
        f"端口 {port}:{way.zh} {frames:.0f} 帧中 {errors:.0f} 个错误({ratio:.1e},上限 {RAISE_RATIO:.0e})",
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

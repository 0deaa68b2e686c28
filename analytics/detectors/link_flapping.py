"""A port goes down and comes back again and again: before a line dies for good, it does this.

Sees: falls of `ifOperStatus` (up, then down or lower-layer-down, while nobody switched the port off), and, between two polls that both say up,
a later `ifLastChange`: the port was away unseen. More than 3 falls in 10 minutes, or more than 5 in 24 hours and more than 5 over three
times what this port does on its own usual day (a desk whose computer sleeps): raised. Falls at a regular interval say heat or power rather
than a plug. Well again after 6 hours without a fall.

When it does not work: polls far apart on gear without `ifLastChange` see few of the falls. A restart of the switch is one fall of every port,
and no more; `reboots` tells of those. Bad input: a state that is unknown or testing counts as nothing; an `ifLastChange` that falls back
(restart, 497 days) is taken as new and counts as nothing; repeats and late samples never come here.

State: {"ports": {port: {"up": 1 seen up | 0, "change": last ifLastChange, "falls": [ms within a day], "days": [[day, falls]], "since": first seen ms,
"told": falls when last told}}, "admin": {port: 1 when switched off}}.
"""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import Any

import msgspec

from analytics.detector import Block, Context, State
from analytics.lasting import lasting
from analytics.walk import Sample, walk
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.points import OperStatus
from model.text import Text

KIND = "link_flapping"
OPER, ADMIN, CHANGE = "ifOperStatus", "ifAdminStatus", "ifLastChange"
_POINTS = (ADMIN, OPER, CHANGE)
_DOWN = (OperStatus.DOWN, OperStatus.LOWER_LAYER_DOWN)
_DAY_MS = 86_400_000


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Link flapping": > 3 in 10 min or > 5 a day. The rest are engineering defaults (tune)."""

    burst: int = 3
    burst_ms: int = 600_000
    daily: int = 5
    usual_factor: float = 3.0  #: how many of its own usual days a port must exceed besides
    usual_days: int = 14
    quiet_ms: int = 6 * 3_600_000
    regular: float = 0.15  #: spread of the intervals over their median below which they are regular
    kept: int = 40  #: falls remembered
    hard: int = 20  #: falls a day from which it is major


LIMITS = Limits()
ADVICE = Text(
    "First swap cable or optic with a good one and see whether the falls stay with the port or go with the part; then the peer's port. "
    "If the peer's log shows restarts at the same times, the peer is the cause and this line is not. Falls at a regular interval: check heat and power of both ends.",
    "先用完好的线缆或光模块替换，观察断开是否仍在本端口；再查对端端口。若对端日志在同一时刻有重启，则原因在对端，本结论不成立。"
    "若断开间隔规律，检查两端温度和供电。",
)
OVER = Text("the port has not gone down for six hours", "该端口六小时内未再断开")
UNWANTED = Text("the port was switched off by its administrator", "端口已被管理员关闭")
Port = dict[str, Any]


class LinkFlapping:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {"ports": {}, "admin": {}}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if _quiet(state, block):
            return state, []
        state = {"ports": dict(state["ports"]), "admin": dict(state["admin"])}
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            change = _take(state, sample, context)
            if change:
                changes.append(change)
        return state, changes


def _quiet(state: State, block: Block) -> bool:
    """Every port that spoke stands as it stood, and none of them is told of."""
    ports, admin = state["ports"], state["admin"]
    for port, column in block.columns.get(OPER, {}).items():
        known = ports.get(port or "")
        if known is None or "told" in known:
            return False
        well = OperStatus.UP if known["up"] else OperStatus.DOWN
        if column.value.count(well) != len(column.value):
            return False
    for port, column in block.columns.get(CHANGE, {}).items():
        known = ports.get(port or "")
        if known is None or column.value.count(known.get("change", -1.0)) != len(column.value):
            return False
    return all(
        column.value.count(OperStatus.UP) == len(column.value) and (port or "") not in admin
        for port, column in block.columns.get(ADMIN, {}).items()
    )


def _take(state: State, sample: Sample, context: Context) -> Change | None:
    key, at = sample.key, sample.at
    if sample.point == ADMIN:
        return _wanted(state, sample, context.device.id)
    known: Port | None = state["ports"].get(key)
    if sample.point == CHANGE:
        if known is None:
            return None
        before = known.get("change")
        if before == sample.value:
            return None
        state["ports"][key] = known = {**known, "change": sample.value}
        unseen = before is not None and sample.value > before and known["up"] and not known.get("moved")
        known.pop("moved", None)
        return _fall(known, at, key, context) if unseen else None
    up, down = sample.value == OperStatus.UP, sample.value in _DOWN
    if known is None:
        if up or down:
            state["ports"][key] = {"up": int(up), "falls": [], "days": [], "since": at}
        return None
    if up and not known["up"]:
        state["ports"][key] = known = {**known, "up": 1, "moved": 1}
    if down and known["up"]:
        state["ports"][key] = known = {**known, "up": 0, "moved": 1}
        if key not in state["admin"]:
            return _fall(known, at, key, context)
    if "told" in known and at - known["falls"][-1] >= LIMITS.quiet_ms:
        state["ports"][key] = {name: value for name, value in known.items() if name != "told"}
        end = known["falls"][-1]
        return Cleared(device=context.device.id, kind=KIND, index=key or None, at=end, why=OVER)
    return None


def _wanted(state: State, sample: Sample, device: str) -> Change | None:
    if sample.value == OperStatus.UP:
        state["admin"].pop(sample.key, None)
        return None
    state["admin"][sample.key] = 1
    known = state["ports"].get(sample.key)
    if known is None:
        return None
    state["ports"][sample.key] = {name: value for name, value in known.items() if name != "told"} | {
        "falls": [],
        "up": 0,
    }
    if "told" not in known:
        return None
    return Cleared(device=device, kind=KIND, index=sample.key or None, at=sample.at, why=UNWANTED)


def _fall(known: Port, at: int, port: str, context: Context) -> Change | None:
    """One more fall of a port; `known` is the caller's own copy, but for the lists in it."""
    day = at // _DAY_MS
    falls = [*[when for when in known["falls"] if at - when < _DAY_MS][1 - LIMITS.kept :], at]
    days = [row for row in known["days"] if row[0] < day and day - row[0] <= LIMITS.usual_days]
    days.append([day, 1 + sum(n for old, n in known["days"] if old == day)])
    known["falls"], known["days"] = falls, days
    burst = sum(at - when <= LIMITS.burst_ms for when in falls)
    usual = sum(n for old, n in days if old < day) / max(1, min(LIMITS.usual_days, day - known["since"] // _DAY_MS))
    often = len(falls) > LIMITS.daily + LIMITS.usual_factor * usual
    if burst <= LIMITS.burst and not often and "told" not in known:
        return None
    told = known.get("told")
    if told is not None and len(falls) < 2 * told:
        return None
    known["told"] = len(falls)
    finding = _finding(falls, usual, port, context)
    return Raised(finding=finding) if told is None else Changed(finding=finding)


def _finding(falls: list[int], usual: float, port: str, context: Context) -> Finding:
    span = lasting((falls[-1] - falls[0]) / 1000)
    lines = [
        Evidence(
            text=Text(
                f"port {port}: went down {len(falls)} times in {span.en}; this port's usual day has {usual:.1f}",
                f"端口 {port}：{span.zh}内断开 {len(falls)} 次；该端口平日每天 {usual:.1f} 次",
            ),
            at=falls[-1],
            point=OPER,
            index=port or None,
            value=len(falls),
            expected=round(usual, 2),
        )
    ]
    every = _regular(falls)
    if every is not None:
        often = lasting(every / 1000)
        lines.append(
            Evidence(
                text=Text(
                    f"every {often.en}, regularly: heat, power or a timer rather than a plug",
                    f"每隔 {often.zh} 规律出现：更像温度、供电或定时器问题，而非接头",
                ),
                at=falls[-1],
            )
        )
    hard = len(falls) >= LIMITS.hard or context.device.core
    return Finding(
        device=context.device.id,
        kind=KIND,
        index=port or None,
        severity=Severity.MAJOR if hard else Severity.MINOR,
        since=falls[0],
        score=0.9 if len(falls) > LIMITS.daily else 0.8,
        evidence=tuple(lines),
        advice=ADVICE,
    )


def _regular(falls: list[int]) -> float | None:
    """The interval (ms) of falls that come at a regular one."""
    gaps = [float(later - earlier) for earlier, later in pairwise(falls)]
    if len(gaps) < 4:
        return None
    middle = statistics.median(gaps)
    spread = statistics.median(abs(gap - middle) for gap in gaps)
    return middle if middle > 0 and spread <= LIMITS.regular * middle else None

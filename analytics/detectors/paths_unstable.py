"""Roles and paths change places again and again: spanning tree, rings, redundancy groups, tunnels. Look for a loop or a peer that flaps.

Sees how often `redundancy.role`, `redundancy.port`, `path.status`, `vpn.status`, `vpn.tunnel.status` change within 24 hours, over all of them, against the device's own last 60 days:
more than 3 changes and, at the rate of its past, less likely than 1 in 1,000 (a gamma-Poisson rate, `analytics.slow.rate`). Over after a day without a change.

When it does not work: what the device does not tell (MAC moves, BGP and OSPF neighbours have no points yet); changes between two polls that end where they began are not seen.
Bad input: gaps count as nothing; a state that is told as unknown is no change.

State: {"last": {point and index: state}, "changes": [ms of the last day], "days": [[day, changes]], "since": first hour ms, "open": parts}.
"""

from __future__ import annotations

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts
from analytics.network.parts import Line
from analytics.slow.days import DAY_MS
from analytics.slow.frames import Frame, frames
from analytics.slow.rate import expected, surprise
from model.finding import Change, Evidence, Severity
from model.points import POINTS
from model.text import Text

KIND = "paths_unstable"
WATCHED = ("redundancy.role", "redundancy.port", "path.status", "vpn.status", "vpn.tunnel.status")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Route/MAC instability": changes above the baseline. Numbers are engineering defaults (tune)."""

    least: int = 3
    chance: float = 1e-3
    days: int = 60
    many: int = 20  #: a day, from which it is major
    kept: int = 200


LIMITS = Limits()
ADVICE = Text(
    "Look in the log which port or peer changed first each time, and whether a loop, a flapping link or a peer that restarts is behind it; a link that flaps is told by itself. "
    "Planned switch-overs at these times disprove this.",
    "查看日志中每次最先变化的端口或对端，判断是否由环路、链路抖动或对端重启引起；若为链路反复通断，另有提示。若这些时刻为计划倒换，则本结论不成立。",
)
OVER = Text("no change for a day", "一天内未再变化")


class PathsUnstable:
    kinds = frozenset({KIND})
    needs = frozenset(WATCHED)

    def fresh(self) -> State:
        return {"last": {}, "changes": [], "days": [], "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {**state, "last": dict(state["last"]), "open": dict(state["open"])}
        told: list[Change] = []
        for frame in frames(hours, self.needs):
            state.setdefault("since", frame.at)
            who = _take(state, frame)
            if not who and not state["open"]:
                continue
            line = _judge(state, frame, who)
            if line is None and (state["changes"] or not state["open"]):
                continue
            told += parts.settle(
                state["open"],
                {"paths": line},
                device=context.device.id,
                kind=KIND,
                index=None,
                at=frame.at,
                advice=ADVICE,
                over=OVER,
            )
        return state, told


def _take(state: State, frame: Frame) -> list[tuple[str, str | None]]:
    """Note what changed in this hour (the caller's own state): the series that did."""
    who: list[tuple[str, str | None]] = []
    moved = 0
    for point in WATCHED:
        series = frame.series.get(point, {})
        unknown = POINTS[point].unknown
        for index, hour in series.items():
            key = f"{point}#{index or ''}"
            if hour.last in unknown or hour.first in unknown:
                continue
            moves = hour.moves + (state["last"].get(key, hour.first) != hour.first)
            state["last"][key] = hour.last
            if moves:
                who.append((point, index))
                moved += moves
    state["changes"] = ([at for at in state["changes"] if frame.at - at < DAY_MS] + [frame.at] * moved)[-LIMITS.kept :]
    if moved:
        day = frame.at // DAY_MS
        kept = [row for row in state["days"] if row[0] < day and day - row[0] <= LIMITS.days]
        state["days"] = [*kept, [day, moved + sum(n for old, n in state["days"] if old == day)]]
    return who


def _judge(state: State, frame: Frame, who: list[tuple[str, str | None]]) -> Line | None:
    changes = state["changes"]
    if not who or len(changes) <= LIMITS.least:
        return None
    first = int(changes[0])
    today = first // DAY_MS
    before = sum(n for day, n in state["days"] if day < today)
    past = min(LIMITS.days, max(0.0, (first - state["since"]) / DAY_MS))
    if surprise(len(changes), 1.0, before, past) >= LIMITS.chance:
        return None
    usual = expected(1.0, before, past)
    point, index = who[0]
    name = POINTS[point].meaning
    text = Text(
        f"{name.en} {index or ''}: {len(changes)} changes of roles and paths within a day, {usual:.1f} are usual here",
        f"{name.zh} {index or ''}：一天内角色与路径变化 {len(changes)} 次，平常 {usual:.1f} 次",
    )
    evidence = Evidence(text=text, at=frame.at, point=point, index=index, value=len(changes), expected=round(usual, 2))
    severity = Severity.MAJOR if len(changes) >= LIMITS.many else Severity.MINOR
    return Line((evidence,), severity, first, None, 0.8)

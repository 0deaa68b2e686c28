"""What `memory_leak` and `storage_filling` share: follow shares that fill up, and say when they are full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from analytics.cohort import Standing, standing, witness
from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import fill, parts
from analytics.network.counts import rises
from analytics.network.fill import Fill
from analytics.network.parts import Line
from analytics.slow import days
from analytics.slow.days import DAY_MS
from analytics.slow.frames import Frame, columns
from analytics.slow.trend import crossing
from model.finding import Change, Evidence, Severity
from model.text import Text

UPTIME = "sysUpTime"


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of filling is told."""

    kind: str
    point: str
    quantity: str
    what: Text
    advice: Text
    over: Text


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Days of evidence, the share (%) that counts as full, points that must have been gained, how far ahead is told, and when it is major."""

    days: int
    full: float
    risen: float
    ahead_days: int
    major_days: int
    cohort: float
    mild: Severity


def follow(
    state: State, frames: Iterable[tuple[Frame, Mapping[str | None, float]]], words: Words, rule: Rule, context: Context
) -> tuple[State, list[Change]]:
    """Take in the shares (%) of each hour, by index. The state given is not changed."""
    fills, open, up, paces = dict(state["fills"]), dict(state["open"]), state["up"], dict(state["paces"])
    changes: list[Change] = []
    for frame, shares in frames:
        uptime = frame.one(UPTIME)
        restarted = uptime is not None and (uptime.last < up or uptime.low < uptime.first)
        up = uptime.last if uptime is not None else up
        if restarted:
            fills = {key: fill.restart(one, frame.at) for key, one in fills.items()}
        for index, share in shares.items():
            key = index or ""
            fills[key], closed = fill.take(fills.get(key, {}), frame.at, share)
            if not closed and not restarted:
                continue
            line, pace = _line(fills[key], index, frame.at, words, rule, context)
            if line is None and key in open and fill.goes_on(fills[key], paces[key]):
                continue
            if line is not None:
                paces[key] = pace
            if line or key in open:
                changes += parts.settle(
                    open,
                    {"fill": line},
                    device=context.device.id,
                    kind=words.kind,
                    index=index,
                    at=frame.at,
                    advice=words.advice,
                    over=words.over,
                )
    return {"up": up, "fills": fills, "paces": {key: paces[key] for key in open}, "open": open}, changes


def quiet(state: State, hours: Hours, words: Words, rule: Rule, context: Context) -> State | None:
    """The state after hours in which nothing fills up, by the series of `words.point` alone; None: they must be gone through hour by hour."""
    up = rises(state["up"], columns(hours, UPTIME))
    if state["open"] or up is None:
        return None
    kept = dict(state["fills"])
    for index, column in columns(hours, words.point).items():
        if min(column.low) < 0 or max(column.low) > 100:
            return None
        for one, closed_at in fill.fills(kept.get(index or "", {}), column.at, column.low):
            kept[index or ""] = one
            if closed_at >= 0 and _line(one, index, closed_at, words, rule, context)[0] is not None:
                return None
    return {"up": up, "fills": kept, "paces": {}, "open": {}}


def quantities(state: State, words: Words, rule: Rule) -> dict[str, float]:
    """The fastest climb of all series, points a day."""
    found = [slope for one in state["fills"].values() if (slope := fill.slope_a_day(one, rule.days)) is not None]
    return {words.quantity: max(found)} if found else {}


def _line(
    one: Fill, index: str | None, at: int, words: Words, rule: Rule, context: Context
) -> tuple[Line | None, float]:
    """What is to be said, and the pace (points a day)."""
    climb = fill.climb(one, rule.days, rule.risen)
    if climb is None:
        return None, 0.0
    reached = crossing(climb.slope, at, rule.full)
    full = at if climb.share >= rule.full else reached.at if reached else None
    if full is None or full - at > rule.ahead_days * DAY_MS:
        return None, 0.0
    left = max(0.0, (full - at) / DAY_MS)
    which = f" {index}" if index else ""
    text = Text(
        f"{words.what.en}{which}: {climb.share:.1f} % in use at its lowest, and {climb.slope.per_x:.2f} points more each day for {climb.days} days "
        f"({climb.slope.low:.2f} to {climb.slope.high:.2f}); {rule.full:.0f} % in {left:.0f} days",
        f"{words.what.zh}{which}：最低占用 {climb.share:.1f}%，已连续 {climb.days} 天每天增加 {climb.slope.per_x:.2f} 个百分点"
        f"（{climb.slope.low:.2f} 至 {climb.slope.high:.2f}）；{left:.0f} 天后达 {rule.full:.0f}%",
    )
    lines = [
        Evidence(
            text=text, at=at, point=words.point, index=index, value=climb.share, expected=climb.share - climb.risen
        )
    ]
    if climb.teeth:
        again = Text(
            f"it climbed alike before {climb.teeth} earlier restarts or clearings",
            f"此前 {climb.teeth} 次重启或清理之前也以相近速度增长",
        )
        lines.append(Evidence(text=again, at=at))
    lines += witness(context.cohort, words.quantity, rule.cohort, climb.slope.per_x, at)
    known = standing(context.cohort, words.quantity, rule.cohort)
    score = 0.8 + 0.05 * min(climb.teeth, 2) + (0.05 if known in (Standing.FIRMWARE, Standing.MODEL) else 0.0)
    severity = Severity.MAJOR if left < rule.major_days else rule.mild
    return Line(tuple(lines), severity, climb.since_day * days.DAY_MS, max(full, at), score), climb.slope.per_x

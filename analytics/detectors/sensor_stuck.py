"""A sensor got stuck: to the last digit the same for longer than ever before, while the device's other gauges move.

Sees every measured gauge by the hour. An hour in which no sample differed from the one before it is a still hour. A gauge is stuck after more
than six still hours in a row, and four times its own longest still time of the weeks before, and longer than a coarse gauge stands by chance; it must have moved in ten days' worth
of hours before, and at least half of the other gauges that usually move must move in that very hour. Zero is no sticking: nothing flows.
Well again after two hours that move. What such a gauge says proves nothing, good or bad; this is a fault of the measuring.

When it does not work: gauges that stand still for days as a rule (a full battery's charge); devices polled less than twice an hour; a device
whose whole controller hangs and repeats itself (all are still then).

State: {"gauges": {key: [last value, still hours, first still hour ms, moved hours, longest still of these two weeks, of those before, still hours]}, "epoch": ms,
"stuck": {key: [since ms, value]}, "moved": {key: hours that move since}, "told": since ms or None}.
"""

from __future__ import annotations

from bisect import bisect_left
from math import log
from typing import Any

from analytics.detector import Context, State
from analytics.hours import HOUR_MS, HourColumn, Hours
from analytics.usual.gauges import MEASURED, Row, columns, named, rows
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.points import POINTS
from model.text import Text

KIND = "sensor_stuck"
LEAST_H, TIMES = 6, 4
MOVED_H = 240
#: A row of still hours is rarer than e to the minus this; hours that count for how often an hour is still (then halved).
RARE, MOST_H = 16.0, 1344
EPOCH_MS = 14 * 24 * HOUR_MS
AGAIN_H = 2
MOST_LISTED = 4
#: By judgement, not calibrated: `python -m tests.simulation.fleet` counts how many are right.
SCORE = 0.9

ADVICE = Text(
    "Read the value at the device's own panel: if it differs, or moves there, the interface card or its firmware repeats old values (restart or replace the "
    "card); if it stands still there too, check the sensor and its plug. Until then nothing that rests on this value is to be believed. It is wrong "
    "if the quantity was really held constant, for example by a regulation that was switched on.",
    "请在设备面板上读取该值：若面板数值不同或在变化，则为通信卡或其固件重复旧值（重启或更换通信卡）；若面板上也不变，请检查传感器及其插头。在此之前，依赖该值的结论均不可信。"
    "若该量确实被保持恒定（例如启用了某种调节），则本结论不成立。",
)
AGAIN = Text("the value moves again", "该值已重新变化")


class SensorStuck:
    kinds = frozenset({KIND})
    needs = MEASURED

    def fresh(self) -> State:
        return {"gauges": {}, "epoch": None, "stuck": {}, "moved": {}, "told": None}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        state = {**state, "gauges": dict(state["gauges"]), "stuck": dict(state["stuck"]), "moved": dict(state["moved"])}
        changes: list[Change] = []
        for at, some in rows(hours):
            _epoch(state, at)
            still = _take(state, some, at)
            changes += _judge(state, some, still, at, context.device.id)
        return state, changes


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours in which nothing is stuck nor gets stuck, gauge by gauge; None: they must be gone through hour by hour."""
    some = columns(hours)
    if state["stuck"] or not some:
        return None
    begin, end = min(column.at[0] for _, column in some), max(column.at[-1] for _, column in some)
    epoch = begin if state["epoch"] is None else state["epoch"]
    gauges = dict(state["gauges"])
    done = [0] * len(some)
    if end - epoch >= EPOCH_MS:  # they grow old within these hours
        done = [bisect_left(column.at, epoch + EPOCH_MS) for _, column in some]
        epoch = min(column.at[k] for (_, column), k in zip(some, done, strict=True) if k < len(column.at))
        if end - epoch >= EPOCH_MS:
            return None
        for (key, column), k in zip(some, done, strict=True):
            if k:
                after = _followed(gauges.get(key), column, 0, k)
                if after is None:
                    return None
                gauges[key] = after
        gauges = {key: _older(gauge) for key, gauge in gauges.items()}
    for (key, column), k in zip(some, done, strict=True):
        if k < len(column.at):
            after = _followed(gauges.get(key), column, k, len(column.at))
            if after is None:
                return None
            gauges[key] = after
    return {**state, "gauges": gauges, "epoch": epoch}


def _followed(gauge: list[Any] | None, column: HourColumn, begin: int, end: int) -> list[Any] | None:
    """The gauge after the hours from `begin` to before `end`; None where it stands so long that it may be stuck."""
    first = gauge is None
    if gauge is None:
        gauge = [column.last[begin], 0, column.at[begin], 0, 0, 0, 0]
    last, run, since, moved, longest, older, stills = gauge
    if 0 not in column.moves:
        return [
            column.last[end - 1],
            0,
            column.at[end - 1],
            moved + end - begin - first,
            max(longest, run),
            older,
            stills,
        ]
    single = column.low is column.high  # one sample an hour
    for place in range(begin + first, end):
        value = column.last[place]
        if value == last and (single or (column.moves[place] == 0 and column.low[place] == last == column.high[place])):
            if not run:
                since = column.at[place]
            run += 1
            stills += 1
            if run > LEAST_H and _too_long([last, run, since, moved, longest, older, stills]):
                return None
        else:
            if run > longest:
                longest = run
            run, last, since = 0, value, column.at[place]
            moved += 1
    return [last, run, since, moved, longest, older, stills]


def _epoch(state: State, at: int) -> None:
    """Every two weeks the longest still times grow old by one."""
    if state["epoch"] is None:
        state["epoch"] = at
    elif at - state["epoch"] >= EPOCH_MS:
        state["epoch"] = at
        state["gauges"] = {key: _older(gauge) for key, gauge in state["gauges"].items()}


def _older(gauge: list[Any]) -> list[Any]:
    last, run, since, moved, longest, older, stills = gauge
    if moved + stills > MOST_H:
        moved, stills = moved // 2, stills // 2
    return [last, run, since, moved, 0, max(longest, older // 2), stills]


def _take(state: State, some: list[Row], at: int) -> set[str]:
    """Take in an hour; the keys that were still in it. What is stuck teaches nothing of the usual."""
    gauges, still, stuck = state["gauges"], set(), state["stuck"]
    for key, _, _, low, high, newest, moves in some:
        before = gauges.get(key)
        if before is None:
            gauges[key] = [newest, 0, at, 0, 0, 0, 0]
            continue
        last, run, since, moved, longest, older, stills = before
        if moves == 0 and low == last and high == last:
            still.add(key)
            since = since if run else at
            gauges[key] = [last, run + 1, since, moved, longest, older, stills + (key not in stuck)]
        else:
            gauges[key] = [newest, 0, at, moved + 1, longest if longest > run else run, older, stills]
    return still


def _lively(gauge: list[Any]) -> bool:
    """Whether this gauge usually moves, so that its standing still would say something."""
    return bool(gauge[3] >= MOVED_H and max(gauge[4], gauge[5]) <= LEAST_H)


def _judge(state: State, some: list[Row], still: set[str], at: int, device: str) -> list[Change]:
    gauges, stuck = state["gauges"], state["stuck"]
    new = [key for key, *_ in some if key in still and key not in stuck and _too_long(gauges[key])] if still else []
    if new:
        others = [key for key, *_ in some if key not in new and key not in stuck and _lively(gauges[key])]
        if others and 2 * sum(key not in still for key in others) >= len(others):
            stuck.update({key: [gauges[key][2], gauges[key][0]] for key in new})
        else:
            new = []
    for key in [key for key, *_ in some if key in stuck] if stuck else ():
        moved = 0 if key in still else state["moved"].get(key, 0) + 1
        state["moved"][key] = moved
        if moved >= AGAIN_H:
            del stuck[key], state["moved"][key]
    if not stuck:
        if state["told"] is None:
            return []
        state["told"] = None
        return [Cleared(device=device, kind=KIND, index=None, at=at, why=AGAIN)]
    if not new:
        return []
    stood = state["told"] is not None
    if not stood:
        state["told"] = min(since for since, _ in stuck.values())
    finding = _finding(state, device, at)
    return [Changed(finding=finding) if stood else Raised(finding=finding)]


def _too_long(gauge: list[Any]) -> bool:
    last, run, _, moved, longest, older, stills = gauge
    if last == 0 or moved < MOVED_H or run <= max(LEAST_H, TIMES * longest, TIMES * older):
        return False
    # Were each hour still by the chance it was so far: how likely is a row of so many? A coarse gauge stands for days.
    return bool(run * log((moved + stills) / max(stills - run, 1)) > RARE)


def _finding(state: State, device: str, at: int) -> Finding:
    listed = sorted(state["stuck"], key=lambda key: (state["stuck"][key][0], key))[:MOST_LISTED]
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.WARNING,
        since=state["told"],
        score=SCORE,
        evidence=tuple(_evidence(state, key, at) for key in listed),
        advice=ADVICE,
    )


def _evidence(state: State, key: str, at: int) -> Evidence:
    _, value = state["stuck"][key]
    point, index = named(key)
    _, hours, _, _, longest, older, _ = state["gauges"][key]
    known = POINTS[point]
    which = f" {index}" if index else ""
    usual = max(longest, older)
    text = Text(
        f"{known.meaning.en}{which}: {value:g} {known.unit} without any change for {hours} h; in the weeks before, never longer than {usual} h, and "
        "the device's other values move",
        f"{known.meaning.zh}{which}：{value:g} {known.unit} 已 {hours} 小时毫无变化；此前数周内最长不变时间为 {usual} 小时，而设备的其他数值都在变化",
    )
    return Evidence(text=text, at=at, point=point, index=index, value=value)

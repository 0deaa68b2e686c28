"""One block, half or string of the battery is not like the others: weak, shorted, or badly linked. Only where several are measured.

Sees `battery.voltage` told by several indexes (blocks or halves in series) and `battery.string.current` (strings in parallel), by the hour.
Each is compared with the median of its sisters, less what it always differed by (its own first two weeks, at most 1 %). Halves: 1 % of the string apart
on float for a day, or 2 % in two discharges; blocks: 3 % on float, 4 % in discharges; twice as much in one discharge is enough. A string that gives 30 %
less current than its sisters in two discharges. Well again after two days on float within half of the limit, or after a discharge within it
where a discharge had shown it.

A block that stands 1.5 … 2.7 V (a cell) lower than its sisters on float for six hours is `cell_shorted`: the others now get its share of the
charge, so it is dearer to wait.

When it does not work: devices that tell one voltage (most); a gauge that swaps two indexes; parallel strings tell the same voltage whatever their
state. Of a lithium battery nothing is said: its own management balances the cells.

State: {"phase", "own": {index: [mean, n]}, "float": {index: [hours bad, hours well, since]}, "spent": {index: [discharges bad, newest, since, worst]}, "short": {index: hours}, "told"}.
"""

from __future__ import annotations

from statistics import median

from analytics.battery import telling
from analytics.battery.hourly import POINTS, VOLTS, Phase, lithium
from analytics.detector import Context, State
from analytics.hours import HOUR_MS, HourColumn, Hours
from analytics.slow.battery_rows import rows
from model.finding import Change, Evidence, Severity
from model.text import Text

WEAK, SHORT = "battery_block_weak", "cell_shorted"
AMPS = "battery.string.current"
HALF_FLOAT, HALF_SPENT, BLOCK_FLOAT, BLOCK_SPENT, STRING_SPENT = 0.01, 0.02, 0.03, 0.04, 0.30
LEARN_H, MOST_OWN = 14 * 24, 0.01
FLOAT_H, WELL_H, SHORT_H = 24, 48, 6
SHORT_V = (1.5, 2.7)
LEAST_BLOCK_V, MOST_BLOCK_V = 5.0, 20.0  #: only of blocks of 6 and 12 V can one cell be told
LEAST_A = 2.0
NEW_SPENT_MS = 6 * HOUR_MS

ADVICE_WEAK = Text(
    "Measure each block's voltage on float and under load, and its resistance; check torque and temperature of the links at this one first. Part: this block, or the "
    "whole string where it is older than half its life. This is wrong if a meter at the posts finds the blocks alike: then a sense wire is loose.",
    "测量每节电池的浮充和带载电压及内阻；先检查该节的连接扭矩与温度。部件：该节电池；若整组已过半寿命则更换整组。若在端子处实测各节一致，则本结论不成立：是采样线松动。",
)
ADVICE_SHORT = Text(
    "Measure this block at its posts: 2.1 V less than its sisters is a shorted cell. Exchange the block soon, the others are being overcharged; watch the "
    "temperatures until then. This is wrong if the meter finds it like the others: then a sense wire is loose.",
    "在端子处测量该节：比其他低约 2.1 V 即为单格短路。应尽快更换该节，其余电池正被过充，更换前注意温度。若实测与其他一致，则本结论不成立：是采样线松动。",
)
BACK = Text("it is like the others again", "已与其他电池一致")


class BatteryBlockWeak:
    kinds = frozenset({WEAK, SHORT})
    needs = POINTS | {AMPS}

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        volts, amps = hours.columns.get(VOLTS, {}), hours.columns.get(AMPS, {})
        if (len(volts) < 2 and len(amps) < 2) or lithium(context.device):
            return state, []
        state = {
            **state,
            **{name: dict(state.get(name, {})) for name in ("phase", "own", "float", "spent", "short")},
        }
        by_hour, currents = _by_hour(volts), _by_hour(amps)
        changes: list[Change] = []
        for row in rows(hours, state["phase"], context.device):
            if len(some := by_hour.get(row.at, {})) >= 2:
                changes += _volts(state, row.at, row.phase, some, context.device.id)
            if len(some := currents.get(row.at, {})) >= 2 and row.phase is Phase.DISCHARGE:
                changes += _amps(state, row.at, some, context.device.id)
        return state, changes


Sums = tuple[float, float]  #: mean and low of one hour


def _by_hour(columns: dict[str | None, HourColumn]) -> dict[int, dict[str, Sums]]:
    found: dict[int, dict[str, Sums]] = {}
    for index, column in sorted(columns.items(), key=lambda item: item[0] or ""):
        for place, at in enumerate(column.at):
            found.setdefault(at, {})[index or ""] = (column.mean[place], column.low[place])
    return found


def _against(values: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Each value beside the median of its sisters; empty where one is no battery's voltage or they are not alike."""
    if min(values.values()) <= 0 or max(values.values()) > 2 * min(values.values()):
        return {}
    return {i: (v, median(w for j, w in values.items() if j != i)) for i, v in values.items()}


def _volts(state: State, at: int, phase: Phase, some: dict[str, Sums], device: str) -> list[Change]:
    if phase is Phase.FLOAT:
        pairs = _against({index: mean for index, (mean, _) in some.items()})
    elif phase is Phase.DISCHARGE:
        pairs = _against({index: low for index, (_, low) in some.items()})
    else:
        return []
    changes: list[Change] = []
    for index, (value, sisters) in pairs.items():
        # Of two halves a difference d is d / 2 of the string (battery.md 5).
        off = (value - sisters) / (value + sisters) if len(pairs) == 2 else value / sisters - 1
        own = state["own"].get(index, [0.0, 0])
        net = off - min(max(own[0], -MOST_OWN), MOST_OWN) if own[1] >= LEARN_H else off
        limits = (HALF_FLOAT, HALF_SPENT) if len(pairs) == 2 else (BLOCK_FLOAT, BLOCK_SPENT)
        if phase is Phase.FLOAT:
            changes += _short(state, at, index, value, sisters, device)
            changes += _floated(state, at, index, value, sisters, net, limits[0], device)
            if own[1] < LEARN_H:
                state["own"][index] = [own[0] + (off - own[0]) / (own[1] + 1), own[1] + 1]
        else:
            changes += _spent(state, at, index, value, sisters, net, limits[1], device, VOLTS)
    return changes


def _short(state: State, at: int, index: str, value: float, sisters: float, device: str) -> list[Change]:
    is_short = LEAST_BLOCK_V < sisters < MOST_BLOCK_V and SHORT_V[0] <= sisters - value <= SHORT_V[1]
    hours = state["short"][index] = state["short"].get(index, 0) + 1 if is_short else 0
    if not is_short:
        return telling.unsay(state, device, SHORT, at, BACK, index or None)
    if hours < SHORT_H:
        return []
    seen = Text(
        f"block {index}: {value:.2f} V on float, its sisters {sisters:.2f} V: one cell of about 2.1 V is missing, for {hours} h",
        f"第 {index} 节浮充 {value:.2f} V，其余 {sisters:.2f} V：缺少约 2.1 V 的一格，已 {hours} 小时",
    )
    return telling.say(
        state, device=device, kind=SHORT, index=index or None, mark="short", since=at - (hours - 1) * HOUR_MS, severity=Severity.MAJOR,
        score=0.9, advice=ADVICE_SHORT,
        evidence=(Evidence(text=seen, at=at + HOUR_MS, point=VOLTS, index=index or None, value=value, expected=sisters),),
    )  # fmt: skip


def _floated(
    state: State, at: int, index: str, value: float, sisters: float, net: float, limit: float, device: str
) -> list[Change]:
    """Only the lower one is accused: of two halves the higher is only its mirror."""
    bad, well, since = state["float"].get(index, [0, 0, at])
    if net < -limit:
        bad, well, since = bad + 1, 0, since if bad else at
    else:
        bad, well = 0, well + 1 if abs(net) < limit / 2 else 0
    state["float"][index] = [bad, well, since]
    if well >= WELL_H and not state["spent"].get(index, [0])[0]:
        return telling.unsay(state, device, WEAK, at, BACK, index or None)
    if bad < FLOAT_H:
        return []
    seen = Text(
        f"{index}: {value:.2f} V on float for {bad} h, its sisters {sisters:.2f} V; {net:+.1%} beyond its own usual difference, limit {limit:.0%}",
        f"{index}：浮充 {value:.2f} V 已 {bad} 小时，其余 {sisters:.2f} V；扣除自身常态后偏差 {net:+.1%}，限值 {limit:.0%}",
    )
    return _weak(state, device, index, "float", since, 0.75, Evidence(
        text=seen, at=at + HOUR_MS, point=VOLTS, index=index or None, value=value, expected=sisters,
    ))  # fmt: skip


def _spent(
    state: State, at: int, index: str, value: float, sisters: float, net: float, limit: float, device: str, point: str
) -> list[Change]:
    times, newest, since, worst = state["spent"].get(index, [0, None, at, 0.0])
    another = newest is None or at - newest > NEW_SPENT_MS
    if net > -limit:
        if another and abs(net) < limit and times:
            state["spent"][index] = [0, at, at, 0.0]
            return telling.unsay(state, device, WEAK, at, BACK, index or None)
        return []
    times = times + 1 if another else max(times, 1)
    state["spent"][index] = [times, at, since if times > 1 else at, min(worst, net)]
    if times < 2 and net > -2 * limit:
        return []
    unit = "V" if point == VOLTS else "A"
    seen = Text(
        f"{index}: {value:.1f} {unit} in a discharge, its sisters {sisters:.1f} {unit}: {net:+.0%}, limit {limit:.0%}; seen in {times} discharges",
        f"{index}：放电中 {value:.1f} {unit}，其余 {sisters:.1f} {unit}：{net:+.0%}，限值 {limit:.0%}；见于 {times} 次放电",
    )
    return _weak(state, device, index, "spent", state["spent"][index][2], 0.85, Evidence(
        text=seen, at=at + HOUR_MS, point=point, index=index or None, value=value, expected=sisters,
    ))  # fmt: skip


def _amps(state: State, at: int, some: dict[str, Sums], device: str) -> list[Change]:
    """Parallel strings share the load; one that gives less is weak or badly linked."""
    values = {index: abs(mean) for index, (mean, _) in some.items()}
    if sum(values.values()) < LEAST_A * len(values):
        return []
    changes: list[Change] = []
    for index, value in values.items():
        sisters = median(v for j, v in values.items() if j != index)
        if sisters > LEAST_A:
            changes += _spent(state, at, index, value, sisters, value / sisters - 1, STRING_SPENT, device, AMPS)
    return changes


def _weak(state: State, device: str, index: str, by: str, since: int, score: float, seen: Evidence) -> list[Change]:
    return telling.say(
        state, device=device, kind=WEAK, index=index or None, mark=by, since=since,
        severity=Severity.MAJOR if by == "spent" else Severity.MINOR, score=score, evidence=(seen,), advice=ADVICE_WEAK,
    )  # fmt: skip

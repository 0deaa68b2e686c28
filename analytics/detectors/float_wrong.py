"""The battery is floated at a wrong voltage: a setting, or no compensation for temperature. It costs life slowly, and no flag tells it.

Sees the days of `battery.voltage` on float (settled, full, not at rest) with their `battery.temperature`. Expected: 2.25 … 2.30 V a cell at 25 °C,
3 mV less a °C above (makers' range). More than 1 % outside of that band on each of the last seven days of float: warning; 3 % below:
minor. Where nobody says how many cells there are: a float that moved by more than 1 % from that of its first month and stayed for a week. Where
60 days with 8 °C of difference show no compensation (slope under 1 mV a °C and cell), the evidence says so.
Well again after three days inside.

When it does not work: a voltage gauge that is wrong by as much as the float (the advice says to measure first); a wrong number of blocks in the
inventory shows as a value no cell can have, and nothing is said. Too high by 3 % is `charger_fault`. Of a lithium battery nothing is said.

State: {"phase", "today": [day, sum V, sum V a cell, sum °C, n, n of °C], "days": [[day, V, V a cell or None, °C or None]…], "first": V of the first month, "told"}.
"""

from __future__ import annotations

from statistics import median

from analytics.battery import telling
from analytics.battery.floats import WARMEST_MV, expected_v
from analytics.battery.hourly import POINTS, Phase, Row, lithium
from analytics.detector import Context, State
from analytics.hours import HOUR_MS, Hours
from analytics.slow.battery_rows import rows
from model.finding import Change, Evidence, Severity
from model.inventory import Device
from model.text import Text

KIND = "float_wrong"
WARN, FAR = 0.01, 0.03
DAYS, WELL_DAYS, FIRST_DAYS, KEPT = 7, 3, 30, 60
LEAST_HOURS = 6
SPREAD_C, LEAST_MV, LEAST_SLOPE_DAYS = 8.0, 1.0, 30
DAY_MS = 24 * HOUR_MS

ADVICE = Text(
    "Measure the float voltage at the battery terminals and the battery's temperature; compare with the maker's sheet of this battery and set the charger "
    "(and its temperature compensation). Nothing is to be replaced. This is wrong if a calibrated meter reads the expected voltage: then the UPS's own gauge is off.",
    "在电池端子处测量浮充电压与电池温度，与该电池说明书对照后调整充电电压（及温度补偿）。无需更换部件。若校准过的万用表读数正常，则本结论不成立：是 UPS 自身电压测量有偏差。",
)
BACK = Text("the float voltage is as expected again", "浮充电压已恢复到预期范围")

Day = list[float | None]  #: [day, volts, volts a cell, °C]


class FloatWrong:
    kinds = frozenset({KIND})
    needs = POINTS

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if lithium(context.device):
            return state, []
        state = {**state, "phase": dict(state.get("phase", {}))}
        changes: list[Change] = []
        for row in rows(hours, state["phase"], context.device):
            if row.phase is Phase.FLOAT and row.volts:
                changes += _take(state, row, context.device)
        return state, changes


def _take(state: State, row: Row, device: Device) -> list[Change]:
    today, day = state.get("today"), row.at // DAY_MS
    changes: list[Change] = []
    if today is not None and today[0] != day:
        changes = _close(state, today, row.at, device)
        today = None
    _, volts, cell, warm, n, n_warm = today or [day, 0.0, 0.0, 0.0, 0, 0]
    known = row.celsius is not None
    cell = None if cell is None or row.v_cell is None else cell + row.v_cell
    state["today"] = [day, volts + row.volts, cell, warm + (row.celsius or 0.0), n + 1, n_warm + known]
    return changes


def _close(state: State, today: list[float], at: int, device: Device) -> list[Change]:
    day, volts, cell, warm, n, n_warm = today
    if n < LEAST_HOURS:
        return []
    now: Day = [day, volts / n, None if cell is None else cell / n, warm / n_warm if n_warm else None]
    state["days"] = days = [*state.get("days", []), now][-KEPT:]
    if state.get("first") is None and len(days) >= FIRST_DAYS:
        state["first"] = median(d[1] for d in days)
    last = [_off(d, state.get("first")) for d in days[-DAYS:]]
    offs = [off for off in last if off is not None]
    if len(offs) >= WELL_DAYS and all(abs(off) <= WARN for off in offs[-WELL_DAYS:]):
        return telling.unsay(state, device.id, KIND, at, BACK)
    if len(offs) < DAYS or not (all(off > WARN for off in offs) or all(off < -WARN for off in offs)):
        return []
    return _say(state, days, median(offs), device)


def _off(day: Day, first: float | None) -> float | None:
    """How far outside of what is right, relative; negative: too low. None: nothing to compare with, or no value a cell can have."""
    _, volts, cell, warm = day
    if cell is not None:
        low, high = expected_v(warm)
        return (cell - high) / high if cell > high else min((cell - low) / low, 0.0)
    off = (volts or 0.0) / first - 1 if first else None
    return off if off is not None and abs(off) < 0.2 else None


def _say(state: State, days: list[Day], off: float, device: Device) -> list[Change]:
    week = days[-DAYS:]
    at = (int(week[-1][0] or 0) + 1) * DAY_MS
    volts = median(d[1] or 0.0 for d in week)
    cell = week[-1][2]
    if cell is not None:
        warm = week[-1][3]
        low, high = expected_v(warm)
        there = (
            Text(f"at {warm:.0f} °C", f"{warm:.0f}°C 时")
            if warm is not None
            else Text("at a usual temperature", "常温下")
        )
        seen = Text(
            f"floated at {cell:.3f} V a cell ({volts:.1f} V) on each of {DAYS} days; {low:.3f} … {high:.3f} V is right {there.en}: {off:+.1%}",
            f"连续 {DAYS} 天浮充电压为每格 {cell:.3f} V（{volts:.1f} V）；{there.zh}应为 {low:.3f} … {high:.3f} V：{off:+.1%}",
        )
        expected = volts / cell * (high if off > 0 else low)
    else:
        expected = state["first"]
        seen = Text(
            f"floated at {volts:.1f} V on each of {DAYS} days; {expected:.1f} V in the first month of watching: {off:+.1%}",
            f"连续 {DAYS} 天浮充电压 {volts:.1f} V；监测首月为 {expected:.1f} V：{off:+.1%}",
        )
    lines = [Evidence(text=seen, at=at, point="battery.voltage", value=volts, expected=expected)]
    slope = _slope(days)
    if slope is not None and slope > -LEAST_MV:
        text = Text(
            f"the float follows the temperature by {slope:+.1f} mV a °C and cell; {-WARMEST_MV:g} mV is usual: it is not compensated",
            f"浮充电压随温度变化为每格每°C {slope:+.1f} mV；通常为 {-WARMEST_MV:g} mV：未做温度补偿",
        )
        lines.append(Evidence(text=text, at=at, value=slope, expected=-WARMEST_MV))
    far = off < -FAR
    return telling.say(
        state,
        device=device.id,
        kind=KIND,
        mark=f"{'high' if off > 0 else 'low'} {far}",
        since=int(week[0][0] or 0) * DAY_MS,
        severity=Severity.MINOR if far else Severity.WARNING,
        score=0.85 if far else 0.7,
        evidence=tuple(lines),
        advice=ADVICE,
    )


def _slope(days: list[Day]) -> float | None:
    """Millivolts a cell and °C over the days kept; None where it never grew warm or cold enough to tell."""
    pairs = [(d[3], d[2]) for d in days if d[2] is not None and d[3] is not None]
    if len(pairs) < LEAST_SLOPE_DAYS:
        return None
    warm = [t for t, _ in pairs]
    if max(warm) - min(warm) < SPREAD_C:
        return None
    t0, v0 = sum(warm) / len(warm), sum(v for _, v in pairs) / len(pairs)
    return 1000 * sum((t - t0) * (v - v0) for t, v in pairs) / sum((t - t0) ** 2 for t in warm)

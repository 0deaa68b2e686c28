"""The charger works wrongly, by the battery's own voltage: it falls from float towards rest with the mains present, or it is charged too high.

Sees, by the hour: `battery.voltage` against this battery's own float (median of its days) and, where the number of cells is known, against
2.25 … 2.30 V a cell at 25 °C less 3 mV a °C. Three per cent below for a day: the charger gives nothing. That alone is also how a resting battery
looks (ABM and the like rest for up to 28 days), so one of these must join it: the device itself says that it charges or floats; it was watched for 35
days and never rested; below 2.10 V a cell; the charge fell under 90 %; it still falls by more than 0.5 mV a cell an hour after two days;
or five weeks passed. Over by three per cent for 26 hours (longer than a boost charge), or over 2.50 V a cell for three: overcharge, which
dries and heats the battery. Well again after three hours within 2 %. The pace at which it falls gives the date at which nothing is left (1.95 V a cell).

When it does not work: a voltage that is not told or stands still through discharges; a battery whose charger failed before the first day of
watching, unless the number of cells is known. Of a lithium battery nothing is said. `not_charging` sees a charge that does not rise, `charger` the device's flag.

State: {"phase": see `analytics.battery.hourly`, "base": daily float volts, "middle": their median, "today", "watched": float hours, "rests": rests seen, "low": {"since",
"last": [[h, V]…], "word"} or None, "high": hours in a row, "well": hours in a row, "told",
"forecasts": see `analytics.battery.flat`}.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import median

from analytics.battery import flat, telling
from analytics.battery.floats import HIGHEST_V, WARMEST_MV, expected_v
from analytics.battery.hourly import CHARGING_MODES, POINTS, Phase, Row, lithium
from analytics.detector import Context, State
from analytics.hours import HOUR_MS, Hours
from analytics.slow.battery_rows import rows
from model.finding import Change, Evidence, Severity
from model.inventory import Device
from model.text import Text

KIND = "charger_fault"
FELL, ROSE, WELL = 0.97, 1.03, 0.02
LOW_H, REST_H, WATCHED_H, FELL_H = 24, 35 * 24, 35 * 24, 48
HIGH_H, BOOST_V, BOOST_H, WELL_H = 26, 2.50, 3, 3
DEEP_V, EMPTY_V, DRAIN_V = 2.10, 1.95, 0.0005
DRAINED = 90.0
SHORTEST_REST_H = 6
#: Beyond these no battery of this string can be: another unit, or another string. After a week it is taken for the new one.
LEAST_RATIO, MOST_RATIO, STRANGE_H = 0.7, 1.35, 168
MOST_DAYS, LEAST_DAYS, LAST = 30, 2, 24
DAY_MS = 24 * HOUR_MS

ADVICE_LOW = Text(
    "Measure the charging voltage and current at the battery terminals; check battery breaker, fuse, links and the charger's setting. Part: the "
    "charger or rectifier board. This is wrong if the maker lets this model rest its battery (ABM) and the voltage returns to float by itself.",
    "在电池端子处测量充电电压与电流；检查电池开关、熔断器、连接条和充电参数。部件：充电板或整流板。若该型号具有电池休眠管理（ABM）且电压会自行恢复浮充，则本结论不成立。",
)
ADVICE_HIGH = Text(
    "Measure the voltage at the battery terminals with a second meter; lower or switch off the charger if it is confirmed, and feel whether the blocks are "
    "warm. Part: the charger or rectifier board. This is wrong if an equalising charge was started by hand, or if the meter contradicts the UPS.",
    "用另一块表在电池端子处复测电压；若确认过高，应调低或关闭充电器，并检查电池是否发热。部件：充电板或整流板。若为人工启动的均衡充电，或万用表读数与 UPS 不符，则本结论不成立。",
)
BACK = Text("the battery is at its float voltage again", "电池电压已恢复到浮充值")


class ChargerFault:
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
            changes += _take(state, row, context.device)
        return state, changes


def _take(state: State, row: Row, device: Device) -> list[Change]:
    if row.phase is Phase.DISCHARGE:
        flat.over(state, row.at, flat=False)
        state["high"] = 0
        return []
    if row.phase is Phase.UNKNOWN or row.volts is None or row.volts <= 0:
        state["low"], state["high"] = None, 0
        return []
    base = _base(state, row)
    if base is None:
        _learn(state, row)
        return []
    ratio = row.volts / base
    if not LEAST_RATIO < ratio < MOST_RATIO:
        return _strange(state)
    state["strange"] = 0
    if ratio < FELL:
        state["well"] = state["high"] = 0
        return _low(state, row, base, device)
    if ratio > ROSE or (row.v_cell or 0.0) > BOOST_V:
        state["low"], state["well"] = None, 0
        return _high(state, row, base, device)
    _rested(state, row)
    state["low"], state["high"] = None, 0
    state["well"] = state.get("well", 0) + 1 if abs(ratio - 1) <= WELL else 0
    if row.phase is Phase.FLOAT and not telling.stands(state, KIND):
        _learn(state, row)
    if state["well"] >= WELL_H:
        flat.over(state, row.at, flat=False)
        return telling.unsay(state, device.id, KIND, row.at, BACK)
    return []


def _base(state: State, row: Row) -> float | None:
    """The float volts of this battery now: by the cell where that is known, else its own days."""
    own = state.get("middle")
    if own is None and len(state.get("base", ())) >= LEAST_DAYS:
        own = state["middle"] = median(state["base"])
    if row.v_cell is None or row.volts is None:
        return own
    cells = row.volts / row.v_cell
    low, high = _band(row.celsius)
    least, most, base = low * cells, high * cells, row.volts if own is None else own
    return most if base > most else least if base < least else base


_band = lru_cache(maxsize=1024)(expected_v)


def _learn(state: State, row: Row) -> None:
    """One median-like value a day, of hours on float only."""
    if row.phase is not Phase.FLOAT or row.volts is None:
        return
    today = state.get("today")
    if today is None or row.at - today[0] >= DAY_MS:
        if today:
            state["base"], state["middle"] = [*state.get("base", []), today[1]][-MOST_DAYS:], None
        state["today"] = [row.at, row.volts, 1]
    else:
        count = today[2] + 1
        state["today"] = [today[0], today[1] + (row.volts - today[1]) / count, count]
    state["watched"] = state.get("watched", 0) + 1


def _strange(state: State) -> list[Change]:
    state["low"], state["high"], state["strange"] = None, 0, state.get("strange", 0) + 1
    if state["strange"] >= STRANGE_H:
        state["base"], state["middle"], state["today"], state["strange"] = [], None, None, 0
    return []


def _rested(state: State, row: Row) -> None:
    """A voltage that came back by itself, the charge full all the while: this device rests its battery."""
    low = state.get("low")
    if low and not low["drained"] and (row.at - low["since"]) / HOUR_MS >= SHORTEST_REST_H:
        state["rests"] = state.get("rests", 0) + 1


def _low(state: State, row: Row, base: float, device: Device) -> list[Change]:
    low = state.get("low") or {"since": row.at, "last": [], "word": 0, "drained": False}
    if row.settled is not None and row.settled < LOW_H:
        return []  # it is being recharged
    state["low"] = low = {
        "since": low["since"],
        "last": [*low["last"], [(row.at - low["since"]) / HOUR_MS, row.volts]][-LAST:],
        "word": low["word"] + (row.mode in CHARGING_MODES),
        "drained": low["drained"] or (row.charge is not None and row.charge < DRAINED),
    }
    lasted = (row.at - low["since"]) / HOUR_MS + 1
    if row.v_cell is not None and row.v_cell <= EMPTY_V:
        flat.over(state, row.at + HOUR_MS, flat=True)
    why = _why_low(state, low, row, lasted)
    if why is None:
        return []
    text, score = why
    fall = _fall_v_cell(low, row)
    dry = None
    if fall is not None and row.v_cell is not None and fall > DRAIN_V / 2:
        dry = row.at + HOUR_MS + round(max(row.v_cell - EMPTY_V, 0.0) / fall * HOUR_MS)
        flat.said(state, device.id, KIND, row.at + HOUR_MS, dry)
    seen = Text(
        f"battery at {row.volts:.1f} V for {lasted:.0f} h with the mains present; its float is {base:.1f} V",
        f"市电正常，电池电压 {row.volts:.1f} V 已 {lasted:.0f} 小时；其浮充应为 {base:.1f} V",
    )
    lines = (
        Evidence(text=seen, at=row.at + HOUR_MS, point="battery.voltage", value=row.volts, expected=base),
        Evidence(text=text, at=row.at + HOUR_MS),
    )
    return telling.say(
        state, device=device.id, kind=KIND, mark=f"low {score} {dry is None}", since=int(low["since"]), severity=Severity.MAJOR, score=score,
        evidence=lines, advice=ADVICE_LOW, forecast=dry,
    )  # fmt: skip


def _why_low(state: State, low: State, row: Row, lasted: float) -> tuple[Text, float] | None:
    """What tells a failed charger from a battery at rest, the surest first."""
    if lasted < LOW_H:
        return None
    resting = row.phase is Phase.REST or state.get("rests", 0) >= 1
    if low["drained"]:
        return Text("its charge has fallen below 90 % without a discharge", "未放电而电量已低于 90%"), 0.95
    if row.v_cell is not None and row.v_cell < DEEP_V:
        return Text(
            "below 2.10 V a cell: no battery at rest stands so low", "低于每格 2.10 V：休眠电池不会如此之低"
        ), 0.95
    fall = _fall_v_cell(low, row)
    if lasted >= FELL_H and fall is not None and fall > DRAIN_V:
        return Text("it still falls after two days: something draws from it", "两天后仍在下降：电池正被消耗"), 0.9
    if not resting and low["word"] >= LOW_H:
        return Text("the UPS itself says that it charges or floats", "UPS 自称正在充电或浮充"), 0.9
    if not resting and state.get("watched", 0) >= WATCHED_H:
        return Text(
            "this UPS never rested its battery in five weeks of float", "该 UPS 五周浮充期间从未让电池休眠"
        ), 0.85
    if lasted >= REST_H:
        return Text("five weeks: longer than any maker lets a battery rest", "已五周：超过任何厂家的休眠周期"), 0.8
    return None


def _fall_v_cell(low: State, row: Row) -> float | None:
    """Volts a cell and hour that it falls, between the means of the older and the newer half of the last day."""
    last = low["last"]
    if len(last) < LOW_H or row.v_cell is None or not row.volts:
        return None
    half = len(last) // 2
    (old_h, old_v), (new_h, new_v) = (_mean(part) for part in (last[:half], last[half:]))
    return (old_v - new_v) / (new_h - old_h) * row.v_cell / row.volts if new_h > old_h else None


def _mean(rows: list[list[float]]) -> tuple[float, float]:
    return sum(h for h, _ in rows) / len(rows), sum(v for _, v in rows) / len(rows)


def _high(state: State, row: Row, base: float, device: Device) -> list[Change]:
    state["high"] = state.get("high", 0) + 1
    boost = row.v_cell is not None and row.v_cell > BOOST_V
    state["boost"] = state.get("boost", 0) + 1 if boost else 0
    if state["high"] < HIGH_H and state["boost"] < BOOST_H:
        return []
    seen = Text(
        f"battery at {row.volts:.1f} V for {state['high']:.0f} h; at most {base * ROSE:.1f} V was expected, its float is {base:.1f} V",
        f"电池电压 {row.volts:.1f} V 已 {state['high']:.0f} 小时；预期不高于 {base * ROSE:.1f} V，其浮充应为 {base:.1f} V",
    )
    lines = [Evidence(text=seen, at=row.at + HOUR_MS, point="battery.voltage", value=row.volts, expected=base)]
    if row.v_cell is not None:
        text = Text(
            f"{row.v_cell:.3f} V a cell; {HIGHEST_V} V at 25 °C, {WARMEST_MV:g} mV less a °C above, is the most a float may be",
            f"每格 {row.v_cell:.3f} V；25°C 时浮充不得超过 {HIGHEST_V} V，每高 1°C 降 {WARMEST_MV:g} mV",
        )
        lines.append(Evidence(text=text, at=row.at + HOUR_MS))
    since = row.at - (state["high"] - 1) * HOUR_MS
    return telling.say(
        state, device=device.id, kind=KIND, mark=f"high {boost}", since=since, severity=Severity.MAJOR, score=0.9 if boost else 0.85,
        evidence=tuple(lines), advice=ADVICE_HIGH,
    )  # fmt: skip

"""Why a battery ages as it does, where a UPS tells enough to say so: it has dried out, or it is sulphated. Where it could be plain wear, nothing is said.

`battery_dry_out`, all of these together (own limits; the direction of each from battery.md 2, 3, 5; none was fitted to data):

    ohms      g = (v0 - v) / rate / 30 mohm Ah, by self-tests of at least 0.6 A / Ah: up by 50 % in half a year or more, in steady steps, no jump (a loose link)
    current   on float at 25 °C, I / 2^((T - 25) / 10), months against the first three: fell to 70 % or less. Plain wear (corroded grids) leaves or raises
              it: one that only stays tells the two not apart, and one that nobody measures, or in steps too coarse, neither
    volts     the float is the same within 10 mV a cell: a charger set lower also gives less current
    heat      60 % of an expected life used by heat, at 28 °C or more while watched; now within 5 °C of the first months (warmer: it runs away; a
              winter and a summer are not compared)
    charge    it was not under-charged: sulphation, too, takes little current

`battery_sulphated`, all of these together:

    charge    four weeks of the last half year under 90 % two days after any discharge, or below 2.10 V a cell on mains. Between that and float a
              battery may rest by its maker's will (ABM), so this does not count
    recharge  seconds to 90 % for each per cent missing: two thirds or less of before, *beyond* the capacity lost, as a small battery is also full sooner
    capacity  measured by discharges: 85 % or less, and 8 % less than before
    ohms      up by less than a quarter: what is lost by corroded grids or dryness shows there

State, part of the battery's file: {"causes": {"months": [[month, days, A at 25 °C, °C, V a cell at 25 °C]…], "step": least difference of float
current seen, A, "amps": the newest, "low": [days under-charged], "told"}}. One look a day.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import mean, median

import msgspec

from analytics.battery import ageing, recorder, telling
from analytics.battery.course import COLD_A_C, OHM_AH, REST, Trial
from analytics.battery.recorder import Discharge
from analytics.detector import State
from model.finding import Change, Evidence, Severity
from model.inventory import Device
from model.text import Text

DRY, SULPHATED, PART = "battery_dry_out", "battery_sulphated", "causes"
SCORE = 0.6  #: of neither kind enough are known to calibrate it
FRESH_MS, MONTH_MS = 6 * 3_600_000, 30 * ageing.DAY_MS
LEAST_TRIALS, OF_FIRST, LEAST_MS = 12, 5, 180 * ageing.DAY_MS
LEAST_RATE = 0.6  #: A / Ah: at less a gauge's 5 mV a cell are a quarter of the resistance
DRY_OHMS, DRY_OVER, LEAST_PART, MOST_PART = 0.50, 0.30, 0.10, 0.65
LEAST_DAYS, FIRST_MONTHS, LAST_MONTHS, KEPT_MONTHS = 10, 3, 2, 8
FELL, BACK_UP, STEPS, SAME_V = 0.70, 0.90, 5, 0.010
USED, HOT_C, LIKE_C = 0.60, 28.0, 5.0
DOUBLES_C, FLOAT_MV = 10.0, 0.003
LOW_CHARGE, LOW_V, SETTLED_MS, LOW_DAYS, LOW_WITHIN = 90.0, (1.5, 2.10), 2 * ageing.DAY_MS, 28, 180
RECHARGED_FROM, TOO_SOON, NEWEST = 75.0, 0.67, 2
SOH, SOH_LOST, SOH_BACK, SOH_SD, SULPHATED_OHMS = 0.85, 0.08, 0.04, 0.08, 0.25

ADVICE_DRY = Text(
    "Likely: water lost through years of heat or too high a float, often in the whole string. First check the torque and temperature of the links (a corroding link rises "
    "too), then the resistance of each block: dry ones are all high, a link is one. Then a capacity test. Part: the whole string, and whatever heats it. This is wrong if the blocks "
    "measure within 20 % of new, or if the test gives 85 % or more.",
    "可能原因：长期高温或浮充偏高导致失水，常涉及整组。先检查连接条的扭矩与温度（连接腐蚀也会使电阻上升），再逐节测内阻：失水时各节普遍偏高，连接不良仅一处。然后做容量测试。"
    "部件：整组电池，并消除热源。若各节内阻与新品相差 20% 以内，或容量测试达到 85% 以上，则本结论不成立。",
)
ADVICE_SULPHATED = Text(
    "Likely: left part-charged for weeks, its plates are covered with sulphate. First check the charger: float volts at the posts, charging current, its settings. Then one equalising "
    "charge by the maker's rule with the temperature watched, and a capacity test after it. Part: none yet; the string if the test stays below 80 %. This is wrong if the "
    "capacity does not change by that charge (then it is wear), or if the UPS's charge gauge was reset in between.",
    "可能原因：长期充电不足，极板硫化。先检查充电器：端子浮充电压、充电电流和参数。再按厂家规定做一次均衡充电并监视温度，之后做容量测试。部件：暂不更换；若测试仍低于 80% 则更换整组。"
    "若均衡充电后容量没有变化（则为正常磨损），或期间 UPS 的电量计曾被重置，则本结论不成立。",
)
NO_MORE = Text("its newest measurements no longer show it", "最新测量已不再显示该现象")


def look(state: State, device: Device, at: int) -> list[Change]:
    """Take in today, and say what is to be said. `state` is the battery's file, the caller's own."""
    cells = recorder.cells_of(device)
    if cells is None or (device.battery is not None and device.battery.chemistry == "lithium"):
        return []
    own = dict(state.get(PART) or {})
    if not state["run"] and not state["supply"]:
        _today(own, state, cells, at)
    changes = _dry(own, state, device, at) + _sulphated(own, state, device, at)
    state[PART] = own
    return changes


def _fresh(state: State, point: str, at: int) -> float | None:
    """What was told lately: after a silence the last word is old."""
    found = state["now"].get(point)
    return recorder.newest(state, point) if found and all(at - t <= FRESH_MS for _, t in found.values()) else None


def _today(own: State, state: State, cells: int, at: int) -> None:
    charge, volts, amps, warm = (
        _fresh(state, point, at) for point in (recorder.CHARGE, recorder.VOLTS, recorder.AMPS, recorder.WARM)
    )
    v_cell = volts / cells if volts else None
    settled = not state["log"] or at - state["log"][-1]["end"] >= SETTLED_MS
    low = (charge is not None and charge < LOW_CHARGE) or (v_cell is not None and LOW_V[0] < v_cell < LOW_V[1])
    if settled and low:
        day = at // ageing.DAY_MS
        own["low"] = [d for d in own.get("low", []) if day - d < LOW_WITHIN and d != day] + [day]
    if not settled or low or not amps or warm is None or v_cell is None or charge is None or charge < recorder.FULL:
        return
    amps = abs(amps)
    apart = abs(amps - own.get("amps", amps))
    if apart > 1e-9:
        own["step"] = min(own.get("step") or apart, apart)
    own["amps"] = amps
    months = [list(month) for month in own.get("months", [])]
    if not months or months[-1][0] != at // MONTH_MS:
        months.append([at // MONTH_MS, 0, 0.0, 0.0, 0.0])
    month = months[-1]
    month[1] += 1
    for place, value in enumerate(
        (amps / 2 ** ((warm - 25) / DOUBLES_C), warm, v_cell + FLOAT_MV * (warm - 25)), start=2
    ):
        month[place] += (value - month[place]) / month[1]
    if len(months) > KEPT_MONTHS:
        del months[FIRST_MONTHS]
    own["months"] = months


def _growths(state: State) -> list[tuple[int, float]]:
    """(when, rise of the resistance over the first runs, as a part of a new cell's) of each self-test from full (other runs stand elsewhere)."""
    trials = [msgspec.convert(test[:6], Trial) for test in state.get("tests", []) if len(test) < 7 or test[6]]
    trials = [trial for trial in trials if trial.rate >= LEAST_RATE]
    if len(trials) < LEAST_TRIALS or trials[-1].at - trials[0].at < LEAST_MS:
        return []
    rest = median(trial.rest for trial in trials)
    volts = [trial.volts - REST * (trial.rest - rest) for trial in trials]
    cold = [1 + COLD_A_C * max(25.0 - trial.celsius, 0.0) for trial in trials]
    rows = list(zip(volts, trials, cold, strict=True))
    open_v = median(v + OHM_AH * trial.rate * c for v, trial, c in rows[:OF_FIRST])
    return [(trial.at, (open_v - v) / (trial.rate * c) / OHM_AH - 1) for v, trial, c in rows]


def _rise(growths: list[tuple[int, float]]) -> float | None:
    return median(g for _, g in growths[-OF_FIRST:]) if growths else None


def _steady(growths: list[tuple[int, float]]) -> bool:
    """Whether each quarter of the runs has its share in the rise: a jump has all of it in one."""
    quarter = len(growths) / 4
    parts = [median(g for _, g in growths[round(n * quarter) : round((n + 1) * quarter)]) for n in range(4)]
    whole = parts[-1] - parts[0]
    return whole > 0 and all(LEAST_PART <= (new - old) / whole <= MOST_PART for old, new in pairwise(parts))


def _dry(own: State, state: State, device: Device, at: int) -> list[Change]:
    months = [month for month in own.get("months", []) if month[1] >= LEAST_DAYS]
    if len(months) < FIRST_MONTHS + LAST_MONTHS:
        return []
    first, last = months[:FIRST_MONTHS], months[-LAST_MONTHS:]
    amps0, amps = mean(m[2] for m in first), mean(m[2] for m in last)
    if amps > FELL * amps0 and not telling.stands(own, DRY):
        return []  # nearly every battery: its tests need not be looked at
    growths = _growths(state)
    rise = _rise(growths)
    if rise is None:
        return []
    if telling.stands(own, DRY):
        return telling.unsay(own, device.id, DRY, at, NO_MORE) if rise < DRY_OVER or amps > BACK_UP * amps0 else []
    usual, warmer = mean(m[3] for m in months), mean(m[3] for m in last) - mean(m[3] for m in first)
    volts = mean(m[4] for m in last) - mean(m[4] for m in first)
    hot = state.get("dated") and state["wear"] >= USED and usual >= HOT_C and abs(warmer) < LIKE_C
    fell = own.get("step") and amps0 >= STEPS * own["step"] and abs(volts) <= SAME_V
    if not hot or not fell or rise < DRY_OHMS or not _steady(growths) or len(own.get("low", [])) >= LOW_DAYS:
        return []
    lines = (
        Evidence(text=Text(
            f"its resistance rose steadily by {rise:.0%} in {_months(growths)} months of tests, by the volts under load",
            f"按带载电压计算，{_months(growths)} 个月的测试中内阻持续上升 {rise:.0%}",
        ), at=at, point=recorder.VOLTS),
        Evidence(text=Text(
            f"float current {amps:.2f} A at 25 °C, in its first months {amps0:.2f} A; the float voltage is the same within {SAME_V * 1000:.0f} mV a cell. "
            "Plain wear would leave or raise it",
            f"浮充电流（折算 25°C）{amps:.2f} A，最初数月为 {amps0:.2f} A；浮充电压变化不超过每格 {SAME_V * 1000:.0f} mV。正常磨损不会使其下降",
        ), at=at, point=recorder.AMPS, value=round(amps, 3), expected=round(amps0, 3)),
        Evidence(text=Text(
            f"heat has used {state['wear']:.0%} of its expected life; {usual:.0f} °C on average, now as warm as in its first months",
            f"高温已消耗其预期寿命的 {state['wear']:.0%}；平均 {usual:.0f}°C，目前温度与最初数月相近",
        ), at=at, point=recorder.WARM, value=round(usual, 1)),
    )  # fmt: skip
    since = next(when for when, growth in growths if growth >= DRY_OHMS / 2)
    return telling.say(
        own, device=device.id, kind=DRY, mark="dry", since=since, severity=Severity.MINOR, score=SCORE, evidence=lines, advice=ADVICE_DRY
    )  # fmt: skip


def _months(growths: list[tuple[int, float]]) -> int:
    return round((growths[-1][0] - growths[0][0]) / MONTH_MS)


def _sulphated(own: State, state: State, device: Device, at: int) -> list[Change]:
    stands = telling.stands(own, SULPHATED)
    if not stands and len(own.get("low", [])) < LOW_DAYS:
        return []
    log = [msgspec.convert(one, Discharge) for one in state["log"] if one["end"] >= state["seen"]]
    known = [(one.end, one.soh) for one in log if one.soh is not None and one.soh_sd is not None and one.soh_sd <= SOH_SD]  # fmt: skip
    if stands:
        lost_at, before = own["sulphated"]
        back = any(end > lost_at and soh > max(before - SOH_BACK, SOH) for end, soh in known)
        return telling.unsay(own, device.id, SULPHATED, at, NO_MORE) if back else []
    begun = own["low"][0] * ageing.DAY_MS
    healths = [soh for end, soh in known if end < begun], [soh for end, soh in known if end >= begun]
    paces = [one for one in log if one.recharge_s and one.charge_end is not None and one.charge_end <= RECHARGED_FROM]
    old, new = ([_pace(one) for one in paces if (one.end >= begun) is late] for late in (False, True))
    rise = _rise(_growths(state))
    if not healths[0] or not healths[1] or len(old) < NEWEST or len(new) < NEWEST or rise is None:
        return []
    before, now = median(healths[0]), healths[1][-1]
    sooner = median(new[-NEWEST:]) / median(old) / (now / before)
    if now > SOH or now > before - SOH_LOST or sooner > TOO_SOON or rise >= SULPHATED_OHMS:
        return []
    own["sulphated"] = [known[-1][0], before]
    lines = (
        Evidence(text=Text(
            f"on {len(own['low'])} days of the last half year it stood under-charged: below {LOW_CHARGE:.0f} %, or below {LOW_V[1]:.2f} V a cell with the mains present",
            f"近半年有 {len(own['low'])} 天处于欠充：电量低于 {LOW_CHARGE:.0f}%，或市电正常时低于每格 {LOW_V[1]:.2f} V",
        ), at=at, point=recorder.CHARGE),
        Evidence(text=Text(
            f"it says full too soon: {median(new[-NEWEST:]):.0f} s for each per cent missing, before {median(old):.0f} s; {sooner:.0%} of that is left even after the lost capacity is allowed for",
            f"过早充满：每缺 1% 需 {median(new[-NEWEST:]):.0f} 秒，以前为 {median(old):.0f} 秒；扣除容量损失后仍仅为原来的 {sooner:.0%}",
        ), at=at, point=recorder.CHARGE, value=round(median(new[-NEWEST:]), 1), expected=round(median(old), 1)),
        Evidence(text=Text(
            f"capacity measured at {now:.0%}, before {before:.0%}, while its resistance changed by {rise:+.0%} only",
            f"实测容量 {now:.0%}，以前 {before:.0%}，而内阻仅变化 {rise:+.0%}",
        ), at=at, value=round(now, 3), expected=round(before, 3)),
    )  # fmt: skip
    return telling.say(
        own, device=device.id, kind=SULPHATED, mark="sulphated", since=begun, severity=Severity.MINOR, score=SCORE, evidence=lines, advice=ADVICE_SULPHATED,
    )  # fmt: skip


def _pace(one: Discharge) -> float:
    """Seconds for each per cent up to 90 %."""
    return (one.recharge_s or 0.0) / (recorder.NEARLY - (one.charge_end or 0.0))

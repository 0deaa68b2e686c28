"""A discharge on purpose: what one of 25 % would tell now, whether it is safe now, and what it found.

    sd of what it measures   m = h sqrt((3.4 % / depth)^2 + (12 % (1 - depth))^2 + 6 %^2)     the gauge's pace, a stale gauge, the promise (`runtime`, `file`)
    sd of the health after   1 / sqrt(1 / sd^2 + 1 / m^2)
    left at its end          P10 of the full runtime x (1 - depth)         must hold what is required, at least `LEAST_LEFT_S`

It is advice: nothing here starts a discharge. The weather and the utility's plans are not known to it, and it says so. A lithium battery's own
management counts its charge, so the same discharge tells as much there.
"""

from __future__ import annotations

from enum import StrEnum
from math import sqrt
from typing import Any

import msgspec

from analytics.battery import ageing, recorder, runtime
from analytics.battery.belief import Belief, predict
from analytics.battery.measuring import PROMISE_SD
from analytics.battery.recorder import Discharge, End
from analytics.battery.runtime import FullRuntime
from model.inventory import Device
from model.text import Text

DEPTH = 0.25
#: What must remain for an outage that comes right after (tune).
LEAST_LEFT_S = 600.0
FULL_CHARGE, MOST_LOAD, MOST_C = 95.0, 80.0, 35.0
RECENT_MS, WEEK_MS, OUTAGES_A_WEEK = 24 * 3_600_000, 7 * ageing.DAY_MS, 3
#: A discharge is broken off at this voltage of a cell, whatever the plan; at the rate of a UPS, which empties it within hours, a sound cell stands lower.
ABORT_V_CELL, FAST_ABORT_V_CELL, FAST_S = 1.90, 1.80, 3 * 3600.0
DECIDES_SD = 0.06
STALE_MS = 2 * 3_600_000


class Hinder(StrEnum):
    """Why not now."""

    SILENT = "silent"
    IN_USE = "in_use"
    CHARGE = "charge"
    OUTAGE = "outage"
    MAINS = "mains"
    LOAD = "load"
    HOT = "hot"
    RUNTIME = "runtime"
    UNKNOWN = "unknown"


WORDS = {
    Hinder.SILENT: Text("the UPS has told nothing for two hours", "UPS 已两小时无数据"),
    Hinder.IN_USE: Text("the battery is in use, or a test runs", "电池正在放电或正在自检"),
    Hinder.CHARGE: Text("the battery is not full", "电池未充满"),
    Hinder.OUTAGE: Text("it was discharged within the last day: let it recover first", "一天内曾放电：应先恢复"),
    Hinder.MAINS: Text("the mains failed three times or more within a week", "一周内市电中断三次或以上"),
    Hinder.LOAD: Text("the load is over 80 %", "负载超过 80%"),
    Hinder.HOT: Text("the battery is over 35 °C", "电池温度超过 35°C"),
    Hinder.RUNTIME: Text(
        "what would be left does not carry the load for as long as is required", "放电后剩余续航不足以满足要求"
    ),
    Hinder.UNKNOWN: Text(
        "nobody knows how long this battery lasts: neither promise nor discharge", "续航未知：既无预期也无放电记录"
    ),
}


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """`sd_now`, `sd_then`: of the health, before and after. `hinders` empty: safe as far as is known. Seconds, volts of the string."""

    depth: float
    health: float
    sd_now: float
    sd_then: float
    decides: bool  #: afterwards the health is known to 6 % or better, or it was before
    hinders: tuple[Hinder, ...]
    takes_s: float | None
    left_p10_s: float | None
    required_s: float
    abort_v: float | None
    text: Text

    @property
    def safe(self) -> bool:
        return not self.hinders


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one discharge measured. `capacity_ah` at 25 °C and the 20 h rate; None: it was too shallow to tell."""

    start: int
    seconds: float
    depth: float | None
    health: float | None
    health_sd: float | None
    capacity_ah: float | None
    capacity_sd_ah: float | None
    ah: float | None
    wh: float | None
    full_s: float | None
    complete: bool  #: to the battery's end
    text: Text


def gain(sd: float, health: float, depth: float) -> float:
    """The standard deviation of the health after one more discharge of this depth.

    >>> round(gain(0.10, 0.9, 0.25), 3), round(gain(0.10, 0.9, 1.0), 3)
    (0.084, 0.053)
    """
    measures = max(health, 0.2) * sqrt(runtime.gauge_sd(depth) ** 2 + runtime.stale_sd(depth) ** 2 + PROMISE_SD**2)
    return float((1 / sd**2 + 1 / measures**2) ** -0.5)


def advise(
    belief: Belief, device: Device, at: int, *, full: FullRuntime | None, load: float | None, charge: float | None, celsius: float | None,
    required_s: float | None, log: list[Discharge], in_use: bool, seen: int | None, depth: float = DEPTH,
) -> Advice:  # fmt: skip
    """`log`: the discharges kept, the oldest first; `seen`: when the device last told its charge."""
    now = predict(belief, at)
    needed = max(required_s or 0.0, LEAST_LEFT_S)
    lasts = runtime.spread(full, load, charge or 100.0, at) if full is not None and load is not None else None
    left = None if lasts is None else lasts.p10 * (1 - depth)
    takes = None if lasts is None else lasts.p50 * depth
    hinders = _hinders(at, load, charge, celsius, log, in_use, seen, left, needed)
    then = gain(now.sd, now.health, depth)
    cells = recorder.cells_of(device)
    lithium = device.battery is not None and device.battery.chemistry == "lithium"
    fast = lasts is not None and lasts.p50 < FAST_S
    abort = None if cells is None or lithium else (FAST_ABORT_V_CELL if fast else ABORT_V_CELL) * cells
    return Advice(
        depth=depth, health=now.health, sd_now=now.sd, sd_then=then, decides=min(now.sd, then) <= DECIDES_SD, hinders=hinders, takes_s=takes,
        left_p10_s=left, required_s=needed, abort_v=abort, text=_text(now, then, depth, hinders, takes, left, abort),
    )  # fmt: skip


def _hinders(
    at: int, load: float | None, charge: float | None, celsius: float | None, log: list[Discharge], in_use: bool, seen: int | None,
    left: float | None, needed: float,
) -> tuple[Hinder, ...]:  # fmt: skip
    outages = [one.end for one in log if not one.test]
    found = {
        Hinder.SILENT: seen is None or at - seen > STALE_MS,
        Hinder.IN_USE: in_use,
        Hinder.CHARGE: charge is None or charge < FULL_CHARGE,
        Hinder.OUTAGE: any(at - end < RECENT_MS for end in outages),
        Hinder.MAINS: sum(at - end < WEEK_MS for end in outages) >= OUTAGES_A_WEEK,
        Hinder.LOAD: load is not None and load > MOST_LOAD,
        Hinder.HOT: celsius is not None and celsius > MOST_C,
        Hinder.RUNTIME: left is not None and left < needed,
        Hinder.UNKNOWN: left is None,
    }
    return tuple(hinder for hinder, holds in found.items() if holds)


def _text(
    now: Belief, then: float, depth: float, hinders: tuple[Hinder, ...], takes: float | None, left: float | None, abort: float | None
) -> Text:  # fmt: skip
    tells = Text(
        f"A discharge of {depth:.0%} would bring the health from {now.health:.0%} ± {now.sd:.0%} to ± {then:.0%}.",
        f"放电 {depth:.0%} 可使健康度由 {now.health:.0%} ± {now.sd:.0%} 收窄到 ± {then:.0%}。",
    )
    if hinders:
        why = [WORDS[h] for h in hinders]
        return Text(
            f"{tells.en} Not now: {'; '.join(t.en for t in why)}.",
            f"{tells.zh}现在不宜：{'；'.join(t.zh for t in why)}。",
        )
    minutes, rest = (takes or 0) / 60, (left or 0) / 60
    stop = Text(f", break it off at {abort:.0f} V", f"，电压降到 {abort:.0f} V 即中止") if abort else Text("", "")
    return Text(
        f"{tells.en} It is safe as far as is known: it takes about {minutes:.0f} min and leaves {rest:.0f} min (P10){stop.en}. Ask for the weather and the "
        "utility's plans first.",
        f"{tells.zh}就已知情况可以进行：约需 {minutes:.0f} 分钟，之后仍余 {rest:.0f} 分钟（P10）{stop.zh}。请先了解天气和供电部门的停电计划。",
    )


def advise_file(state: dict[str, Any], device: Device, at: int, depth: float = DEPTH) -> Advice | None:
    """The same from the file of a battery (the state of `battery_verdict`); None before the battery was ever seen."""
    if "belief" not in state:
        return None
    charges = state["now"].get(recorder.CHARGE, {})
    return advise(
        msgspec.convert(state["belief"], Belief),
        device,
        at,
        full=msgspec.convert(state["full"], FullRuntime) if state["full"] else None,
        load=recorder.newest(state, recorder.LOAD),
        charge=recorder.newest(state, recorder.CHARGE),
        celsius=recorder.newest(state, recorder.WARM),
        required_s=state.get("required"),
        log=[msgspec.convert(one, Discharge) for one in state["log"]],
        in_use=bool(state["run"]),
        seen=max((int(told[1]) for told in charges.values()), default=None),
        depth=depth,
    )


def result(record: Discharge, device: Device) -> Result:
    """What a discharge found, for the paper that goes to the customer."""
    rated = recorder.rated_ah(device)
    ah = None if record.soh is None or rated is None else record.soh * rated
    sd = None if record.soh_sd is None or rated is None else record.soh_sd * rated
    return Result(
        start=record.start, seconds=record.seconds, depth=record.depth, health=record.soh, health_sd=record.soh_sd, capacity_ah=ah,
        capacity_sd_ah=sd, ah=record.ah, wh=record.wh, full_s=record.full_s, complete=record.reason is End.EMPTY,
        text=_result(record, ah, sd, rated),
    )  # fmt: skip


def _result(record: Discharge, ah: float | None, sd: float | None, rated: float | None) -> Text:
    minutes = record.seconds / 60
    depth = "?" if record.depth is None else f"{record.depth:.0%}"
    load = "?" if record.load is None else f"{record.load:.0f}"
    ran = Text(
        f"Discharged for {minutes:.0f} min at {load} % load, depth {depth}.",
        f"以 {load}% 负载放电 {minutes:.0f} 分钟，深度 {depth}。",
    )
    if record.soh is None or record.soh_sd is None:
        return Text(
            f"{ran.en} Too shallow or too short to measure the capacity.", f"{ran.zh}深度或时间不足，未能测得容量。"
        )
    of = (
        Text(f" ({ah:.1f} ± {sd:.1f} Ah of {rated:g} Ah)", f"（额定 {rated:g} Ah，实测 {ah:.1f} ± {sd:.1f} Ah）")
        if ah is not None and sd is not None
        else Text("", "")
    )
    ends = (
        Text("below the end of life of 80 %", "低于 80% 的寿命终点")
        if record.soh < ageing.END
        else Text("above the end of life of 80 %", "高于 80% 的寿命终点")
    )
    warm = (
        Text("", "")
        if record.celsius is None
        else Text(
            f" Battery at {record.celsius:.0f} °C, reckoned to 25 °C.",
            f"电池温度 {record.celsius:.0f}°C，已折算至 25°C。",
        )
    )
    return Text(
        f"{ran.en} Measured capacity {record.soh:.0%} ± {record.soh_sd:.0%} of the rated one{of.en}, {ends.en}.{warm.en}",
        f"{ran.zh}实测容量为额定的 {record.soh:.0%} ± {record.soh_sd:.0%}{of.zh}，{ends.zh}。{warm.zh}",
    )

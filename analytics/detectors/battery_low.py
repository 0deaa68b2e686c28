"""On battery, and the battery is nearly empty: the load is about to drop.

Sees: `alarm.battery_low`, `alarm.battery_low_condition` (its end-of-discharge warning), `alarm.battery_depleted`,
`battery.status` low or depleted, twice in a row, and only while the battery feeds the load (or nothing tells what feeds it). A
low flag on mains is a battery being recharged, or a false flag; it is not raised. Where charge and runtime contradict the
flag the severity is major, not critical.

State: {"supply", "known": whether any supply witness was heard, "latch": {point: latch}, "last", "up"}.
"""

from __future__ import annotations

from analytics import supply
from analytics.detector import Block, Context, State
from analytics.lasting import lasting
from analytics.latch import Rule, fresh, observe
from analytics.walk import Sample, remembered, walk
from model.finding import Change, Cleared, Evidence, Finding, Raised, Severity
from model.points import BatteryStatus
from model.text import Text

KIND = "battery_low"
_SEEN = ("battery.charge", "battery.runtime")
_SIGNS = ("alarm.battery_low", "alarm.battery_low_condition", "alarm.battery_depleted", "battery.status")
_POINTS = (*_SEEN, *supply.POINTS, *_SIGNS)
_NONE: dict[str, float] = {}
_RULE = Rule(samples=2, clear_samples=2)
CHARGE_FINE, RUNTIME_FINE_S = 50.0, 600.0

ADVICE = Text(
    "Shut the load down in order now, or bring another source: minutes are left at most.",
    "请立即有序关闭负载或接入其他电源：最多仅剩数分钟。",
)
BACK = Text("the battery no longer feeds the load, or is no longer low", "电池已不再供电，或电量不再偏低")


class BatteryLow:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if _quiet(state) and not supply.mentions_battery(block):
            last = state.get("last", _NONE)
            now_last = remembered(last, block, _SEEN)
            return (state if now_last is last else {**state, "last": now_last}), []
        state = {
            **state,
            "last": dict(state.get("last", {})),
            "latch": {k: list(v) for k, v in state.get("latch", {}).items()},
        }
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            change = _take(state, sample, context.device.id)
            if change:
                changes.append(change)
        return state, changes


def _quiet(state: State) -> bool:
    """The supply is known, and is the mains: then no sign of a low battery counts (`_take`), whatever it says."""
    return bool(state.get("known")) and not (state.get("supply") or state.get("latch") or state.get("up"))


def _is_low(point: str, value: float) -> bool:
    return value in (BatteryStatus.LOW, BatteryStatus.DEPLETED) if point == "battery.status" else value >= 0.5


def _take(state: State, sample: Sample, device: str) -> Change | None:
    since: int | None = None
    if sample.point in _SEEN:
        state["last"][sample.point] = sample.value
        return None
    if sample.point in supply.POINTS:
        state["known"] = True
        state["supply"] = supply.heard(state.get("supply", []), sample.point, sample.value)
    elif not state.get("known") or state.get("supply"):
        latch = state["latch"].setdefault(sample.point, fresh())
        since = observe(latch, _is_low(sample.point, sample.value) != bool(latch[0]), sample.at, _RULE)
    if state.get("known") and not state.get("supply"):
        state["latch"] = {}
    low = any(latch[0] for latch in state["latch"].values())
    if low and not state.get("up"):
        state["up"] = True
        return Raised(finding=_finding(state, device, sample, sample.at if since is None else since))
    if not low and state.pop("up", False):
        return Cleared(device=device, kind=KIND, index=None, at=sample.at if since is None else since, why=BACK)
    return None


def _finding(state: State, device: str, sample: Sample, since: int) -> Finding:
    charge, runtime_s = state["last"].get("battery.charge"), state["last"].get("battery.runtime")
    lines = [
        Evidence(
            text=Text("the UPS reports its battery low", "UPS 报告电池电量低"),
            at=sample.at,
            point=sample.point,
            value=sample.value,
        )
    ]
    if charge is not None:
        lines.append(
            Evidence(
                text=Text(f"battery charge {charge:g} %", f"电池电量 {charge:g}%"),
                at=sample.at,
                point="battery.charge",
                value=charge,
            )
        )
    if runtime_s is not None:
        lines.append(
            Evidence(
                text=Text(
                    f"the UPS estimates {lasting(runtime_s).en} left", f"UPS 估计还可供电 {lasting(runtime_s).zh}"
                ),
                at=sample.at,
                point="battery.runtime",
                value=runtime_s,
            )
        )
    doubt = (charge or 0) > CHARGE_FINE and (runtime_s or 0) > RUNTIME_FINE_S
    if doubt:
        lines.append(
            Evidence(text=Text("charge and runtime contradict the flag", "电量和剩余时间与该标志矛盾"), at=sample.at)
        )
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.MAJOR if doubt else Severity.CRITICAL,
        since=since,
        score=0.5 if doubt else 0.95,
        evidence=tuple(lines),
        advice=ADVICE,
        forecast=None if runtime_s is None else sample.at + round(runtime_s * 1000),
    )

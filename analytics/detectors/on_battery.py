"""The battery feeds the load: the mains is out as this UPS sees it.

Sees: `ups.source` = battery or `alarm.on_battery`; one sample is enough, because waiting costs runtime. Severity
rises as the runtime left shrinks and never falls within the episode. Runtime left is the least of what is
known: the UPS's own estimate, what the charge used so far implies, and the inventory's expectation less the
time elapsed. When nothing is known the severity rises with time. What earlier discharges of this battery taught is said with P10, P50 and P90,
anew with each poll, narrowed by the pace of the gauge; from the first one on that learned end is the forecast.

A self-test is no mains failure: while the device says a test runs, nothing is raised. But a stuck test flag must
not hide an outage, so the excuse ends after 5 minutes (2 hours while the input voltage proves the mains),
when the input voltage is seen to be gone, or when the battery is low.

An output that goes off while on battery does not end the episode: nothing shows that the mains is back (`output_off`
tells the rest).

State: {"supply": witnesses that say battery, "test": witnesses of a test, "test_since", "tested": when one ended,
"low", "low_since", "last": {point: value}, "seen": {point: [at, index, value]} for the evidence, "estimated_at": of the
newest runtime, "off": the output is off, "start": {"at", "charge"} from the first sample on battery, "told":
{"severity", "dry", "shown": points in its evidence} once raised, "outlook": see `analytics.battery.outlook`, "ahead": the
newest `Outlook` while on battery (what `analytics.battery.dark` reads)}.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec

from analytics import expectation, supply
from analytics.battery import outlook
from analytics.battery.outlook import Outlook
from analytics.detector import Block, Context, State
from analytics.lasting import lasting
from analytics.walk import Sample, free_of, inside, remembered, walk
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.points import BatteryStatus, Source, TestResult
from model.text import Text

KIND = "on_battery"
_TEST = ("ups.test.result", "alarm.test_in_progress")
_LOW = ("alarm.battery_low", "battery.status")
_STATUS_LOW = frozenset({float(BatteryStatus.LOW), float(BatteryStatus.DEPLETED)})
_GAUGES = ("input.voltage", "battery.charge", "battery.runtime", "ups.load")
_SEEN = (*_GAUGES, *_LOW)
_POINTS = (*_TEST, *_SEEN, *supply.POINTS)
_NONE: dict[str, float] = {}
#: What a quiet block has none of; a flag that is 0.
_WORDS = (
    (supply.SOURCE, frozenset({float(Source.BATTERY), float(Source.NONE)})),
    (_TEST[0], frozenset({float(TestResult.IN_PROGRESS)})),
    (_LOW[1], _STATUS_LOW),
)
_FLAGS = tuple((flag, 0.0, 0.0) for flag in (supply.FLAG, _TEST[1], _LOW[0]))

MAINS_V = 150.0  #: over this, phase to neutral or line to line at 200–240 V, the mains is there (tune)
MAINS_GONE_V = 60.0
TEST_S = 300.0
TEST_ON_MAINS_S = 7200.0
#: The flags of one round need not change together: so long may the supply still say battery when the test is over.
AFTER_TEST_S = 5.0
#: A low flag beside a longer estimate than this is contradicted by it, and does not make the severity critical.
LOW_BELIEVED_S = 600.0
#: Runtime left (s) under which the severity applies, and time elapsed (s) over which it applies when none is known.
LADDER = ((Severity.CRITICAL, 300.0, 3600.0), (Severity.MAJOR, 600.0, 1200.0), (Severity.MINOR, 1800.0, 0.0))

_SHOWN = ("input.voltage", "battery.charge", "battery.runtime")
_SAID = {
    "input.voltage": Text("input voltage {value} V", "输入电压 {value} V"),
    "battery.charge": Text("battery charge {value} %", "电池电量 {value}%"),
}

ADVICE = Text(
    "Ask the site or the utility when power returns; prepare an orderly shutdown or a generator before the forecast end.",
    "向现场或供电部门确认来电时间；在预计耗尽之前准备有序关机或发电机。",
)
BACK = Text("the UPS is fed by the mains again", "UPS 已恢复市电供电")
TEST = Text("it was a self-test of the UPS", "系 UPS 自检放电")


class OnBattery:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if _quiet(state, block):
            return _noted(state, block), []
        state = {
            **state,
            "last": dict(state.get("last", {})),
            "seen": dict(state.get("seen", {})),
            "outlook": dict(state.get("outlook", {})),
        }
        changes: list[Change] = []
        for at, instant in groupby(walk(block, _POINTS), key=lambda sample: sample.at):
            for sample in instant:
                _take(state, sample)
            change = _judge(state, at, context)
            if change:
                changes.append(change)
        return state, changes


def _quiet(state: State, block: Block) -> bool:
    """Nothing is followed, and no sample speaks of a battery in use, an output off, a test or a low battery."""
    if state.get("supply") or state.get("test") or state.get("low_since") or state.get("off"):
        return False
    return inside(block, _FLAGS) and free_of(block, _WORDS)


def _noted(state: State, block: Block) -> State:
    """The newest values are all that a quiet block leaves; that nothing is low needs no memory."""
    last = state.get("last", _NONE)
    now = remembered(last, block, _GAUGES)
    return state if now is last else {**state, "last": now}


def _take(state: State, sample: Sample) -> None:
    """Remember what one sample says."""
    if sample.point in _TEST:
        running = sample.value == (TestResult.IN_PROGRESS if sample.point == _TEST[0] else 1)
        others = [p for p in state.get("test", []) if p != sample.point]
        state["test"] = [*others, sample.point] if running else others
        if not state["test"]:
            if state.pop("test_since", None) is not None:
                state["tested"] = sample.at
        else:
            state.setdefault("test_since", sample.at)
    elif sample.point in supply.POINTS:
        if sample.point == supply.SOURCE:
            state["off"] = sample.value == Source.NONE
        if state.get("off") and state.get("supply") and not supply.says_battery(sample.point, sample.value):
            return
        state["supply"] = supply.heard(state.get("supply", []), sample.point, sample.value)
    else:
        state["last"][sample.point] = sample.value
        _see(state["seen"], sample)
        if sample.point == "battery.runtime":
            state["estimated_at"] = sample.at
        elif sample.point in _LOW:
            _take_low(state, sample.at)


def _see(seen: dict[str, list[Any]], sample: Sample) -> None:
    """Keep the newest value with its time and phase; of one instant the lowest phase, as that is the failed one."""
    old = seen.get(sample.point)
    if old is None or old[0] != sample.at or sample.value < old[2]:
        seen[sample.point] = [sample.at, sample.key or None, sample.value]


def _take_low(state: State, at: int) -> None:
    """A low battery counts from its second sample: flags of one sample are common as the load transfers."""
    last = state["last"]
    says = last.get("alarm.battery_low", 0) >= 0.5
    if says or last.get("battery.status", 0) in _STATUS_LOW:
        state["low"] = at > state.setdefault("low_since", at)
    else:
        state["low"] = False
        state.pop("low_since", None)


def _judge(state: State, at: int, context: Context) -> Change | None:
    """What changed with the sample at `at`, if anything."""
    device = context.device.id
    charge = state["last"].get("battery.charge")
    if not state.get("supply"):
        if state.pop("start", None) is not None:
            outlook.close(state["outlook"], context.device, at, charge)
            state.pop("ahead", None)
        return Cleared(device=device, kind=KIND, index=None, at=at, why=BACK) if state.pop("told", None) else None
    if state.get("off"):
        return None
    start = state.setdefault("start", {"at": at, "charge": None})
    if start["charge"] is None:
        state["start"] = start = {"at": start["at"], "charge": state["last"].get("battery.charge")}
    if _excused(state, at):
        return Cleared(device=device, kind=KIND, index=None, at=at, why=TEST) if state.pop("told", None) else None
    ahead = _outlook(state, at, context)
    if ahead is not None:
        state["ahead"] = msgspec.to_builtins(ahead)
    left_s = _left_s(state, at, context, ahead)
    severity = _severity(state, at, left_s)
    told = state.get("told")
    learned = ahead is not None and ahead.n > 0
    ends_s = ahead.p50 if ahead is not None and learned else left_s
    dry = None if ends_s is None else at + round(ends_s * 1000)
    if told and severity.rank >= Severity(told["severity"]).rank:
        if not _moved(told["dry"], dry, at) and told.get("shown") == _shown(state):
            return None
        severity = Severity(told["severity"])
    state["told"] = {"severity": severity.value, "dry": dry, "shown": _shown(state)}
    finding = Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=severity,
        since=start["at"],
        score=1.0,
        evidence=_evidence(state, at, ends_s, ahead),
        advice=ADVICE,
        forecast=dry,
    )
    return Changed(finding=finding) if told else Raised(finding=finding)


def _excused(state: State, at: int) -> bool:
    """Whether a self-test that runs, or has just ended, explains the discharge."""
    if state.get("low"):
        return False
    volts = state["last"].get("input.voltage")
    if volts is not None and volts < MAINS_GONE_V:
        return False
    if not state.get("test"):
        return "tested" in state and at - state["tested"] <= AFTER_TEST_S * 1000
    limit_s = TEST_ON_MAINS_S if volts is not None and volts > MAINS_V else TEST_S
    return bool(at - state["test_since"] <= limit_s * 1000)


def _outlook(state: State, at: int, context: Context) -> Outlook | None:
    """What is left by what was learned, promised or told at the start; followed with every poll."""
    last, start = state["last"], state["start"]["at"]
    estimate = last.get("battery.runtime") if state.get("estimated_at", -1) >= start else None
    outlook.follow(
        state["outlook"], context.device, at, last.get("battery.charge"), last.get("ups.load"), estimate or None
    )
    return outlook.left(state["outlook"], context.device, last.get("battery.charge"))


def _left_s(state: State, at: int, context: Context, ahead: Outlook | None) -> float | None:
    """Seconds until the battery is empty: the least of the independent answers."""
    last, start = state["last"], state["start"]
    elapsed_s = (at - start["at"]) / 1000
    answers = []
    if (estimate := last.get("battery.runtime")) is not None and estimate > 0:
        age_s = (at - max(state.get("estimated_at", 0), start["at"])) / 1000
        answers.append(max(0.0, estimate - age_s))
    charge, began = last.get("battery.charge"), start["charge"]
    if charge is not None and began is not None and began - charge >= 10 and elapsed_s >= 60:
        answers.append(elapsed_s * charge / (began - charge))
    if ahead is not None and ahead.n:
        answers.append(ahead.p50)
    if not answers:
        expected_s = expectation.by_inventory(context.device, last.get("ups.load"))
        if expected_s is not None:
            answers.append(max(0.0, expected_s - elapsed_s))
    return min(answers) if answers else None


def _severity(state: State, at: int, left_s: float | None) -> Severity:
    if state.get("low") and (left_s is None or left_s < LOW_BELIEVED_S):
        return Severity.CRITICAL
    elapsed_s = (at - state["start"]["at"]) / 1000
    for severity, under_s, after_s in LADDER:
        if left_s < under_s if left_s is not None else elapsed_s >= after_s:
            return severity
    return Severity.WARNING


def _moved(told: int | None, dry: int | None, at: int) -> bool:
    """Whether the forecast moved enough to tell: by a fifth of what is left, at least a minute."""
    if told is None or dry is None:
        return told is not dry
    return abs(dry - told) > max(60_000, abs(told - at) // 5)


def _shown(state: State) -> list[str]:
    """The values read since the transfer: an older one would show a mains that is gone."""
    seen, start = state["seen"], state["start"]["at"]
    return [point for point in _SHOWN if point in seen and seen[point][0] >= start]


def _said(point: str, value: float) -> Text:
    if point == "battery.runtime":
        return Text(f"the UPS estimates {lasting(value).en} left", f"UPS 估计还可供电 {lasting(value).zh}")
    return _SAID[point].format(value=f"{value:g}")


_BY = {
    "discharges": Text("learned from {n} discharges of this battery", "由该电池 {n} 次放电习得"),
    "inventory": Text("by the inventory's promise and the pace so far", "依据台账预期与当前速度"),
    "ups": Text("by the UPS's first word and the pace so far", "依据 UPS 初始估计与当前速度"),
}


def _spread(ahead: Outlook) -> Text:
    p10, p50, p90 = (lasting(seconds) for seconds in (ahead.p10, ahead.p50, ahead.p90))
    by = _BY[ahead.by].format(n=ahead.n)
    return Text(
        f"left: {p50.en} (P10 {p10.en}, P90 {p90.en}), {by.en}",
        f"剩余：{p50.zh}（P10 {p10.zh}，P90 {p90.zh}），{by.zh}",
    )


def _evidence(state: State, at: int, left_s: float | None, ahead: Outlook | None) -> tuple[Evidence, ...]:
    elapsed_s = (at - state["start"]["at"]) / 1000
    lines = [
        Evidence(
            text=Text(f"on battery for {lasting(elapsed_s).en}", f"已由电池供电 {lasting(elapsed_s).zh}"),
            at=at,
            point=supply.SOURCE,
        )
    ]
    for point in _shown(state):
        read_at, index, value = state["seen"][point]
        text = _said(point, value)
        lines.append(Evidence(text=text, at=read_at, point=point, index=index, value=value))
    if left_s is not None:
        lines.append(
            Evidence(
                text=Text(f"runs dry in about {lasting(left_s).en}", f"预计约 {lasting(left_s).zh}后耗尽"),
                at=at,
                value=left_s,
            )
        )
    if ahead is not None:
        lines.append(Evidence(text=_spread(ahead), at=at, value=round(ahead.p50)))
    if state.get("low"):
        lines.append(
            Evidence(
                text=Text("the UPS reports its battery low", "UPS 报告电池电量低"),
                at=at,
                point="alarm.battery_low",
                value=1,
            )
        )
    return tuple(lines)

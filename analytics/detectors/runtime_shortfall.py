"""The battery empties faster than it should: measured in a real discharge, against what was expected.

Sees, while the battery feeds the load: `battery.charge` (or, without it, the UPS's own `battery.runtime` shrinking
faster than the clock runs), `ups.load`. Expected: the UPS's own runtime estimate as the discharge began, scaled to
a full charge, or else the inventory's `runtime_s`; at another load by Peukert. Over the discharge

    pace     = seconds a percent, since the gauge settled
    measured = seconds until now + percent left x pace      from full to empty
    measured/expected, each second counted at the load of the first

Many gauges read the charge off the volts: they fall at once as the load comes on, by as much as the volts sag, and are right again only at the
end. So the pace is taken from the third minute on, and anew after a step of the load; that fall counts as time that passed and nothing more. Where
there is no such pace yet, only a battery that is nearly empty (85 % used) is judged, by all that it gave.

Raised when measured/expected < 0.8 in two samples running and it is two to one that the true ratio is below 0.8, too. For the gauge is wrong by 15 % (20 % used)
to 3 % (all of it), the expectation by 6 % (the inventory) or 15 % (a UPS's own word, which a battery not yet discharged never put to the proof). So a measured 0.72 is told
after 20 % and 0.75 near the end against the UPS's own word, 0.73 and 0.77 against the inventory's figure at its own load; what lies between that and 0.8 is told by neither.
Cleared only by a measurement of 0.9 or more, or when the battery or the device is replaced in the inventory. The finding outlives the outage: that the mains came
back says nothing of the battery. The device's own "battery OK" is listed as a witness that disagrees.

When it does not work: less than 20 % used since it settled, 120 s or 4 samples (then it is silent); no charge and no runtime estimate
(Megatec); no expectation at all; a UPS that has already learned its battery is weak estimates honestly, and
only the inventory's figure would show it. A gauge that counts against a stale capacity shows a shortfall only near the end, when its volts give way.
A gap of more than 10 minutes, or a counter of seconds on battery that falls, starts the measurement again.

State: {"supply", "load", "flags": {flag: value}, "run": the present discharge or None, "verdict": what is raised
or None}. `run`: {"start", "n", "at", "began", "fuel0", "fuel", "first", "load0", "effort_s", "calm": [fuel, effort, ms, samples, load], "full_s", "below",
"runtime0", …}.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from analytics import expectation, supply
from analytics.detector import Block, Context, State
from analytics.lasting import lasting
from analytics.walk import Sample, newest, walk
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.inventory import Device
from model.text import Text

KIND = "runtime_shortfall"
CHARGE, RUNTIME, LOAD, SECONDS = "battery.charge", "battery.runtime", "ups.load", "battery.discharge.seconds"
FLAGS = ("alarm.replace_battery", "alarm.battery_bad")
#: Of samples of one instant: supply and load first, then the estimate, then the charge that is judged by them.
_POINTS = (*supply.POINTS, SECONDS, LOAD, *FLAGS, RUNTIME, CHARGE)

RAISE_BELOW, CLEAR_FROM = 0.8, 0.9
LEAST_USED, LEAST_S, LEAST_SAMPLES = 20.0, 120.0, 4
#: Less sure than this that the ratio is below 0.8, the finding is minor, or a warning where the UPS's own
#: word is all there is to compare with: a shallow discharge suspects, a deep one proves.
SURE = 0.8
#: Less sure than this it is not told: a ratio just below 0.8 is as likely one just above (two to one; an engineering default).
SURE_ENOUGH = 2 / 3
#: How wrong the expectation itself is: a promise on paper, a UPS's own word.
EXPECTED_SD = {"inventory": 0.06, "ups": 0.15}
#: Of Peukert's exponent (battery.md 4: 1.08 … 1.25, UPS loads are constant power).
POWER_SD = 0.10
#: Below this charge the gauge is at its floor and stands still.
FLOOR = 3.0
LONGEST_GAP_MS = 600_000
#: Many gauges jump as the load comes onto the battery; the measurement begins at the last sample within this time.
SETTLE_MS = 60_000
#: The pace begins here: before it volts dip and recover, and gauges that read them fall (battery.md 4).
CALM_MS = 180_000
#: A load that changed by this share, and so many points, makes such a gauge jump again.
LOAD_STEP, LEAST_STEP = 0.25, 5.0
#: The pace may begin so much before that, where polls are rare.
CALM_EARLY_MS = 60_000
#: So much used is an end point: every gauge is nearly right there. How wrong one still is that reads the volts.
NEARLY_EMPTY, SAG_SD = 85.0, 0.10
#: A gauge that lost so much more in its first minutes than by its pace since reads the volts: the evidence says so.
SAGGED = 5.0
#: How much more must be used before the evidence is told again.
TELL_EVERY = 10.0

ADVICE = Text(
    "Do a capacity test before the next outage does it; order the whole string, not single blocks.",
    "在下次停电之前安排容量测试；应整组更换电池，不要只换单节。",
)


class RuntimeShortfall:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        changes: list[Change] = []
        verdict = state.get("verdict")
        if verdict and verdict["battery"] != _battery(context.device):
            state = {**state, "verdict": None}
            changes.append(_cleared(block.first_at, context.device, Text("the battery was replaced", "电池已更换")))
        if not state.get("supply") and not supply.mentions_battery(block):
            return _remember(state, block), changes
        state = {
            **state,
            "flags": dict(state.get("flags", {})),
            "run": dict(state["run"]) if state.get("run") else None,
        }
        for sample in walk(block, _POINTS):
            _take(state, sample, context.device)
            change = _judge(state, sample, context.device)
            if change:
                changes.append(change)
        return state, changes


def _remember(state: State, block: Block) -> State:
    """On mains only the load and the flags matter: they are the context of the next discharge."""
    load = newest(block, LOAD)
    flags = {f: v for f in FLAGS if (v := newest(block, f)) is not None}
    if load is None and not flags:
        return state
    return {
        **state,
        "load": load if load is not None else state.get("load"),
        "flags": {**state.get("flags", {}), **flags},
    }


def _take(state: State, sample: Sample, device: Device) -> None:
    """Let one sample move the measurement on."""
    run = state["run"]
    if sample.point in supply.POINTS:
        state["supply"] = supply.heard(state.get("supply", []), sample.point, sample.value)
        if not state["supply"]:
            state["run"] = None
        elif run is None:
            state["run"] = _begin(sample.at, state.get("load"))
    elif sample.point == LOAD:
        if run and run["n"]:
            _advance(run, sample.at, state.get("load"))
        state["load"] = sample.value
        if run and run["load0"] is None:
            run["load0"] = sample.value
    elif sample.point in FLAGS:
        state["flags"][sample.point] = sample.value
    elif run is None:
        pass
    elif sample.point == SECONDS:
        if sample.value < run.get("seconds", 0):
            _restart(run, sample.at, state.get("load"))
        run["seconds"] = sample.value
    else:
        _measure(run, sample, state.get("load"), device)


def _restart(run: State, at: int, load: float | None) -> None:
    """The measurement begins again: the discharge is another one, or too much of it was not seen."""
    run.clear()
    run.update(_begin(at, load))


def _begin(at: int, load: float | None) -> State:
    return {"start": at, "n": 0, "at": at, "below": 0, "load0": load, "effort_s": 0.0}


def _advance(run: State, at: int, load: float | None) -> None:
    """Add the time since the last sample, weighted by the load it had."""
    run["effort_s"] += (at - run["at"]) / 1000 * _weight(run, load)
    run["at"] = at


def _weight(run: State, load: float | None) -> float:
    """How much a second at this load wears more than one at the first load of the discharge."""
    return 1.0 if load is None or run["load0"] is None else expectation.stretch(load, run["load0"])


def _measure(run: State, sample: Sample, load: float | None, device: Device) -> None:
    """One gauge sample: charge in %, or the runtime estimate as a share of the first one."""
    if sample.at - run["at"] > LONGEST_GAP_MS:
        _restart(run, sample.at, load)
    if sample.point == RUNTIME:
        if sample.value > 0:
            run.setdefault("runtime0", [sample.at, sample.value])
        if run.get("gauge") == CHARGE or "runtime0" not in run:
            return
        fuel = 100.0 * sample.value * _weight(run, load) / run["runtime0"][1]
    else:
        fuel = sample.value
    if run.get("gauge") != sample.point:
        run.pop("first", None)
        run.pop("calm", None)
    if run.get("gauge") != sample.point or sample.at - run["start"] <= SETTLE_MS:
        run.update(
            {
                "gauge": sample.point,
                "n": 0,
                "began": sample.at,
                "at": sample.at,
                "fuel0": fuel,
                "effort_s": 0.0,
                "below": 0,
            }
        )
    else:
        _advance(run, sample.at, load)
    run["fuel"] = fuel
    run["n"] += 1
    run.setdefault("first", fuel)
    _calm(run, sample.at, load)
    _expect(run, device)


def _calm(run: State, at: int, load: float | None) -> None:
    """Where the pace begins: at the last sample of the first minutes, and of the minutes after each step of the load."""
    calm: list[Any] = run.get("calm") or [0.0, 0.0, 0, 0, load]
    then: float | None = calm[4]
    stepped = load is not None and then is not None and abs(load - then) > max(LOAD_STEP * then, LEAST_STEP)
    if stepped:
        run["stepped"] = at
    jumped: int = run["stepped"] if "stepped" in run else run["start"]
    settled = calm[2] >= jumped + CALM_MS - CALM_EARLY_MS and at - jumped > CALM_MS
    run["calm"] = [*calm[:3], calm[3] + 1, then] if settled else [run["fuel"], run["effort_s"], at, 1, load]


def _expect(run: State, device: Device) -> None:
    """Settle once what a full battery was expected to give at the first load of this discharge."""
    if run.get("full_s") and run["by"] == "ups":
        return
    share = 100.0 if run["gauge"] == RUNTIME else run["fuel"]
    if "runtime0" in run and share > 0:
        run.update({"full_s": run["runtime0"][1] * 100 / share, "by": "ups"})
    elif (expected_s := expectation.by_inventory(device, run["load0"])) is not None:
        run.update({"full_s": expected_s, "by": "inventory"})


def _judge(state: State, sample: Sample, device: Device) -> Change | None:
    run, verdict = state["run"], state.get("verdict")
    if not run or run.get("gauge") != sample.point or not run.get("full_s") or run["fuel"] <= FLOOR:
        return None
    pace = _pace(run)
    if pace is None:
        return None
    used, due = run["fuel0"] - run["fuel"], 100.0 * run["effort_s"] / run["full_s"]
    ratio = _measured_s(run, pace) / run["full_s"]
    short = ratio < RAISE_BELOW and _certainty(ratio, pace, run, device) >= SURE_ENOUGH
    run["below"] = run["below"] + 1 if short else 0
    if verdict and ratio >= CLEAR_FROM:
        state["verdict"] = None
        why = Text(
            f"measured again: {used:.0f} % used, {ratio:.0%} of the expected runtime",
            f"再次实测：消耗 {used:.0f}%，续航为预期的 {ratio:.0%}",
        )
        return _cleared(sample.at, device, why)
    if run["below"] < 2 or (verdict and verdict["began"] == run["began"] and used < verdict["used"] + TELL_EVERY):
        return None
    since = verdict["since"] if verdict else sample.at
    state["verdict"] = {"since": since, "began": run["began"], "used": used, "battery": _battery(device)}
    finding = _finding(state, device, sample, pace, ratio, due, used)
    return Changed(finding=finding) if verdict else Raised(finding=finding)


class Pace(NamedTuple):
    """`s` seconds a percent at the first load; `seen` how much of the way to empty it was measured on, 0..1; `settled`: without the sag."""

    s: float
    seen: float
    settled: bool


def _pace(run: State) -> Pace | None:
    """None: too little was seen to judge by."""
    fuel, effort, since, n, _ = run["calm"]
    used = fuel - run["fuel"]
    if used >= LEAST_USED and n >= LEAST_SAMPLES and run["at"] - since >= LEAST_S * 1000:
        return Pace((run["effort_s"] - effort) / used, used / fuel, settled=True)
    used = run["first"] - run["fuel"]
    if used >= NEARLY_EMPTY and run["n"] >= LEAST_SAMPLES and run["at"] - run["start"] >= LEAST_S * 1000:
        return Pace(_until_now(run) / used, used / run["first"], settled=False)
    return None


def _until_now(run: State) -> float:
    """Seconds since the discharge began, at the first load."""
    return float((run["began"] - run["start"]) / 1000 + run["effort_s"])


def _measured_s(run: State, pace: Pace) -> float:
    """The runtime from full that this discharge comes to, s, at the first load."""
    return float((_until_now(run) + run["fuel"] * pace.s) * 100 / max(run["first"], LEAST_USED))


def _finding(
    state: State, device: Device, sample: Sample, pace: Pace, ratio: float, due: float, used: float
) -> Finding:
    run = state["run"]
    score = _certainty(ratio, pace, run, device)
    full_s = run["full_s"]
    took, measured, expected = lasting((run["at"] - run["began"]) / 1000), lasting(full_s * ratio), lasting(full_s)
    whose = Text("the UPS's own estimate", " UPS 自身估计") if run["by"] == "ups" else Text("the inventory", "台账")
    lines = [
        Evidence(
            text=Text(
                f"used {used:.0f} % in {took.en} on battery; {due:.0f} % was due at this load",
                f"电池供电 {took.zh}，消耗 {used:.0f}%；按此负载应消耗 {due:.0f}%",
            ),
            at=sample.at,
            point=run["gauge"],
            value=used,
            expected=due,
        ),
        Evidence(
            text=Text(
                f"measured runtime {measured.en} from full, expected {expected.en} by {whose.en}: {ratio:.0%}",
                f"实测满电续航 {measured.zh}，预期 {expected.zh}（依据{whose.zh}）：{ratio:.0%}",
            ),
            at=sample.at,
            point=None,
            value=full_s * ratio,
            expected=full_s,
        ),
        _curve(run, sample, due),
        *_sag(run, sample, pace),
        *_own_word(state["flags"], sample.at),
    ]
    return Finding(
        device=device.id,
        kind=KIND,
        index=None,
        severity=_severity(ratio, score, run["by"]),
        since=state["verdict"]["since"],
        score=score,
        evidence=tuple(lines),
        advice=ADVICE,
        forecast=sample.at + round(1000 * run["fuel"] * pace.s / _weight(run, state.get("load"))),
    )


def _curve(run: State, sample: Sample, due: float) -> Evidence:
    """The gauge itself, in its own unit: where it stands now and where it should stand."""
    left = run["fuel0"] - due
    if run["gauge"] == RUNTIME:
        expected = run["runtime0"][1] * left / 100
        now, then = lasting(sample.value), lasting(expected)
        text = Text(f"the UPS estimates {now.en}, {then.en} was due", f"UPS 估计剩余 {now.zh}，应为 {then.zh}")
    else:
        expected = left
        text = Text(
            f"battery charge {sample.value:.0f} %, {left:.0f} % was due",
            f"电池电量 {sample.value:.0f}%，应为 {left:.0f}%",
        )
    return Evidence(text=text, at=sample.at, point=sample.point, value=sample.value, expected=round(expected, 1))


def _sag(run: State, sample: Sample, pace: Pace) -> list[Evidence]:
    """What the gauge lost before it settled beyond what its pace since explains."""
    fuel, effort, since, _, _ = run["calm"]
    lost = run["first"] - fuel
    usual = ((run["began"] - run["start"]) / 1000 + effort) / pace.s if pace.settled else lost
    if lost - usual < SAGGED:
        return []
    text = Text(
        f"it fell by {lost:.0f} % in the first {lasting((since - run['start']) / 1000).en}, where its pace since explains {usual:.0f} %: it reads the "
        "charge off the volts, so only the pace since counts",
        f"电量在最初 {lasting((since - run['start']) / 1000).zh} 内下降 {lost:.0f}%，按其后的速度只应为 {usual:.0f}%：该电量由电压推算，因此仅以其后的速度为准",
    )
    return [Evidence(text=text, at=sample.at, point=run["gauge"], value=lost, expected=usual)]


def _own_word(flags: dict[str, float], at: int) -> list[Evidence]:
    """What the UPS says of its battery: a witness like any other, for or against."""
    if not flags:
        return []
    point, value = max(sorted(flags.items(), reverse=True), key=lambda item: item[1])
    if value >= 0.5:
        text = Text("the UPS's own battery flag agrees", "UPS 自身的电池标志与此一致")
    else:
        text = Text(
            "the UPS's own flag says its battery is OK: this witness disagrees",
            "UPS 自身标志显示电池正常：该证据与此相反",
        )
    return [Evidence(text=text, at=at, point=point, value=value)]


def _certainty(ratio: float, pace: Pace, run: State, device: Device) -> float:
    """How sure that the true ratio is below 0.8: the gauge's error is about 15 % at 20 % depth and 3 % at full (battery.md 6), and what was
    expected has one of its own; a promise for another load also that of Peukert's exponent."""
    gauge = 0.15 - 0.12 * min(1.0, max(pace.seen - LEAST_USED / 100, 0.0) / (1 - LEAST_USED / 100))
    expected = EXPECTED_SD[run["by"]]
    if run["by"] == "inventory" and device.battery is not None and run["load0"]:
        expected = math.hypot(expected, POWER_SD * math.log(max(run["load0"], 1.0) / device.battery.runtime_load))
    sigma = math.hypot(gauge, 0.0 if pace.settled else SAG_SD, expected * ratio)
    return round(0.5 * (1 + math.erf((RAISE_BELOW - ratio) / (sigma * math.sqrt(2)))), 3)


def _severity(ratio: float, score: float, by: str) -> Severity:
    if score < SURE:
        # A stale gauge that contradicts a stale estimate sends nobody: it is shown, and `battery_verdict` judges the battery.
        return Severity.WARNING if by == "ups" else Severity.MINOR
    return Severity.CRITICAL if ratio < 0.4 else Severity.MAJOR


def _battery(device: Device) -> str:
    """What identifies the battery in the inventory: another answer means that it was replaced."""
    return f"{device.serial}|{device.battery.installed if device.battery else None}"


def _cleared(at: int, device: Device, why: Text) -> Cleared:
    return Cleared(device=device.id, kind=KIND, index=None, at=at, why=why)

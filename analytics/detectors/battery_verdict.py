"""The verdict on a battery, from independent witnesses, each listed with its weight and date.

Sees: every discharge and self-test from beginning to end (`battery.voltage`, `battery.charge`, `ups.load`, currents), the sag as the load comes
on, the runtime against the promise, the UPS's own estimate against its first one, heat and cycles, the UPS's flags and test
results. They move one belief, health and fade with their errors; `analytics.battery` has the equations.

`battery_replace`: an order is carried, by two measured witnesses or one deep discharge. `battery_unproven`: a measured
witness speaks against the battery, not enough for an order: test it. `battery_due`: the course of its tests makes an end within half a year likely: plan it.
`battery_untested`: a year without any measurement. A flag alone is none of them, and age alone neither. `cell_shorted`: two runs in a row stand a cell's 2.1 V lower than all before. Two causes, checks and no orders:
`battery_dry_out`: the resistance rises steadily over months in a battery long kept warm, while the float current falls at an unchanged float voltage. `battery_sulphated`: weeks under-charged, then full
too soon, less capacity and hardly more resistance. Each needs all of its signs; what may be plain wear is not named (no float current told, no
discharge that measured it). Cleared by measurement (health 0.85 or better, or one that this battery cannot have
shown: it was exchanged), or when the inventory has another battery.

When it does not work: no discharge and no test was ever seen: there is no verdict. A gauge without steps, a voltage that stands still and a load
that nobody measures measure nothing. Without the inventory's battery there is no curve, and only the UPS's own promise to compare with.

State: see `analytics.battery.file`.
"""

from __future__ import annotations

from analytics.battery import ageing, causes, due, file, foretold, present, quiet, recorder, short, telling, verdict
from analytics.battery.belief import Outcome
from analytics.battery.verdict import Judgement, Verdict
from analytics.battery.words import CLEARED, EXCHANGED, INVENTORY, MEASURED_WELL
from analytics.detector import Block, Context, State
from analytics.walk import Sample, walk
from model.finding import Change, Changed, Cleared, Finding, Raised, Severity
from model.inventory import Device
from model.points import TestResult
from model.text import Text

REPLACE = present.KINDS[Verdict.REPLACE]
FLAGS, RESULT, LEAST_RUNTIME = file.FLAGS, file.RESULT, file.LEAST_RUNTIME
POINTS = (*FLAGS, RESULT, LEAST_RUNTIME, *recorder.POINTS)
FORECAST_AFTER_MS = 60_000


class BatteryVerdict:
    kinds = frozenset({*present.KINDS.values(), short.KIND, causes.DRY, causes.SULPHATED, due.KIND})
    needs = frozenset(POINTS)

    def fresh(self) -> State:
        return file.fresh()

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        device = context.device
        if device.kind != "ups" and device.battery is None:
            return state, []
        changes: list[Change] = []
        if state.get("battery") != file.identity(device):
            state = _own(state)
            changes += _replaced(state, device, block.first_at)
        rest: Block | None = block
        while rest is not None:
            # As of a whole day after the last time and before the first sample after it, so that the size of a batch changes nothing.
            part, rest = quiet.before(rest, state["judged"] + ageing.DAY_MS, self.needs)
            if part is not None:
                state, more = _part(state, part, device)
                changes += more
            if (
                rest is not None
                and (days := (quiet.first_at(rest, self.needs) - state["judged"]) // ageing.DAY_MS) >= 1
            ):
                state = _own(state)
                due = state["judged"] + days * ageing.DAY_MS
                file.own_estimate(state, due)
                changes += causes.look(state, device, due)
                changes += _judge(state, device, due)
        return state, changes


def _part(state: State, block: Block, device: Device) -> tuple[State, list[Change]]:
    """A part within a day since the last judgement."""
    if quiet.is_quiet(state, block):
        return quiet.noted(state, block), []
    state = _own(state)
    changes: list[Change] = []
    for sample in walk(block, POINTS):
        changes += _take(state, sample, device)
    return state, changes


def _own(state: State) -> State:
    """A copy whose moving parts are the caller's: a step that fails must leave the old state whole."""
    run = state["run"]
    return {
        **state,
        "now": {point: dict(series) for point, series in state["now"].items()},
        "run": {**run, "rows": list(run["rows"])} if run else None,
        "filling": dict(state["filling"]) if state["filling"] else None,
        "told": dict(state.get("told", {})),
    }


def _replaced(state: State, device: Device, at: int) -> list[Change]:
    """Another battery in the inventory, or the first sight of this device."""
    changes = _clear_all(state, device, at, INVENTORY) if "battery" in state else []
    file.open_file(state, device, at)
    return changes


def _take(state: State, sample: Sample, device: Device) -> list[Change]:
    if sample.point in FLAGS:
        return _flag(state, sample, device)
    if sample.point == RESULT:
        _test_result(state, sample)
        return []
    if sample.point == LEAST_RUNTIME:
        state["required"] = sample.value
        return []
    if sample.point == recorder.WARM:
        file.grow_old(state, sample.at, sample.value)
    ended = recorder.take(state, sample, device)
    if sample.point == recorder.CHARGE:
        _recharged(state)
    run = state["run"]
    if run and not state["forecast"] and not run["test"] and sample.at - run["start"] >= FORECAST_AFTER_MS:
        file.forecast(state, device, sample.at)
    if ended is None:
        return []
    changes: list[Change] = []
    if file.close_run(state, device, ended) is Outcome.EXCHANGED:
        changes += _clear_all(state, device, sample.at, EXCHANGED)
    changes += short.look(state, device, sample.at)
    return changes + _judge(state, device, sample.at)


def _recharged(state: State) -> None:
    """Write into its discharge how long the recharge took, when that is known."""
    found = recorder.recharged(state)
    if found is not None:
        end, took = found
        state["log"] = [{**one, "recharge_s": took} if one["end"] == end else one for one in state["log"]]


def _flag(state: State, sample: Sample, device: Device) -> list[Change]:
    if not file.flag_news(state["flag"], sample.point, sample.value):
        return []
    state["flag"] = [sample.value, sample.at, sample.point]
    return _judge(state, device, sample.at) if state["told"] else []


def _test_result(state: State, sample: Sample) -> None:
    if state.get("result") == sample.value:
        return
    state["result"] = sample.value
    if sample.value == TestResult.PASSED:
        state["passed"], state["failed"], state["tested"] = sample.at, 0, sample.at
    elif sample.value == TestResult.ERROR:
        state["failed"] += 1
        state["tested"] = sample.at


def _judge(state: State, device: Device, at: int) -> list[Change]:
    """Say what is to be said of this battery now, and take back what is so no more."""
    state["judged"] = at
    now = present.judged(state, device, at)
    found = now.judgement
    if now.measured is not None and now.belief.health > ageing.END:
        foretold.life_said(state, device.id, at, found)
    changes = [] if now.stands else _told(state, device, at, now)
    return changes + due.look(state, device, at, now, ordered=REPLACE in state["told"])


def _told(state: State, device: Device, at: int, now: present.Present) -> list[Change]:
    found = now.judgement
    kind = present.KINDS.get(found.verdict)
    changes: list[Change] = [
        Cleared(device=device.id, kind=old, index=None, at=at, why=MEASURED_WELL if old == REPLACE else CLEARED)
        for old in list(state["told"])
        if old != kind and state["told"].pop(old) is not None
    ]
    if kind is None:
        return changes
    mark = f"{found.verdict} {sorted((w.name, str(w.says)) for w in now.witnesses)} {now.belief.health:.2f}"
    old = state["told"].get(kind)
    if old and old["mark"] == mark:
        return changes
    since_at = old["since"] if old else at
    state["told"][kind] = {"since": since_at, "mark": mark}
    finding = Finding(
        device=device.id,
        kind=kind,
        index=None,
        severity=_severity(found),
        since=since_at,
        score=found.score,
        evidence=now.evidence,
        advice=now.advice or Text("", ""),
        forecast=at + round(found.days[1] * ageing.DAY_MS) if found.verdict is Verdict.REPLACE else None,
    )
    return [*changes, Changed(finding=finding) if old else Raised(finding=finding)]


def _severity(found: Judgement) -> Severity:
    if found.verdict is not Verdict.REPLACE:
        return Severity.WARNING
    return Severity.CRITICAL if verdict.Ground.RUNTIME in found.grounds else Severity.MAJOR


def _clear_all(state: State, device: Device, at: int, why: Text) -> list[Change]:
    changes: list[Change] = [Cleared(device=device.id, kind=kind, index=None, at=at, why=why) for kind in state["told"]]
    state["told"] = {}
    parts = (short.PART, causes.PART, due.PART)
    return [*changes, *(change for part in parts for change in telling.forget(state, part, device.id, at, why))]

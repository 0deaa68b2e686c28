"""The battery is not being charged, though no flag says so: a charge below 90 % that has not risen by more than
one percent in 24 hours on mains.

Does not see a charger that overcharges, nor one that fails while the battery is full and at rest (some makers
rest a full battery for weeks: that is normal). A charge of 0 is no value on many devices and is ignored. More
than an hour without data starts the 24 hours again.

State: {"supply", "known": a supply witness was heard, "flat": {"at", "charge", "seen"} or None, "up"}.
"""

from __future__ import annotations

from analytics import supply
from analytics.detector import Block, Context, State
from analytics.walk import Sample, walk
from model.finding import Change, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text

KIND = "not_charging"
CHARGE = "battery.charge"
FULL_ENOUGH, ROSE, FLAT_MS, LONGEST_GAP_MS = 90.0, 1.0, 24 * 3_600_000, 3_600_000
_POINTS = (*supply.POINTS, CHARGE)

ADVICE = Text(
    "Measure the charging voltage and current at the battery; check battery breaker, fuse and charger setting.",
    "在电池端测量充电电压和电流；检查电池开关、熔断器和充电参数。",
)
OVER = Text("the charge rises again, or the battery is in use", "电量恢复上升，或电池正在放电")


class NotCharging:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if state.get("known") and not (state.get("supply") or state.get("flat")) and _quiet(block):
            return state, []
        state = dict(state)
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            change = _take(state, sample, block.device)
            if change:
                changes.append(change)
        return state, changes


def _quiet(block: Block) -> bool:
    """On mains, and full enough or not asked."""
    charges = block.columns.get(CHARGE, {}).values()
    return not supply.mentions_battery(block) and all(min(c.value) >= FULL_ENOUGH for c in charges)


def _take(state: State, sample: Sample, device: str) -> Change | None:
    if sample.point in supply.POINTS:
        state["known"] = True
        state["supply"] = supply.heard(state.get("supply", []), sample.point, sample.value)
        return _over(state, sample.at, device) if state["supply"] else None
    if state.get("supply") or not state.get("known") or not 0 < sample.value < FULL_ENOUGH:
        return _over(state, sample.at, device)
    flat = state.get("flat")
    if flat and sample.value > flat["charge"] + ROSE:
        change = _over(state, sample.at, device)
        state["flat"] = {"at": sample.at, "charge": sample.value, "seen": sample.at}
        return change
    if not flat or (sample.at - flat["seen"] > LONGEST_GAP_MS and not state.get("up")):
        flat = {"at": sample.at, "charge": sample.value, "seen": sample.at}
    state["flat"] = flat = {**flat, "seen": sample.at}
    if state.get("up") or sample.at - flat["at"] < FLAT_MS:
        return None
    state["up"] = True
    return Raised(finding=_finding(device, flat, sample.value))


def _over(state: State, at: int, device: str) -> Change | None:
    state["flat"] = None
    return Cleared(device=device, kind=KIND, index=None, at=at, why=OVER) if state.pop("up", False) else None


def _finding(device: str, flat: dict[str, float], charge: float) -> Finding:
    hours = (flat["seen"] - flat["at"]) / 3_600_000
    text = Text(
        f"charge {charge:g} % after {hours:.0f} h on mains, {flat['charge']:g} % at their start; a rise was expected",
        f"市电供电 {hours:.0f} 小时后电量 {charge:g}%，起始为 {flat['charge']:g}%；预期应上升",
    )
    evidence = Evidence(text=text, at=int(flat["seen"]), point=CHARGE, value=charge, expected=FULL_ENOUGH)
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.MAJOR,
        since=int(flat["seen"]),
        score=0.8,
        evidence=(evidence,),
        advice=ADVICE,
    )

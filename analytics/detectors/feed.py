"""What feeds one UPS is not sound, though the mains is there. Sees the hourly means of `input.voltage` and `ups.load`, each phase:

`loose_neutral`: of three phases one is 4 % up while another is 4 % down, about mirrored, in 3 of 6 hours: the neutral floats, and the load's power supplies die.
`input_unbalanced`: a phase 3 % off the mean of the three in 6 of 8 hours (IEC 61000-2-2 has 2 %) and not mirrored.
`phase_imbalance`: phase loads 30 points apart with one over 50 % in 24 of 30 hours.
`feed_contact`: the voltage falls with the load, from hour to hour, by more than it did in the first six weeks, by 2.5 % of nominal from half load to full: a contact or a clamp grows hot.

Does not work with one phase (the first two), nor with a load that does not move (the last); nor for what was so from the first weeks on.

State: {"bits": {rule: newest hits}, "base": sums of a line, "late": sums of a line, of changes from hour to hour, "before": [ms, load, volts], "steep": [hits], "day": number, "open:KIND": what stands}.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import episodes, line, nominal
from analytics.slow.days import DAY_MS
from analytics.slow.frames import Hour, columns, frames, heard, means
from analytics.slow.persistence import push
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

NEUTRAL, UNBALANCED, IMBALANCE, CONTACT = "loose_neutral", "input_unbalanced", "phase_imbalance", "feed_contact"
_VOLTS, _LOAD = "input.voltage", "ups.load"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """Loose neutral and voltage that falls with load by faults.md, imbalance by IEC 61000-2-2; the rest are engineering defaults (tune)."""

    mirrored: float = 0.04
    grave: float = 0.15
    unbalanced: float = 0.03
    apart: float = 30.0
    one_over: float = 50.0
    base_h: int = 1008
    late_h: int = 504
    leap: float = 0.04  #: of the voltage within an hour: an outage or a switching, no contact
    droop: float = 0.025  #: of nominal, over 50 points of load
    grave_droop: float = 0.05
    errors: float = 3.2
    least_spread: float = 0.8  #: points of load from hour to hour, one sd
    days: int = 4


SETTING = Setting()
ADVICE = {
    NEUTRAL: Text(
        "An electrician today: check the neutral's terminals from the main board to the UPS under load, by infrared and clamp; do not open the neutral while loads are fed. "
        "This is wrong if the phases stay mirrored with the UPS's own measurement at fault: measure phase to neutral at its terminals.",
        "当天安排电工：带载检查自总配电至 UPS 的零线端子（红外、钳表）；负载带电时切勿断开零线。若在端子处实测相电压对称，则是 UPS 测量有误，本判断不成立。",
    ),
    UNBALANCED: Text(
        "Look for one weak phase, contact or fuse at the main board; do the neighbours see it too, it is the board or the utility. This is wrong if the sensing of one phase is off: "
        "compare with a meter.",
        "在总配电处查某一相接触不良、熔断或缺相；相邻设备同样出现则为总配电或供电侧问题。若某一相测量有误，则本判断不成立：请用万用表核对。",
    ),
    IMBALANCE: Text(
        "Spread the single-phase loads over the phases, before the heaviest is overloaded. This is wrong if a clamp meter reads the phases alike.",
        "在最重的一相过载之前，将单相负载在三相间重新分配。若钳表实测各相相近，则本判断不成立。",
    ),
    CONTACT: Text(
        "Look at the breaker, terminals and plugs between the board and this UPS with an infrared camera under load, and tighten or replace what is hot. This is wrong if "
        "neighbours on the same board show it too (then it is the board or the utility).",
        "带载用红外热像仪检查配电至本 UPS 的断路器、端子和插头，紧固或更换发热点。若同一配电的相邻设备也如此，则问题在配电或供电侧，本判断不成立。",
    ),
}
WELL = Text("the feed looks sound again", "供电支路已恢复正常")
_PHASE = Text(
    "phase {index}: {value:.1f} V, {off:+.1f} % from the mean of the phases",
    "{index} 相：{value:.1f} V，与三相均值相差 {off:+.1f}%",
)
_LOADS = Text(
    "phase {index} carries {value:.0f} %, the phases are {apart:.0f} points apart",
    "{index} 相负载 {value:.0f}%，各相相差 {apart:.0f} 个百分点",
)
_DROOP = Text(
    "from half load to full the input now falls by {droop:.1f} % more than in its first weeks",
    "从半载到满载，输入电压的跌落比初期多 {droop:.1f}%",
)


class Feed:
    kinds = frozenset({NEUTRAL, UNBALANCED, IMBALANCE, CONTACT})
    needs = frozenset({_VOLTS, _LOAD})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {**state, "bits": dict(state.get("bits", {}))}
        for kind in self.kinds:
            state[f"open:{kind}"] = dict(state.get(f"open:{kind}", {}))
        changes: list[Change] = []
        if len(columns(hours, _VOLTS)) < 2 and len(columns(hours, _LOAD)) < 2:
            return state, _one_phase(state, hours)
        for frame in frames(hours, self.needs):
            volts = {
                index or "": hour for index, hour in frame.series.get(_VOLTS, {}).items() if hour.mean > nominal.GONE_V
            }
            loads = {index or "": hour for index, hour in frame.series.get(_LOAD, {}).items()}
            changes += _phases(state, frame.at, volts, loads, hours.device)
            if volts and (load := frame.mean(_LOAD)) is not None:
                middle = fmean([hour.mean for hour in volts.values()])
                changes += _droop(state, frame.at, load, middle, hours.device)
        return state, changes


def _one_phase(state: State, hours: Hours) -> list[Change]:
    """Of one phase only the droop can be told (the state is ours)."""
    volts, loads = means(hours, _VOLTS), means(hours, _LOAD)
    return [
        change
        for at in heard(hours, (_VOLTS, _LOAD))
        if at in loads and volts.get(at, 0.0) > nominal.GONE_V
        for change in _droop(state, at, loads[at], volts[at], hours.device)
    ]


def _phases(state: State, at: int, volts: dict[str, Hour], loads: dict[str, Hour], device: str) -> list[Change]:
    changes: list[Change] = []
    if len(volts) == 3:
        told = [hour.mean for hour in volts.values()]
        middle = fmean(told)
        high, low = max(told) / middle - 1, min(told) / middle - 1
        floats = high > SETTING.mirrored and low < -SETTING.mirrored and 0.5 < high / -low < 2

        def evidence() -> list[Evidence]:
            return [_phase(index, hour.mean, middle, at) for index, hour in sorted(volts.items())]

        severity = Severity.CRITICAL if max(high, -low) > SETTING.grave else Severity.MAJOR
        changes += _count(state, NEUTRAL, "mirrored", floats, (3, 6), severity, evidence, at, device)
        apart = max(high, -low) > SETTING.unbalanced and not any(state["bits"].get("mirrored", []))
        changes += _count(state, UNBALANCED, "volts", apart, (6, 8), Severity.MINOR, evidence, at, device)
    if len(loads) == 3:
        carried = [hour.mean for hour in loads.values()]
        most, least = max(carried), min(carried)
        uneven = most - least > SETTING.apart and most > SETTING.one_over
        changes += _count(
            state, IMBALANCE, "loads", uneven, (24, 30), Severity.MINOR, lambda: [_most(loads, least, at)], at, device
        )
    return changes


def _most(loads: dict[str, Hour], least: float, at: int) -> Evidence:
    index, hour = max(loads.items(), key=lambda one: one[1].mean)
    text = _LOADS.format(index=index, value=hour.mean, apart=hour.mean - least)
    return Evidence(text=text, at=at, point=_LOAD, index=index or None, value=hour.mean, expected=least)


def _phase(index: str, volts: float, middle: float, at: int) -> Evidence:
    text = _PHASE.format(index=index, value=volts, off=100 * (volts / middle - 1))
    return Evidence(text=text, at=at, point=_VOLTS, index=index or None, value=volts, expected=middle)


def _count(
    state: State, kind: str, rule: str, hit: bool, enough: tuple[int, int], severity: Severity,
    evidence: Callable[[], list[Evidence]], at: int, device: str,
) -> list[Change]:  # fmt: skip
    """One more hour of one rule: `enough` = (k, n) hours raise, none in n clear."""
    before: list[int] = state["bits"].get(rule, [])
    open = state[f"open:{kind}"]
    if not hit and not open and len(before) == enough[1] and 1 not in before:
        return []  # as it was: hours without a hit on hours without one
    bits = state["bits"][rule] = push(before, hit, enough[1])
    if hit and sum(bits) >= enough[0]:
        since = at - (len(bits) - 1 - bits.index(1)) * 3_600_000
        return episodes.stand(open, _finding(device, kind, severity, since, tuple(evidence())), at)
    return [] if any(bits) else episodes.end(open, device, kind, None, at, WELL)


def _droop(state: State, at: int, load: float, middle: float, device: str) -> list[Change]:
    before, state["before"] = state.get("before"), [at, load, middle]
    if before is None or at - before[0] != 3_600_000 or abs(middle / before[2] - 1) > SETTING.leap:
        return []
    load, moved = load - before[1], middle - before[2]  # from hour to hour: the grid's own slow swing falls out
    base = state.get("base", line.fresh())
    if base[0] < SETTING.base_h:
        state["base"] = line.add(base, load, moved)
        return []
    state["late"] = line.add(state.get("late", line.fresh()), load, moved, memory=SETTING.late_h)
    day = at // DAY_MS
    if state.get("day") == day:
        return []
    state["day"] = day
    return _steep(state, at, device)


def _steep(state: State, at: int, device: str) -> list[Change]:
    """Once a day: is the slope of volts on load steeper than in the first weeks?"""
    first, late = line.fit(state["base"]), line.fit(state["late"])
    open = state[f"open:{CONTACT}"]
    if (
        first is None
        or late is None
        or late.n < SETTING.late_h / 2
        or min(first.spread_x, late.spread_x) < SETTING.least_spread
    ):
        return []
    steeper = first.slope - late.slope
    error = (first.slope_error**2 + late.slope_error**2) ** 0.5
    droop = 50 * steeper / state["before"][2]
    state["steep"] = push(
        state.get("steep", []), droop > SETTING.droop and steeper > SETTING.errors * error, SETTING.days
    )
    if sum(state["steep"]) == SETTING.days:
        severity = Severity.MAJOR if droop > SETTING.grave_droop else Severity.MINOR
        evidence = (
            Evidence(
                text=_DROOP.format(droop=100 * droop), at=at, point=_VOLTS, value=late.slope, expected=first.slope
            ),
        )
        return episodes.stand(open, _finding(device, CONTACT, severity, at - SETTING.days * DAY_MS, evidence), at)
    return episodes.end(open, device, CONTACT, None, at, WELL) if droop < SETTING.droop / 2 else []


def _finding(device: str, kind: str, severity: Severity, since: int, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(
        device=device,
        kind=kind,
        index=None,
        severity=severity,
        since=since,
        score=0.75 if kind == CONTACT else 0.9,
        evidence=evidence,
        advice=ADVICE[kind],
    )

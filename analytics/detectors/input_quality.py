"""The mains is there, but bad: voltage outside ± 10 % of nominal or frequency outside ± 1 % for 5 minutes; ± 15 % or 3 % is major. Sees:
`input.voltage` (each phase), `input.frequency`, `alarm.input_bad`. Nominal is the device's own word where its readings agree with it, else the
standard voltage nearest to its first readings.

Its root is the site: when several UPSs see it, it is the utility or the main board, when only one does, its own feed. A mains that is
gone (under 60 V) belongs to `on_battery` and `mains_failed`, and so does what the flag alone says while the battery feeds the load. Does not see short sags between two polls (see `transfers_rising`), and takes a voltage that was
wrong from the first reading on for nominal if another standard fits it.

State: {"nominal": see `analytics.slow.nominal`, "latch": {"point#index": latch}, "gone": phases without mains, "supply": witnesses of the battery, "open": what stands}.
"""

from __future__ import annotations

from math import nan

from analytics import supply
from analytics.detector import Block, Context, State
from analytics.latch import Rule, fresh, observe
from analytics.slow import episodes, nominal
from analytics.walk import Sample, inside, walk
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

KIND = "input_quality"
_VOLTS, _TOLD, _HERTZ, _FLAG = "input.voltage", "input.voltage.nominal", "input.frequency", "alarm.input_bad"
_POINTS = (*supply.POINTS, _TOLD, _VOLTS, _HERTZ, _FLAG)
#: faults.md, input sag/swell/frequency (EN 50160: ± 10 %, ± 1 %); (bad, major) as shares of nominal. Within `_WELL` of bad it is not yet well.
VOLTS_OFF, HERTZ_OFF, _WELL = (0.10, 0.15), (0.01, 0.03), 0.9
#: Beyond these it is a unit that slipped or a card that errs, and no mains: a generator that labours holds 45 Hz, a lost neutral at most 1.73 of nominal.
_HERTZ_CAN_BE, _VOLTS_CAN_BE = (40.0, 72.0), 1.8
_RULE = Rule(samples=3, seconds=300, clear_samples=3, clear_seconds=600)
ADVICE = Text(
    "Compare the UPSs of the site. All of them: the utility or the main board; note times and values for the utility, and check that transfer limits and generator "
    "fit. One alone: its breaker, feeder, contacts and neutral, by an electrician. This is wrong if a meter at the input terminals reads within 10 %.",
    "对照同站点各 UPS。多台同时：供电部门或总配电；记录时间和数值报供电部门，并核对切换门限和发电机。仅此一台：由电工检查其开关、馈线、触点和零线。"
    "若在输入端子实测偏差在 10% 以内，则本判断不成立。",
)
WELL = Text("voltage and frequency are within their limits again", "电压和频率已恢复到允许范围")
_V_TEXT = Text(
    "input {value:.1f} V, {off:+.0f} % from {nominal:g} V", "输入 {value:.1f} V，偏离 {nominal:g} V {off:+.0f}%"
)
_HZ_TEXT = Text(
    "input {value:.2f} Hz, {off:+.1f} % from {nominal:g} Hz", "输入 {value:.2f} Hz，偏离 {nominal:g} Hz {off:+.1f}%"
)
_FLAG_TEXT = Text("the UPS reports its input out of tolerance", "UPS 报告输入超限")


class InputQuality:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if _quiet(state, block):
            return state, []
        state = {
            **state,
            "latch": {key: list(latch) for key, latch in state.get("latch", {}).items()},
            "open": dict(state.get("open", {})),
        }
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            changes += _take(state, sample, block.device)
        state["latch"] = {key: latch for key, latch in state["latch"].items() if latch[0] or latch[1]}
        return state, changes


def _quiet(state: State, block: Block) -> bool:
    """Nothing stands and every sample is well: nothing to remember."""
    known = state.get("nominal", {})
    if (
        state.get("latch")
        or state.get("open")
        or state.get("gone")
        or state.get("supply")
        or supply.mentions_battery(block)
        or ("volts" not in known and _VOLTS in block.columns)
    ):
        return False
    volts, told = known.get("volts", 0.0), known.get("told", nan)
    off = VOLTS_OFF[0]
    bounds = ((_VOLTS, volts * (1 - off), volts * (1 + off)), (_FLAG, 0.0, 0.0), (_TOLD, told, told))
    return inside(block, bounds) and nominal.steady(block, _HERTZ, HERTZ_OFF[0])


def _take(state: State, sample: Sample, device: str) -> list[Change]:
    if sample.point in supply.POINTS:
        state["supply"] = supply.heard(state.get("supply", []), sample.point, sample.value)
        if state["supply"]:
            _outage(state)
        return []
    if sample.point == _TOLD:
        state["nominal"] = nominal.hear_told(state.get("nominal", {}), sample.value)
        return []
    if sample.point == _VOLTS:
        state["nominal"] = nominal.hear(state.get("nominal", {}), sample.value)
        _mind(state, sample)
    off = _off(state, sample)
    if off is None:
        return []
    key = f"{sample.point}#{sample.key}"
    latch = state["latch"].setdefault(key, fresh())
    limits = VOLTS_OFF if sample.point == _VOLTS else HERTZ_OFF
    bad = abs(off) > limits[0] * (_WELL if latch[0] else 1)
    worse = latch[0] and abs(off) > limits[1] >= abs(_share(state, key, latch[3]))
    if bad and (not latch[0] or worse):
        latch[3] = sample.value
    since = observe(latch, bad != bool(latch[0]), sample.at, _RULE)
    if since is None and not worse:
        return []
    standing = {other: found for other, found in state["latch"].items() if found[0]}
    if not standing:
        return episodes.end(state["open"], device, KIND, None, since or sample.at, WELL)
    return episodes.stand(state["open"], _finding(state, device, standing, since or sample.at, sample.at), sample.at)


def _mind(state: State, sample: Sample) -> None:
    """Which phases are gone."""
    gone = [key for key in state.get("gone", []) if key != sample.key]
    if sample.value <= nominal.GONE_V:
        gone.append(sample.key)
        _outage(state)
    state["gone"] = sorted(gone)


def _outage(state: State) -> None:
    """What the flag began to say as the mains went is the outage, not the quality."""
    for key in [key for key, latch in state["latch"].items() if key.startswith(_FLAG) and not latch[0]]:
        del state["latch"][key]


def _off(state: State, sample: Sample) -> float | None:
    """How far from nominal, a share; None: nothing is known, or there is no mains."""
    if sample.point == _FLAG and (state.get("gone") or state.get("supply")):
        return None
    if sample.point == _VOLTS and (sample.value <= nominal.GONE_V or "volts" not in state["nominal"]):
        return None
    if sample.point == _HERTZ and not _HERTZ_CAN_BE[0] <= sample.value <= _HERTZ_CAN_BE[1]:
        return None
    if sample.point == _VOLTS and sample.value > _VOLTS_CAN_BE * state["nominal"]["volts"]:
        return None
    return _share(state, f"{sample.point}#{sample.key}", sample.value)


def _share(state: State, key: str, value: float) -> float:
    point = key.partition("#")[0]
    if point == _FLAG:
        return 2 * HERTZ_OFF[0] if value >= 0.5 else 0.0
    base = state["nominal"]["volts"] if point == _VOLTS else nominal.of_frequency(value)
    return value / base - 1


def _finding(state: State, device: str, standing: dict[str, list[float]], since: int, at: int) -> Finding:
    evidence = []
    severity = Severity.MINOR
    for key, latch in sorted(standing.items()):
        point, _, index = key.partition("#")
        off = _share(state, key, latch[3])
        if point != _FLAG and abs(off) > (VOLTS_OFF if point == _VOLTS else HERTZ_OFF)[1]:
            severity = Severity.MAJOR
        base = state["nominal"].get("volts", 0.0) if point == _VOLTS else nominal.of_frequency(latch[3])
        text = {_VOLTS: _V_TEXT, _HERTZ: _HZ_TEXT, _FLAG: _FLAG_TEXT}[point]
        text = text.format(value=latch[3], off=100 * off, nominal=base)
        expected = None if point == _FLAG else base
        evidence.append(Evidence(text=text, at=at, point=point, index=index or None, value=latch[3], expected=expected))
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=severity,
        since=since,
        score=0.9,
        evidence=tuple(evidence),
        advice=ADVICE,
    )

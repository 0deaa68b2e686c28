"""What the UPS makes is off nominal: `output.voltage` by more than 5 % or `output.frequency` by more than 1 % for 2 minutes, on the mains, and the
input does not explain it. 10 % is critical. The inverter or its control; the load sees it.

Does not judge on bypass, boost, trim or battery (many small UPSs make a rough wave there), nor an output that follows its input or a tap
above or below it, which a line-interactive UPS passes through; so without `input.voltage` it says nothing. An output that is off is `output_off`.

State: {"nominal": see `analytics.slow.nominal`, "in": {point: {index: [at, value], or None near nominal}}, "source": of `ups.source`, "latch", "open"}.
"""

from __future__ import annotations

from math import nan
from typing import Any

from analytics.detector import Block, Context, State
from analytics.latch import Rule, fresh, observe
from analytics.slow import episodes, nominal
from analytics.walk import Sample, inside, walk
from model.finding import Change, Evidence, Finding, Severity
from model.points import Source
from model.text import Text

KIND = "output_quality"
_VOLTS, _TOLD, _HERTZ, _SOURCE = "output.voltage", "output.voltage.nominal", "output.frequency", "ups.source"
_IN_V, _IN_HZ = "input.voltage", "input.frequency"
_POINTS = (_SOURCE, _IN_V, _IN_HZ, _TOLD, _VOLTS, _HERTZ)
#: faults.md, inverter/output fault: 5 % and 1 %. The rest are engineering defaults (tune).
VOLTS_OFF, VOLTS_SEVERE, HERTZ_OFF = 0.05, 0.10, 0.01
_FOLLOWS, _FOLLOWS_HZ, _TAP = 0.03, 0.3, (0.07, 0.25)
_FRESH_MS = 2 * 3_600_000
#: An input so near its nominal is only noted as being there.
_USUAL, _USUAL_HZ = 0.025, 0.003
_NONE: dict[str, Any] = {}
_AT_50, _AT_60 = (
    tuple((point, base * (1 - off), base * (1 + off)) for point, off in ((_HERTZ, HERTZ_OFF), (_IN_HZ, _USUAL_HZ)))
    for base in (50.0, 60.0)
)
_RULE = Rule(samples=3, seconds=120, clear_samples=3, clear_seconds=300)
ADVICE = Text(
    "Measure the output with a meter. If it is so: transfer to bypass while the mains is good and have the inverter serviced (control board, output "
    "filter and its capacitors). This is wrong if the meter reads nominal: then the UPS's own measurement is off.",
    "用万用表实测输出。若属实：在市电良好时转旁路，检修逆变器（控制板、输出滤波及其电容）。若实测为额定值，则是 UPS 自身测量有误，本判断不成立。",
)
WELL = Text("the output is nominal again", "输出已恢复额定值")
_V_TEXT = Text(
    "output {value:.1f} V, {off:+.1f} % from {nominal:g} V, while the input {other}",
    "输出 {value:.1f} V，偏离 {nominal:g} V {off:+.1f}%，而输入{other}",
)
_HZ_TEXT = Text(
    "output {value:.2f} Hz, {off:+.1f} % from {nominal:g} Hz, while the input {other}",
    "输出 {value:.2f} Hz，偏离 {nominal:g} Hz {off:+.1f}%，而输入{other}",
)


class OutputQuality:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if _quiet(state, block):
            return state, []
        if _unjudged(state, block):
            return _heard(state, block), []
        state = {
            **state,
            "in": {point: dict(ours) for point, ours in state.get("in", {}).items()},
            "latch": {key: list(latch) for key, latch in state.get("latch", {}).items()},
            "open": dict(state.get("open", {})),
        }
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            changes += _take(state, sample, block.device)
        state["latch"] = {key: latch for key, latch in state["latch"].items() if latch[0] or latch[1]}
        return state, changes


def _quiet(state: State, block: Block) -> bool:
    """Nothing stands, every input is known and near nominal, and every sample is well: nothing to remember."""
    if state.get("latch") or state.get("open"):
        return False
    columns, known, heard = block.columns, state.get("nominal", _NONE), state.get("in", _NONE)
    volts = known.get("volts")
    if volts is None:
        if _VOLTS in columns:
            return False
        volts = 0.0
    for point in (_IN_V, _IN_HZ):
        ours = heard.get(point, _NONE)
        for entry in ours.values():
            if entry is not None:
                return False
        series = columns.get(point)
        if series is not None:
            for index in series:
                if (index or "") not in ours:
                    return False
    source, told = state.get("source", nan), known.get("told", nan)  # not known yet: any sample is news
    bounds = (
        (_SOURCE, source, source),
        (_TOLD, told, told),
        (_VOLTS, volts * (1 - VOLTS_OFF), volts * (1 + VOLTS_OFF)),
        (_IN_V, volts * (1 - _USUAL), volts * (1 + _USUAL)),
    )
    return inside(block, bounds) and (inside(block, _AT_50) or inside(block, _AT_60))


def _unjudged(state: State, block: Block) -> bool:
    """The output is well from the first to the last sample, or not judged (battery, bypass): only what the inputs have is to be remembered."""
    if state.get("latch") or state.get("open") or _TOLD in block.columns:
        return False
    source = state.get("source", Source.NORMAL)
    if not inside(block, ((_SOURCE, source, source),)):
        return False
    if source != Source.NORMAL:
        return True
    volts = state.get("nominal", _NONE).get("volts", 0.0)
    wells = ((_VOLTS, volts * (1 - VOLTS_OFF), volts * (1 + VOLTS_OFF)),)
    return inside(block, wells) and (inside(block, _AT_50[:1]) or inside(block, _AT_60[:1]))


def _heard(state: State, block: Block) -> State:
    after = {**state, "in": {point: dict(ours) for point, ours in state.get("in", {}).items()}}
    for point in (_IN_V, _IN_HZ):
        for index, column in block.columns.get(point, _NONE).items():
            _input(after, Sample(column.at[-1], 0, index or "", point, column.value[-1]))
    return after


def _input(state: State, sample: Sample) -> None:
    near = _usual(state, sample)
    state["in"].setdefault(sample.point, {})[sample.key] = None if near else [sample.at, sample.value]


def _take(state: State, sample: Sample, device: str) -> list[Change]:
    if sample.point == _SOURCE:
        state["source"] = sample.value
        return []
    if sample.point in (_IN_V, _IN_HZ):
        _input(state, sample)
        return []
    if sample.point == _TOLD:
        state["nominal"] = nominal.hear_told(state.get("nominal", {}), sample.value)
        return []
    judged = state.get("source", Source.NORMAL) == Source.NORMAL
    if sample.point == _VOLTS and judged:
        state["nominal"] = nominal.hear(state.get("nominal", {}), sample.value)
    key = f"{sample.point}#{sample.key}"
    off = _off(state, sample) if judged else 0.0
    if off is None:
        return []
    latch = state["latch"].setdefault(key, fresh())
    bad = off != 0.0
    worse = latch[0] and _severe(sample.point, off) and not _severe(sample.point, _share(state, sample.point, latch[3]))
    if bad and (not latch[0] or worse):
        latch[3] = sample.value
    since = observe(latch, bad != bool(latch[0]), sample.at, _RULE)
    if since is None and not worse:
        return []
    standing = {other: found for other, found in state["latch"].items() if found[0]}
    if not standing:
        return episodes.end(state["open"], device, KIND, None, since or sample.at, WELL)
    return episodes.stand(state["open"], _finding(state, device, standing, since or sample.at, sample.at), sample.at)


def _severe(point: str, off: float) -> bool:
    return point == _VOLTS and abs(off) > VOLTS_SEVERE


def _share(state: State, point: str, value: float) -> float:
    base = state["nominal"]["volts"] if point == _VOLTS else nominal.of_frequency(value)
    return float(value / base - 1)


def _off(state: State, sample: Sample) -> float | None:
    """How far off and not explained by the input, a share; 0: well or explained; None: cannot be judged."""
    if sample.point == _VOLTS and (sample.value <= nominal.GONE_V or "volts" not in state["nominal"]):
        return None
    if sample.point == _HERTZ and sample.value < 30:
        return None
    off = _share(state, sample.point, sample.value)
    if abs(off) <= (VOLTS_OFF if sample.point == _VOLTS else HERTZ_OFF):
        return 0.0
    others = _inputs(state, sample)
    if not others:
        return None
    if sample.point == _HERTZ:
        return 0.0 if any(other is not None and abs(other - sample.value) < _FOLLOWS_HZ for other in others) else off
    base = state["nominal"]["volts"]
    if any(abs(off) < _USUAL + _FOLLOWS if other is None else _explains(other, sample.value, base) for other in others):
        return 0.0
    return off


def _usual(state: State, sample: Sample) -> bool:
    """Whether an input is so near its nominal that its exact value explains nothing: then it need not be kept."""
    if sample.point == _IN_HZ:
        return abs(sample.value / nominal.of_frequency(sample.value) - 1) <= _USUAL_HZ
    base = state.get("nominal", {}).get("volts")
    return base is not None and base * (1 - _USUAL) <= sample.value <= base * (1 + _USUAL)


def _inputs(state: State, sample: Sample) -> list[float | None]:
    """What the inputs have, None for one that is near nominal; its own phase's alone where there is one."""
    name = _IN_V if sample.point == _VOLTS else _IN_HZ
    heard: dict[str, float | None] = {}
    for key, one in state["in"].get(name, {}).items():
        if one is None or sample.at - one[0] < _FRESH_MS:
            heard[key] = None if one is None else one[1]
    return [heard[sample.key]] if sample.key in heard else list(heard.values())


def _explains(volts_in: float, volts: float, base: float) -> bool:
    """Passed through, or through a tap of the transformer while the input is off itself."""
    if abs(volts - volts_in) < _FOLLOWS * base:
        return True
    tap = abs(volts / volts_in - 1) if volts_in > nominal.GONE_V else 1.0
    return _TAP[0] <= tap <= _TAP[1] and abs(volts_in / base - 1) > VOLTS_OFF


def _finding(state: State, device: str, standing: dict[str, list[float]], since: int, at: int) -> Finding:
    evidence = []
    severity = Severity.MAJOR
    for key, latch in sorted(standing.items()):
        point, _, index = key.partition("#")
        off = _share(state, point, latch[3])
        severity = Severity.CRITICAL if _severe(point, off) else severity
        base = state["nominal"]["volts"] if point == _VOLTS else nominal.of_frequency(latch[3])
        other = next(iter(_inputs(state, Sample(at, 0, index, point, latch[3]))), None)
        shown = Text("is nominal", "正常") if other is None else Text(f"has {other:.1f}", f"为 {other:.1f}")
        said, values = (
            (_V_TEXT if point == _VOLTS else _HZ_TEXT),
            {"value": latch[3], "off": 100 * off, "nominal": base},
        )
        text = Text(said.en.format(other=shown.en, **values), said.zh.format(other=shown.zh, **values))
        evidence.append(Evidence(text=text, at=at, point=point, index=index or None, value=latch[3], expected=base))
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=severity,
        since=since,
        score=0.85,
        evidence=tuple(evidence),
        advice=ADVICE,
    )

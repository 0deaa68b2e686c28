"""A generator that should feed the site does not. Sees: a UPS that is on battery (`ups.source`, `alarm.on_battery`; no self-test) for longer than the inventory
gives the site's generator (`generator_s`, at least 60 s, and half of that again); or a transfer switch whose building has no source
(`ats.building.source` none) for 60 s. A UPS that tells its `input.voltage` must show it gone (under 60 V) since: on battery with the mains there
it is being tested. Joins the mains failure of the site, and makes it critical.

Does not work where the inventory names no generator and no transfer switch is read, nor with a UPS that goes on telling the voltage that is gone. One UPS alone may have lost only its feeder: the evidence says so.

State: {"supply", "test": witnesses, "since": ms on battery, "tells": it tells its input voltage, "gone": phases without
mains in that time, "dark": ms without a source, "open": what stands}.
"""

from __future__ import annotations

from analytics import supply
from analytics.detector import Block, Context, State
from analytics.lasting import lasting
from analytics.slow import episodes, nominal
from analytics.walk import Sample, ever, walk
from model.finding import Change, Evidence, Finding, Severity
from model.points import TestResult
from model.text import Text

KIND = "generator_absent"
_TEST = ("ups.test.result", "alarm.test_in_progress")
_BUILDING = "ats.building.source"
_VOLTS = "input.voltage"
_POINTS = (*_TEST, *supply.POINTS, _BUILDING, _VOLTS)
LEAST_S = 60.0  #: faults.md, generator/ATS trouble
MARGIN = 1.5
ADVICE = Text(
    "Go to the generator: main switch in AUTO, emergency stop, fuel, starter battery, breaker; start it by hand and transfer. Then find why it did not (start signal, "
    "transfer switch, starter battery). This is wrong if only this UPS lost its feeder: then the building has mains and the generator has no reason to run.",
    "前往发电机房：检查自动位、急停、燃油、启动电池、断路器；手动启动并切换。随后查明未自启原因（启动信号、转换开关、启动电池）。"
    "若仅本 UPS 的馈线断电而楼宇市电正常，则发电机本不应启动，本判断不成立。",
)
WELL = Text("the load is no longer fed by the battery alone", "负载已不再仅由电池供电")
_SAID = Text(
    "on battery for {lasts}; the site's generator should feed after {limit}",
    "已由电池供电 {lasts}；站点发电机应在 {limit}内供电",
)
_DARK = Text("the building has had neither mains nor generator for {lasts}", "楼宇既无市电也无发电机供电已 {lasts}")


class GeneratorAbsent:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        generator_s = context.site.generator_s
        if generator_s is None and _BUILDING not in block.columns and not state:
            return state, []
        if _VOLTS in block.columns and not state:
            state = {"tells": 1}
        if (
            state.keys() <= {"tells"}
            and not supply.mentions_battery(block)
            and not _testing(block)
            and not ever(block, _BUILDING, _nothing)
        ):
            return state, []
        state = {**state, "open": dict(state.get("open", {}))}
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            changes += _take(state, sample, block.device, generator_s)
        return {key: value for key, value in state.items() if value}, changes


def _nothing(value: float) -> bool:
    return value == 0


def _testing(block: Block) -> bool:
    return ever(block, _TEST[0], lambda v: v == TestResult.IN_PROGRESS) or ever(block, _TEST[1], bool)


def _take(state: State, sample: Sample, device: str, generator_s: float | None) -> list[Change]:
    if sample.point in _TEST:
        running = sample.value == (TestResult.IN_PROGRESS if sample.point == _TEST[0] else 1)
        state["test"] = [*(p for p in state.get("test", []) if p != sample.point), *([sample.point] if running else [])]
    elif sample.point == _BUILDING:
        if _nothing(sample.value):
            state.setdefault("dark", sample.at)
        else:
            state.pop("dark", None)
    elif sample.point == _VOLTS:
        gone = [phase for phase in state.get("gone", []) if phase != sample.key]
        state["gone"] = [*gone, *([sample.key] if sample.value <= nominal.GONE_V else [])]
    else:
        state["supply"] = supply.heard(state.get("supply", []), sample.point, sample.value)
    if not state.get("supply") or state.get("test"):
        state.pop("since", None)
        state.pop("gone", None)
    else:
        state.setdefault("since", sample.at)
    evidence = _evidence(state, sample.at, generator_s)
    if evidence:
        since = min(one for one in (state.get("since"), state.get("dark")) if one is not None)
        return episodes.stand(state["open"], _finding(device, since, evidence), sample.at)
    if "since" in state or "dark" in state:
        return []
    return episodes.end(state["open"], device, KIND, None, sample.at, WELL)


def _evidence(state: State, at: int, generator_s: float | None) -> tuple[Evidence, ...]:
    found = []
    limit_s = MARGIN * max(LEAST_S, generator_s or 0.0)
    seen = state.get("gone") or not state.get("tells")
    if generator_s is not None and seen and "since" in state and at - state["since"] > limit_s * 1000:
        lasts, limit = lasting((at - state["since"]) / 1000), lasting(generator_s)
        text = Text(_SAID.en.format(lasts=lasts.en, limit=limit.en), _SAID.zh.format(lasts=lasts.zh, limit=limit.zh))
        found.append(
            Evidence(text=text, at=at, point=supply.SOURCE, value=(at - state["since"]) / 1000, expected=generator_s)
        )
    if "dark" in state and at - state["dark"] > LEAST_S * 1000:
        lasts = lasting((at - state["dark"]) / 1000)
        text = Text(_DARK.en.format(lasts=lasts.en), _DARK.zh.format(lasts=lasts.zh))
        found.append(Evidence(text=text, at=at, point=_BUILDING, value=0.0))
    return tuple(found)


def _finding(device: str, since: int, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=Severity.CRITICAL,
        since=since,
        score=0.8,
        evidence=evidence,
        advice=ADVICE,
    )

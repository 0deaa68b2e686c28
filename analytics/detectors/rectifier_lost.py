"""A DC plant has lost a rectifier: the others carry its share. Sees, for 2 hours: a module of `rectifier.current` that carried its part and now under a tenth of the
others' mean, or is not listed any more, while the others carry more; or `rectifiers`, the count, below what it was. Redundancy is lost without anything failing.

Does not judge while modules may sleep (`rectifier.sleep` enabled), nor a plant that tells only the sum. A module that says itself that it is off is `bad_state`.

State: {"modules": {index: [hours, share of the mean]}, "count": most seen, "count_h": hours, "sleep": state, "bits": {which: hits}, "sum": usual, "open": what stands}.
"""

from __future__ import annotations

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.slow import episodes
from analytics.slow.frames import Frame, frames
from analytics.slow.persistence import push
from model.finding import Change, Evidence, Finding, Severity
from model.text import Text

KIND = "rectifier_lost"
_CURRENT, _COUNT, _SLEEP, _VOLTS = "rectifier.current", "rectifiers", "rectifier.sleep", "dc.voltage"
_SLEEP_ENABLED = 2


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, rectifier module loss: the others step up n/(n-1). The rest are engineering defaults (tune)."""

    learn_h: int = 24
    carried: float = 0.4  #: of the modules' mean: it took part
    idle: float = 0.1
    least_step: float = 0.5  #: of the step n/(n-1) that the others must show
    hours: int = 2


SETTING = Setting()
ADVICE = Text(
    "See which module is dark or red, swap it, and check its breaker and slot. Until then a further one may drop the load or stop the charging. "
    "This is wrong if it was taken out or put to sleep on purpose.",
    "查看哪个模块熄灭或亮红灯，更换之，并检查其开关和插槽。在此之前再失去一个模块可能导致掉电或无法充电。若系人为取出或休眠，则本判断不成立。",
)
WELL = Text("every rectifier takes part again", "各整流模块均已恢复参与")
_IDLE = Text(
    "module {index} carries {value:.1f} A, the others {others:.1f} A each: {step:+.0f} %",
    "模块 {index} 输出 {value:.1f} A，其余每个 {others:.1f} A：{step:+.0f}%",
)
_GONE = Text(
    "module {index} is not listed any more, the others carry {others:.1f} A each: {step:+.0f} %",
    "模块 {index} 已不在列表中，其余每个 {others:.1f} A：{step:+.0f}%",
)
_FEWER = Text(
    "{value:.0f} rectifiers are counted, there were {most:.0f}", "现有整流模块 {value:.0f} 个，此前为 {most:.0f} 个"
)


class RectifierLost:
    kinds = frozenset({KIND})
    needs = frozenset({_CURRENT, _COUNT, _SLEEP})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {
            **state,
            "modules": dict(state.get("modules", {})),
            "bits": dict(state.get("bits", {})),
            "open": dict(state.get("open", {})),
        }
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            changes += _hour(state, frame, hours.device)
        return state, changes


def _hour(state: State, frame: Frame, device: str) -> list[Change]:
    if (sleep := frame.one(_SLEEP)) is not None:
        state["sleep"] = sleep.last
    lost = {**_by_current(state, frame), **_by_count(state, frame)}
    if state.get("sleep") == _SLEEP_ENABLED:
        lost = {}
    if not lost and not state["bits"] and not state["open"]:
        return []
    heard = frame.series.keys() & {_CURRENT, _COUNT}
    for name in {*lost, *state["bits"]} if heard else ():
        state["bits"][name] = push(state["bits"].get(name, []), name in lost, SETTING.hours)
    state["bits"] = {name: bits for name, bits in sorted(state["bits"].items()) if any(bits)}
    standing = [name for name, bits in state["bits"].items() if sum(bits) == SETTING.hours]
    if standing:
        evidence = tuple(lost[name] for name in standing)
        finding = Finding(
            device=device,
            kind=KIND,
            index=None,
            severity=Severity.MAJOR,
            since=frame.at - (SETTING.hours - 1) * 3_600_000,
            score=0.9,
            evidence=evidence,
            advice=ADVICE,
        )
        return episodes.stand(state["open"], finding, frame.at)
    return episodes.end(state["open"], device, KIND, None, frame.at, WELL) if heard and not state["bits"] else []


def _by_current(state: State, frame: Frame) -> dict[str, Evidence]:
    series = {index: hour.mean for index, hour in frame.series.get(_CURRENT, {}).items() if index is not None}
    modules: dict[str, list[float]] = state["modules"]
    if len(series) < 1 or len({*series, *modules}) < 2:
        return {}
    known = {index for index, (n, share) in modules.items() if n >= SETTING.learn_h and share > SETTING.carried}
    total = sum(series.values())
    # The first bound is the looser one, and spares the second for all that work.
    idle = {
        index
        for index in known
        if series.get(index, 0.0) < SETTING.idle * total / max(len(series) - 1, 1)
        and series.get(index, 0.0) < SETTING.idle * _mean([v for i, v in series.items() if i != index])
    }
    others = _mean([value for index, value in series.items() if index not in idle]) if idle else total / len(series)
    usual = state.get("sum")
    found: dict[str, Evidence] = {}
    if idle and others > 0 and usual:
        step = others / (usual / max(len(known), 1)) - 1
        wanted = len(known) / max(len(known) - len(idle), 1) - 1
        for index in sorted(idle) if step > SETTING.least_step * wanted else ():
            text = (_IDLE if index in series else _GONE).format(
                index=index, value=series.get(index, 0.0), others=others, step=100 * step
            )
            value = series.get(index, 0.0)
            found[index] = Evidence(
                text=text, at=frame.at, point=_CURRENT, index=index, value=value, expected=usual / max(len(known), 1)
            )
    if not idle:
        state["sum"] = total if usual is None else usual + (total - usual) / 24
        for index, value in series.items():
            n, share = modules.get(index, [0, 0.0])
            own = value / others if others > 0 else 0.0
            modules[index] = [n + 1, share + (own - share) / min(n + 1, 168)]
    return found


def _by_count(state: State, frame: Frame) -> dict[str, Evidence]:
    count = frame.one(_COUNT)
    if count is None:
        return {}
    most = state.get("count", 0.0)
    if count.last >= most:
        state["count_h"] = state.get("count_h", 0) + 1 if count.last == most else 1
        state["count"] = count.last
        return {}
    if state.get("count_h", 0) < SETTING.learn_h:
        state["count"], state["count_h"] = count.last, 1
        return {}
    text = _FEWER.format(value=count.last, most=most)
    return {"": Evidence(text=text, at=frame.at, point=_COUNT, value=count.last, expected=most)}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0

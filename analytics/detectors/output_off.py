"""The output is off: the load has no power, whatever the reason. The worst that a UPS can report.

Sees: `ups.source` = none, `alarm.output_off`, `alarm.system_off`, one of them twice in a row. While the site's mains is
out it belongs to that failure (the battery is empty), otherwise to the device. When the UPS says that it was asked to
(`alarm.output_off_requested`, `alarm.ups_off_requested`) it is a warning and no job: somebody is at work.

When it does not work: a UPS without these points (Megatec) or one that dies with its battery is only
silent: `device_silent`. An output breaker that opened behind the UPS is not seen. `alarm.battery_depleted` is no
witness: the standard lets a UPS raise it with the load still fed (see `battery_low`).

State: {"latch": {point: latch}, "asked": flags that say it was wanted, "up": the severity told, "since": ms}.
"""

from __future__ import annotations

from math import inf, nextafter

from analytics.detector import Block, Context, State
from analytics.latch import Rule, fresh, observe
from analytics.walk import Sample, free_of, inside, newest, walk
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.points import Source
from model.text import Text

KIND = "output_off"
_ASKED = {
    "alarm.output_off_requested": Text("it was switched off as requested", "系按要求关闭输出"),
    "alarm.ups_off_requested": Text("the UPS was shut down as requested", "系按要求关闭 UPS"),
}
_SIGNS = {
    "ups.source": Text("nothing feeds the output: the load has no power", "UPS 无输出：负载已断电"),
    "alarm.output_off": Text("the UPS reports its output off: the load has no power", "UPS 报告输出关闭：负载已断电"),
    "alarm.system_off": Text("the UPS reports that it is off: the load has no power", "UPS 报告系统关闭：负载已断电"),
}
_POINTS = (*_ASKED, *_SIGNS)
#: A quiet block has no source "none" and no flag that is up.
_NOTHING = (("ups.source", frozenset({float(Source.NONE)})),)
_FLAGS = tuple((point, -inf, nextafter(0.5, 0.0)) for point in _SIGNS if point != "ups.source")
_RULE = Rule(samples=2, clear_samples=2)

ADVICE = Text(
    "Tell the customer at once that the load is without power. Find why (battery empty, fault, emergency off) before "
    "switching on; if the input is sound, feed the load over the maintenance bypass.",
    "立即告知客户负载已断电。先查明原因（电池耗尽、故障或紧急断电）再开机；如输入正常，可先经维修旁路供电。",
)
ADVICE_ASKED = Text(
    "Ask the site who switched it off, and until when; nothing is protected meanwhile.",
    "向现场确认由谁关闭、何时恢复；在此期间负载没有保护。",
)
BACK = Text("the output is on again", "输出已恢复")


class OutputOff:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if not state.get("latch") and free_of(block, _NOTHING) and inside(block, _FLAGS):
            return _remember(state, block), []
        state = {
            **state,
            "asked": list(state.get("asked", [])),
            "latch": {point: list(latch) for point, latch in state.get("latch", {}).items()},
        }
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            change = _take(state, sample, context.device.id)
            if change:
                changes.append(change)
        state["latch"] = {point: latch for point, latch in state["latch"].items() if latch[0] or latch[1]}
        return state, changes


def _says_off(point: str, value: float) -> bool:
    return value == Source.NONE if point == "ups.source" else _raised(value)


def _raised(value: float) -> bool:
    return value >= 0.5


def _remember(state: State, block: Block) -> State:
    """While the output is on, only what was asked for matters: it may be told before the output goes off."""
    before: list[str] = state.get("asked", [])
    asked = before
    for point in _ASKED:
        if point in block.columns and (value := newest(block, point)) is not None:
            asked = _heard(asked, point, value)
    return state if asked == before else {**state, "asked": asked}


def _heard(asked: list[str], point: str, value: float) -> list[str]:
    others = [p for p in asked if p != point]
    return sorted([*others, point]) if _raised(value) else others


def _take(state: State, sample: Sample, device: str) -> Change | None:
    """What one sample changes. What was wanted once stays so until the output is on again."""
    if sample.point in _ASKED:
        state["asked"] = _heard(state["asked"], sample.point, sample.value)
        if state.get("up") != Severity.CRITICAL or not state["asked"]:
            return None
        return Changed(finding=_finding(state, sample, device))
    latch = state["latch"].setdefault(sample.point, fresh())
    off = _says_off(sample.point, sample.value)
    since = observe(latch, off != bool(latch[0]), sample.at, _RULE)
    if since is None:
        return None
    if latch[0] and "up" not in state:
        state["since"] = since
        return Raised(finding=_finding(state, sample, device))
    if "up" in state and not any(other[0] for other in state["latch"].values()):
        del state["up"], state["since"]
        return Cleared(device=device, kind=KIND, index=None, at=since, why=BACK)
    return None


def _finding(state: State, sample: Sample, device: str) -> Finding:
    asked = state["asked"]
    severity = Severity.WARNING if asked else Severity.CRITICAL
    state["up"] = severity.value
    standing = [point for point in _SIGNS if point in state["latch"] and state["latch"][point][0]]
    lines = [
        Evidence(text=_SIGNS[point], at=sample.at, point=point, value=Source.NONE if point == "ups.source" else 1)
        for point in standing
    ]
    lines += [Evidence(text=_ASKED[point], at=sample.at, point=point, value=1) for point in asked]
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=severity,
        since=state["since"],
        score=0.95,
        evidence=tuple(lines),
        advice=ADVICE_ASKED if asked else ADVICE,
    )

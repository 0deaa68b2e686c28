"""A part of the device is in a bad state, by the device's own word: power supply, fan, temperature, battery bank, fuse, transfer
switch, stack, tunnel, water, smoke … Sees: every state that `model/points.py` calls grave, twice in a row.

One finding a device: its severity is that of the worst part, and all that is bad is listed. Warnings are shown and no job. States that another
detector judges (what feeds the output, the battery in an outage, self-tests, a mains that is out) are left to it. A port that is down is `port_down`.

When it does not work: a device that has no such states, or calls everything well. A part that vanishes from the table
is not seen: nothing says that it was there.

State: {"latch": {"point#index": latch}, "since": ms, "told": severity and what was listed}.
"""

from __future__ import annotations

from analytics.detector import Block, Column, Context, State
from analytics.detectors.mains_failed import STATES as OF_MAINS
from analytics.latch import Latch, Rule, fresh, observe
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.points import POINTS
from model.text import Text

KIND = "bad_state"
_RULE = Rule(samples=2, clear_samples=2)
#: Judged by detectors that know more of them, wholly or by state.
_OTHERS = frozenset({"ups.source", "battery.status", "ups.test.result"})
_BY_STATE = {**OF_MAINS, "battery.charger.status": (4,)}
GRAVE: dict[str, dict[float, Severity]] = {
    point.id: {float(s): grave for s, grave in point.severities.items() if s not in _BY_STATE.get(point.id, ())}
    for point in POINTS.values()
    if point.severities and point.id not in _OTHERS
}
_MOST_LISTED = 8
Moment = tuple[int, str, Latch, int | None]  #: (seen at, key, the latch after it, since when if it flipped)

ADVICE = Text(
    "Look at the part that is named, at the device and in its own log; replace what is redundant before its twin fails.",
    "查看所列部件及设备自身日志；冗余部件应在另一套失效前更换。",
)
BACK = Text("every part is well again", "各部件均已恢复正常")


class BadState:
    kinds = frozenset({KIND})
    needs = frozenset(GRAVE)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        latches: dict[str, Latch] = state.get("latch", {})
        moments: list[Moment] = []
        for point in sorted(GRAVE.keys() & block.columns.keys()):
            for index, column in block.columns[point].items():
                key = point if index is None else f"{point}#{index}"
                if key in latches or any(value in GRAVE[point] for value in column.value):
                    moments += _follow(key, list(latches.get(key, fresh())), GRAVE[point], column)
        if not moments:
            return state, []
        state = {**state, "latch": dict(latches)}
        changes: list[Change] = []
        for at, key, latch, since in sorted(moments, key=lambda moment: moment[:2]):
            state["latch"][key] = latch
            change = _tell(state, at, at if since is None else since, block.device)
            if change:
                changes.append(change)
        state["latch"] = {key: latch for key, latch in state["latch"].items() if latch[0] or latch[1]}
        return state, changes


def _follow(key: str, latch: Latch, grave: dict[float, Severity], column: Column) -> list[Moment]:
    """The latch of one series after each sample that is of any consequence."""
    moments: list[Moment] = []
    for at, value in zip(column.at, column.value, strict=True):
        bad = value in grave
        before = list(latch)
        if bad:
            latch[3] = value
        since = observe(latch, bad != bool(latch[0]), at, _RULE)
        if latch != before:
            moments.append((at, key, list(latch), since))
    return moments


def _tell(state: State, at: int, since: int, device: str) -> Change | None:
    """What is to be told of the latches as they are."""
    standing = {key: latch for key, latch in state["latch"].items() if latch[0]}
    told = state.get("told")
    if not standing:
        if state.pop("told", None) is None:
            return None
        del state["since"]
        return Cleared(device=device, kind=KIND, index=None, at=since, why=BACK)
    severities = {key: GRAVE[_point(key)][latch[3]] for key, latch in standing.items()}
    listed = sorted(standing, key=lambda key: (severities[key].rank, key))
    worst = severities[listed[0]]
    shown = [worst.value, *(f"{key}={standing[key][3]:g}" for key in listed[:_MOST_LISTED])]
    if shown == told:
        return None
    state.setdefault("since", int(standing[listed[0]][2]))
    state["told"] = shown
    finding = Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=worst,
        since=state["since"],
        score=0.9,
        evidence=tuple(_evidence(key, standing[key][3], at) for key in listed[:_MOST_LISTED]),
        advice=ADVICE,
    )
    return Raised(finding=finding) if told is None else Changed(finding=finding)


def _point(key: str) -> str:
    return key.partition("#")[0]


def _evidence(key: str, value: float, at: int) -> Evidence:
    point, index = POINTS[_point(key)], key.partition("#")[2] or None
    state = point.states.get(int(value), Text(f"{value:g}", f"{value:g}"))
    which = f" {index}" if index else ""
    text = Text(f"{point.meaning.en}{which}: {state.en}", f"{point.meaning.zh}{which}：{state.zh}")
    return Evidence(text=text, at=at, point=point.id, index=index, value=value)

"""The whole device does not answer: three rounds running, over at least 15 s (and three times the wire's own pace).

Sees gaps only (`no_answer` for the whole device); any reading that is the device's own ends it, so none of those in
which the agent tells what the device costs or that it is not reachable. It cannot tell a dead device from a dead
line or a lost supply: `alerts.incident` does, from what the neighbours say. When the agent itself is silent
there are no gaps either, and nothing is raised here (see `analytics.agents`). A device that
answers nonsense is not silent.

A device that was on battery within a minute of its last word is a case of its own: the last truth about its battery
is told with its age, and nothing is taken for over (`on_battery` ends by a reading only, never by silence).

State: {"heard": newest reading, "n": gaps in a row, "since": the first of them, "up", "words": `analytics.last_words`}.
"""

from __future__ import annotations

from itertools import chain

from analytics import last_words
from analytics.detector import Block, Context, State
from analytics.lasting import lasting
from model.finding import Change, Cleared, Evidence, Finding, Raised, Severity
from model.points import SAID_OF_DEVICE
from model.reading import Gap, GapCause
from model.text import Text

KIND = "device_silent"
LEAST_GAPS, LEAST_S, ROUNDS = 3, 15.0, 3.0

ADVICE = Text(
    "See whether others on the same line answer. Alone: check its supply, plug and address; all of them: check the line.",
    "查看同一线路上其他设备是否应答。仅此一台：查供电、接头和地址；全部无应答：查线路。",
)
ADVICE_ON_BATTERY = Text(
    "It was on battery when it was last heard: its line may have lost its power, or its battery has ended. Its last values "
    "stand. Ask at the site whether its load has power; it is asked again every few seconds.",
    "失联前正由电池供电：可能是通信线路断电，也可能是电池耗尽。最后读数仍然有效。请向现场确认负载是否有电；系统每隔数秒继续询问。",
)
BACK = Text("it answers again", "设备恢复应答")


class DeviceSilent:
    kinds = frozenset({KIND})
    needs: frozenset[str] = frozenset()

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        gaps = [gap for gap in block.gaps if gap.point is None and gap.cause is GapCause.NO_ANSWER]
        if not gaps and not state.get("n"):
            return _heard(state, block), []
        state = {**state, "words": last_words.noted(state.get("words", {}), block)}
        changes: list[Change] = []
        for at, gap in _in_time(block, gaps):
            change = _answered(state, at, block.device) if gap is None else _missed(state, gap, context)
            if change:
                changes.append(change)
        return state, changes


def _heard(state: State, block: Block) -> State:
    """The way of nearly every block: there was an answer."""
    if block.columns.keys() <= SAID_OF_DEVICE:
        return state
    words = last_words.noted(state.get("words", {}), block)
    return {"heard": block.last_at, "words": words} if words else {"heard": block.last_at}


def _in_time(block: Block, gaps: list[Gap]) -> list[tuple[int, Gap | None]]:
    """Answers and whole-device gaps in event time; of one instant the answer comes last (it answered)."""
    said = (series for point, series in block.columns.items() if point not in SAID_OF_DEVICE)
    columns = chain.from_iterable(series.values() for series in said)
    answered = {at for column in columns for at in column.at}
    moments: list[tuple[int, Gap | None]] = [(gap.at, gap) for gap in gaps]
    moments += [(at, None) for at in answered]
    return sorted(moments, key=lambda moment: (moment[0], moment[1] is None))


def _answered(state: State, at: int, device: str) -> Change | None:
    state.update({"heard": at, "n": 0})
    return Cleared(device=device, kind=KIND, index=None, at=at, why=BACK) if state.pop("up", False) else None


def _missed(state: State, gap: Gap, context: Context) -> Change | None:
    if not state.get("n"):
        state["since"] = gap.at
    state["n"] = state.get("n", 0) + 1
    lasted_s = (gap.at - state["since"]) / 1000
    if state.get("up") or state["n"] < LEAST_GAPS or lasted_s < max(LEAST_S, ROUNDS * context.wire_s):
        return None
    state["up"] = True
    heard = state.get("heard")
    ago = Text("never heard before", "此前从未应答")
    if heard is not None:
        since = lasting((gap.at - heard) / 1000)
        ago = Text(f"last answer {since.en} ago", f"上次应答在 {since.zh}前")
    lasted = lasting(lasted_s)
    text = Text(
        f"no answer in {state['n']} rounds over {lasted.en}; {ago.en}",
        f"{lasted.zh}内连续 {state['n']} 轮无应答；{ago.zh}",
    )
    seen: tuple[Evidence, ...] = (Evidence(text=text, at=gap.at, point=None),)
    words = state.get("words", {})
    dying = last_words.on_battery(words, heard, max(last_words.NEAR_S, ROUNDS * context.wire_s))
    if dying and heard is not None:
        seen = (*last_words.evidence(words, heard, gap.at), *seen)
    return Raised(
        finding=Finding(
            device=context.device.id,
            kind=KIND,
            index=None,
            severity=Severity.MAJOR if context.device.core or dying else Severity.MINOR,
            since=state["since"],
            score=0.95,
            evidence=seen,
            advice=ADVICE_ON_BATTERY if dying else ADVICE,
        )
    )

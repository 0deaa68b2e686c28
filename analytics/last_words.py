"""What a UPS said of its battery last: kept so that, when it falls silent on battery, the truth is held with its age.

State: {"on": newest time it said that it is on battery, "off": newest that it said it is not, "said": {point: [at, value]}}.
Pure; nothing is noted of a device that never speaks of a battery.
"""

from __future__ import annotations

from typing import Any

from analytics import supply
from analytics.detector import Block, State
from analytics.lasting import lasting
from model.finding import Evidence
from model.text import Text

#: A silence that begins within this of a word "on battery" is a silence on battery.
NEAR_S = 60.0
_NONE: State = {}
_POINTS = ("battery.charge", "battery.runtime", "battery.voltage")


def noted(words: State, block: Block) -> State:
    """The words after a block; the same object when it said nothing of the kind."""
    get, found = block.columns.get, False
    after = dict(words)
    after["said"] = said = dict(words.get("said", _NONE))
    for point in supply.POINTS:
        series = get(point)
        if series is not None:
            found = True
            for column in series.values():
                at, word = column.at[-1], "on" if supply.says_battery(point, column.value[-1]) else "off"
                # Two witnesses may differ; what one says a moment later must not wipe out the other's word.
                if at > after.get(word, 0):
                    after[word] = at
    for point in _POINTS:
        series = get(point)
        if series is not None:
            found = True
            for column in series.values():
                said[point] = [column.at[-1], column.value[-1]]
    return after if found else words


def on_battery(words: State, heard: int | None, near_s: float) -> bool:
    """Whether a device that was last heard at `heard` was on battery then."""
    return (
        heard is not None and heard - words.get("on", 0) <= near_s * 1000 and words.get("on", 0) >= words.get("off", 0)
    )


def evidence(words: State, heard: int, at: int) -> tuple[Evidence, ...]:
    """The last truth with its age at `at`, and the series that it comes from."""
    said: dict[str, Any] = words.get("said", {})
    seen = [_shown(point, said[point][1]) for point in _POINTS if point in said]
    ago = lasting((at - heard) / 1000)
    values = Text(
        ", ".join(text.en for text in seen) or "nothing of its battery",
        "、".join(text.zh for text in seen) or "无电池读数",
    )
    text = Text(
        f"silent since on battery; last seen {values.en}, {ago.en} ago",
        f"电池供电中失联；最后读数 {values.zh}，{ago.zh}前",
    )
    point = next((point for point in _POINTS if point in said), None)
    return (Evidence(text=text, at=heard, point=point, value=said[point][1] if point else None),)


def _shown(point: str, value: float) -> Text:
    if point == "battery.charge":
        return Text(f"{value:.0f} %", f"电量 {value:.0f}%")
    if point == "battery.voltage":
        return Text(f"{value:.1f} V", f"电压 {value:.1f} V")
    left = lasting(value)
    return Text(f"{left.en} runtime", f"剩余 {left.zh}")

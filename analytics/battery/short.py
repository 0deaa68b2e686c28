"""A shorted cell, as a string's volts show it: every run from full stands some two volts lower than all before, from one to the next.

Compared are the volts 8 … 32 s into a run, brought to no load by the resistance reckoned: the newest two against the median of the five before,
which must agree within 0.8 V. One step of 1.5 … 2.8 V is a cell of lead (2.1 V). In strings of more than 105 cells a cell is lost in the noise and nothing is said.
A battery that wears falls slowly and by less; a load that jumps is brought to no load first.

State: {"told": …} under "shorted" in the battery's file.
"""

from __future__ import annotations

from statistics import median

from analytics.battery import course, life, recorder, telling
from analytics.detector import State
from model.finding import Change, Evidence, Severity
from model.inventory import Device
from model.text import Text

KIND, PART = "cell_shorted", "shorted"
BEFORE, NEW = 5, 2
STEP_V = (1.5, 2.8)
AGREE_V, MOST_CELLS = 0.8, 105
BACK = Text("its runs stand as high as before again", "放电电压已恢复到原来水平")
ADVICE = Text(
    "Measure each block at its posts on float and under load: one of them lacks about 2.1 V. Part: this block, or the whole string where it is older than half "
    "its life. Until then the other cells are overcharged: watch their temperature. This is wrong if all blocks measure alike: then a link or the gauge has changed.",
    "在浮充和带载时于端子处测量每节电池：其中一节低约 2.1 V。部件：该节电池；若整组已过半寿命则更换整组。更换前其余单格处于过充，注意温度。若各节实测一致，则本结论不成立：是连接或测量有变。",
)


def look(state: State, device: Device, at: int) -> list[Change]:
    """What the newest run says. `state` is the battery's file, the caller's own."""
    cells = recorder.cells_of(device)
    trials = life.trials(state)
    if cells is None or cells > MOST_CELLS or len(trials) < BEFORE + NEW:
        return []
    ohms = life.ohms_of(state)
    ohm = course.OHM_AH * (ohms[0] if ohms else 1.2)
    open_v = [(trial.volts + ohm * trial.rate) * cells for trial in trials[-BEFORE - NEW :]]
    before, new = open_v[:BEFORE], open_v[BEFORE:]
    own = dict(state.get(PART) or {})
    changes: list[Change] = []
    fell = [median(before) - volts for volts in new]
    if max(before) - min(before) < AGREE_V and all(STEP_V[0] <= drop <= STEP_V[1] for drop in fell):
        seen = Text(
            f"the last {NEW} runs from full stand {median(fell):.1f} V lower than the {BEFORE} before, load allowed for: one cell of about 2.1 V is missing",
            f"最近 {NEW} 次满电放电的电压比之前 {BEFORE} 次低 {median(fell):.1f} V（已扣除负载影响）：缺少约 2.1 V 的一格",
        )
        lines = (
            Evidence(
                text=seen, at=at, point="battery.voltage", value=round(new[-1], 2), expected=round(median(before), 2)
            ),
        )
        changes = telling.say(
            own, device=device.id, kind=KIND, mark="short", since=trials[-NEW].at, severity=Severity.MAJOR, score=0.85, evidence=lines, advice=ADVICE,
        )  # fmt: skip
        own["level"] = round(median(before), 3)
    elif telling.stands(own, KIND) and own["level"] - new[-1] < STEP_V[0] / 2:
        changes = telling.unsay(own, device.id, KIND, at, BACK)
    state[PART] = own
    return changes

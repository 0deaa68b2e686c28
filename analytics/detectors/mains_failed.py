"""The device says that its mains is out. Sees: `alarm.mains_failed`; the state of its input (`input.status` blackout,
`mains.status` failed); a building that runs on its generator (`ats.building.source`).

A second witness of the same outage beside `on_battery`, and the only one of a device that is not a UPS (rectifier plant, transfer switch,
inverter, meter) or of a UPS that runs on another source. It stands in the site's mains failure, and is never a
case beside it. Does not see a mains that is bad but there (`input.status` over-voltage and the like: see `bad_state`).
"""

from __future__ import annotations

from analytics.condition import Condition, equals, flag
from model.finding import Severity
from model.points import POINTS
from model.text import Text


def _states(point: str, *words: str) -> tuple[int, ...]:
    """The numbers of states by their English words; a word that is none is a mistake of ours."""
    by_word = {text.en: number for number, text in POINTS[point].states.items()}
    return tuple(by_word[word] for word in words)


#: What is judged here, and so not by `bad_state`.
STATES = {
    "input.status": _states("input.status", "blackout"),
    "mains.status": _states("mains.status", "failed", "off"),
    "ats.building.source": _states("ats.building.source", "generator", "none"),
}

MAINS_FAILED = Condition(
    kind="mains_failed",
    witnesses=(
        flag(
            "alarm.mains_failed", Text("the device reports that its mains failed", "设备报告市电中断"), Severity.MINOR
        ),
        equals("input.status", STATES["input.status"], Text("the input has no voltage", "输入无电压"), Severity.MINOR),
        equals("mains.status", STATES["mains.status"], Text("the mains is out", "市电中断"), Severity.MINOR),
        equals(
            "ats.building.source",
            STATES["ats.building.source"],
            Text("the building is not fed by the mains", "楼宇供电已不是市电"),
            Severity.MINOR,
        ),
    ),
    advice=Text(
        "See what the UPSs of the site say. Alone: check the device's own breaker and feeder; together: ask the utility.",
        "对照同站点各 UPS 的状态。仅此一台：检查其进线开关和支路；多台同时：联系供电部门。",
    ),
)

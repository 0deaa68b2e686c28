"""The load runs on bypass: unprotected. Sees: `ups.source` = bypass, `alarm.on_bypass`, `alarm.maintenance_bypass`.

It is no job while announced work goes on there (a planned visit), and one when it outlasts it (`alerts.incident`).
A closed maintenance bypass is raised too, at lower severity: somebody should know that it was opened again.
Line-interactive UPSs that are in boost or trim are not on bypass, and are not raised.
"""

from __future__ import annotations

from analytics.condition import Condition, equals, flag
from model.finding import Severity
from model.points import Source
from model.text import Text

BYPASS = Condition(
    kind="bypass",
    witnesses=(
        equals("ups.source", [Source.BYPASS], Text("the bypass feeds the load", "负载由旁路供电"), Severity.MAJOR),
        flag("alarm.on_bypass", Text("the UPS reports that it is on bypass", "UPS 报告处于旁路状态"), Severity.MAJOR),
        flag(
            "alarm.maintenance_bypass",
            Text("the maintenance bypass switch is closed", "维修旁路开关闭合"),
            Severity.MINOR,
        ),
    ),
    advice=Text(
        "Find the reason (overload, inverter fault, or somebody at work) before transferring back; until then "
        "a mains failure drops the load.",
        "先查明原因（过载、逆变器故障或现场维护）再切回逆变；在此之前市电中断将导致负载断电。",
    ),
)

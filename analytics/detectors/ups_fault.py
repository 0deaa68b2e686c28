"""The UPS reports a fault of its own: inverter, rectifier, fuse, output, battery missing, emergency off, general; or its card,
NUT or apcupsd, that they do not hear it.

Sees flags only; an output that was switched off on purpose is no fault and is not raised.
"""

from __future__ import annotations

from analytics.condition import Condition, flag
from model.finding import Severity
from model.text import Text

UPS_FAULT = Condition(
    kind="ups_fault",
    witnesses=(
        flag("alarm.emergency_power_off", Text("emergency power off was pressed", "紧急断电已触发"), Severity.CRITICAL),
        flag("alarm.inverter_fault", Text("the UPS reports an inverter fault", "UPS 报告逆变器故障"), Severity.MAJOR),
        flag("alarm.rectifier_fault", Text("the UPS reports a rectifier fault", "UPS 报告整流器故障"), Severity.MAJOR),
        flag("alarm.fuse_failure", Text("the UPS reports a blown fuse", "UPS 报告熔断器故障"), Severity.MAJOR),
        flag(
            "alarm.output_bad", Text("the UPS reports its output out of tolerance", "UPS 报告输出异常"), Severity.MAJOR
        ),
        flag("alarm.battery_missing", Text("the UPS finds no battery", "UPS 未检测到电池"), Severity.MAJOR),
        flag(
            "alarm.communication_lost",
            Text("what reads the UPS has lost it: its state is not known", "管理卡或监控程序与 UPS 失联，状态未知"),
            Severity.MAJOR,
        ),
        flag("alarm.redundancy_lost", Text("redundancy is lost", "冗余丢失"), Severity.MINOR),
        flag("alarm.general_fault", Text("the UPS reports a general fault", "UPS 报告一般故障"), Severity.MAJOR),
    ),
    advice=Text(
        "Read the fault code at the front panel and the event log; plan a transfer to bypass for the repair.",
        "读取面板故障代码和事件记录；安排转旁路检修。",
    ),
)

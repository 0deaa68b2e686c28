"""The inverter is off, by the device's own flag: what the load gets is not made by the UPS. Sees: `alarm.inverter_off`, for a minute.

Alone it is shown and no job: in an economy mode, and on a UPS that is off-line by design, the inverter rests while the mains is
good. With `bypass` or `output_off` it is one incident, and there it says why.
"""

from __future__ import annotations

from analytics.condition import Condition, flag
from analytics.latch import Rule
from model.finding import Severity
from model.text import Text

INVERTER_OFF = Condition(
    kind="inverter_off",
    witnesses=(
        flag("alarm.inverter_off", Text("the UPS reports its inverter off", "UPS 报告逆变器关闭"), Severity.WARNING),
    ),
    advice=Text(
        "See at the panel whether it was switched off or rests in an economy mode; if neither, read the fault code.",
        "在面板上确认是人为关闭还是经济模式休止；如均不是，读取故障代码。",
    ),
    rule=Rule(samples=2, seconds=60),
)

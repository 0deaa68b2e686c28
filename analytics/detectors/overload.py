"""More load than the UPS is rated for. Sees: `ups.load` over 100 % for 10 s, or `alarm.overload`.

Well again under 95 %. A phase alone can be overloaded: each is watched. Does not see a short inrush.
"""

from __future__ import annotations

from analytics.condition import Condition, above, flag
from analytics.latch import Rule
from model.finding import Severity
from model.text import Text

OVERLOAD = Condition(
    kind="overload",
    witnesses=(
        above(
            "ups.load",
            100.0,
            Text("load {value} %, rated for {limit} %", "负载率 {value}%，额定 {limit}%"),
            Severity.MAJOR,
            clear=95.0,
            severe=125.0,
        ),
        flag("alarm.overload", Text("the UPS reports an overload", "UPS 报告过载"), Severity.MAJOR),
    ),
    rule=Rule(seconds=10, clear_seconds=10),
    advice=Text(
        "Move load to another UPS or switch off what is not essential; an overloaded UPS goes to bypass or off.",
        "将部分负载转移到其他 UPS 或关闭次要负载；过载的 UPS 会转旁路或关机。",
    ),
)

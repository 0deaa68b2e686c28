"""The charger has failed, by the device's own flag. Sees: `alarm.charger_failed`.

Does not see a charger that fails without a flag: `not_charging` finds that one, a day later.
"""

from __future__ import annotations

from analytics.condition import Condition, flag
from model.finding import Severity
from model.text import Text

CHARGER = Condition(
    kind="charger",
    witnesses=(
        flag(
            "alarm.charger_failed",
            Text("the UPS reports that its charger failed", "UPS 报告充电器故障"),
            Severity.MAJOR,
        ),
    ),
    advice=Text(
        "Measure the charging voltage and current at the battery; check battery breaker and fuse. What the battery "
        "still holds is all there is.",
        "在电池端测量充电电压和电流；检查电池开关和熔断器。电池现有电量即全部后备。",
    ),
)

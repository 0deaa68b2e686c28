"""Too hot. Sees: `alarm.temperature`, `ups.temperature` over 55 °C, `battery.temperature` over 40 °C.

Well again 5 and 3 °C lower. Fixed limits are the safety net only: they do not know the device's own normal.
A sensor that always says the same (many small UPSs) is not found out here.
"""

from __future__ import annotations

from analytics.condition import Condition, above, flag
from analytics.latch import Rule
from model.finding import Severity
from model.text import Text

OVER_TEMPERATURE = Condition(
    kind="over_temperature",
    witnesses=(
        flag(
            "alarm.temperature",
            Text("the UPS reports its temperature out of tolerance", "UPS 报告温度异常"),
            Severity.MINOR,
        ),
        above(
            "ups.temperature",
            55.0,
            Text("UPS at {value} °C, limit {limit} °C", "UPS 温度 {value}°C，上限 {limit}°C"),
            Severity.MAJOR,
            clear=50.0,
            severe=70.0,
        ),
        above(
            "battery.temperature",
            40.0,
            Text("battery at {value} °C, limit {limit} °C", "电池温度 {value}°C，上限 {limit}°C"),
            Severity.MAJOR,
            clear=37.0,
            severe=55.0,
        ),
    ),
    rule=Rule(seconds=5, clear_seconds=30),
    advice=Text(
        "Check room cooling first (are the neighbours hot too?), then air filter and fans. A battery much hotter "
        "than the room: stop charging, ventilate.",
        "先查机房空调（相邻设备是否同样偏热），再查防尘网和风扇。若电池明显高于室温：停止充电并通风。",
    ),
)

"""A fan has failed, by the device's own flag. Sees: `alarm.fan_failure`.

Does not work where the device has no such flag (Megatec), nor for a fan that wears slowly.
"""

from __future__ import annotations

from analytics.condition import Condition, flag
from model.finding import Severity
from model.text import Text

FAN = Condition(
    kind="fan",
    witnesses=(flag("alarm.fan_failure", Text("the UPS reports a failed fan", "UPS 报告风扇故障"), Severity.MINOR),),
    advice=Text(
        "Check the air filter and the fans by ear and eye; watch the temperature until the fan is replaced.",
        "检查防尘网并逐个查看风扇是否转动；更换风扇前持续关注温度。",
    ),
)

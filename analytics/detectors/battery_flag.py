"""The UPS asks for a new battery, and nothing else says so: one witness, low severity, no job.

Sees: `alarm.replace_battery`, `alarm.battery_bad`, `alarm.test_failed`, `ups.test.result` = failed. Such flags are
often false (a two-second flag has switched off storage before) and often late. Measured evidence is
`runtime_shortfall`; when that stands too, both are one incident and it becomes a job.
"""

from __future__ import annotations

from analytics.condition import Condition, equals, flag
from model.finding import Severity
from model.points import TestResult
from model.text import Text

BATTERY_FLAG = Condition(
    kind="battery_flag",
    witnesses=(
        flag(
            "alarm.replace_battery",
            Text(
                "the UPS's own 'replace battery' flag stands; no other witness supports it",
                "UPS 自身的“更换电池”标志置位；无其他证据支持",
            ),
            Severity.WARNING,
        ),
        flag(
            "alarm.battery_bad",
            Text(
                "the UPS's own 'battery bad' flag stands; no other witness supports it",
                "UPS 自身的“电池不良”标志置位；无其他证据支持",
            ),
            Severity.WARNING,
        ),
        flag(
            "alarm.test_failed",
            Text(
                "the UPS says its self-test failed; no discharge was measured to confirm it",
                "UPS 报告自检失败；尚无放电实测证实",
            ),
            Severity.WARNING,
        ),
        equals(
            "ups.test.result",
            [TestResult.ERROR],
            Text(
                "the last self-test failed; no discharge was measured to confirm it",
                "上次自检失败；尚无放电实测证实",
            ),
            Severity.WARNING,
        ),
    ),
    advice=Text(
        "Do not order on this flag alone: run a capacity test, or wait for the next discharge to be measured.",
        "勿仅凭此标志订购电池：先做容量测试，或等待下一次放电实测。",
    ),
)

"""A dry contact is not as it should be, by the device's own judgement. Sees: `contact.alarm`.

What it is (a door, water, smoke, a fault of other gear) only the site knows: name the contact in the device or the agent's file. A
contact that the agent's file gives a meaning is that alarm, and is judged as such. A contact of which nobody
said how it should be (`contact.closed`) is never raised.
"""

from __future__ import annotations

from analytics.condition import Condition, flag
from model.finding import Severity
from model.text import Text

CONTACT = Condition(
    kind="contact",
    witnesses=(flag("contact.alarm", Text("a contact is not as it should be", "触点状态异常"), Severity.WARNING),),
    advice=Text(
        "Look up what is wired to the contact (its name stands with the device), and see after that.",
        "查明该触点所接设备（名称见设备页面），并到现场核实。",
    ),
)

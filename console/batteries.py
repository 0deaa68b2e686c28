"""What the pages say of a device's battery, as the detectors remember it now."""

from __future__ import annotations

from typing import Any

import msgspec

from analytics.battery import dark, maintenance, present
from analytics.battery.maintenance import Advice
from analytics.battery.outlook import Outlook
from analytics.battery.present import Present
from analytics.battery.verdict import Verdict
from analytics.battery.witnesses import Says
from analytics.forecast import Quantity
from collector.store import records
from collector.store.records import Prognosis
from console.reads import Reads
from model.inventory import Device
from model.text import Text

VERDICTS = {
    Verdict.REPLACE: Text("Replace", "需更换"),
    Verdict.UNPROVEN: Text("Suspected, not proven", "可疑，证据不足"),
    Verdict.UNTESTED: Text("Untested for a year", "一年未测试"),
    Verdict.WELL: Text("Well", "良好"),
    Verdict.UNKNOWN: Text("Not enough evidence", "证据不足，不作判定"),
}
#: As in a finding, but each word alone in its cell.
SAYS = {
    Says.REPLACE: Text("for replacement", "支持更换"),
    Says.WELL: Text("against replacement", "不支持更换"),
    Says.UNSURE: Text("undecided", "未定"),
}
#: Who makes forecasts, by the name that they carry.
SAYERS = {
    "battery_verdict": Text("Battery verdict", "电池判定"),
    "site_dark": Text("Site goes dark", "站点断电"),
}
QUANTITIES = {
    Quantity.RUNTIME: Text("Runtime", "续航"),
    Quantity.DARK: Text("Time to dark", "断电时刻"),
    Quantity.END_OF_LIFE: Text("End of life", "寿命终止"),
    Quantity.THRESHOLD: Text("Limit reached", "越限时刻"),
}
#: For the templates that show batteries.
WORDS: dict[str, Any] = {
    "verdicts": VERDICTS,
    "says": SAYS,
    "sayers": SAYERS,
    "quantities": QUANTITIES,
    "in_minutes": (Quantity.RUNTIME, Quantity.DARK),
}


class Battery(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one device's battery now."""

    present: Present
    advice: Advice | None
    ahead: Outlook | None  #: while it discharges
    prognosis: Prognosis | None


def battery_of(reads: Reads, device: Device) -> Battery | None:
    """None where nobody has seen a battery in this device."""
    states = reads.centre.remembered(device.id)
    known = states.get("battery_verdict", {})
    found = present.of(known, device, reads.now)
    if found is None:
        return None
    return Battery(
        present=found,
        advice=maintenance.advise_file(known, device, reads.now),
        ahead=dark.outlook_of(states),
        prognosis=next(iter(records.prognoses(reads.conn, device.id)), None),
    )

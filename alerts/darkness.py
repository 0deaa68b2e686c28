"""Whether a mains failure explains that a device is silent, and why: the words go into the incident.

A device that fell silent in an outage need not be broken. It is explained when it was itself on battery (links
often die with the mains, and batteries end), when the mains feeds it directly, or when what feeds it has ended.
Otherwise it is a case of its own: a silence that began well before the mains failed, or after it came back, or of
a device whose UPS still holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerts.types import Alert
from model.inventory import MAINS, Device, Inventory
from model.text import Text

#: Polls are not simultaneous: a silence may be seen this much before the first UPS is seen on battery.
BEFORE_MS = 120_000
#: What says that the mains is out.
OUTAGES = ("on_battery", "mains_failed")
#: A chain of supplies longer than this is a mistake in the inventory (a loop).
_LONGEST_CHAIN = 8


class Explained:
    """Why a silence belongs to the mains failure. `dark`: the device is known to have no power."""

    def __init__(self, why: Text, *, dark: bool) -> None:
        self.why = why
        self.dark = dark


def explained(silent: Alert, members: Iterable[Alert], inventory: Inventory) -> Explained | None:
    """Whether the mains incident with these members explains the silent device; None when it does not."""
    members = list(members)
    outages = [alert for alert in members if alert.kind in OUTAGES]
    if not outages or silent.raised_at < min(a.raised_at for a in outages) - BEFORE_MS:
        return None
    if all(a.cleared_at is not None and a.cleared_at < silent.raised_at for a in outages):
        return None
    device = inventory.device(silent.device)
    name = device.name
    own = next(
        (a for a in outages if a.kind == "on_battery" and a.device == device.id and _stood(a, silent.raised_at)), None
    )
    if own is not None:
        seconds = max(0, silent.raised_at - own.raised_at) // 1000
        last = _last_truth(silent)
        return Explained(
            Text(
                f"{name.en} fell silent {seconds} s after it went on battery: "
                f"its line or its battery ended with the mains{last.en}",
                f"{name.zh} 转电池供电 {seconds} 秒后失联：通信线路或电池随市电中断{last.zh}",
            ),
            dark=False,
        )
    return _by_feed(device, silent, members, inventory)


def _last_truth(silent: Alert) -> Text:
    """What the device said of its battery last, when the finding holds it."""
    told = next((one.text for one in silent.finding.evidence if one.point is not None), None)
    return Text(f" ({told.en})", f"（{told.zh}）") if told else Text("", "")


def _by_feed(device: Device, silent: Alert, members: list[Alert], inventory: Inventory) -> Explained | None:
    """Walk up what feeds the device, to the mains or to the first UPS."""
    name, above = device.name, device
    for _ in range(_LONGEST_CHAIN):
        if above.fed_by is None:
            return None
        if above.fed_by == MAINS:
            why = Text(
                f"{name.en} is silent because the mains feeds it, and the mains is out",
                f"{name.zh} 由市电直接供电，市电中断导致失联",
            )
            return Explained(why, dark=device.kind != "ups")
        above = inventory.device(above.fed_by)
        if above.kind == "ups":
            if not _ended(above, silent, members):
                return None
            why = Text(
                f"{name.en} is silent because {above.name.en}, which feeds it, has ended",
                f"{name.zh} 失联：为其供电的 {above.name.zh} 已停止供电",
            )
            return Explained(why, dark=True)
    return None


def _ended(ups: Device, silent: Alert, members: list[Alert]) -> bool:
    """Whether the UPS can be taken to feed nothing any more: silent itself, empty, or past its forecast."""
    for alert in members:
        if alert.device != ups.id or not _stood(alert, silent.raised_at + BEFORE_MS):
            continue
        if alert.kind in ("device_silent", "battery_low", "output_off"):
            return True
        forecast = alert.finding.forecast
        if alert.kind == "on_battery" and forecast is not None and forecast <= silent.raised_at:
            return True
    return False


def _stood(alert: Alert, at: int) -> bool:
    """Whether the alert had begun and was not over at this time."""
    return alert.raised_at <= at and (alert.cleared_at is None or alert.cleared_at >= at - BEFORE_MS)

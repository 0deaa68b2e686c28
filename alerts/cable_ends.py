"""A port is down because what stands at its other end is dead: the root is the device, the port its symptom.

    core ── port 1 ── acc-1     acc-1 silent, port 1 of core down within five minutes of it: one incident, acc-1's

Only where the neighbour tables say which cable is on the port (by the port's name or number), and only while the far end is silent. A
cable that is cut takes no device's life, so a silence that began long before or after explains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerts.types import Alert
from model.inventory import Inventory, NetworkPath
from model.text import Text

KINDS = frozenset({"port_down", "link_flapping"})
#: How far apart the port's fall and the silence may begin: a round of polls, a boot, a link's own slowness.
NEAR_MS = 300_000
#: Neighbours forget a dead device within minutes; its cable still counts for a day.
_GONE_MS = 86_400_000


def silent_end(port: Alert, silences: Iterable[Alert], inventory: Inventory) -> tuple[Alert, Text] | None:
    """The silence at the other end of the port's cable, and why it explains the port; None when none does."""
    if port.kind not in KINDS or port.index is None:
        return None
    ends = {cable.other for cable in inventory.learned if _on(cable, port)}
    if not ends:
        return None
    for silence in silences:
        if silence.device in ends and abs(silence.raised_at - port.raised_at) <= NEAR_MS:
            here, there = inventory.device(port.device).name, inventory.device(silence.device).name
            return silence, Text(
                f"port {port.index} of {here.en} leads to {there.en}, which is silent: a symptom of it",
                f"{here.zh} 端口 {port.index} 连接 {there.zh}，后者已失联：属其症状",
            )
    return None


def _on(cable: NetworkPath, port: Alert) -> bool:
    if cable.device != port.device or port.index not in (cable.port, cable.number):
        return False
    return cable.gone is None or port.raised_at - cable.gone <= _GONE_MS

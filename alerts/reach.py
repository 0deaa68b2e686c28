"""Whether a silent device is silent because a switch on the way to it is: who is reached through whom, and the words.

    agent … sw-core ── sw-1 ── ups-1        sw-1 and ups-1 silent, sw-core answers: sw-1 explains ups-1
                            └─ ups-2

Nobody says where the agent stands, so what still answers shows it: of silent devices that hang together, those next to one that
answers are the causes, and the rest is behind the nearest of them. Where none of them has an answering neighbour, the cause is
a core switch, else the switch with most trunks, then cables, else the first that fell silent. Only what can pass traffic on explains anything: a switch, or a device
with cables on two ports. The inventory's `via` stands above the learned cables of a device that is no switch.
A cable that was missing a day before the silence does not count; one that vanished with the switch does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from alerts.darkness import BEFORE_MS
from alerts.types import Alert
from model.inventory import Inventory, NetworkPath
from model.text import Text

#: A cable may have been gone this long when its end falls silent: a switch that dies is soon forgotten by its neighbours.
_GONE_MS = 86_400_000


class Behind:
    """The silence of a switch that explains another, and why."""

    def __init__(self, cause: Alert, why: Text) -> None:
        self.cause = cause
        self.why = why


Graph = dict[str, dict[str, NetworkPath | None]]  #: device -> neighbour -> the cable; None: the inventory says so


class Site:
    """The silences that stand at one site, and how its devices hang together while they do."""

    def __init__(self, id: str, silences: Iterable[Alert], inventory: Inventory) -> None:
        every = {one.device: one for one in silences if one.device.partition("/")[0] == id}
        self._inventory = inventory
        self._graph = graph_of(id, inventory, max((one.raised_at for one in every.values()), default=0))
        self._dead = {device: one for device, one in every.items() if device in self._graph}

    def behind(self, silent: Alert) -> Behind | None:
        """What explains one of the silences; None when nothing does."""
        if self._dead.get(silent.device) is None:
            return None
        together = self._together(silent.device)
        roots = {device for device in together if any(other not in self._dead for other in self._graph[device])}
        if not roots:
            roots = {min(together, key=self._rank)}
        root = next(device for device in together if device in roots)
        if root == silent.device or not self._passes_on(root):
            return None
        cause = self._dead[root]
        if silent.raised_at < cause.raised_at - BEFORE_MS:
            return None
        return Behind(cause, _why(silent.device, root, self._graph, self._inventory))

    def _together(self, start: str) -> list[str]:
        """The silent devices that hang together with `start` by silent devices, nearest first."""
        found, seen = [start], {start}
        for device in found:
            new = [other for other in self._graph[device] if other in self._dead and other not in seen]
            found += new
            seen.update(new)
        return found

    def _rank(self, device: str) -> tuple[bool, bool, int, int, int, str]:
        """Lowest for the likeliest cause among devices of which none has an answering neighbour."""
        known, cables = self._inventory.device(device), self._graph[device]
        switch = known.kind == "switch"
        trunks = sum(self._inventory.device(other).kind == "switch" for other in cables)
        return not (switch and known.core), not switch, -trunks, -len(cables), self._dead[device].raised_at, device

    def _passes_on(self, device: str) -> bool:
        if self._inventory.device(device).kind == "switch":
            return True
        cables = self._graph[device].items()
        ports = {path.port for _, path in cables if path is not None and path.device == device}
        return len(ports) > 1 or any(self._inventory.device(other).via == device for other, _ in cables)


def graph_of(site: str, inventory: Inventory, at: int) -> Graph:
    """The cables of a site as they count at a time."""
    graph: Graph = {}

    def join(one: str, other: str, path: NetworkPath | None) -> None:
        graph.setdefault(one, {})[other] = path
        graph.setdefault(other, {})[one] = path

    for path in inventory.learned:
        if path.device.partition("/")[0] != site or (path.gone is not None and at - path.gone > _GONE_MS):
            continue
        ends = ((path.device, path.other), (path.other, path.device))
        if not any(_said_otherwise(one, other, inventory) for one, other in ends):
            join(path.device, path.other, path)
    for device in inventory.at_site(site):
        if device.via is not None:
            join(device.id, device.via, None)
    return graph


def weights(inventory: Inventory) -> Counter[str]:
    """Of silences that begin together those of the heaviest are looked at first: core, then trunks, then cables."""
    found: Counter[str] = Counter()
    ends = [(path.device, path.other) for path in inventory.learned]
    ends += [(device.id, device.via) for device in inventory.devices.values() if device.via is not None]
    for one, other in ends:
        trunk = inventory.device(one).kind == inventory.device(other).kind == "switch"
        found.update({one: 1000 if trunk else 1, other: 1000 if trunk else 1})
    found.update(
        {device.id: 1_000_000 for device in inventory.devices.values() if device.core and device.kind == "switch"}
    )
    return found


def _said_otherwise(device: str, other: str, inventory: Inventory) -> bool:
    """Whether the inventory names another way to a device that is no switch."""
    known = inventory.device(device)
    return known.kind != "switch" and known.via is not None and known.via != other


def _why(device: str, root: str, graph: Graph, inventory: Inventory) -> Text:
    name, switch = inventory.device(device).name, inventory.device(root).name
    path = graph[root].get(device)
    port = Text("", "")
    if path is not None and path.device == root:
        port = Text(f" (port {path.port})", f"（端口 {path.port}）")
    return Text(
        f"{name.en} is silent because it is reached through {switch.en}{port.en}, which is silent itself",
        f"{name.zh} 失联：须经由 {switch.zh}{port.zh}，而后者已失联",
    )

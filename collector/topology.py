"""Who is reached through whom, as the switches say: LLDP tables become paths between devices of a site.

    identity of sw-1: neighbour.chassis.24 = 10:be:…, neighbour.name.24 = "Kos16c", port.name.24 = "1/24"
    identity of sw-2: device.chassis = 10:be:…, device.name = "kos16c.example"
        -> sw-1 ── 1/24 ── sw-2, by chassis, since …, seen …

Rules. A neighbour is a device of the same site by its chassis id, else by its name (sysName without its domain, else the id in our
files); a chassis or name that two devices have is none of them, and told. A row is dated when it came, was seen last, and was
missing; it is never overwritten: another neighbour on the port begins a row of its own. What the inventory says (`via`) stands
above all of it; where the two differ, `doubts` names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

from model.batch import Event, EventKind
from model.inventory import Inventory, NetworkPath
from model.text import Text

_OWN = ("device.chassis", "device.name")
_CHASSIS, _NAME, _PORT = "neighbour.chassis.", "neighbour.name.", "port.name."
#: Rows that are gone are forgotten after this.
_FORGOTTEN_MS = 90 * 86_400_000
#: A row that was missing and comes again within this is the same cable.
_SAME_MS = 7 * 86_400_000


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One neighbour on one port, as its switch told it. Times in ms; `gone`: when it was missing first."""

    device: str
    port: str
    label: str
    chassis: str
    name: str
    since: int
    seen: int
    gone: int | None = None


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says of itself."""

    chassis: str = ""
    name: str = ""


Rows = dict[str, list[Row]]  #: by device
Names = dict[str, Who]  #: by device


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Something about the paths of a device that does not fit."""

    device: str
    text: Text


def who(data: Mapping[str, str | int | float]) -> Who | None:
    """What an identity says of its device; None: nothing that neighbours would know it by."""
    found = Who(chassis=_plain(data.get("device.chassis", "")), name=_short(data.get("device.name", "")))
    return found if found != Who() else None


def take(rows: Rows, names: Names, events: Iterable[Event]) -> set[str]:
    """Take in what devices said; changes both, and gives the devices whose rows changed."""
    changed: set[str] = set()
    for event in events:
        if event.kind is not EventKind.IDENTITY or event.device is None:
            continue
        said = who(event.data)
        if said is not None:
            before = names.get(event.device, Who())
            names[event.device] = Who(chassis=said.chassis or before.chassis, name=said.name or before.name)
        told = _told(event)
        if told is not None:
            after = _merged(rows.get(event.device, []), told, event.at)
            if after != rows.get(event.device):
                rows[event.device] = after
                changed.add(event.device)
    return changed


def speaks(event: Event) -> bool:
    """Whether an event tells anything of this."""
    if event.kind is not EventKind.IDENTITY:
        return False
    return any(key.startswith((_CHASSIS, _NAME, _PORT)) or key in _OWN for key in event.data)


def _told(event: Event) -> list[Row] | None:
    """The neighbours in an identity; None: it is not of a device that tells of any."""
    if event.device is None or not any(key.startswith((_CHASSIS, _NAME, _PORT)) for key in event.data):
        return None
    ports = {key.removeprefix(head) for head in (_CHASSIS, _NAME) for key in event.data if key.startswith(head)}
    return [
        Row(
            device=event.device,
            port=port,
            label=str(event.data.get(_PORT + port, port)),
            chassis=_plain(event.data.get(_CHASSIS + port, "")),
            name=_short(event.data.get(_NAME + port, "")),
            since=event.at,
            seen=event.at,
        )
        for port in sorted(ports)
    ]


def _merged(before: list[Row], told: list[Row], at: int) -> list[Row]:
    now = {(one.port, one.chassis, one.name): one for one in told}
    after: list[Row] = []
    for row in before:
        same = now.pop((row.port, row.chassis, row.name), None)
        if same is not None and (row.gone is None or at - row.gone < _SAME_MS):
            after.append(msgspec.structs.replace(row, label=same.label, seen=max(at, row.seen), gone=None))
            continue
        if same is not None:
            after.append(same)
        if at - (row.gone or at) < _FORGOTTEN_MS:
            after.append(row if row.gone is not None else msgspec.structs.replace(row, gone=at))
    return sorted([*after, *now.values()], key=lambda row: (row.port, row.since))


def paths(rows: Rows, names: Names) -> tuple[NetworkPath, ...]:
    """The cables between known devices, by device and port."""
    known = _Known(names, rows)
    found = []
    for row in _all(rows):
        other, by = known.find(row)
        if other is not None and other != row.device:
            found.append(
                NetworkPath(
                    device=row.device,
                    port=row.label,
                    number=row.port,
                    other=other,
                    by=by,
                    since=row.since,
                    seen=row.seen,
                    gone=row.gone,
                )
            )
    return tuple(found)


def doubts(rows: Rows, names: Names, inventory: Inventory) -> list[Doubt]:
    """What does not fit, by device: names that two have, devices at two switches, the inventory against the cables."""
    known = _Known(names, rows)
    found = [Doubt(device=row.device, text=_two(row, known.two(row))) for row in _all(rows) if known.two(row)]
    standing = [path for path in paths(rows, names) if path.gone is None]
    ends = [(path.other, path) for path in standing if inventory.device(path.other).kind != "switch"]
    for device, group in groupby(sorted(ends, key=lambda end: (end[0], end[1].device)), key=lambda end: end[0]):
        places = [path for _, path in group]
        if len({path.device for path in places}) > 1:
            found.append(Doubt(device=device, text=_at_two(places)))
    for device in inventory.devices.values():
        touching = [path for path in standing if device.id in (path.device, path.other)]
        others = sorted({path.other if path.device == device.id else path.device for path in touching})
        if device.via and others and device.via not in others and device.kind != "switch":
            found.append(Doubt(device=device.id, text=_against(device.via, others)))
    return found


class _Known:
    """Who has a chassis or a name, within a site."""

    def __init__(self, names: Names, rows: Rows) -> None:
        self._by: dict[tuple[str, str, str], set[str]] = {}
        for device, one in names.items():
            self._put(device, "chassis", one.chassis)
            self._put(device, "name", one.name)
        for device in {*names, *rows}:
            self._put(device, "id", _short(device.partition("/")[2]))

    def _put(self, device: str, by: str, word: str) -> None:
        if word:
            self._by.setdefault((device.partition("/")[0], by, word), set()).add(device)

    def _having(self, row: Row) -> tuple[set[str], str]:
        site = row.device.partition("/")[0]
        for by, word in (("chassis", row.chassis), ("name", row.name), ("id", row.name)):
            if word and (found := self._by.get((site, by, word))):
                return found, "chassis" if by == "chassis" else "name"
        return set(), ""

    def find(self, row: Row) -> tuple[str | None, str]:
        """The device at the other end, and what told it."""
        found, by = self._having(row)
        return (next(iter(found)), by) if len(found) == 1 else (None, by)

    def two(self, row: Row) -> list[str]:
        """The devices that it may be, when it may be more than one."""
        found, _ = self._having(row)
        return sorted(found) if len(found) > 1 and row.gone is None else []


def _all(rows: Rows) -> Sequence[Row]:
    return [row for device in sorted(rows) for row in rows[device]]


def _plain(value: str | int | float) -> str:
    return str(value).strip().lower()


def _short(value: str | int | float) -> str:
    """A name without its domain; an address stays whole.

    >>> _short("Core-1.example.net"), _short("192.0.2.7")
    ('core-1', '192.0.2.7')
    """
    word = _plain(value)
    first = word.partition(".")[0]
    return word if first.isdigit() else first


def _two(row: Row, devices: list[str]) -> Text:
    which, names = row.chassis or row.name, ", ".join(devices)
    return Text(
        f"the neighbour {which} on port {row.label} may be {names}: they tell the same of themselves; not used",
        f"端口 {row.label} 的邻居 {which} 可能是 {names}：它们的标识相同；未采用",
    )


def _at_two(places: list[NetworkPath]) -> Text:
    names = ", ".join(f"{path.device} port {path.port}" for path in places)
    return Text(
        f"stands at two switches at once: {names}; something between them passes LLDP on, or it has two cables",
        f"同时出现在多台交换机：{names}；中间设备转发了 LLDP，或有两条线缆",
    )


def _against(via: str, others: list[str]) -> Text:
    names = ", ".join(others)
    return Text(
        f"the inventory says via {via}, the switches say {names}; the inventory counts",
        f"清单写明经由 {via}，交换机邻居表为 {names}；以清单为准",
    )

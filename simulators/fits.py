"""Whether the entries of a scenario fit each other: users and keys, wires and what belongs to them, buses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from model.text import Text
from simulators.check import Misfit
from simulators.scenario import SERIAL, DeviceEntry, SiteEntry, UserEntry

Users = Sequence[tuple[str, UserEntry]]
Devices = Sequence[tuple[str, DeviceEntry]]

_SHORTEST_KEY = 8  # RFC 3414, 11.2
_SNMP = frozenset({"snmp"})
#: Keys of a device that belong to some wires only.
_NEEDS = {
    "rated_field": frozenset({"megatec"}),
    "dialect": frozenset({"megatec"}),
    "turnaround_ms": SERIAL,
    "paced": SERIAL,
    "snmp": _SNMP,
    "counters": _SNMP,
    "start_octets": _SNMP,
}
_PLAIN = {field.name: field.default for field in msgspec.structs.fields(DeviceEntry)}
_REMOVE, _CORRECT = Text("remove it", "删除"), Text("correct it", "改正")


def secured(entry: DeviceEntry) -> bool:
    """Whether it speaks SNMP v3."""
    return entry.wire == "snmp" and entry.snmp == "v3"


def users(rows: Users) -> Iterator[Misfit]:
    """SNMP v3 users: each name once, keys where they are needed, long enough, and only there."""
    seen: set[str] = set()
    for key, user in rows:
        if user.name in seen:
            once, rename = Text("a name only once", "名称不得重复"), Text("rename one", "改名")
            yield Misfit(key=f"{key}.name", expected=once, got=user.name, fix=rename)
        seen.add(user.name)
        if user.priv != "none" and user.auth == "none":
            expected, fix = (
                Text("auth where there is priv", "有 priv 就要有 auth"),
                Text('add auth = "sha256"', '加上 auth = "sha256"'),
            )
            yield Misfit(key=f"{key}.priv", expected=expected, got=user.priv, fix=fix)
        for name, kind, secret in (("auth_key", user.auth, user.auth_key), ("priv_key", user.priv, user.priv_key)):
            if (kind == "none") == bool(secret) or (secret and len(secret) < _SHORTEST_KEY):
                expected = Text("8 characters or more if it is used, else none", "使用时至少 8 个字符，否则不写")
                yield Misfit(
                    key=f"{key}.{name}", expected=expected, got=f"{len(secret)} characters with {kind}", fix=_CORRECT
                )


def lines(rows: Devices) -> Iterator[Misfit]:
    """What belongs to one kind of wire, or of version, only."""
    for key, entry in rows:
        for name, needed in _NEEDS.items():
            if getattr(entry, name) != _PLAIN[name] and entry.wire not in needed:
                wires = ", ".join(sorted(needed))
                expected = Text(f"{name} only on a wire of {wires}", f"{name} 只用于线路 {wires}")
                yield Misfit(key=f"{key}.{name}", expected=expected, got=f'wire = "{entry.wire}"', fix=_REMOVE)
        for name in ("user", "engine_id"):
            if getattr(entry, name) and not secured(entry):
                expected = Text(f'{name} only with snmp = "v3"', f'{name} 只用于 snmp = "v3"')
                yield Misfit(key=f"{key}.{name}", expected=expected, got=str(getattr(entry, name)), fix=_REMOVE)


def units(rows: Devices, sites: Mapping[str, SiteEntry]) -> Iterator[Misfit]:
    """On one bus every unit is another, and all speak at one rate."""
    buses: dict[tuple[str, str], dict[int, DeviceEntry]] = {}
    for key, entry in rows:
        if entry.wire != "rtu" or not entry.bus:
            continue
        for site in _places(entry, sites):
            others = buses.setdefault((site, entry.bus), {})
            first = next(iter(others.values()), entry)
            if entry.unit in others:
                expected = Text("a unit only once on a bus", "同一总线上站号不得重复")
                got, fix = f"{entry.unit}, as {others[entry.unit].id}", Text("number them differently", "改用不同站号")
                yield Misfit(key=f"{key}.unit", expected=expected, got=got, fix=fix)
                break
            if (first.baud, first.paced) != (entry.baud, entry.paced):
                expected = Text(f"baud and paced as {first.id} has them", f"baud 与 paced 同 {first.id}")
                got, fix = (
                    f"{entry.baud}, {str(entry.paced).lower()}",
                    Text("a line has one rate", "一条线只有一个速率"),
                )
                yield Misfit(key=f"{key}.baud", expected=expected, got=got, fix=fix)
                break
            others[entry.unit] = entry


def _places(entry: DeviceEntry, sites: Mapping[str, SiteEntry]) -> tuple[str, ...]:
    return tuple(sites) if entry.sites == ("*",) else entry.sites

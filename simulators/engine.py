"""Who a device is in SNMP v3: engine id, boots, time and users, out of the scenario and the present world. Pure.

Boots are the device's own starts. Engine time runs in real seconds, even in a story told faster: a manager holds it
against its own clock. It starts at the device's uptime, and anew at each start.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from simulators import usm
from simulators.scenario import Device, Scenario, UserEntry
from simulators.usm import AUTH, PRIV, Clock, User
from simulators.v3 import Engine
from simulators.world import World

#: Net-SNMP's number, and that octets follow (RFC 3411, SnmpEngineID).
_PREFIX = bytes.fromhex("80001f8805")
_LAST_TIME = (1 << 31) - 1


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """The last start of a device as its engine knows it: its number, and when its engine's time was 0."""

    boots: int
    zero_ms: int


def started(world: World, device: Device, before: Started | None, real_ms: int) -> Started:
    """`before`, unless the device has started since."""
    state = world.states[device.id]
    if before and before.boots == state.boots:
        return before
    uptime_s = 0.0 if before else max(state.uptime_s, 0.0)
    return Started(boots=state.boots, zero_ms=real_ms - round(uptime_s * 1000))


def engine_id(device: Device, changes: int) -> bytes:
    """The id: the scenario's, or one of the device's own; another after each change."""
    if device.entry.engine_id and not changes:
        return bytes.fromhex(device.entry.engine_id)
    return _PREFIX + sha256(f"{device.id} {changes}".encode()).digest()[:8]


def engine(scenario: Scenario, device: Device, changes: int, last: Started, real_ms: int) -> Engine:
    """The engine as it is now."""
    id = engine_id(device, changes)
    time_s = min(max(real_ms - last.zero_ms, 0) // 1000, _LAST_TIME)
    entry = scenario.users[device.entry.user]
    return Engine(id=id, clock=Clock(last.boots, time_s), users={entry.name.encode(): user(entry, id)})


def user(entry: UserEntry, engine_id: bytes) -> User:
    """A user with the keys that it has at one engine."""
    if entry.auth == "none":
        return User(name=entry.name.encode())
    secret = entry.priv != "none"
    return User(
        name=entry.name.encode(),
        flags=AUTH | PRIV if secret else AUTH,
        hash=entry.auth,
        auth_key=usm.localised(entry.auth_key, entry.auth, engine_id),
        cipher=entry.priv if secret else "",
        priv_key=usm.localised(entry.priv_key, entry.auth, engine_id) if secret else b"",
    )

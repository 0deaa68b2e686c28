"""How the agent stands, as `roundsman agent status` and the metrics show it. Plain values; nothing here waits or asks.

Rules. A snapshot is taken when somebody asks and costs nothing otherwise. Whoever learns something that a technician must
know (two devices with one engine id, two that were swapped) sets it in `notes` under a name of his own and takes it out
when it is over; whoever counts something of his own (traps) keeps it in `counts`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from model.text import Text

#: What a technician must know, by a name that says whose note it is: `snmp.engine_id.8000…`.
notes: dict[str, Text] = {}
#: What is counted besides requests, by name: `traps.taken`.
counts: dict[str, float] = {}


class DeviceState(StrEnum):
    """How a device is, the worst that holds."""

    STARTING = "starting"
    ANSWERING = "answering"
    SLOW = "slow"  #: its answers take more than half of its time-out
    ALARM = "alarm"  #: in alarm, or in a test
    ON_BATTERY = "on_battery"
    SILENT = "silent"
    SILENT_ON_BATTERY = "silent_on_battery"  #: it was on battery when it was last heard


class LinkState(StrEnum):
    """How a line's port is."""

    OPEN = "open"
    GONE = "gone"


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What a device or a line cost since the start. `airtime`: percent of the last minute."""

    airtime: float
    airtime_s: float
    requests: int
    retries: int
    timeouts: int
    crc_errors: int
    quarantined: int


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True, tag="device", tag_field="kind"):
    """One device. Ages and waits in real seconds."""

    device: str
    link: str
    state: DeviceState
    silent_s: float | None
    answered_s: float | None  #: age of its last answer; None: never heard
    round_trip_s: float | None
    next: str  #: the tier it is asked next
    next_s: float
    cost: Share


class LinkStatus(msgspec.Struct, frozen=True, kw_only=True, tag="link", tag_field="kind"):
    """One line."""

    link: str
    devices: int
    state: LinkState
    gone_s: float | None
    why: str
    round_s: float
    reopened: int
    cost: Share


class NoteStatus(msgspec.Struct, frozen=True, kw_only=True, tag="note", tag_field="kind"):
    """Something that a technician must know."""

    name: str
    text: Text


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True, tag="agent", tag_field="kind"):
    """The agent itself. `waiting` None: the spool could not be asked."""

    version: str
    site: str
    uptime_s: float
    time: str  #: known | estimated
    collector: str
    uplink: str  #: delivering, or why it waits
    uplink_failures: int
    in_memory: int
    waiting: int | None
    rejected: int | None
    spool_bytes: int | None
    counts: dict[str, float]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A whole snapshot, the slowest devices first."""

    agent: AgentStatus
    links: list[LinkStatus]
    devices: list[DeviceStatus]
    notes: list[NoteStatus]


_One = AgentStatus | LinkStatus | DeviceStatus | NoteStatus
_decoder = msgspec.json.Decoder(_One)
_encoder = msgspec.json.Encoder()


def dump(status: Status) -> bytes:
    """One JSON object a line: the agent, its lines, its devices, its notes."""
    return _encoder.encode_lines([status.agent, *status.links, *status.devices, *status.notes])


def load(data: bytes) -> Status:
    """Undo `dump`. Raises `msgspec.DecodeError`, also for what is no status."""
    found: dict[type[Any], list[Any]] = {AgentStatus: [], LinkStatus: [], DeviceStatus: [], NoteStatus: []}
    for line in data.splitlines():
        one = _decoder.decode(line)
        found[type(one)].append(one)
    if len(found[AgentStatus]) != 1:
        raise msgspec.ValidationError("expected one agent in its status")
    return Status(
        agent=found[AgentStatus][0],
        links=found[LinkStatus],
        devices=found[DeviceStatus],
        notes=found[NoteStatus],
    )

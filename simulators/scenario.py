"""Scenario files (TOML): which devices stand where, on what wires, and what happens to them when.

    length_s = 1100                      the story's end, seconds after its start
    community = "public"                 of the SNMP agents
    [make.NAME]                          a make of equipment: `UpsModel` or `SwitchModel` below
    [[site]]    id, number               number: the site's octet in 127.0.<number>.<n>
    [[device]]  id, make, wire …         stands at each of `sites` ("*" = all of them)
    [[only]]    device, load, soh …      what one device has otherwise
    [[user]]    name, auth, priv …       an SNMP v3 user
    [trap]      to, inform               where SNMP agents send their traps
    [[event]]   at, and what happens     see `Event`

`load(path)` hands back the scenario and every problem with its line; it never stops at the first one.
The whole reference is docs/simulators.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

import msgspec

from simulators.battery import BatteryMake
from simulators.faults import WireFaultKind
from simulators.switch import PortMake, SwitchMake
from simulators.ups import UpsMake

Wire = Literal["rtu", "tcp", "megatec", "snmp"]
SERIAL: frozenset[str] = frozenset({"rtu", "megatec"})
SnmpVersion = Literal["v1", "v2c", "v3"]
UpsFault = Literal["fan", "charger", "replace_battery", "rectifier", "inverter", "general", "bypass"]
UPS_FAULTS: tuple[str, ...] = get_args(UpsFault)

_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Octet = Annotated[int, msgspec.Meta(ge=0, le=254)]
#: Parts of the rated VA.
LoadShare = Annotated[float, msgspec.Meta(ge=0, le=3)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86400)]
#: Long enough for every counter to have wrapped, short enough for exact sums.
UptimeDays = Annotated[float, msgspec.Meta(ge=0, le=3650)]
Octets = Annotated[int, msgspec.Meta(ge=0)]
#: How long the equipment has been up when a scenario opens.
UPTIME_DAYS = 23.0


class UpsModel(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ups", forbid_unknown_fields=True):
    """A make of UPS, as its name plate and battery cabinet have it."""

    mfr: str
    model: str
    firmware: str
    rated_va: _Positive
    blocks: Annotated[int, msgspec.Meta(ge=1)]
    block_ah: _Positive
    strings: Annotated[int, msgspec.Meta(ge=1)] = 1
    nominal_v: _Positive = 220.0
    low_runtime_s: float = 120.0
    profile: str = ""


class SwitchModel(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="switch", forbid_unknown_fields=True
):
    """A make of switch. Ports are all alike but for the last, which is shut down, as spare ports are."""

    mfr: str
    model: str
    firmware: str
    object_id: str  #: sysObjectID
    ports: Annotated[int, msgspec.Meta(ge=1, le=128)] = 8
    mbit: int = 1000
    packets: float = 200.0  #: in on the first port, a second; the others have less
    profile: str = "if_mib"


Model = UpsModel | SwitchModel


class SiteEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[site]]: its octet in 127.0.NUMBER.HOST, its mains (V) and its room (°C)."""

    id: str
    number: _Octet
    mains_v: float = 220.0
    ambient_c: float = 24.0


class DeviceEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[device]]: one make on one wire, at the sites named; `load` in parts of the rated VA."""

    id: str
    make: str
    wire: Wire
    sites: tuple[str, ...] = ("*",)
    load: LoadShare = 0.3
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1  #: Modbus
    bus: str = ""  #: devices of a site with one `bus` share one line; own line when empty
    baud: Annotated[int, msgspec.Meta(ge=300, le=921600)] = 9600
    paced: bool = True  #: serial: bytes take their time at `baud`
    turnaround_ms: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 0.0  #: serial: from request to reply, besides t3.5
    host: _Octet = 0  #: SNMP: the last octet of 127.0.<site>.<host>
    snmp: SnmpVersion = "v2c"
    user: str = ""  #: SNMP v3: a [[user]]
    engine_id: Annotated[str, msgspec.Meta(pattern="^([0-9a-fA-F]{2}){5,32}$|^$")] = ""  #: SNMP v3; own when empty
    counters: Literal[32, 64] = 64  #: SNMP switch: 32 = no 64-bit columns
    uptime_days: UptimeDays = UPTIME_DAYS
    start_octets: Octets | None = None  #: SNMP switch: octets of every port at the start; by its uptime when missing
    fed_by: str = "mains"  #: or a device id of the same site
    silent_on_battery_s: float | None = None  #: the line drops so long after a transfer, back with the mains
    rated_field: Literal["bank", "cell"] = "bank"  #: Megatec: battery volts of the bank or of one cell
    dialect: Literal["q1", "qs", "voltronic", "axpert"] = "q1"  #: Megatec: which of the family's languages


class OnlyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[only]]: what one device alone has; `soh` is true capacity over rated."""

    device: str
    load: LoadShare | None = None
    soh: Annotated[float, msgspec.Meta(gt=0, le=1.2)] | None = None
    silent_on_battery_s: float | None = None
    uptime_days: UptimeDays | None = None
    start_octets: Octets | None = None
    engine_id: Annotated[str, msgspec.Meta(pattern="^([0-9a-fA-F]{2}){5,32}$")] | None = None


class UserEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[user]]: an SNMP v3 user of every v3 device that names it. The keys are passwords, for tests only."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]{1,32}$")]
    auth: Literal["none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"] = "none"
    auth_key: str = ""
    priv: Literal["none", "des", "aes128"] = "none"
    priv_key: str = ""


class TrapEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[trap]: where every SNMP agent sends its traps, each in its own version; `inform` (not v1) wants an answer."""

    to: Annotated[str, msgspec.Meta(pattern="^[^:/ ]+:[0-9]{1,5}$")]
    inform: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens `at` seconds after the start: exactly one of the five, to a site or a device.

    mains (site) · fault with `on` (UPS) · load (UPS, parts of rated) · wire with `seconds`, `part` … (any
    device's line, or SITE/BUS: all of a bus) · port with link or errors (switch).
    """

    at: Annotated[float, msgspec.Meta(ge=0)]
    site: str | None = None
    device: str | None = None
    mains: bool | None = None
    fault: UpsFault | None = None
    on: bool = True
    load: LoadShare | None = None
    wire: WireFaultKind | None = None
    seconds: Seconds | None = None  #: of a wire fault; `faults.SECONDS` when missing
    part: Share = 1.0  #: of the replies are hit by the wire fault
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None  #: wrong_unit: answers as this one
    node: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]{1,64}$")] | None = None  #: unplugged: back by this name
    port: int | None = None
    link: Literal["up", "down"] | None = None
    errors: float | None = None  #: share of the packets in, 0..1


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One device at one site, everything resolved."""

    id: str  #: site/device
    site: SiteEntry
    entry: DeviceEntry
    model: Model
    make: UpsMake | SwitchMake
    serial: str
    load: float
    fed_by: str  #: "mains" or a whole device id

    @property
    def kind(self) -> str:
        return "ups" if isinstance(self.make, UpsMake) else "switch"

    @property
    def wire(self) -> str:
        """SITE/BUS where devices share a line, else the device's own id."""
        return f"{self.site.id}/{self.entry.bus}" if self.entry.wire == "rtu" and self.entry.bus else self.id


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file, every reference resolved; `length_s` in story seconds after the start."""

    name: str
    seed: int
    length_s: float
    community: str
    unrest: float  #: 1 = as in life, 0 = mains, load and room perfectly still
    sites: dict[str, SiteEntry]
    devices: dict[str, Device]
    events: tuple[Event, ...]  #: in order of time
    users: dict[str, UserEntry] = {}
    trap: TrapEntry | None = None


def on_wire(devices: Mapping[str, Device], name: str) -> tuple[Device, ...]:
    """Whom a wire fault of `name` hits: the device, or every device of the bus; nobody when there is neither."""
    if name in devices:
        return (devices[name],)
    return tuple(device for device in devices.values() if device.wire == name)


def ups_make(model: UpsModel, soh: float) -> UpsMake:
    """The physics behind a name plate."""
    cells = BatteryMake(blocks=model.blocks, block_ah=model.block_ah, strings=model.strings, soh=soh)
    return UpsMake(rated_va=model.rated_va, battery=cells, nominal_v=model.nominal_v, low_runtime_s=model.low_runtime_s)


def switch_make(model: SwitchModel) -> SwitchMake:
    """Ports of falling traffic, the last one shut down."""
    ports = tuple(
        PortMake(
            name=f"GigabitEthernet1/0/{index}",
            alias="uplink" if index == 1 else f"desk {index}",
            mbit=model.mbit,
            packets_in=model.packets / index,
            packets_out=model.packets * 0.8 / index,
            enabled=index < model.ports,
        )
        for index in range(1, model.ports + 1)
    )
    return SwitchMake(ports=ports)

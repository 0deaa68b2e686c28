"""Scenario files (TOML): which devices stand where, on what wires, and what happens to them when.

    length_s = 1100                      the story's end, seconds after its start
    community = "public"                 of the SNMP agents
    [make.NAME]                          a make of equipment: `UpsModel` or `SwitchModel` below
    [[site]]    id, number               number: the site's octet in 127.0.<number>.<n>
    [[device]]  id, make, wire …         stands at each of `sites` ("*" = all of them)
    [[only]]    device, load, soh …      what one device has otherwise
    [[event]]   at, and what happens     see `Event`

`load(path)` hands back the scenario and every problem with its line; it never stops at the first one.
The whole reference is docs/simulators.md.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec

from simulators.battery import BatteryMake
from simulators.switch import PortMake, SwitchMake
from simulators.ups import UpsMake

Wire = Literal["rtu", "tcp", "megatec", "snmp"]
WireFaultKind = Literal["silent", "late", "garbled", "torn", "none"]
UpsFault = Literal["fan", "charger", "replace_battery", "rectifier", "inverter", "general", "bypass"]
WIRE_FAULTS: tuple[str, ...] = get_args(WireFaultKind)
UPS_FAULTS: tuple[str, ...] = get_args(UpsFault)

_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Octet = Annotated[int, msgspec.Meta(ge=0, le=254)]
#: Parts of the rated VA.
LoadShare = Annotated[float, msgspec.Meta(ge=0, le=3)]


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
    baud: int = 9600
    host: _Octet = 0  #: SNMP: the last octet of 127.0.<site>.<host>
    fed_by: str = "mains"  #: or a device id of the same site
    silent_on_battery_s: float | None = None  #: the line drops so long after a transfer, back with the mains
    rated_field: Literal["bank", "cell"] = "bank"  #: Megatec: battery volts of the bank or of one cell


class OnlyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[only]]: what one device alone has; `soh` is true capacity over rated."""

    device: str
    load: LoadShare | None = None
    soh: Annotated[float, msgspec.Meta(gt=0, le=1.2)] | None = None
    silent_on_battery_s: float | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens `at` seconds after the start: exactly one of the five, to a site or a device.

    mains (site) · fault with `on` (UPS) · load (UPS, parts of rated) · wire with `seconds` (any device's
    line) · port with link or errors (switch).
    """

    at: Annotated[float, msgspec.Meta(ge=0)]
    site: str | None = None
    device: str | None = None
    mains: bool | None = None
    fault: UpsFault | None = None
    on: bool = True
    load: LoadShare | None = None
    wire: WireFaultKind | None = None
    seconds: float = 3.0  #: of a late answer, real time
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

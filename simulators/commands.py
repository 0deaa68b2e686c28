"""What a person or a demo may tell running simulators: one JSON object a line. Pure decoding.

{"cmd":"start"}                                              begin the story
{"cmd":"mains","site":"sz-futian","on":false}
{"cmd":"fault","device":"sz-futian/ups-1","fault":"silent"}  a wire fault: see `faults`
{"cmd":"fault","device":"sz-futian/bus1","fault":"late","seconds":2,"part":0.3}        of every unit of a bus
{"cmd":"fault","device":"…/ups-5","fault":"fan","on":false}  a fault of the UPS, or its end
{"cmd":"load","device":"…/ups-3","load":1.2}                 parts of the rated VA
{"cmd":"port","device":"…/sw-1","port":3,"link":"down"}      or "errors": share of the packets in
{"cmd":"traps","to":"127.0.0.1:1162","inform":true}          where traps go from now on; "" = nowhere
{"cmd":"truth"}   {"cmd":"stop"}
"""

from __future__ import annotations

from typing import Literal

import msgspec

from simulators.faults import WIRE_FAULTS
from simulators.scenario import UPS_FAULTS, Event, LoadShare, TrapEntry


class CommandError(ValueError):
    """The line is no command. The message says what was expected."""


class Start(msgspec.Struct, frozen=True, tag_field="cmd", tag="start"):
    """The story begins now."""


class Truth(msgspec.Struct, frozen=True, tag_field="cmd", tag="truth"):
    """Say what the physical model holds."""


class Stop(msgspec.Struct, frozen=True, tag_field="cmd", tag="stop"):
    """End the process."""


class Mains(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag="mains"):
    """The utility of a site fails or returns."""

    site: str
    on: bool


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag="fault"):
    """A fault of the wire (the rest as in `Event`) or of a UPS (`on` or off)."""

    device: str
    fault: str
    on: bool = True
    seconds: float | None = None
    part: float = 1.0
    unit: int | None = None
    node: str | None = None


class Load(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag="load"):
    """The load of a UPS, in parts of its rated VA."""

    device: str
    load: LoadShare


class Port(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag="port"):
    """A switch port: its link, or its errors as a share of the packets in, 0..1."""

    device: str
    port: int
    link: Literal["up", "down"] | None = None
    errors: float | None = None


class Traps(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag="traps"):
    """Where SNMP agents send their traps from now on; nowhere when `to` is empty."""

    to: str
    inform: bool = False

    def entry(self) -> TrapEntry | None:
        """As a scenario has it. Raises CommandError."""
        try:
            return msgspec.convert({"to": self.to, "inform": self.inform}, TrapEntry) if self.to else None
        except msgspec.ValidationError as error:
            raise CommandError(f"to: expected HOST:PORT, got {self.to!r}; write for example 127.0.0.1:162") from error


Order = Start | Truth | Stop | Traps | Event
_Command = Start | Truth | Stop | Traps | Mains | Fault | Load | Port
_decoder = msgspec.json.Decoder(_Command)


def decode(line: bytes) -> Order:
    """The order in one line; what changes the world comes as an `Event`. Raises CommandError."""
    try:
        command: _Command = _decoder.decode(line)
    except msgspec.DecodeError as error:
        raise CommandError(str(error)) from error
    match command:
        case Start() | Truth() | Stop() | Traps():
            return command
        case Mains(site=site, on=on):
            return Event(at=0, site=site, mains=on)
        case Load(device=device, load=load):
            return Event(at=0, device=device, load=load)
        case Port(device=device, port=port, link=link, errors=errors):
            return Event(at=0, device=device, port=port, link=link, errors=errors)
    return _fault(command)


def _fault(command: Fault) -> Event:
    name = command.fault
    if name in WIRE_FAULTS or name in UPS_FAULTS:
        key = "wire" if name in WIRE_FAULTS else "fault"
        said = {"at": 0, "device": command.device, key: name, "on": command.on, "seconds": command.seconds}
        said |= {"part": command.part, "unit": command.unit, "node": command.node}
        try:
            return msgspec.convert(said, Event)
        except msgspec.ValidationError as error:
            raise CommandError(str(error)) from error
    raise CommandError(f"expected a fault of {', '.join((*WIRE_FAULTS, *UPS_FAULTS))}, got {name}")

"""What a line can do to what is said over it: the kinds, which wire can have which, and how long. Pure.

Standing faults of a device's line (each reply, or only `part` of them, is hit):

    silent  late  slow  garbled  torn  duplicated  noise_before  noise_after      every wire
    echoed                  our own request comes back before the reply           rtu, megatec
    deaf                    requests that begin before t3.5 of silence are lost   rtu
    wrong_unit              answers as another unit                               rtu, tcp
    half_open               accepts, never answers, never hangs up                tcp
    wrong_source            the reply comes from where no one asked               snmp

Things that happen once:

    reboot                  silent for `seconds` of the story, then uptime and counters begin anew     every wire
    unplugged               the port is gone, and back with `on = false`, maybe as another `node`      rtu, megatec
    engine_id               the SNMP engine calls itself otherwise from now on                         snmp v3

`none` heals the line. Kinds are written in scenarios (`wire = …`) and in commands (`"fault": …`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

WireFaultKind = Literal[
    "silent", "late", "slow", "garbled", "torn", "duplicated", "noise_before", "noise_after",
    "echoed", "deaf", "wrong_unit", "half_open", "wrong_source", "reboot", "unplugged", "engine_id", "none",
]  # fmt: skip
WIRE_FAULTS: tuple[str, ...] = get_args(WireFaultKind)
#: These are no lasting state of a line, or not one of single replies: no share of them can be asked for.
WHOLE = frozenset({"half_open", "reboot", "unplugged", "engine_id", "none"})
_ONLY_ON: Mapping[str, frozenset[str]] = {
    "echoed": frozenset({"rtu", "megatec"}),
    "deaf": frozenset({"rtu"}),
    "wrong_unit": frozenset({"rtu", "tcp"}),
    "half_open": frozenset({"tcp"}),
    "wrong_source": frozenset({"snmp"}),
    "unplugged": frozenset({"rtu", "megatec"}),
    "engine_id": frozenset({"snmp"}),
}
#: Seconds when none are said: real ones, but for `reboot` (story). The other kinds take no time.
SECONDS: Mapping[str, float] = {"late": 3.0, "slow": 1.0, "duplicated": 0.05, "noise_after": 0.0, "reboot": 30.0}


class WireFault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a line now."""

    kind: str = "none"  #: WireFaultKind
    seconds: float = 0.0
    part: float = 1.0  #: share of the replies that are hit
    unit: int | None = None  #: wrong_unit: the one it answers as


HEALTHY = WireFault()


def possible_on(wire: str) -> tuple[str, ...]:
    """The kinds that a wire can have."""
    return tuple(kind for kind in WIRE_FAULTS if kind not in _ONLY_ON or wire in _ONLY_ON[kind])


def other_unit(fault: WireFault, unit: int) -> int:
    """The unit that stands in the reply of `unit`."""
    if fault.kind != "wrong_unit":
        return unit
    return fault.unit if fault.unit is not None else unit % 247 + 1

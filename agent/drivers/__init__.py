"""Drivers: how to speak one protocol, pure. Bytes are the link's business, values are theirs.

A new protocol: copy `_blueprint.py`, write `plan`, `narrow` and `read`, add a line to `_TABLE`, a link in
agent/links, and a profile. Nothing here opens, waits, or reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from agent import address
from agent.address import DeviceUrl
from agent.drivers import apcupsd, megatec, modbus, nut, quick, reach, snmp
from agent.drivers.exchange import Exchange, Request, Sample
from agent.profiles.form import Profile, Tier
from model.batch import Event, EventKind
from model.points import POINTS, Kind
from model.reading import Gap, GapCause, Reading


class Driver(Protocol):
    """A module of this folder."""

    def plan(self, profile: Profile, url: DeviceUrl, tier: Tier, /) -> list[Request]:
        """What to ask, in order. The first request is one that every live device answers."""

    def narrow(self, profile: Profile, url: DeviceUrl, tier: Tier, refused: Request, /) -> list[Request]:
        """Smaller requests to try instead of one that was refused; empty when there are none."""

    def read(self, profile: Profile, url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange], /) -> list[Sample]:
        """What the exchanges of one tier say. Never raises on what a device sent."""


#: scheme of the device URL -> driver
DRIVERS: dict[str, Driver] = {
    address.TCP: modbus,
    address.RTU: modbus,
    address.RTU_OVER_TCP: modbus,
    address.MEGATEC: megatec,
    address.SNMP: snmp,
    address.ICMP: reach,
    address.CONNECT: reach,
    address.NUT: nut,
    address.APCUPSD: apcupsd,
}


Short = Callable[[Profile, Tier, Sequence[Exchange], str], Sequence[Reading | Gap | Event] | None]
#: scheme -> the readings and gaps of a healthy answer without samples between; None: `read` has to say.
QUICK: dict[str, Short] = {address.SNMP: quick.records}


def records(samples: Iterable[Sample], device: str) -> list[Reading | Gap | Event]:
    """Samples as they travel: numbers as readings, texts together as one identity event, the rest as gaps."""
    out: list[Reading | Gap | Event] = []
    names: dict[str, str | int | float] = {}
    at = 0
    for one in samples:
        if isinstance(one.value, str):
            names[one.point if one.index is None else f"{one.point}.{one.index}"] = one.value
            at = max(at, one.at)
        elif one.value is not None:
            out.append(
                Reading(
                    device=device, point=one.point, index=one.index, at=one.at, value=one.value, quality=one.quality
                )
            )
        elif one.cause is None:
            continue  # nothing to tell
        elif POINTS[one.point].kind != Kind.TEXT or one.cause != GapCause.NOT_SUPPORTED:
            cause = one.cause or GapCause.NO_ANSWER
            out.append(
                Gap(
                    device=device,
                    point=one.point,
                    index=one.index,
                    at=one.at,
                    cause=cause,
                    where=one.where,
                    raw=one.raw,
                )
            )
    if names:
        out.append(Event(kind=EventKind.IDENTITY, device=device, at=at, data=names))
    return out

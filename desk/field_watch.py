"""What time alone brings to field service, now and then: consents that ran out, outages that count, overdue duties.

Each is once, whatever restarts or repeats. It reads the history; the writing is in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from desk import consenting, duty_book, inspection
from desk.lines import Line
from model.inventory import Inventory

#: (device, point, start, end) -> (ms, value), in time order.
Series = Callable[[str, str, int, int], Sequence[tuple[int, float]]]
#: (device, since, until): on battery.
Span = tuple[str, int, int]
_SOURCE, _CHARGE = "ups.source", "battery.charge"
#: A discharge may have begun so long before the stretch that is looked at.
_BEFORE_MS = 24 * 3_600_000


class Discharge(msgspec.Struct, frozen=True, kw_only=True):
    """One natural discharge, over; `depth` as a share of the capacity."""

    device: str
    since: int
    until: int
    depth: float


def wanted(conn: sa.Connection, inventory: Inventory, now: int) -> Mapping[str, float]:
    """The devices whose contract counts natural discharges, each with the least depth."""
    jobs = [s.job for s in duty_book.standings(conn, inventory, now)]
    return {j.device: j.duty.min_depth for j in jobs if j.device is not None and j.duty.min_depth is not None}


def spans(devices: Mapping[str, float], series: Series, start: int, now: int) -> list[Span]:
    """When each device was on battery, by `ups.source` alone, ended in [start, now]: where no alerts were kept."""
    return [
        (device, since, until)
        for device in sorted(devices)
        for since, until in inspection.on_battery(series(device, _SOURCE, start - _BEFORE_MS, now + 1), now)
        if until >= start
    ]


def discharges(devices: Mapping[str, float], found: Sequence[Span], series: Series) -> list[Discharge]:
    """Those of the spans that were deep enough, by `battery.charge`. Reads the history; no database is needed."""
    deep = []
    for device, since, until in found:
        if device not in devices:
            continue
        depth = inspection.depth(series(device, _CHARGE, since - inspection.BEFORE_MS, until + 1), since, until)
        if depth is not None and depth >= devices[device]:
            deep.append(Discharge(device=device, since=since, until=until, depth=depth))
    return deep


def count(conn: sa.Connection, inventory: Inventory, found: Sequence[Discharge], now: int) -> list[Line]:
    """Record the discharges as done maintenance; those that are recorded already stay as they are."""
    return duty_book.discharged(conn, inventory, [(d.device, d.until, d.depth) for d in found], now)


def turn(conn: sa.Connection, inventory: Inventory, found: Sequence[Discharge], now: int) -> None:
    """One turn of the watch: what expired, what an outage fulfilled, and only then what is overdue."""
    consenting.expire(conn, now)
    count(conn, inventory, found, now)
    duty_book.call_overdue(conn, inventory, now)

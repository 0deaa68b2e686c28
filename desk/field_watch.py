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


def discharges(devices: Mapping[str, float], series: Series, start: int, now: int) -> list[Discharge]:
    """The discharges that ended in [start, now] and were deep enough. Reads the history; no database is needed."""
    found = []
    for device, least in sorted(devices.items()):
        spans = inspection.on_battery(series(device, _SOURCE, start - _BEFORE_MS, now + 1), now)
        for since, until in spans:
            if until < start:
                continue
            depth = inspection.depth(series(device, _CHARGE, since - 120_000, until + 1), since, until)
            if depth is not None and depth >= least:
                found.append(Discharge(device=device, since=since, until=until, depth=depth))
    return found


def count(conn: sa.Connection, inventory: Inventory, found: Sequence[Discharge], now: int) -> list[Line]:
    """Record the discharges as done maintenance; those that are recorded already stay as they are."""
    return [
        line for one in found for line in duty_book.discharged(conn, inventory, one.device, one.depth, one.until, now)
    ]


def turn(conn: sa.Connection, inventory: Inventory, found: Sequence[Discharge], now: int) -> None:
    """One turn of the watch: what expired, what an outage fulfilled, and only then what is overdue."""
    consenting.expire(conn, now)
    count(conn, inventory, found, now)
    duty_book.call_overdue(conn, inventory, now)

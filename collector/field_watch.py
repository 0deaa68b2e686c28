"""Now and then: consents that ran out, outages that count as discharge maintenance, planned work that is overdue.

What was on battery is read from the alerts that ended, how deep it went from the history, outside the writer's
transaction; what follows is desk.field_watch's, inside it. Everything is once, so a turn that is lost or repeated harms nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from collector.store.findings import cleared
from desk import field_watch
from desk.field_watch import Discharge

if TYPE_CHECKING:
    from collector.running import Running

#: So far back a turn looks, for what was delivered late: an agent that was away for a month still tells.
_BACK_MS = 35 * 24 * 3_600_000


async def turn(centre: Running) -> None:
    """One turn of the watch. Raises what the history or the database raises."""
    now = centre.now()
    found = await asyncio.to_thread(_look, centre, now)
    await centre.transact(lambda conn: field_watch.turn(conn, centre.inventory, found, now))


def _look(centre: Running, now: int) -> list[Discharge]:
    with centre.engine.connect() as conn:
        devices = field_watch.wanted(conn, centre.inventory, now)
        ended = cleared(conn, "on_battery", now - _BACK_MS) if devices else []
    spans = [(a.device, a.raised_at, a.cleared_at) for a in ended if a.cleared_at is not None and a.cleared_at <= now]

    def series(device: str, point: str, start: int, end: int) -> list[tuple[int, float]]:
        held = centre.history.range((device, point, None), start, end)
        return list(zip(held.at, held.value, strict=True))

    return field_watch.discharges(devices, spans, series)

"""What the equipment showed when a ticket opened and when the fault was over, kept as documents for as long as the ticket.

Readings fade from the history by its retention; a dispute may come later. So two JSON documents are kept of each ticket
that telemetry opened, and told in its ledger: `opening` (readings of half an hour before, at once) and `restored` (before
and after the moment from which it was normal). Read outside the writer's transaction, written inside it; each is once.

    {"ticket","part","start","end","series":[{"device","point","index","unit","at":[ms],"value":[]}],
     "events":[{"device","kind","at","data"}],"alerts":[{"device","kind","index","raised_at","cleared_at"}]}
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

import desk.store as desk
from alerts.types import Alert
from collector.history import History
from collector.store import alerts as alerts_of
from collector.store import events_within
from desk import documents, paper_sql
from desk.types import Draft, EntryKind, Ticket
from desk.words import SELF
from model.inventory import Inventory
from model.points import POINTS
from model.reading import Series
from model.text import Text

if TYPE_CHECKING:
    from collector.running import Running

OPENING, RESTORED = "opening", "restored"
_MINUTE_MS = 60_000
#: Before and after the moment that a document is about.
AROUND_MS = {OPENING: (30 * _MINUTE_MS, 0), RESTORED: (10 * _MINUTE_MS, 5 * _MINUTE_MS)}
#: Beside what the findings name.
_USUAL = ("ups.source", "input.voltage", "battery.voltage", "battery.charge", "ups.load", "output.voltage")
#: One document holds so many series of so many readings; one turn makes so many documents, of tickets not older than this.
_MOST_SERIES, _MOST_READINGS, _MOST_EVENTS, _MOST = 40, 2_000, 500, 20
_BACK_MS = 2 * 24 * 60 * _MINUTE_MS
_NAMES = {OPENING: Text("Evidence at opening", "开单时的证据"), RESTORED: Text("Evidence of restoration", "恢复的证据")}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One document, ready to be kept."""

    ticket: Ticket
    part: str
    at: int
    body: bytes
    text: Text
    series: int


async def turn(centre: Running) -> None:
    """Keep what is not kept yet. Raises what the history or the database raises."""
    now = centre.now()
    folder = centre.config.data / "documents"
    for one in await asyncio.to_thread(_gather, centre, now):
        await centre.transact(partial(keep, folder=folder, one=one, now=now))


def _gather(centre: Running, now: int) -> list[Evidence]:
    found = []
    with centre.engine.connect() as conn:
        for part, (_, after) in AROUND_MS.items():
            for id, at in paper_sql.without_evidence(conn, part, now - _BACK_MS, now - after, _MOST):
                found.append(made(conn, centre.history, centre.inventory, desk.ticket(conn, id), part, at, now))
    return found


def made(
    conn: sa.Connection, history: History, inventory: Inventory, ticket: Ticket, part: str, at: int, now: int
) -> Evidence:
    """The document of one ticket around `at`. Raises HistoryError."""
    before, after = AROUND_MS[part]
    start, end = at - before, (min(at + after, now) if after else now) + 1
    behind = alerts_of(conn, incident=ticket.incident)
    devices = list(dict.fromkeys(a.device for a in behind))
    devices = devices or ([ticket.device] if ticket.device else [d.id for d in inventory.at_site(ticket.site)])
    series = [_series(history, each, start, end) for each in _wanted(history, devices, behind)]
    series = [each for each in series if each["at"]]
    events = events_within(conn, devices, start, end, _MOST_EVENTS)
    body: dict[str, Any] = {
        "ticket": ticket.id,
        "part": part,
        "start": start,
        "end": end - 1,
        "series": series,
        "events": [{"device": e.device, "kind": e.kind, "at": e.at, "data": e.data} for e in events],
        "alerts": [
            {"device": a.device, "kind": a.kind, "index": a.index, "raised_at": a.raised_at, "cleared_at": a.cleared_at}
            for a in behind
        ],
    }
    number = sum(len(each["at"]) for each in series)
    name, counts = _NAMES[part], {"readings": number, "series": len(series), "events": len(events)}
    return Evidence(
        ticket=ticket,
        part=part,
        at=at,
        body=msgspec.json.encode(body),
        text=Text(f"{name.en}: {_COUNTS.format(**counts).en}", f"{name.zh}：{_COUNTS.format(**counts).zh}"),
        series=len(series),
    )


def keep(conn: sa.Connection, folder: Path, one: Evidence, now: int) -> None:
    """The document, and the ledger's line of it; in the caller's transaction."""
    ticket = one.ticket
    links = documents.Links(ticket=ticket.id, device=ticket.device, site=ticket.site, customer=ticket.customer)
    name = f"evidence-{one.part}-{ticket.id}.json"
    hash = documents.put(conn, folder, name, "application/json", one.body, SELF, now, links)
    data: dict[str, str | int | float | None] = {
        "document": hash,
        "name": name,
        "evidence": one.part,
        "series": one.series,
    }
    desk.append(conn, ticket.id, [Draft(at=now, who=SELF, kind=EntryKind.DOCUMENT, text=one.text, data=data)], now)


def _wanted(history: History, devices: Sequence[str], behind: Sequence[Alert]) -> list[Series]:
    """What the findings name, then the usual points of all devices."""
    kept = {device: sorted(history.series(device), key=str) for device in devices}
    named = {(a.device, e.point) for a in behind for e in a.finding.evidence}
    first = [s for every in kept.values() for s in every if (s[0], s[1]) in named]
    usual = [s for point in _USUAL for every in kept.values() for s in every if s[1] == point]
    return list(dict.fromkeys([*first, *usual]))[:_MOST_SERIES]


def _series(history: History, series: Series, start: int, end: int) -> dict[str, Any]:
    held = history.range(series, start, end)
    step = max(1, -(-len(held.at) // _MOST_READINGS))
    point = POINTS.get(series[1])
    return {
        "device": series[0],
        "point": series[1],
        "index": series[2],
        "unit": point.unit if point else "",
        "at": [int(at) for at in held.at[::step]],
        "value": [float(value) for value in held.value[::step]],
    }


_COUNTS = Text(
    "{readings} readings of {series} series, {events} events", "{series} 个测点的 {readings} 个读数、{events} 条事件"
)

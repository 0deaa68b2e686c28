"""Look at the centre as a visitor would: its database, read only, by the rooms' own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

import collector.store as centre
import desk.store as desk
from alerts.types import Alert, Incident
from collector.inventory import latest
from collector.store import tables
from desk.types import Clock, Entry, EntryKind, Ticket
from model.reading import GapCause
from model.text import Text

Emit = Callable[[dict[str, Any]], None]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of what was delivered."""

    readings: int
    gaps: int
    batches: int
    heard: int  #: devices with at least one reading


class Holdings(msgspec.Struct, kw_only=True):
    """What the centre holds now."""

    incidents: list[Incident]
    alerts: list[Alert]
    tickets: list[Ticket]
    ledgers: dict[str, list[Entry]]


def counts(engine: sa.Engine) -> Counts:
    """How much has been delivered, from the marks of delivery."""
    d = tables.deliveries.c
    total = sa.select(
        sa.func.coalesce(sa.func.sum(d.readings), 0), sa.func.coalesce(sa.func.sum(d.gaps), 0), sa.func.count()
    )
    heard = sa.select(sa.func.count()).where(tables.devices.c.last_reading_at.is_not(None))
    with engine.connect() as conn:
        readings, gaps, batches = conn.execute(total).one()
        return Counts(readings=readings, gaps=gaps, batches=batches, heard=conn.scalar(heard) or 0)


def gap_causes(engine: sa.Engine) -> dict[GapCause, int]:
    """How often each cause of a gap was met."""
    g = tables.gaps.c
    with engine.connect() as conn:
        rows = conn.execute(sa.select(g.cause, sa.func.sum(g.count)).group_by(g.cause))
        return {GapCause(cause): int(number) for cause, number in rows}


def holdings(engine: sa.Engine) -> Holdings:
    """All incidents, alerts and tickets, with every ledger."""
    with engine.connect() as conn:
        tickets = desk.tickets(conn)
        return Holdings(
            incidents=centre.incidents(conn),
            alerts=centre.alerts(conn),
            tickets=tickets,
            ledgers={ticket.id: desk.ledger(conn, ticket.id) for ticket in tickets},
        )


def cast(engine: sa.Engine) -> dict[str, Any]:
    """The names of sites and devices, for whoever tells the story."""
    with engine.connect() as conn:
        known = latest(conn)
    return {
        "sites": {site.id: {"name": _both(site.name), "tz": site.tz} for site in known.sites.values()},
        "devices": {device.id: _both(device.name) for device in known.devices.values()},
    }


def clocks(engine: sa.Engine, ticket: str, now: int) -> list[Clock]:
    """The promised times of a ticket at this moment."""
    with engine.connect() as conn:
        return desk.clocks(conn, ticket, now)


class Watcher:
    """Tells each incident, ticket and ledger entry once, as it appears."""

    def __init__(self, engine: sa.Engine, emit: Emit) -> None:
        self._engine = engine
        self._emit = emit
        self._incidents: dict[str, Incident] = {}
        self._entries: dict[str, int] = {}

    def look(self, now: int) -> None:
        """Emit what is new since the last look."""
        held = holdings(self._engine)
        for incident in held.incidents:
            self._incident(incident)
        for ticket in held.tickets:
            self._ticket(ticket, held.ledgers[ticket.id], now)

    def _incident(self, incident: Incident) -> None:
        before = self._incidents.get(incident.id)
        self._incidents[incident.id] = incident
        if before is None:
            what = "opened"
        elif before.closed_at is None and incident.closed_at is not None:
            what = "closed"
        elif len(before.members) != len(incident.members) or before.impact != incident.impact:
            what = "changed"
        else:
            return
        self._emit(
            {
                "event": "incident",
                "what": what,
                "id": incident.id,
                "cause": incident.key.cause,
                "root": incident.key.root,
                "site": incident.site,
                "impact": incident.impact.value,
                "members": len(incident.members),
                "wants_ticket": incident.wants_ticket,
                "title": _both(incident.title),
                "at": incident.changed_at,
            }
        )

    def _ticket(self, ticket: Ticket, ledger: list[Entry], now: int) -> None:
        seen = self._entries.get(ticket.id, 0)
        self._entries[ticket.id] = len(ledger)
        for entry in ledger[seen:]:
            event: dict[str, Any] = {
                "event": "ticket",
                "what": entry.kind.value,
                "id": ticket.id,
                "level": ticket.level,
                "cause": ticket.key.cause,
                "site": ticket.site,
                "who": entry.who,
                "text": _both(entry.text),
                "at": entry.at,
            }
            event |= _more(entry)
            if entry.seq == 1:
                event["level_name"] = _both(self._level(ticket))
                event["clocks"] = [_clock(clock) for clock in clocks(self._engine, ticket.id, now)]
                call = ticket.next_call
                event["next_call"] = _both(call) if call else None
            elif "clock" in event:
                titles = {clock.name: clock.title for clock in clocks(self._engine, ticket.id, now)}
                event["clock_title"] = _both(titles.get(str(event["clock"]), entry.text))
            self._emit(event)

    def _level(self, ticket: Ticket) -> Text:
        """The level in the contract's own words."""
        with self._engine.connect() as conn:
            return desk.policy(conn, ticket).level(ticket.level).name


def _more(entry: Entry) -> dict[str, Any]:
    """What the kinds of entries say beyond their text."""
    if entry.kind in (EntryKind.WARNED, EntryKind.BROKEN):
        return {"clock": entry.data.get("clock")}
    if entry.kind is EntryKind.INCIDENT:
        return {"joined": "joined" in entry.data or "joined" in entry.text.en}
    return {}


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def _clock(clock: Clock) -> dict[str, Any]:
    return {
        "clock": clock.name,
        "title": _both(clock.title),
        "state": clock.state.value,
        "target_s": clock.target_s,
        "due": clock.due_at,
    }

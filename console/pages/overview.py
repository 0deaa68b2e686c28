"""The first page: which promise is in danger, what is open, which site and device is silent or slow."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from alerts.types import Alert, Impact, Incident
from collector.store import AgentRow
from console.guard import Here, SignedIn
from console.promises import Promise, Standing, promises
from console.reads import OVER, Reads, reading
from model.inventory import Customer, Device, Site
from model.text import Text

router = APIRouter()

SLOWEST = 6
SILENT_KIND = "device_silent"
AGENT_SILENT_KIND = "agent_silent"


class SiteRow(msgspec.Struct, frozen=True, kw_only=True):
    """One site at a glance. `worst` is None when nothing is open."""

    site: Site
    customer: Customer
    worst: Impact | None
    incidents: int
    devices: int
    silent: int
    agent: AgentRow | None
    agent_silent: bool


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """A device that answers slowly, or not at all (`since`)."""

    device: Device
    round_trip_s: float | None = None
    since: int | None = None


@router.get("/")
def overview(request: Request, here: Here, viewer: SignedIn) -> HTMLResponse:
    """Everything on one screen, worst first."""
    with reading(here.centre, viewer) as reads:
        tickets = [ticket for ticket in reads.tickets() if ticket.state not in OVER]
        running = promises(reads.running(tickets), reads.now)
        incidents = reads.incidents()
        alerts = reads.alerts(open_only=True)
        return here.page(
            request,
            "overview.html",
            viewer,
            promises=running,
            cards=cards(running),
            standings={standing: _count(running, standing) for standing in Standing},
            tickets=tickets,
            incidents=incidents,
            ticket_of={ticket.incident: ticket for ticket in tickets},
            sites=site_rows(reads, incidents, alerts),
            lags=lags(reads, alerts),
            reads=reads,
        )


def site_rows(reads: Reads, incidents: list[Incident], alerts: list[Alert]) -> list[SiteRow]:
    """The viewer's sites, the worst hit first."""
    devices = reads.devices()
    agents = {agent.site: agent for agent in reads.agents()}
    silent = {alert.device for alert in alerts if alert.kind == SILENT_KIND}
    deaf = {alert.device.partition("/")[0] for alert in alerts if alert.kind == AGENT_SILENT_KIND}
    rows = []
    for site in reads.sites():
        mine = [incident for incident in incidents if incident.site == site.id]
        rows.append(
            SiteRow(
                site=site,
                customer=customer_of(reads, site.customer),
                worst=min((i.impact for i in mine), key=lambda impact: impact.rank, default=None),
                incidents=len(mine),
                devices=sum(device.site == site.id and device.kind != "agent" for device in devices),
                silent=sum(device.id in silent for device in devices if device.site == site.id),
                agent=agents.get(site.id),
                agent_silent=site.id in deaf,
            )
        )
    return sorted(rows, key=lambda row: (row.worst.rank if row.worst else 9, row.site.id))


def lags(reads: Reads, alerts: list[Alert]) -> list[Lag]:
    """Silent devices, longest first, then the slowest answers."""
    silent = sorted((a for a in alerts if a.kind == SILENT_KIND), key=lambda alert: alert.raised_at)
    trips = [r for r in reads.latest() if r.point == "device.round_trip"]
    slow = sorted(trips, key=lambda r: -r.value)[:SLOWEST]
    gone = {alert.device for alert in silent}
    return [
        *(Lag(device=reads.inventory.device(a.device), since=a.raised_at) for a in silent),
        *(Lag(device=reads.inventory.device(r.device), round_trip_s=r.value) for r in slow if r.device not in gone),
    ]


def customer_of(reads: Reads, id: str) -> Customer:
    """The customer, or a stand-in for one that nobody listed."""
    return reads.inventory.customers.get(id) or Customer(id=id, name=Text(id, id))


def cards(running: list[Promise]) -> list[tuple[Promise, list[Promise]]]:
    """One card a ticket, worst first: its most urgent promise, and the others below it."""
    by_ticket: dict[str, list[Promise]] = {}
    for promise in running:
        by_ticket.setdefault(promise.ticket.id, []).append(promise)
    return [(mine[0], mine[1:]) for mine in by_ticket.values()]


def _count(running: list[Promise], standing: Standing) -> int:
    return sum(promise.standing is standing for promise in running)

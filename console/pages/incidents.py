"""Incidents: what belongs together, and why."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from console.guard import Here, SignedIn
from console.reads import reading, urgency

router = APIRouter()


@router.get("/incidents")
def incidents(request: Request, here: Here, viewer: SignedIn, all: bool = False) -> HTMLResponse:
    """The open ones, or all."""
    with reading(here.centre, viewer) as reads:
        tickets = {ticket.incident: ticket for ticket in reads.tickets()}
        found = reads.incidents(open_only=not all)
        return here.page(request, "incidents.html", viewer, incidents=found, ticket_of=tickets, all=all, reads=reads)


@router.get("/incidents/{id}")
def incident(request: Request, here: Here, viewer: SignedIn, id: str) -> HTMLResponse:
    """One: its members, why each joined, and its ticket."""
    with reading(here.centre, viewer) as reads:
        found = reads.incident(id)
        members = sorted(reads.alerts(incident=id), key=urgency)
        ticket = reads.ticket_of(id)
        return here.page(request, "incident.html", viewer, incident=found, members=members, ticket=ticket, reads=reads)

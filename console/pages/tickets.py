"""Tickets: the promise, its clocks, its ledger, its evidence, and what a person may do about it."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.types import Alert, Incident
from console.context import link
from console.errors import ConsoleError, NotAllowed, Refused
from console.guard import Here, SignedForm, SignedIn
from console.promises import Promise, promise
from console.reads import OVER, Reads, reading, urgency
from desk import store as desk
from desk.acts import ActRefused
from desk.types import EntryKind, Ticket
from model.reading import Series
from model.text import Text

router = APIRouter()

#: What a chart of evidence shows before the first alert, and at least.
LEAD_MS = 600_000
GRAPHS = 6
LONGEST_TEXT = 4000


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """One series that a finding rests on, with the stretch of time to draw."""

    series: Series
    start: int
    end: int
    expected: float | None

    @property
    def url(self) -> str:
        """Where its columns come from."""
        device, point, index = self.series
        return link("/v1/series", device=device, point=point, index=index, start=self.start, end=self.end)


@router.get("/tickets")
def tickets(request: Request, here: Here, viewer: SignedIn, all: bool = False) -> HTMLResponse:
    """The open ones with their clocks, or all."""
    with reading(here.centre, viewer) as reads:
        found = [ticket for ticket in reads.tickets() if all or ticket.state not in OVER]
        computed = reads.clocks_of(found)
        clocks = {t.id: [promise(t, clock, reads.now) for clock in computed[t.id]] for t in found}
        return here.page(request, "tickets.html", viewer, tickets=found, clocks=clocks, all=all, reads=reads)


@router.get("/tickets/{id}")
def ticket(request: Request, here: Here, viewer: SignedIn, id: str) -> HTMLResponse:
    """One ticket, whole."""
    with reading(here.centre, viewer) as reads:
        found = reads.ticket(id)
        incident, ledger = _incident(reads, found), reads.ledger(found)
        alerts = sorted(reads.alerts(incident=found.incident), key=urgency)
        return here.page(
            request,
            "ticket.html",
            viewer,
            ticket=found,
            incident=incident,
            policy=reads.policy(found),
            level=reads.level(found),
            alerts=alerts,
            clocks=_promises(reads, found),
            ledger=ledger,
            graphs=graphs(reads, alerts)[:GRAPHS],
            warranty=[entry for entry in ledger if entry.kind is EntryKind.WARRANTY],
            over=found.state in OVER,
            reads=reads,
        )


@router.post("/tickets/{id}/acts")
async def act(here: Here, signed: SignedForm, id: str) -> Response:
    """Acknowledge, note, on site, close. Who and when stand in the ledger."""
    viewer, form = signed
    kind, text = _act(str(form.get("kind") or ""), str(form.get("text") or ""))
    if not viewer.may(kind):
        raise NotAllowed(f"role {viewer.role} may not write {kind}")

    def work(conn: sa.Connection) -> Any:
        now = here.centre.now()
        Reads(here.centre, conn, viewer).ticket(id)
        try:
            return desk.act(conn, id, kind, viewer.login, Text(text, text), now, now)
        except ActRefused as error:
            raise Refused(error.text) from error

    await here.centre.transact(work)
    return RedirectResponse(f"/tickets/{id}", status_code=303)


def graphs(reads: Reads, alerts: list[Alert]) -> list[Graph]:
    """The series behind the evidence, each once, the first alert's first. Of several lines of evidence on one series
    the last says what the curve should have been: the first ones may speak of sums."""
    found: dict[Series, Graph] = {}
    for alert in alerts:
        for series, evidence in reads.behind(alert).items():
            start = min(alert.raised_at, evidence.at) - LEAD_MS
            end = min(reads.now, alert.cleared_at + LEAD_MS) if alert.cleared_at else reads.now
            graph = Graph(series=series, start=start, end=max(end, start + 1), expected=evidence.expected)
            found.setdefault(series, graph)
    return list(found.values())


def _act(kind: str, text: str) -> tuple[EntryKind, str]:
    """What the form asks for. A close and a note need words."""
    try:
        wanted = EntryKind(kind)
    except ValueError as error:
        raise ConsoleError(f"no such act: {kind[:40]}") from error
    text = text.strip()
    if len(text) > LONGEST_TEXT or (not text and wanted in (EntryKind.NOTE, EntryKind.CLOSED)):
        raise ConsoleError(f"expected 1 to {LONGEST_TEXT} characters, got {len(text)}")
    return wanted, text


def _promises(reads: Reads, ticket: Ticket) -> list[Promise]:
    return [promise(ticket, clock, reads.now) for clock in reads.clocks(ticket)]


def _incident(reads: Reads, ticket: Ticket) -> Incident:
    return reads.incident(ticket.incident)

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
from console.reads import OVER, Reads, reading
from desk import store as desk
from desk.acts import ActRefused
from desk.types import EntryKind, Ticket
from model.finding import Evidence
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
        incident = _incident(reads, found)
        alerts = sorted(
            reads.alerts(incident=found.incident),
            key=lambda a: (a.cleared_at is not None, a.severity.rank, a.raised_at, a.device),
        )
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
            ledger=reads.ledger(found),
            graphs=graphs(reads, alerts)[:GRAPHS],
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
    """The series behind the evidence, each once, the first alert's first."""
    found: dict[Series, Graph] = {}
    for alert in alerts:
        for evidence in alert.finding.evidence:
            series = _series(reads, alert, evidence)
            if series and series not in found:
                start = min(alert.raised_at, evidence.at) - LEAD_MS
                end = min(reads.now, alert.cleared_at + LEAD_MS) if alert.cleared_at else reads.now
                found[series] = Graph(series=series, start=start, end=max(end, start + 1), expected=evidence.expected)
    return list(found.values())


def _series(reads: Reads, alert: Alert, evidence: Evidence) -> Series | None:
    """The kept series that the evidence names; where it names no phase, the first one."""
    kept = [series for series in reads.series(alert.device) if series[1] == evidence.point]
    return next((series for series in kept if series[2] == evidence.index), min(kept, key=str, default=None))


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

"""Tickets: the promise, its clocks, its ledger, its evidence, and what a person may do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.types import Alert
from console import books, deeds
from console.context import link
from console.errors import NotAllowed
from console.guard import Here, SignedForm, SignedIn
from console.office import Act, Call, Desk, checked, kind_of, moment
from console.promises import Promise, promise
from console.reads import LEAD_MS, OVER, Reads, reading, urgency
from desk import roster, show
from desk import store as desk
from desk.opening import ASKED
from desk.policies import load
from desk.policy import FLAGS
from desk.types import EntryKind, Ticket, TicketKind
from model.reading import Series

router = APIRouter()

#: Of a ticket's evidence, at most so many are drawn.
GRAPHS = 6
#: What a person may open; the rest opens by itself.
BY_HAND = (TicketKind.DEFECT, TicketKind.CONSULTATION, TicketKind.PLANNED)


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


@router.get("/tickets/new")
def new_ticket(request: Request, here: Here, viewer: SignedIn, site: str = "") -> HTMLResponse:
    """First the site, then what its contract asks a caller for."""
    with reading(here.centre, viewer) as reads:
        sites = reads.sites()
        known = site if any(one.id == site for one in sites) else ""
        policy = None
        if known:
            customer = reads.inventory.site(known).customer
            policy = load(reads.inventory.policy(customer, show.moment(reads.now, reads.tz(known))[:10])) or load(
                "default"
            )
        return here.page(
            request,
            "ticket_new.html",
            viewer,
            sites=sites,
            site=known,
            devices=[d for d in reads.devices() if d.site == known],
            policy=policy,
            asked={name: key for name, key in ASKED.items() if policy and name in policy.intake},
            kinds=BY_HAND if viewer.staff else BY_HAND[:2],
            flags=FLAGS,
            reads=reads,
        )


@router.post("/tickets/new")
async def open_ticket(here: Here, signed: SignedForm) -> Response:
    """Somebody called. The same call told twice (same person, words and minute) is one ticket."""
    viewer, form = signed
    call, when = _call(form), str(form.get("at") or "")

    def work(conn: sa.Connection) -> str:
        office = Desk(here.centre, conn, viewer)
        at = moment(when, office.reads.tz(call.place.partition("/")[0]))
        return office.open(msgspec.structs.replace(call, at=at)).id

    id = await here.centre.transact(work)
    return RedirectResponse(f"/tickets/{id}", status_code=303)


@router.get("/tickets/{id}")
def ticket(request: Request, here: Here, viewer: SignedIn, id: str) -> HTMLResponse:
    """One ticket, whole."""
    with reading(here.centre, viewer) as reads:
        found = reads.ticket(id)
        incident, ledger, policy = reads.incident_of(found), reads.ledger(found), reads.policy(found)
        alerts = sorted(reads.alerts(incident=found.incident), key=urgency) if incident else []
        field = books.field_of(reads, found)
        going = viewer.staff and found.state not in OVER
        return here.page(
            request,
            "ticket.html",
            viewer,
            ticket=found,
            incident=incident,
            policy=policy,
            level=reads.level(found),
            alerts=alerts,
            clocks=_promises(reads, found),
            ledger=ledger,
            graphs=graphs(reads, alerts)[:GRAPHS],
            warranty=[entry for entry in ledger if entry.kind is EntryKind.WARRANTY],
            case=show.case_lines(ledger, here.language(request)),
            over=found.state in OVER,
            deeds=deeds.offered(policy, found, ledger, field.parts, viewer, reads.now),
            modes=deeds.modes(),
            field=field,
            candidates=roster.candidates(reads.conn, found.id, reads.now) if going else [],
            reads=reads,
        )


@router.get("/tickets/{id}/explain")
def explain(request: Request, here: Here, viewer: SignedIn, id: str) -> HTMLResponse:
    """Every clock taken apart: which stretch counts, by which entry and line of the contract."""
    with reading(here.centre, viewer) as reads:
        found = reads.ticket(id)
        explained = desk.explain(reads.conn, id, reads.now)
        lines = show.explain_lines(explained, here.language(request))
        return here.page(request, "explain.html", viewer, ticket=found, lines=lines, reads=reads)


@router.post("/tickets/{id}/acts")
async def act(here: Here, signed: SignedForm, id: str) -> Response:
    """Whatever the desk lets a person do. Who and when stand in the ledger."""
    viewer, form = signed
    kind = kind_of(str(form.get("kind") or ""))
    text, when, seen = (
        checked(kind, str(form.get("text") or "")),
        str(form.get("at") or ""),
        str(form.get("seen") or ""),
    )
    if not viewer.may(kind):
        raise NotAllowed(f"role {viewer.role} may not write {kind}")

    def work(conn: sa.Connection) -> Any:
        office = Desk(here.centre, conn, viewer)
        at = moment(when, office.reads.tz(office.reads.ticket(id).site))
        known = int(seen) if seen.isdecimal() else None
        office.act(id, Act(kind=kind, text=text, at=at, data=dict(deeds.data_of(form)), seen=known))

    await here.centre.transact(work)
    return RedirectResponse(f"/tickets/{id}", status_code=303)


def graphs(reads: Reads, alerts: list[Alert]) -> list[Graph]:
    """The series behind the evidence, each once, the first alert's first. Of several lines of evidence on one series
    the last says what the curve should have been: the first ones may speak of sums."""
    found: dict[Series, Graph] = {}
    for alert in alerts:
        for series, evidence in reads.behind(alert).items():
            start = min(alert.raised_at, evidence.at) - reads.lead_of(alert, series)
            end = min(reads.now, alert.cleared_at + LEAD_MS) if alert.cleared_at else reads.now
            graph = Graph(series=series, start=start, end=max(end, start + 1), expected=evidence.expected)
            found.setdefault(series, graph)
    return list(found.values())


def _call(form: Mapping[str, Any]) -> Call:
    """What the form says; the desk judges it."""
    said = {name: str(value).strip() for name, value in form.items() if isinstance(value, str)}
    kind = next((k for k in BY_HAND if k.value == said.get("kind")), TicketKind.DEFECT)
    facts = {name.removeprefix("fact."): value for name, value in said.items() if name.startswith("fact.") and value}
    title, _, more = checked(EntryKind.NOTE, said.get("text", "")).partition("\n")
    data: dict[str, str | int | float | None] = dict(deeds.data_of(form))
    if more.strip():
        data["words"] = more.strip()
        data.setdefault("fault_information", more.strip())
    unknown = [str(name) for name in _all(form, "not_known")]
    if unknown:
        data["not_known"] = ",".join(unknown)
    return Call(kind=kind, place=said.get("place", ""), title=title.strip(), data=data, facts=dict(facts))


def _all(form: Mapping[str, Any], name: str) -> list[Any]:
    listed = getattr(form, "getlist", None)
    return list(listed(name)) if listed else []


def _promises(reads: Reads, ticket: Ticket) -> list[Promise]:
    return [promise(ticket, clock, reads.now) for clock in reads.clocks(ticket)]

"""What was learned and what was promised: FAQ, contracts as the desk reads them, the outbox, documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console import papers as made
from console.errors import NotAllowed, NotThere
from console.guard import Here, SignedForm, SignedIn
from console.office import Desk, refusals
from console.pages.casework import file_answer
from console.reads import Reads, reading
from desk import documents, faq, outbox, reports
from desk.policies import POLICIES, lint
from desk.policy_lint import NOTE, PolicyFinding, findings
from desk.reports import Report

router = APIRouter()
_MOST_ROWS = 200


@router.get("/faq")
def learned(request: Request, here: Here, viewer: SignedIn, q: str = "") -> HTMLResponse:
    """Accepted answers by words; staff also sees what waits for a decision. Customers' cases are staff's to read."""
    if not viewer.staff:
        raise NotAllowed(f"role {viewer.role} does not read other customers' cases")
    with reading(here.centre, viewer) as reads:
        hits = [hit.item for hit in faq.find(reads.conn, q[:400], limit=20)] if q.strip() else []
        waits = [item for item in faq.listed(reads.conn) if item.state not in ("accepted", "rejected")]
        known = hits if q.strip() else faq.listed(reads.conn, faq.ACCEPTED)[:50]
        return here.page(request, "faq.html", viewer, q=q[:400], items=known, waits=waits[:50], reads=reads)


@router.post("/faq")
async def decide(here: Here, signed: SignedForm) -> Response:
    """Accept or reject an entry, or propose what a solved ticket teaches."""
    viewer, form = signed
    if not viewer.staff:
        raise NotAllowed(f"role {viewer.role} may not do this")
    do, id = str(form.get("do") or ""), str(form.get("id") or "")

    def write(conn: sa.Connection) -> None:
        office = Desk(here.centre, conn, viewer)
        with refusals():
            if do == "propose":
                reports.propose(conn, office.reads.inventory, office.reads.ticket(id).id, office.now)
            else:
                faq.decide(conn, id, do, viewer.login, office.now)

    await here.centre.transact(write)
    return RedirectResponse("/faq", status_code=303)


@router.get("/policies")
def policies(_: SignedIn) -> Response:
    """The first of them; each page leads to the others."""
    return RedirectResponse(f"/policies/{sorted(POLICIES)[0]}", status_code=303)


@router.get("/policies/{id}")
def policy(request: Request, here: Here, viewer: SignedIn, id: str) -> HTMLResponse:
    """A contract as the desk reads it: levels, times, ladder, findings of the linter, notes as published."""
    path = POLICIES.get(id)
    if path is None or (not viewer.staff and id not in _own(here, viewer)):
        raise NotThere(f"no policy {id[:60]}")
    found, problems = lint(path)
    if found is None:
        raise NotThere(f"policy {id} cannot be read")
    told = _told(found, path, [p.key for p in problems if p.severity == "error"]) if viewer.staff else []
    with reading(here.centre, viewer) as reads:
        return here.page(
            request,
            "policy.html",
            viewer,
            policy=found,
            findings=[f for f in told if f.rule != NOTE],
            others=sorted(POLICIES) if viewer.staff else [],
            reads=reads,
        )


@router.get("/outbox")
def out(request: Request, here: Here, viewer: SignedIn) -> HTMLResponse:
    """What has not gone out, and why."""
    if not viewer.staff:
        raise NotAllowed(f"role {viewer.role} sees no outbox")
    with reading(here.centre, viewer) as reads:
        rows = [row for state in ("refused", "pending") for row in outbox.rows(reads.conn, None, state)[:_MOST_ROWS]]
        waiting = outbox.waiting(reads.conn)
        return here.page(request, "outbox.html", viewer, rows=rows, waiting=waiting, reads=reads)


@router.post("/outbox")
async def again(here: Here, signed: SignedForm) -> Response:
    """Put a refused message back in the queue."""
    viewer, form = signed
    if not viewer.staff:
        raise NotAllowed(f"role {viewer.role} may not do this")
    key = str(form.get("key") or "")
    if not await here.centre.transact(lambda conn: outbox.send_again(conn, key)):
        raise NotThere(f"no refused message {key[:80]}")
    return RedirectResponse("/outbox", status_code=303)


@router.get("/documents")
def papers(request: Request, here: Here, viewer: SignedIn) -> HTMLResponse:
    """Everything that is kept for the viewer's customer (staff: for all), by site and equipment."""
    with reading(here.centre, viewer) as reads:
        found = documents.find(reads.conn, customer=reads.only)[:_MOST_ROWS]
        listed = [device for device in reads.devices() if device.id in reads.inventory.devices]
        customers = sorted({site.customer for site in reads.sites() if site.customer in reads.inventory.customers})
        return here.page(
            request,
            "documents.html",
            viewer,
            documents=found,
            devices=listed,
            sites=reads.sites(),
            customers=customers,
            reads=reads,
        )


@router.get("/papers/equipment/{device:path}.pdf")
def equipment(request: Request, here: Here, viewer: SignedIn, device: str) -> Response:
    """A device's file."""
    with reading(here.centre, viewer) as reads:
        return _pdf(made.equipment(reads, device, here.language(request)))


@router.get("/papers/handbook/{site}.pdf")
def handbook(request: Request, here: Here, viewer: SignedIn, site: str) -> Response:
    """A site's health handbook."""
    with reading(here.centre, viewer) as reads:
        return _pdf(made.handbook(reads, site, here.language(request)))


@router.get("/papers/monthly/{customer}.pdf")
def monthly(request: Request, here: Here, viewer: SignedIn, customer: str, month: str | None = None) -> Response:
    """A customer's month."""
    with reading(here.centre, viewer) as reads:
        return _pdf(made.monthly(reads, customer, month, here.language(request)))


def _pdf(report: Report) -> Response:
    return file_answer(made.pdf(report), f"{report.name}.pdf", "application/pdf")


def _own(here: Here, viewer: Any) -> set[str]:
    """The policies of a customer's tickets and contract."""
    with reading(here.centre, viewer) as reads:
        named = {contract.policy for contract in reads.inventory.contracts if viewer.sees(contract.customer)}
        return named | {ticket.policy.partition("@")[0] for ticket in reads.tickets()} | _default(reads)


def _default(reads: Reads) -> set[str]:
    return {"default"} if reads.sites() else set()


def _told(policy: Any, path: Path, wrong: list[str]) -> list[PolicyFinding]:
    """Named by the file, without the place where it is installed."""
    return [msgspec.structs.replace(f, file=path.name) for f in findings(policy, str(path), wrong)]

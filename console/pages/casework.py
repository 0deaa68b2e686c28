"""What belongs to a ticket beside its ledger: consents, visits, forms, documents, reports."""

from __future__ import annotations

import mimetypes
from typing import Annotated, Any
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from console import books, papers
from console.context import Context
from console.errors import ConsoleError, NotAllowed
from console.guard import Here, SignedForm, SignedIn, signed_upload
from console.office import Desk, moment, refusals
from console.reads import reading
from console.viewer import Viewer
from desk import consenting, documents, filing, forms, reports, visiting
from desk.documents import Links
from model.text import Text

router = APIRouter()
SignedUpload = Annotated[tuple[Viewer, FormData], Depends(signed_upload)]


@router.post("/tickets/{id}/consents")
async def consents(here: Here, signed: SignedForm, id: str) -> Response:
    """Ask for a consent, or record what somebody answered. What it opens is desk.consent's to say."""
    viewer, form = _staff(signed)
    do, told = str(form.get("do") or ""), _told(form)

    def work(office: Desk) -> None:
        ticket = office.reads.ticket(id)
        at = moment(told.get("at", ""), office.reads.tz(ticket.site)) or office.now
        conn, who, now = office.conn, viewer.login, office.now
        consent, signer = told.get("consent", ""), told.get("signer", "")
        if do == "ask":
            policy, inventory = office.reads.policy(ticket), office.reads.inventory
            devices = [device for device in told.get("device", "").split(",") if device]
            scope, text = told.get("scope", ""), told.get("text", "")
            consenting.ask(conn, policy, inventory, scope, devices, who, at, now, ticket=id, text=text)
        elif do == "withdraw":
            consenting.withdraw(conn, consent, signer, who, at, now, told.get("text", ""))
        elif do in ("given", "refused"):
            paper = told.get("document") or None
            consenting.sign(conn, consent, told.get("part", ""), signer, who, at, now, document=paper, state=do)
        else:
            raise _no_step(do)

    return await _done(here, viewer, id, work)


@router.post("/tickets/{id}/visits")
async def visit(here: Here, signed: SignedForm, id: str) -> Response:
    """Plan a visit, or tell how far it is: the ledger hears it at the time when it happened."""
    viewer, form = _staff(signed)
    do, told = str(form.get("do") or ""), _told(form)

    def work(office: Desk) -> None:
        ticket = office.reads.ticket(id)
        tz = office.reads.tz(ticket.site)
        at = moment(told.get("at", ""), tz) or office.now
        if do == "plan":
            visiting.plan(
                office.conn, told.get("engineer", ""), viewer.login, at, office.now, ticket=id,
                channel=told.get("channel") or "onsite", change=bool(told.get("change")), anyway=told.get("anyway", ""),
                starts_at=moment(told.get("starts", ""), tz), ends_at=moment(told.get("ends", ""), tz),
            )  # fmt: skip
            return
        state = "done" if do == "unsolved" else do
        if state not in ("dispatched", "arrived", "done", "called_off"):
            raise _no_step(do)
        solved = {"done": True, "unsolved": False}.get(do)
        named = told.get("visit", "")
        if visiting.visit(office.conn, named).ticket != id:
            raise _no_step(named)
        visiting.step(office.conn, named, state, viewer.login, at, office.now, text=told.get("text", ""), solved=solved)

    return await _done(here, viewer, id, work)


@router.post("/tickets/{id}/documents")
async def upload(here: Here, signed: SignedUpload, id: str) -> Response:
    """Keep a file with the ticket. Its type must be what its first bytes say."""
    viewer, form = _staff(signed)
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise ConsoleError("expected a file", Text("expected a file; choose one", "应有文件；请选择一个"))
    name, body = file.filename, await file.read(documents.MOST_BYTES + 1)
    media = file.content_type or ""
    if not media or media == "application/octet-stream":
        media = mimetypes.guess_type(name)[0] or "text/plain"

    def work(office: Desk) -> None:
        ticket = office.reads.ticket(id)
        links = Links(ticket=id, device=ticket.device, site=ticket.site, customer=ticket.customer)
        documents.put(office.conn, here.centre.documents, name, media, body, viewer.login, office.now, links)

    return await _done(here, viewer, id, work)


@router.get("/documents/{hash}")
def document(here: Here, viewer: SignedIn, hash: str) -> Response:
    """One of the viewer's documents: always to save, never to run in our pages."""
    with reading(here.centre, viewer) as reads, refusals():
        found, body = books.document(reads, hash)
    return file_answer(body, found.name, found.media_type)


@router.get("/tickets/{id}/papers/{name}.pdf")
def paper(request: Request, here: Here, viewer: SignedIn, id: str, name: str) -> Response:
    """A report as it would be now, in the reader's language."""
    with reading(here.centre, viewer) as reads:
        report = papers.of_ticket(reads, reads.ticket(id), name, here.language(request))
    return file_answer(papers.pdf(report), f"{report.name}.pdf", "application/pdf")


@router.post("/tickets/{id}/papers")
async def deliver(request: Request, here: Here, signed: SignedForm, id: str) -> Response:
    """Keep the fault report and write into the ledger that it was delivered: its clock stops."""
    viewer, _ = _staff(signed)
    language = here.language(request)

    def draw() -> Any:
        with reading(here.centre, viewer) as reads:
            return papers.of_ticket(reads, reads.ticket(id), "fault", language)

    report = await run_in_threadpool(draw)

    def work(office: Desk) -> None:
        reports.deliver(office.conn, here.centre.documents, report, id, viewer.login, office.now, office.now)

    return await _done(here, viewer, id, work)


@router.get("/tickets/{id}/forms/{form}")
def blank(request: Request, here: Here, viewer: SignedIn, id: str, form: str) -> HTMLResponse:
    """A form of the contract, with what is known already."""
    if not viewer.staff:
        raise NotAllowed(f"role {viewer.role} fills in no forms")
    with reading(here.centre, viewer) as reads:
        ticket = reads.ticket(id)
        policy = reads.policy(ticket)
        rule = books.form_of(policy, form)
        known = forms.prefilled(rule, policy, ticket, reads.ledger(ticket), reads.inventory)
        return here.page(
            request, "form.html", viewer, ticket=ticket, rule=rule, known=known, titles=forms.FIELDS, reads=reads,
            papers=books.field_of(reads, ticket).documents,
        )  # fmt: skip


@router.post("/tickets/{id}/forms/{form}")
async def fill(here: Here, signed: SignedForm, id: str, form: str) -> Response:
    """Filled in for good; the ledger says so, and an opinion in it is a survey."""
    viewer, given = _staff(signed)
    told = _told(given)

    def work(office: Desk) -> None:
        ticket = office.reads.ticket(id)
        at = moment(told.get("at", ""), office.reads.tz(ticket.site)) or office.now
        values = {name.removeprefix("value."): value for name, value in told.items() if name.startswith("value.")}
        filing.fill(
            office.conn, here.centre.documents, office.reads.policy(ticket), form, values, viewer.login, at, office.now,
            of=office.subject(ticket), satisfaction=told.get("satisfaction") or None, signer=told.get("signer") or None,
            signed_document=told.get("document") or None,
        )  # fmt: skip

    return await _done(here, viewer, id, work)


@router.get("/tickets/{id}/forms/{form}/blank.pdf")
def blank_pdf(request: Request, here: Here, viewer: SignedIn, id: str, form: str) -> Response:
    """The same on paper, to write on and sign."""
    if not viewer.staff:
        raise NotAllowed(f"role {viewer.role} fills in no forms")
    with reading(here.centre, viewer) as reads:
        report = papers.form(reads, reads.ticket(id), form, here.language(request))
    return file_answer(papers.pdf(report), f"{report.name}.pdf", "application/pdf")


def file_answer(body: bytes, name: str, media: str) -> Response:
    """A file to save: HTML and SVG are among what people upload, and nothing of theirs runs here."""
    return Response(
        body, media_type=media, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    )


async def _done(here: Context, viewer: Viewer, id: str, work: Any) -> Response:
    """In one transaction, then back to the ticket. Raises NotThere, Refused."""

    def inside(conn: sa.Connection) -> None:
        office = Desk(here.centre, conn, viewer)
        office.reads.ticket(id)
        with refusals():
            work(office)

    await here.centre.transact(inside)
    return RedirectResponse(f"/tickets/{id}", status_code=303)


def _staff(signed: tuple[Viewer, FormData]) -> tuple[Viewer, FormData]:
    if not signed[0].staff:
        raise NotAllowed(f"role {signed[0].role} may not do this")
    return signed


def _told(form: FormData) -> dict[str, str]:
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


def _no_step(do: str) -> ConsoleError:
    return ConsoleError(f"no such step: {do[:40]}", Text(f"no such step: {do[:40]}", f"没有此操作：{do[:40]}"))

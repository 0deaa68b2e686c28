"""The field at a glance: visits, planned work, consents, engineers, complaints; and what may be written there."""

from __future__ import annotations

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from console import books
from console.errors import NotAllowed
from console.guard import Here, SignedForm, SignedIn
from console.office import Desk, checked, moment, refusals
from console.reads import Reads, reading
from console.viewer import Viewer
from desk import complaints, duty_book, roster
from desk.duties import DutyState, Standing
from desk.lines import Subject
from desk.types import EntryKind
from model.text import Text

router = APIRouter()
#: What is worth a look; the rest shows with ?all=1.
_NOW = (DutyState.OVERDUE, DutyState.DUE, DutyState.SOON)
_ORDER = {state: n for n, state in enumerate((*_NOW, DutyState.SCHEDULED, DutyState.WORDS, DutyState.DONE))}


@router.get("/planned")
def planned(request: Request, here: Here, viewer: SignedIn, all: bool = False) -> HTMLResponse:
    """Visits that are not over, work that falls due, consents that hold."""
    with reading(here.centre, viewer) as reads:
        found = sorted(books.duties(reads), key=_urgency)
        return here.page(
            request,
            "planned.html",
            viewer,
            visits=books.visits(reads),
            duties=[s for s in found if all or s.state in _NOW],
            hidden=0 if all else sum(s.state not in _NOW for s in found),
            consents=[(held, asked) for held, asked in books.consents(reads) if held.ended is None],
            all=all,
            reads=reads,
        )


@router.post("/planned/done")
async def done(here: Here, signed: SignedForm) -> Response:
    """A duty was done: by whom, when."""
    viewer, form = _staff(signed)
    key, when = str(form.get("key") or ""), str(form.get("at") or "")

    def write(conn: sa.Connection) -> None:
        office = Desk(here.centre, conn, viewer)
        with refusals():
            inventory = office.reads.inventory
            job = duty_book.job(conn, inventory, key, office.now)
            at = moment(when, job.tz) or office.now
            duty_book.done(conn, inventory, key, viewer.login, at, office.now, text=str(form.get("text") or ""))

    await here.centre.transact(write)
    return RedirectResponse("/planned", status_code=303)


@router.get("/engineers")
def engineers(request: Request, here: Here, viewer: SignedIn) -> HTMLResponse:
    """Who there is. The service company's own business."""
    if not viewer.staff:
        raise NotAllowed(f"role {viewer.role} sees no roster")
    with reading(here.centre, viewer) as reads:
        found = sorted(roster.everybody(reads.conn), key=lambda e: e.id)
        return here.page(request, "engineers.html", viewer, engineers=found, visits=books.visits(reads), reads=reads)


@router.post("/engineers")
async def engineer(here: Here, signed: SignedForm) -> Response:
    """Put somebody on the roster, or change what is known of them."""
    viewer, form = _staff(signed)
    told = {name: value.strip() for name, value in form.items() if isinstance(value, str)}

    def write(conn: sa.Connection) -> None:
        name = told.get("name_en") or told.get("name_zh") or told.get("id", "")
        skills = [skill.strip() for skill in told.get("skills", "").split(",") if skill.strip()]
        with refusals():
            roster.put(
                conn, told.get("id", ""), Text(name, told.get("name_zh") or name), viewer.login, here.centre.now(),
                grade=told.get("grade") or None, skills=skills, base=told.get("base", ""), hours=told.get("hours") or "5x8",
            )  # fmt: skip

    await here.centre.transact(write)
    return RedirectResponse("/engineers", status_code=303)


@router.get("/complaints")
def complained(request: Request, here: Here, viewer: SignedIn, all: bool = False) -> HTMLResponse:
    """What customers complain of or suggest, with the answers; a customer's own only."""
    with reading(here.centre, viewer) as reads:
        found = books.complaints_of(reads, open_only=not all)
        mine = reads.tickets()
        return here.page(request, "complaints.html", viewer, complaints=found, tickets=mine, all=all, reads=reads)


@router.post("/complaints")
async def complain(here: Here, signed: SignedForm) -> Response:
    """Take one in. It belongs to a ticket, or to a customer's first site."""
    viewer, form = signed
    words = checked(EntryKind.NOTE, str(form.get("text") or ""))
    kind, ticket = str(form.get("kind") or ""), str(form.get("ticket") or "")

    def write(conn: sa.Connection) -> None:
        office = Desk(here.centre, conn, viewer)
        of = office.subject(office.reads.ticket(ticket)) if ticket else _whose(office.reads)
        with refusals():
            complaints.open_one(conn, kind, words, viewer.login, office.now, office.now, of=of, by=viewer.name)

    await here.centre.transact(write)
    return RedirectResponse("/complaints", status_code=303)


@router.post("/complaints/{id}")
async def answered(here: Here, signed: SignedForm, id: str) -> Response:
    """Answer it, report it to a department, settle it: each with words."""
    viewer, form = _staff(signed)
    told = {name: value.strip() for name, value in form.items() if isinstance(value, str)}

    def write(conn: sa.Connection) -> None:
        now = here.centre.now()
        with refusals():
            complaints.step(
                conn, id, told.get("do", ""), told.get("text", ""), viewer.login, now, now, to=told.get("to") or None
            )

    await here.centre.transact(write)
    return RedirectResponse("/complaints", status_code=303)


def _whose(reads: Reads) -> Subject:
    return Subject(customer=reads.only)


def _urgency(standing: Standing) -> tuple[int, int, str]:
    return _ORDER[standing.state], standing.due_at or 0, standing.job.key


def _staff(signed: tuple[Viewer, FormData]) -> tuple[Viewer, FormData]:
    if not signed[0].staff:
        raise NotAllowed(f"role {signed[0].role} may not do this")
    return signed

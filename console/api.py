"""The HTTP API for people's tools and integrators: `/api/v1/tickets` (docs/api.md, and OpenAPI at /v1/openapi.json).

A key stands for a person and has that person's role; all reads and writes go the way of the pages (console.reads,
console.office). Writes take only a key, never a cookie, so no page elsewhere can make a browser write. A request with
an `Idempotency-Key` acts once: what it was answered is kept in the same transaction and said again to its repeat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.security import HTTPBearer

from console import api_form, deeds, login, store
from console.api_form import NewAct, NewTicket, described
from console.context import Context
from console.errors import ConsoleError, NotLoggedIn, as_json
from console.guard import Here, somebody
from console.office import Act, Call, Desk, checked, kind_of
from console.reads import OVER, Reads, reading
from console.viewer import Viewer
from desk import show, storeroom
from desk import store as desk
from desk.sql import Due
from desk.types import Ticket, TicketKind, TicketState
from model.text import Text

T = TypeVar("T")
router = APIRouter(prefix="/api/v1", tags=["tickets"])

MOST = 500
#: A body is a few sentences.
BODY_MOST = 65_536
#: Answers are remembered so long.
REMEMBER_MS = 7 * 86_400_000
_KEY_MOST = 200
STATES = ("open", "all", *(state.value for state in TicketState))


class TooLarge(ConsoleError):
    """The body has more than BODY_MOST bytes."""

    status = 413


class Unclear(ConsoleError):
    """The body or a parameter is not what docs/api.md says."""

    status = 422


#: So that OpenAPI says how keys are sent; `keyed` reads them.
BEARER = HTTPBearer(scheme_name="key", auto_error=False)


def keyed(request: Request, here: Here, _: Annotated[Any, Security(BEARER)] = None) -> Viewer:
    """Whose key came with the request. Raises NotLoggedIn."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise NotLoggedIn("expected Authorization: Bearer KEY")
    with here.centre.engine.connect() as conn:
        viewer = login.viewer_of_key(conn, key.strip())
    if viewer is None:
        raise NotLoggedIn("the key is not known or was revoked")
    return viewer


def reader(request: Request, here: Here) -> Viewer:
    """A key, or the login of a browser: reading needs no more."""
    if request.headers.get("authorization"):
        return keyed(request, here)
    viewer = somebody(request, here)
    if viewer is None:
        raise NotLoggedIn("expected Authorization: Bearer KEY, or a login")
    return viewer


Keyed = Annotated[Viewer, Depends(keyed)]
Reader = Annotated[Viewer, Depends(reader)]


@router.get("/tickets", openapi_extra=described(answer=api_form.Page))
def tickets(
    here: Here,
    viewer: Reader,
    state: Annotated[str, Query(description=f"one of {', '.join(STATES)}; open: all that are not over")] = "open",
    customer: str | None = None,
    site: str | None = None,
    device: str | None = None,
    owner: Annotated[str | None, Query(description="the engineer who has it; open tickets only")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    after: Annotated[str | None, Query(description="`next` of the page before")] = None,
) -> Response:
    """Open tickets by the nearest end of a promise, or others newest first; a page at a time."""
    if state not in STATES:
        raise Unclear(f"state: expected one of {', '.join(STATES)}, got {state[:40]}")
    with reading(here.centre, viewer) as reads:
        if reads.only is not None and customer not in (None, reads.only):
            return _json({"tickets": [], "next": None})
        whose = {"customer": reads.only if reads.only is not None else customer, "site": site, "device": device}
        wanted = {s for s in TicketState if state in ("all", s.value) or (state == "open" and s not in OVER)}
        if wanted & set(OVER):
            return _json(_newest(reads, wanted, whose, limit, after))
        return _json(_by_due(reads, wanted, {**whose, "owner": owner}, limit, after))


@router.get("/tickets/{id}", openapi_extra=described())
def ticket(here: Here, viewer: Reader, id: str) -> Response:
    """One ticket with its clocks, its ledger, what was known when it was opened, and what may be done now."""
    with reading(here.centre, viewer) as reads:
        return _json(_whole(reads, reads.ticket(id)))


@router.get("/tickets/{id}/explain", openapi_extra=described())
def explain(here: Here, viewer: Reader, id: str) -> Response:
    """Each clock's intervals: by which entry and line of the contract; the sums can be checked by hand."""
    with reading(here.centre, viewer) as reads:
        reads.ticket(id)
        return _json(show.explain_json(desk.explain(reads.conn, id, reads.now)))


@router.post("/tickets", status_code=201, openapi_extra=described(NewTicket))
async def open_ticket(request: Request, here: Here, viewer: Keyed) -> Response:
    """A ticket that somebody told of. The same call (who, at, title) told twice is one ticket."""
    body = await _body(request)
    told = _decode(body, NewTicket)

    def work(office: Desk) -> Any:
        call = Call(
            kind=_ticket_kind(told.kind), place=told.place, title=told.title, at=told.at, data=told.data, facts=told.facts
        )  # fmt: skip
        return _whole(office.reads, office.open(call))

    return await _once(request, here, viewer, body, work)


@router.post("/tickets/{id}/acts", status_code=201, openapi_extra=described(NewAct))
async def act(request: Request, here: Here, viewer: Keyed, id: str) -> Response:
    """What a person did; `entries` are those it made, none if it was told before."""
    body = await _body(request)
    told = _decode(body, NewAct)
    kind = kind_of(told.kind)
    wanted = Act(kind=kind, text=checked(kind, told.text), at=told.at, data=told.data, seen=told.seen)

    def work(office: Desk) -> Any:
        made = office.act(id, wanted)
        return {"entries": [show.entry_json(e) for e in made], "ticket": _whole(office.reads, office.reads.ticket(id))}

    return await _once(request, here, viewer, body, work)


async def not_understood(request: Request, error: Exception) -> Response:
    """What FastAPI finds wrong with a query, below /api/ in both languages."""
    assert isinstance(error, RequestValidationError)
    if not request.url.path.startswith("/api/"):
        return await request_validation_exception_handler(request, error)
    where = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
    return Response(as_json(_unclear(where)), status_code=422, media_type="application/json")


def _by_due(
    reads: Reads, wanted: set[TicketState], whose: dict[str, str | None], limit: int, after: str | None
) -> dict[str, Any]:
    found: list[Due] = []
    last = _due_of(reads, after) if after else None
    while len(found) < limit:
        page = desk.by_due(reads.conn, limit=limit, after=last, **whose)
        found += [due for due in page if due.ticket.state in wanted]
        if len(page) < limit:
            return {
                "tickets": [_line(reads, due.ticket, due.due_at) for due in found[:limit]],
                "next": _after(found, limit),
            }
        last = page[-1]
    return {
        "tickets": [_line(reads, due.ticket, due.due_at) for due in found[:limit]],
        "next": _cursor(found[limit - 1]),
    }


def _after(found: list[Due], limit: int) -> str | None:
    return _cursor(found[limit - 1]) if len(found) > limit else None


def _cursor(due: Due) -> str:
    return f"{'-' if due.due_at is None else due.due_at}.{due.number}"


def _due_of(reads: Reads, cursor: str) -> Due:
    due, _, number = cursor.partition(".")
    if not number.isdecimal() or not (due == "-" or due.isdecimal()):
        raise _unclear(f"after: expected `next` of the page before, got {cursor[:60]}")
    held = reads.ticket(f"T-{int(number):06d}")
    return Due(ticket=held, due_at=None if due == "-" else int(due), number=int(number))


def _newest(
    reads: Reads, wanted: set[TicketState], whose: dict[str, str | None], limit: int, after: str | None
) -> dict[str, Any]:
    before = reads.ticket(after) if after else None
    found: list[Ticket] = []
    while len(found) <= limit:
        page = desk.tickets(
            reads.conn, whose["customer"], site=whose["site"], device=whose["device"], limit=limit + 1, before=before
        )
        found += [held for held in page if held.state in wanted]
        if len(page) <= limit:
            break
        before = page[-1]
    more = found[limit - 1].id if len(found) > limit else None
    return {"tickets": [_line(reads, held, None) for held in found[:limit]], "next": more}


def _line(reads: Reads, held: Ticket, due_at: int | None) -> dict[str, Any]:
    return {**show.ticket_json(held, reads.policy(held)), "due_at": due_at}


def _whole(reads: Reads, held: Ticket) -> dict[str, Any]:
    policy, ledger = reads.policy(held), reads.ledger(held)
    parts = storeroom.listed(reads.conn, ticket=held.id)
    offered = deeds.offered(policy, held, ledger, parts, reads.viewer, reads.now)
    return {
        **show.ticket_json(held, policy),
        "case": show.case_json(ledger) if reads.viewer.staff else None,
        "clocks": [show.clock_json(clock) for clock in reads.clocks(held)],
        "ledger": [show.entry_json(entry) for entry in ledger],
        "acts": [deed.kind.value for deed in offered],
    }


async def _once(request: Request, here: Context, viewer: Viewer, body: bytes, work: Callable[[Desk], Any]) -> Response:
    """Do it in one transaction, or answer again what its first request was answered."""
    key = request.headers.get("idempotency-key", "")
    if len(key) > _KEY_MOST:
        raise _unclear(f"Idempotency-Key: expected at most {_KEY_MOST} characters, got {len(key)}")
    digest = hashlib.sha256(b"\0".join((request.url.path.encode(), body))).hexdigest()

    def inside(conn: sa.Connection) -> tuple[bytes, bool]:
        said = store.answered(conn, viewer.login, key) if key else None
        if said is not None and said["digest"] != digest:
            raise Unclear(f"Idempotency-Key {key} was used for another request", OTHER_REQUEST.format(key=key))
        if said is not None:
            return str(said["body"]).encode(), True
        made = msgspec.json.encode(work(Desk(here.centre, conn, viewer)))
        if key:
            now = here.centre.now()
            row: dict[str, str | int] = {
                "login": viewer.login, "key": key, "digest": digest, "status": 201, "body": made.decode(), "at": now
            }  # fmt: skip
            store.put_answer(conn, row, now - REMEMBER_MS)
        return made, False

    made, again = await here.centre.transact(inside)
    headers = {"Idempotent-Replay": "true"} if again else {}
    return Response(made, status_code=201, media_type="application/json", headers=headers)


async def _body(request: Request) -> bytes:
    """At most BODY_MOST bytes; more is not read."""
    found = b""
    async for chunk in request.stream():
        found += chunk
        if len(found) > BODY_MOST:
            raise TooLarge(f"expected at most {BODY_MOST} bytes", TOO_LARGE)
    return found


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unclear(f"body: {error}") from error


def _ticket_kind(said: str) -> TicketKind:
    try:
        return TicketKind(said)
    except ValueError as error:
        raise _unclear(f"kind: expected one of {', '.join(k.value for k in TicketKind)}, got {said[:40]}") from error


def _unclear(why: str) -> Unclear:
    return Unclear(why, Text(f"{why}; docs/api.md says what is expected", f"{why}；应有格式见 docs/api.md"))


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


TOO_LARGE = Text("expected at most 64 kB: put the rest into a document", "请求体应不超过 64 kB：其余内容请作为文件上传")
OTHER_REQUEST = Text(
    "Idempotency-Key {key} was used for another request: use a new one",
    "Idempotency-Key {key} 已用于其他请求：请换新的键",
)

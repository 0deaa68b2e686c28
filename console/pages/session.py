"""In, out, and which language."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from console import login
from console.context import LANGUAGE_COOKIE, Context, monotonic_s
from console.guard import SESSION_COOKIE, Here, OwnForm, SignedForm, Somebody, keep_session
from model.text import LANGUAGES

router = APIRouter()


@router.get("/login")
async def login_page(request: Request, here: Here, viewer: Somebody, code: str = "", next: str = "/") -> Response:
    """The form, or straight in with a one-time code on the link."""
    if not code:
        return here.page(request, "login.html", viewer, next=local(next), refused=None, wait_s=0)
    wait_s = here.attempts.wait_s(_caller(request), monotonic_s())
    if not wait_s:
        person = await here.centre.transact(lambda conn: login.redeem(conn, code, here.centre.now()))
        if person is not None:
            return await _come_in(request, here, person, next)
        here.attempts.failed(_caller(request), monotonic_s())
    refused = "wait" if wait_s else "code"
    status = 429 if wait_s else 403
    return here.page(request, "login.html", viewer, status, next=local(next), refused=refused, wait_s=wait_s)


@router.post("/login")
async def login_with_password(request: Request, here: Here, form: OwnForm) -> Response:
    """With a name and a password. Failures count for the name and for the caller's address."""
    name, password, next = (str(form.get(key) or "") for key in ("login", "password", "next"))
    keys = (_caller(request), f"login:{name}")
    wait_s = max(here.attempts.wait_s(key, monotonic_s()) for key in keys)
    fits = not wait_s and await run_in_threadpool(_fits, here, name, password)
    if fits:
        return await _come_in(request, here, name, next)
    if not wait_s:
        for key in keys:
            here.attempts.failed(key, monotonic_s())
    refused = "wait" if wait_s else "password"
    status = 429 if wait_s else 403
    return here.page(request, "login.html", None, status, next=local(next), refused=refused, wait_s=wait_s)


@router.post("/logout")
async def logout(request: Request, here: Here, _signed: SignedForm) -> Response:
    """End the session here and in the browser."""
    token = request.cookies.get(SESSION_COOKIE, "")
    await here.centre.transact(lambda conn: login.close_session(conn, token))
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.get("/language")
def language(request: Request, to: str = "", next: str = "/") -> Response:
    """Remember the reader's language in the browser and go back."""
    answer = RedirectResponse(local(next), status_code=303)
    if to in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, to, max_age=365 * 86400, samesite="lax", secure=request.url.scheme == "https"
        )
    return answer


def local(path: str) -> str:
    """`path` if it leads to one of our own pages, else the first page: nobody is sent away from here.

    >>> local("/tickets/T-000001"), local("//elsewhere"), local("https://elsewhere"), local("/\\\\elsewhere")
    ('/tickets/T-000001', '/', '/', '/')
    """
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain else "/"


async def _come_in(request: Request, here: Context, person: str, next: str) -> Response:
    now, speed = here.centre.now(), here.centre.scale.speed
    token = await here.centre.transact(lambda conn: login.open_session(conn, person, now, speed))
    answer = RedirectResponse(local(next), status_code=303)
    keep_session(answer, request, token)
    return answer


def _fits(here: Context, name: str, password: str) -> bool:
    with here.centre.engine.connect() as conn:
        return login.password_fits(conn, name, password)


def _caller(request: Request) -> str:
    return f"from:{request.client.host if request.client else 'nowhere'}"

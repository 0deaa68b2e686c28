"""Who may come in, and what no browser may do: sessions, roles, forged writes, security headers.

A write (POST) must carry our own Origin (or Referer) and the session's token. The session cookie is
HttpOnly, SameSite=Lax, and Secure over HTTPS. Headers let the browser load from here only.
"""

from __future__ import annotations

import hmac
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import login
from console.context import Context, context
from console.errors import ConsoleError, Forged, NotLoggedIn
from console.viewer import Viewer
from desk.documents import MOST_BYTES
from model.text import Text

SESSION_COOKIE = "roundsman_session"
#: A document and what its form has around it.
UPLOAD_MOST = MOST_BYTES + 65_536
TOO_LARGE = Text("expected a file of at most 32 MB: split or shrink it", "文件应不超过 32 MB：请拆分或压缩")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Here = Annotated[Context, Depends(context)]


def somebody(request: Request, here: Here) -> Viewer | None:
    """Who holds the request's session, if anybody does."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    with here.centre.engine.connect() as conn:
        return login.viewer_of(conn, token, here.centre.now())


def signed_in(viewer: Annotated[Viewer | None, Depends(somebody)]) -> Viewer:
    """Only for those logged in."""
    if viewer is None:
        raise NotLoggedIn("log in first")
    return viewer


async def own_form(request: Request) -> FormData:
    """The form of a POST that came from one of our pages."""
    _same_origin(request)
    return await request.form(max_files=0, max_fields=60, max_part_size=16_384)


async def signed_form(request: Request, here: Here) -> tuple[Viewer, FormData]:
    """The form of a POST by somebody logged in, with the session's token in it."""
    return await _signed(request, here, await own_form(request))


async def signed_upload(request: Request, here: Here) -> tuple[Viewer, FormData]:
    """The same with one file in it. Its length must be told beforehand: nobody fills the disk unseen."""
    _same_origin(request)
    signed_in(await run_in_threadpool(somebody, request, here))
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > UPLOAD_MOST:
        raise ConsoleError(f"expected at most {UPLOAD_MOST} bytes, got {length or 'no length'}", TOO_LARGE)
    return await _signed(request, here, await request.form(max_files=1, max_fields=10, max_part_size=16_384))


async def _signed(request: Request, here: Context, form: FormData) -> tuple[Viewer, FormData]:
    viewer = signed_in(await run_in_threadpool(somebody, request, here))
    token = form.get("csrf")
    if not isinstance(token, str) or not hmac.compare_digest(token.encode(), viewer.csrf.encode()):
        raise Forged("the form's token is not this session's: load the page again")
    return viewer, form


SignedIn = Annotated[Viewer, Depends(signed_in)]
Somebody = Annotated[Viewer | None, Depends(somebody)]
OwnForm = Annotated[FormData, Depends(own_form)]
SignedForm = Annotated[tuple[Viewer, FormData], Depends(signed_form)]


def keep_session(response: Response, request: Request, token: str) -> None:
    """Hand the session to the browser, until it closes or the centre ends it."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=login.SESSION_LIFE_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def _same_origin(request: Request) -> None:
    source = request.headers.get("origin") or request.headers.get("referer")
    if not source or urlsplit(source).netloc != request.headers.get("host"):
        raise Forged("expected a form sent from one of these pages, got one from elsewhere")


class SecurityHeaders:
    """Adds the headers to every answer, errors and streams too. Pages are never kept by caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "public, max-age=31536000, immutable" if static else "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)

"""Puts the console into the centre's app: routes, static files, headers, and pages for what goes wrong."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from collector.centre import Centre
from collector.store import writing
from console import api, store
from console.context import HERE, Context, context
from console.errors import ConsoleError, NotLoggedIn, as_json
from console.guard import SecurityHeaders
from console.pages import ROUTERS


def mount(app: FastAPI, centre: Centre) -> None:
    """Add everything that people see. Creates the console's tables if they are not there."""
    with writing(centre.engine) as conn:
        store.metadata.create_all(conn)
    app.state.console = Context(centre)
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(ConsoleError, _refused)
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)
    app.include_router(api.router)
    app.add_exception_handler(RequestValidationError, api.not_understood)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")


async def _refused(request: Request, error: Exception) -> Response:
    """To the login when nobody is logged in, else a page (JSON below /v1 and /api) that says what is the matter."""
    assert isinstance(error, ConsoleError)
    if request.url.path.startswith(("/v1/", "/api/")):
        return Response(as_json(error), status_code=error.status, media_type="application/json")
    if isinstance(error, NotLoggedIn) and request.method == "GET":
        return RedirectResponse(f"/login?next={quote(request.url.path)}", status_code=303)
    page: HTMLResponse = context(request).page(
        request, "error.html", None, status=error.status, error=type(error).__name__, told=error.said
    )
    return page

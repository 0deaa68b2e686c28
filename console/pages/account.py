"""One's own account: set a password, so that the next visit needs no link."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from console import login, store
from console.context import Context, monotonic_s
from console.errors import ConsoleError, NotThere
from console.guard import SESSION_COOKIE, Here, SignedForm, SignedIn
from console.passwords import MIN_LENGTH
from console.viewer import Viewer
from model.text import Text

router = APIRouter()


@router.get("/account")
def account(request: Request, here: Here, viewer: SignedIn) -> HTMLResponse:
    """Who one is, and the form for a password."""
    return _page(request, here, viewer)


@router.post("/account/password")
async def password(request: Request, here: Here, signed: SignedForm) -> Response:
    """Set or change it. The old one is asked for where there is one; failures count like failed logins."""
    viewer, form = signed
    old, new = str(form.get("old") or ""), str(form.get("new") or "")
    key, token = f"login:{viewer.login}", request.cookies.get(SESSION_COOKIE, "")
    if here.attempts.wait_s(key, monotonic_s()):
        return _page(request, here, viewer, "wait", 429)
    if len(new) < MIN_LENGTH:
        return _page(request, here, viewer, "short", 400)
    if not await here.centre.transact(lambda conn: login.change_password(conn, viewer.login, old, new, token)):
        here.attempts.failed(key, monotonic_s())
        return _page(request, here, viewer, "wrong", 403)
    return _page(request, here, viewer, "done")


@router.post("/account/keys")
async def keys(request: Request, here: Here, signed: SignedForm) -> Response:
    """Make a key of the API, told this once; or revoke one."""
    viewer, form = signed
    gone, name = str(form.get("revoke") or ""), str(form.get("name") or "").strip()
    if gone:
        if not await here.centre.transact(lambda conn: store.revoke_key(conn, viewer.login, gone, here.centre.now())):
            raise NotThere(f"no key {gone[:40]}")
        return _page(request, here, viewer)
    if not name:
        raise ConsoleError("expected a name for the key", Text("expected a name for the key", "应为密钥命名"))
    made = await here.centre.transact(lambda conn: login.make_key(conn, viewer.login, name, here.centre.now()))
    return _page(request, here, viewer, key=made)


def _page(
    request: Request, here: Context, viewer: Viewer, said: str = "", status: int = 200, key: str = ""
) -> HTMLResponse:
    with here.centre.engine.connect() as conn:
        has = login.has_password(conn, viewer.login)
        kept = store.keys_of(conn, viewer.login)
    return here.page(request, "account.html", viewer, status, said=said, has=has, least=MIN_LENGTH, keys=kept, key=key)

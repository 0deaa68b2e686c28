"""What flight recorders kept: listed and handed out as files, and asked for.

`/api/v1/devices/SITE/NAME/recordings` and `/api/v1/recordings/ID`, for those logged in, each of their own sites.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from collector.store import recordings
from console.errors import NotAllowed
from console.guard import Here, SignedForm, SignedIn
from console.reads import Reads, reading
from console.viewer import Role

router = APIRouter()


@router.get("/api/v1/devices/{site}/{name}/recordings")
def of_device(here: Here, viewer: SignedIn, site: str, name: str) -> Response:
    """JSON: `recordings`, newest first, and the `wish` that has not been met, if any."""
    with reading(here.centre, viewer) as reads:
        rows, wish = reads.recordings(f"{site}/{name}"), reads.wish(f"{site}/{name}")
    body = {"recordings": msgspec.to_builtins(rows), "wish": msgspec.to_builtins(wish)}
    return Response(msgspec.json.encode(body), media_type="application/json")


@router.get("/api/v1/recordings/{id}")
def file(here: Here, viewer: SignedIn, id: str) -> Response:
    """The file as it was recorded."""
    with reading(here.centre, viewer) as reads:
        row, body = reads.recording(id)
    disposition = f'attachment; filename="{row.name}"'
    return Response(body, media_type="application/x-ndjson", headers={"Content-Disposition": disposition})


@router.post("/devices/{site}/{name}/recordings")
async def ask(here: Here, signed: SignedForm, site: str, name: str) -> Response:
    """Have the agent record the device's line; it hears of it with its next delivery."""
    viewer, _ = signed
    if viewer.role is Role.CUSTOMER:
        raise NotAllowed("role customer may not ask for a recording")
    device = f"{site}/{name}"

    def work(conn: sa.Connection) -> Any:
        Reads(here.centre, conn, viewer).device(device)
        recordings.ask(conn, device, viewer.login, here.centre.now())

    await here.centre.transact(work)
    return RedirectResponse(f"/devices/{device}#recordings", status_code=303)

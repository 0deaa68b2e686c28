"""The door of the centre (docs/wire.md): batches in, enrolment, health. The console is mounted beside it.

Only the hot path is here, without response models: authenticate, bound, decode, hand to the writer, answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from typing import Any

import msgspec
import orjson
import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from collector import enrol
from collector.neighbours import metrics
from collector.neighbours.door import WriteDoor
from collector.running import Running
from collector.store import fleet, in_words, recordings
from collector.writer import Post
from model.batch import CONTENT_TYPE, BatchError, decode

_ENROL_MAX = 4096


class _EnrolBody(msgspec.Struct, forbid_unknown_fields=False):
    site: str
    code: str
    key_sha256: str


_enrol_body = msgspec.json.Decoder(_EnrolBody)


def build_app(centre: Running) -> FastAPI:
    """The application; `roundsman` mounts the console on it."""
    app = FastAPI(title="Roundsman", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")

    app.add_exception_handler(sa.exc.DBAPIError, partial(_away, centre))
    app.add_exception_handler(sa.exc.TimeoutError, partial(_away, centre))

    @app.post("/v1/batches", openapi_extra={"requestBody": {"content": {CONTENT_TYPE: {}}, "required": True}})
    async def batches(request: Request) -> Response:
        """One spool row. 200: kept for ever; 4xx: do not send it again; 5xx: send it again."""
        return await _batches(centre, request)

    @app.post("/v1/enrol")
    async def enrolment(request: Request) -> Response:
        """Turn a one-time code into an agent."""
        return await _enrolment(centre, request)

    door = WriteDoor(centre, centre.config.write_maps, lambda key: _agent_of(centre, key), _body)
    door.mount(app)
    metrics.mount(app, centre, door)

    @app.get("/healthz")
    async def healthz() -> Response:
        """How the centre is; `problems` says what it waits for."""
        return _json(200, centre.health())

    return app


async def _batches(centre: Running, request: Request) -> Response:
    agent = await _agent(centre, request)
    if agent is None:
        return _no(401, "expected the key of an enrolled agent as Authorization: Bearer; got none or a revoked one")
    body = await _body(request, centre.config.max_body)
    if body is None:
        return _no(413, f"expected at most {centre.config.max_body} bytes")
    try:
        batch = decode(body)
    except BatchError as error:
        return _no(400, str(error))
    id, site = agent
    if batch.site != site:
        return _no(403, f"expected a batch of site {site!r}, got {batch.site!r}: this key is for one site")
    now = centre.now()
    measured = _measured(request, batch.boot, now)
    post = Post(agent=id, site=site, batch=batch, body=body, received_at=now, measured_ms=measured)
    answer = await centre.deliver(post)
    if not answer.kept:
        return _no(503, answer.why, {"Retry-After": "5"})
    kept: dict[str, Any] = {"spool": batch.spool, "row": batch.row}
    if site in centre.writer.wanting:
        kept["wants"] = await _wants(centre, site, now)
    return _json(200, kept)


async def _wants(centre: Running, site: str, now: int) -> Sequence[str]:
    """Devices whose line is to be recorded. The batch is kept already: what fails here comes with the next."""
    try:
        return await centre.transact(lambda conn: recordings.serve(conn, site, now))
    except sa.exc.DBAPIError:
        return []


async def _enrolment(centre: Running, request: Request) -> Response:
    body = await _body(request, _ENROL_MAX)
    if body is None:
        return _no(413, f"expected at most {_ENROL_MAX} bytes")
    try:
        asked = _enrol_body.decode(body)
    except msgspec.DecodeError as error:
        return _no(400, f'expected {{"site", "code", "key_sha256"}}: {error}')
    now = centre.now()
    try:
        agent = await centre.transact(lambda conn: enrol.redeem(conn, asked.site, asked.code, asked.key_sha256, now))
    except enrol.EnrolError as error:
        return _no(403, str(error))
    except sa.exc.DBAPIError as error:
        return _no(503, str(error.orig))
    return _json(200, {"agent": agent})


async def _away(centre: Running, _request: Request, error: Exception) -> Response:
    """The database cannot be asked: whoever came, comes again."""
    return _no(503, in_words(centre.engine, error), {"Retry-After": "5"})


async def _agent(centre: Running, request: Request) -> tuple[str, str] | None:
    """(agent, site) of the key that came with the request."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    if centre.engine.dialect.name == "sqlite":
        return _agent_of(centre, key.strip())
    return await asyncio.to_thread(_agent_of, centre, key.strip())  # a server that is away must not hold up the loop


def _agent_of(centre: Running, key: str) -> tuple[str, str] | None:
    """(agent, site) of a key."""
    if not key:
        return None
    digest = sha256(key.encode()).hexdigest()
    with centre.engine.connect() as conn:
        found = fleet.agent_of_key(conn, digest)
    if found is None or not compare_digest(found[2], digest):
        return None
    return found[0], found[1]


async def _body(request: Request, limit: int) -> bytes | None:
    """The body, or None as soon as it is longer than `limit`."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)


def _measured(request: Request, boot: str, now: int) -> int | None:
    """The centre's clock less the agent's, when the batch is of the agent's present boot."""
    at = request.headers.get("x-roundsman-at", "")
    if request.headers.get("x-roundsman-boot") != boot or not at.lstrip("-").isdigit() or len(at) > 16:
        return None
    return now - int(at)


def _json(status: int, content: Any) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _no(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps({"error": why}), status, headers, media_type="application/json")

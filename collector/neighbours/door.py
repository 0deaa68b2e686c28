"""What Telegraf and any InfluxDB client write: /api/v2/write, and /write of version 1.

    POST /api/v2/write?precision=s      Authorization: Token KEY       (Bearer too)
    POST /write?precision=ms            Authorization: Basic ANY:KEY
    204  everything was read            400  some lines were not: the first of them is named, the others are kept

Rules. A key is for one site, as an agent's: `roundsman enrol SITE --key`. `org`, `bucket`, `db`, `rp` are not looked at. Lines
become a batch as any agent's, and go through intake, history, detectors and desk like it: what is not plausible is in the
quarantine. A client that did not hear our answer sends the same body again: it is known by its hash, that day and the
next. A body with a line that has no time is of now, and so is never a repeat.
"""

from __future__ import annotations

import asyncio
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import msgspec
import orjson
import structlog
from fastapi import FastAPI, Request, Response

from collector.neighbours.line_protocol import PRECISIONS, Bad, Line, lines
from collector.neighbours.mapping import MOST_COUNTED, Map, Taken, take
from collector.neighbours.silence import WRITER as WRITES
from collector.neighbours.silence import Source
from collector.running import Running
from collector.store import deliveries
from collector.store.fleet import WRITER
from collector.writer import Post
from model.batch import MAX_UNPACKED, Batch, encode

log = structlog.get_logger()
#: Readings in one batch: a longer body becomes several.
MOST_READINGS = 10_000
_DAY_MS = 86_400_000
#: (agent, site) of a key.
Who = Callable[[str], tuple[str, str] | None]
Body = Callable[[Request, int], Awaitable[bytes | None]]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A body that was read."""

    taken: Taken
    bad: list[Bad]
    count: int
    stamped: bool  #: every line has its time


class WriteDoor:
    """Both addresses of one centre. `counts` and `left` are for /metrics."""

    def __init__(self, centre: Running, maps: tuple[Map, ...], who: Who, body: Body) -> None:
        self.counts: Counter[str] = Counter()
        self.left: Counter[tuple[str, str, str]] = Counter()
        self._centre = centre
        self._maps = maps
        self._who = who
        self._body = body

    def mount(self, app: FastAPI) -> None:
        """Add the addresses."""

        @app.post("/api/v2/write", include_in_schema=False)
        async def write_v2(request: Request) -> Response:
            return await self._write(request)

        @app.post("/write", include_in_schema=False)
        async def write_v1(request: Request) -> Response:
            return await self._write(request)

        @app.api_route("/ping", methods=["GET", "HEAD"], include_in_schema=False)
        async def ping() -> Response:
            return Response(status_code=204)

    async def _write(self, request: Request) -> Response:
        who = self._who(_key(request.headers.get("authorization", "")))
        if who is None:
            return _no(401, "unauthorized", "expected a key of this centre as Token, Bearer or the password of Basic")
        if not self._maps:
            return _no(404, "not found", "nothing is mapped here: name a mapping file as [collector] write_map")
        precision = request.query_params.get("precision", "ns")
        if precision not in PRECISIONS:
            return _no(400, "invalid", f"expected a precision out of {', '.join(PRECISIONS)}, got {precision[:20]!r}")
        packed = await self._body(request, self._centre.config.max_body)
        body = _unpacked(packed, request.headers.get("content-encoding", ""))
        if packed is None or body is None:
            return _no(
                413, "request too large", f"expected at most {self._centre.config.max_body} bytes, gzip or plain"
            )
        now = self._centre.now()
        said = await asyncio.to_thread(self._read, body, precision, who[1], now)
        if not await self._keep(said, who, body, precision, now):
            return _no(503, "unavailable", "the centre does not take it now; send it again", {"Retry-After": "5"})
        self._count(said)
        source = Source(id=f"{WRITES}{who[0]}", site=who[1], silent_after_s=self._centre.config.write_silent_s)
        self._centre.silence.hear(source, said.taken.heard, said.taken.limits, now)
        if not said.bad:
            return Response(status_code=204)
        first = said.bad[0]
        kept = said.count - len(said.bad)
        why = f"partial write: line {first.number}: {first.why}; {len(said.bad)} of {said.count} lines refused, {kept} kept"
        return _no(400, "invalid", why, line=first.number)

    def _read(self, body: bytes, precision: str, site: str, now: int) -> Said:
        good: list[Line] = []
        bad: list[Bad] = []
        for one in lines(body.decode("utf-8", "replace"), precision):
            if isinstance(one, Bad):
                bad.append(one)
            else:
                good.append(one)
        stamped = all(line.at is not None for line in good)
        return Said(taken=take(good, self._maps, site, now), bad=bad, count=len(good) + len(bad), stamped=stamped)

    async def _keep(self, said: Said, who: tuple[str, str], body: bytes, precision: str, now: int) -> bool:
        agent, site = who
        readings = sorted(said.taken.readings, key=lambda one: (one.device, one.at))
        events = said.taken.events
        mark = sha256(f"{agent}\n{precision}\n".encode() + body + (b"" if said.stamped else str(now).encode())).digest()
        first = int.from_bytes(mark[:7], "big") << 6
        today, yesterday = (_spool(agent, (now - back) // _DAY_MS) for back in (0, _DAY_MS))
        for number, at in enumerate(range(0, max(len(readings), 1 if events else 0), MOST_READINGS)):
            row = first + number
            with self._centre.engine.connect() as conn:
                if deliveries.delivered(conn, [(yesterday, row)]):
                    continue
            batch = Batch(
                spool=today,
                row=row,
                site=site,
                boot=f"{WRITER}{agent}",
                at=now,
                readings=readings[at : at + MOST_READINGS],
                gaps=[],
                events=[] if number else events,
            )
            answer = await self._centre.deliver(
                Post(agent=agent, site=site, batch=batch, body=encode(batch), received_at=now)
            )
            if not answer.kept:
                return False
        return True

    def _count(self, said: Said) -> None:
        self.counts["lines"] += said.count
        self.counts["refused"] += len(said.bad)
        self.counts["readings"] += len(said.taken.readings)
        for key, count in said.taken.left.items():
            if key not in self.left:
                if len(self.left) >= MOST_COUNTED:
                    continue
                log.warning(
                    "not_mapped", measurement=key[0], field=key[1], why=key[2], fix="add it to [collector] write_map"
                )
            self.left[key] += count


def _spool(agent: str, day: int) -> str:
    """One spool a key and day: marks are forgotten by spool and age, and a hash says nothing of what came before."""
    return sha256(f"write {agent} {day}".encode()).hexdigest()[:32]


def _key(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() in ("token", "bearer"):
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
        except ValueError:
            return ""
    return ""


def _unpacked(packed: bytes | None, encoding: str) -> bytes | None:
    """The body; None when it is too long or not what it says."""
    if packed is None or encoding.lower() in ("", "identity"):
        return packed
    if encoding.lower() != "gzip":
        return None
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        body = unpack.decompress(packed, MAX_UNPACKED)
    except zlib.error:
        return None
    return body if unpack.eof else None


def _no(status: int, code: str, why: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """In the form of both versions: `message` is read by v2 clients, `error` by v1's."""
    body = {"code": code, "message": why, "error": why, **more}
    return Response(orjson.dumps(body), status, headers, media_type="application/json")

"""The one adapter over gufo-snmp: what it raises, hides or never ends becomes an answer or a failure.

A failed exchange throws its socket away, so nothing late or broken can reach the next one. A panic of the
library on garbage (a BaseException) is `garbled`. Reply too big for device or path: asked again smaller.
Walks are bounded in rows and must rise; a packet lost in the middle is asked for again (the library drops replies to
other requests). A bulk request that an agent refuses looks to the library like an empty table, so an empty one is
asked once more row by row. Keys that vanish from a get are simply absent from the answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

from gufo.snmp import NoSuchInstance, SnmpDecodeError, SnmpError, SnmpVersion
from gufo.snmp.aio import SnmpSession

from agent.drivers.exchange import (
    Answer,
    Failure,
    GetVariables,
    Request,
    Variable,
    Variables,
    WalkVariables,
)
from agent.links.owner import Link
from model.reading import GapCause
from model.secret import SecretError

#: Rows a reply of a walk may hold: the usual, for a device or path that loses long replies, and one by one.
_REPETITIONS = (25, 8, 1)
_TRIES_BEFORE_SMALL_FOR_GOOD = 3
_VARIABLES_A_GET = 16
_LONGEST_WALK = 50_000
#: How often a packet of a walk is asked for again; the first only once, for it may be the reply that is too long.
_REPEATS_IN_A_WALK = 2


class SnmpLink(Link):
    """One agent on one address. Retries by itself, packet by packet."""

    retries = 0

    def __init__(self, host: str, port: int, version: str, community: Callable[[], str], timeout_s: float) -> None:
        super().__init__()
        self._host, self._port = host, port
        self._version = SnmpVersion.v1 if version == "1" else SnmpVersion.v2c
        self._community = community
        self._timeout_s = timeout_s
        self._session: SnmpSession | None = None
        self._level = 2 if self._version == SnmpVersion.v1 else 0
        self._shrunk = 0
        self._bare: set[str] = set()  #: roots below which nothing stood, by getnext too

    async def _once(self, request: Request) -> Answer | Failure:
        try:
            if isinstance(request, GetVariables):
                return await self._get_all(request.oids)
            assert isinstance(request, WalkVariables)
            return await self._walk(request)
        except SecretError as error:
            return Failure(cause=GapCause.NO_ANSWER, raw=str(error))

    async def _get_all(self, oids: tuple[str, ...]) -> Answer | Failure:
        values: dict[str, Variable] = {}
        for start in range(0, len(oids), _VARIABLES_A_GET):
            answer = await self._get(oids[start : start + _VARIABLES_A_GET], tries=2, known=bool(start))
            if isinstance(answer, Failure):
                return answer
            values.update(answer.values)
        return Variables(values)

    async def _get(self, oids: tuple[str, ...], tries: int, known: bool) -> Variables | Failure:
        """A get; one that a living device refuses or leaves unanswered is asked for in halves."""
        answer = await self._try_get(oids)
        while isinstance(answer, Failure) and answer.cause != GapCause.REFUSED and tries > 1:
            tries -= 1
            answer = await self._try_get(oids)
        if not isinstance(answer, Failure):
            return answer
        if len(oids) == 1:
            return Variables({}) if answer.cause == GapCause.REFUSED else answer
        if answer.cause != GapCause.REFUSED and not known:
            return answer
        values: dict[str, Variable] = {}
        for half in (oids[: len(oids) // 2], oids[len(oids) // 2 :]):
            part = await self._get(half, tries=1, known=known)
            if isinstance(part, Failure):
                return part
            values.update(part.values)
        return Variables(values)

    async def _try_get(self, oids: tuple[str, ...]) -> Variables | Failure:
        async def ask(session: SnmpSession) -> dict[str, Variable]:
            return dict(await session.get_many(oids))

        values = await self._guarded(ask)
        return values if isinstance(values, Failure) else Variables(values)

    async def _walk_by(self, request: WalkVariables, repetitions: int) -> dict[str, Variable] | Failure:
        async def ask(session: SnmpSession) -> dict[str, Variable]:
            return await _collect(session, request, repetitions)

        return await self._guarded(ask)

    async def _walk(self, request: WalkVariables) -> Answer | Failure:
        failure = Failure(cause=GapCause.NO_ANSWER)
        levels = range(self._level, len(_REPETITIONS)) if self._version != SnmpVersion.v1 else (2, 2)
        for tried, level in enumerate(levels):
            repetitions = min(_REPETITIONS[level], request.limit or _REPETITIONS[level])
            values = await self._walk_by(request, repetitions)
            bulk = repetitions > 1
            if values == {} and bulk and request.root not in self._bare:
                values = await self._row_by_row(request)
                tried, level = (1, len(_REPETITIONS) - 1) if values else (tried, level)
            if not isinstance(values, Failure):
                self._shrink(tried, level)
                return Variables(values)
            failure = values
        return failure

    async def _row_by_row(self, request: WalkVariables) -> dict[str, Variable] | Failure:
        """What getnext finds where bulk found nothing; a root that is bare is remembered."""
        values = await self._walk_by(request, 1)
        if values == {}:
            self._bare.add(request.root)
        return values

    def _shrink(self, tried: int, level: int) -> None:
        """Long replies that fail again and again are not asked for any more."""
        self._shrunk = self._shrunk + 1 if tried else 0
        if self._shrunk >= _TRIES_BEFORE_SMALL_FOR_GOOD:
            self._level, self._shrunk = level, 0

    async def _guarded(
        self, ask: Callable[[SnmpSession], Awaitable[dict[str, Variable]]]
    ) -> dict[str, Variable] | Failure:
        """Run one exchange; whatever goes wrong costs the socket and becomes a failure."""
        try:
            session = await self._open()
            return await ask(session)
        except (TimeoutError, NoSuchInstance, SnmpDecodeError, SnmpError, OSError) as error:
            self._session = None
            return _failure(error)
        except SecretError:
            raise
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit):
            self._session = None
            raise
        except BaseException as panic:  # noqa: BLE001 - a Rust panic on a hostile datagram is no Exception
            self._session = None
            return Failure(cause=GapCause.GARBLED, raw=f"not SNMP: {panic}"[:200])

    async def _open(self) -> SnmpSession:
        if not self._session:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
            address = str(found[0][4][0])
            self._session = SnmpSession(
                address, self._port, community=self._community(), version=self._version, timeout=self._timeout_s
            )
        return self._session

    def close(self) -> None:
        self._session = None


async def _collect(session: SnmpSession, request: WalkVariables, repetitions: int) -> dict[str, Variable]:
    """A bounded walk. An OID that does not rise ends it: some agents loop for ever."""
    values: dict[str, Variable] = {}
    last: tuple[int, ...] = ()
    rows = _rows(session, request.root, repetitions)
    while found := await _next(rows, repeats=_REPEATS_IN_A_WALK if values else 1):
        oid, value = found
        place = tuple(map(int, oid.split(".")))
        if place <= last:
            break
        last = place
        values[oid] = value
        if len(values) >= (request.limit or _LONGEST_WALK):
            break
    return values


async def _next(rows: AsyncIterator[tuple[str, Variable]], repeats: int) -> tuple[str, Variable] | None:
    """The next row, or None at the end. The iterator asks for the same place again after a time-out."""
    for left in range(repeats, -1, -1):
        try:
            return await anext(rows)
        except StopAsyncIteration:
            return None
        except TimeoutError:
            if not left:
                raise
    return None


def _rows(session: SnmpSession, root: str, repetitions: int) -> AsyncIterator[tuple[str, Variable]]:
    return session.getnext(root) if repetitions == 1 else session.getbulk(root, max_repetitions=repetitions)


def _failure(error: Exception) -> Failure:
    if isinstance(error, SnmpDecodeError):
        return Failure(cause=GapCause.GARBLED, raw=f"not SNMP: {error}"[:200])
    if isinstance(error, TimeoutError):
        cause = error.__cause__
        unreachable = isinstance(cause, OSError) and bool(cause.args)
        return Failure(cause=GapCause.NO_ANSWER, raw=str(cause)[:200] if unreachable else "")
    if isinstance(error, SnmpError):
        return Failure(cause=GapCause.REFUSED, raw=f"{type(error).__name__} {error}".strip()[:200])
    return Failure(cause=GapCause.NO_ANSWER, raw=str(error)[:200])

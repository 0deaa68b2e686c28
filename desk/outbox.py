"""The only way out. Rows are written with the entries they announce (desk.announce); here they are sent.

Rules:
- At least once, with an idempotency key; in order within a ticket; a stuck ticket holds up no other.
- A delivery becomes `notified` in the ledger, in the transaction that marks the row: noted once, whatever crashes.
- Refused for good (a 4xx) is kept as `refused` and shown; `send_again` puts it back. Nothing is ever deleted.
- Pauses are real seconds and grow from 1 to 60; after a restart everything pending is tried at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from desk import sql, store, words
from desk.connectors import Connector, Delivered, Later, Message, Outcome, Refused, Settings
from desk.types import Draft, EntryKind

Transact = Callable[[Callable[[sa.Connection], Any]], Awaitable[Any]]
_HEADS = 1000
log = structlog.get_logger()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way, for people to see."""

    id: int
    key: str
    ticket: str
    seq: int
    connector: str
    state: str  #: pending | delivered | refused
    attempts: int
    created_at: int
    tried_at: int | None
    error: str | None
    external: str | None
    body: str


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Real seconds."""

    idle_s: float = 1.0  #: between looks at an empty outbox
    first_s: float = 1.0  #: the first pause after a failure; it doubles …
    most_s: float = 60.0  #: … up to this


def register(conn: sa.Connection, given: Sequence[Settings]) -> None:
    """Say at start which connectors there are: from now on entries are queued for them, and for no others."""
    sql.set_connectors(conn, [{"id": s.id, "customer": s.customer, "audience": s.to} for s in given])


def rows(conn: sa.Connection, ticket: str | None = None, state: str | None = None) -> list[Row]:
    """The outbox as it stands, oldest first."""
    return [_row(r) for r in sql.outbox_rows(conn, ticket, state)]


def send_again(conn: sa.Connection, key: str) -> bool:
    """Put a refused message back in the queue; False when no refused message has this key."""
    return sql.outbox_requeue(conn, key)


async def deliver(
    engine: sa.Engine,
    transact: Transact,
    connectors: Sequence[Connector],
    now: Callable[[], int],
    pace: Pace | None = None,
) -> None:
    """Send for ever, each connector in a task of its own; ends when cancelled."""
    async with asyncio.TaskGroup() as group:
        for connector in connectors:
            group.create_task(_serve(engine, transact, connector, now, pace or Pace()))


class Backoff:
    """Who must wait, on the loop's clock: single tickets, or (key None) the connector as a whole."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._failures: dict[str | None, int] = {}
        self._until: dict[str | None, float] = {}

    def waits(self, key: str | None, clock: float) -> bool:
        return self._until.get(key, 0.0) > clock

    def failed(self, key: str | None, clock: float, asked_s: float | None = None) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        pause = min(self._pace.first_s * 2 ** min(count - 1, 30), self._pace.most_s)
        self._until[key] = clock + max(pause * random.uniform(0.75, 1.25), asked_s or 0.0)

    def went(self, key: str | None) -> None:
        self._failures.pop(key, None)
        self._until.pop(key, None)


async def _serve(
    engine: sa.Engine, transact: Transact, connector: Connector, now: Callable[[], int], pace: Pace
) -> None:
    loop, backoff = asyncio.get_running_loop(), Backoff(pace)
    while True:
        sent = 0
        if not backoff.waits(None, loop.time()):
            try:
                sent = await _round(engine, transact, connector, now, backoff)
            except Exception:  # supervisor: a database that is busy or full must not end the way out
                log.exception("outbox round failed", connector=connector.settings.id)
                backoff.failed(None, loop.time())
        if not sent:
            await asyncio.sleep(pace.idle_s)


async def _round(
    engine: sa.Engine, transact: Transact, connector: Connector, now: Callable[[], int], backoff: Backoff
) -> int:
    """Try the head of every ticket once; how many left the queue."""
    clock = asyncio.get_running_loop().time
    sent = 0
    for row in await asyncio.to_thread(_heads, engine, connector.settings.id):
        if backoff.waits(row.ticket, clock()):
            continue
        outcome = await _put(connector, row)
        await transact(partial(_settle, row, connector.settings, outcome, now))
        if not isinstance(outcome, Later):
            sent += 1
            backoff.went(row.ticket)
            backoff.went(None)
        elif outcome.reachable:
            backoff.failed(row.ticket, clock(), outcome.pause_s)
        else:
            backoff.failed(None, clock(), outcome.pause_s)
            break
    return sent


async def _put(connector: Connector, row: Row) -> Outcome:
    message = Message(key=row.key, ticket=row.ticket, seq=row.seq, body=row.body.encode())
    try:
        return await connector.put(message)
    except Exception as error:  # supervisor: a connector's own mistake delays its messages and nobody else's
        log.exception("connector failed", connector=connector.settings.id, key=row.key)
        return Later(why=f"{type(error).__name__}: {error}", reachable=True)


def settle(conn: sa.Connection, row: Row, settings: Settings, outcome: Outcome, now: int) -> None:
    """Note what became of one attempt, and a delivery in the ledger."""
    match outcome:
        case Delivered(external=external):
            if not sql.outbox_settle(conn, row.id, "delivered", now, None, external):
                return  # noted before: a second sender, or a repeat after a crash
            draft = Draft(
                at=now,
                who=words.SELF,
                kind=EntryKind.NOTIFIED,
                text=words.DELIVERED.format(seq=row.seq, connector=settings.id),
                data={"connector": settings.id, "external": external, "to": settings.to, "announces": row.seq},
            )
            store.append(conn, row.ticket, [draft], now)
        case Refused(why=why):
            log.warning("message refused", key=row.key, why=why)
            sql.outbox_settle(conn, row.id, "refused", now, why, None)
        case Later(why=why):
            sql.outbox_settle(conn, row.id, "pending", now, why, None)


def _settle(row: Row, settings: Settings, outcome: Outcome, now: Callable[[], int], conn: sa.Connection) -> None:
    settle(conn, row, settings, outcome, now())


def _heads(engine: sa.Engine, connector: str) -> list[Row]:
    with engine.connect() as conn:
        return [_row(r) for r in sql.outbox_heads(conn, connector, _HEADS)]


def _row(row: sa.Row[Any]) -> Row:
    return Row(**{field: getattr(row, field) for field in Row.__struct_fields__})

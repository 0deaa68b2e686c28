"""The only way out. Rows are written with the entries they announce (desk.announce); here they are sent.

Rules:
- At least once, with an idempotency key; in order within a ticket; a stuck ticket holds up no other.
- A delivery becomes `notified` in the ledger, in the transaction that marks the row: noted once, whatever crashes.
- Refused for good (a 4xx) is kept as `refused` and shown; `send_again` puts it back. Nothing is ever deleted.
- Pauses are real seconds and grow from 1 to 60; after a restart everything pending is tried at once, but for what may
  still be on its way to a system without idempotency keys (`Careful`): that rests for its `settle_s` first.
- A person's channel (`Frugal`) gets its budget a ticket; what is over it waits and goes as one digest.
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
from msgspec import json

from desk import messages_sql, outbox_sql, store, words
from desk.clock import wall_s
from desk.connectors import Connector, Delivered, Later, Message, Outcome, Refused, Settings
from desk.connectors.types import Careful, Frugal
from desk.types import Draft, EntryKind

Transact = Callable[[Callable[[sa.Connection], Any]], Awaitable[Any]]
_HEADS = 1000
_LONG_S = 60.0
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


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How one connector stands. Times in ms."""

    connector: str
    pending: int
    oldest_at: int | None  #: since when the oldest of them waits
    refused: int
    error: str | None


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Real seconds."""

    idle_s: float = 1.0  #: between looks at an empty outbox
    first_s: float = 1.0  #: the first pause after a failure; it doubles …
    most_s: float = 60.0  #: … up to this


def register(conn: sa.Connection, given: Sequence[Settings]) -> None:
    """Say at start which connectors there are: from now on entries are queued for them, and for no others."""
    outbox_sql.set_connectors(conn, [{"id": s.id, "customer": s.customer, "audience": s.to} for s in given])
    messages_sql.set_tastes(
        conn,
        [
            {"connector": s.id, "person": s.person, "kinds": " ".join(s.kinds), "roles": " ".join(s.roles)}
            for s in given
        ],
    )


def rows(conn: sa.Connection, ticket: str | None = None, state: str | None = None) -> list[Row]:
    """The outbox as it stands, oldest first."""
    return [_row(r) for r in outbox_sql.rows(conn, ticket, state)]


def waiting(conn: sa.Connection) -> list[Waiting]:
    """What waits and what was refused, by connector; none for those where all has gone."""
    found: dict[str, dict[str, Any]] = {}
    for row in messages_sql.waiting(conn):
        held = found.setdefault(row.connector, {"pending": 0, "refused": 0, "oldest_at": None, "error": None})
        held[row.state] = row.count
        if row.state == "pending":
            held |= {"oldest_at": row.oldest, "error": messages_sql.last_error(conn, row.connector)}
    return [Waiting(connector=id, **held) for id, held in sorted(found.items())]


def complaint(each: Waiting, now: int, speed: float = 1.0) -> str | None:
    """What is wrong with one connector, in words; None while nothing waits for longer than a minute (real)."""
    age_s = 0.0 if each.oldest_at is None else (now - each.oldest_at) / 1000
    parts = []
    if each.pending and age_s > _LONG_S * max(speed, 1.0):
        why = f" ({each.error})" if each.error else ""
        parts.append(f"{each.pending} waiting, the oldest for {age_s / 60:.0f} min{why}")
    if each.refused:
        parts.append(
            f"{each.refused} refused: `roundsman outbox list` says why, `roundsman outbox again` sends them again"
        )
    return "; ".join(parts) or None


def send_again(conn: sa.Connection, key: str) -> bool:
    """Put a refused message back in the queue; False when no refused message has this key."""
    return outbox_sql.requeue(conn, key)


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
    for head in await asyncio.to_thread(_heads, engine, connector.settings.id):
        if backoff.waits(head.ticket, clock()):
            continue
        batch = await asyncio.to_thread(_batch, engine, connector, head, now())
        ready = [await asyncio.to_thread(_prepare, engine, connector, row) for row in batch]
        messages = [message for message in ready if message is not None]
        if not messages or len(messages) < len(batch):
            continue
        if isinstance(connector, Careful):
            await transact(partial(messages_sql.begin, key=head.key, wall=wall_s() * 1000))
        outcome = await _put(connector, messages)
        await transact(partial(_settle_all, batch, messages, connector.settings, outcome, now))
        if not isinstance(outcome, Later):
            sent += len(batch)
            backoff.went(head.ticket)
            backoff.went(None)
        elif outcome.reachable:
            backoff.failed(head.ticket, clock(), outcome.pause_s)
        else:
            backoff.failed(None, clock(), outcome.pause_s)
            break
    return sent


def _batch(engine: sa.Engine, connector: Connector, head: Row, now: int) -> list[Row]:
    """What goes next of a ticket: its head; for a person whose budget is nearly used up, all of it or nothing yet."""
    if not isinstance(connector, Frugal):
        return [head]
    with engine.connect() as conn:
        since = now - round(connector.window_s * 1000)
        used = len(messages_sql.sent_times(conn, connector.settings.id, head.ticket, since))
        if used >= connector.budget:
            return []
        if used < connector.budget - 1:
            return [head]
        return [_row(row) for row in messages_sql.pending_of(conn, connector.settings.id, head.ticket)]


def _prepare(engine: sa.Engine, connector: Connector, row: Row) -> Message | None:
    """The message with what is known of its ticket over there; None while an earlier sending must settle first."""
    into = json.decode(row.body).get("entry", {}).get("data", {}).get("into")
    id = connector.settings.id
    with engine.connect() as conn:
        began = messages_sql.began(conn, row.key)
        if began is not None and isinstance(connector, Careful):
            rested = wall_s() - began / 1000
            if 0 <= rested < connector.settle_s:
                return None
        mirror = messages_sql.mirror(conn, id, row.ticket)
        theirs = messages_sql.mirror(conn, id, str(into)) if into else None
        if into and theirs is None and messages_sql.waits_for(conn, id, str(into)):
            return None  # the ticket that stays is told first, so that there is something to link to
        return Message(
            key=row.key,
            ticket=row.ticket,
            seq=row.seq,
            body=row.body.encode(),
            external=mirror.external if mirror else None,
            again=began is not None or row.attempts > 0,
            newest=not messages_sql.delivered_later(conn, id, row.ticket, row.seq),
            pushed=mirror.pushed if mirror else None,
            into=theirs.external if theirs else None,
        )


async def _put(connector: Connector, messages: Sequence[Message]) -> Outcome:
    try:
        if len(messages) > 1 and isinstance(connector, Frugal):
            return await connector.put_digest(messages)
        return await connector.put(messages[0])
    except Exception as error:  # supervisor: a connector's own mistake delays its messages and nobody else's
        log.exception("connector failed", connector=connector.settings.id, key=messages[0].key)
        return Later(why=f"{type(error).__name__}: {error}", reachable=True, unsure=True)


def settle(
    conn: sa.Connection, row: Row, settings: Settings, outcome: Outcome, now: int, message: Message | None = None
) -> None:
    """Note what became of one attempt, and a delivery in the ledger. `message` is what was sent, where it is known."""
    match outcome:
        case Delivered(external=external):
            if not outbox_sql.settle(conn, row.id, "delivered", now, None, external):
                return  # noted before: a second sender, or a repeat after a crash
            messages_sql.end(conn, row.key)
            if external is not None:
                pushed = json.decode(row.body)["ticket"]["state"] if message is None or message.newest else None
                messages_sql.set_mirror(conn, settings.id, row.ticket, external, pushed)
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
            messages_sql.end(conn, row.key)
            outbox_sql.settle(conn, row.id, "refused", now, why, None)
        case Later(why=why, unsure=unsure):
            if not unsure:
                messages_sql.end(conn, row.key)
            outbox_sql.settle(conn, row.id, "pending", now, why, None)


def _settle_all(
    batch: Sequence[Row],
    messages: Sequence[Message],
    settings: Settings,
    outcome: Outcome,
    now: Callable[[], int],
    conn: sa.Connection,
) -> None:
    at = now()
    for row, message in zip(batch, messages, strict=True):
        settle(conn, row, settings, outcome, at, message)


def _heads(engine: sa.Engine, connector: str) -> list[Row]:
    with engine.connect() as conn:
        return [_row(r) for r in outbox_sql.heads(conn, connector, _HEADS)]


def _row(row: sa.Row[Any]) -> Row:
    return Row(**{field: getattr(row, field) for field in Row.__struct_fields__})

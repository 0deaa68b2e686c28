"""What the centre does by itself, besides taking in batches: ticks, snapshots, sealing, retention, outbox.

Each loop is a supervisor: whatever goes wrong in one turn is logged and shown, and the next turn tries again.
All pauses are real seconds; what is compared with stored times is story time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
import structlog

from collector import evidence, field_watch
from collector.history import HistoryError, sealing
from collector.history.corrected import Corrected
from collector.history.embedded import Embedded
from collector.jobs import darkness
from collector.store import StoreError, in_words
from desk import documents, messages, messages_listen, outbox, outlook, paper_sql
from desk.connectors import Connector, open_connector
from desk.connectors.types import Attachment
from model.secret import SecretError

if TYPE_CHECKING:
    from collector.running import Running

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_TICK_S = 1.0
_SNAPSHOT_S = 60.0
_SEAL_S = 60.0
_FORWARD_S = 0.5
_WAITING_S = 5.0
_CLAIM_S = 5.0
_FIELD_S = 600.0
_LOOK_S = 60.0
_EVIDENCE_S = 5.0
_LEARN_S = 60.0
_NIGHT_S = 30.0
_DARK_S = 5.0
#: Hot rows rest this long before they are sealed: late rows of the same hour join them in one file.
_HOT_MS = _HOUR_MS
_MARKS_MS = 60 * _DAY_MS
_SEEN_MS = 90 * _DAY_MS
log = structlog.get_logger()


class Chore(NamedTuple):
    """Work for now and then, from a room that the collector may not know: its name in /healthz, its pause (real s)."""

    name: str
    every_s: float
    work: Callable[[Running], Awaitable[object]]


def loops(centre: Running) -> list[Coroutine[Any, Any, None]]:
    """Everything to run beside the writer."""
    feed = (
        [_every(_FORWARD_S, "history", partial(asyncio.to_thread, centre.forwarder.step), centre)]
        if centre.forwarder
        else []
    )
    claim = (
        [_every(_CLAIM_S, "database", partial(asyncio.to_thread, centre.claim.keep), centre)] if centre.claim else []
    )
    return [
        *feed,
        *claim,
        _every(_TICK_S, "tick", lambda: centre.write(centre.writer.tick, centre.now()), centre),
        _every(_SNAPSHOT_S, "snapshot", lambda: snapshot(centre), centre),
        _every(_SEAL_S, "sealing", lambda: _seal(centre), centre),
        *_ways(centre),
        _every(_WAITING_S, "waiting", lambda: _waiting(centre), centre),
        _every(_FIELD_S, "field", partial(field_watch.turn, centre), centre),
        _every(_LOOK_S, "outlook", lambda: _look(centre), centre),
        _every(_EVIDENCE_S, "evidence", partial(evidence.turn, centre), centre),
        _every(_LEARN_S, "learning", lambda: learn(centre), centre),
        _every(_NIGHT_S, "night", lambda: _night(centre), centre),
        _every(_DARK_S, "dark times", partial(darkness.turn, centre), centre),
        *(_every(chore.every_s, chore.name, partial(chore.work, centre), centre) for chore in centre.chores),
    ]


def _ways(centre: Running) -> list[Coroutine[Any, Any, None]]:
    """Out to other people's systems, and back from them."""
    connectors = _connectors(centre)
    return [
        outbox.deliver(centre.engine, centre.transact, connectors, centre.now),
        messages_listen.listen(
            centre.engine, centre.transact, connectors, centre.now, centre.upkeep_problems, _keep(centre)
        ),
    ]


def _keep(centre: Running) -> messages.Keep:
    """Attachments lie with all other documents, by their hash."""

    def keep(conn: sa.Connection, file: Attachment, ticket: str, who: str, now: int) -> str | None:
        links, folder = documents.Links(ticket=ticket), centre.config.data / "documents"
        try:
            return documents.put(conn, folder, file.name, file.media_type, file.body, who, now, links)
        except (documents.DocumentRefused, OSError) as error:
            log.warning("an attachment cannot be kept", ticket=ticket, name=file.name, why=str(error))
            return None

    return keep


async def _waiting(centre: Running) -> None:
    """What waits too long for somebody else's system, or was refused, is a problem to show."""

    def count() -> list[outbox.Waiting]:
        with centre.engine.connect() as conn:
            return outbox.waiting(conn)

    centre.waiting = await asyncio.to_thread(count)
    problems = {
        f"outbox {each.connector}": said
        for each in centre.waiting
        if (said := outbox.complaint(each, centre.now(), centre.scale.speed))
    }
    for name in [name for name in centre.upkeep_problems if name.startswith("outbox ")]:
        if name not in problems:
            del centre.upkeep_problems[name]
    centre.upkeep_problems.update(problems)


async def _every(seconds: float, name: str, work: Callable[[], Awaitable[object]], centre: Running) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception as error:  # supervisor: a turn that fails is shown in /healthz, the next tries again
            why = in_words(centre.engine, error)
            if why != centre.upkeep_problems.get(name):
                ours = not isinstance(
                    error, sa.exc.OperationalError | StoreError | HistoryError | OSError
                )  # else: the disk's
                log.exception("upkeep failed, trying again", what=name, why=why, exc_info=ours)
            centre.upkeep_problems[name] = why
        else:
            centre.upkeep_problems.pop(name, None)


def _connectors(centre: Running) -> list[Connector]:
    """Those that can be opened. Messages for the others wait in the outbox until their secret is there."""

    def read(path: str) -> str:
        return (centre.config.folder / path).read_text(encoding="utf-8")

    found = []
    for settings in centre.config.connectors:
        try:
            found.append(open_connector(settings, os.environ.get, read))
        except (SecretError, ValueError) as error:
            log.warning("a connector cannot be opened: its messages wait", connector=settings.id, why=str(error))
            centre.upkeep_problems[f"connector {settings.id}"] = str(error)
    return found


async def _look(centre: Running) -> None:
    """Warn of promises that cannot be kept by the people and parts that there are."""
    now = centre.now()
    await centre.write(centre.writer.transact, lambda conn: outlook.look(conn, now))


async def learn(centre: Running) -> None:
    """Propose what solved tickets teach; a person accepts or rejects it."""

    def solved() -> list[str]:
        with centre.engine.connect() as conn:
            return paper_sql.unlearned(conn, centre.now())

    def propose(conn: sa.Connection) -> None:
        from desk import reports  # brings the makers of papers, which no start needs

        for id in ids:
            reports.propose(conn, centre.inventory, id, centre.now())

    if ids := await asyncio.to_thread(solved):
        await centre.transact(propose)


async def _night(centre: Running) -> None:
    """Once a day, the memory of the fleet and the outlook on every battery; what it needs is loaded when first needed."""
    nightly = await asyncio.to_thread(import_module, "collector.jobs.nightly")
    await nightly.turn(centre)


async def snapshot(centre: Running) -> None:
    """Write the detectors' state, so that a start replays only what came after, and forget what is older than the limits."""
    now = centre.now()
    kept_before = now - round(centre.config.keep_batches_h * _HOUR_MS)
    await centre.write(centre.writer.snapshot, now, kept_before, now - _MARKS_MS, now - _SEEN_MS)


async def _seal(centre: Running) -> None:
    history = centre.history
    store = history.inner if isinstance(history, Corrected) else history
    if isinstance(store, Embedded):
        now = centre.now()
        await asyncio.to_thread(sealing.sweep_once, store)
        await asyncio.to_thread(sealing.seal, store, now - _HOT_MS)
        await asyncio.to_thread(sealing.retain, store, now - centre.config.history_days * _DAY_MS)

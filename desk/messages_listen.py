"""Asking other people's systems what is new: one task for each connector that hears. They never connect to us.

A look that fails changes nothing: the next one begins where the last good one ended. What was heard and how far we
looked are committed together, so that a crash between the two tells nothing twice and forgets nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import sqlalchemy as sa
import structlog

from desk import messages, messages_sql
from desk.connectors.types import Connector, Listener, Unheard
from desk.outbox import Transact

_LONGEST_S = 900.0
#: What was sent goes first after a start; nobody's answer is older than that.
_FIRST_S = 2.0
log = structlog.get_logger()


async def listen(
    engine: sa.Engine,
    transact: Transact,
    connectors: Sequence[Connector],
    now: Callable[[], int],
    problems: dict[str, str],
    keep: messages.Keep | None = None,
) -> None:
    """Look for ever; ends when cancelled. `problems` holds, by `hearing ID`, why a system cannot be asked now."""
    async with asyncio.TaskGroup() as group:
        for connector in connectors:
            if isinstance(connector, Listener):
                group.create_task(_serve(engine, transact, connector, now, problems, keep))


async def look(
    engine: sa.Engine,
    transact: Transact,
    connector: Connector,
    now: Callable[[], int],
    keep: messages.Keep | None = None,
) -> int:
    """Ask once; how many entries came of it. Raises Unheard."""
    assert isinstance(connector, Listener), "only a connector that hears is asked"
    cursor, watched = await asyncio.to_thread(_known, engine, connector.settings.id)
    heard = await connector.poll(cursor, watched)
    added: int = await transact(lambda conn: messages.take(conn, connector.settings, heard, now(), keep))
    return added


async def _serve(
    engine: sa.Engine,
    transact: Transact,
    connector: Connector,
    now: Callable[[], int],
    problems: dict[str, str],
    keep: messages.Keep | None,
) -> None:
    assert isinstance(connector, Listener), "listen() sees to it"
    name = f"hearing {connector.settings.id}"
    turn = partial(look, engine, transact, connector, now, keep)
    failures = 0
    await asyncio.sleep(min(connector.poll_s, _FIRST_S))
    while True:
        try:
            await turn()
        except Unheard as error:
            failures += 1
            if problems.get(name) != str(error):
                log.warning("cannot ask for news, trying again", connector=connector.settings.id, why=str(error))
            problems[name] = str(error)
        except Exception as error:  # supervisor: one look that fails must not end the hearing
            failures += 1
            log.exception("a look for news failed", connector=connector.settings.id)
            problems[name] = f"{type(error).__name__}: {error}"
        else:
            failures = 0
            problems.pop(name, None)
        await asyncio.sleep(min(connector.poll_s * 2 ** min(failures, 10), max(_LONGEST_S, connector.poll_s)))


def _known(engine: sa.Engine, connector: str) -> tuple[str, dict[str, str]]:
    with engine.connect() as conn:
        watched = {row.external: row.seen for row in messages_sql.mirrored(conn, connector)}
        return messages_sql.cursor(conn, connector), watched

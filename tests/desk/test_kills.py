"""kill -9 at every statement and every commit between an incident and the system that hears of it, then a restart.

Whatever the instant: one ticket, each entry once, each message at the other side under one key, every clock as if nothing
had happened. On SQLite each instant in turn; on PostgreSQL every thirteenth.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.store.engines import make_engine, writing
from desk import outbox, store
from desk.connectors import Delivered, Message, Outcome, Settings, settings
from desk.types import EntryKind
from tests import databases
from tests.desk.stage import HOUR, MINUTE, T0, ended, engine, incident, inventory
from tests.kills import killed_at

INVENTORY = inventory()


class Mailbox:
    """A system outside: what reaches it stands in a file, whoever dies. It knows a message by its key."""

    def __init__(self, file: Path) -> None:
        self.settings: Settings = settings("webhook", "http://127.0.0.1:9/", "env:S")
        self._file = file

    async def put(self, message: Message) -> Outcome:
        with self._file.open("ab", buffering=0) as file:
            file.write(f"{message.key}\n".encode())
        return Delivered(external="EXT-1")

    @property
    def hour(self) -> Path:
        """Where the story notes how far the day has gone: a restart does not turn the clock back."""
        return self._file.with_suffix(".hour")

    def keys(self) -> list[str]:
        return self._file.read_text().split() if self._file.exists() else []


def _story(made: sa.Engine, mailbox: Mailbox) -> None:
    """An outage: told, answered, late, over; after each the outbox is emptied. A restart repeats the step it died in."""
    told = incident()
    steps: list[tuple[int, Callable[[sa.Connection, int], object]]] = [
        (T0, lambda conn, now: store.apply(conn, [told], INVENTORY, now)),
        (T0 + 25 * MINUTE, lambda conn, now: store.tick(conn, INVENTORY, now)),
        (
            T0 + 26 * MINUTE,
            lambda conn, now: store.act(conn, "T-000001", EntryKind.ACKNOWLEDGED, "ann", "mine", T0 + MINUTE, now),
        ),
        (T0 + 2 * HOUR, lambda conn, now: store.tick(conn, INVENTORY, now)),
        (T0 + 3 * HOUR, lambda conn, now: store.apply(conn, [ended(told, T0 + 3 * HOUR)], INVENTORY, now)),
    ]
    done = int(mailbox.hour.read_text()) if mailbox.hour.exists() else 0
    for number, (now, step) in enumerate(steps[done:], start=done):
        mailbox.hour.write_text(str(number))
        with writing(made) as conn:
            step(conn, now)
        asyncio.run(_deliver(made, mailbox, now + 1))


async def _deliver(made: sa.Engine, mailbox: Mailbox, now: int) -> None:
    async def transact(work: Callable[[sa.Connection], Any]) -> Any:
        with writing(made) as conn:
            return work(conn)

    backoff = outbox.Backoff(outbox.Pace())
    while await outbox._round(made, transact, mailbox, lambda: now, backoff):  # what `deliver` does for ever
        pass


def _what_is(where: Path | sa.URL) -> dict[str, object]:
    """All that must not depend on a kill."""
    made = make_engine(where)
    with made.connect() as conn:
        held = store.tickets(conn)
        found: dict[str, object] = {
            "tickets": held,
            "ledgers": [store.ledger(conn, ticket.id) for ticket in held],
            "clocks": [store.clocks(conn, ticket.id, T0 + 5 * HOUR) for ticket in held],
            "outbox": [(row.key, row.state, row.external) for row in outbox.rows(conn)],
        }
    made.dispose()
    return found


@pytest.mark.slow
def test_a_kill_at_any_statement_or_commit_changes_nothing_in_the_end(tmp_path: Path, database: str) -> None:
    clean = _fresh(tmp_path, "clean")
    mailbox = Mailbox(tmp_path / "clean.mail")
    made = make_engine(clean)
    _story(made, mailbox)
    made.dispose()
    expected, sent = _what_is(clean), mailbox.keys()
    assert len(sent) == len(set(sent)) >= 5
    kinds = [entry.kind for entry in expected["ledgers"][0]]  # type: ignore[index]
    assert {EntryKind.WARNED, EntryKind.BROKEN, EntryKind.RESTORED, EntryKind.NOTIFIED} <= set(kinds), kinds

    point, step, doubled = 1, 1 if database == "sqlite" else 13, 0
    while True:
        where, mailbox = _fresh(tmp_path, f"k{point}"), Mailbox(tmp_path / f"k{point}.mail")
        if not killed_at(point, lambda where=where: make_engine(where), lambda made, box=mailbox: _story(made, box)):
            break
        again = make_engine(where)
        _story(again, mailbox)
        again.dispose()
        assert _what_is(where) == expected, f"killed at instant {point}"
        keys = mailbox.keys()
        assert set(keys) == set(sent), f"killed at instant {point}"
        assert len(keys) <= len(sent) + 1, "only what was on its way when the kill came may come twice"
        doubled += len(keys) - len(sent)
        _forget(where)
        point += step
    assert point > 60
    if step == 1:
        assert doubled > 0, "a kill between sending and noting sends again, under the same key"


_templates: dict[Path, Path] = {}


def _fresh(folder: Path, name: str) -> Path | sa.URL:
    """A database with a connector and nothing else."""
    where = databases.place(folder / f"{name}.sqlite")
    if isinstance(where, Path) and folder in _templates:
        shutil.copy(_templates[folder], where)
        return where
    made = engine(folder / f"{name}.sqlite")
    with made.begin() as conn:
        outbox.register(conn, [Mailbox(folder / "none").settings])
    made.dispose()  # the last connection to leave moves the log into the file
    if isinstance(where, Path):
        _templates[folder] = folder / "template"
        shutil.copy(where, _templates[folder])
    return where


def _forget(where: Path | sa.URL) -> None:
    if isinstance(where, Path):
        for file in where.parent.glob(f"{where.name}*"):
            file.unlink()

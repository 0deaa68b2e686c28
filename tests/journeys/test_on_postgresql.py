"""The whole collector on PostgreSQL: a process of its own is killed while agents post and the database loses its sessions.

What was answered with 200 is there once, one ticket stands, its clocks run, and a command beside the collector acts on it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector import store
from collector.store import tables
from desk import documents, faq
from desk import store as desk
from desk.types import EntryKind
from tests import databases
from tests.collector.centres import ChildCentre
from tests.collector.test_killed import ROWS, _check_findings, _check_history, _deliver, _story
from tests.journeys.paperwork import Terminal, settle
from tests.services import wait_for


@pytest.mark.slow
def test_a_mains_failure_becomes_one_ticket_whatever_is_killed(tmp_path: Path) -> None:
    with databases.on("postgresql"):
        centre = ChildCentre(tmp_path)
        rows, acknowledged = [], {}
        for kill_after in (17, 38, ROWS + 1):
            with centre.up() as child:
                rows = rows or _story(int(str(centre.health()["now"])))
                waiting = [row for row in rows if row.row not in acknowledged]
                asyncio.run(_deliver(centre.url, waiting[:5], acknowledged, kill_after, child))
                databases.server().run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'roundsman'"
                )
                for _ in range(3):  # an agent comes again with what was not answered
                    waiting = [row for row in rows if row.row not in acknowledged]
                    if child.poll() is None:
                        asyncio.run(_deliver(centre.url, waiting, acknowledged, kill_after, child))
                if kill_after > ROWS:
                    wait_for(lambda: bool(_open(centre)), 20, "the ticket of the mains failure")
                    _acknowledge(centre, _open(centre)[0])
        assert set(acknowledged) == set(range(ROWS))
        _check_history(tmp_path / "var" / "history", rows)
        _check_findings(centre)
        engine = store.open_engine(centre.database)
        with engine.connect() as conn:
            assert engine.dialect.name == "postgresql"
            (ticket,) = desk.tickets(conn)
            kinds = [entry.kind for entry in desk.ledger(conn, ticket.id)]
            assert kinds.count(EntryKind.OPENED) == kinds.count(EntryKind.ACKNOWLEDGED) == 1
            assert {c.name for c in desk.clocks(conn, ticket.id, ticket.opened_at)} >= {"first_response", "restore"}
            assert conn.scalar(sa.select(sa.func.max(tables.batches.c.cursor))) == ROWS
        entry = settle(Terminal(tmp_path), ticket.id, tmp_path)
        with engine.connect() as conn:
            kinds = [entry.kind for entry in desk.ledger(conn, ticket.id)]
            assert kinds.count(EntryKind.REPORTED) == 2
            assert {EntryKind.DIAGNOSED, EntryKind.RESOLVED, EntryKind.SURVEYED, EntryKind.CLOSED} <= set(kinds)
            assert [item.id for item in faq.listed(conn, faq.ACCEPTED)] == [entry]
            assert {d.media_type for d in documents.find(conn, ticket=ticket.id)} >= {"application/pdf"}
        engine.dispose()


def _open(centre: ChildCentre) -> list[str]:
    engine = store.open_engine(centre.database)
    try:
        with engine.connect() as conn:
            return [ticket.id for ticket in desk.tickets(conn, open_only=True)]
    finally:
        engine.dispose()


def _acknowledge(centre: ChildCentre, ticket: str) -> None:
    """By the command, in a process beside the running collector."""
    command = [
        sys.executable,
        "-m",
        "roundsman",
        "ticket",
        "ack",
        ticket,
        "--who",
        "ann",
        "--collector",
        str(centre.file),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LANG": "C"}, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])

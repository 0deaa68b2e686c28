"""A person's channel: through Apprise to a real HTTP server; her budget, the digest, what she is called for."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from desk import messages_sql, outbox, store
from desk.announce import wanted
from desk.connectors import KINDS, Connector, settings
from desk.connectors.apprise import HEARS, Channel
from desk.connectors.types import Later
from desk.types import Entry, EntryKind
from model.text import Text
from tests.desk.stage import MINUTE, SECOND, T0, engine, incident, inventory
from tests.desk.test_mirror_steps import message

FAST = outbox.Pace(idle_s=0.01, first_s=0.01, most_s=0.05)


@contextmanager
def phone() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What Apprise's json:// speaks to."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_address[1]}/", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def channel(address: str, id: str = "ann", **options: str) -> Channel:
    return Channel(settings("apprise", "apprise://test", "env:S", id=id, person="ann", options=options), address)


class Day:
    """A desk whose clock is set by hand."""

    def __init__(self, path: Path, *ways: Connector) -> None:
        self.made = engine(path)
        self.ways = ways
        self.now = T0
        with self.made.begin() as conn:
            outbox.register(conn, [way.settings for way in ways])
            store.apply(conn, [incident()], inventory(), T0)

    def note(self, *texts: str) -> None:
        with self.made.begin() as conn:
            for text in texts:
                store.act(conn, "T-000001", EntryKind.NOTE, "li", text, self.now, self.now)

    def pending(self) -> int:
        with self.made.connect() as conn:
            return len(outbox.rows(conn, state="pending"))

    async def deliver(self, until: Callable[[], bool]) -> None:
        async def transact(work: Callable[[sa.Connection], Any]) -> Any:
            with self.made.begin() as conn:
                return work(conn)

        task = asyncio.create_task(outbox.deliver(self.made, transact, self.ways, lambda: self.now, FAST))
        while not until() and not task.done():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # it would go on if it wanted to
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_over_the_budget_everything_goes_as_one_and_nothing_is_lost(tmp_path: Path) -> None:
    with phone() as (address, got):
        day = Day(tmp_path / "d.sqlite", channel(address, budget="3", window_s="600"))
        day.now = T0 + 10 * SECOND
        day.note(*(f"note {n}" for n in range(8)))
        await day.deliver(lambda: not day.pending())
        assert len(got) == 3, "two by themselves, the third carries the rest"
        everything = " ".join(each["message"] for each in got)
        assert all(f"note {n}" in everything for n in range(8))
        assert "messages in one / " in got[2]["message"]
        day.now += MINUTE
        day.note("late one", "late two")
        await day.deliver(lambda: True)
        assert (len(got), day.pending()) == (3, 2), "the budget is used up: they wait and are seen waiting"
        with day.made.connect() as conn:
            (stands,) = outbox.waiting(conn)
        assert (stands.pending, stands.oldest_at) == (2, T0 + 70 * SECOND)
        day.now += 10 * MINUTE
        await day.deliver(lambda: not day.pending())
        assert "late one" in got[3]["message"] or "late two" in got[4]["message"]
        with day.made.connect() as conn:
            told = {e.data["announces"] for e in store.ledger(conn, "T-000001") if e.kind is EntryKind.NOTIFIED}
            assert told == {r.seq for r in outbox.rows(conn)}, "each entry is noted as told"
        day.made.dispose()


async def test_the_budget_is_the_persons_whichever_way_it_goes(tmp_path: Path) -> None:
    with phone() as (address, got):
        ways = [channel(address, id, budget="4", window_s="600") for id in ("ann-sms", "ann-chat")]
        day = Day(tmp_path / "d.sqlite", *ways)
        day.now = T0 + 10 * SECOND
        day.note(*(f"note {n}" for n in range(20)))

        def settled() -> bool:
            with day.made.connect() as conn:
                return len(messages_sql.sent_times(conn, "ann-sms", "T-000001", 0)) >= 4

        await day.deliver(settled)
        assert len(got) in (4, 5), "two ways that look at the same moment may both take the last one"
        day.made.dispose()


async def test_a_service_that_says_no_delays(tmp_path: Path) -> None:
    with phone() as (address, _):
        gone = channel(address)
    outcome = await gone.put(message(1, "opened", "open"))
    assert isinstance(outcome, Later)


@pytest.mark.parametrize(
    "address",
    [
        "dingtalk://0123456789abcdef/13800138000",
        "wecombot://12345678-1234-1234-1234-123456789012",
        "feishu://abc-def-123",
        "slack://TokenA123/TokenB1234/TokenC12345678901234567/#ops",
        "workflows://prod.example:443/workflow/signature",
        "clicksend://user:0123456789@15551234567",
        "ntfys://ntfy.example/ups",
    ],
)
def test_the_ways_that_people_use_are_known(address: str) -> None:
    assert channel(address).settings.id == "ann"


@pytest.mark.parametrize("address", ["json://far.example/", "nonsense", "", "json://127.0.0.1/ json://127.0.0.1/x"])
def test_an_unencrypted_or_unknown_way_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(ValueError, match="secret") as told:
        channel(address)
    assert "far.example" not in str(told.value)


@pytest.mark.parametrize(
    ("kind", "data", "audience", "kinds", "roles", "expected"),
    [
        (EntryKind.NOTE, {}, "desk", "", "", True),
        (EntryKind.NOTE, {}, "desk", "opened closed", "", False),
        (EntryKind.ESCALATED, {"to": "manager"}, "desk", "", "manager", True),
        (EntryKind.ESCALATED, {"to": "president"}, "desk", "", "manager", False),
        (EntryKind.OPENED, {}, "desk", "", "manager", True),
        (EntryKind.MESSAGE, {"connector": "x", "to": "desk"}, "desk", "", "", False),
        (EntryKind.MESSAGE, {"connector": "y", "to": "desk"}, "desk", "", "", True),
        (EntryKind.MESSAGE, {"connector": "y", "to": "desk"}, "customer", "", "", False),
        (EntryKind.MESSAGE, {"connector": "y", "to": "customer"}, "customer", "", "", True),
    ],
)
def test_who_is_told_of_what(kind: Any, data: Any, audience: str, kinds: str, roles: str, expected: bool) -> None:
    entry = Entry(ticket="T-1", seq=1, at=0, recorded_at=0, who="ann", kind=kind, text=Text("x", "x"), data=data)
    assert wanted(entry, "x", audience, kinds, roles) is expected


def test_what_a_person_is_called_for_are_kinds_of_the_ledger() -> None:
    assert set(HEARS) <= set(EntryKind)
    assert KINDS["apprise"].hears == HEARS

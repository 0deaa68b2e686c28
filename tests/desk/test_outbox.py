"""The way out, against a real HTTP server that fails, hangs, cuts off, refuses and forgets."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from desk import outbox, store
from desk.connectors import Connector, Settings, settings
from desk.connectors.webhook import Webhook
from desk.outbox import Pace
from desk.types import ClockState, EntryKind
from tests.desk.receiver import Receiver, receiving
from tests.desk.stage import MINUTE, SECOND, T0, ended, engine, incident, inventory

SECRET = "a shared secret"
INVENTORY = inventory()
FAST = Pace(idle_s=0.01, first_s=0.01, most_s=0.05)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[sa.Engine]:
    made = engine(tmp_path / "desk.sqlite")
    yield made
    made.dispose()


def hook(receiver: Receiver, **more: Any) -> Webhook:
    return Webhook(settings("webhook", receiver.url, "env:S", **more), SECRET, timeout_s=0.5)


def begin(made: sa.Engine, *hooks: Connector) -> None:
    with made.begin() as conn:
        outbox.register(conn, [h.settings for h in hooks])
        store.apply(conn, [incident()], INVENTORY, T0)


async def drain(made: sa.Engine, *hooks: Connector, until: Callable[[], bool] | None = None) -> None:
    """Deliver until nothing is pending (or `until`), as the centre does: one transaction at a time."""
    lock = asyncio.Lock()

    async def transact(work: Callable[[sa.Connection], Any]) -> Any:
        def run() -> Any:
            with made.begin() as conn:
                return work(conn)

        async with lock:
            return await asyncio.to_thread(run)

    def done() -> bool:
        with made.connect() as conn:
            return not outbox.rows(conn, state="pending")

    task = asyncio.create_task(outbox.deliver(made, transact, hooks, lambda: T0 + 10 * SECOND, FAST))
    while not (until or done)() and not task.done():
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for one in hooks:
        await one.close()


def notified(made: sa.Engine, id: str = "T-000001") -> list[Any]:
    with made.connect() as conn:
        return [e for e in store.ledger(conn, id) if e.kind is EntryKind.NOTIFIED]


async def test_a_receiver_that_hangs_cuts_off_and_fails_gets_each_message_once_by_key(made: sa.Engine) -> None:
    with receiving("hang", 500, "drop", 503, 429, 200) as receiver:
        one = hook(receiver)
        begin(made, one)
        with made.begin() as conn:
            store.act(conn, "T-000001", EntryKind.ACKNOWLEDGED, "ann", "坚持住", T0 + MINUTE, T0 + MINUTE)
        await drain(made, one)
        assert receiver.twice == 1, "the cut-off one had been taken; it came again under the same key"
        assert list(receiver.kept) == [f"T-000001:{n}:{one.settings.id}" for n in (1, 2)], "in order"
        assert receiver.kept[f"T-000001:2:{one.settings.id}"]["entry"]["text"]["zh"] == "坚持住"
    entries = notified(made)
    assert [e.data["announces"] for e in entries] == [1, 2]
    assert entries[0].data["external"] == "EXT-1"
    with made.connect() as conn:
        assert [(r.state, r.attempts) for r in outbox.rows(conn)] == [("delivered", 6), ("delivered", 1)]


async def test_the_signature_can_be_checked_by_anybody_with_the_secret(made: sa.Engine) -> None:
    with receiving() as receiver:
        one = hook(receiver)
        begin(made, one)
        await drain(made, one)
        headers, body, _ = receiver.requests[0]
        signed = headers["x-roundsman-timestamp"].encode() + b"." + body
        expected = hmac.digest(SECRET.encode(), signed, hashlib.sha256).hex()
        assert headers["x-roundsman-signature"] == f"sha256={expected}"
        assert headers["content-type"].startswith("application/json")
        assert SECRET not in str(receiver.requests)
    message = receiver.kept[headers["idempotency-key"]]
    assert message["schema"] == 1
    assert message["ticket"]["level_name"] == {"en": "Emergency", "zh": "紧急故障"}
    assert message["entry"]["kind"] == "opened"


async def test_a_refusal_is_kept_and_shown_holds_up_nothing_and_can_be_sent_again(made: sa.Engine) -> None:
    with receiving(422) as receiver:
        one = hook(receiver)
        begin(made, one)
        with made.begin() as conn:
            store.act(conn, "T-000001", EntryKind.NOTE, "ann", "hello", T0 + MINUTE, T0 + MINUTE)
        await drain(made, one)
        with made.begin() as conn:
            refused = outbox.rows(conn, state="refused")
            assert [(r.seq, r.attempts) for r in refused] == [(1, 1)]
            assert "HTTP 422" in (refused[0].error or "")
            assert outbox.send_again(conn, refused[0].key)
            assert not outbox.send_again(conn, "T-9:9:nobody")
        await drain(made, two := hook(receiver))
        assert two.settings.id == one.settings.id
        assert list(receiver.kept) == [f"T-000001:{n}:{one.settings.id}" for n in (2, 1)]


async def test_a_redirect_is_a_refusal_because_the_signature_was_for_this_address(made: sa.Engine) -> None:
    with receiving(302) as receiver:
        one = hook(receiver)
        begin(made, one)
        await drain(made, one)
    with made.connect() as conn:
        assert "not followed" in (outbox.rows(conn, state="refused")[0].error or "")


async def test_a_receiver_that_is_away_delays_and_loses_nothing(made: sa.Engine) -> None:
    with receiving() as gone:
        url = gone.url
    away = Webhook(settings("webhook", url, "env:S"), SECRET, timeout_s=0.5)
    begin(made, away)

    def tried_three_times() -> bool:
        with made.connect() as conn:
            return outbox.rows(conn)[0].attempts >= 3

    await drain(made, away, until=tried_three_times)
    with made.connect() as conn:
        row = outbox.rows(conn)[0]
    assert (row.state, row.key) == ("pending", f"T-000001:1:{away.settings.id}")
    assert "no answer" in (row.error or "")


async def test_one_stuck_ticket_and_one_broken_connector_hold_up_no_other(made: sa.Engine) -> None:
    class Broken:
        """A connector with a mistake in it."""

        def __init__(self, settings: Settings) -> None:
            self.settings = settings

        async def put(self, message: Any) -> Any:
            raise ValueError("its own mistake")

        async def close(self) -> None: ...

    with receiving() as receiver:
        good = hook(receiver)
        broken = Broken(settings("webhook", "https://x.invalid/", "env:S"))
        begin(made, good, broken)

        def delivered() -> bool:
            with made.connect() as conn:
                rows = outbox.rows(conn)
            return any(r.state == "delivered" for r in rows) and any(r.attempts > 1 for r in rows)

        await drain(made, good, broken, until=delivered)
    with made.connect() as conn:
        states = {r.connector: (r.state, r.error) for r in outbox.rows(conn)}
    assert states[good.settings.id] == ("delivered", None)
    assert states[broken.settings.id] == ("pending", "ValueError: its own mistake")


@pytest.mark.parametrize(("to", "state"), [("customer", ClockState.STOPPED), ("desk", ClockState.RUNNING)])
async def test_only_a_message_that_reached_the_customer_is_a_first_response(
    made: sa.Engine, to: Any, state: ClockState
) -> None:
    with receiving() as receiver:
        one = hook(receiver, to=to)
        begin(made, one)
        await drain(made, one)
    with made.connect() as conn:
        first = store.clocks(conn, "T-000001", T0 + MINUTE)[0]
    assert (first.name, first.state) == ("first_response", state)
    assert (first.stopped_at == T0 + 10 * SECOND) == (to == "customer")


async def test_a_customers_connector_hears_only_of_that_customers_tickets(made: sa.Engine) -> None:
    with receiving() as receiver:
        mine, other = hook(receiver, customer="harbour"), hook(receiver, customer="lakeside")
        begin(made, mine, other)
        with made.connect() as conn:
            assert {r.connector for r in outbox.rows(conn)} == {mine.settings.id}
        await drain(made, mine, other)
    assert len(receiver.kept) == 1


def test_a_rolled_back_change_announces_nothing(made: sa.Engine) -> None:
    with made.begin() as conn:
        outbox.register(conn, [settings("webhook", "https://x.invalid/", "env:S")])
    with made.connect() as conn:
        work = conn.begin()
        store.apply(conn, [incident()], INVENTORY, T0)
        assert len(outbox.rows(conn)) == 1
        work.rollback()
    with made.connect() as conn:
        assert outbox.rows(conn) == []


def test_a_delivery_noted_twice_stands_once_in_the_ledger(made: sa.Engine) -> None:
    """A crash between sending and noting: the second sender finds the row settled."""
    from desk.connectors import Delivered

    given = settings("webhook", "https://x.invalid/", "env:S")
    with made.begin() as conn:
        outbox.register(conn, [given])
        store.apply(conn, [incident()], INVENTORY, T0)
        row = outbox.rows(conn)[0]
        outbox.settle(conn, row, given, Delivered(), T0 + SECOND)
        outbox.settle(conn, row, given, Delivered(), T0 + 2 * SECOND)
    assert [e.at for e in notified(made)] == [T0 + SECOND]


def test_a_connector_that_left_the_file_gets_nothing_new_and_keeps_what_waits(made: sa.Engine) -> None:
    given = settings("webhook", "https://x.invalid/", "env:S")
    told = incident()
    with made.begin() as conn:
        outbox.register(conn, [given])
        store.apply(conn, [told], INVENTORY, T0)
        outbox.register(conn, [])
        store.apply(conn, [ended(told, T0 + MINUTE)], INVENTORY, T0 + MINUTE)
        assert [r.seq for r in outbox.rows(conn)] == [1]
        outbox.register(conn, [given])
        store.act(conn, "T-000001", EntryKind.NOTE, "ann", "x", T0 + 2 * MINUTE, T0 + 2 * MINUTE)
        assert [r.seq for r in outbox.rows(conn)] == [1, 3]

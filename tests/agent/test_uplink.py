"""From a real spool to a real HTTP server that dies, lies, and comes back."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.backlog import Chunk
from agent.clock import AgentClock
from agent.config import AgentConfig
from agent.spool import Spool
from agent.spooling import Spooling
from agent.uplink import GROUP, Outcome, Uplink, client, outcome_of, pause_s
from model.batch import Batch
from model.reading import Reading
from model.secret import SecretError
from model.timescale import TimeScale
from tests.agent.centre import Centre, serving
from tests.services import free_port, need

SITE = "sz"


class Sender:
    """An uplink with its spool, driven group by group: no sleeping."""

    def __init__(self, uplink: Uplink, spooling: Spooling) -> None:
        self.uplink = uplink
        self.spooling = spooling
        self.at = 0

    async def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.at += 1
            one = Reading(device="sz/u", point="battery.charge", index=None, at=self.at, value=self.at / 7)
            chunk = Chunk(readings=[one], gaps=[], events=[])
            await self.spooling.call(lambda s, chunk=chunk: s.write(SITE, "boot", self.at, chunk))

    async def waiting(self) -> list[int]:
        return [row.id for row in await self.spooling.call(lambda s: s.undelivered(0, 10_000))]

    async def rejected(self) -> int:
        return (await self.spooling.call(lambda s: s.standing())).rejected


@asynccontextmanager
async def sending(folder: Path, url: str, key: str = "k" * 64, ca: Path | None = None) -> AsyncIterator[Sender]:
    config = AgentConfig(
        file=folder / "agent.toml", site=SITE, collector=url, key="file:k", spool=folder / "spool.sqlite", ca=ca
    )
    spooling = Spooling(lambda: Spool(config.spool, max_mb=64), lambda _: None)
    async with client(config) as http:
        yield Sender(Uplink(config, lambda: key, AgentClock(TimeScale()), spooling, http), spooling)
    await spooling.close()


@pytest.fixture
def centre() -> Iterator[Centre]:
    with serving(Centre()) as one:
        yield one


async def test_rows_arrive_in_order_once_and_leave_the_spool(tmp_path: Path, centre: Centre) -> None:
    async with sending(tmp_path, centre.url) as sender:
        await sender.write(GROUP + 5)
        assert await sender.uplink.send_group() is True
        assert await sender.uplink.send_group() is False
        assert centre.order == list(range(1, GROUP + 6))
        assert await sender.waiting() == []
    headers = centre.requests[0]
    assert headers["authorization"] == "Bearer " + "k" * 64
    assert headers["content-type"] == "application/vnd.roundsman.batch+msgpack"
    assert len(headers["x-roundsman-boot"]) == 32
    assert int(headers["x-roundsman-at"]) < int(centre.requests[-1]["x-roundsman-at"])


async def test_nothing_is_lost_while_the_collector_is_down_and_nothing_doubled_when_it_returns(tmp_path: Path) -> None:
    port, centre = free_port(), Centre()
    async with sending(tmp_path, f"http://127.0.0.1:{port}") as sender:
        await sender.write(3)
        for failures in range(1, 4):
            await sender.uplink.send_group()
            assert sender.uplink.failures == failures
        assert await sender.waiting() == [1, 2, 3]
        with serving(centre, port):
            await sender.uplink.send_group()
            assert sender.uplink.failures == 0
        await sender.write(2)
        await sender.uplink.send_group()  # it died again
        assert await sender.waiting() == [4, 5]
        with serving(centre, port):
            await sender.uplink.send_group()
    assert centre.order == [1, 2, 3, 4, 5]


async def test_an_answer_that_got_lost_is_asked_for_again_with_the_same_bytes(tmp_path: Path, centre: Centre) -> None:
    """The centre kept the row and then answered 500, or the line broke: the worst moment there is."""
    seen: set[int] = set()

    def keeps_but_fails_once(batch: Batch | None) -> tuple[int, bytes] | None:
        assert batch is not None
        if batch.row in seen:
            return None
        seen.add(batch.row)
        centre.kept[batch.spool, batch.row] = batch
        return 500, b"later"

    centre.behaviour = keeps_but_fails_once
    async with sending(tmp_path, centre.url) as sender:
        await sender.write(4)
        for _ in range(8):
            await sender.uplink.send_group()
        assert await sender.waiting() == []
    assert len(centre.requests) == 8
    assert centre.changed_bytes == []


async def test_a_row_that_the_centre_calls_no_batch_is_set_aside_and_the_next_follow(
    tmp_path: Path, centre: Centre
) -> None:
    centre.behaviour = lambda batch: (400, b"not a batch") if batch and batch.row == 2 else None
    async with sending(tmp_path, centre.url) as sender:
        await sender.write(3)
        await sender.uplink.send_group()
        assert centre.order == [1, 3]
        assert await sender.waiting() == []
        assert await sender.rejected() == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_costs_no_row(tmp_path: Path, centre: Centre, status: int) -> None:
    centre.behaviour = lambda _: (status, b"who are you")
    async with sending(tmp_path, centre.url) as sender:
        await sender.write(2)
        await sender.uplink.send_group()
        assert len(centre.requests) == 1, "the next row would be refused as well"
        assert await sender.waiting() == [1, 2]
        assert await sender.rejected() == 0
        centre.behaviour = lambda _: None  # enrolled
        await sender.uplink.send_group()
        assert centre.order == [1, 2]


async def test_a_key_that_is_not_there_yet_is_waited_for(tmp_path: Path, centre: Centre) -> None:
    async with sending(tmp_path, centre.url) as sender:

        def none() -> str:
            raise SecretError("cannot read agent.key: No such file or directory")

        sender.uplink._key = none
        await sender.write()
        await sender.uplink.send_group()
        assert (centre.requests, await sender.waiting()) == ([], [1])
        sender.uplink._key = lambda: "k"
        await sender.uplink.send_group()
        assert centre.order == [1]


async def test_a_portal_that_answers_200_to_everything_is_not_the_collector(tmp_path: Path, centre: Centre) -> None:
    portal = [b"<html>please log in</html>", b"{}", b'{"spool": "another", "row": 1}', b""]
    centre.behaviour = lambda _: (200, portal[len(centre.requests) - 1])
    async with sending(tmp_path, centre.url) as sender:
        await sender.write()
        for failures in range(1, 5):
            await sender.uplink.send_group()
            assert sender.uplink.failures == failures
        assert await sender.waiting() == [1]


async def test_a_crash_before_the_confirmations_were_written_sends_again_what_the_centre_has(
    tmp_path: Path, centre: Centre
) -> None:
    async with sending(tmp_path, centre.url) as sender:
        await sender.write(3)
        sender.uplink._confirm = nothing
        await sender.uplink.send_group()
    async with sending(tmp_path, centre.url) as sender:  # a new process on the same file
        await sender.uplink.send_group()
        assert await sender.waiting() == []
    assert len(centre.requests) == 6
    assert centre.order == [1, 2, 3]
    assert centre.changed_bytes == []


async def nothing() -> None:
    """As if the machine had died here."""


async def test_confirmations_that_the_disk_refused_are_written_later_and_no_row_is_sent_twice(
    tmp_path: Path, centre: Centre
) -> None:
    async with sending(tmp_path, centre.url) as sender:
        await sender.write(2)
        spool = sender.spooling._spool
        assert spool is not None
        spool._db.execute("PRAGMA query_only = ON")
        await sender.uplink.send_group()
        assert await sender.waiting() == [1, 2]
        await sender.uplink.send_group()
        assert await sender.waiting() == []
    assert len(centre.requests) == 2


async def test_only_the_collector_that_proves_its_name_gets_the_key(tmp_path: Path) -> None:
    cert, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    made = [need("openssl", "openssl"), *words.split(), "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True)
    proof = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    proof.load_cert_chain(cert, key)
    with serving(Centre(), tls=proof) as centre:
        async with sending(tmp_path, centre.url) as sender:
            await sender.write()
            await sender.uplink.send_group()
            assert (centre.requests, sender.uplink.failures) == ([], 1), "nobody we know vouches for it"
        async with sending(tmp_path, centre.url, ca=cert) as sender:
            await sender.uplink.send_group()
            assert centre.order == [1]


async def test_a_new_row_wakes_the_uplink_and_the_end_stops_it_even_in_a_slow_answer(
    tmp_path: Path, centre: Centre
) -> None:
    written, stop, slow = asyncio.Event(), asyncio.Event(), threading.Event()
    async with sending(tmp_path, centre.url) as sender:
        task = asyncio.create_task(sender.uplink.run(written, stop))
        await sender.write()
        written.set()
        await asyncio.to_thread(centre.wait, lambda: centre.order == [1])
        centre.behaviour = lambda _: (slow.wait(30), (503, b""))[1]
        await sender.write()
        written.set()
        await asyncio.to_thread(centre.wait, lambda: len(centre.requests) >= 2)
        stop.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await sender.waiting() == [2]
        slow.set()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, json.dumps({"spool": "s", "row": 7, "more": 1}), Outcome.KEPT),
        (200, json.dumps({"spool": "s", "row": 8}), Outcome.AGAIN),
        (200, json.dumps({"spool": "s", "row": "7"}), Outcome.AGAIN),
        (204, "", Outcome.AGAIN),
        (302, "", Outcome.AGAIN),
        (400, "", Outcome.NO_BATCH),
        (413, "", Outcome.NO_BATCH),
        (401, "", Outcome.KEY_REFUSED),
        (403, "", Outcome.KEY_REFUSED),
        (404, "", Outcome.AGAIN),
        (429, "", Outcome.AGAIN),
        (503, "", Outcome.AGAIN),
    ],
)
def test_each_answer_means_one_thing(status: int, body: str, outcome: Outcome) -> None:
    assert outcome_of(status, body.encode(), "s", 7) is outcome


def test_pauses_double_up_to_a_minute_and_differ_between_agents() -> None:
    assert [pause_s(n, 1.0) for n in (1, 2, 3, 6, 7, 50)] == [1, 2, 4, 15, 15, 15]
    assert pause_s(3, 0.0) == 2

"""What the centre answers to an agent, and what it keeps."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector import enrol, store
from model.batch import Event, EventKind, encode
from model.reading import Gap, GapCause
from tests.collector.centres import KEY, SITE, batch, centre_at, post, reading

UPS = f"{SITE}/ups-1"


async def test_a_batch_answered_with_200_is_in_history_and_its_device_is_known(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        answer = await post(client, batch(7, [reading("ups.load", 42.0, now)], at=now))
        assert answer.status_code == 200
        assert answer.json() == {"spool": "a" * 32, "row": 7}
        assert centre.history.latest(UPS) == [reading("ups.load", 42.0, now)]
        with centre.engine.connect() as conn:
            assert [d.id for d in store.devices(conn)] == [UPS]
            assert store.agents(conn)[0].row == 7


async def test_a_batch_sent_three_times_changes_nothing_after_the_first(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        gap = Gap(device=UPS, point="ups.load", index=None, at=now, cause=GapCause.GARBLED)
        sent = batch(1, [reading("battery.charge", 80.0, now)], gaps=[gap], at=now)
        answers = [(await post(client, sent)).status_code for _ in range(3)]
        assert answers == [200, 200, 200]
        with centre.engine.connect() as conn:
            assert [g.count for g in store.gaps_latest(conn)] == [1]
        assert len(centre.history.range((UPS, "battery.charge", None), 0, now + 1).at) == 1


async def test_a_reading_of_another_site_goes_to_quarantine_and_the_rest_is_kept(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        mixed = [
            reading("ups.load", 1.0, now),
            reading("ups.load", 2.0, now, device="hz-xihu/ups-1"),
            reading("ups.spin", 3.0, now),
            reading("input.voltage", 2302.0, now, "1"),
            reading("ups.load", float("nan"), now + 1),
            reading("ups.load", 4.0, now + 400 * 86_400_000),
            reading("ups.load", 5.0, now, device="../../etc"),
        ]
        assert (await post(client, batch(1, mixed, at=now))).status_code == 200
        with centre.engine.connect() as conn:
            reasons = sorted(q.reason for q in store.quarantine(conn))
        assert reasons == ["bad_device", "bad_time", "not_finite", "not_plausible", "other_site", "unknown_point"]
        assert [r.value for r in centre.history.latest()] == [1.0]


async def test_a_whole_batch_of_another_site_is_refused(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (_, client):
        answer = await post(client, batch(1, [], site="hz-xihu"))
        assert answer.status_code == 403
        assert "sz-futian" in answer.json()["error"]


async def test_a_revoked_key_is_refused_at_once(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        assert (await post(client, batch(1, []))).status_code == 200
        with centre.engine.connect() as conn:
            agent = store.agents(conn)[0].id
        assert await centre.transact(lambda conn: enrol.revoke(conn, agent, centre.now())) == 1
        assert (await post(client, batch(2, []))).status_code == 401


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer wrong", f"Basic {KEY}"])
async def test_no_key_and_no_good_key_are_refused(tmp_path: Path, key: str) -> None:
    async with centre_at(tmp_path) as (_, client):
        assert (await post(client, batch(1, []), Authorization=key)).status_code == 401


async def test_a_body_too_long_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    async with centre_at(tmp_path, max_body=1000) as (_, client):
        assert (await post(client, b"x" * 1001)).status_code == 413


async def test_garbage_is_refused_with_a_reason_and_nothing_is_kept(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        good = encode(batch(1, [reading("ups.load", 1.0)]))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.one_of(st.binary(max_size=300), st.integers(0, len(good) - 1).map(lambda n: good[:n])))
        def refuse(body: bytes) -> None:
            bodies.append(body)

        bodies: list[bytes] = []
        refuse()
        for body in bodies:
            answer = await post(client, body)
            assert answer.status_code == 400, body
            assert answer.json()["error"].startswith("expected")
        assert centre.history.latest() == []


async def test_an_agent_enrols_once_with_a_code_for_its_site(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        code = await centre.transact(lambda conn: enrol.new_code(conn, "hz-xihu", centre.now()))

        async def ask(**changed: str) -> httpx.Response:
            return await client.post(
                "/v1/enrol", json={"site": "hz-xihu", "code": code, "key_sha256": "0" * 64, **changed}
            )

        assert (await ask(site="other")).status_code == 403
        assert (await ask(code="guess")).status_code == 403
        assert (await ask(key_sha256="xyz")).status_code == 403
        first = await ask()
        assert first.status_code == 200
        assert (await ask()).json() == first.json(), "the answer may have been lost: the same key asks again"
        assert (await ask(key_sha256="1" * 64)).status_code == 403


async def test_a_code_is_worth_nothing_after_a_day(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        code = await centre.transact(lambda conn: enrol.new_code(conn, SITE, centre.now() - enrol.CODE_LIFE_MS))
        answer = await client.post("/v1/enrol", json={"site": SITE, "code": code, "key_sha256": "0" * 64})
        assert answer.status_code == 403


async def test_a_device_that_nobody_listed_is_stored_as_unassigned(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        stranger = f"{SITE}/found-by-chance"
        assert (
            await post(client, batch(1, [reading("ups.load", 9.0, now, device=stranger)], at=now))
        ).status_code == 200
        assert [r.value for r in centre.history.latest(stranger)] == [9.0]
        assert centre.inventory.site(SITE).customer == "unassigned"


async def test_what_a_device_says_of_itself_is_merged_over_time(tmp_path: Path) -> None:
    def says(at: int, **data: str) -> Event:
        return Event(kind=EventKind.IDENTITY, device=UPS, at=at, data={k.replace("_", "."): v for k, v in data.items()})

    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        await post(client, batch(1, [], events=[says(now, device_model="X", device_serial="1")], at=now))
        await post(client, batch(2, [], events=[says(now + 1, device_serial="2")], at=now))
        with centre.engine.connect() as conn:
            assert store.identity(conn, UPS) == {"device.model": "X", "device.serial": "2"}


async def test_those_who_watch_hear_of_a_batch_when_it_is_committed(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        events = centre.subscribe()
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await post(client, batch(1, []))
        assert (await waiting)["site"] == SITE

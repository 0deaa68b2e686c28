"""The centre as Prometheus reads it: the numbers are those of the database, and strangers get none."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.web import build_app
from model.points import Source
from model.reading import Gap, GapCause
from tests.collector.centres import SITE, batch, centre_at, post, reading

UPS = f"{SITE}/ups-1"


def numbers(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (
            sample.name.removeprefix("roundsman_centre_"),
            tuple(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_what_came_in_what_stands_and_who_is_late(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        before = numbers((await client.get("/metrics")).text)
        assert before["agents_late", ()] == 1, "enrolled and never heard"
        gap = Gap(device=UPS, point="ups.load", index=None, at=now, cause=GapCause.GARBLED)
        told = [reading("ups.source", float(Source.BATTERY), now), reading("input.voltage", 2302.0, now, "1")]
        assert (await post(client, batch(1, told, gaps=[gap], at=now))).status_code == 200
        found = numbers((await client.get("/metrics")).text)
        assert {
            name: found[name, ()] for name in ("batches_total", "readings_total", "gaps_total", "quarantined_total")
        } == {
            "batches_total": 1,
            "readings_total": 1,
            "gaps_total": 1,
            "quarantined_total": 1,
        }
        assert sum(value for (name, _), value in found.items() if name == "alerts_open") == 1
        assert sum(value for (name, _), value in found.items() if name == "tickets_open") == 1
        assert found["incidents_open", ()] == 1
        assert found["agents_late", ()] == 0
        assert found["history_waiting_batches", ()] == 0
        assert (
            next(value for (name, at), value in found.items() if name == "agent_heard_age_seconds" and SITE in at) < 60
        )


@pytest.mark.parametrize(
    ("host", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.9", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.9"}, 403),
    ],
)
async def test_without_a_token_only_this_machine_may_read(
    tmp_path: Path, host: str, headers: dict[str, str], status: int
) -> None:
    async with centre_at(tmp_path) as (centre, _):
        transport = httpx.ASGITransport(app=build_app(centre), client=(host, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://centre") as client:
            assert (await client.get("/metrics", headers=headers)).status_code == status


@pytest.mark.parametrize(("given", "status"), [("", 403), ("Bearer wrong", 403), ("Bearer hush", 200)])
async def test_with_a_token_everyone_who_has_it_may(tmp_path: Path, given: str, status: int) -> None:
    (tmp_path / "token").write_text("hush\n")
    async with centre_at(tmp_path, metrics_token=f"file:{tmp_path}/token") as (_, client):
        assert (await client.get("/metrics", headers={"Authorization": given})).status_code == status

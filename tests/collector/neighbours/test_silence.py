"""A program that stops telling of devices is missed like a device; one device of its that stops, alone; an old import, never."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from collector import enrol
from collector.neighbours import mapping
from collector.neighbours.silence import POINT
from collector.running import Running
from collector.store import findings, fleet
from model.timescale import REAL
from tests.collector.centres import KEY, SITE, centre_at

MAPPING = """
[[map]]
measurement = "upsd"
device = "{ups}"
[map.fields]
charge = { point = "battery.charge" }
[[map]]
measurement = "door"
device = "{ups}"
silent_after_s = 0
[map.fields]
open = { point = "contact.alarm" }
"""


class Story:
    """A centre whose clock the test moves, and the program that writes to it."""

    def __init__(self, centre: Running, client: httpx.AsyncClient) -> None:
        self.centre, self._client = centre, client
        self.at = Running.now(centre)
        centre.now = lambda: self.at  # type: ignore[method-assign]
        with centre.engine.connect() as conn:
            self.source = f"{SITE}/writer-{fleet.agents(conn)[0].id}"

    async def write(self, *lines: str) -> None:
        token = {"Authorization": f"Token {KEY}", "Content-Type": "text/plain"}
        answer = await self._client.post(f"/api/v2/write?x={self.at}", content="\n".join(lines), headers=token)
        assert answer.status_code == 204, answer.text

    async def wait(self, seconds: int, *lines: str) -> None:
        """Let time pass in looks of 10 s; `lines` are written before each."""
        for _ in range(0, seconds, 10):
            self.at += 10_000
            if lines:
                await self.write(*lines)
            await self.centre.silence.look(self.centre)
            await self.centre.write(self.centre.writer.tick, self.at)

    def silent(self) -> list[str]:
        """Devices whose silence is an alert now."""
        with self.centre.engine.connect() as conn:
            return sorted(
                alert.device for alert in findings.alerts(conn, open_only=True) if alert.kind == "device_silent"
            )


@asynccontextmanager
async def story(folder: Path) -> AsyncIterator[Story]:
    maps, problems = mapping.read(MAPPING, "write.toml")
    assert problems == []
    async with centre_at(folder, REAL, write_maps=maps) as (centre, client):
        client.headers.clear()
        yield Story(centre, client)


async def test_a_program_that_stops_is_one_silence_and_ends_when_it_writes_again(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        await told.wait(60, "upsd,ups=a charge=90", "upsd,ups=b charge=91")
        assert told.silent() == []
        beats = told.centre.history.range((told.source, POINT, None), 0, told.at + 1)
        assert list(beats.value) == [1.0, 4.0]
        await told.wait(290)
        assert told.silent() == []
        await told.wait(60)
        assert told.silent() == [told.source], "one cause: the devices behind it are not alerts of their own"
        await told.wait(60, "upsd,ups=a charge=90", "upsd,ups=b charge=91")
        assert told.silent() == []


async def test_one_device_of_a_program_that_goes_on_is_missed_and_one_that_tells_of_changes_only_is_not(
    tmp_path: Path,
) -> None:
    async with story(tmp_path) as told:
        await told.write("upsd,ups=a charge=90", "upsd,ups=b charge=91", "door,ups=c open=true")
        await told.wait(360, "upsd,ups=a charge=90")
        assert told.silent() == [f"{SITE}/b"]
        await told.wait(30, "upsd,ups=a charge=90", "upsd,ups=b charge=90")
        assert told.silent() == []


async def test_it_is_noticed_over_a_restart_and_not_of_a_key_that_is_revoked(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        await told.wait(20, "upsd,ups=a charge=90")
        heard = told.at
    async with story(tmp_path) as told:
        told.at = heard + 300_000
        await told.wait(60)
        assert told.silent() == [told.source]
    other = tmp_path / "other"
    other.mkdir()
    async with story(other) as told:
        await told.wait(20, "upsd,ups=a charge=90")
        await told.centre.transact(lambda conn: enrol.revoke(conn, SITE, told.at))
        await told.wait(400)
        assert told.silent() == []


async def test_what_is_brought_in_of_an_old_year_is_not_missed(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        await told.write(f"upsd,ups=a charge=90 {(told.at - 86_400_000) * 1_000_000}")
        await told.wait(400)
        assert told.silent() == []

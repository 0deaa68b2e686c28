"""A visit is announced beside the running centre; the engineer puts the UPS on bypass: no ticket, until it outlasts the visit."""

from __future__ import annotations

from pathlib import Path

import httpx

from collector import store
from collector.running import Running
from desk import roster, visiting
from desk.store import tickets
from model.points import Source
from model.text import Text
from tests.collector.centres import SITE, batch, centre_at, post, reading

UPS = f"{SITE}/ups-1"
HOUR = 3_600_000


async def says(centre: Running, client: httpx.AsyncClient, source: Source, begin: int) -> None:
    for n in range(6):
        at = begin + n * 10_000
        one = batch(n, [reading("ups.source", float(source), at)], spool=f"{begin:032x}", at=at)
        assert (await post(client, one)).status_code == 200
        await centre.write(centre.writer.tick, at)


def shown(centre: Running) -> tuple[list[bool], list[int]]:
    """Of the device (an agent that is silent for the hour that the story leaps over is another case)."""
    with centre.engine.connect() as conn:
        incidents = [one.wants_ticket for one in store.incidents(conn) if one.key.cause == "device"]
        return incidents, [one.opened_at for one in tickets(conn) if one.key.cause == "device"]


async def test_a_bypass_within_an_announced_visit_opens_a_ticket_only_when_it_outlasts_it(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        for task in centre._tasks[1:]:
            task.cancel()  # the clock is this story's; posts are served
        now = centre.now()

        def announce(ends_at: int) -> str:
            with store.writing(centre.engine) as conn:
                roster.put(
                    conn, "zhou", Text("Zhou", "周"), "ann", now, grade="three_star", base="office", skills=["ups"]
                )
                return visiting.plan(
                    conn, "zhou", "ann", now, now, site=SITE, device=UPS, starts_at=now - HOUR, ends_at=ends_at
                ).id

        visit = announce(now + HOUR)
        await says(centre, client, Source.NORMAL, now - 110_000)
        await says(centre, client, Source.BYPASS, now - 50_000)
        await centre.write(centre.writer.tick, now)
        assert shown(centre) == ([False], [])
        with centre.engine.connect() as conn:
            assert [alert.kind for alert in store.alerts(conn, open_only=True)] == ["bypass"]
            assert visit in store.incidents(conn)[0].explanation[0].en
        await centre.write(centre.writer.tick, now + HOUR - 1000)
        assert shown(centre)[1] == []
        await centre.write(centre.writer.tick, now + HOUR)
        assert shown(centre) == ([True], [now + HOUR]), "its promises count from the end of the visit"


async def test_a_visit_that_is_called_off_or_done_excuses_no_more(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        for task in centre._tasks[1:]:
            task.cancel()
        now = centre.now()
        with store.writing(centre.engine) as conn:
            roster.put(conn, "zhou", Text("Zhou", "周"), "ann", now, grade="three_star", base="office", skills=["ups"])
            visit = visiting.plan(conn, "zhou", "ann", now, now, site=SITE, starts_at=now - HOUR, ends_at=now + HOUR).id
        await says(centre, client, Source.BYPASS, now - 50_000)
        assert shown(centre)[1] == []
        with store.writing(centre.engine) as conn:
            visiting.step(conn, visit, "called_off", "ann", now - 60_000, now - 60_000)  # by a clock that is behind
        await centre.write(centre.writer.tick, now + 2000)
        assert shown(centre)[1] == [now + 2000]

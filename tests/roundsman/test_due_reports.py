"""Reports of a period are drafted by the centre when they fall due: once a period, in both languages, and stay due."""

from __future__ import annotations

import time
from pathlib import Path

import sqlalchemy as sa

from collector import inventory
from collector.running import Running
from desk import documents, duty_book, field_sql
from desk.duties import DutyState
from model.timescale import TimeScale
from roundsman import due_reports
from tests.collector.centres import T0, centre_at
from tests.collector.test_field_watch import INVENTORY
from tests.desk.paper import pages
from tests.desk.stage import DAY, HOUR

#: T0 is 2026-09-21.
XINGUANG = INVENTORY.replace("powerstar", "chengdu_xinguang").replace("2026-05-01", "2026-09-06")
WEEKLY, BULLETIN = "weekly_report:chengdu_xinguang", "bulletin:harbour"


def _begin(conn: sa.Connection, now: int) -> None:
    known, problems = inventory.read(XINGUANG, "inventory.toml", ["chengdu_xinguang"])
    assert problems == []
    inventory.put(conn, known, XINGUANG, now)


def _drafted(conn: sa.Connection) -> list[str]:
    return sorted(line.id for line in field_sql.lines(conn, "duty") if line.event == "drafted")


async def _turns(centre: Running) -> None:
    for _ in range(2):
        await due_reports.turn(centre)


async def test_what_is_due_is_drafted_once_in_both_languages_and_again_a_period_later(tmp_path: Path) -> None:
    async with centre_at(tmp_path, _scale(T0)) as (centre, _):
        await centre.transact(lambda conn: _begin(conn, centre.now()))
        await _turns(centre)
        with centre.engine.connect() as conn:
            assert _drafted(conn) == [BULLETIN, WEEKLY]
            kept = documents.find(conn)
            mine = {d.name: d.hash for d in documents.find(conn, customer="harbour")}
            bodies = {d.name: documents.get(conn, centre.config.data / "documents", d.hash)[1] for d in kept}
            states = {s.job.key: s.state for s in duty_book.standings(conn, centre.inventory, centre.now())}
        weekly = {name: pages.text(body, tmp_path) for name, body in bodies.items() if "weekly" in name}
        assert len(bodies) == 4
        assert all("bulletin" in name for name in mine)  # the house's own report is no customer's to read
        assert any("本周全部问题" in text for text in weekly.values())
        assert any("Allproblemsoftheweek" in text.replace(" ", "") for text in weekly.values())
        assert {states[WEEKLY], states[BULLETIN]} <= {DutyState.DUE, DutyState.OVERDUE}  # a draft is not the deed
    async with centre_at(tmp_path, _scale(T0 + 7 * DAY + HOUR)) as (centre, _):
        await _turns(centre)
        with centre.engine.connect() as conn:
            assert _drafted(conn) == [BULLETIN, WEEKLY, WEEKLY]


def _scale(at: int) -> TimeScale:
    return TimeScale(t0=at, real0=round(time.time() * 1000), speed=1.0)

"""What the centre does for field service by itself, now and then."""

from __future__ import annotations

import time
from pathlib import Path

import sqlalchemy as sa

from alerts.types import Alert, Impact
from collector import field_watch, inventory
from collector.store import findings
from desk import consenting, duty_book, field_sql
from desk.duties import DutyState
from desk.policies import load
from model.finding import Finding, Severity
from model.text import Text
from model.timescale import TimeScale
from tests.collector.centres import T0, batch, centre_at, reading
from tests.desk.stage import HOUR, MINUTE

UPS = "sz-futian/ups-1"
INVENTORY = """
[[customer]]
id = "harbour"
name = { en = "Harbour", zh = "港口" }
[[contract]]
customer = "harbour"
policy = "powerstar"
since = "2026-05-01"
[[site]]
id = "sz-futian"
customer = "harbour"
name = { en = "Futian", zh = "福田" }
[[device]]
id = "sz-futian/ups-1"
name = { en = "UPS 1", zh = "UPS 1" }
kind = "ups"
"""


def on_battery(since: int, until: int) -> Alert:
    """The alert of an outage that is over."""
    finding = Finding(
        device=UPS,
        kind="on_battery",
        index=None,
        severity=Severity.MINOR,
        since=since,
        score=1.0,
        evidence=(),
        advice=Text("", ""),
    )
    return Alert(
        id="a1",
        device=UPS,
        kind="on_battery",
        index=None,
        severity=Severity.MINOR,
        impact=Impact.DEGRADED,
        raised_at=since,
        changed_at=until,
        cleared_at=until,
        finding=finding,
    )


async def test_an_outage_deep_enough_is_counted_and_a_consent_that_ran_out_is_written_down(tmp_path: Path) -> None:
    began, ended = T0 - 3 * HOUR, T0 - 2 * HOUR
    curve = [reading("battery.charge", v, at=began + m * MINUTE) for m, v in ((-5, 100), (20, 80), (55, 60))]
    async with centre_at(tmp_path, TimeScale(t0=T0, real0=time.time_ns() // 1_000_000, speed=1.0)) as (centre, _):
        known, _ = inventory.read(INVENTORY, "inventory.toml", ["powerstar"])
        policy = load("powerstar")
        assert policy
        now = centre.now()
        centre.history.write([batch(1, curve)])

        def begin(conn: sa.Connection) -> None:
            inventory.put(conn, known, INVENTORY, now)
            consenting.ask(conn, policy, known, "equipment", [UPS], "ann", began, now, expires_at=ended)
            findings.put_alerts(conn, [on_battery(began, ended)])

        await centre.transact(begin)
        await field_watch.turn(centre)
        await field_watch.turn(centre)
        with centre.engine.connect() as conn:
            consent = [line.event for line in field_sql.lines(conn, "consent")]
            found = {s.job.duty.id: s for s in duty_book.standings(conn, centre.inventory, now)}
            done = [line for line in field_sql.lines(conn, "duty") if line.event == "done"]
        assert consent == ["asked", "expired"]
        assert [(line.device, line.at, line.data["depth"]) for line in done] == [(UPS, ended, 0.4)]
        assert found["battery_discharge"].state is DutyState.SCHEDULED

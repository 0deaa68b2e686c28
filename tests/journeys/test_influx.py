"""The story with history in a real InfluxDB that is down for a minute in the middle of it."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from roundsman.demo.story import EXPECTED_CAUSES, EXPECTED_TICKETS
from tests.journeys.demo_run import Demo, logs
from tests.services import free_port, wait_for
from tests.services.influxdb import InfluxServer

OUTAGE_S = 60


def problems(port: int) -> list[str]:
    """What /healthz names; empty while the centre does not answer."""
    try:
        return list(httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5, verify=False).json()["problems"])
    except httpx.HTTPError:
        return []


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.service
@pytest.mark.timeout(300)
def test_a_minute_without_influxdb_costs_no_reading_and_changes_no_incident(tmp_path: Path) -> None:
    server, port, data = InfluxServer(tmp_path / "server"), free_port(), tmp_path / "demo"
    with server.up():
        demo = Demo(data, "--for", "240", "--speed", "60", "--history", server.url, "--port", str(port))
        wait_for(lambda: b"ups" in server.query("SHOW MEASUREMENTS"), 60, "the first points in InfluxDB")
    # The mains fails while the server is away: alerts must not wait for a chart store.
    down = time.monotonic()
    wait_for(lambda: any("batches wait" in problem for problem in problems(port)), 30, "a word about it in /healthz")
    time.sleep(max(0.0, down + OUTAGE_S - time.monotonic()))
    with server.up():
        wait_for(lambda: not problems(port), 60, "the server being given what it missed")
        run = demo.play_out(calm_s=5)

    assert run.unheld() == [], logs(data)
    assert run.as_told
    assert {(i["cause"], i["root"]) for i in run.summary["incidents"] if not i["merged"]} == EXPECTED_CAUSES
    assert {(t["cause"], t["root"]) for t in run.summary["tickets"]} == EXPECTED_TICKETS
    # The audit read every series back from InfluxDB and compared it, value by value, with what the spools sent.
    assert run.summary["spooled"] == run.summary["readings"] > 5_000
    assert (run.summary["lost"], run.summary["doubled"]) == (0, 0)

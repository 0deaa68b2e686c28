"""Twenty kill -9 of agents and the collector while the story plays: the same incidents, nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roundsman.demo.story import EXPECTED_TICKETS
from tests.journeys.demo_run import Demo, DemoRun, logs

KILLS = 20

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.mark.timeout(600)
def test_twenty_kills_change_neither_the_story_nor_a_single_reading(tmp_path: Path, played: DemoRun) -> None:
    """At the pace at which `make demo` plays it, held against the run that nobody disturbed: both must lead to the same."""
    disturbed = Demo(tmp_path, "--for", "165", "--speed", "10", "--kills", str(KILLS), "--seed", "1128").finish()

    assert disturbed.unheld() == [], logs(tmp_path)
    assert sum(e["event"] == "killed" for e in disturbed.events) == KILLS
    assert disturbed.summary["deaths"] >= KILLS
    assert (disturbed.summary["lost"], disturbed.summary["doubled"]) == (0, 0)
    assert incidents(disturbed.summary) == incidents(played.summary)
    assert tickets(disturbed.summary) == tickets(played.summary)
    assert {t[:2] for t in tickets(disturbed.summary)} == EXPECTED_TICKETS


def incidents(run: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Which silence is heard before the mains failure that explains it depends on the polls: what a later cause took over is part of that one."""
    own = (i for i in run["incidents"] if i["cause"] != "agent" and not i["merged"])
    return sorted((i["cause"], i["root"], i["impact"]) for i in own)


def tickets(run: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    wanted = (t for t in run["tickets"] if t["cause"] != "agent")
    return sorted((t["cause"], t["root"], t["level"], t["state"]) for t in wanted)

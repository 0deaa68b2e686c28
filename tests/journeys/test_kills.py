"""Twenty kill -9 of agents and the collector while the story plays: the same incidents, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from roundsman.demo.story import EXPECTED_TICKETS
from tests.journeys.demo_run import Demo, logs
from tests.services import wait_for

KILLS = 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_kills_change_neither_the_story_nor_a_single_reading(tmp_path: Path) -> None:
    """Two runs side by side at speed 5: one is disturbed, one is not; what they lead to must be the same."""
    calm = Demo(tmp_path / "calm", "--for", "310", "--speed", "5")
    # One after the other: fourteen interpreters that start at once on two cores are not what is tested here.
    wait_for(calm.is_ready, 60, "the first demo's first readings")
    killed = Demo(tmp_path / "killed", "--for", "310", "--speed", "5", "--kills", str(KILLS), "--seed", "1128")
    disturbed, reference = killed.finish(), calm.finish()

    assert disturbed.unheld() == [], logs(tmp_path / "killed")
    assert reference.unheld() == [], logs(tmp_path / "calm")
    assert sum(e["event"] == "killed" for e in disturbed.events) == KILLS
    assert disturbed.summary["deaths"] >= KILLS
    assert (disturbed.summary["lost"], disturbed.summary["doubled"]) == (0, 0)

    def incidents(run: dict[str, object]) -> list[tuple[str, str, str]]:
        return sorted((i["cause"], i["root"], i["impact"]) for i in run["incidents"] if i["cause"] != "agent")  # type: ignore[attr-defined]

    def tickets(run: dict[str, object]) -> list[tuple[str, str, str, str]]:
        wanted = (t for t in run["tickets"] if t["cause"] != "agent")  # type: ignore[attr-defined]
        return sorted((t["cause"], t["root"], t["level"], t["state"]) for t in wanted)

    assert incidents(disturbed.summary) == incidents(reference.summary)
    assert tickets(disturbed.summary) == tickets(reference.summary)
    assert {t[:2] for t in tickets(reference.summary)} == EXPECTED_TICKETS

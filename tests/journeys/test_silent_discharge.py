"""Mains fails, the UPS discharges, and its serial port drops out: to the last reply, one incident, and back at once.

A simulated UPS on a real pty at its real pace, a whole agent, a collector in a process of its own, the clock twenty times as
fast. The adapter is unplugged in the middle of the discharge and plugged in again; then the mains comes back.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.config import parse
from agent.running import Agent
from agent.spool_reading import read_rows
from agent.status import DeviceState, LinkState
from agent.status_door import door_of, fetch
from alerts.types import Alert, Incident
from collector import store
from collector.store import open_engine
from model.points import Source
from model.reading import Gap, Reading
from model.timescale import TimeScale
from tests.collector.centres import KEY, SITE, ChildCentre
from tests.services import running, wait_for
from tests.services.simulated import simulated

pytestmark = pytest.mark.alone

SCENARIO = f"""
length_s = 1000
seed = 1
unrest = 0
community = "public"
[make.box]
kind = "ups"
mfr = "SANTAK"
model = "C3K"
firmware = "V1"
rated_va = 3000
blocks = 6
block_ah = 9
nominal_v = 220
low_runtime_s = 120
profile = "megatec_q1"
[[site]]
id = "{SITE}"
number = 1
mains_v = 228
ambient_c = 24
[[device]]
id = "ups-1"
make = "box"
wire = "megatec"
load = 0.4
"""
UPS = f"{SITE}/ups-1"
SPEED = 20


@asynccontextmanager
async def agent_on(folder: Path, centre: ChildCentre, url: str, scale: TimeScale) -> AsyncIterator[Agent]:
    """A whole agent in this process; its delivered rows are kept."""
    folder.mkdir()
    (folder / "agent.key").write_text(KEY)
    config, problems = parse(
        f'[agent]\nsite = "{SITE}"\ncollector = "{centre.url}"\nkeep_delivered_h = 100\n'
        f'[pace]\nstatus_s = 20\nmeasure_s = 200\n[[device]]\nid = "ups-1"\nurl = "{url}"\nprofile = "megatec_q1"\n',
        folder / "agent.toml",
    )
    assert config is not None, problems
    agent, stop = Agent(config, scale), asyncio.Event()
    task = asyncio.create_task(agent.run(stop))
    try:
        yield agent
    finally:
        stop.set()
        assert await asyncio.wait_for(task, 20) == 0


async def until(reached: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(wait_for, lambda: bool(reached()), 25, what)


class Judged:
    """What the centre holds."""

    def __init__(self, centre: ChildCentre) -> None:
        self._centre = centre

    def alerts(self) -> list[Alert]:
        engine = open_engine(self._centre.database)
        try:
            with engine.connect() as conn:
                return store.alerts(conn)
        finally:
            engine.dispose()

    def incidents(self) -> list[Incident]:
        engine = open_engine(self._centre.database)
        try:
            with engine.connect() as conn:
                return store.incidents(conn)
        finally:
            engine.dispose()

    def alert(self, kind: str) -> Alert | None:
        return next((alert for alert in self.alerts() if alert.kind == kind), None)


async def test_a_discharge_is_captured_to_the_last_reply_and_a_lost_port_makes_no_second_incident(
    tmp_path: Path,
) -> None:
    scenario = tmp_path / "mains.toml"
    scenario.write_text(SCENARIO)
    (tmp_path / "centre").mkdir()
    centre = ChildCentre(tmp_path / "centre")
    judged, now = Judged(centre), time.time_ns() // 1_000_000
    scale = TimeScale(t0=now, real0=now, speed=SPEED)
    collector = [sys.executable, "-m", "roundsman", "collector", str(centre.file), "--clock", scale.dump()]
    with (
        simulated(tmp_path / "wires", speed=SPEED, scenario=scenario) as there,
        running(collector, tmp_path / "collector.log", Path(__file__).parents[2]),
    ):
        await until(centre.healthy, "the collector")
        async with agent_on(tmp_path / "agent", centre, there.urls[UPS], scale) as agent:
            await until(lambda: agent.counted > 30, "readings in health")
            there.order(cmd="mains", site=SITE, on=False)
            await until(lambda: judged.alert("on_battery"), "the discharge")
            there.order(cmd="fault", device=UPS, fault="unplugged")
            await until(lambda: judged.alert("device_silent"), "the silence")
            seen = await asyncio.to_thread(fetch, door_of(agent.config.spool))
            held = judged.alerts()
            there.order(cmd="fault", device=UPS, fault="unplugged", on=False)
            await until(lambda: (of := judged.alert("device_silent")) and of.cleared_at, "the reconnection")
            again = judged.alerts()
            there.order(cmd="mains", site=SITE, on=True)
            await until(lambda: all(one.closed_at for one in judged.incidents()), "the end of the incident")
    # In the middle of it: the last truth stands, with its age; the discharge is not over.
    assert seen.devices[0].state is DeviceState.SILENT_ON_BATTERY
    assert seen.links[0].state is LinkState.GONE
    silent = next(alert for alert in held if alert.kind == "device_silent")
    said = silent.finding.evidence[0].text.en
    assert said.startswith("silent since on battery; last seen ")
    assert " V, " in said
    assert next(alert for alert in held if alert.kind == "on_battery").cleared_at is None
    assert next(alert for alert in again if alert.kind == "on_battery").cleared_at is None, "the mains is still out"
    # One episode of each, one incident, told once.
    (incident,) = judged.incidents()
    assert (incident.key.cause, incident.merged_into) == ("mains", None)
    assert sorted(alert.kind for alert in judged.alerts()) == ["device_silent", "on_battery"]
    assert {alert.id for alert in judged.alerts()} == set(incident.members)
    assert any("last seen" in why.en for why in incident.explanation)
    _captured(tmp_path / "agent" / "spool.sqlite")


def _captured(spool: Path) -> None:
    """The curve: more than the ordinary pace while on battery, up to the silence and after it again."""
    records: list[Reading | Gap] = sorted(
        (one for batch, _ in read_rows(spool) for one in (*batch.readings, *batch.gaps) if one.device == UPS),
        key=lambda one: one.at,
    )
    sources = [one for one in records if isinstance(one, Reading) and one.point == "ups.source"]
    began = next(one.at for one in sources if one.value == Source.BATTERY)
    ended = next(one.at for one in sources if one.at > began and one.value == Source.NORMAL)
    gone = next(one.at for one in records if isinstance(one, Gap) and one.point is None and one.at > began)
    curve = [
        one for one in records if isinstance(one, Reading) and one.point == "battery.voltage" and began < one.at < ended
    ]
    before, after = [one for one in curve if one.at < gone], [one for one in curve if one.at > gone]
    asked = sum(began < one.at < gone for one in sources)
    assert len(before) > 1.5 * asked, "the battery is asked whenever the line is free"
    assert after, "and again after the port came back"
    last = [one for one in records if isinstance(one, Reading) and one.at < gone][-1]
    assert last.at - before[-1].at <= 6_000, "to the last reply"
    assert before[-1].value < before[0].value + 0.2, "it falls"

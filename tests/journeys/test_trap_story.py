"""Traps of the simulators, which know nothing of the agent: the mains fails, a port goes down, and each is one alert.

The agent's pace is an hour, so all that is heard in time is heard because a trap made it ask.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collector import pipeline
from model.batch import Batch, EventKind
from model.inventory import Inventory
from model.reading import Quality
from model.timescale import TimeScale
from tests.agent.centre import Centre, serving
from tests.agent.test_running import CHILD, ended
from tests.services import wait_for
from tests.services.simulated import simulated

pytestmark = [pytest.mark.timeout(120), pytest.mark.alone]

SITE = "sz-futian"
UPS, SWITCH = f"{SITE}/ups-5", f"{SITE}/sw-1"
FILE = """
[agent]
site = "{site}"
collector = "{collector}"
[pace]
status_s = 3600
measure_s = 3600
[traps]
listen = "127.0.0.1:0"
"""


def test_traps_of_a_ups_and_a_switch_are_answered_by_looking_and_make_one_alert_each(tmp_path: Path) -> None:
    wires = tmp_path / "wires"
    wires.mkdir()
    with simulated(wires, speed=1.0) as lab, serving(Centre()) as centre:
        path = tmp_path / "agent.toml"
        devices = [f'[[device]]\nid = "{id.partition("/")[2]}"\nurl = "{lab.urls[id]}"\n' for id in (UPS, SWITCH)]
        path.write_text(FILE.format(site=SITE, collector=centre.url) + "".join(devices))
        (tmp_path / "agent.key").write_text("5ec3e7" * 10)
        log = tmp_path / "agent.log"
        with log.open("ab") as out:
            child = subprocess.Popen(
                [sys.executable, "-c", CHILD, str(path), TimeScale().dump()], stderr=out, stdout=out
            )
        try:
            wait_for(lambda: "traps_listen" in log.read_text(), 30, "the trap receiver")
            listen = next(json.loads(line)["at"] for line in log.read_text().splitlines() if "traps_listen" in line)
            wait_for(lambda: said(centre, UPS, "alarm.on_battery") == [0], 30, "the UPS's first answer")
            wait_for(lambda: said(centre, SWITCH, "ifOperStatus", "3") == [1], 30, "the switch's first answer")
            lab.order(cmd="start")
            lab.order(cmd="traps", to=listen)
            lab.order(cmd="mains", site=SITE, on=False)
            lab.order(cmd="port", device=SWITCH, port=3, link="down")
            wait_for(lambda: said(centre, UPS, "alarm.on_battery")[-1] == 1, 20, "on battery")
            wait_for(lambda: said(centre, SWITCH, "ifOperStatus", "3")[-1] == 2, 20, "port 3 down")
            lab.order(cmd="port", device=SWITCH, port=4, link="down")  # another trap, another look: twice is believed
            wait_for(lambda: said(centre, SWITCH, "ifOperStatus", "3").count(2) >= 2, 20, "port 3 seen down again")
            assert ended(child) == 0
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
    traps = {(e.device, e.data["name"]) for b in batches(centre) for e in b.events if e.kind is EventKind.TRAP}
    assert {(UPS, "upsTrapOnBattery"), (UPS, "upsTrapAlarmEntryAdded"), (SWITCH, "linkDown")} <= traps
    assert all(r.quality == Quality.GOOD for b in batches(centre) for r in b.readings)
    state, world = pipeline.fresh(), pipeline.World(Inventory())
    outcomes, now = [], 0
    for batch in batches(centre):
        now = batch.at
        outcomes.append(pipeline.on_batch(state, pipeline.take_in(state.marks, batch, SITE, 0, now), world, now))
    later = now + 600_000  # the holds have passed
    outcomes.append(pipeline.on_tick(state, {SITE: later}, world, later))
    alerts = [(a.device, a.kind, a.index) for a in pipeline.merge(outcomes).alerts]
    assert alerts.count((UPS, "on_battery", None)) == 1
    assert alerts.count((SWITCH, "port_down", "3")) == 1
    assert len(alerts) == len(set(alerts))


def batches(centre: Centre) -> list[Batch]:
    with centre.came:
        kept = dict(centre.kept)
    return [batch for _, batch in sorted(kept.items(), key=lambda item: item[0][1])]


def said(centre: Centre, device: str, point: str, index: str | None = None) -> list[float]:
    """The values of a series, in order."""
    readings = [r for batch in batches(centre) for r in batch.readings]
    return [r.value for r in readings if (r.device, r.point, r.index) == (device, point, index)]

"""A recording's whole way: an alarm on a wire, the agent's recorder, the centre, a file, and the same wire again.

Mains fails at a simulated UPS. The recording that the agent makes of it comes to the centre, is asked out of it by the
command, and played on a new wire: byte for byte what was on the first one. What an agent on that wire delivers brings
a centre's pipeline to the same alert.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import serial

from agent.config import parse
from agent.running import Agent
from collector import pipeline, store
from collector.pipeline import World
from collector.store import open_engine, recordings
from model import flight
from model.flight import Flight, Octets
from model.inventory import Inventory
from model.timescale import REAL
from roundsman.cli import app
from simulators.serve_replay import Replay
from tests.agent.centre import Centre, serving
from tests.collector.centres import KEY, SITE, ChildCentre
from tests.services.replayed import replayed
from tests.services.simulated import simulated

pytestmark = pytest.mark.alone

SCENARIO = f"""
length_s = 1000
seed = 1
unrest = 0
community = "public"
[make.ups]
kind = "ups"
mfr = "HUAWEI"
model = "UPS2000-G-10KRTS"
firmware = "V1"
rated_va = 10000
blocks = 20
block_ah = 38
nominal_v = 220
low_runtime_s = 300
profile = "huawei_ups2000"
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
make = "ups"
wire = "rtu"
unit = 1
load = 0.4
[[device]]
id = "ups-2"
make = "box"
wire = "megatec"
load = 0.4
"""
RTU, BOX = f"{SITE}/ups-1", f"{SITE}/ups-2"


@asynccontextmanager
async def agent_on(folder: Path, url: str, *devices: dict[str, str]) -> AsyncIterator[Agent]:
    """A whole agent in this process, its recorder reaching six seconds back and one ahead."""
    folder.mkdir(exist_ok=True)
    tables = "".join(
        f'[[device]]\nid = "{one["id"].partition("/")[2]}"\nurl = "{one["url"]}"\n'
        + (f'profile = "{one["profile"]}"\n' if one["profile"] else "")
        for one in devices
    )
    (folder / "agent.key").write_text(KEY)
    config, problems = parse(
        f'[agent]\nsite = "{SITE}"\ncollector = "{url}"\n[pace]\nstatus_s = 0.3\nmeasure_s = 0.6\n'
        f"[recorder]\nbefore_s = 6\nafter_s = 1\n{tables}",
        folder / "agent.toml",
    )
    assert config is not None, problems
    agent, stop = Agent(config, REAL), asyncio.Event()
    running = asyncio.create_task(agent.run(stop))
    try:
        yield agent
    finally:
        stop.set()
        assert await asyncio.wait_for(running, 20) == 0


async def until(reached: Callable[[], object], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"{what} did not come within {seconds:g} s"
        await asyncio.sleep(0.05)


def said_by(centre: ChildCentre) -> tuple[list[store.RecordingRow], set[tuple[str, str]]]:
    """The recordings of a centre, and which device has which alert."""
    engine = open_engine(centre.database)
    try:
        with engine.connect() as conn:
            return recordings.listed(conn), {(alert.device, alert.kind) for alert in store.alerts(conn)}
    finally:
        engine.dispose()


async def test_an_alarm_is_recorded_fetched_and_played_again_byte_for_byte_and_raises_the_same_alert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "first").mkdir()
    scenario = tmp_path / "mains.toml"
    scenario.write_text(SCENARIO)
    first = ChildCentre(tmp_path / "first")
    with simulated(tmp_path / "wires", speed=1, scenario=scenario) as there, first.up():
        async with agent_on(tmp_path / "agent-1", first.url, *there.devices) as agent:
            await until(lambda: agent.counted > 150, 20, "readings in health")
            there.order(cmd="mains", site=SITE, on=False)
            await until(lambda: len(said_by(first)[0]) >= 2, 20, "the recordings")
            await until(lambda: {(RTU, "on_battery"), (BOX, "on_battery")} <= said_by(first)[1], 20, "both alerts")
    rows = {row.device: row for row in said_by(first)[0]}
    assert rows.keys() == {RTU, BOX}
    files = {}
    for device, row in rows.items():
        files[device] = tmp_path / f"{row.id}.flight.jsonl"
        app(["recording", "save", row.id, str(files[device]), "--collector", str(first.file)], result_action="return_value")  # fmt: skip
    assert "roundsman simulate --replay" in capsys.readouterr().out
    recorded = {device: loaded(file) for device, file in files.items()}
    assert (recorded[RTU].header.why.point, recorded[RTU].header.why.after) in {("ups.source", 5), ("alarm.on_battery", 1), ("alarm.input_bad", 1)}  # fmt: skip
    assert KEY not in files[RTU].read_text()

    again = await asyncio.gather(*(asyncio.to_thread(transcript, files[device], tmp_path) for device in rows))
    assert dict(zip(rows, again, strict=True)) == {device: came(one) for device, one in recorded.items()}

    second = Centre()
    wires = [Replay(one, tmp_path / "new", None) for one in recorded.values()]
    assert [await wire.open() for wire in wires] == [True, True]
    with serving(second):
        async with agent_on(tmp_path / "agent-2", second.url, *(wire.devices()[0] for wire in wires)):
            await until(lambda: judged(second) >= {(RTU, "on_battery"), (BOX, "on_battery")}, 20, "the same alerts")
    for wire in wires:
        wire.close()


def judged(centre: Centre) -> set[tuple[str, str]]:
    """Which device has which alert, by the centre's pipeline, of what an agent delivered so far."""
    state, world, found = pipeline.fresh(), World(Inventory()), set[tuple[str, str]]()
    for _, batch in sorted(dict(centre.kept).items(), key=lambda item: item[0][1]):
        admitted = pipeline.take_in(state.marks, batch, SITE, 0, batch.at)
        found |= {(alert.device, alert.kind) for alert in pipeline.on_batch(state, admitted, world, batch.at).alerts}
    return found


def loaded(file: Path) -> Flight:
    found, problems = flight.read(file.read_bytes(), file.name)
    assert found is not None, problems
    return found


def exchanges(recorded: Flight) -> list[tuple[bytes, bytes]]:
    """(request, all that came until the next)."""
    found: list[tuple[bytes, bytes]] = []
    for frame in recorded.frames:
        assert isinstance(frame, Octets)
        if frame.way == ">":
            found.append((frame.data, b""))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + frame.data)
    return found


def came(recorded: Flight) -> list[bytes]:
    return [reply for _, reply in exchanges(recorded)]


def transcript(file: Path, folder: Path) -> list[bytes]:
    """The recorded requests, asked of the replayed wire one after the other by a plain serial client."""
    recorded, replies = loaded(file), []
    device = recorded.header.devices[0].id
    with replayed(file, folder / file.stem) as wire, serial.Serial(wire.place(device), 9600, timeout=3) as line:
        for request, reply in exchanges(recorded):
            line.write(request)
            replies.append(line.read(len(reply)))
    return replies

"""A running agent asked how it stands: through its door, as a table, as metrics."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.config import parse
from agent.metrics import served
from agent.running import Agent
from agent.status import DeviceState, LinkState, Status, counts, notes
from agent.status_door import NoAgent, door_of, fetch
from model.text import Text
from model.timescale import TimeScale
from roundsman.agent_status import rendered, show
from tests.agent.megatec_pty import plugged_in
from tests.services import free_port

FILE = """[agent]
site = "sz"
collector = "http://127.0.0.1:{port}"
{more}
[pace]
status_s = 0.1
measure_s = 0.1
"""


def agent_at(folder: Path, *ports: str, more: str = "") -> Agent:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "agent.toml"
    devices = "".join(
        f'[[device]]\nid = "ups-{n}"\nurl = "megatec://{port}?timeout=0.1"\n' for n, port in enumerate(ports, start=1)
    )
    file.write_text(FILE.format(port=free_port(), more=more) + devices)
    (folder / "agent.key").write_text("k" * 40)
    config, problems = parse(file.read_text(), file)
    assert config, problems
    return Agent(config, TimeScale(), version="1.2.3")


async def seen(agent: Agent, enough: Callable[[Status], bool]) -> Status:
    """The status once it shows enough."""
    door = door_of(agent.config.spool)
    async with asyncio.timeout(20):
        while True:
            await asyncio.sleep(0.02)
            try:
                status = await asyncio.to_thread(fetch, door)
            except NoAgent:
                continue
            if status.devices and enough(status):
                return status


def sorted_out(status: Status) -> bool:
    """Whether each device has answered or was found silent."""
    return all(one.state is not DeviceState.STARTING for one in status.devices)


async def test_the_status_names_each_line_and_device_and_how_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)  # a socket's own path may have 108 characters
    with plugged_in() as ups, plugged_in() as mute:
        mute.mute = True
        agent = agent_at(deep, ups.port, mute.port, "/dev/ttyNONE")
        stop = asyncio.Event()
        notes.clear()  # what another test of this process left
        notes["sz.swapped"] = Text("ups-1 and ups-2 changed places", "ups-1 与 ups-2 互换")
        counts["traps.taken"] = 3
        running = asyncio.create_task(agent.run(stop))
        try:
            status = await seen(agent, sorted_out)
            assert stat.S_IMODE(door_of(agent.config.spool).stat().st_mode) == 0o600
            assert await asyncio.to_thread(show, agent.config.file, "en", True) == 0
            lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"kind"')]
        finally:
            notes.clear()
            counts.clear()
            stop.set()
            await running
    by_id = {one.device: one for one in status.devices}
    assert by_id["sz/ups-1"].state in (DeviceState.ANSWERING, DeviceState.SLOW)
    assert by_id["sz/ups-1"].answered_s is not None
    assert by_id["sz/ups-2"].state is DeviceState.SILENT
    assert by_id["sz/ups-2"].answered_s is None
    assert by_id["sz/ups-2"].cost.timeouts >= 2
    assert status.devices[-1].device == "sz/ups-1", "the silent ones first"
    gone = [link for link in status.links if link.state is LinkState.GONE]
    assert [link.link for link in gone] == ["ttyNONE"]
    assert "missing" in gone[0].why
    assert (status.agent.version, status.agent.site, status.agent.counts) == ("1.2.3", "sz", {"traps.taken": 3})
    assert status.agent.waiting is not None
    assert [line["kind"] for line in lines] == ["agent", *["link"] * 3, *["device"] * 3, "note"]
    assert not door_of(agent.config.spool).exists(), "the door is closed behind the agent"


async def test_what_a_person_sees_says_what_is_wrong_in_both_languages(tmp_path: Path) -> None:
    with plugged_in() as mute:
        mute.mute = True
        agent = agent_at(tmp_path, mute.port)
        stop = asyncio.Event()
        running = asyncio.create_task(agent.run(stop))
        try:
            status = await seen(agent, sorted_out)
        finally:
            stop.set()
            await running
    english, chinese = "\n".join(rendered(status, "en")), "\n".join(rendered(status, "zh"))
    assert "silent for" in english
    assert "NOT DELIVERING" in english or "delivers to" in english
    assert "失联" in chinese
    assert "silent" not in chinese


def test_without_an_agent_the_status_says_so_and_what_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = agent_at(tmp_path)
    assert show(agent.config.file, "en", False) == 1
    assert "no agent of site sz runs; there is no spool" in capsys.readouterr().err
    assert show(tmp_path / "nothing.toml", "zh", False) == 1
    capsys.readouterr()
    door_of(agent.config.spool).touch()
    with pytest.raises(NoAgent):  # a file left behind is no agent
        fetch(door_of(agent.config.spool))


async def test_the_metrics_are_read_by_prometheus_own_parser(tmp_path: Path) -> None:
    port = free_port()
    with plugged_in() as ups:
        agent = agent_at(tmp_path, ups.port, more=f'metrics = "127.0.0.1:{port}"')
        stop = asyncio.Event()
        running = asyncio.create_task(agent.run(stop))
        try:
            await seen(agent, lambda status: status.devices[0].cost.requests >= 4)
            text = await asyncio.to_thread(_scraped, port)
        finally:
            stop.set()
            await running
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (up,) = families["roundsman_device_up"].samples
    name = Path(ups.port).name
    assert (up.labels, up.value) == ({"site": "sz", "link": name, "device": "ups-1"}, 1.0)
    (requests,) = families["roundsman_link_requests"].samples
    assert requests.name == "roundsman_link_requests_total"
    assert requests.value >= 4
    assert families["roundsman_device_requests"].type == "counter"
    assert 0 < families["roundsman_link_airtime_ratio"].samples[0].value <= 1
    assert families["roundsman_agent_info"].samples[0].labels["version"] == "1.2.3"
    assert all(name.startswith("roundsman_") for name in families)


async def test_metrics_of_an_agent_that_is_busy_are_waited_for_and_a_taken_port_is_an_error(tmp_path: Path) -> None:
    agent = agent_at(tmp_path)

    async def snapshot() -> Status:
        await asyncio.sleep(0.05)
        raise RuntimeError(os.strerror(5))

    port = free_port()
    with served("127.0.0.1", port, snapshot):
        with pytest.raises(OSError, match=r"500|Remote end closed|HTTP"):
            await asyncio.to_thread(_scraped, port)
        with pytest.raises(OSError, match="in use"), served("127.0.0.1", port, snapshot):
            pass
    assert agent.config.metrics is None


def _scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_metrics_anywhere_but_on_loopback_are_a_warning_and_nonsense_is_an_error(tmp_path: Path) -> None:
    good = FILE.format(port=1, more='metrics = "0.0.0.0:9780"') + '[[device]]\nid = "u"\nurl = "megatec:///dev/x"\n'
    config, (problem,) = parse(good, tmp_path / "agent.toml")
    assert config is not None
    assert config.metrics == ("0.0.0.0", 9780)
    assert (problem.severity, problem.key) == ("warning", "agent.metrics")
    for wrong in ("9780", "localhost:", "localhost:99999", ":1"):
        config, problems = parse(good.replace("0.0.0.0:9780", wrong), tmp_path / "agent.toml")
        assert config is None, wrong
        assert problems[0].key == "agent.metrics"

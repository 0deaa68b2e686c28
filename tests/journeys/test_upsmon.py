"""A customer's host shuts itself down by our reading, and not before: Debian's upsmon at our agent's NUT server.

A simulated UPS with a small battery, a whole agent, the clock twenty times as fast. The mains goes for a moment and comes
back, and nothing happens; then it goes for good, and the host shuts down when the battery is low, not when it is used.
"""

from __future__ import annotations

import asyncio
import getpass
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.config import parse
from agent.running import Agent
from model.timescale import TimeScale
from tests.services import free_port, need, running, wait_for
from tests.services.simulated import simulated

pytestmark = [pytest.mark.service, pytest.mark.alone]

SPEED = 20
SCENARIO = """
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
block_ah = 2
nominal_v = 220
low_runtime_s = 40
profile = "megatec_q1"
[[site]]
id = "sz"
number = 1
mains_v = 228
ambient_c = 24
[[device]]
id = "ups-1"
make = "box"
wire = "megatec"
paced = false
load = 0.5
"""
AGENT = """
[agent]
site = "sz"
collector = "http://127.0.0.1:9"
key = "file:agent.key"
[pace]
status_s = 2
measure_s = 10
[[device]]
id = "ups-1"
url = "{url}"
profile = "megatec_q1"
[nut]
listen = "127.0.0.1:{port}"
[[nut.user]]
name = "monitor"
password = "file:{folder}/nut.secret"
"""


class Client:
    """Asks a NUT server as upsc does."""

    def __init__(self, port: int) -> None:
        self._line = socket.create_connection(("127.0.0.1", port), 5)
        self._file = self._line.makefile("rw")

    def ask(self, line: str) -> str:
        self._file.write(f"{line}\n")
        self._file.flush()
        return self._file.readline().strip()

    def status(self) -> str:
        return self.ask("GET VAR ups-1 ups.status")

    def close(self) -> None:
        self._line.close()


@contextmanager
def upsmon(folder: Path, port: int, down: Path) -> Iterator[None]:
    """The real one, as a host's administrator sets it up; `down` is what its shutting down leaves behind."""
    folder.mkdir()
    conf = folder / "upsmon.conf"
    conf.write_text(
        f"MONITOR ups-1@127.0.0.1:{port} 1 monitor hush secondary\nMINSUPPLIES 1\n"
        f'SHUTDOWNCMD "touch {down}"\nPOLLFREQ 1\nPOLLFREQALERT 1\nHOSTSYNC 1\nDEADTIME 5\nFINALDELAY 0\n'
        f"RUN_AS_USER {getpass.getuser()}\n"
    )
    conf.chmod(0o640)
    program = need("/lib/nut/upsmon", "nut-client")
    places = dict.fromkeys(("NUT_STATEPATH", "NUT_CONFPATH", "NUT_ALTPIDPATH", "NUT_PIDPATH"), str(folder))
    with running([program, "-F", "-p"], folder / "upsmon.log", env=places):
        yield


async def until(reached: object, what: str) -> None:
    await asyncio.to_thread(wait_for, reached, 20, what)


async def test_upsmon_shuts_its_host_down_when_our_reading_says_battery_low_and_not_before(tmp_path: Path) -> None:
    scenario, down, port = tmp_path / "mains.toml", tmp_path / "down", free_port()
    scenario.write_text(SCENARIO)
    (tmp_path / "agent.key").write_text("0" * 64)
    (tmp_path / "nut.secret").write_text("hush\n")
    now = time.time_ns() // 1_000_000
    with simulated(tmp_path / "wires", speed=SPEED, scenario=scenario) as there:
        text = AGENT.format(url=there.urls["sz/ups-1"], port=port, folder=tmp_path)
        config, problems = parse(text, tmp_path / "agent.toml")
        assert config is not None, problems
        stop = asyncio.Event()
        agent = asyncio.create_task(Agent(config, TimeScale(t0=now, real0=now, speed=SPEED)).run(stop))
        try:
            await asyncio.to_thread(_story, there, port, tmp_path, down)
        finally:
            stop.set()
            assert await asyncio.wait_for(agent, 20) == 0


def _story(there: object, port: int, folder: Path, down: Path) -> None:
    wait_for(lambda: _listens(port), 10, "our server")
    client = Client(port)
    seen: list[str] = []

    def says(words: str) -> bool:
        said = client.status().removeprefix("VAR ups-1 ups.status ").strip('"')
        if not seen or seen[-1] != said:
            seen.append(said)
            print(said)
        return said == words

    with upsmon(folder / "host", port, down):
        wait_for(lambda: says("OL"), 10, "the UPS on line")
        wait_for(lambda: client.ask("GET NUMLOGINS ups-1") == "NUMLOGINS ups-1 1", 10, "upsmon's login")
        there.order(cmd="mains", site="sz", on=False)  # type: ignore[attr-defined]
        wait_for(lambda: says("OB"), 10, "a short outage")
        there.order(cmd="mains", site="sz", on=True)  # type: ignore[attr-defined]
        wait_for(lambda: says("OL"), 10, "its end")
        time.sleep(1.2)  # upsmon has looked
        assert not down.exists(), seen
        there.order(cmd="mains", site="sz", on=False)  # type: ignore[attr-defined]
        wait_for(lambda: says("OB"), 10, "the outage")
        while not says("OB LB"):
            assert not down.exists(), f"shut down before the battery was low: {seen}"
            assert seen[-1] == "OB", seen
            time.sleep(0.02)
        wait_for(down.exists, 10, "the host's shutting down")
    client.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True

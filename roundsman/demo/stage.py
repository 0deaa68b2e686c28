"""The stage: files and child processes of a demo, and nothing that a real installation would not have."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from collector import enrol
from collector.store import open_engine, writing
from model.timescale import TimeScale
from roundsman.children import Child, command
from roundsman.clock import real_ms

HERE = Path(__file__).parent
_START_PATIENCE_S = 60.0


class StageError(Exception):
    """A child did not come up. The message names its log."""


class SimulatedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the simulators' ready message."""

    id: str
    site: str
    url: str
    profile: str
    kind: str = ""


class Stage:
    """Everything below `directory`: inventory, collector and agent files, spools, logs, the centre's data."""

    def __init__(
        self,
        directory: Path,
        scale: TimeScale,
        scenario: Path,
        *,
        history: str = "embedded",
        port: int = 8620,
        policy: str = "powerstar",
        floor_s: float = 0.5,
        on_event: Callable[[dict[str, Any]], None],
    ) -> None:
        self.directory = directory
        self.scale = scale
        self.scenario = scenario
        self.history = history
        self.policy = policy
        self.floor_s = floor_s
        self.port = free_port(port)
        self.devices: list[SimulatedDevice] = []
        self.agents: dict[str, Child] = {}
        self._on_event = on_event
        self._ready = asyncio.Event()
        clock = ("--clock", scale.dump())
        self.collector_file = directory / "collector.toml"
        self.collector = self._child("collector", command("collector", str(self.collector_file), *clock))
        self.simulators = Child(
            "simulators",
            command("simulate", str(scenario), "--directory", str(directory / "wires"), *clock),
            self._log("simulators"),
            on_line=self._simulators_said,
            restart=False,
        )

    @property
    def url(self) -> str:
        """Where the console and the agents find the centre."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.directory / "centre" / "centre.sqlite"

    @property
    def sites(self) -> list[str]:
        return sorted({device.site for device in self.devices})

    async def raise_curtain(self) -> None:
        """Simulators, then the collector, then an agent a site. Raises `StageError`."""
        (self.directory / "wires").mkdir(parents=True, exist_ok=True)
        self._on_event({"event": "starting", "what": "simulators"})
        await self.simulators.start()
        self._write_collector_file()
        self._on_event({"event": "starting", "what": "collector"})
        await self.collector.start()
        await self._until(self._ready.is_set, "simulators")
        await self._until_healthy()
        for site in self.sites:
            self._on_event({"event": "starting", "what": f"agent {site}"})
            await self._start_agent(site)

    async def start_story(self) -> None:
        """The scenario's events count from this moment."""
        await self.simulators.tell(json.dumps({"cmd": "start"}))

    async def tell_simulators(self, **words: Any) -> None:
        """Send one command that has no answer (`fault`, `mains`)."""
        await self.simulators.tell(json.dumps(words))

    async def stop_agents(self) -> None:
        await asyncio.gather(*(agent.stop() for agent in self.agents.values()))

    async def lower_curtain(self) -> None:
        """Stop everything: agents first, so that what they read is spooled and sent."""
        await self.stop_agents()
        await self.collector.stop()
        await self.simulators.stop()

    def children(self) -> list[Child]:
        return [self.simulators, self.collector, *self.agents.values()]

    def _log(self, name: str) -> Path:
        return self.directory / "log" / f"{name}.log"

    def _child(self, name: str, words: list[str]) -> Child:
        return Child(name, words, self._log(name), on_exit=self._died)

    def _died(self, name: str, code: int) -> None:
        self._on_event({"event": "restarted", "child": name, "exit": code})

    def _simulators_said(self, line: str) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if said.get("ready"):
            self.devices = msgspec.convert(said["devices"], list[SimulatedDevice], strict=False)
            self._ready.set()
        else:
            self._on_event({"event": "simulator", **said})

    async def _until_healthy(self) -> None:
        # Without TLS's authorities: reading them anew at every look would keep a core from the collector that starts.
        async with httpx.AsyncClient(timeout=1, verify=False, trust_env=False) as client:  # noqa: S501 plain loopback

            async def healthy() -> bool:
                try:
                    return (await client.get(f"{self.url}/healthz")).status_code == 200
                except httpx.HTTPError:
                    return False

            await self._until(healthy, "collector")

    async def _until(self, done: Callable[[], Any], what: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + _START_PATIENCE_S
        while True:
            answer = done()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            if loop.time() > end:
                raise StageError(f"{what} did not start within {_START_PATIENCE_S:g} s: see {self._log(what)}")
            await asyncio.sleep(0.05)

    def _write_collector_file(self) -> None:
        inventory = self.directory / "inventory.toml"
        told = (HERE / "inventory.toml").read_text(encoding="utf-8")
        inventory.write_text(told.replace('policy = "powerstar"', f'policy = "{self.policy}"'), encoding="utf-8")
        self.collector_file.write_text(
            f'[collector]\nlisten = "127.0.0.1:{self.port}"\ndata = "centre"\ninventory = "inventory.toml"\n'
            f'history = "{self.history}"\n',
            encoding="utf-8",
        )

    async def _start_agent(self, site: str) -> None:
        file = self.directory / f"agent-{site}.toml"
        file.write_text(self._agent_file(site), encoding="utf-8")
        words = ["agent", str(file), "--clock", self.scale.dump()]
        if not (self.directory / f"agent-{site}.key").exists():
            words += ["--enrol", await asyncio.to_thread(self._code, site)]
        self.agents[site] = self._child(f"agent {site}", command(*words))
        await self.agents[site].start()

    def _code(self, site: str) -> str:
        engine = open_engine(self.database)
        try:
            with writing(engine) as conn:
                return enrol.new_code(conn, site, self._now())
        finally:
            engine.dispose()

    def _now(self) -> int:
        return self.scale.story(real_ms())

    def _agent_file(self, site: str) -> str:
        lines = [
            "[agent]",
            f'site = "{site}"',
            f'collector = "{self.url}"',
            f'key = "file:agent-{site}.key"',
            f'spool = "spool-{site}.sqlite"',
            "keep_delivered_h = 24  # kept for the audit at the end: delivered against stored",
            "",
            "[pace]",
            "status_s = 2",
            "measure_s = 10",
            f"floor_s = {self.floor_s}",
        ]
        for device in self.devices:
            if device.site == site:
                lines += ["", "[[device]]", f'id = "{device.id.partition("/")[2]}"', f'url = "{_hurried(device.url)}"']
                lines += [f'profile = "{device.profile}"']
        return "\n".join(lines) + "\n"


def _hurried(url: str) -> str:
    """On loopback a second is long: a fast story must notice a silent device before its outage is over."""
    return f"{url}{'&' if '?' in url else '?'}timeout=1"


def free_port(wanted: int) -> int:
    """`wanted` when it is free on loopback, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StageError("no free port on loopback")

"""The agent, put together: links and their rounds, the backlog, the spool, the uplink.

    devices ─ poll_link (a task a link) ─> Backlog ─ Writer ─> Spool ─ Uplink ─> collector

Rules. Each task has a supervisor: a fault of ours is logged with its trace and the task starts again, so that
one room on fire does not empty the house. SIGTERM or SIGINT: no new turn, two seconds for the turns under way,
the last flush, five seconds to send what is left as long as the collector takes it, exit 0. Nothing read is
thrown away: what the collector did not get stays in the spool.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import structlog

from agent import address
from agent.backlog import Backlog, Found, Loss
from agent.clock import AgentClock
from agent.commissioner import Commissioner
from agent.config import AgentConfig, WatchedDevice, load
from agent.enrolment import EnrolmentError, enrol, key_of
from agent.flights import Flights
from agent.guard import Guard
from agent.links import Link, open_link
from agent.nut_server.serve import NutServer
from agent.nut_server.shown import Shown
from agent.observing import Observer, Waiting
from agent.poll import LinkRounds, Nudges, asker, pauses
from agent.spool import Spool, SpoolError, SpoolTaken
from agent.spooling import Opened, Spooling
from agent.status import Status
from agent.status_door import door_of
from agent.status_door import serve as serve_status
from agent.ticker import Ticker
from agent.traps.ears import Ears
from agent.uplink import Uplink, client
from agent.writer import Writer
from model.secret import SecretError
from model.timescale import TimeScale

log = structlog.get_logger()

#: Exit codes, as in sysexits.h: a service manager must not restart after 78.
EXIT_CONFIG = 78
EXIT_TAKEN = 75
EXIT_NOT_ENROLLED = 77
#: Real seconds.
GRACE_S = 2.0
LAST_SENDING_S = 5.0
RESTART_S = 1.0
STATUS_S = 60.0
#: Story seconds between two tellings of what lines and devices cost; never less than the second in real seconds.
COSTS_S, COSTS_LEAST_S = 60.0, 0.5


class Agent:
    """One running agent. `serve` builds it; tests may build it with a clock of their own."""

    def __init__(
        self, config: AgentConfig, scale: TimeScale, clock: AgentClock | None = None, version: str = ""
    ) -> None:
        self.config = config
        self.scale = scale
        self.backlog = Backlog()
        self.clock = clock or AgentClock(scale)
        self.spooling = Spooling(self._spool, self._on_open)
        self.flights = Flights(config.recorder, config.site, self.backlog.keep, self.clock.now)
        self.counted = 0
        self.rounds: dict[str, LinkRounds] = {}  #: by link key
        self.nudges = Nudges()
        self.ticker = Ticker()
        self.ears = self._ears(config)
        self.guard = Guard(config.devices, config.spool.with_name(config.spool.name + ".names"), self.clock.now)
        self.nut = self._nut(config, version)
        self.commissioner = Commissioner(
            config.devices, config.spool.with_name(config.spool.name + ".commissioned"), self._own_key, self.clock.now
        )
        self.observer = Observer(config, self.rounds, self.clock, version)

    async def run(self, stop: asyncio.Event) -> int:
        """Work until `stop` is set. Returns the exit code."""
        try:
            await self.spooling.call(lambda spool: spool.standing())
        except SpoolTaken as error:
            log.error("spool_taken", error=str(error))  # noqa: TRY400 a trace says nothing more
            return EXIT_TAKEN
        except SpoolError as error:
            fix = "free the disk or let the agent write there; until then it keeps the newest in memory"
            log.error("spool_refuses", error=str(error), fix=fix)  # noqa: TRY400 a trace says nothing more
        async with client(self.config) as http:
            writer = Writer(self.config.site, self.clock, self.backlog, self.spooling)
            uplink = Uplink(self.config, lambda: key_of(self.config), self.clock, self.spooling, http, self.flights.ask)
            sent = asyncio.Event()  # the uplink outlives the rounds by one last sending
            rounds = [self._supervised(f"link {key}", work, stop) for key, work in self._links(stop).items()]
            writing = [
                self._supervised("writer", lambda: writer.run(stop), stop),
                self._supervised("status", lambda: self._status(uplink, stop), stop),
                *([self._supervised("traps", lambda: self._hear(stop), stop)] if self.ears else []),
                self._supervised("costs", lambda: self._tell_costs(stop), stop),
                self._supervised("status door", lambda: self._serve_status(uplink, stop), stop),
            ]
            if self.config.metrics:
                writing.append(self._supervised("metrics", lambda: self._serve_metrics(uplink, stop), stop))
            if (nut := self.nut) is not None:
                writing.append(self._supervised("nut server", lambda: nut.run(stop), stop))
            sending = self._supervised("uplink", lambda: uplink.run(writer.written, sent), sent)
            await stop.wait()
            for line in self.rounds.values():
                line.wake()
            await _end(rounds, GRACE_S)
            await self.flights.settle()
            await _end(writing, GRACE_S)
            if not await writer.flush():
                log.error("unwritten_at_exit", waiting=len(self.backlog))
            sent.set()
            await _end([sending, asyncio.create_task(uplink.drain())], LAST_SENDING_S)
        await self.spooling.close()
        log.info("agent_stopped")
        return 0

    def _links(self, stop: asyncio.Event) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """One piece of work a link."""
        ordered = sorted(self.config.devices, key=lambda device: device.url.link_key)
        works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}
        for key, group in groupby(ordered, key=lambda device: device.url.link_key):
            devices = tuple(group)
            works[key] = lambda devices=devices: self._poll(devices, stop)  # type: ignore[misc]
        return works

    async def _poll(self, devices: tuple[WatchedDevice, ...], stop: asyncio.Event) -> None:
        link: Link = open_link(devices[0].url)
        link.counters.story_speed = self.scale.speed
        pace = pauses(self.config.pace, self.scale, devices)
        take = self.flights.watch(link, devices, self._take)
        ask = self.guard.watching(asker(link, self.clock.now), link, devices)
        ask = self.commissioner.watching(ask, link)
        if self.ears:
            ask = self.ears.watching(ask)
        serial = any(device.url.scheme in address.SERIAL for device in devices)
        rounds = LinkRounds(devices, ask, pace, take, self.clock.now, link, None if serial else self.ticker)
        self.rounds[devices[0].url.link_key] = rounds
        self.nudges.serve(rounds)
        try:
            await asyncio.sleep(
                0
            )  # all lines are made before the first is asked: then a fleet's first round is a short burst
            await rounds.run_woken(stop)
        finally:
            self.flights.close(link)
            link.close()

    def _own_key(self) -> str:
        """The key that signs what this agent keeps; "" before it is enrolled."""
        try:
            return key_of(self.config)
        except SecretError:
            return ""

    def _ears(self, config: AgentConfig) -> Ears | None:
        if config.traps is None:
            return None
        return Ears(config.traps, config.devices, config.spool, self._take, self.nudges.nudge, self.clock.now)

    async def _hear(self, stop: asyncio.Event) -> None:
        if self.ears:
            await self.ears.run(stop)

    def _nut(self, config: AgentConfig, version: str) -> NutServer | None:
        if config.nut is None:
            return None
        watched = [device.id for device in config.devices if device.url.scheme not in address.REACH]
        shown = Shown(watched, measure_s=config.pace.measure_s, speed=self.scale.speed, chosen=config.nut.devices)
        described = {device.id.partition("/")[2]: f"{device.id} by Roundsman" for device in config.devices}
        return NutServer(config.nut, shown, described, version)

    def _take(self, found: Sequence[Found]) -> None:
        self.counted += len(found)
        if self.nut is not None:
            self.nut.hear(found)
        self.backlog.add(found, estimated=self.clock.estimated())

    def _spool(self) -> Spool:
        keep_ms = round(self.config.keep_delivered_h * 3_600_000)
        return Spool(self.config.spool, max_mb=self.config.spool_max_mb, keep_delivered_ms=keep_ms)

    def _on_open(self, opened: Opened) -> None:
        """Go on above what the file knew; tell of a damaged one. A reopened file is our own and knows less."""
        if opened.last_at >= self.backlog.top_at:
            self.clock.raise_above(opened.last_at)
        if opened.moved_to is not None:
            log.error("spool_damaged", moved_to=str(opened.moved_to), fix="the agent goes on with a fresh spool")
            self.backlog.lose(Loss(why="spool_damaged", kept_as=opened.moved_to.name))

    async def _status(self, uplink: Uplink, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await _ends(stop, STATUS_S)
            with contextlib.suppress(SpoolError):
                standing = await self.spooling.call(lambda spool: spool.standing())
                log.info(
                    "status",
                    found=self.counted,
                    in_memory=len(self.backlog),
                    undelivered=standing.undelivered,
                    rejected=standing.rejected,
                    spool_bytes=standing.used_bytes,
                    uplink_failures=uplink.failures,
                    recordings=self.flights.made,
                    recordings_suppressed=self.flights.suppressed,
                )

    async def _tell_costs(self, stop: asyncio.Event) -> None:
        pause_s = max(self.scale.real_seconds(COSTS_S), COSTS_LEAST_S)
        while not await _ends(stop, pause_s):
            self._take(self.observer.tell())

    async def _serve_status(self, uplink: Uplink, stop: asyncio.Event) -> None:
        await serve_status(door_of(self.config.spool), lambda: self._observe(uplink), stop)

    async def _serve_metrics(self, uplink: Uplink, stop: asyncio.Event) -> None:
        from agent.metrics import served  # an agent without it is spared the import

        host, port = self.config.metrics or ("", 0)
        try:
            with served(host, port, lambda: self._observe(uplink)):
                log.info("metrics_served", at=f"http://{host}:{port}/metrics")
                await stop.wait()
        except OSError as error:
            fix = "give [agent] metrics another port, or stop what has this one"
            log.error("metrics_not_served", error=str(error), fix=fix)  # noqa: TRY400 a trace says nothing more
            await _ends(stop, STATUS_S)

    async def _observe(self, uplink: Uplink) -> Status:
        """A snapshot of this moment; without the spool's numbers when the disk refuses."""
        spool = None
        with contextlib.suppress(SpoolError):
            spool = await self.spooling.call(lambda spool: spool.standing())
        traps = msgspec.structs.asdict(self.ears.counts) if self.ears else {}
        waiting = Waiting(
            in_memory=len(self.backlog),
            spool=spool,
            uplink=uplink.waits_for,
            uplink_failures=uplink.failures,
            counts={f"traps.{name}": value for name, value in traps.items()} | (self.nut.counts if self.nut else {}),
            swapped=self.guard.conflicts,
        )
        return self.observer.status(waiting)

    def _supervised(
        self, name: str, work: Callable[[], Coroutine[Any, Any, None]], stop: asyncio.Event
    ) -> asyncio.Task[None]:
        async def again() -> None:
            while not stop.is_set():
                try:
                    await work()
                except Exception:  # supervisor: logged with its trace, and begun anew
                    log.exception("task_failed", task=name)
                    await _ends(stop, RESTART_S)

        return asyncio.create_task(again(), name=name)


async def _ends(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until `stop` is set: whether it is."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


async def _end(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    """So many seconds to finish what is under way, then no longer."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


def _enrolled(config_path: Path, code: str) -> bool:
    """Enrol. A code that was used up by an earlier start does no harm where there is a key already."""
    config, _ = load(config_path)
    if config is None:
        return True  # `serve` says what is wrong
    had_key = config.key_file is not None and config.key_file.exists()
    try:
        log.info("enrolled", agent=enrol(config, code))
    except EnrolmentError as error:
        log.error("not_enrolled", error=error.text.en, zh=error.text.zh, goes_on=had_key)  # noqa: TRY400 no trace
        return had_key
    return True


async def serve(config_path: Path, scale: TimeScale, version: str = "") -> int:
    """Run the agent of a file until SIGTERM or SIGINT. Returns the exit code."""
    config, problems = load(config_path)
    for problem in problems:
        log.log(40 if problem.severity == "error" else 30, "config", problem=problem.render("en"))
    if config is None:
        return EXIT_CONFIG
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("agent_starts", site=config.site, devices=len(config.devices), collector=config.collector)
    return await Agent(config, scale, version=version).run(stop)


def main(config_path: Path, scale: TimeScale, enrol_code: str | None = None, version: str = "") -> int:
    """`roundsman agent FILE [--enrol CODE]`: enrol first when there is a code, then run. Returns the exit code."""
    if enrol_code and not _enrolled(config_path, enrol_code):
        return EXIT_NOT_ENROLLED
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(serve(config_path, scale, version))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop: half the CPU of a round of SNMP. Where it cannot be loaded the agent works all the same."""
    try:
        import uvloop  # a platform may lack it, and then this is told rather than an end
    except ImportError as error:
        log.warning("uvloop_missing", error=str(error), fix="pip install uvloop; the agent goes on, with more CPU")
        return None
    return uvloop.new_event_loop

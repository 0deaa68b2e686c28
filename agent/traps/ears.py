"""The agent's end of the receiver: starts the child, hears it, starts it again when it dies or is mute. I/O.

Nothing of this can hold up a round: the child has its own processor time, what it says is read line by line between
turns, and a child that cannot be started is tried again at rising pauses while the polling goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from agent import status
from agent.address import PUBLIC, SNMP, DeviceUrl
from agent.backlog import Found
from agent.profiles import PROFILES, Profile, Tier, load, trap_tables
from agent.traps import message
from agent.traps.desk import Desk, Known, Outcome, TrapCounts
from agent.traps.meaning import Tables
from agent.traps.message import Notice, Ready, Setup, Tally, Trouble
from agent.traps.settings import TrapSettings
from model.text import Text

log = structlog.get_logger()

#: Real seconds.
MUTE_S = 30.0
PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)
HEALTHY_S = 60.0
TELL_S = 60.0
_END_S = 2.0
_COUNTED = ("received", "lost", "dropped", "garbled", "unknown_source", "unauthenticated", "informs", "unheard")
#: What a person should hear of once a minute, if there was any.
_TOLD = ("lost", "dropped", "garbled", "unknown_source", "unauthenticated", "unheard")
_LONGEST_LINE = 64 * 1024
_NOTE = "traps.receiver"
_NOT_HEARD = Text("no traps are heard just now: the receiver starts again", "暂时收不到 trap：接收进程正在重启")


class Watched(Protocol):
    """What is needed of a device: `agent.config.WatchedDevice`."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> DeviceUrl: ...
    @property
    def profile(self) -> Profile | None: ...


class Ask(Protocol):
    """How a device is asked: `agent.poll.Ask`."""

    async def __call__(self, device: Any, tier: Tier) -> Sequence[Found]: ...


def known(device: Watched) -> Known:
    """A device as far as traps care."""
    url = device.url
    snmp = url.scheme == SNMP
    community = url.option("community", PUBLIC) if snmp and url.option("version") != "3" else ""
    return Known(id=device.id, host=url.host, snmp=snmp, community=community, profile=device.profile)


class Ears:
    """The traps of a running agent. `counts` is for its status, `listening` says where."""

    def __init__(
        self,
        settings: TrapSettings,
        devices: Sequence[Watched],
        spool: Path,
        take: Callable[[Sequence[Found]], None],
        nudge: Callable[[str, Tier, float], None],
        now: Callable[[], int],
    ) -> None:
        """Our own engine id is kept beside the spool."""
        tables = Tables([*(load(id) for id in PROFILES), *trap_tables()])
        told = [known(device) for device in devices]
        self.desk = Desk(settings, told, tables)
        self.listening: tuple[str, ...] = ()
        self._setup = Setup(
            settings=settings,
            hosts=tuple(dict.fromkeys(one.host for one in told if one.host)),
            communities=tuple(dict.fromkeys(one.community for one in told if one.community)),
            folder=str(Path.cwd()),
            engine_file=str(spool.with_name(f"{spool.name}.engine")),
        )
        self._take, self._nudge, self._now = take, nudge, now
        self._before = Tally()
        self._told = Tally()
        self._said: set[str] = set()

    @property
    def counts(self) -> TrapCounts:
        """So far, over all the receiver's lives."""
        return self.desk.counts

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set."""
        telling = asyncio.create_task(self._tell(stop))
        failures = 0
        try:
            while not stop.is_set():
                began = time.monotonic()
                await self._one_life(stop)
                if stop.is_set():
                    return
                failures = 0 if time.monotonic() - began > HEALTHY_S else failures + 1
                pause_s = PAUSES_S[min(failures, len(PAUSES_S)) - 1] if failures else PAUSES_S[0]
                self.counts.restarts += 1
                log.warning("trap_receiver_restarts", in_s=pause_s, times=self.counts.restarts)
                await _wait(stop, pause_s)
        finally:
            telling.cancel()

    def watching(self, ask: Ask) -> Ask:
        """The same way of asking, with an eye on what it brings: an answer counts more than a trap."""

        async def asked(device: Watched, tier: Tier) -> Sequence[Found]:
            began_s = time.monotonic()
            found = await ask(device, tier)
            self._do(self.desk.looked(device.id, tier, found, began_s, time.monotonic()))
            return found

        return asked

    async def _one_life(self, stop: asyncio.Event) -> None:
        """The child from start to end."""
        try:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agent.traps.receiver"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
                # The same code as ours, wherever we run: a folder named agent in the present one is not it.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"},
            )
        except OSError as error:
            log.error("trap_receiver_not_started", error=str(error))  # noqa: TRY400 a trace says nothing more
            return
        self._before = Tally()
        ending = asyncio.create_task(stop.wait())
        hearing = asyncio.create_task(self._hear(child))
        try:
            await asyncio.wait({ending, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            hearing.cancel()
            await asyncio.gather(ending, hearing, return_exceptions=True)
            await _ended(child)
            self.listening = ()
            status.notes.setdefault(_NOTE, _NOT_HEARD)

    async def _hear(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdin
        assert child.stdout
        with contextlib.suppress(ConnectionError):
            child.stdin.write(message.line_of(self._setup))
            await child.stdin.drain()
        while True:
            try:
                line = await asyncio.wait_for(child.stdout.readline(), MUTE_S)
            except TimeoutError:
                log.error("trap_receiver_mute", seconds=MUTE_S)  # noqa: TRY400 a trace says nothing more
                return
            except ValueError:
                continue  # a line that is too long is none of ours
            if not line:
                return
            self._heard(message.up(line))

    def _heard(self, said: message.Up | None) -> None:
        match said:
            case Notice():
                self._do(self.desk.heard(said, time.monotonic(), self._now()))
            case Tally():
                for name in _COUNTED:
                    grown = getattr(said, name) - getattr(self._before, name)
                    setattr(self.counts, name, getattr(self.counts, name) + grown)
                self._before = said
                self._do(self.desk.tick(time.monotonic()))
                self._show()
            case Ready():
                self.listening = said.listen
                status.notes.pop(_NOTE, None)
                log.info("traps_listen", at=", ".join(said.listen), engine_id=said.engine_id or None)
            case Trouble():
                self._complain(said)
            case None:
                log.warning("trap_receiver_unclear")

    def _complain(self, trouble: Trouble) -> None:
        """The same trouble once, though the receiver starts again."""
        if trouble.fatal:
            status.notes[_NOTE] = Text(
                f"no traps: {trouble.what}; {trouble.fix}", f"收不到 trap：{trouble.what}；{trouble.fix}"
            )
        if trouble.what in self._said:
            return
        if len(self._said) < 1000:
            self._said.add(trouble.what)
        log.log(40 if trouble.fatal else 30, "traps", problem=trouble.what, fix=trouble.fix)

    def _show(self) -> None:
        """Put the counts where the status finds them."""
        counted = msgspec.structs.asdict(self.counts)
        status.counts.update({f"traps.{name}": float(value) for name, value in counted.items()})

    def _do(self, outcome: Outcome) -> None:
        if outcome.found:
            self._take(outcome.found)
        for nudge in outcome.nudges:
            self._nudge(nudge.device, nudge.tier, nudge.due)

    async def _tell(self, stop: asyncio.Event) -> None:
        """Once a minute: what was not taken, if there was any."""
        while not stop.is_set():
            await _wait(stop, TELL_S)
            now = Tally(**{name: getattr(self.counts, name) for name in _COUNTED})
            grown = {name: n for name in _TOLD if (n := getattr(now, name) - getattr(self._told, name))}
            if grown:
                log.warning("traps_not_taken", **grown)
            self._told = now


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _ended(child: asyncio.subprocess.Process) -> None:
    """Close its input, which ends it; a child that does not end is killed, by its own id."""
    if child.stdin:
        child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), _END_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()

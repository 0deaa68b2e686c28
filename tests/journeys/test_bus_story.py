"""Twelve slaves on one bus: one dies, one answers late, one is garbled, the adapter is pulled out and comes back as
another node. Among a million registers none is another's; the others are on time; all of it is named in the status."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import uvloop

from agent.address import DeviceUrl
from agent.backlog import Found
from agent.clock import AgentClock
from agent.config import AgentConfig, WatchedDevice
from agent.drivers.exchange import Failure, ReadWords, Words
from agent.links import open_link
from agent.links.modbus_rtu import ModbusRtuLink
from agent.observing import Observer, Waiting
from agent.poll import LinkRounds
from agent.profiles import Tier
from agent.schedule import Pauses
from agent.status import DeviceState, LinkState, Status
from model.reading import Gap, Reading
from model.timescale import REAL
from tests.journeys.bus_slaves import UNITS, word

TIMEOUT_S = 0.08
MILLION = 1_000_000
#: One turn of a device: reads of one shape, which is where late and doubled replies do their harm.
BLOCK, BLOCKS, BLOCKS_OF_WRONG = 125, 16, 4
#: Turns of each device by which it is judged whether all are alike: in the midst of a round some have had one more.
TURNS = 10
DEAD, LATE, GARBLED = WRONG = 3, 7, 9
TRUTH = {
    (unit, block): tuple(word(unit, block * BLOCK + n) for n in range(BLOCK))
    for unit in UNITS
    for block in range(BLOCKS)
}
_ROOT = Path(__file__).resolve().parents[2]


class Slaves:
    """The other end of the bus: a process that is told what goes wrong."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def tell(self, *words: str) -> None:
        """Say it, and wait until it is done."""
        assert self._child.stdin
        assert self._child.stdout
        for line in words:
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()
            assert self._child.stdout.readline().strip() == line


@contextmanager
def slaves(link: Path) -> Iterator[Slaves]:
    command = [sys.executable, "-m", "tests.journeys.bus_slaves", str(link), str(TIMEOUT_S)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    assert child.stdin
    assert child.stdout
    try:
        assert child.stdout.readline().strip() == "ready"
        yield Slaves(child)
    finally:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


class Agent:
    """The agent's own rounds, link and status over one bus; every register that comes is held against the truth."""

    def __init__(self, bus: Path) -> None:
        url = f"modbus+rtu://{bus}?baud=921600&timeout={TIMEOUT_S}"
        link = open_link(DeviceUrl.parse(url))
        assert isinstance(link, ModbusRtuLink)
        # What a byte and a silence take is measured elsewhere (bench_rtu): no pty keeps a baud rate.
        link._silence_s = 0.0002
        self.link = link
        self.devices = [WatchedDevice(id=f"sz/u{unit}", url=DeviceUrl.parse(f"{url}&unit={unit}")) for unit in UNITS]
        self.read = self.wrong = 0
        self.turns: Counter[int] = Counter()
        self.blocks: Counter[int] = Counter()
        clock = AgentClock(REAL)
        pauses = Pauses(status_s=0.001, measure_s=3600.0, identity_s=3600.0, silent_s=0.5)
        self.rounds = LinkRounds(self.devices, self._ask, pauses, lambda found: None, clock.now, link)
        config = AgentConfig(
            file=bus, site="sz", collector="http://127.0.0.1:1", key="file:key", spool=bus, devices=tuple(self.devices)
        )
        self._observer = Observer(config, {self.devices[0].url.link_key: self.rounds}, clock, "test")

    async def _ask(self, device: WatchedDevice, tier: Tier) -> list[Found]:
        unit = device.url.unit
        self.link.device = device.id
        for block in range(0 if tier is not Tier.STATUS else BLOCKS_OF_WRONG if unit in WRONG else BLOCKS):
            answer = await self.link.ask(ReadWords(unit=unit, function=3, address=block * BLOCK, count=BLOCK))
            if isinstance(answer, Failure):
                return [Gap(device=device.id, point=None, index=None, at=0, cause=answer.cause, raw=answer.raw)]
            assert isinstance(answer, Words)
            self.read += BLOCK
            self.blocks[unit] += 1
            self.wrong += sum(got != true for got, true in zip(answer.values, TRUTH[unit, block], strict=True))
        self.turns[unit] += tier is Tier.STATUS
        return [Reading(device=device.id, point="ups.load", index=None, at=0, value=1.0)]

    def begin(self) -> None:
        """Count turns from now on."""
        self.turns.clear()
        self.blocks.clear()

    def all_heard(self) -> bool:
        """Whether each of the eleven gave something, the nine often enough, and the late and the garbled one did their worst."""
        late, garbled = (self.link.account.of(f"sz/u{unit}") for unit in (LATE, GARBLED))
        heard = all(self.blocks[unit] > 0 for unit in UNITS if unit != DEAD)
        known = all(self.turns[unit] >= TURNS for unit in UNITS if unit not in WRONG)
        return heard and known and late.quarantined > 0 and garbled.garbled > 0

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await asyncio.sleep(0.01)

    def status(self) -> Status:
        return self._observer.status(Waiting(in_memory=0, spool=None, uplink="", uplink_failures=0))

    def close(self) -> None:
        self.link.close()


async def story(bus: Path, others: Slaves) -> Agent:
    with closing(Agent(bus)) as agent:
        stop = asyncio.Event()
        rounds = asyncio.create_task(agent.rounds.run(stop))
        await agent.until(lambda: agent.read > MILLION // 10)

        others.tell(f"dead {DEAD}", f"late {LATE}", f"garbled {GARBLED}")
        await agent.until(lambda: agent.read > MILLION // 4)
        agent.begin()
        await agent.until(lambda: agent.read > MILLION * 3 // 4 and agent.all_heard())
        on_time(agent)
        named(agent.status())

        first = bus.readlink()
        others.tell("unplug")
        await agent.until(lambda: bool(agent.link.gone))
        (line,) = agent.status().links
        assert line.state is LinkState.GONE
        assert str(bus) in line.why
        others.tell("plug")
        unplugged = agent.read
        await agent.until(lambda: agent.read > unplugged)
        assert agent.link.account.reopened == 1
        assert bus.readlink() != first

        agent.begin()
        await agent.until(lambda: agent.read >= MILLION and agent.all_heard())
        stop.set()
        await rounds
        on_time(agent)
        named(agent.status())
    return agent


def on_time(agent: Agent) -> None:
    """Nine devices had their turns as if nothing were wrong."""
    well = [agent.turns[unit] for unit in UNITS if unit not in WRONG]
    assert min(well) >= 0.8 * (max(well) - 1)  # all alike, but for a machine that stalls
    assert agent.blocks[DEAD] == 0


def named(status: Status) -> None:
    """Whoever looks at the status sees who it is and what is wrong."""
    (line,) = status.links
    devices = {device.device: device for device in status.devices}
    dead, late, garbled = (devices[f"sz/u{unit}"] for unit in (DEAD, LATE, GARBLED))
    assert dead.state is DeviceState.SILENT
    assert dead.cost.timeouts > 0
    assert late.cost.quarantined > 0
    assert garbled.cost.crc_errors > 0
    for unit in UNITS:
        if unit not in WRONG:
            assert devices[f"sz/u{unit}"].state in (DeviceState.ANSWERING, DeviceState.SLOW)
            assert devices[f"sz/u{unit}"].cost.crc_errors == 0
    assert line.cost.quarantined >= late.cost.quarantined


@pytest.mark.slow
@pytest.mark.alone
def test_a_million_registers_of_a_bus_on_which_everything_goes_wrong(tmp_path: Path) -> None:
    with slaves(tmp_path / "bus") as others:
        agent = uvloop.run(story(tmp_path / "bus", others))
    assert agent.read >= MILLION
    assert agent.wrong == 0

"""From memory to disk while the disk is full, the file breaks and the wall clock jumps."""

from __future__ import annotations

from pathlib import Path

from agent.backlog import Backlog
from agent.clock import AgentClock
from agent.config import AgentConfig
from agent.running import Agent
from agent.spool import Spool
from agent.spooling import Opened, Spooling
from agent.writer import HEARTBEAT_S, Writer
from model.batch import Batch, EventKind, decode
from model.reading import Quality, Reading
from model.timescale import TimeScale
from tests.agent.test_clock import HOUR_MS, T0, Machine


class FullDisk(Spool):
    """A spool on a disk of which the test says when it is full; SQLite itself finds out."""

    full = False

    def _connect(self) -> None:
        super()._connect()
        self.apply()

    def apply(self) -> None:
        assert self._db is not None
        pages = self._db.execute("PRAGMA page_count").fetchone()[0] if self.full else 1_000_000
        self._db.execute(f"PRAGMA max_page_count = {pages}")


class Desk:
    """One writer with all it needs, flushed by hand."""

    def __init__(self, folder: Path, machine: Machine, most: int = 40_000) -> None:
        self.machine = machine
        self.spool = FullDisk(folder / "spool.sqlite", max_mb=64)
        self.opened: list[Opened] = []
        self.spooling = Spooling(lambda: self.spool, self.opened.append)
        self.backlog = Backlog(most)
        self.clock = machine.clock()
        self.writer = Writer("sz", self.clock, self.backlog, self.spooling, lambda: machine.up_s)

    def read(self, count: int = 1) -> None:
        at = self.clock.now()
        self.backlog.add(
            [
                Reading(device="sz/u", point=f"p{n}", index=None, at=at, value=(at + n * 7919) % 1000 / 7)
                for n in range(count)
            ],
            estimated=self.clock.estimated(),
        )

    async def fill(self, *, full: bool) -> None:
        self.spool.full = full
        if self.spool._db is not None:
            await self.spooling.call(lambda _: self.spool.apply())

    async def batches(self) -> list[Batch]:
        return [decode(row.packed) for row in await self.spooling.call(lambda s: s.undelivered(0, 10_000))]


async def test_a_full_disk_stops_nothing_and_costs_nothing_while_memory_has_room(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Machine())
    desk.read(10)
    assert await desk.writer.flush()
    await desk.fill(full=True)
    for _ in range(5):
        desk.machine.pass_s(1)
        desk.read(1_000)
        assert not await desk.writer.flush()
    await desk.fill(full=False)
    assert await desk.writer.flush()
    batches = await desk.batches()
    assert sum(len(batch.readings) for batch in batches) == 5_010
    assert not any(batch.events for batch in batches), "nothing was lost, so nothing is told"
    assert [batch.row for batch in batches] == list(range(1, len(batches) + 1))
    series = [(one.point, one.at) for batch in batches for one in batch.readings]
    assert len(set(series)) == len(series), "nothing was spooled twice"
    await desk.spooling.close()


async def test_a_disk_full_for_long_costs_the_oldest_in_memory_and_the_loss_is_told_exactly(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Machine(), most=3_000)
    await desk.writer.flush()
    await desk.fill(full=True)
    times = []
    for _ in range(12):
        desk.machine.pass_s(1)
        times.append(desk.clock.now())
        desk.read(1_000)
        assert not await desk.writer.flush()
    await desk.fill(full=False)
    assert await desk.writer.flush()
    batches = await desk.batches()
    told = [event.data for batch in batches for event in batch.events if event.kind is EventKind.LOSS]
    arrived = sum(len(batch.readings) for batch in batches)
    assert sum(int(data["readings"]) for data in told) == 12_000 - arrived
    assert {data["why"] for data in told} == {"memory"}
    assert [data["rows"] for data in told] == [0]
    newest = {one.at for one in batches[-1].readings} | {one.at for one in batches[-2].readings}
    assert times[-1] in newest, "the newest is kept"
    assert told[0]["last_at"] < times[-3]
    await desk.spooling.close()


async def test_silence_is_told_by_an_empty_row_every_five_seconds(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Machine())
    for _ in range(20):
        desk.machine.pass_s(1)
        await desk.writer.flush()
    beats = await desk.batches()
    assert len(beats) == 20 // HEARTBEAT_S
    assert not any(batch.readings or batch.gaps or batch.events for batch in beats)
    assert [batch.at for batch in beats] == sorted({batch.at for batch in beats})
    await desk.spooling.close()


async def test_an_hours_jump_of_the_wall_is_one_event_and_moves_no_reading(tmp_path: Path) -> None:
    for step_ms in (HOUR_MS, -HOUR_MS):
        folder = tmp_path / str(step_ms)
        desk = Desk(folder, Machine())
        for second in range(10):
            if second == 5:
                desk.machine.wall_ms += step_ms
            desk.read()
            await desk.writer.flush()
            desk.machine.pass_s(1)
        batches = await desk.batches()
        events = [event for batch in batches for event in batch.events]
        assert [(event.kind, event.data) for event in events] == [(EventKind.CLOCK, {"step_ms": step_ms})]
        times = [one.at for batch in batches for one in batch.readings]
        assert [round((at - T0) / 1000) for at in times] == list(range(10))
        await desk.spooling.close()


async def test_readings_of_a_board_without_a_clock_are_marked_until_it_is_set(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Machine(wall_ms=86_400_000))
    desk.read()
    await desk.writer.flush()
    desk.machine.wall_ms = T0
    desk.read()
    await desk.writer.flush()
    qualities = [one.quality for batch in await desk.batches() for one in batch.readings]
    assert qualities == [Quality.TIME_ESTIMATED, Quality.GOOD]
    await desk.spooling.close()


async def test_a_damaged_spool_is_told_to_the_centre_and_the_line_goes_on_above_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").write_bytes(b"not a database" * 300)
    agent = agent_of(tmp_path, Machine())
    await agent.spooling.call(lambda spool: spool.standing())
    writer = Writer("sz", agent.clock, agent.backlog, agent.spooling)
    assert await writer.flush()
    (row,) = await agent.spooling.call(lambda s: s.undelivered(0))
    (event,) = decode(row.packed).events
    assert (event.kind, event.data) == (
        EventKind.LOSS,
        {"why": "spool_damaged", "kept_as": "spool.sqlite.damaged-1"},
    )
    await agent.spooling.close()


async def test_a_boot_after_the_wall_went_back_an_hour_begins_above_the_spool(tmp_path: Path) -> None:
    first = agent_of(tmp_path, Machine())
    await Writer("sz", first.clock, told(first), first.spooling).flush()
    await first.spooling.close()
    second = agent_of(tmp_path, Machine(T0 - HOUR_MS))
    await second.spooling.call(lambda spool: spool.standing())
    assert second.clock.now() > T0
    await second.spooling.close()


def agent_of(folder: Path, machine: Machine) -> Agent:
    config = AgentConfig(
        file=folder / "agent.toml",
        site="sz",
        collector="http://127.0.0.1:1",
        key="env:K",
        spool=folder / "spool.sqlite",
    )
    clock = AgentClock(TimeScale(), 0, lambda: machine.wall_ms, lambda: machine.up_s)
    return Agent(config, TimeScale(), clock)


def told(agent: Agent) -> Backlog:
    agent.backlog.add([Reading(device="sz/u", point="p", index=None, at=agent.clock.now(), value=1.0)])
    return agent.backlog

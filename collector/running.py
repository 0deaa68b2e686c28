"""The running centre: one event loop that listens, one thread that writes, one that seals history.

Posts queue up while the writer is busy and are then committed together (group commit). Ticks, people's
acts and snapshots go through the same thread, so there is exactly one writer and no lock of our own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
import structlog

from collector import inventory, topology, upkeep
from collector.clock import Clock
from collector.config import CollectorConfig
from collector.forwarding import Forwarder
from collector.history import History, HistoryError
from collector.history.corrected import Corrected
from collector.history.opening import open_history
from collector.hub import Hub
from collector.jobs import outcomes
from collector.jobs.memory import fleet_memory
from collector.neighbours.memory import Memory
from collector.neighbours.mqtt import BrokerSource
from collector.neighbours.silence import Silence
from collector.offsets import OffsetBook
from collector.pipeline import World
from collector.store import Claim, database_of, deliveries, hold, keep_clock, take_engine, writing
from collector.store.tables import identities
from collector.writer import Answer, Post, Writer
from desk import outbox
from model.batch import Event
from model.inventory import Inventory
from model.timescale import TimeScale

T = TypeVar("T")
#: Batches committed together at most: bounds how long the first of them waits for the last.
_GROUP = 64
#: A difference of clocks below this is the way, not the clock: (story s, real s).
_WRONG_CLOCK_S = (5, 5)
#: An agent is silent after so long (story s, real s): longer than its longest back-off (15 s) and idle row (5 s).
_SILENT_S = (90, 25)
#: The least real time of one round of a device; detectors never expect an answer sooner.
_ROUND_S = 1.0
#: A history server that failed is given again what it took in the last so many real seconds.
_AGAIN_S = 30.0
#: How long a stopping centre goes on feeding its history server (real seconds).
_LAST_FEED_S = 5.0
log = structlog.get_logger()


class Running:
    """`collector.centre.Centre`, for real. Made by `open_centre`; lives between `start` and `stop`."""

    def __init__(
        self,
        config: CollectorConfig,
        scale: TimeScale,
        engine: sa.Engine,
        history: Corrected,
        writer: Writer,
        clock: Clock,
        forwarder: Forwarder | None,
        memory: Memory,
        lock: int,
        claim: Claim | None = None,
    ) -> None:
        self.config = config
        self.scale = scale
        self.engine = engine
        self.history: History = history
        self.hub = Hub()
        self.writer = writer
        self.forwarder = forwarder
        self.upkeep_problems: dict[str, str] = {}  #: by what is stuck (sealing, a connector …), for /healthz
        self.chores: list[upkeep.Chore] = []  #: what the rooms above let it do now and then; set before `start`
        self.waiting: list[outbox.Waiting] = []  #: what has not gone out yet, by connector, for /healthz
        self.silence = Silence(memory, {broker.client_id for broker in config.brokers})
        self.brokers = [BrokerSource(self, broker, memory, self.silence) for broker in config.brokers]
        self._memory = memory
        self._cables: topology.Rows = {}
        self._names: topology.Names = {}
        self._clock = clock
        self._lock = lock
        self.claim = claim  #: PostgreSQL: that no other collector runs on the database
        self._thread = ThreadPoolExecutor(1, "writer")
        self._posts: asyncio.Queue[tuple[Post, asyncio.Future[Answer]]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def inventory(self) -> Inventory:
        return self.writer.world.inventory

    @property
    def documents(self) -> Path:
        """Files of tickets and equipment, beside the database."""
        return self.config.data / "documents"

    def now(self) -> int:
        """The injected clock, ms."""
        return self._clock.now()

    def remembered(self, device: str) -> dict[str, dict[str, Any]]:
        """What the detectors remember of a device now; their states are replaced, never changed, so any thread may look."""
        return self.writer.remembered(device)

    def health(self) -> dict[str, Any]:
        """For /healthz: `problems` is empty when all is well."""
        known = {"batches": self.writer.problem, **self.upkeep_problems, **self.writer.stuck}
        problems = [f"{what}: {why}" for what, why in known.items() if why]
        waiting = [msgspec.to_builtins(each) for each in self.waiting]
        status = "degraded" if problems else "ok"
        return {"status": status, "now": self.now(), "problems": problems, "connectors": waiting}

    async def deliver(self, post: Post) -> Answer:
        """Have one batch kept; answers when it is kept for ever, or cannot be now."""
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        await self._posts.put((post, done))
        return await done

    async def transact(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work(connection)` alone in one transaction and publish what changed."""
        return await self.write(self.writer.transact, work)

    def subscribe(self) -> AsyncIterator[dict[str, Any]]:
        """Events as they commit, from now on."""
        return self.hub.subscribe()

    async def write(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run blocking work in the writer's thread, in turn; publish what it committed."""
        done: T = await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *arguments))
        self.hub.publish(self.writer.events())
        return done

    async def start(self) -> None:
        """Rebuild the detectors, then begin to write and to keep up. From now on an agent can be silent."""
        await self.write(self.writer.recover)
        await self.write(self._recall_cables)
        self.writer.listens_since = self.now()
        neighbours = (self.silence.watch(self), *(broker.run() for broker in self.brokers))
        loops = (self._serve_posts(), *upkeep.loops(self), *neighbours)
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Finish what is begun; what was not answered, agents send again."""
        self.hub.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while not self._posts.empty():
            _, done = self._posts.get_nowait()
            done.set_result(Answer(kept=False, why="the centre is stopping"))
        await self._last_snapshot()
        await asyncio.to_thread(self._thread.shutdown)
        if self.forwarder:  # what the server does not take now waits in the kept bytes
            with contextlib.suppress(HistoryError, TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(self.forwarder.step), _LAST_FEED_S)
        self.silence.flush()
        self._memory.close()
        self.history.close()
        if self.claim:
            await asyncio.to_thread(self.claim.release)
        self.engine.dispose()
        os.close(self._lock)

    async def _last_snapshot(self) -> None:
        """So that the next start replays nothing. Without it nothing is lost: the kept batches bring the state back."""
        if not self.writer.ready:
            return
        try:
            await upkeep.snapshot(self)
        except Exception as error:  # noqa: BLE001 - supervisor: whatever is wrong with the database, a centre must be able to stop
            log.warning("no snapshot at the stop: the next start replays the last batches", why=repr(error))

    async def _serve_posts(self) -> None:
        while True:
            waiting = [await self._posts.get()]
            while len(waiting) < _GROUP and not self._posts.empty():
                waiting.append(self._posts.get_nowait())
            await self._answer(waiting)

    async def _answer(self, waiting: list[tuple[Post, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self.write(self.writer.take, [post for post, _ in waiting])
        except Exception as error:  # supervisor: one group that fails must not end the taking in of all others
            log.exception("taking in a group failed")
            answers = [Answer(kept=False, why=repr(error))] * len(waiting)
        for (_, done), answer in zip(waiting, answers, strict=True):
            if not done.done():
                done.set_result(answer)
        try:
            await self._learn([post for (post, _), answer in zip(waiting, answers, strict=True) if answer.kept])
        except Exception:  # supervisor: what is not learned of cables now comes with the next identity
            log.exception("learning who is reached through whom failed")

    async def _learn(self, posts: list[Post]) -> None:
        """Note what devices say of their cables: rarely anything, so most batches cost a look."""
        events = [
            event
            for post in posts
            for event in post.batch.events
            if topology.speaks(event) and event.device and event.device.partition("/")[0] == post.site
        ]
        if events:
            await self.write(self._note_cables, events)

    def _recall_cables(self) -> None:
        self._cables = self._memory.cables()
        with self.engine.connect() as conn:
            self._names = known_names(conn)
        self.writer.world = self.writer.world.with_paths(topology.paths(self._cables, self._names))

    def _note_cables(self, events: list[Event]) -> None:
        self._memory.put_cables(self._cables, topology.take(self._cables, self._names, events))
        found = topology.paths(self._cables, self._names)
        if found != self.inventory.learned:
            self.writer.world = self.writer.world.with_paths(found)


def known_names(conn: sa.Connection) -> topology.Names:
    """What every device says that neighbours know it by."""
    every = conn.execute(sa.select(identities.c.device, identities.c.data)).all()
    said = ((row.device, topology.who(json.loads(row.data))) for row in every)
    return {device: who for device, who in said if who is not None}


def open_centre(config: CollectorConfig, scale: TimeScale) -> Running:
    """Open database, history and inventory. Raises `StoreError`, `HistoryError`, `OSError`."""
    lock = hold(config.data)
    try:
        return _open(config, scale, lock)
    except BaseException:
        os.close(lock)
        raise


def _open(config: CollectorConfig, scale: TimeScale, lock: int) -> Running:
    engine, claim = take_engine(database_of(config.database, config.data, config.folder))
    try:
        return _around(config, scale, lock, engine, claim)
    except BaseException:
        if claim:
            claim.release()
        engine.dispose()
        raise


def _around(config: CollectorConfig, scale: TimeScale, lock: int, engine: sa.Engine, claim: Claim | None) -> Running:
    clock = Clock(scale)
    with writing(engine) as conn:
        keep_clock(conn, scale)
        outbox.register(conn, config.connectors)
        segments = deliveries.offset_segments(conn)
        known = inventory.latest(conn)
        cohorts = fleet_memory(conn)
        learned = outcomes.known(conn)
    world = World(known, scale.speed * _ROUND_S, scale.at_least(*_SILENT_S), cohorts, learned)
    book = OffsetBook(scale.at_least(*_WRONG_CLOCK_S) * 1000, segments)
    history = Corrected(open_history(config.history, config.data), book)
    embedded = config.history == "embedded"
    writer = Writer(engine, history if embedded else None, book, world)
    forwarder = None if embedded else Forwarder(engine, history, round(_AGAIN_S * 1000 * scale.speed))
    memory = Memory(config.data / "neighbours.sqlite")
    return Running(config, scale, engine, history, writer, clock, forwarder, memory, lock, claim)


def main(config_path: Path, scale: TimeScale, mount: Callable[[Any, Running], None] | None = None) -> int:
    """`roundsman collector FILE`: run until SIGTERM. Exit codes: collector.serving."""
    from collector.serving import run

    return run(config_path, scale, mount)

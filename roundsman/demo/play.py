"""One performance: raise the curtain, watch, disturb it if asked to, judge it at the end."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import tempfile
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from collector.store import open_engine, writing
from console.login import one_time_code
from roundsman.clock import real_ms, starting_now
from roundsman.demo import story
from roundsman.demo.stage import Stage
from roundsman.demo.watching import Watcher, cast, counts, gap_causes, holdings

if TYPE_CHECKING:
    from roundsman.demo.audit import Audit

_LOOK_EVERY_S = 0.5
#: How long the agents may take at the end to deliver what they hold.
_DRAIN_S = 20.0


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for. Seconds here are real."""

    scenario: Path
    speed: float = 10.0
    for_s: float | None = None
    browser: bool = True
    directory: Path | None = None
    history: str = "embedded"
    port: int = 8620
    kills: int = 0
    seed: int = 0
    policy: str = "powerstar"  #: under which the customer of the mains failure is
    story: bool = True  #: judge it by the demo's own story (another scenario has another)


class Play:
    """Runs one demo. `show` takes every event as a dict."""

    def __init__(self, wishes: Wishes, show: Any) -> None:
        self._wishes = wishes
        self._show = show
        self._directory = wishes.directory or Path(tempfile.mkdtemp(prefix="roundsman-demo-"))
        self._scale = starting_now(wishes.speed)
        self._stage = Stage(
            self._directory,
            self._scale,
            wishes.scenario,
            history=wishes.history,
            port=wishes.port,
            policy=wishes.policy,
            on_event=self._emit,
        )
        self._first_readings_s: float | None = None
        self._end = asyncio.Event()
        self._over_in_story = False  #: the scenario has come to its end

    @property
    def stage(self) -> Stage:
        return self._stage

    async def run(self) -> int:
        """The exit status: 0 only if every expectation held (of those that had time to)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end.set)
        began = loop.time()
        try:
            await self._stage.raise_curtain()
            await self._first_readings(began)
            if self._end.is_set():
                self._emit({"event": "stopping"})
                return 0  # Ctrl-C before there was anything to judge
            await self._perform(began)
            return await self._judge()
        finally:
            await self._stage.lower_curtain()
            if self._wishes.directory is None:
                shutil.rmtree(self._directory, ignore_errors=True)

    def _emit(self, event: dict[str, Any]) -> None:
        story_s = (self._scale.story(real_ms()) - self._scale.t0) / 1000
        self._over_in_story |= event["event"] == "end"
        self._show({**event, "story_s": round(story_s, 1)} if event["event"] != "summary" else event)

    async def _first_readings(self, began: float) -> None:
        """Wait until every device was read once, showing how many were; then the story may start."""
        engine = open_engine(self._stage.database)
        told = -1
        loop = asyncio.get_running_loop()
        try:
            while not self._end.is_set() and loop.time() - began < 60:
                heard = counts(engine).heard
                if heard != told:
                    told = heard
                    self._emit({"event": "reading", "heard": heard, "devices": len(self._stage.devices)})
                if heard >= len(self._stage.devices):
                    self._first_readings_s = loop.time() - began
                    break
                await asyncio.sleep(0.2)
            if self._end.is_set():
                return
            with writing(engine) as conn:
                code = one_time_code(conn, "demo", "manager", self._scale.story(real_ms()))
            self._emit({"event": "cast", **cast(engine)})
        finally:
            engine.dispose()
        login = f"{self._stage.url}/login?code={code}"
        seconds = round(self._first_readings_s, 1) if self._first_readings_s is not None else None
        file = str(self._stage.collector_file)
        self._emit({"event": "ready", "url": self._stage.url, "login": login, "file": file, "seconds": seconds})
        if self._wishes.browser:
            with suppress(webbrowser.Error):
                await asyncio.to_thread(webbrowser.open, login)

    async def _perform(self, began: float) -> None:
        """Let the story run until the time is over or somebody presses Ctrl-C."""
        await self._stage.start_story()
        engine = open_engine(self._stage.database)
        watcher = Watcher(engine, self._emit)
        killer = asyncio.create_task(self._kill_some(began)) if self._wishes.kills else None
        loop = asyncio.get_running_loop()
        try:
            while not self._end.is_set() and not self._over(loop.time() - began):
                await asyncio.to_thread(watcher.look, self._scale.story(real_ms()))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._end.wait(), _LOOK_EVERY_S)
        finally:
            if killer:
                killer.cancel()
            engine.dispose()

    def _over(self, elapsed_s: float) -> bool:
        return self._wishes.for_s is not None and elapsed_s >= self._wishes.for_s

    async def _kill_some(self, began: float) -> None:
        """kill -9 of agents and the collector, at random instants of the story (--kill N --seed S)."""
        dice = random.Random(self._wishes.seed)
        length = (self._wishes.for_s or 300.0) * 0.85 - (asyncio.get_running_loop().time() - began)
        instants = sorted(dice.uniform(0, max(length, 1.0)) for _ in range(self._wishes.kills))
        victims = [self._stage.collector, *self._stage.agents.values()]
        start = asyncio.get_running_loop().time()
        for instant in instants:
            await asyncio.sleep(max(0.0, start + instant - asyncio.get_running_loop().time()))
            # The collector is one of seven processes, but its death is the more telling one.
            victim = self._stage.collector if dice.random() < 0.4 else dice.choice(victims)
            while not victim.kill():  # noqa: ASYNC110  it is just being started again
                await asyncio.sleep(0.1)
            self._emit({"event": "killed", "child": victim.name})

    async def _judge(self) -> int:
        self._emit({"event": "stopping"})
        await self._stage.stop_agents()
        await self._stage.collector.stop()
        checked = await asyncio.to_thread(self._audit)
        engine = open_engine(self._stage.database)
        try:
            held, total, causes = holdings(engine), counts(engine), gap_causes(engine)
        finally:
            engine.dispose()
        deaths = sum(child.deaths for child in self._stage.children())
        seen = story.Seen(
            incidents=held.incidents,
            alerts=held.alerts,
            tickets=held.tickets,
            ledgers=held.ledgers,
            first_readings_s=self._first_readings_s,
            lost=checked.lost + checked.undelivered,
            doubled=checked.doubled,
            # Whoever killed them, --kills or a visitor: a site that was not heard is then no surprise.
            agents_killed=deaths > 0,
        )
        judged = story.judge(seen) if self._wishes.story else []
        complete = self._wishes.for_s is not None or self._over_in_story
        self._emit(
            {
                "event": "summary",
                "speed": self._wishes.speed,
                "first_readings_s": self._first_readings_s,
                "readings": total.readings,
                "spooled": checked.spooled,
                "gaps": total.gaps,
                "gap_causes": {cause.value: number for cause, number in causes.items()},
                "lost": seen.lost,
                "doubled": seen.doubled,
                "complete": complete,
                "deaths": deaths,
                **story.summary(seen, judged),
            }
        )
        # Who ends it by hand before the story does has seen only a part, and only a loss is a failure then.
        return 0 if all(e.held for e in judged if complete or e.id in story.AT_ANY_TIME) else 1

    def _audit(self) -> Audit:
        from collector.history.opening import open_history  # only at the end: it would hold up the first readings
        from roundsman.demo.audit import audit

        history = open_history(self._wishes.history, self._directory / "centre")
        try:
            return audit(sorted(self._directory.glob("spool-*.sqlite")), history)
        finally:
            history.close()

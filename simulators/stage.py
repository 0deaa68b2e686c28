"""The world as the wires see it: walked on to the present whenever someone asks.

The one mutable place of the simulators: it holds the present `World`, swaps it for a later one, applies
what a person commands, and sends replies through the line's faults. Servers ask it; it opens nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import msgspec

from model.timescale import TimeScale
from simulators import check, if_mib, rfc1628, v3, world
from simulators import engine as engines
from simulators.engine import Started
from simulators.faults import HEALTHY, WireFault
from simulators.fluctuation import series
from simulators.objects import View, view
from simulators.scenario import Device, Event, Scenario
from simulators.spoil import ECHO, arriving
from simulators.ups import UpsState
from simulators.v3 import Engine
from simulators.world import World

#: Meters are read anew at most this often (real time): real equipment is slower still.
_REFRESH_MS = 20
#: At high speed a step may be this long in real time, to bound the work.
_STEP_REAL_MS = 30
#: A jump of the wall clock or a suspended machine: catch up in this many steps at the most.
_MOST_STEPS = 2000

Tell = Callable[[dict[str, object]], None]
Send = Callable[[bytes, float], None]  #: what, and when it begins (loop time)


class Stage:
    """`tell` gets what is worth a line on stdout."""

    def __init__(self, scenario: Scenario, scale: TimeScale, real_ms: Callable[[], int], tell: Tell) -> None:
        self.scenario = scenario
        self._scale, self._real_ms, self.tell = scale, real_ms, tell
        self._refreshed_ms = real_ms()
        self._world = world.opening(scenario, scale.story(self._refreshed_ms))
        self._chances = {id: Random(series(scenario.seed, f"line {id}")) for id in scenario.devices}
        v3s = [
            id for id, device in scenario.devices.items() if device.entry.wire == "snmp" and device.entry.snmp == "v3"
        ]
        self.agents = {id: v3.Agent() for id in v3s}
        self._started: dict[str, Started] = {}
        self._slow_until: dict[str, float] = {}
        self._watchers: list[Callable[[World], None]] = []
        self._meters: dict[str, dict[str, float]] = {}
        self._views: dict[str, tuple[World, View]] = {}
        self._ended = False

    # --- the present

    def now(self, *, exactly: bool = False) -> World:
        """The world at the present moment, give or take `_REFRESH_MS` unless `exactly`."""
        real_ms = self._real_ms()
        if exactly or not 0 <= real_ms - self._refreshed_ms < _REFRESH_MS:
            self._refreshed_ms = real_ms
            self._walk_to(self._scale.story(real_ms))
        return self._world

    def _walk_to(self, story_ms: int) -> None:
        ahead = story_ms - self._world.at_ms
        if ahead <= 0:
            return
        step_ms = max(1000, round(_STEP_REAL_MS * self._scale.speed), ahead // _MOST_STEPS)
        before = self._world.happened
        self._become(world.advance(self.scenario, self._world, story_ms, step_ms))
        for event in self.scenario.events[before : self._world.happened]:
            self.tell({"event": "story", **told(event)})
        begun = self._world.begun_ms
        if begun is not None and not self._ended and story_ms - begun >= self.scenario.length_s * 1000:
            self._ended = True
            self.tell({"event": "end", "at": self.scenario.length_s})

    def _become(self, after: World) -> None:
        self._world = after
        self._meters.clear()
        for watcher in self._watchers:
            watcher(after)

    def watch(self, watcher: Callable[[World], None]) -> None:
        """Call `watcher` with every new world."""
        self._watchers.append(watcher)

    def meters(self, device: Device) -> dict[str, float]:
        """What the device measures now."""
        present = self.now()
        if device.id not in self._meters:
            self._meters[device.id] = world.meters(present, device)
        return self._meters[device.id]

    def view(self, device: Device) -> View:
        """What the device's SNMP agent shows now."""
        meters = self.meters(device)
        made_for, before = self._views.get(device.id, (None, None))
        if before and made_for is self._world:
            return before
        state = self._world.states[device.id]
        if isinstance(state, UpsState):
            objects = rfc1628.objects(device, meters, state)
        else:
            objects = if_mib.objects(device, meters)
        if device.id in self.agents:
            objects |= self.agents[device.id].objects(self.engine(device))
        shown = view(objects, before)
        self._views[device.id] = self._world, shown
        return shown

    def engine(self, device: Device) -> Engine:
        """The device's SNMP v3 engine now."""
        present, real_ms = self.now(), self._real_ms()
        last = engines.started(present, device, self._started.get(device.id), real_ms)
        self._started[device.id] = last
        return engines.engine(self.scenario, device, present.engines.get(device.id, 0), last, real_ms)

    def truth(self) -> dict[str, dict[str, float]]:
        """Everything about everyone, whether it answers or not."""
        present = self.now(exactly=True)
        return {id: world.meters(present, device) for id, device in self.scenario.devices.items()}

    # --- what people do

    def begin(self) -> None:
        """Start the story; a second start is the same story, not a new one."""
        if self.now(exactly=True).begun_ms is None:
            self._become(world.begin(self._world))

    def happen(self, event: Event) -> check.Misfit | None:
        """Let `event` happen now, or say why it cannot."""
        misfit = check.misfit(event, self.scenario.sites, self.scenario.devices)
        if misfit is None:
            self._become(world.happen(self.scenario, self.now(exactly=True), event))
        return misfit

    # --- the wires

    def answer(
        self,
        device: Device,
        make: Callable[[WireFault], bytes],
        send: Send,
        *,
        heard: bytes = b"",
        heard_at: float = 0.0,
        begin: float = 0.0,
    ) -> None:
        """Send what `make` gives, as far as the device is alive and its line lets it through.

        `heard` is the request, on the line since `heard_at`; the device begins to answer at `begin` (loop time).
        """
        present = self.now()
        fault = present.wires.get(device.id, HEALTHY)
        if not world.answering(present, device):
            if fault.kind == "echoed":
                send(heard, heard_at)
            return
        chance = self._chances[device.id]
        if fault.part < 1 and chance.random() >= fault.part:
            fault = HEALTHY
        loop = asyncio.get_running_loop()
        begin = max(begin, loop.time())
        if fault.kind == "slow":
            begin = max(begin, self._slow_until.get(device.id, 0.0))
            self._slow_until[device.id] = begin + fault.seconds
        for after_s, data in arriving(make(fault), fault, chance, heard=heard):
            when = heard_at if after_s == ECHO else begin + after_s
            if when <= loop.time():
                send(data, when)
            else:
                loop.call_at(when, send, data, when)

    def echo(self, wire: str, heard: bytes, send: Send) -> None:
        """What no one answers comes back all the same from a line whose every request does."""
        if self.now().wires.get(wire, HEALTHY).kind == "echoed":
            send(heard, 0.0)

    def deaf(self, device: Device) -> bool:
        """Whether the device misses a request that begins too early."""
        fault = self.now().wires.get(device.id, HEALTHY)
        return fault.kind == "deaf" and (fault.part >= 1 or self._chances[device.id].random() < fault.part)

    def refused(self, device: Device, what: str) -> None:
        """Someone tried more than reading."""
        self.tell({"event": "refused", "device": device.id, "request": what})


def told(event: Event) -> dict[str, object]:
    """An event as a JSON line: only what was said."""
    said = msgspec.to_builtins(event)
    return {key: value for key, value in said.items() if value is not None and value != getattr(_BLANK, key)}


_BLANK = Event(at=-1.0)  # no event has this time, so `at` is always told

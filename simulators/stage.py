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
from simulators import check, if_mib, rfc1628, world
from simulators.objects import View, view
from simulators.scenario import Device, Event, Scenario
from simulators.spoil import spoil
from simulators.ups import UpsState
from simulators.world import HEALTHY, World

#: Meters are read anew at most this often (real time): real equipment is slower still.
_REFRESH_MS = 20
#: At high speed a step may be this long in real time, to bound the work.
_STEP_REAL_MS = 30
#: A jump of the wall clock or a suspended machine: catch up in this many steps at the most.
_MOST_STEPS = 2000

Tell = Callable[[dict[str, object]], None]


class Stage:
    """`tell` gets what is worth a line on stdout."""

    def __init__(self, scenario: Scenario, scale: TimeScale, real_ms: Callable[[], int], tell: Tell) -> None:
        self.scenario = scenario
        self._scale, self._real_ms, self._tell = scale, real_ms, tell
        self._refreshed_ms = real_ms()
        self._world = world.opening(scenario, scale.story(self._refreshed_ms))
        self._chance = Random(scenario.seed)
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
            self._tell({"event": "story", **told(event)})
        begun = self._world.begun_ms
        if begun is not None and not self._ended and story_ms - begun >= self.scenario.length_s * 1000:
            self._ended = True
            self._tell({"event": "end", "at": self.scenario.length_s})

    def _become(self, after: World) -> None:
        self._world = after
        self._meters.clear()

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
        shown = view(objects, before)
        self._views[device.id] = self._world, shown
        return shown

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

    def answer(self, device: Device, make: Callable[[], bytes | None], send: Callable[[bytes], None]) -> None:
        """Send what `make` gives, as far as the device is alive and its line lets it through."""
        present = self.now()
        if not world.answering(present, device):
            return
        reply = make()
        fault = present.wires.get(device.id, HEALTHY)
        arriving = spoil(reply, fault.kind, self._chance) if reply else None
        if arriving is None:
            return
        if fault.kind == "late":
            asyncio.get_running_loop().call_later(fault.seconds, send, arriving)
        else:
            send(arriving)

    def refused(self, device: Device, what: str) -> None:
        """Someone tried more than reading."""
        self._tell({"event": "refused", "device": device.id, "request": what})


def told(event: Event) -> dict[str, object]:
    """An event as a JSON line: only what was said."""
    said = msgspec.to_builtins(event)
    return {key: value for key, value in said.items() if value is not None and value != getattr(_BLANK, key)}


_BLANK = Event(at=-1.0)  # no event has this time, so `at` is always told

"""All devices of a scenario on one story line: world, time -> world. Pure.

A `World` is one instant. `advance` walks to a later one in steps, stopping at each event of the story;
`happen` applies one event, whether the story or a person at the keyboard asked for it. Events count from
`begun_ms`; before the story is begun everything runs and nothing happens.
"""

from __future__ import annotations

import msgspec

from model.points import OperStatus, Source
from simulators import switch, ups
from simulators.faults import SECONDS, WireFault
from simulators.fluctuation import series, wander
from simulators.scenario import Device, Event, Scenario, on_wire
from simulators.switch import SwitchMake, SwitchState
from simulators.ups import Surroundings, UpsMake, UpsState

_DAY_S = 86400.0
_MAINS_SWING_V = 2.0
_MAINS_SWING_HZ = 0.03
_AMBIENT_SWING_C = 0.3
_LOAD_SWING = 0.015


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the model knows at one instant, as a value; times are story ms."""

    at_ms: int
    begun_ms: int | None
    happened: int  #: events of the story so far
    dark: frozenset[str]  #: sites without mains
    states: dict[str, UpsState | SwitchState]
    loads: dict[str, float]  #: where an event changed the load, parts of the rated VA
    wires: dict[str, WireFault]  #: by device, and by bus when all of it is meant: where a line is not healthy
    unplugged: frozenset[str] = frozenset()  #: wires (`Device.wire`) whose port is gone
    nodes: dict[str, str] = {}  #: by wire: the name under which its port came back
    engines: dict[str, int] = {}  #: by device: how often its SNMP engine has changed its id


def opening(scenario: Scenario, at_ms: int) -> World:
    """Every device up and well."""
    world = World(at_ms=at_ms, begun_ms=None, happened=0, dark=frozenset(), states={}, loads={}, wires={})
    states: dict[str, UpsState | SwitchState] = {}
    for id, device in scenario.devices.items():
        uptime_s = device.entry.uptime_days * _DAY_S
        if isinstance(device.make, UpsMake):
            states[id] = ups.fresh(device.make, _surroundings(scenario, world, device), uptime_s)
        else:
            states[id] = switch.fresh(device.make, uptime_s, device.entry.start_octets)
    return msgspec.structs.replace(world, states=states)


def begin(world: World) -> World:
    """The story starts now."""
    return msgspec.structs.replace(world, begun_ms=world.at_ms)


def advance(scenario: Scenario, world: World, to_ms: int, step_ms: int = 1000) -> World:
    """The world at `to_ms`, at least as late as it is now; no step is longer than `step_ms`."""
    while True:
        due = _next_event(scenario, world)
        stop = to_ms if due is None else min(to_ms, max(due[0], world.at_ms))
        while world.at_ms < stop:
            world = _step(scenario, world, min(step_ms, stop - world.at_ms))
        if due is None or due[0] > to_ms:
            return world
        world = happen(scenario, world, due[1])
        world = msgspec.structs.replace(world, happened=world.happened + 1)


def _next_event(scenario: Scenario, world: World) -> tuple[int, Event] | None:
    if world.begun_ms is None or world.happened >= len(scenario.events):
        return None
    event = scenario.events[world.happened]
    return world.begun_ms + round(event.at * 1000), event


def happen(scenario: Scenario, world: World, event: Event) -> World:
    """The world just after `event`."""
    replace = msgspec.structs.replace
    if event.mains is not None:
        site = frozenset({event.site or ""})
        return _settle(scenario, replace(world, dark=world.dark - site if event.mains else world.dark | site))
    id = event.device or ""
    if event.wire is not None:
        return _on_the_wire(scenario, world, event)
    if event.load is not None:
        return _settle(scenario, replace(world, loads={**world.loads, id: event.load}))
    return _settle(scenario, replace(world, states={**world.states, id: _struck(world.states[id], event)}))


def _on_the_wire(scenario: Scenario, world: World, event: Event) -> World:
    """The world after something happened to a line, or to all devices of a bus."""
    replace = msgspec.structs.replace
    kind, name = event.wire or "none", event.device or ""
    devices = on_wire(scenario.devices, name)
    seconds = SECONDS.get(kind, 0.0) if event.seconds is None else event.seconds
    if kind == "reboot":
        again = {device.id: _rebooted(device, world.states[device.id], seconds) for device in devices}
        return replace(world, states={**world.states, **again})
    if kind == "engine_id":
        engines = {device.id: world.engines.get(device.id, 0) + 1 if event.on else 0 for device in devices}
        return replace(world, engines={**world.engines, **engines})
    wires = frozenset(device.wire for device in devices)
    if kind == "unplugged" and event.on:
        return replace(world, unplugged=world.unplugged | wires)
    if kind in ("none", "unplugged"):
        nodes = {**world.nodes, **dict.fromkeys(wires, event.node)} if event.node else world.nodes
        world = replace(world, unplugged=world.unplugged - wires, nodes=nodes)
    if kind == "unplugged":
        return world
    hit = dict.fromkeys((name, *(device.id for device in devices)))
    standing = {id: fault for id, fault in world.wires.items() if id not in hit}
    if kind != "none" and event.on:
        fault = WireFault(kind=kind, seconds=seconds, part=event.part, unit=event.unit)
        standing |= dict.fromkeys(hit, fault)
    return replace(world, wires=standing)


def _rebooted(device: Device, state: UpsState | SwitchState, seconds: float) -> UpsState | SwitchState:
    if isinstance(state, UpsState):
        return ups.rebooted(state, seconds)
    assert isinstance(device.make, SwitchMake)
    return switch.rebooted(state, seconds)


def _struck(state: UpsState | SwitchState, event: Event) -> UpsState | SwitchState:
    """The device's state with the event's fault or port change in it."""
    if isinstance(state, UpsState):
        fault = frozenset({event.fault or ""})
        faults = state.faults | fault if event.on else state.faults - fault
        return msgspec.structs.replace(state, faults=faults)
    oper = {None: None, "up": OperStatus.UP, "down": OperStatus.DOWN}[event.link]
    return switch.with_port(state, event.port or 1, oper=oper, error_share=event.errors)


def _settle(scenario: Scenario, world: World) -> World:
    """A step of no length: transfers and flags follow an event at once, as relays do."""
    return _step(scenario, world, 0)


def _step(scenario: Scenario, world: World, dt_ms: int) -> World:
    at = msgspec.structs.replace(world, at_ms=world.at_ms + dt_ms)
    states: dict[str, UpsState | SwitchState] = {}
    for id, device in scenario.devices.items():
        state = world.states[id]
        if isinstance(device.make, UpsMake) and isinstance(state, UpsState):
            states[id] = ups.step(device.make, state, _surroundings(scenario, at, device), dt_ms / 1000)
        elif isinstance(device.make, SwitchMake) and isinstance(state, SwitchState):
            traffic = 1 + 0.3 * scenario.unrest * wander(series(scenario.seed, id), at.at_ms // 1000)
            states[id] = switch.step(
                device.make, state, powered=powered(world, device), traffic=traffic, dt_s=dt_ms / 1000
            )
    return msgspec.structs.replace(at, states=states)


def _surroundings(scenario: Scenario, world: World, device: Device) -> Surroundings:
    second, site, seed, unrest = world.at_ms // 1000, device.site, scenario.seed, scenario.unrest
    lit = site.id not in world.dark
    swing = unrest * wander(series(seed, site.id), second)
    load = world.loads.get(device.id, device.load)
    load *= 1 + _LOAD_SWING * unrest * wander(series(seed, device.id), second)
    assert isinstance(device.make, UpsMake)
    return Surroundings(
        input_v=site.mains_v + _MAINS_SWING_V * swing if lit else 0.0,
        input_hz=device.make.nominal_hz + _MAINS_SWING_HZ * swing if lit else 0.0,
        ambient_c=site.ambient_c + _AMBIENT_SWING_C * swing,
        load_va=load * device.make.rated_va,
    )


def powered(world: World, device: Device) -> bool:
    """Whether what feeds the device gives power."""
    if device.fed_by == "mains":
        return device.site.id not in world.dark
    feeder = world.states.get(device.fed_by)
    return isinstance(feeder, UpsState) and feeder.source != Source.NONE


def answering(world: World, device: Device) -> bool:
    """Whether there is anyone to answer at all: powered, booted, its line standing."""
    state = world.states[device.id]
    if isinstance(state, SwitchState):
        return state.answering
    limit = device.entry.silent_on_battery_s
    dropped = limit is not None and state.source == Source.BATTERY and state.on_battery_s >= limit
    return state.source != Source.NONE and state.uptime_s >= 0 and not dropped


def meters(world: World, device: Device) -> dict[str, float]:
    """The truth about one device: every point it could show, flags included, whether it answers or not."""
    state = world.states[device.id]
    if isinstance(state, UpsState) and isinstance(device.make, UpsMake):
        return ups.meters(device.make, state)
    assert isinstance(state, SwitchState)
    assert isinstance(device.make, SwitchMake)
    return switch.meters(device.make, state)

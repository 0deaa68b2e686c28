"""Faults of a switch: a function each, after the rows of the fault list. See `ups_faults` for how they are told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.simulation.fleet.chance import DAY_MS, Rng, at_ms
from tests.simulation.fleet.story import Story
from tests.simulation.fleet.switch import COPPER, OPTICAL, PORTS, Switch
from tests.simulation.fleet.truth import Truth
from tests.simulation.fleet.ups_events import event
from tests.simulation.fleet.ups_faults import DAY_H, during, ramp, since, truth

Inject = Callable[[Switch, Story, Rng, int], Truth]


def _one(rng: Rng, ports: tuple[str, ...]) -> str:
    return ports[int(rng.integers(len(ports)))]


def psu_volts(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = float(rng.uniform(3, 20)) * 24, since(story, onset)
    story.base["entity.voltage", "1"][:] *= 1 - float(rng.uniform(0.045, 0.08)) * ramp(t, lasts) * (t < lasts + 72)
    end = at_ms(onset + lasts)
    story.states["entity.power.status", "1"] += [(end, 3.0), (end + 3 * DAY_MS, 1.0)]
    return truth("psu.volts", onset, lasts, lasts + 72, lead_h=24)


def psu_share(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = float(rng.uniform(3, 15)) * 24, since(story, onset)
    one, other = story.base["entity.current", "1"], story.base["entity.current", "2"]
    moved = one * (0.85 * ramp(t, lasts) * (t < lasts + 72))
    one[:], other[:] = one - moved, other + moved
    end = at_ms(onset + lasts)
    story.states["entity.power.status", "1"] += [(end, 3.0), (end + 3 * DAY_MS, 1.0)]
    return truth("psu.share", onset, lasts, lasts + 72, lead_h=24)


def psu_flaps(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    hours = np.sort(rng.uniform(onset, onset + 72, int(rng.integers(24, 50))))
    for h in hours:
        story.states["entity.power.status", "2"] += [(at_ms(float(h)), 2.0), (at_ms(float(h)) + 120_000, 1.0)]
    return truth("psu.flaps", onset, 72, 72, lead_h=24)


def fan_tray(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = float(rng.uniform(30, 100)) * 24, since(story, onset)
    left = 1 - float(rng.uniform(0.35, 0.5)) * ramp(t, lasts)
    story.base["entity.fan.speed", "2"][:] *= np.where(
        (t >= lasts) & (t < lasts + 240), 0.0, np.where(t < lasts + 240, left, 1.0)
    )
    return truth("fan.tray", onset, lasts, lasts + 240, lead_h=7 * DAY_H)


def airflow(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = float(rng.uniform(7, 45)) * 24, since(story, onset)
    hot = float(rng.uniform(18, 30)) * ramp(t, lasts) * (t < lasts + 120)
    for index, part in (("2", 0.8), ("3", 1.0)):
        story.base["entity.temperature", index][:] += part * hot
    level = story.base["entity.fan.level", None]
    level[:] = np.clip(level + hot * 1.5, 0, 100)
    for fan in ("1", "2", "3"):
        story.base["entity.fan.speed", fan][:] *= 1 + hot * 0.02
    return truth("heat.airflow", onset, lasts, lasts + 120, lead_h=2 * DAY_H)


def laser(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    port, lasts, t = _one(rng, OPTICAL), float(rng.uniform(60, 200)) * 24, since(story, onset)
    old = (t < lasts + 240).astype(float)
    story.base["optics.bias", port][:] *= 1 + float(rng.uniform(0.8, 1.3)) * ramp(t, lasts) ** 1.5 * old
    story.base["optics.tx_power", port][:] -= 4 * ramp(t - 0.85 * lasts, 0.15 * lasts) * old
    return truth("optic.laser", onset, lasts, lasts + 240, lead_h=21 * DAY_H)


def fibre_step(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    port, lasts = _one(rng, OPTICAL), float(rng.uniform(10, 40)) * 24
    story.base["optics.rx_power", port][:] -= float(rng.uniform(2.6, 7)) * during(since(story, onset), lasts)
    return truth("fibre.step", onset, 2 * DAY_H, lasts)


def fibre_slow(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    port, lasts, t = _one(rng, OPTICAL), float(rng.uniform(30, 120)) * 24, since(story, onset)
    story.base["optics.rx_power", port][:] -= 8 * ramp(t, lasts) * (t < lasts + 120)
    return truth("fibre.slow", onset, lasts, lasts + 120, lead_h=14 * DAY_H)


def crc(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    port, lasts, t = _one(rng, PORTS), float(rng.uniform(5, 25)) * 24, since(story, onset)
    share = 10 ** (-8.5 + 5.5 * ramp(t, lasts)) * ((t >= 0) & (t < lasts + 72))
    switch.rates["ifInErrors", port] += rng.poisson(switch.rates["ifInUcastPkts", port][: story.hours] * share)
    return truth("line.errors", onset, lasts * 4.5 / 5.5, lasts + 72, lead_h=24)


def duplex(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    port, lasts = _one(rng, COPPER), float(rng.uniform(5, 30)) * 24
    share = 10 ** float(rng.uniform(-5.3, -3)) * during(since(story, onset), lasts) * switch.work / 0.6
    switch.rates["ifInErrors", port] += rng.poisson(switch.rates["ifInUcastPkts", port][: story.hours] * share)
    return truth("line.duplex", onset, 2 * DAY_H, lasts)


def flapping(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    port, days = _one(rng, PORTS), float(rng.uniform(2, 6))
    hours = np.sort(rng.uniform(onset, onset + days * 24, int(days * rng.uniform(12, 30))))
    for h in hours:
        story.states["ifOperStatus", port] += [
            (at_ms(float(h)), 2.0),
            (at_ms(float(h)) + int(rng.uniform(20, 90)) * 1000, 1.0),
        ]
    return truth("link.flapping", onset, 24, days * 24)


def congestion(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    port, t = _one(rng, PORTS), since(story, onset)
    lasts = 40 * 24
    busy = switch.work / switch.work.max()
    full = switch.mbit[port] * 1e6 / 8 * 3600
    use = np.clip((0.5 + 0.6 * ramp(t, 20 * 24)) * busy, 0, 0.97)
    on = during(t, lasts) > 0
    octets = switch.rates["ifHCOutOctets", port]
    octets[on] = np.maximum(octets, use * full)[on]
    switch.rates["ifOutUcastPkts", port][on] = octets[on] / 700
    lost = np.where(on & (use > 0.75), 10 ** (-4.2 + 3 * np.clip((use - 0.75) / 0.22, 0, 1)), 0.0)
    switch.rates["ifOutDiscards", port] += rng.poisson(switch.rates["ifOutUcastPkts", port][: story.hours] * lost)
    return truth("congestion", onset, 27 * DAY_H, lasts)


def memory(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = float(rng.uniform(12, 60)) * 24, since(story, onset)
    used = story.base["memory.used", None]
    left = 99 - used[onset]
    used[:] = np.minimum(used + left * ramp(t, lasts) * (t < lasts), 99)
    switch.restarts.append(onset + lasts)
    return truth("memory.leak", onset, lasts * (95 - used[onset]) / left, lasts + 48, lead_h=4 * DAY_H)


def cpu(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(3, 20)) * 24
    load = story.base["cpu.load", None]
    load[:] = np.clip(load + float(rng.uniform(40, 70)) * during(since(story, onset), lasts), 0, 100)
    return truth("cpu.runaway", onset, DAY_H, lasts)


def reboots(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    hours = np.sort(onset + np.cumsum(rng.uniform(8, 90, int(rng.integers(5, 12)))))
    switch.restarts += [float(h) for h in hours]
    return truth("reboots", onset, float(hours[2]) - onset + 24, float(hours[-1]) - onset + 24)


def storage(switch: Switch, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = float(rng.uniform(30, 120)) * 24, since(story, onset)
    used = story.base["storage.used", None]
    used[:] = np.minimum(used + (100 - used[onset]) * ramp(t, lasts) * (t < lasts + 72), 100)
    return truth("storage.full", onset, lasts, lasts + 72, lead_h=7 * DAY_H)


#: kind -> (function, which switches can show it)
FAULTS: dict[str, tuple[Inject, Callable[[Story], bool]]] = {
    "psu.volts": (psu_volts, lambda _: True),
    "psu.share": (psu_share, lambda _: True),
    "psu.flaps": (psu_flaps, lambda _: True),
    "fan.tray": (fan_tray, lambda _: True),
    "heat.airflow": (airflow, lambda _: True),
    "optic.laser": (laser, lambda _: True),
    "fibre.step": (fibre_step, lambda _: True),
    "fibre.slow": (fibre_slow, lambda _: True),
    "line.errors": (crc, lambda _: True),
    "line.duplex": (duplex, lambda _: True),
    "link.flapping": (flapping, lambda _: True),
    "congestion": (congestion, lambda _: True),
    "memory.leak": (memory, lambda _: True),
    "cpu.runaway": (cpu, lambda _: True),
    "reboots": (reboots, lambda _: True),
    "storage.full": (storage, lambda story: ("storage.used", None) in story.base),
}
LONG = {
    "optic.laser": 215,
    "fibre.slow": 130,
    "fan.tray": 115,
    "storage.full": 125,
    "memory.leak": 65,
    "congestion": 45,
    "heat.airflow": 55,
}
BEFORE_D, AFTER_D = 60, 45


def give(switch: Switch, story: Story, rng: Rng, share: float, only: str | None = None) -> None:
    """At most one fault, to this share of the switches; `only`: that kind, to every switch that can show it."""
    can = [kind for kind, (_, able) in FAULTS.items() if able(story) and only in (None, kind)]
    if not can or (only is None and rng.random() >= share):
        return
    kind = str(rng.choice(can))
    last = story.hours - max(LONG.get(kind, 0), AFTER_D) * 24
    if last > BEFORE_D * 24:
        story.truths.append(FAULTS[kind][0](switch, story, rng, int(rng.uniform(BEFORE_D * 24, last))))


def happen(switch: Switch, story: Story, rng: Rng) -> None:
    """What is no fault: the room's failures, a changed optic, a planned restart (see `switch.build`), lost telemetry."""
    for start, lasts, _ in switch.site.hvac:
        if start < story.hours:
            story.truths.append(event("event.hvac", start, lasts + 24))
    for start in switch.restarts:
        if start > 0:
            story.truths.append(event("event.reload", start - 0.05, 2))
    if story.hours < 100 * 24:
        return
    if rng.random() < 0.2:
        port, at = _one(rng, OPTICAL), int(rng.uniform(60 * 24, story.hours))
        story.base["optics.bias", port][at:] *= float(rng.uniform(0.5, 1.8))
        story.base["optics.tx_power", port][at:] += float(rng.uniform(-2, 2))
        story.base["optics.rx_power", port][at:] += float(rng.uniform(-1, 1))
        start = at_ms(at)
        story.states["ifOperStatus", port] += [(start, 2.0), (start + 240_000, 1.0)]
        story.truths.append(event("event.optic_changed", at, 24 * 30))
    if rng.random() < 0.08:
        at, lasts = int(rng.uniform(60 * 24, story.hours - 700)), float(rng.uniform(5, 25)) * 24
        values = story.base["entity.temperature", "2"]
        values[at : at + int(lasts)] = values[at]
        story.truths.append(event("sensor.stuck", at, lasts + 48))
    elif rng.random() < 0.05:
        at = int(rng.uniform(60 * 24, story.hours - 800))
        story.silent.append((at_ms(at), at_ms(at) + 30 * DAY_MS))
        story.gaps += [at_ms(at) + 10_000 * i for i in range(1, 6)]
        story.truths.append(event("sensor.silence", at, 30 * 24 + 48))

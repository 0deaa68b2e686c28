"""One switch: four watched ports (two copper, two optical), its parts, its heat, its memory; healthy, hour by hour.

Counters are kept as rates (an hour's addition) until the faults have bent them; `settle` sums them up from the last restart on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from model.inventory import Device
from model.text import Text
from tests.simulation.fleet.chance import HOUR_MS, START_MS, YEAR_H, Floats, Rng, at_ms, stream, wander
from tests.simulation.fleet.place import Place, hour_of_day, place, season
from tests.simulation.fleet.story import Key, Story, Window
from tests.simulation.fleet.ups import site_of

COPPER, OPTICAL = ("1", "2"), ("25", "26")
PORTS = COPPER + OPTICAL
RATES = ("ifHCInOctets", "ifHCOutOctets", "ifInUcastPkts", "ifOutUcastPkts", "ifInErrors", "ifOutDiscards")


@dataclass(kw_only=True)
class Switch:
    """`rates` hold what each counter adds in an hour; `restarts` the hours at which it came up anew."""

    number: int
    site: Place
    work: Floats
    rates: dict[Key, Floats] = field(default_factory=dict)
    restarts: list[float] = field(default_factory=list)
    mbit: dict[str, float] = field(default_factory=dict)


def build(seed: int, number: int, hours: int) -> tuple[Switch, Story]:
    rng = stream(seed, "switch", number)
    place_number = number // 10
    site = place(seed, place_number, hours)
    hour, day = hour_of_day(hours), (np.arange(hours) // 24) % 7
    work = 0.15 + np.clip(np.sin(np.pi * (hour - 7) / 13), 0, 1) * np.where(day >= 5, 0.3, 1.0) + 0.03 * season(hours)
    switch = Switch(number=number, site=site, work=np.clip(work, 0.03, None))
    where = site_of(place_number * 10, site)
    id = f"{where.id}/sw{number % 10:02d}"
    story = Story(number=number, device=id, site=where, hours=hours, phase_s=int(rng.integers(0, 3000)), make="switch")
    known = Device(
        id=id, name=Text(f"switch {number}", f"交换机 {number}"), kind="switch", model="sim-24", serial=f"S{number:06d}"
    )
    story.versions.append((START_MS, known))
    _parts(switch, story, rng)
    _ports(switch, story, rng)
    switch.restarts.append(-float(rng.uniform(24, 5000)))
    for night in np.arange(rng.uniform(200, YEAR_H), hours, YEAR_H * float(rng.uniform(0.5, 1.5))):
        switch.restarts.append(float(night - night % 24 + 18.2 + rng.random()))
    return switch, story


def _parts(switch: Switch, story: Story, rng: Rng) -> None:
    n, base = story.hours, story.base
    inlet = switch.site.room_c[:n] + float(rng.uniform(0, 3))
    busy = switch.work[:n]
    for index, above, per in (("1", 0.0, 0.0), ("2", 14.0, 4.0), ("3", 22.0, 6.0)):
        above = above * float(rng.uniform(0.8, 1.2))
        base["entity.temperature", index] = inlet + above + per * busy + rng.normal(0, 0.3, n)
    level = np.clip(35 + 1.2 * (inlet - 23) + rng.normal(0, 0.4, n), 25, 100)
    base["entity.fan.level", None] = level
    for fan in ("1", "2", "3"):
        base["entity.fan.speed", fan] = 110 * level * float(rng.uniform(0.97, 1.03)) * (1 + rng.normal(0, 0.008, n))
    lean = float(rng.normal(0.5, 0.03))
    amps = 3.0 + 1.2 * busy + wander(rng, n, 0.05, 5)
    for psu, share in (("1", lean), ("2", 1 - lean)):
        base["entity.voltage", psu] = 12.0 * float(rng.normal(1, 0.006)) + rng.normal(0, 0.015, n)
        base["entity.current", psu] = amps * share * (1 + rng.normal(0, 0.01, n))
        story.states["entity.power.status", psu] = [(START_MS, 1.0)]
    base["cpu.load", None] = np.clip(float(rng.uniform(6, 25)) * (0.8 + 0.5 * busy) + rng.normal(0, 1.5, n), 1, 100)
    used = float(rng.uniform(38, 62)) + 1.5 * busy + wander(rng, n, 0.4, 100)
    base["memory.used", None] = used
    if rng.random() < 0.4:
        growth = float(rng.uniform(0, 3)) * np.arange(n) / YEAR_H
        base["storage.used", None] = np.clip(float(rng.uniform(20, 60)) + growth + rng.normal(0, 0.05, n), 0, 100)


def _ports(switch: Switch, story: Story, rng: Rng) -> None:
    n = story.hours
    busy = switch.work[:n]
    for port in PORTS:
        optical = port in OPTICAL
        mbit = 10_000.0 if optical else 1000.0
        switch.mbit[port] = mbit
        for point in ("ifOperStatus", "ifAdminStatus"):
            story.states[point, port] = [(START_MS, 1.0)]
        story.states["ifHighSpeed", port] = [(START_MS, mbit)]
        use = float(rng.uniform(0.02, 0.3)) * busy * np.exp(rng.normal(0, 0.15, n))
        for way in ("In", "Out"):
            octets = np.clip(use * float(rng.uniform(0.4, 1.0)), 0, 0.9) * mbit * 1e6 / 8 * 3600
            switch.rates[f"ifHC{way}Octets", port] = octets
            switch.rates[f"if{way}UcastPkts", port] = octets / 700
        clean = 10 ** float(rng.uniform(-12.5, -10.0))
        switch.rates["ifInErrors", port] = rng.poisson(switch.rates["ifInUcastPkts", port] * clean).astype(np.float64)
        switch.rates["ifOutDiscards", port] = rng.poisson(0.02, n).astype(np.float64)
        if optical:
            _optic(story, port, switch.site.room_c[:n] + float(rng.uniform(12, 20)), rng)


def _optic(story: Story, port: str, warm: Floats, rng: Rng) -> None:
    n = story.hours
    slope, bias = float(rng.uniform(0.006, 0.014)), float(rng.uniform(0.006, 0.035))
    story.base["optics.temperature", port] = warm + rng.normal(0, 0.3, n)
    story.base["optics.bias", port] = bias * (1 + slope * (warm - 40)) * (1 + rng.normal(0, 0.004, n))
    story.base["optics.tx_power", port] = float(rng.uniform(-3, 0)) + rng.normal(0, 0.04, n)
    far = wander(rng, n, 0.06, 200) - 0.006 * (warm - 40)
    story.base["optics.rx_power", port] = float(rng.uniform(-9, -3)) + far + rng.normal(0, 0.05, n)


def settle(switch: Switch, story: Story, rng: Rng) -> None:
    """Sum the rates up, let each restart begin at nothing, and be quiet for two minutes while it starts."""
    n = story.hours
    at = np.arange(n) + story.phase_s / 3600
    starts = np.array(sorted(switch.restarts))
    last = starts[np.searchsorted(starts, at, side="right") - 1]
    uptime = (at - last) * 3600
    story.base["sysUpTime", None] = uptime
    fresh = np.flatnonzero(np.diff(last, prepend=last[0]) > 0)
    for key, rate in switch.rates.items():
        total = np.cumsum(np.maximum(rate[:n], 0.0)) + float(rng.integers(0, 10**9))
        for first in fresh:
            total[first:] -= total[first] - rate[first] * uptime[first] / 3600
        story.base[key] = np.floor(total)
    for start in starts[(starts > 0) & (starts < n - 1)]:
        begun = at_ms(float(start))
        story.silent.append((begun - 130_000, begun - 1))
        story.gaps += [begun - 120_000 + 10_000 * i for i in range(12)]


STEPS = {
    "entity.temperature": 1.0, "entity.fan.level": 1.0, "entity.fan.speed": 10.0, "entity.voltage": 0.01, "entity.current": 0.01, "cpu.load": 1.0,
    "memory.used": 1.0, "storage.used": 1.0, "optics.temperature": 0.1, "optics.bias": 0.000002, "optics.tx_power": 0.01, "optics.rx_power": 0.01,
}  # fmt: skip


def quantise(story: Story) -> None:
    for (point, _), values in story.base.items():
        step = STEPS.get(point)
        if step:
            values[:] = np.round(values / step) * step


def window(story: Story, start_h: float, hours: float, series: dict[Key, tuple[Floats, Floats]]) -> None:
    """Full rate for some hours; times in seconds from the start."""
    begun = at_ms(start_h)
    made = {key: (begun + np.round(t * 1000).astype(np.int64), v) for key, (t, v) in series.items()}
    story.windows.append(Window(start=begun, end=begun + round(hours * HOUR_MS), series=made))

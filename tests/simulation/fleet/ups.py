"""One UPS and its battery: what it is, and its life from the first hour to the last.

The lives of its batteries come first (truth), then hourly series, then faults that bend them (`ups_faults`), then every discharge at
full rate (`discharges`). Nobody acts on findings: a failed battery is exchanged weeks or months later, whatever was announced, so that
one device's story never depends on the detectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from model.inventory import Battery, Device, Site
from model.text import Text
from tests.simulation.fleet import battery, gauge
from tests.simulation.fleet.battery import Cells
from tests.simulation.fleet.chance import (
    HOUR_MS,
    START_MS,
    YEAR_H,
    Floats,
    Rng,
    at_ms,
    stream,
    wander,
)
from tests.simulation.fleet.gauge import Gauge
from tests.simulation.fleet.place import PER_SITE, Place, hour_of_day, place, season
from tests.simulation.fleet.story import Story
from tests.simulation.fleet.truth import Life

#: Hours that the truth is worked out beyond the story, to know of failures to come.
BEYOND_H = YEAR_H + YEAR_H // 2
#: (VA, blocks in series, Ah of a block, strings, phases, how common)
MAKES = (
    (1000, 3, 7.0, 1, 1, 0.18),
    (3000, 6, 9.0, 1, 1, 0.27),
    (6000, 16, 7.0, 1, 1, 0.20),
    (10000, 16, 9.0, 1, 1, 0.15),
    (20000, 20, 18.0, 1, 1, 0.10),
    (40000, 32, 38.0, 1, 3, 0.06),
    (120000, 40, 100.0, 1, 3, 0.04),
)


@dataclass(kw_only=True)
class Ups:
    """A UPS as built. `cells[n]`, `health[n]`, `ohms[n]` (an item an hour) belong to its n-th battery, in it from hour `since[n]` on."""

    number: int
    site: Place
    va: float
    blocks: int
    block_ah: float
    phases: int
    pf: float
    inverter: float
    gauge: Gauge
    inside_c: float
    float_cell: float
    compensated: bool
    promise: tuple[float, float] | None
    load: Floats
    battery_c: Floats
    cells: list[Cells]
    since: list[int]
    health: list[Floats]
    ohms: list[Floats]
    tells: frozenset[str]
    tests: bool = True  #: it tests itself every fortnight
    shorted: tuple[int, int, int] | None = None  #: (from hour, to hour, cells)
    opening: tuple[int, int, float] | None = None  #: (from hour, to hour, ohms in the end)
    uncharged: tuple[int, int] | None = None
    frozen: tuple[int, int] | None = None
    no_generator: tuple[float, float] | None = None
    more: list[Any] = field(default_factory=list)  #: discharges that a fault brings

    @property
    def n_cells(self) -> int:
        return self.blocks * 6

    def watts(self, load: float) -> float:
        return load / 100 * self.va * self.pf / self.inverter

    def place_of(self, hour: float) -> int:
        """Which battery is in it at this hour."""
        return int(np.searchsorted(self.since, hour, side="right")) - 1

    def now(self, hour: float, charge: float = 1.0) -> battery.Now:
        n, h = self.place_of(hour), min(int(hour), len(self.load) - 1)
        short, open_ = self.shorted, self.opening
        return battery.Now(
            health=float(self.health[n][h]),
            ohms=float(self.ohms[n][h]),
            celsius=float(self.battery_c[h]),
            charge=charge,
            float_v=self.float_cell,
            shorted=short[2] if short and short[0] <= hour < short[1] else 0,
            open_ohm=open_[2] * min((hour - open_[0]) / 240, 1.0) if open_ and open_[0] <= hour < open_[1] else 0.0,
        )


def load_shape(rng: Rng, hours: int) -> Floats:
    """% of the rating: office or round the clock, growth, steps as equipment comes and goes, noise."""
    office = rng.random() < 0.4
    base = float(rng.uniform(15, 58))
    hour, day = hour_of_day(hours), (np.arange(hours) // 24) % 7
    work = np.clip(np.sin(np.pi * (hour - 7) / 12), 0, 1) * np.where(day >= 5, 0.25, 1.0)
    swing = rng.uniform(0.1, 0.35) if office else rng.uniform(0.0, 0.08)
    shape = base * (1 + swing * work + 0.02 * season(hours))
    shape = shape * (1 + float(rng.normal(0.01, 0.02)) * np.arange(hours) / YEAR_H)
    for start in np.sort(rng.uniform(0, hours, rng.poisson(0.4 * hours / YEAR_H))):
        shape = shape * np.where(np.arange(hours) > start, float(rng.uniform(0.92, 1.08)), 1.0)
    return np.asarray(np.clip(shape * (1 + wander(rng, hours, 0.02, 3)), 3, 95))


def device_id(number: int) -> str:
    return f"s{number // PER_SITE:04d}/ups{number % PER_SITE:02d}"


def site_of(number: int, site: Place) -> Site:
    """The site as the inventory has it."""
    id = f"s{number // PER_SITE:04d}"
    return Site(id=id, customer=f"c{id[1:]}", name=Text(id, id), generator_s=30.0 if site.generator else None)


def build(seed: int, number: int, hours: int) -> tuple[Ups, Story]:
    """The UPS and a story that has its base series and its batteries' lives, but no faults and no discharges yet."""
    rng = stream(seed, "ups", number)
    site = place(seed, number // PER_SITE, hours + BEYOND_H)
    make = MAKES[int(rng.choice(len(MAKES), p=[m[5] for m in MAKES]))]
    va, blocks, ah, strings, phases, _ = make
    pf, inverter = float(rng.uniform(0.82, 0.98)), float(rng.uniform(0.88, 0.94))
    first = battery.build(rng, blocks * 6, ah * strings)
    typical = battery.build(stream(0, "typical", blocks, ah), blocks * 6, ah * strings)
    its_gauge = gauge.build(
        rng, typical, va * pf / inverter / 100, 0.1 if blocks <= 6 else float(rng.choice([0.1, 0.5, 1.0]))
    )
    load = load_shape(rng, hours + BEYOND_H)
    inside = float(rng.uniform(2, 7))
    warm = site.room_c + inside * (0.7 + 0.6 * load / 100)
    smart = its_gauge.style != "none"
    tells = {
        name
        for name, p in (
            ("warm", 0.7),
            ("room", 0.45),
            ("amps", 0.4),
            ("fans", 0.35),
            ("modules", 0.0 if va < 20000 else 0.5),
        )
        if rng.random() < p and smart
    }
    at_load = float(rng.choice([50.0, 100.0]))
    promise = (its_gauge.new_runtime(at_load) * float(rng.normal(1, 0.04)), at_load) if rng.random() < 0.7 else None
    ups = Ups(
        number=number, site=site, va=va, blocks=blocks, block_ah=ah, phases=phases, pf=pf, inverter=inverter, gauge=its_gauge, inside_c=inside,
        float_cell=float(rng.normal(2.27, 0.008)), compensated=bool(rng.random() < 0.6), promise=promise, load=load,
        battery_c=warm, cells=[], since=[], health=[], ohms=[], tells=frozenset(tells), tests=bool(rng.random() < 0.92),
    )  # fmt: skip
    story = Story(
        number=number,
        device=device_id(number),
        site=site_of(number, site),
        hours=hours,
        phase_s=int(rng.integers(0, 3000)),
        make=its_gauge.style,
    )
    _lives(ups, story, first, rng)
    _base(ups, story, rng)
    return ups, story


def _lives(ups: Ups, story: Story, first: Cells, rng: Rng) -> None:
    """The batteries one after the other: each ages until somebody exchanges it, weeks to months after its failure."""
    hours = len(ups.load)
    runtime = ups.gauge.new_runtime(float(np.median(ups.load)))
    depths = [(start, min(length * 3600 / runtime, 1.0)) for start, length in ups.site.outages]
    pace = float(np.mean(battery.heat(first, ups.battery_c)))
    age_h = float(rng.uniform(0, 0.93)) * first.life_h / pace
    start, cells = 0, first
    while True:
        health, ohms = battery.ageing(
            cells, ups.battery_c[start:], age_h, [(h - start, d) for h, d in depths if h >= start]
        )
        below = np.flatnonzero(health < battery.END)
        failed = start + int(below[0]) if len(below) else None
        until = hours if failed is None else failed + int(rng.uniform(45, 240) * 24)
        ups.cells.append(cells)
        ups.since.append(start)
        pad = np.full(start, 1.0)
        ups.health.append(np.concatenate([pad, health]))
        ups.ohms.append(np.concatenate([pad, ohms]))
        told = bool(rng.random() < 0.85) or not story.lives
        story.lives.append(
            Life(
                since=at_ms(start),
                until=at_ms(min(until, hours)),
                failed=None if failed is None else at_ms(failed),
                told=told,
            )
        )
        if told:
            story.versions.append((at_ms(start), _device(ups, at_ms(start) - round(age_h) * HOUR_MS)))
        if until >= story.hours:
            return
        start, age_h = until, float(rng.uniform(0, 1000))
        cells = battery.build(rng, cells.cells, cells.ah)


def _device(ups: Ups, installed_ms: int) -> Device:
    installed = datetime.fromtimestamp(installed_ms / 1000, UTC).date().isoformat()
    return Device(
        id=device_id(ups.number),
        name=Text(f"UPS {ups.number}", f"UPS {ups.number}"),
        model=f"sim-{ups.va}",
        serial=f"U{ups.number:06d}",
        rated_va=float(ups.va),
        battery=Battery(
            blocks=ups.blocks,
            block_ah=ups.block_ah,
            installed=installed,
            runtime_s=ups.promise[0] if ups.promise else None,
            runtime_load=ups.promise[1] if ups.promise else 100.0,
        ),
        fed_by="mains",
    )


def _base(ups: Ups, story: Story, rng: Rng) -> None:
    """The hourly series of a UPS on mains with a full battery."""
    n = story.hours
    load, room, warm = ups.load[:n], ups.site.room_c[:n], ups.battery_c[:n]
    volts = ups.float_cell - (0.003 * (warm - 25) if ups.compensated else 0.0)
    base = story.base
    base["battery.voltage", None] = volts * ups.n_cells * (1 + rng.normal(0, 0.0008, n))
    phases = [str(i + 1) for i in range(ups.phases)]
    for phase in phases:
        base["ups.load", phase] = load * float(rng.uniform(0.9, 1.1) if ups.phases > 1 else 1.0)
        base["input.voltage", phase] = ups.site.mains_v[:n] + float(rng.normal(0, 1.5)) + rng.normal(0, 0.4, n)
        base["output.voltage", phase] = np.full(n, 230.0) + rng.normal(0, 0.25, n)
    base["input.frequency", "1"] = 50 + wander(rng, n, 0.015, 2)
    base["ups.temperature", None] = room + ups.inside_c + 9 * load / 100 + rng.normal(0, 0.3, n)
    if ups.gauge.style != "none":
        base["battery.charge", None] = np.full(n, 100.0)
        table = ups.gauge.new_s * ups.gauge.bias * ups.gauge.belief
        own = np.exp(np.interp(np.log(load), np.log(gauge.LOADS), np.log(table)))
        base["battery.runtime", None] = np.minimum(own, 86_400.0)
    if "warm" in ups.tells:
        base["battery.temperature", None] = warm + rng.normal(0, 0.2, n)
    if "room" in ups.tells:
        base["ambient.temperature", None] = room + rng.normal(0, 0.2, n)
    if "amps" in ups.tells:
        rate = 0.001 * np.exp(0.069 * (warm - 25)) * ups.block_ah
        base["battery.current", None] = rate * float(rng.uniform(0.6, 1.6)) * (1 + rng.normal(0, 0.08, n))
    if "fans" in ups.tells:
        for fan in ("1", "2"):
            speed = float(rng.uniform(2200, 3200)) * (0.75 + 0.35 * load / 100 + 0.008 * (room - 23))
            base["entity.fan.speed", fan] = speed * (1 + rng.normal(0, 0.006, n))
    if "modules" in ups.tells:
        for one in ("1", "2", "3", "4"):
            amps = load / 100 * ups.va / 54 / 4 * float(rng.uniform(0.96, 1.04))
            base["rectifier.current", one] = amps * (1 + rng.normal(0, 0.01, n))
    states = story.states
    states["ups.source", None] = [(START_MS, 3.0)]
    for flag in ("on_battery", "test_in_progress", "replace_battery", "battery_low", "charger_failed", "fan_failure"):
        states[f"alarm.{flag}", None] = [(START_MS, 0.0)]
    states["ups.test.result", None] = [(START_MS, 6.0)]
    states["battery.runtime.low", None] = [(START_MS, 120.0)]
    if ups.gauge.style != "none":
        states["input.line_bads", None] = [(START_MS, float(rng.integers(0, 50)))]


STEPS = {
    "battery.charge": 1.0, "battery.runtime": 60.0, "ups.load": 1.0, "input.voltage": 0.1, "output.voltage": 0.1,
    "input.frequency": 0.01, "ups.temperature": 0.5, "battery.temperature": 0.5, "ambient.temperature": 0.1, "battery.current": 0.01, "entity.fan.speed": 10.0, "rectifier.current": 0.1,
}  # fmt: skip


def quantise(ups: Ups, story: Story, first: int = 0) -> None:
    """Every gauge counts in steps, as its maker built it. `first`: the windows from this one on, and nothing else."""
    steps = {**STEPS, "battery.voltage": ups.gauge.v_step}
    for (point, _), values in story.base.items() if not first else ():
        step = steps.get(point)
        if step:
            values[:] = np.round(values / step) * step
    for window in story.windows[first:]:
        for (point, index), (at, values) in list(window.series.items()):
            step = steps.get(point)
            if step:
                window.series[point, index] = (at, np.round(values / step) * step)

"""Faults of a UPS, its battery's jars, its feed and its cooling: a function each, after the rows of the fault list.

A function bends the hourly series, the states and the battery of one UPS from `onset` (hour) on, and says what is so. Sizes are drawn from
what the list calls the pattern, lead times are the list's. A kind is only given to a UPS that has the points by which the list knows it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.simulation.fleet.chance import DAY_MS, HOUR_MS, Floats, Rng, at_ms
from tests.simulation.fleet.discharges import Event
from tests.simulation.fleet.story import Story, Window
from tests.simulation.fleet.truth import Truth
from tests.simulation.fleet.ups import Ups

Inject = Callable[[Ups, Story, Rng, int], Truth]
DAY_H = 24.0


def since(story: Story, onset: int) -> Floats:
    """Hours since the onset, below 0 before it."""
    return np.arange(story.hours) - float(onset)


def ramp(t: Floats, hours: float) -> Floats:
    return np.clip(t / hours, 0.0, 1.0)


def during(t: Floats, hours: float) -> Floats:
    return np.where((t >= 0) & (t < hours), 1.0, 0.0)


def truth(kind: str, onset: float, deadline: float, lasts: float, lead_h: float = 0.0, visible: float = 0.0) -> Truth:
    """Hours from the onset: `deadline` the outage (or the time by which it should be known), `lasts` until it is repaired."""
    start = at_ms(onset)
    return Truth(
        kind=kind, onset=start, visible=start + round(visible * HOUR_MS), outage=start + round(deadline * HOUR_MS),
        until=start + round(lasts * HOUR_MS), lead_ms=round(lead_h * HOUR_MS),
    )  # fmt: skip


def cell_short(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    ups.shorted = (onset, onset + 60 * 24, 1)
    return truth("battery.cell_short", onset, 29 * DAY_H, 60 * DAY_H)


def cell_open(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    amps = ups.watts(float(ups.load[onset])) / (2.0 * ups.n_cells)
    ups.opening = (onset, onset + 60 * 24, float(rng.uniform(0.10, 0.25)) * 2.0 * ups.n_cells / amps)
    return truth("battery.cell_open", onset, 29 * DAY_H, 60 * DAY_H)


def runaway(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(10, 48))
    warm = story.base["battery.temperature", None]
    t = np.arange(0, (lasts + 6) * 3600, 300.0)
    rise = np.minimum(2.0 * (np.exp(3.0 * t / 3600 / lasts) - 1), 45.0)
    at = at_ms(onset) + (t * 1000).astype(np.int64)
    values = np.interp(onset + t / 3600, np.arange(story.hours), warm) + rise
    series = {("battery.temperature", None): (at, np.minimum(values, 110.0))}
    if ("battery.current", None) in story.base:
        amps = np.interp(onset + t / 3600, np.arange(story.hours), story.base["battery.current", None])
        series["battery.current", None] = (at, amps * (1 + rise / 4))
    story.windows.append(Window(start=int(at[0]), end=int(at[-1]), series=series))
    hot = float(t[np.argmax(values > 60)] / 3600) if (values > 60).any() else lasts
    after = since(story, onset + int(lasts) + 6)
    warm += np.where(after >= 0, 20 * np.exp(-np.clip(after, 0, None) / 5), 0.0)
    return truth("battery.runaway", onset, max(hot, lasts * 0.6), lasts + 30, lead_h=2.0)


def charger_dead(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = 30 * 24, since(story, onset)
    volts = story.base["battery.voltage", None]
    rest = 2.14 * ups.n_cells
    fall = 1 - np.exp(-np.clip(t, 0, None) / float(rng.uniform(10, 40)))
    gone = during(t, lasts)
    volts[:] = volts + gone * ((rest - volts) * fall - 0.00008 * ups.n_cells * np.clip(t, 0, None))
    ups.uncharged = (onset, onset + lasts)
    if ("battery.current", None) in story.base:
        story.base["battery.current", None][:] *= 1 - gone
    if rng.random() < 0.4:
        story.states["alarm.charger_failed", None] += [(at_ms(onset), 1.0), (at_ms(onset + lasts), 0.0)]
    return truth("charger.dead", onset, 7 * DAY_H, lasts)


def charger_high(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    gone = during(since(story, onset), 45 * 24)
    story.base["battery.voltage", None][:] *= 1 + gone * float(rng.uniform(0.04, 0.065))
    return truth("charger.high", onset, 7 * DAY_H, 45 * DAY_H)


def fan(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = float(rng.uniform(60, 150)) * 24, since(story, onset)
    worn = 0.38 * ramp(t, lasts) ** 1.3 * (t < lasts + 14 * 24)
    stopped = (t >= lasts) & (t < lasts + 14 * 24)
    story.base["entity.fan.speed", "1"][:] *= np.where(stopped, 0.0, 1 - worn)
    story.base["ups.temperature", None][:] += 9 * worn + np.where(stopped, 12.0, 0.0)
    stop = at_ms(onset + lasts)
    story.states["alarm.fan_failure", None] += [(stop, 1.0), (stop + 14 * DAY_MS, 0.0)]
    return truth("cooling.fan", onset, lasts, lasts + 14 * 24, lead_h=14 * DAY_H)


def dust(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = float(rng.uniform(20, 70)) * 24, since(story, onset)
    story.base["ups.temperature", None][:] += float(rng.uniform(9, 14)) * ramp(t, lasts) * (t < lasts + 10 * 24)
    return truth("cooling.filter", onset, lasts, lasts + 10 * 24, lead_h=3 * DAY_H)


def trip(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    """The air conditioning of the room stops on a hot day: 60 °C in the UPS within hours."""
    lasts = float(rng.uniform(1.5, 6))
    t = np.arange(0, (lasts + 3) * 3600, 60.0)
    base = story.base["ups.temperature", None][onset]
    up = (61 - base) * np.minimum(t / 3600 / lasts, 1.0) ** 0.8 * np.exp(-np.clip(t / 3600 - lasts - 1, 0, None) / 0.7)
    at = at_ms(onset) + (t * 1000).astype(np.int64)
    series = {("ups.temperature", None): (at, base + up + rng.normal(0, 0.2, len(t)))}
    if ("ambient.temperature", None) in story.base:
        series["ambient.temperature", None] = (at, story.base["ambient.temperature", None][onset] + 0.8 * up)
    if ("battery.temperature", None) in story.base:
        series["battery.temperature", None] = (at, story.base["battery.temperature", None][onset] + 0.45 * up)
    story.windows.append(Window(start=int(at[0]), end=int(at[-1]), series=series))
    return truth("cooling.room", onset, lasts, lasts + 12, lead_h=1 / 6)


def growth(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(10, 26)) * 168
    top = float(np.percentile(ups.load[max(onset - 500, 0) : onset + 1], 99))
    t = np.arange(len(ups.load)) - float(onset)
    factor = 1 + (104 / top - 1) * ramp(t, lasts)
    factor = np.where(t > lasts + 14 * 24, 0.9, factor)
    ups.load[:] *= factor
    for key in [key for key in story.base if key[0] == "ups.load"]:
        story.base[key][:] *= factor[: story.hours]
    return truth("load.growth", onset, lasts * (100 / top - 1) / (104 / top - 1), lasts + 14 * 24, lead_h=14 * DAY_H)


def transfers(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(15, 40)) * 24
    n = rng.poisson(lasts / 24 * float(rng.uniform(1.2, 3.0)))
    ups.more += [
        Event(hour=float(h), seconds=float(rng.uniform(2, 9)), what="dip") for h in rng.uniform(onset, onset + lasts, n)
    ]
    return truth("mains.transfers", onset, 8 * DAY_H, lasts + 7 * 24)


def sag(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(2, 20)) * 24
    low = 1 - during(since(story, onset), lasts) * float(rng.uniform(0.125, 0.17))
    for key in [key for key in story.base if key[0] == "input.voltage"]:
        story.base[key][:] *= low
    return truth("mains.sag", onset, 24, lasts)


def frequency(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(8, 72))
    off = float(rng.choice([-1, 1]) * rng.uniform(0.7, 1.4))
    story.base["input.frequency", "1"][:] += off * during(since(story, onset), lasts)
    return truth("mains.frequency", onset, 8, lasts)


def neutral(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts, t = 20 * 24, since(story, onset)
    lean = during(t, lasts) * np.clip(rng.normal(0.075, 0.02, story.hours), 0.045, 0.12)
    story.base["input.voltage", "1"][:] *= 1 + lean
    story.base["input.voltage", "2"][:] *= 1 - lean
    return truth("feed.neutral", onset, 3 * DAY_H, lasts)


def contact(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    t = since(story, onset)
    worst = float(rng.uniform(0.08, 0.14))
    story.base["input.voltage", "1"][:] *= (
        1 - worst * ramp(t, 30 * 24) * (t < 90 * 24) * story.base["ups.load", "1"] / 100
    )
    return truth("feed.contact", onset, 60 * DAY_H, 90 * DAY_H)


def bypass(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(6, 96))
    story.states["ups.source", None] += [(at_ms(onset), 4.0), (at_ms(onset + lasts), 3.0)]
    return truth("bypass.stuck", onset, 1.0, lasts)


def boost(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(3, 9)) * 24
    story.states["ups.source", None] += [(at_ms(onset), 6.0), (at_ms(onset + lasts), 3.0)]
    for key in [key for key in story.base if key[0] == "input.voltage"]:
        story.base[key][:] *= 1 - during(since(story, onset), lasts) * 0.085
    return truth("boost.stuck", onset, 36, lasts)


def avr(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = 150 * 24
    hours = np.arange(story.hours)
    rate = 0.4 / 24 + 10 / 24 * ramp(hours - float(onset), lasts) ** 2 * (hours < onset + lasts + 24 * 10)
    for h in np.flatnonzero(rng.random(story.hours) < rate):
        start = at_ms(float(h)) + 600_000
        story.states["ups.source", None] += [(start, 6.0), (start + 180_000, 3.0)]
    return truth("avr.wear", onset, lasts, lasts + 240, lead_h=30 * DAY_H)


def inverter(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    off = float(rng.choice([-1, 1]) * rng.uniform(0.065, 0.12))
    gone = ramp(since(story, onset), 5) * during(since(story, onset), 7 * 24)
    for key in [key for key in story.base if key[0] == "output.voltage"]:
        story.base[key][:] *= 1 + off * gone
    return truth("inverter.volts", onset, DAY_H, 7 * DAY_H)


def capacitor(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    """Nothing tells its ripple: the output sags a little with the load, it runs warmer, and near the end steps of load throw it to bypass."""
    lasts, t = 200 * 24, since(story, onset)
    worn = ramp(t, lasts) * (t < lasts + 240)
    for key in [key for key in story.base if key[0] == "output.voltage"]:
        story.base[key][:] -= worn * (0.05 * (story.base["ups.load", "1"] - 20) + rng.normal(0, 0.9, story.hours))
    story.base["ups.temperature", None][:] += 4 * worn
    for h in np.sort(rng.uniform(onset + lasts * 0.75, onset + lasts, 9)):
        story.states["ups.source", None] += [(at_ms(float(h)), 4.0), (at_ms(float(h)) + 45_000, 3.0)]
    return truth("capacitor", onset, lasts, lasts + 240, lead_h=30 * DAY_H)


def generator(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    ups.no_generator = (onset - 200.0, onset + 200.0)
    ups.more.append(Event(hour=float(onset), seconds=float(rng.uniform(240, 900)), what="outage"))
    return truth("generator.absent", onset, 0.35, 3)


def frozen(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    lasts = float(rng.uniform(3, 12)) * 24
    ups.frozen = (onset, onset + int(lasts))
    return truth("card.frozen", onset, 2 * DAY_H, lasts)


def module(ups: Ups, story: Story, rng: Rng, onset: int) -> Truth:
    gone = during(since(story, onset), 20 * 24)
    n = sum(key[0] == "rectifier.current" for key in story.base)
    for key in [key for key in story.base if key[0] == "rectifier.current"]:
        story.base[key][:] *= 1 - gone if key[1] == "1" else 1 + gone / (n - 1)
    return truth("rectifier.module", onset, DAY_H, 20 * DAY_H)


def _any(ups: Ups) -> bool:
    return True


def _tells(name: str) -> Callable[[Ups], bool]:
    return lambda ups: name in ups.tells


#: kind -> (function, which UPSs can show it)
FAULTS: dict[str, tuple[Inject, Callable[[Ups], bool]]] = {
    "battery.cell_short": (cell_short, lambda ups: ups.tests),
    "battery.cell_open": (cell_open, lambda ups: ups.tests),
    "battery.runaway": (runaway, _tells("warm")),
    "charger.dead": (charger_dead, _any),
    "charger.high": (charger_high, _any),
    "cooling.fan": (fan, _tells("fans")),
    "cooling.filter": (dust, lambda ups: bool({"room", "warm"} & ups.tells)),
    "cooling.room": (trip, _any),
    "load.growth": (growth, _any),
    "mains.transfers": (transfers, _any),
    "mains.sag": (sag, _any),
    "mains.frequency": (frequency, _any),
    "feed.neutral": (neutral, lambda ups: ups.phases == 3),
    "feed.contact": (contact, lambda ups: float(np.std(ups.load)) > 3.0 and ups.phases == 1),
    "bypass.stuck": (bypass, lambda ups: ups.va > 3000),
    "boost.stuck": (boost, lambda ups: ups.va <= 3000),
    "avr.wear": (avr, lambda ups: ups.va <= 3000),
    "inverter.volts": (inverter, _any),
    "capacitor": (capacitor, lambda ups: ups.va > 3000),
    "generator.absent": (generator, lambda ups: ups.site.generator),
    "card.frozen": (frozen, _any),
    "rectifier.module": (module, _tells("modules")),
}
#: Seldom possible kinds are given to those that can have them more often.
SELDOM = {
    "feed.neutral": 6.0,
    "generator.absent": 5.0,
    "rectifier.module": 8.0,
    "cooling.fan": 2.0,
    "feed.contact": 2.0,
}
#: Days of the story that must lie before the onset and after it.
BEFORE_D, AFTER_D = 75, 60
LONG = {
    "capacitor": 220,
    "load.growth": 200,
    "avr.wear": 165,
    "cooling.fan": 170,
    "cooling.filter": 85,
    "feed.contact": 95,
}


def give(ups: Ups, story: Story, rng: Rng, share: float, only: str | None = None) -> None:
    """At most one fault, to this share of the UPSs; `only`: that kind, to every UPS that can show it."""
    can = [kind for kind, (_, able) in FAULTS.items() if able(ups) and only in (None, kind)]
    if not can or (only is None and rng.random() >= share):
        return
    weights = np.array([SELDOM.get(kind, 1.0) for kind in can])
    kind = str(rng.choice(can, p=weights / weights.sum()))
    first, last = BEFORE_D * 24, story.hours - max(LONG.get(kind, 0), AFTER_D) * 24
    if last > first:
        story.truths.append(FAULTS[kind][0](ups, story, rng, int(rng.uniform(first, last))))

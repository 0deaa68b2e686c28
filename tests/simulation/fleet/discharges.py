"""Every discharge of a UPS at full rate: outages and dips of the site, its self-tests, a maintenance test; and the recharge after it.

An outage is polled each 10 s for ten minutes, then each 30 s; a self-test (30 s every 14 days) each 3 s. What the battery does comes from
`battery.discharge` with its health of that hour, what the UPS says of it from its gauge. A battery that ends leaves the load dark, and
the UPS says so for a minute and then nothing until the mains is back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tests.simulation.fleet import battery
from tests.simulation.fleet.battery import Run
from tests.simulation.fleet.chance import HOUR_MS, Floats, Rng, Times, at_ms, stream
from tests.simulation.fleet.story import Story, Window
from tests.simulation.fleet.truth import Truth
from tests.simulation.fleet.ups import Ups

TEST_DAYS, TEST_S = 14.0, 30.0
NORMAL, BATTERY, NONE = 3.0, 5.0, 2.0
PASSED, FAILED = 1.0, 3.0
ABORT_V = 1.80  #: a cell: where a crew breaks its test off, at the rates of a UPS


@dataclass(frozen=True, kw_only=True)
class Event:
    """A discharge to come: hours, seconds; `what` outage, dip, test or maintenance."""

    hour: float
    seconds: float
    what: str


def events(ups: Ups, story: Story, seed: int, skip: list[tuple[float, float]]) -> list[Event]:
    """All discharges of the story in time order; `skip`: hours in which the UPS makes no test of its own."""
    rng = stream(seed, "discharges", ups.number)
    n = story.hours
    found = [
        Event(hour=h, seconds=_backed(ups, h, length * 3600, rng), what="outage")
        for h, length in ups.site.outages
        if h + length < n - 1
    ]
    found += [event for event in ups.more if event.hour < n - 1]
    found += [
        Event(hour=float(h), seconds=float(rng.uniform(2, 9)), what="dip")
        for h in ups.site.dips
        if h < n - 1 and rng.random() < 0.7
    ]
    if ups.tests:
        first = float(rng.uniform(24, TEST_DAYS * 24))
        found += [Event(hour=float(h), seconds=TEST_S, what="test") for h in np.arange(first, n - 1, TEST_DAYS * 24)]
    if rng.random() < 0.6:
        runtime = ups.gauge.new_runtime(float(np.median(ups.load)))
        for h in np.arange(rng.uniform(500, 8000), n - 10, 4383 if rng.random() < 0.5 else 8766):
            working = h - h % 168 + 24 * float(rng.integers(0, 5)) + float(rng.uniform(1, 8))
            found.append(Event(hour=working, seconds=float(rng.uniform(0.25, 0.5)) * runtime, what="maintenance"))
    found.sort(key=lambda event: event.hour)
    kept: list[Event] = []
    for event in found:
        if kept and event.hour - kept[-1].hour - kept[-1].seconds / 3600 < (
            0.2 if event.what in ("outage", "dip") else 26
        ):
            continue
        if event.what in ("test", "maintenance") and any(a <= event.hour <= b for a, b in skip):
            continue
        if event.hour >= 1:
            kept.append(event)
    return kept


def _backed(ups: Ups, hour: float, seconds: float, rng: Rng) -> float:
    """Where there is a generator the battery carries the load for its start only."""
    dead = ups.no_generator
    if not ups.site.generator or (dead and dead[0] <= hour <= dead[1]):
        return seconds
    return min(seconds, float(rng.uniform(8, 35)))


def play(ups: Ups, story: Story, seed: int, found: list[Event]) -> None:
    """Put each discharge into the story."""
    rng = stream(seed, "play", ups.number)
    charge, since, bads = 1.0, 0.0, story.states.get(("input.line_bads", None), [(0, 0.0)])[0][1]
    for event in found:
        flat = ups.uncharged is not None and ups.uncharged[0] <= event.hour < ups.uncharged[1]
        if not flat:
            charge = 1 - (1 - charge) * float(np.exp(-(event.hour - since) / 3.0))
        run, told = _one(ups, story, event, charge, rng)
        if event.what in ("outage", "dip") and ("input.line_bads", None) in story.states:
            bads += 1
            story.states["input.line_bads", None].append((at_ms(event.hour), bads))
        if event.what != "test":
            story.truths.append(_event(event))
        since = event.hour + event.seconds / 3600
        charge = float(run.charge[-1]) if len(run.t) else charge
        if told < 0.97:
            _recharge(ups, story, since, told)


def answer(ups: Ups, story: Story, seed: int, hour: float, deep: bool = False) -> None:
    """A crew comes and tests: a discharge of 25 … 50 % of a new battery's runtime, `deep`: 50 … 75 %. Gauges learn nothing by it."""
    rng = stream(seed, "crew", ups.number, round(hour))
    runtime = ups.gauge.new_runtime(float(ups.load[min(int(hour), story.hours - 1)]))
    event = Event(hour=hour, seconds=float(rng.uniform(0.25, 0.5) + 0.25 * deep) * runtime, what="maintenance")
    belief = ups.gauge.belief
    _, told = _one(ups, story, event, 1.0, rng)
    ups.gauge.belief = belief
    story.truths.append(_event(event))
    if told < 0.97:
        _recharge(ups, story, event.hour + event.seconds / 3600, told)


def _event(event: Event) -> Truth:
    start = at_ms(event.hour)
    until = start + round(event.seconds * 1000) + 2 * HOUR_MS
    kind = "event.maintenance" if event.what == "maintenance" else "event.outage"
    return Truth(kind=kind, onset=start, visible=start, outage=start, until=until)


def _one(ups: Ups, story: Story, event: Event, charge: float, rng: Rng) -> tuple[Run, float]:
    """One discharge into the story; (what the battery did, the charge that the gauge tells at its end)."""
    hour = min(int(event.hour), story.hours - 1)
    load = float(ups.load[hour])
    watts = ups.watts(load)
    step = 1.0 if event.seconds < 120 else 10.0
    n = ups.place_of(event.hour)
    cut = ABORT_V if event.what == "maintenance" else battery.CUT_V
    run = battery.discharge(ups.cells[n], ups.now(event.hour, charge), watts, event.seconds, step, cut)
    if (
        event.what == "maintenance" and run.dry and len(run.t)
    ):  # somebody stands by: it is broken off, and the load stays on
        run = replace(run, dry=False)
        event = replace(event, seconds=float(run.t[-1]))
    if not len(run.t):
        run = battery.Run(
            t=np.array([0.0]),
            volts=np.array([ups.n_cells * 1.65]),
            amps=np.array([watts / ups.n_cells / 1.65]),
            charge=np.array([charge]),
            dry=True,
        )
    told_start = min(charge, 1.0)
    gauge = ups.gauge.charge(ups.cells[n], run, load, watts, told_start, rng)
    at = _polled(at_ms(event.hour), run.t, event)
    pick = np.searchsorted(run.t, (at - at_ms(event.hour)) / 1000)
    pick = np.minimum(pick, len(run.t) - 1)
    _speak(ups, story, event, run, gauge, at, pick, load, rng)
    depth = charge - float(run.charge[-1])
    health = float(ups.health[n][hour])
    ups.gauge.calibrate(health, depth if not run.dry else 1.0)
    return run, float(gauge[-1])


def _polled(start: int, t: Floats, event: Event) -> Times:
    """When the agent asks while the run lasts."""
    every = 3.0 if event.what == "test" else 2.0 if event.what == "dip" else 10.0
    times = np.arange(every * 0.4, min(t[-1], 600.0) + 0.1, every)
    if t[-1] > 600:
        times = np.concatenate([times, np.arange(620.0, t[-1], 30.0)])
    if not len(times):
        times = np.array([t[-1] / 2])
    return start + np.round(times * 1000).astype(np.int64)


def _speak(
    ups: Ups, story: Story, event: Event, run: Run, gauge: Floats, at: Times, pick: Times, load: float, rng: Rng
) -> None:
    """What the UPS says while it runs, and as it ends."""
    start, end = at_ms(event.hour), at_ms(event.hour + event.seconds / 3600)
    dry_at = start + round(float(run.t[-1]) * 1000) + 1000 if run.dry else None
    mains = event.what in ("test", "maintenance")
    testing = mains and event.what == "test"
    noise = rng.normal(0, 0.0006, len(at))
    loads = load * (1 + rng.normal(0, 0.01, len(at)))
    n = len(at)
    series: dict[tuple[str, str | None], tuple[Times, Floats]] = {
        ("battery.voltage", None): (at, np.interp((at - start) / 1000, run.t, run.volts) * (1 + noise)),
    }
    for i in range(ups.phases):
        series["ups.load", str(i + 1)] = (at, loads)
        if not mains:
            series["input.voltage", str(i + 1)] = (at, np.zeros(n))
    if ups.gauge.style != "none":
        told = gauge[pick]
        series["battery.charge", None] = (at, 100 * told)
        own = ups.gauge.new_runtime(load) * ups.gauge.belief * ups.gauge.bias * told
        series["battery.runtime", None] = (at, np.minimum(own, 86_400.0))
        low = np.flatnonzero((own < 120) | (told < 0.1))
    else:
        low = np.flatnonzero(run.volts[pick] / ups.n_cells < 1.78)
    if "amps" in ups.tells:
        series["battery.current", None] = (at, -run.amps[pick])
    states = story.states
    over = dry_at if dry_at is not None else end
    first = int(at[0]) - 100
    if testing:
        states["alarm.test_in_progress", None] += [(first, 1.0), (over, 0.0)]
        failed = run.dry or float(run.volts.min()) / ups.n_cells < 1.74
        states["ups.test.result", None].append((over + 2000, FAILED if failed else PASSED))
    if not testing or rng.random() < 0.5:
        states["ups.source", None].append((first, BATTERY))
        states["alarm.on_battery", None].append((first, 1.0))
        if len(low) and not mains:
            states["alarm.battery_low", None] += [(int(at[low[0]]), 1.0), (end + 600_000, 0.0)]
        if dry_at is not None and not mains:
            states["ups.source", None].append((dry_at, NONE))
            if end - dry_at > 130_000:
                story.silent.append((dry_at + 70_000, end - 1))
                story.gaps += [dry_at + 80_000 + 60_000 * i for i in range(min(10, (end - dry_at - 80_000) // 60_000))]
        states["ups.source", None].append((end if not mains else over, NORMAL))
        states["alarm.on_battery", None].append((end if not mains else over, 0.0))
    last = int(at[-1])
    story.windows.append(Window(start=min(start, int(at[0])) - 1000, end=max(last, end) + 1000, series=series))


def _recharge(ups: Ups, story: Story, since: float, told: float) -> None:
    """Hours after a discharge: volts at the boost limit, then float; the gauge fills."""
    first = int(since) + 1
    if ups.uncharged is not None and ups.uncharged[0] <= since < ups.uncharged[1]:
        if ("battery.charge", None) in story.base:
            story.base["battery.charge", None][first : ups.uncharged[1]] = 100 * told
        return
    lasts = int(3 + 10 * (1 - told))
    span = slice(first, min(first + lasts, story.hours))
    n = len(range(*span.indices(story.hours)))
    if n <= 0:
        return
    hours = np.arange(n) + 0.5
    base = story.base
    base["battery.voltage", None][span] *= 1 + 0.035 * np.exp(-hours / (0.4 * lasts))
    if ("battery.charge", None) in base:
        base["battery.charge", None][span] = 100 * (1 - (1 - told) * np.exp(-hours / (0.28 * lasts)))
        base["battery.runtime", None][span] *= 1 - (1 - told) * np.exp(-hours / (0.28 * lasts))
    if ("battery.current", None) in base:
        base["battery.current", None][span] += 0.1 * ups.block_ah * (1 - told) * np.exp(-hours / (0.4 * lasts))

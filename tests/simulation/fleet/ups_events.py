"""What happens to a healthy UPS: false and missed flags, maintenance days, the room's failures, and errors of telemetry.

flags      "replace battery" on a good battery (it cries wolf), and none, or late, on a bad one
telemetry  a value that stands still, counts ten times too high after an upgrade, two sensors swapped, a clock that jumps, missing
           polls, a month of silence
"""

from __future__ import annotations

import numpy as np

from model.points import POINTS
from tests.simulation.fleet.chance import DAY_MS, HOUR_MS, YEAR_H, Rng, at_ms
from tests.simulation.fleet.story import Story
from tests.simulation.fleet.truth import Truth
from tests.simulation.fleet.ups import Ups

FLAG = ("alarm.replace_battery", None)


def happen(ups: Ups, story: Story, rng: Rng) -> None:
    _flags(ups, story, rng)
    _maintenance(story, rng)
    for start, lasts, _ in ups.site.hvac:
        if start < story.hours:
            story.truths.append(event("event.hvac", start, lasts + 24))


def event(kind: str, hour: float, lasts: float) -> Truth:
    at = at_ms(hour)
    return Truth(kind=kind, onset=at, visible=at, outage=at, until=at + round(lasts * HOUR_MS))


def _flags(ups: Ups, story: Story, rng: Rng) -> None:
    told: list[tuple[int, int]] = []
    for n, life in enumerate(story.lives):
        if life.failed is None or rng.random() >= 0.5:
            continue
        limit = float(rng.uniform(0.55, 0.82))
        below = np.flatnonzero(ups.health[n][ups.since[n] : story.hours] < limit)
        if len(below) and at_ms(ups.since[n] + int(below[0])) < life.until:
            told.append((at_ms(ups.since[n] + int(below[0])), life.until))
    for hour in np.sort(rng.uniform(0, story.hours, rng.poisson(0.03 * story.hours / YEAR_H))):
        lasts = float(np.exp(rng.uniform(np.log(0.02), np.log(500))))
        told.append((at_ms(hour), at_ms(hour + lasts)))
        story.truths.append(event("event.false_flag", float(hour), lasts))
    for start, end in told:
        story.states[FLAG] += [(start, 1.0), (end, 0.0)]


def _maintenance(story: Story, rng: Rng) -> None:
    """A day on which somebody works on it: on bypass for an hour or two, then asked and not answering for some minutes."""
    if rng.random() > 0.3:
        return
    for hour in np.arange(rng.uniform(300, YEAR_H), story.hours - 100, YEAR_H):
        hour = hour - hour % 24 + float(rng.uniform(1, 8))
        lasts = float(rng.uniform(0.7, 3))
        story.states["ups.source", None] += [(at_ms(hour), 4.0), (at_ms(hour + lasts), 3.0)]
        quiet = at_ms(hour + lasts) + 300_000
        story.silent.append((quiet, quiet + 240_000))
        story.gaps += [quiet + 10_000 * i for i in range(1, 24)]
        story.truths.append(event("event.service", hour, lasts + 24))


def telemetry(ups: Ups, story: Story, rng: Rng, share: float) -> None:
    """At most one error of the sensors or the line, to this share of the UPSs."""
    if rng.random() >= share or story.hours < 90 * 24:
        return
    hour = int(rng.uniform(20 * 24, story.hours - 60 * 24))
    kind = str(rng.choice(["stuck", "x10", "swapped", "clock", "gaps", "silence"]))
    lasts = float(rng.uniform(2, 30)) * 24
    hours = slice(hour, min(hour + int(lasts), story.hours))
    base = story.base
    if kind == "stuck":
        moving = [
            k
            for k in base
            if k[0] in ("battery.voltage", "ups.temperature", "ups.load", "input.voltage", "battery.temperature")
        ]
        key = moving[int(rng.integers(len(moving)))]
        base[key][hours] = base[key][hour]
    elif kind == "x10":
        key = [("battery.voltage", None), ("ups.temperature", None), ("input.frequency", "1")][int(rng.integers(3))]
        values = base[key][hour:] * (10.0 if rng.random() < 0.6 else 0.1)
        base[key][hour:] = np.where(values <= POINTS[key[0]].high, values, np.nan)
        lasts = story.hours - hour
    elif kind == "swapped":
        if ("battery.temperature", None) not in base:
            return
        one, other = base["battery.temperature", None], base["ups.temperature", None]
        one[hours], other[hours] = other[hours].copy(), one[hours].copy()
    elif kind == "clock":
        off = round(float(rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(60), np.log(20 * 86400)))) * 1000)
        story.shifts += [(at_ms(hour), off), (at_ms(hour + lasts), 0)]
    elif kind == "gaps":
        lost = rng.random(len(range(*hours.indices(story.hours)))) < float(rng.uniform(0.1, 0.4))
        for values in base.values():
            values[hours][lost] = np.nan
        story.gaps += [at_ms(float(h)) + story.phase_s * 1000 for h in hour + np.flatnonzero(lost)]
    else:
        lasts = 30 * 24.0
        start = at_ms(hour)
        story.silent.append((start, start + 30 * DAY_MS))
        story.gaps += [start + 10_000 * i for i in range(1, 6)]
    story.truths.append(event(f"sensor.{kind}", hour, lasts + 48))


def freeze(ups: Ups, story: Story) -> None:
    """A card that tells its last values again and again."""
    if ups.frozen is None:
        return
    first, last = ups.frozen
    for values in story.base.values():
        values[first:last] = values[first]
    start, end = at_ms(first), at_ms(last)
    for key, told in list(story.states.items()):
        story.states[key] = [(at, value) for at, value in told if not start <= at < end] or told[:1]
    story.windows = [window for window in story.windows if not start <= window.start < end]

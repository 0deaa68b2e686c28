"""One device's whole life as series of readings: hourly means, full rate in windows, states on change.

base      {(point, index): one value an hour}, read at `phase` seconds past the hour
windows   [Window(start, end, series)]: here the readings of these series take the place of the hourly ones
states    {(point, index): [(ms, value)…]}: told once a day, and six times in the two minutes after each change
silent    [(from, to)]: nothing is heard; `gaps` are the unanswered questions that the agent tells of
shifts    [(from, ms)]: from then on the agent's clock is wrong by so much
versions  [(from, Device)]: what the inventory says, and from when
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from model.inventory import Device, Site
from tests.simulation.fleet.chance import DAY_MS, HOUR_MS, START_MS, Floats, Times
from tests.simulation.fleet.truth import Life, Truth

Key = tuple[str, str | None]
Series = tuple[Times, Floats]
#: A block of a time in which nothing but hourly means comes: what it says is told up to four days late; up to one in the fortnight of a fault that leaves no more.
QUIET_MS, BRIEF_MS = 4 * DAY_MS, 14 * DAY_MS
_AFTER_MS = (0, 10_000, 20_000, 40_000, 60_000, 120_000)


@dataclass(kw_only=True)
class Window:
    """Full rate: from `start` to `end` (ms) these series are read at these times."""

    start: int
    end: int
    series: dict[Key, Series]


@dataclass(kw_only=True)
class Story:
    """What one device says, and the truth about it (`truths`, `lives`)."""

    number: int
    device: str
    site: Site
    hours: int
    phase_s: int
    base: dict[Key, Floats] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    states: dict[Key, list[tuple[int, float]]] = field(default_factory=dict)
    silent: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    shifts: list[tuple[int, int]] = field(default_factory=list)
    versions: list[tuple[int, Device]] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    make: str = ""  #: the kind of device, for tables
    answer: Callable[[float, bool], None] | None = None  #: a crew makes a test discharge at this hour, a deep one

    @property
    def end(self) -> int:
        return START_MS + self.hours * HOUR_MS

    def series(self) -> dict[Key, Series]:
        """Everything that is said, each series in rising time."""
        hourly = START_MS + np.arange(self.hours, dtype=np.int64) * HOUR_MS + self.phase_s * 1000
        out: dict[Key, list[Series]] = {}
        windows = sorted(self.windows, key=lambda one: one.start)
        taken: dict[Key, list[tuple[int, int]]] = {}
        for window in windows:
            for key, (at, value) in window.series.items():
                out.setdefault(key, []).append((at, value))
                taken.setdefault(key, []).append((window.start, window.end))
        for key, values in self.base.items():
            keep = np.isfinite(values[: self.hours])
            keep &= ~_inside(hourly, taken.get(key, []))
            out.setdefault(key, []).append((hourly[keep], values[: self.hours][keep]))
        for key, changes in self.states.items():
            out.setdefault(key, []).append(self._told(changes, taken.get(key, [])))
        return {key: self._heard(pieces) for key, pieces in out.items()}

    def _told(self, changes: list[tuple[int, float]], taken: list[tuple[int, int]]) -> Series:
        """A state once a day and on change."""
        changes = sorted(changes)
        times = np.array([at for at, _ in changes], dtype=np.int64)
        values = np.array([value for _, value in changes], dtype=np.float64)
        daily = np.arange(START_MS + self.phase_s * 1000, self.end, DAY_MS, dtype=np.int64)
        daily = np.concatenate([daily, self._fast()])
        after = (times[1:, None] + np.array(_AFTER_MS, dtype=np.int64)[None, :]).ravel()
        at = np.unique(np.concatenate([daily, after]))
        at = at[(at >= times[0]) & ~_inside(at, taken)]
        return at, values[np.searchsorted(times, at, side="right") - 1]

    def _fast(self) -> Times:
        """The half hours of faults that must be seen within two days: then states are told, and blocks sent, as often."""
        found = [np.zeros(0, dtype=np.int64)]
        for truth in self.truths:
            within = truth.outage - truth.lead_ms - truth.onset
            if within <= 2 * DAY_MS and not truth.kind.startswith(("event.", "sensor.")):
                until = min(truth.outage, truth.onset + 2 * DAY_MS) + 2 * HOUR_MS
                found.append(np.arange(truth.onset, min(until, self.end), HOUR_MS // 2, dtype=np.int64))
        return np.concatenate(found)

    def _heard(self, pieces: list[Series]) -> Series:
        at = np.concatenate([a for a, _ in pieces])
        value = np.concatenate([v for _, v in pieces])
        at, first = np.unique(at, return_index=True)
        value = value[first]
        keep = (at < self.end) & ~_inside(at, self.silent)
        return at[keep], value[keep]

    def cuts(self) -> Times:
        """Where the blocks end: every fourth midnight; in windows and after changes as fast as an agent would send them."""
        cuts = [np.arange(START_MS + QUIET_MS, self.end + QUIET_MS, QUIET_MS, dtype=np.int64)]
        for window in self.windows:
            step = 60_000 if window.end - window.start <= 2 * HOUR_MS else HOUR_MS // 2
            cuts.append(np.arange(window.start, window.end + step, step, dtype=np.int64))
        for truth in self.truths:  # a fault of hours is sent by the hour, as it would be
            if truth.kind.startswith(("event.", "sensor.")):
                continue
            time_left = truth.outage - truth.lead_ms - truth.onset
            if time_left <= 2 * DAY_MS:
                until = min(truth.outage, truth.onset + 2 * DAY_MS) + 2 * HOUR_MS
                cuts.append(np.arange(truth.onset, until, HOUR_MS // 2, dtype=np.int64))
            elif time_left <= BRIEF_MS:
                cuts.append(np.arange(truth.onset, truth.onset + BRIEF_MS, DAY_MS, dtype=np.int64))
        changes = [at for told in self.states.values() for at, _ in told[1:]]
        cuts.append(np.array([at + late for at in changes for late in (0, 121_000)], dtype=np.int64))
        cuts.append(np.array([at for at, _ in self.shifts] + [at for at, _ in self.versions], dtype=np.int64))
        cuts.append(np.array([at + 1000 for at in self.gaps[:40]], dtype=np.int64))
        return np.unique(np.concatenate(cuts))


def _inside(at: Times, windows: list[tuple[int, int]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which times lie in any of the windows (both ends included)."""
    out = np.zeros(len(at), dtype=bool)
    for start, end in windows:
        low, high = np.searchsorted(at, [start, end + 1])
        out[low:high] = True
    return out

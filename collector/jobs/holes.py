"""Holes in what a device said, as the gaps that its agent told then: history keeps readings only. Pure; one device, a day at a time.

    asked  |   |   |   |   |   |   |   |      the pace: the middle distance in the series that came most often
    own    x   x   x                   x      a hole: more than `ROUNDS` paces, and 15 s at least, without a word of its own
    agent    c           c           c        "what it costs", once a minute: the agent lived, and asked
    gaps               g   g   g   g          made, where `device.timeouts` rose: it asked in vain

All of them must be there. An agent that was silent itself tells no costs, so no device is blamed for that; a device of another program has no
such counters, and of its silence history says nothing. A gap stands at each pace, from the sixth on once a minute, as the agent's own pauses grow.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from collector.history.days import Day
from model.points import SAID_OF_DEVICE
from model.reading import Gap, GapCause

TIMEOUTS = "device.timeouts"
ROUNDS, LEAST_MS = 3.5, 15_000
#: So many samples of one series give a pace; so many gaps stand at it, before they come once a minute.
LEAST_SAMPLES, AT_PACE, LATER_MS = 10, 6, 60_000
#: The agent tells costs once a minute: an instant is vouched for by a word of the agent so near to it.
NEAR_MS = 90_000
Times = NDArray[np.int64]


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a device after a day, ms: its pace, its newest own word, the newest gap made, and whether its agent tells costs."""

    pace: float | None = None
    at: int | None = None
    until: int = 0
    told: bool = False

    @property
    def judged(self) -> bool:
        """Whether a silence of this device would be seen."""
        return self.pace is not None and self.told


def gaps_of(heard: Heard, device: str, day: Day) -> tuple[Heard, list[Gap]]:
    """The gaps of one day, in time order, and what is known after it."""
    own = [column.at for point, series in day.items() if point not in SAID_OF_DEVICE for column in series.values()]
    agent = _merged(column.at for point in SAID_OF_DEVICE for column in day.get(point, {}).values())
    heard = msgspec.structs.replace(heard, told=heard.told or bool(len(agent)))
    most = np.asarray(max(own, key=len, default=[]), np.int64)
    if len(most) >= LEAST_SAMPLES:
        heard = msgspec.structs.replace(heard, pace=max(float(np.median(np.diff(most))), 1.0))
    newest = max((at[-1] for at in own), default=heard.at)
    if heard.pace is None or not len(agent):
        return msgspec.structs.replace(heard, at=newest), []
    limit = max(ROUNDS * heard.pace, heard.pace + LEAST_MS)
    known = np.asarray([] if heard.at is None else [heard.at], np.int64)
    if not _holes(np.concatenate([known, most]), agent, limit):
        return msgspec.structs.replace(heard, at=newest), []
    timeouts = _merged(_rising(day))
    made = [
        at
        for begin, end in _holes(np.concatenate([known, _merged(own)]), agent, limit)
        if ((timeouts > begin) & (timeouts <= end + NEAR_MS)).any()
        for at in _instants(begin, end, heard.pace, agent)
        if at > heard.until
    ]
    gaps = [Gap(device=device, point=None, index=None, at=at, cause=GapCause.NO_ANSWER) for at in made]
    return msgspec.structs.replace(heard, at=newest, until=max(made, default=heard.until)), gaps


def _merged(times: Iterable[list[int]]) -> Times:
    """Every instant once, rising."""
    some = [np.asarray(at, np.int64) for at in times]
    return np.unique(np.concatenate(some)) if some else np.asarray([], np.int64)


def _holes(own: Times, agent: Times, limit: float) -> list[tuple[int, int]]:
    """(last own word, next one or the agent's last word) wherever they are further apart than `limit`."""
    if not len(own):
        return []
    ends = np.append(own[1:], max(int(agent[-1]), int(own[-1])))
    return [(int(own[n]), int(ends[n])) for n in np.flatnonzero(ends - own > limit)]


def _rising(day: Day) -> Iterable[list[int]]:
    """When the counter of requests without answer was told: it is when it rose, and at 0 when the agent begins."""
    for column in day.get(TIMEOUTS, {}).values():
        yield [at for at, value in zip(column.at, column.value, strict=True) if value > 0]


def _instants(begin: int, end: int, pace: float, agent: Times) -> list[int]:
    """When the agent asked in vain between two words of the device, where a word of the agent is near."""
    later = max(pace, LATER_MS)
    at_pace = begin + pace * np.arange(1, AT_PACE + 1)
    slower = np.arange(at_pace[-1] + later, end - pace / 2, later)
    asked = np.concatenate([at_pace[at_pace < end - pace / 2], slower]).round().astype(np.int64)
    place = np.searchsorted(agent, asked)
    after = agent[np.minimum(place, len(agent) - 1)]
    before = agent[np.maximum(place - 1, 0)]
    near = np.minimum(np.abs(after - asked), np.abs(before - asked)) <= NEAR_MS
    return [int(at) for at in asked[near]]

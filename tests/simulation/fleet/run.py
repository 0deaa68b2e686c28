"""A story through the real path: blocks -> `analytics.watch.step` -> the board of `alerts` -> which incidents open tickets.

A block is four days, in windows and around changes as short as an agent would send them. The board's clock is the end of the block, and 11 minutes
later it is ticked once more, because what is older than two minutes is believed only then.
"""

from __future__ import annotations

import time
from collections import deque

import msgspec
import numpy as np

from alerts import board
from alerts.board import BoardState, Outcome
from analytics.detector import Block, Column, Context
from analytics.detectors import DETECTORS, HOURLY
from analytics.watch import Watch, step
from model.finding import Change, Changed, Cleared, Raised
from model.inventory import Inventory
from model.reading import Gap, GapCause
from tests.simulation.fleet.chance import DAY_MS, HOUR_MS, START_MS, Times, stream
from tests.simulation.fleet.story import QUIET_MS, Key, Series, Story
from tests.simulation.fleet.truth import Life, Truth

NAMES = frozenset({*DETECTORS, *HOURLY})
SETTLE_MS = 660_000
VISIT_AGAIN_MS = 90 * DAY_MS


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it was first raised: `told` is when the centre knew it, `since` when it says that it began."""

    kind: str
    index: str | None
    told: int
    since: int
    score: float
    over: int | None = None  #: when it was taken back
    claimed: float | None = None  #: what the detector itself claimed, where the score is calibrated


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that wants a job, when it first did; `kinds` of the alerts that made it one."""

    told: int
    cause: str
    kinds: tuple[str, ...]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One device: the truth, and what was made of it."""

    number: int
    device: str
    seed: int
    from_ms: int
    to_ms: int
    truths: list[Truth]
    lives: list[Life]
    seen: list[Seen]
    tickets: list[Ticket]
    readings: int
    faults: list[str]
    cpu_s: float
    make_s: float
    make: str = ""
    visits: int = 0


#: Who is asked to test a battery comes within so many days: one that is suspected sooner than one that nobody has measured for a year.
COMES_IN = {"battery_unproven": (7, 28), "battery_untested": (30, 90)}


class Crew:
    """Who answers "test this battery" by a test: within 7 … 28 days (30 … 90 where it is only untested), by daylight, if it still stands; not twice in 90 days.

    Where the first test left the finding standing, the next one goes deeper (`analytics.battery.maintenance` advises a quarter each time)."""

    def __init__(self, story: Story, seed: int) -> None:
        self.story, self.seed = story, seed
        self.due: int | None = None
        self.visits = 0
        self.deep = False
        self.why = ""
        self._last = -VISIT_AGAIN_MS

    def hears(self, change: Change, now: int) -> None:
        if isinstance(change, Raised | Changed) and (within := COMES_IN.get(change.finding.kind)) is not None:
            if self.due is None and self.story.answer is not None and now - self._last >= VISIT_AGAIN_MS:
                self.why = change.finding.kind
                days = int(stream(self.seed, "visit", self.story.number, self.visits).integers(*within))
                self.due = self._free(now - now % DAY_MS + days * DAY_MS + 3 * HOUR_MS)
        elif isinstance(change, Cleared) and change.kind == self.why:
            self.due, self.deep = None, False

    def _free(self, at: int) -> int:
        """A morning with no other discharge a day before or after."""
        taken = [window.start for window in self.story.windows]
        while any(abs(other - at) < DAY_MS for other in taken):
            at += DAY_MS
        return at

    def comes(self, before: int) -> bool:
        """Whether it makes its test now, so that the story goes on otherwise from here."""
        if (
            self.due is None
            or self.due - QUIET_MS > before
            or self.due > self.story.end - DAY_MS
            or self.story.answer is None
        ):
            return False
        self.story.answer((self.due - START_MS) / HOUR_MS, self.deep)
        self._last, self.due, self.deep = self.due, None, True
        self.visits += 1
        return True


def play(
    story: Story, seed: int, made_s: float = 0.0, *, answers: bool = True, names: frozenset[str] = frozenset()
) -> Result:
    """Show the story to the detectors. `answers`: a crew tests a battery of which they ask it. `names`: of those that look, where it is not all."""
    begun = time.process_time()
    some, hourly = (
        ({k: v for k, v in table.items() if k in names} if names else table) for table in (DETECTORS, HOURLY)
    )
    series = {key: one for key, one in story.series().items() if len(one[0])}
    watch, state = Watch(), BoardState()
    seen: list[Seen] = []
    tickets: dict[str, Ticket] = {}
    site = story.site
    versions = sorted(story.versions, key=lambda one: one[0])
    place = -1
    crew = Crew(story, seed)
    blocks = deque(_blocks(story, series, START_MS))
    while blocks:
        first, last, block = blocks.popleft()
        if answers and crew.comes(first):
            series = {key: one for key, one in story.series().items() if len(one[0])}
            blocks = deque(_blocks(story, series, first))
            first, last, block = blocks.popleft()
        while place + 1 < len(versions) and (place < 0 or versions[place + 1][0] <= first):
            place += 1
            device = versions[place][1]
            context = Context(device=device, site=site, wire_s=10.0)
            inventory = Inventory(sites={site.id: site}, devices={device.id: device})
        changes = step(watch, [block], lambda _, found=context: found, last, some, hourly) if block else []
        for change in changes:
            if isinstance(change, Raised):
                found = change.finding
                seen.append(
                    Seen(
                        kind=found.kind, index=found.index, told=last, since=found.since, score=found.score,
                        claimed=found.claimed,
                    )
                )  # fmt: skip
            elif isinstance(change, Cleared):
                _over(seen, change, last)
            crew.hears(change, last)
        if changes:
            state, told = board.on_changes(state, changes, inventory, last)
            _note(tickets, told, state, last)
        due = board.next_due(state)
        if due is not None and due <= last + SETTLE_MS:
            state, told = board.on_tick(state, inventory, last + SETTLE_MS)
            _note(tickets, told, state, last + SETTLE_MS)
    return Result(
        number=story.number,
        device=story.device,
        seed=seed,
        from_ms=START_MS,
        to_ms=story.end,
        truths=story.truths,
        lives=story.lives,
        seen=seen,
        tickets=list(tickets.values()),
        readings=sum(len(at) for at, _ in series.values()),
        faults=[f"{fault.detector}: {fault.error}" for fault in watch.faults],
        cpu_s=time.process_time() - begun,
        make_s=made_s,
        make=story.make,
        visits=crew.visits,
    )


def _over(seen: list[Seen], change: Cleared, now: int) -> None:
    for n in range(len(seen) - 1, -1, -1):
        if (seen[n].kind, seen[n].index) == (change.kind, change.index):
            seen[n] = msgspec.structs.replace(seen[n], over=now)
            return


def _note(tickets: dict[str, Ticket], told: Outcome, state: BoardState, now: int) -> None:
    """The incidents that now want a job and did not before."""
    alerts = {**state.alerts, **{alert.id: alert for alert in told.alerts}}
    for incident in told.incidents:
        if incident.wants_ticket and incident.id not in tickets:
            kinds = tuple(dict.fromkeys(alerts[member].kind for member in incident.members if member in alerts))
            tickets[incident.id] = Ticket(told=now, cause=incident.key.cause, kinds=kinds)


def _blocks(story: Story, series: dict[Key, Series], since: int) -> list[tuple[int, int, Block | None]]:
    """(from, to, block) in the order of delivery, from `since` on; None: nothing was heard."""
    cuts = story.cuts()
    cuts = cuts[cuts > since]
    gaps = np.array(sorted(gap for gap in story.gaps if gap >= since), dtype=np.int64)
    held = np.searchsorted(gaps, cuts)
    parts = _parts(series, cuts, since)
    shifts = sorted(story.shifts)
    out: list[tuple[int, int, Block | None]] = []
    before, gap0 = since, 0
    for n, cut in enumerate(cuts.tolist()):
        columns: dict[str, dict[str | None, Column]] = {}
        off = next((ms for at, ms in reversed(shifts) if at <= before), 0)
        for (point, index), at, value in parts[n]:
            columns.setdefault(point, {})[index] = Column([t + off for t in at] if off else at, value)
        missed = [
            Gap(device=story.device, point=None, index=None, at=int(at) + off, cause=GapCause.NO_ANSWER)
            for at in gaps[gap0 : held[n]]
        ]
        gap0 = int(held[n])
        block = _block(story.device, columns, missed) if columns or missed else None
        out.append((before, cut, block))
        before = cut
    return out


def _parts(series: dict[Key, Series], cuts: Times, since: int) -> list[list[tuple[Key, list[int], list[float]]]]:
    """What is said between one cut and the next, from `since` on."""
    parts: list[list[tuple[Key, list[int], list[float]]]] = [[] for _ in cuts]
    for key, (all_times, all_values) in series.items():
        begin = int(np.searchsorted(all_times, since))
        times = all_times[begin:]
        at, value = times.tolist(), all_values[begin:].tolist()
        ends = np.searchsorted(times, cuts)
        starts = np.concatenate([[0], ends[:-1]])
        said = np.flatnonzero(ends > starts)
        for n, start, end in zip(said.tolist(), starts[said].tolist(), ends[said].tolist(), strict=True):
            parts[n].append((key, at[start:end], value[start:end]))
    return parts


def _block(device: str, columns: dict[str, dict[str | None, Column]], gaps: list[Gap]) -> Block:
    ends = [(column.at[0], column.at[-1]) for series in columns.values() for column in series.values()]
    ends += [(gap.at, gap.at) for gap in gaps]
    return Block(device, columns, gaps, min(a for a, _ in ends), max(b for _, b in ends))

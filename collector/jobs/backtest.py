"""What the detectors of today would have said of what happened then, beside what was really raised (pure).

    columns of history, a device and a day at a time -> analytics.watch.step -> changes -> alerts.board -> alerts

The same detectors, holds and incidents as live: an alert that comes out equal has the same id. Blocks are as long as a day, because batch size
changes no finding; the board hears each change at the time of its newest evidence.

History keeps no gaps. Those of a silent device are made anew from the holes in what it said (`collector.jobs.holes`), where its pace and its agent's
word are known. What cannot be seen so is listed apart, neither missed nor wrong: `agent_silent` (its batches come later, whole), and silent devices without these.
The detectors begin knowing nothing: what stood already at the begin of the span is found later than it was, or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from enum import StrEnum

import msgspec

from alerts import board, lifecycle
from alerts.board import BoardState
from alerts.types import Alert
from analytics.detector import Block, Context
from analytics.watch import Watch, step
from collector.history.days import Day
from model.finding import Change, Cleared
from model.inventory import Inventory
from model.reading import Gap

#: Kinds that come of silence: the first is seen where its holes could be judged, the second never.
DEVICE_SILENT, AGENT_SILENT = "device_silent", "agent_silent"
#: Two episodes of one slot are the same when they overlap, or lie no further apart.
NEAR_MS = 600_000


class Match(StrEnum):
    """How an alert of now stands to one of then."""

    SAME = "same"  #: raised then too
    ONLY_NOW = "only_now"  #: the detectors of today say it, nothing was raised then
    ONLY_THEN = "only_then"  #: raised then, and not said today
    UNSEEN = "unseen"  #: raised then, of what history does not keep


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One episode. `now` as it comes out today, `then` as it was raised; one of them at least."""

    match: Match
    now: Alert | None = None
    then: Alert | None = None

    @property
    def at(self) -> int:
        """When it began, ms."""
        return min(one.raised_at for one in (self.now, self.then) if one is not None)

    @property
    def later_s(self) -> float | None:
        """How much later than then it was said; negative: earlier."""
        return None if self.now is None or self.then is None else (self.now.raised_at - self.then.raised_at) / 1000


def block_of(device: str, day: Day, gaps: list[Gap] | None = None) -> Block:
    """A day of a device as one block."""
    columns = [column for series in day.values() for column in series.values()]
    firsts = [column.at[0] for column in columns] + [gap.at for gap in gaps or []]
    lasts = [column.at[-1] for column in columns] + [gap.at for gap in gaps or []]
    return Block(device, day, gaps or [], min(firsts), max(lasts))


def changes_of(
    watch: Watch, device: str, day: Day, context_of: Callable[[str], Context], gaps: list[Gap] | None = None
) -> list[Change]:
    """What the detectors say of one day of one device; `watch` moves on."""
    block = block_of(device, day, gaps)
    return step(watch, [block], context_of, block.last_at)


def alerts_of(changes: Iterable[Change], inventory: Inventory, end: int) -> list[Alert]:
    """The alerts that come of these changes until `end`, in the order of their begin."""
    state, found = BoardState(), dict[str, Alert]()
    for at, change in sorted(((_heard(one), one) for one in changes), key=lambda pair: pair[0]):
        while (due := board.next_due(state)) is not None and due < at:
            state, outcome = board.on_tick(state, inventory, due)
            found.update((alert.id, alert) for alert in outcome.alerts)
        state, outcome = board.on_changes(state, [change], inventory, at)
        found.update((alert.id, alert) for alert in outcome.alerts)
    while (due := board.next_due(state)) is not None and due <= end:
        state, outcome = board.on_tick(state, inventory, due)
        found.update((alert.id, alert) for alert in outcome.alerts)
    return sorted(found.values(), key=lambda alert: (alert.raised_at, alert.id))


def _heard(change: Change) -> int:
    return change.at if isinstance(change, Cleared) else lifecycle.seen_at(change.finding)


def compare(now: Iterable[Alert], then: Iterable[Alert], end: int, judged: Set[str] = frozenset()) -> list[Line]:
    """Pair the alerts of a span, the nearest begins first; each goes into one pair. `judged`: devices whose silences would be seen."""
    left = list(then)
    lines: list[Line] = []
    for alert in now:
        near = [one for one in left if _slot(one) == _slot(alert) and _meet(one, alert, end)]
        twin = min(near, key=lambda one: abs(one.raised_at - alert.raised_at), default=None)
        if twin is not None:
            left.remove(twin)
        lines.append(Line(match=Match.SAME if twin else Match.ONLY_NOW, now=alert, then=twin))
    lines += [Line(match=Match.UNSEEN if _unseen(one, judged) else Match.ONLY_THEN, then=one) for one in left]
    return sorted(lines, key=lambda line: line.at)


def _unseen(alert: Alert, judged: Set[str]) -> bool:
    return alert.kind == AGENT_SILENT or (alert.kind == DEVICE_SILENT and alert.device not in judged)


def _slot(alert: Alert) -> tuple[str, str, str | None]:
    return alert.device, alert.kind, alert.index


def _meet(one: Alert, other: Alert, end: int) -> bool:
    return one.raised_at - NEAR_MS <= (other.cleared_at or end) and other.raised_at - NEAR_MS <= (one.cleared_at or end)


def counted(lines: Iterable[Line]) -> Mapping[str, dict[Match, int]]:
    """How many of each kind of finding stand how."""
    table: dict[str, dict[Match, int]] = {}
    for line in lines:
        kind = (line.now or line.then).kind  # type: ignore[union-attr]  # one of them is there
        row = table.setdefault(kind, dict.fromkeys(Match, 0))
        row[line.match] += 1
    return dict(sorted(table.items()))

"""What was read and is not yet in the spool: bounded, oldest out first, every loss counted. Pure.

Rules. Normally this holds half a second of readings. It grows only while the disk takes nothing, and
then keeps the newest: what falls out is a `Loss`, which leaves as an event with the next batch and is
forgotten only when that batch is on the disk. Events (identity, clock) are few and dear: they fall out
last. Recordings are long and wait behind everything else, each for a row of its own. `at` is made unique and rising per series here, the last door before the spool.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from agent.whole import Whole
from model.batch import Event, EventKind
from model.reading import Gap, Quality, Reading

#: What a driver hands over.
Found = Reading | Gap | Event

#: One batch takes at most this many readings and gaps; more make the next row. A row is one trip to the disk and one to
#: the centre: a thousand devices that are asked each second fill one in half a second.
MOST_IN_ROW = 10_000
#: While the disk takes nothing, this many readings and gaps wait in memory (about 10 MB).
MOST_WAITING = 40_000
MOST_EVENTS = 1_000
#: Recordings that wait (at most 48 KB each): one is written when nothing else waits.
MOST_RECORDINGS = 8


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What had to be dropped before the centre confirmed it. `rows` 0: it never reached the spool."""

    rows: int = 0
    readings: int = 0
    gaps: int = 0
    events: int = 0
    first_at: int | None = None
    last_at: int | None = None
    why: str = ""  #: memory | spool_full | spool_damaged
    kept_as: str = ""  #: where the damaged file was moved to, for a person with time

    def plus(self, other: Loss) -> Loss:
        """Both losses as one; the first reason given stays."""
        firsts = [at for at in (self.first_at, other.first_at) if at is not None]
        lasts = [at for at in (self.last_at, other.last_at) if at is not None]
        return Loss(
            rows=self.rows + other.rows,
            readings=self.readings + other.readings,
            gaps=self.gaps + other.gaps,
            events=self.events + other.events,
            first_at=min(firsts, default=None),
            last_at=max(lasts, default=None),
            why=self.why or other.why,
            kept_as=self.kept_as or other.kept_as,
        )

    def event(self, at: int) -> Event:
        """As it is told to the centre. A time or count that nobody knows is left out, never 0."""
        known = {key: value for key, value in msgspec.structs.asdict(self).items() if value not in (None, "")}
        if self.why == "spool_damaged":
            known = {key: value for key, value in known.items() if isinstance(value, str)}
        return Event(kind=EventKind.LOSS, device=None, at=at, data=known)


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into one row."""

    readings: list[Reading | Whole]
    gaps: list[Gap]
    events: list[Event]
    losses: tuple[Loss, ...] = ()


class Backlog:
    """The queue between the rounds and the spool. One loop owns it; nothing here waits."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._found: deque[Reading | Gap | Whole] = deque()
        self._waiting = 0  #: readings and gaps in it
        self._events: deque[Event] = deque()
        self._recordings: deque[Event] = deque()
        self._losses: dict[str, Loss] = {}
        self._gaps = 0  #: of what was found
        self._last: dict[str, int] = {}  #: device -> the greatest `at` that a reading of it was given
        self.top_at = 0  #: the greatest `at` ever given

    def __len__(self) -> int:
        return self._waiting + len(self._events) + len(self._losses) + len(self._recordings)

    def add(self, found: Iterable[Found], *, estimated: bool = False) -> None:
        """Take what a device said; the oldest falls out when too much waits."""
        if type(found) is Whole and not estimated and self._add_whole(found):
            return
        # Readings that come one by one pass here: one loop, no call a reading, one mark a device. Above the device's last
        # time every series rises; only what comes twice in one go, or late, is looked at.
        keep = self._found.append
        device, before, top = "", 0, 0
        seen: set[tuple[str, str | None]] = set()
        for one in found:
            if type(one) is Reading:
                if one.device != device:
                    self._mark(device, top)
                    device = one.device
                    before = top = self._last.get(device, 0)
                    seen.clear()
                at, series = one.at, (one.point, one.index)
                again = series in seen
                if at <= before or again or estimated:
                    one = _restamped(one, top if again else before, estimated=estimated)
                    at = one.at
                seen.add(series)
                if at > top:
                    top = at
                self._waiting += 1
                keep(one)
            elif isinstance(one, Event):
                self._events.append(one)
            else:
                self._gaps += 1
                self._waiting += 1
                keep(one)
        self._mark(device, top)
        self._shrink()

    def _add_whole(self, found: Whole) -> bool:
        """Take a turn as it is: each series once, so above the device's last time there is nothing to put right."""
        device, many = found.device, len(found.values)
        if not many or found.order.absent or found.began <= self._last.get(device, 0):
            return False
        self._found.append(found)
        self._waiting += many
        self._mark(device, found.ended)
        if self._waiting > self._most:
            self._shrink()
        return True

    def _mark(self, device: str, top: int) -> None:
        if device:
            self._last[device] = top
            self.top_at = max(self.top_at, top)

    def keep(self, recording: Event) -> None:
        """Take a recording; it leaves when nothing else waits, and the oldest falls out first."""
        self._recordings.append(recording)
        while len(self._recordings) > MOST_RECORDINGS:
            event = self._recordings.popleft()
            self.lose(Loss(why="memory", events=1, first_at=event.at, last_at=event.at))

    def lose(self, loss: Loss) -> None:
        """Count a loss; it leaves with the next batch."""
        self._losses[loss.why] = self._losses.get(loss.why, Loss(why=loss.why)).plus(loss)

    def take(self) -> Chunk:
        """The oldest that waits, at most one row's worth. Losses known so far go along."""
        if self._recordings and not (self._found or self._events or self._losses):
            return Chunk(readings=[], gaps=[], events=[self._recordings.popleft()])
        found = self._oldest()
        gaps = [one for one in found if type(one) is Gap] if self._gaps else []
        self._gaps -= len(gaps)
        chunk = Chunk(
            readings=[one for one in found if not isinstance(one, Gap)],
            gaps=gaps,
            events=list(self._events),
            losses=tuple(self._losses.values()),
        )
        self._events.clear()
        self._losses.clear()
        return chunk

    def _oldest(self) -> list[Reading | Gap | Whole]:
        """What goes into the next row: at most so many, but a turn stays together."""
        if self._waiting <= MOST_IN_ROW:
            found = list(self._found)
            self._found.clear()
            self._waiting = 0
            return found
        found, many = [], 0
        while self._found and (not many or many + _many(self._found[0]) <= MOST_IN_ROW):
            found.append(one := self._found.popleft())
            many += _many(one)
        self._waiting -= many
        return found

    def _shrink(self) -> None:
        while self._waiting > self._most:
            one = self._found.popleft()
            many, gap = _many(one), type(one) is Gap
            self._waiting -= many
            self._gaps -= gap
            first, last = (one.began, one.ended) if isinstance(one, Whole) else (one.at, one.at)
            self.lose(Loss(why="memory", readings=0 if gap else many, gaps=int(gap), first_at=first, last_at=last))
        while len(self._events) > MOST_EVENTS:
            event = self._events.popleft()
            self.lose(Loss(why="memory", events=1, first_at=event.at, last_at=event.at))


def _many(one: Reading | Gap | Whole) -> int:
    return len(one.values) if type(one) is Whole else 1


def _restamped(one: Reading, above: int, *, estimated: bool) -> Reading:
    """The reading at a time above `above`, its quality no better than the clock's."""
    quality = max(one.quality, int(Quality.TIME_ESTIMATED)) if estimated else one.quality
    at = max(one.at, above + 1)
    if at == one.at and quality == one.quality:
        return one
    return msgspec.structs.replace(one, at=at, quality=quality)

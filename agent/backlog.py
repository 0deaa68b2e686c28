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

    readings: list[Reading]
    gaps: list[Gap]
    events: list[Event]
    losses: tuple[Loss, ...] = ()

    def __len__(self) -> int:
        return len(self.readings) + len(self.gaps) + len(self.events) + len(self.losses)


class Backlog:
    """The queue between the rounds and the spool. One loop owns it; nothing here waits."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._found: deque[Reading | Gap] = deque()
        self._events: deque[Event] = deque()
        self._recordings: deque[Event] = deque()
        self._losses: dict[str, Loss] = {}
        self._gaps = 0  #: of what was found
        self._last: dict[str, int] = {}  #: device -> the greatest `at` that a reading of it was given
        self.top_at = 0  #: the greatest `at` ever given

    def __len__(self) -> int:
        return len(self._found) + len(self._events) + len(self._losses) + len(self._recordings)

    def add(self, found: Iterable[Found], *, estimated: bool = False) -> None:
        """Take what a device said; the oldest falls out when too much waits."""
        # Each reading of the fleet passes here: one loop, no call a reading, one mark a device. Above the device's last
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
                keep(one)
            elif isinstance(one, Event):
                self._events.append(one)
            else:
                self._gaps += 1
                keep(one)
        self._mark(device, top)
        self._shrink()

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
        found: list[Reading | Gap]
        if len(self._found) <= MOST_IN_ROW:
            found = list(self._found)
            self._found.clear()
        else:
            found = [self._found.popleft() for _ in range(MOST_IN_ROW)]
        gaps = [one for one in found if type(one) is Gap] if self._gaps else []
        self._gaps -= len(gaps)
        chunk = Chunk(
            readings=[one for one in found if type(one) is Reading],
            gaps=gaps,
            events=list(self._events),
            losses=tuple(self._losses.values()),
        )
        self._events.clear()
        self._losses.clear()
        return chunk

    def _shrink(self) -> None:
        while len(self._found) > self._most:
            one = self._found.popleft()
            gap = isinstance(one, Gap)
            self._gaps -= gap
            self.lose(Loss(why="memory", readings=int(not gap), gaps=int(gap), first_at=one.at, last_at=one.at))
        while len(self._events) > MOST_EVENTS:
            event = self._events.popleft()
            self.lose(Loss(why="memory", events=1, first_at=event.at, last_at=event.at))


def _restamped(one: Reading, above: int, *, estimated: bool) -> Reading:
    """The reading at a time above `above`, its quality no better than the clock's."""
    quality = max(one.quality, int(Quality.TIME_ESTIMATED)) if estimated else one.quality
    at = max(one.at, above + 1)
    if at == one.at and quality == one.quality:
        return one
    return msgspec.structs.replace(one, at=at, quality=quality)

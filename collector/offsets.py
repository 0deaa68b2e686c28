"""Clocks that were wrong: what to add to the times of one boot of one agent (pure).

An agent's time line never jumps within a boot, so one number a boot puts it right. It is learned when an
agent says, with a batch of its present boot, what time it believes it is. Rows are never rewritten: detectors
get corrected times at the door, and history is corrected when it is read (history/corrected.py). Times of a
boot that ended before it ever reached the centre stay as they are: nobody can know.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from collector.store.deliveries import Offset
from model.batch import Batch


class OffsetBook:
    """All known offsets. `limit_ms`: a difference this small is travel time, not a wrong clock."""

    def __init__(self, limit_ms: float, known: Iterable[Offset] = ()) -> None:
        self.limit_ms = limit_ms
        self._by_site: dict[str, list[Offset]] = {}
        for offset in known:
            self._by_site.setdefault(offset.site, []).append(offset)

    def of(self, site: str, boot: str) -> int:
        """What to add to the times of a boot, as last learned."""
        return next((o.offset_ms for o in reversed(self._by_site.get(site, ())) if o.boot == boot), 0)

    def segments(self, site: str) -> list[Offset]:
        """The stretches of the agent's time line of a site that must be moved."""
        return self._by_site.get(site, [])

    def look(self, batch: Batch, site: str, measured_ms: int | None) -> Offset | None:
        """The segment that this batch begins or lengthens, or None; not kept until `keep`.

        `measured_ms` is the centre's time less the agent's, when the batch is of the agent's present boot.
        """
        known = next((o for o in reversed(self._by_site.get(site, ())) if o.boot == batch.boot), None)
        if known is None and (measured_ms is None or abs(measured_ms) <= self.limit_ms):
            return None  # nearly always: the clock is right
        first, last = span(batch)
        if measured_ms is not None and abs(measured_ms - (known.offset_ms if known else 0)) > self.limit_ms:
            return Offset(site=site, boot=batch.boot, offset_ms=measured_ms, since=first, until=last + 1)
        if known is not None and last >= known.until:
            return msgspec.structs.replace(known, until=last + 1)
        return None

    def keep(self, offset: Offset) -> None:
        """It was committed."""
        segments = self._by_site.setdefault(offset.site, [])
        if segments and (segments[-1].boot, segments[-1].since) == (offset.boot, offset.since):
            segments[-1] = offset
        else:
            segments.append(offset)


def span(batch: Batch) -> tuple[int, int]:
    """The first and last time in a batch, on the agent's time line."""
    times = [batch.at, *(r.at for r in batch.readings), *(g.at for g in batch.gaps), *(e.at for e in batch.events)]
    return min(times), max(times)

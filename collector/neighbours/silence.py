"""A program that tells the centre of devices and stops, and a device of which it stops to tell: gaps, as an agent's.

An agent that asks and hears nothing writes a gap, and the detectors do the rest. Nobody asks here, so the centre writes
the gap when a device was not heard for longer than its mapping allows:

    one device late, others of its source heard      a gap of that device
    the whole source late                            a gap of the source alone (SITE/SOURCE): one cause, one incident

A source that is heard writes a reading of its own, `neighbour.messages`, so its silence ends like a device's. Only what was
told of the present counts: a program that brings in an old year and ends is not missed. A source whose key is revoked,
or whose broker left the file, is not missed either.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING

import msgspec
import structlog

from collector.neighbours.memory import Heard, Memory
from collector.store import fleet
from collector.writer import Post
from model.batch import Batch, encode
from model.reading import Gap, GapCause, Reading

if TYPE_CHECKING:
    from collector.running import Running

POINT = "neighbour.messages"
#: Gaps of one silence that follow each other closely: what `device_silent` needs, and one more. Then one in ten minutes.
_QUICK = 4
_AGAIN_MS = 600_000
#: A source that is heard says so this often (story ms).
_BEAT_MS = 30_000
#: Real seconds between two looks.
_EVERY_S = 10.0
WRITER = "writer-"
Heards = Mapping[tuple[str, str], Heard]
log = structlog.get_logger()


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A program that tells of devices of one site."""

    id: str
    site: str
    silent_after_s: float

    @property
    def device(self) -> str:
        """What stands for it where a device is asked for."""
        return f"{self.site}/{self.id}"


def late(heard: Heards, now: int) -> list[tuple[str, str]]:
    """Who is silent, as (source, device): of a source that is itself late only the source.

    >>> of = {("t", "s/t"): Heard(at=0, limit_ms=9), ("t", "s/ups"): Heard(at=5, limit_ms=3)}
    >>> late(of, 9), late(of, 10)
    ([('t', 's/ups')], [('t', 's/t')])
    """
    over = [key for key, one in heard.items() if now - one.at > one.limit_ms]
    dead = {source for source, device in over if is_source(source, device)}
    return [key for key in over if is_source(*key) or key[0] not in dead]


def is_source(source: str, device: str) -> bool:
    """Whether the entry is of the source as a whole."""
    return device.partition("/")[2] == source


class Silence:
    """Who was heard when. `hear` is called with what was kept; `watch` runs beside the writer."""

    def __init__(self, memory: Memory, brokers: Set[str] = frozenset()) -> None:
        """`brokers`: the ids of the brokers of the file; what is remembered of others is forgotten."""
        self._memory = memory
        known = memory.heard()
        gone = [key for key in known if not key[0].startswith(WRITER) and key[0] not in brokers]
        memory.hear({}, gone)
        self._heard = {key: one for key, one in known.items() if key not in gone}
        self._new: dict[tuple[str, str], Heard] = {}
        self._counts: Counter[str] = Counter()
        self._told: dict[tuple[str, str], tuple[int, int]] = {}  #: gaps written of this silence, and when the last
        self._beats: dict[str, tuple[int, int]] = {}  #: when a source's count was written last, and which

    def hear(self, source: Source, heard: Mapping[str, int], limits: Mapping[str, float], now: int) -> None:
        """`heard`: when each device was told of last; `limits`: seconds after which it is missed, 0 for never."""
        self._counts[source.id] += 1
        fresh = {d: at for d, at in heard.items() if now - at <= 1000 * (limits.get(d, 0) or source.silent_after_s)}
        if fresh and source.silent_after_s:
            self._note((source.id, source.device), now, source.silent_after_s)
        for device, at in fresh.items():
            if limits.get(device):
                self._note((source.id, device), min(at, now), limits[device])

    def _note(self, key: tuple[str, str], at: int, limit_s: float) -> None:
        before = self._heard.get(key)
        one = Heard(at=max(at, before.at if before else 0), limit_ms=round(limit_s * 1000))
        self._heard[key] = self._new[key] = one
        self._told.pop(key, None)

    async def watch(self, centre: Running) -> None:
        """Look, for as long as the centre runs."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.look(centre)
            except Exception:  # supervisor: a look that fails is logged, the next one tries again
                log.exception("looking for silent neighbours failed")

    async def look(self, centre: Running) -> None:
        """Write what is to be written now."""
        now = centre.now()
        new, self._new = self._new, {}
        gone = await asyncio.to_thread(self._remember, centre, new)
        for key in gone:
            self._heard.pop(key, None)
        for source, batch in self._batches(now):
            spool, row = await asyncio.to_thread(self._memory.begin, source, {})
            batch = msgspec.structs.replace(batch, spool=spool, row=row)
            answer = await centre.deliver(
                Post(agent="", site=batch.site, batch=batch, body=encode(batch), received_at=now)
            )
            if answer.kept:
                self._wrote(source, batch)

    def _remember(self, centre: Running, new: dict[tuple[str, str], Heard]) -> list[tuple[str, str]]:
        with centre.engine.connect() as conn:
            valid = {f"{WRITER}{agent.id}" for agent in fleet.agents(conn) if agent.revoked_at is None}
        gone = [key for key in self._heard if key[0].startswith(WRITER) and key[0] not in valid]
        if new or gone:
            self._memory.hear(new, gone)
        return gone

    def _batches(self, now: int) -> Iterator[tuple[str, Batch]]:
        """A batch for each source that has something to say, without its spool and row."""
        silent: dict[str, list[str]] = {}
        for source, device in late(self._heard, now):
            count, last = self._told.get((source, device), (0, 0))
            if count < _QUICK or now - last >= _AGAIN_MS:
                silent.setdefault(source, []).append(device)
        for source, own in [key for key in self._heard if is_source(*key)]:
            gaps = [
                Gap(device=device, point=None, index=None, at=now, cause=GapCause.NO_ANSWER, where=f"told by {source}")
                for device in sorted(silent.get(source, ()))
            ]
            readings = [] if own in silent.get(source, ()) else self._beat(source, own, now)
            if gaps or readings:
                yield source, _batch(source, own.partition("/")[0], readings, gaps, now)

    def _beat(self, source: str, own: str, now: int) -> list[Reading]:
        count = self._counts[source]
        at, last = self._beats.get(source, (0, 0))
        if count == last or now - at < _BEAT_MS:
            return []
        return [Reading(device=own, point=POINT, index=None, at=now, value=float(count))]

    def _wrote(self, source: str, batch: Batch) -> None:
        for gap in batch.gaps:
            count, _ = self._told.get((source, gap.device), (0, 0))
            self._told[source, gap.device] = (count + 1, gap.at)
        for reading in batch.readings:
            self._beats[source] = (reading.at, int(reading.value))

    def flush(self) -> None:
        """Keep what was heard since the last look. Blocks."""
        self._memory.hear(self._new)
        self._new = {}


def _batch(source: str, site: str, readings: list[Reading], gaps: list[Gap], now: int) -> Batch:
    boot = f"{fleet.WRITER}{source}"
    return Batch(spool="", row=0, site=site, boot=boot, at=now, readings=readings, gaps=gaps, events=[])

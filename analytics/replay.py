"""History through the same code as live data: for back-tests, for start-up, and for tests.

Deterministic: the same batches give the same changes. `now` of each batch is its newest time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from analytics.detector import Context
from analytics.watch import Watch, blocks_of, step
from model.finding import Change
from model.reading import Gap, Reading


def replay(
    batches: Iterable[tuple[list[Reading], list[Gap]]], context_of: Callable[[str], Context], watch: Watch | None = None
) -> Iterator[tuple[int, list[Change]]]:
    """For each batch its newest time and what the detectors said; `watch` carries on from a snapshot if given."""
    watch = Watch() if watch is None else watch
    for readings, gaps in batches:
        blocks = blocks_of(readings, gaps)
        now = max((block.last_at for block in blocks), default=0)
        yield now, step(watch, blocks, context_of, now)

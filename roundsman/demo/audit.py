"""Proof of delivery: every reading that a spool acknowledged, against what history holds.

The agents of a demo keep delivered rows, so the two sides can be compared reading by reading after the
agents have stopped: `lost` are readings a spool committed that history has not, `doubled` those it has
more than once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.spool_reading import read_rows
from collector.history import History
from model.reading import Series


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of readings; `undelivered` rows were still waiting in a spool when it was made."""

    spooled: int
    lost: int
    doubled: int
    undelivered: int


def audit(spools: Iterable[Path], history: History) -> Audit:
    """Compare every spool with history. The agents must have stopped."""
    expected: dict[Series, Counter[tuple[int, float]]] = {}
    undelivered = 0
    for path in spools:
        for batch, delivered in read_rows(path):
            undelivered += not delivered
            for r in batch.readings:
                expected.setdefault((r.device, r.point, r.index), Counter())[r.at, r.value] += 1
    lost = doubled = 0
    for series, wanted in expected.items():
        times = [at for at, _ in wanted]
        found = history.range(series, min(times), max(times) + 1)
        kept = Counter(zip(found.at, found.value, strict=True))
        lost += sum((wanted - kept).values())
        doubled += sum((kept - wanted).values())
    return Audit(spooled=sum(c.total() for c in expected.values()), lost=lost, doubled=doubled, undelivered=undelivered)

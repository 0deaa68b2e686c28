"""What a detector is: the contract every file in `detectors/` keeps.

A detector is pure. Its state is plain data (dicts, lists, strings, numbers: msgspec can write it), handed
in and handed back, so a snapshot is one call and a replay is a loop. One state a device and detector.
It sees the columns of one device from one batch, in event time, and answers with changes only.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from analytics.cohort import Cohort
from model.finding import Change
from model.inventory import Device, Site
from model.reading import Gap

#: Plain data only: it is written to the snapshot by msgspec.
State = dict[str, Any]


class Column(msgspec.Struct):
    """One series of one batch: rising times (ms) and the values beside them. Never empty."""

    at: list[int]
    value: list[float]


class Block(msgspec.Struct):
    """What one batch says of one device. `columns[point][index]`; `gaps` in time order."""

    device: str
    columns: dict[str, dict[str | None, Column]]
    gaps: list[Gap]
    first_at: int
    last_at: int


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What the inventory and the fleet's memory know. `wire_s` is the least time, in story seconds, that a round can take."""

    device: Device
    site: Site
    siblings: tuple[Device, ...] = ()
    wire_s: float = 1.0
    cohort: Cohort | None = None  #: what its siblings do at all customers, as of last night


class Detector(Protocol):
    """`kinds` are the findings it may raise; `needs` the points that wake it (empty: woken by every block)."""

    kinds: frozenset[str]
    needs: frozenset[str]

    def fresh(self) -> State:
        """The state before the first reading."""
        ...

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:
        """Take in one block. `now` is the collector's time (ms); decisions use the block's own times."""
        ...

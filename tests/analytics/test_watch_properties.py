"""Findings do not depend on how the readings were cut into batches, nor on restarts: the whole `watch.step`, both tables of detectors."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.watch import Watch, blocks_of, step
from model.finding import Change, Cleared
from model.inventory import Battery
from model.reading import Gap, Reading
from tests.analytics.timeline import T0, context
from tests.contracts.test_detectors import DEVICE, wild

Said = dict[tuple[str, str | None], list[Change]]
_CONTEXT = context(DEVICE, battery=Battery(blocks=16, block_ah=38))


@cache
def story() -> tuple[list[Reading], list[Gap]]:
    """An hour of every fault, then days with a round every half hour, the silence at the end included."""
    readings = sorted((r for line in wild(3) for r in line.readings), key=lambda r: r.at)
    return readings, sorted((g for line in wild(3) for g in line.gaps), key=lambda g: g.at)


def told(cuts: list[int], restarts: frozenset[int] = frozenset()) -> Said:
    """What is said of each kind and part, in order, when batches end at these times; restarted before those of `restarts`."""
    readings, gaps = story()
    watch = Watch()
    found: Said = {}
    begin, gap_begin = 0, 0
    for number, until in enumerate([*cuts, 2**62]):
        if number in restarts:
            watch = msgspec.msgpack.decode(msgspec.msgpack.encode(watch), type=Watch)
        end, gap_end = bisect_left(readings, until, key=lambda r: r.at), bisect_left(gaps, until, key=lambda g: g.at)
        blocks = blocks_of(readings[begin:end], gaps[gap_begin:gap_end])
        begin, gap_begin = end, gap_end
        for change in step(watch, blocks, lambda _: _CONTEXT, 0):
            slot = (
                (change.kind, change.index)
                if isinstance(change, Cleared)
                else (change.finding.kind, change.finding.index)
            )
            found.setdefault(slot, []).append(change)
    assert watch.faults == []
    assert watch.late == 0
    return found


@cache
def whole() -> Said:
    return told([])


@settings(max_examples=15, deadline=None)
@given(
    ends=st.sets(st.one_of(st.integers(0, 2500), st.integers(2500, 160_000)), max_size=40),
    restarts=st.frozensets(st.integers(0, 40)),
)
def test_batches_and_restarts_change_no_finding(ends: set[int], restarts: frozenset[int]) -> None:
    assert len(whole()) > 8, "a story in which little is said proves little"
    assert told([T0 + second * 1000 for second in sorted(ends)], restarts) == whole()

"""The quiet path of the battery's file: on mains, with no run open, a block changes nothing but the newest values.

Most blocks of most batteries are such; walking their samples one by one would cost more than all other detectors together.
`is_quiet` is true only where the walk (`recorder.take`, `file`) would come to the same state, whatever the order of the samples;
`noted` then gives that state. Where a rule of the walk changes, it changes here too: tests/analytics/battery/test_quiet.py compares them.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from operator import le, ne

from analytics import supply
from analytics.battery import file, recorder
from analytics.detector import Block, Column, State
from analytics.walk import ever

_NONE: dict[str, list[float]] = {}


def is_quiet(state: State, block: Block) -> bool:
    """Whether no sample of the block can begin, move or end a run, tell a flag or a result, or fill the battery further."""
    if state["run"] or state["supply"] or state["testing"]:
        return False
    columns = block.columns
    if supply.mentions_battery(block) or ever(block, recorder.TESTING, _up):
        return False
    for point in file.FLAGS:
        if point in columns and ever(block, point, partial(file.flag_news, state["flag"], point)):
            return False
    if file.RESULT in columns and ever(block, file.RESULT, partial(ne, state.get("result"))):
        return False
    step = _next_step(state)
    return step is None or not ever(block, recorder.CHARGE, partial(le, step))


def _next_step(state: State) -> float | None:
    """The charge at which a battery that is filled again reaches the next mark; None: it is full, or needs no filling."""
    filling = state["filling"]
    if not filling or filling.get("full"):
        return None
    return recorder.FULL if "nearly" in filling else recorder.NEARLY


def _up(value: float) -> bool:
    return value >= 0.5


def _warmth(columns: dict[str, dict[str | None, Column]]) -> list[tuple[int, str, float]]:
    """The temperatures told, in the order of the walk."""
    series = columns.get(recorder.WARM)
    if series is None:
        return []
    return sorted(
        (at, index or "", value)
        for index, column in series.items()
        for at, value in zip(column.at, column.value, strict=True)
    )


def before(block: Block, due: int, points: frozenset[str]) -> tuple[Block | None, Block | None]:
    """The block's samples of these points before `due`, and the others; None: there are none."""
    told = {point: series for point, series in block.columns.items() if point in points}
    if not told:
        return None, None
    if block.last_at < due:
        return block, None
    early: dict[str, dict[str | None, Column]] = {}
    late: dict[str, dict[str | None, Column]] = {}
    for point, series in told.items():
        for index, column in series.items():
            cut = bisect_left(column.at, due)
            if cut:
                early.setdefault(point, {})[index] = Column(column.at[:cut], column.value[:cut])
            if cut < len(column.at):
                late.setdefault(point, {})[index] = Column(column.at[cut:], column.value[cut:])
    return _part(block, early), _part(block, late)


def _part(block: Block, columns: dict[str, dict[str | None, Column]]) -> Block | None:
    if not columns:
        return None
    some = [column.at for series in columns.values() for column in series.values()]
    return Block(block.device, columns, [], min(at[0] for at in some), max(at[-1] for at in some))


def first_at(block: Block, points: frozenset[str]) -> int:
    """When the first sample of these points was taken; the block has one."""
    return min(column.at[0] for point, series in block.columns.items() if point in points for column in series.values())


def noted(state: State, block: Block) -> State:
    """The state after a quiet block: a new one, which shares what did not change with the old."""
    columns = block.columns
    now = dict(state["now"])
    after = {**state, "now": now}
    for point in recorder.POINTS:
        series = columns.get(point)
        if series is None:
            continue
        newest = dict(now.get(point, _NONE))
        for index, column in series.items():
            newest[index or ""] = [column.value[-1], column.at[-1]]
        now[point] = newest
    for at, _, value in _warmth(columns):
        file.grow_old(after, at, value)
    if file.LEAST_RUNTIME in columns:
        after["required"] = max((c.at[-1], i or "", c.value[-1]) for i, c in columns[file.LEAST_RUNTIME].items())[2]
    of_volts = recorder.VOLTS in columns or (recorder.CHARGE in columns and recorder.VOLTS not in now)
    if of_volts and _next_step(state) is None:
        after["rest"] = recorder.newest(after, recorder.VOLTS)
    return after

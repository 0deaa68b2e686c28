"""Hours: what a series did in an hour is the same however its readings came, and bad input has a defined outcome."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.detector import Block
from analytics.hours import GRACE_MS, HOUR_MS, HourColumn, Hours, Rolling, roll
from analytics.watch import blocks_of
from model.reading import Reading

DEVICE = "a/b"
#: A full hour, so that the stories below may count in hours.
T0 = 1_770_000_000_000 // HOUR_MS * HOUR_MS
POINTS = frozenset({"ups.load", "ups.temperature"})


def reading(hours: float, value: float, index: str | None = None, point: str = "ups.load") -> Reading:
    return Reading(device=DEVICE, point=point, index=index, at=T0 + round(hours * HOUR_MS), value=value)


def rolled(*batches: list[Reading], rolling: Rolling | None = None) -> list[Hours]:
    rolling = Rolling() if rolling is None else rolling
    found = [roll(rolling, block, POINTS) for batch in batches for block in blocks_of(batch, [])]
    return [hours for hours in found if hours is not None]


def flat(found: list[Hours]) -> dict[tuple[str, str | None], list[tuple[float, ...]]]:
    """Every closed hour, by series: what detectors have seen in the end."""
    rows: dict[tuple[str, str | None], list[tuple[float, ...]]] = {}
    for hours in found:
        for point, series in hours.columns.items():
            for index, column in series.items():
                rows.setdefault((point, index), []).extend(zip(*msgspec.structs.astuple(column), strict=True))
    return rows


def test_an_hour_tells_mean_extremes_ends_and_moves() -> None:
    [hours] = rolled([reading(0.1, 4), reading(0.2, 4), reading(0.5, 1), reading(0.9, 3), reading(2, 9)])
    assert hours.columns["ups.load"][None] == HourColumn(
        at=[T0], n=[4], mean=[3.0], low=[1], high=[4], first=[4], last=[3], moves=[2]
    )
    assert (hours.first_at, hours.last_at) == (T0, T0 + HOUR_MS)


def test_an_hour_waits_for_series_of_a_slower_round() -> None:
    early = reading(1 + (GRACE_MS - 1) / HOUR_MS, 5)
    slow = reading(0.9, 30, point="ups.temperature")
    rolling = Rolling()
    assert rolled([reading(0.5, 4), early], [slow], rolling=rolling) == []
    [hours] = rolled([reading(1 + GRACE_MS / HOUR_MS, 6)], rolling=rolling)
    assert hours.columns.keys() == POINTS
    assert rolling.late == 0


def test_what_comes_after_its_hour_closed_is_counted_and_changes_nothing() -> None:
    rolling = Rolling()
    [hours] = rolled([reading(0.5, 4), reading(2, 5)], [reading(0.6, 30, point="ups.temperature")], rolling=rolling)
    assert hours.columns.keys() == {"ups.load"}
    assert rolling.late == 1


def test_a_month_of_silence_closes_the_hour_before_it_and_invents_none() -> None:
    month = 720
    found = rolled([reading(0.5, 4)], [reading(month + 0.5, 5)], [reading(month + 2, 5)])
    assert [row[0] for row in flat(found)["ups.load", None]] == [T0, T0 + month * HOUR_MS]


def test_a_clock_that_falls_back_is_late_until_it_has_caught_up() -> None:
    rolling = Rolling()
    found = rolled([reading(5.5, 4)], [reading(8, 4)], [reading(2.5, 9)], [reading(10, 4)], rolling=rolling)
    assert [row[0] for row in flat(found)["ups.load", None]] == [T0 + 5 * HOUR_MS, T0 + 8 * HOUR_MS]
    assert rolling.late == 1


def test_a_block_without_any_rolled_point_still_closes_the_hour() -> None:
    rolling = Rolling()
    rolled([reading(0.5, 4)], rolling=rolling)
    later = T0 + 2 * HOUR_MS
    assert roll(rolling, Block(DEVICE, {}, [], later, later), POINTS) is not None


def test_a_stuck_value_has_no_moves() -> None:
    [hours] = rolled([*(reading(n / 100, 7.5) for n in range(90)), reading(2, 1)])
    assert hours.columns["ups.load"][None].moves == [0]


SAMPLES = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([None, "1", "2"]), st.floats(-1e6, 1e6), st.sampled_from([*POINTS])),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(samples=SAMPLES, cuts=st.sets(st.integers(0, 60)), restart=st.booleans())
def test_pieces_and_restarts_give_the_hours_of_the_whole(
    samples: list[tuple[int, str | None, float, str]], cuts: set[int], restart: bool
) -> None:
    taken: set[tuple[int, str | None, str]] = set()
    line: list[Reading] = []
    for quarter, index, value, point in sorted(samples, key=lambda s: s[0]):
        if (quarter, index, point) not in taken:
            taken.add((quarter, index, point))
            line.append(reading(quarter / 4, value, index, point))
    rolling, found = Rolling(), []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(line)], strict=True):
        found += rolled(line[begin:end], rolling=rolling)
        if restart:
            rolling = msgspec.msgpack.decode(msgspec.msgpack.encode(rolling), type=Rolling)
    assert flat(found) == flat(rolled(line))

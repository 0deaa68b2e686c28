"""What waits in memory for the disk: bounded, rising, every loss counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.backlog import MOST_EVENTS, MOST_IN_ROW, Backlog, Loss
from model.batch import Event, EventKind
from model.reading import Gap, GapCause, Quality, Reading


def reading(at: int, point: str = "battery.charge", quality: int = 0, device: str = "s/u") -> Reading:
    return Reading(device=device, point=point, index=None, at=at, value=1.0, quality=quality)


def gap(at: int) -> Gap:
    return Gap(device="s/u", point=None, index=None, at=at, cause=GapCause.NO_ANSWER)


def identity(at: int) -> Event:
    return Event(kind=EventKind.IDENTITY, device="s/u", at=at, data={"device.model": "X"})


_ASKED = st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("ab"), st.integers(0, 20)), max_size=20)


@given(st.lists(_ASKED, max_size=5), st.booleans())
def test_times_of_a_series_always_rise(turns: list[list[tuple[str, str, int]]], estimated: bool) -> None:
    backlog = Backlog()
    for turn in turns:
        backlog.add([reading(at, point, device=device) for device, point, at in turn], estimated=estimated)
    taken = backlog.take().readings
    asked = [one for turn in turns for one in turn]
    assert len(taken) == len(asked), "none is dropped to make times unique"
    assert all(one.at >= at for one, (_, _, at) in zip(taken, asked, strict=True)), "none is put back"
    for series in {(device, point) for device, point, _ in asked}:
        times = [one.at for one in taken if (one.device, one.point) == series]
        assert times == sorted(set(times))
    assert backlog.top_at == max((one.at for one in taken), default=0)
    assert {one.quality for one in taken} <= {int(Quality.TIME_ESTIMATED if estimated else Quality.GOOD)}


def test_while_the_disk_takes_nothing_the_newest_are_kept_and_the_rest_is_counted() -> None:
    backlog = Backlog(most=10)
    backlog.add([gap(1), *(reading(at) for at in range(2, 26))])
    chunk = backlog.take()
    assert [one.at for one in chunk.readings] == list(range(16, 26))
    assert chunk.losses == (Loss(why="memory", readings=14, gaps=1, first_at=1, last_at=15),)
    assert not len(backlog)


def test_events_outlive_readings_and_are_counted_when_they_fall_out_too() -> None:
    backlog = Backlog(most=1)
    backlog.add([identity(5), *(reading(at) for at in range(10, 20))])
    assert len(backlog.take().events) == 1
    backlog.add([identity(at) for at in range(MOST_EVENTS + 3)])
    chunk = backlog.take()
    assert len(chunk.events) == MOST_EVENTS
    assert chunk.losses[-1].events == 3


def test_a_row_takes_ten_thousand_and_the_next_row_the_rest() -> None:
    backlog = Backlog()
    backlog.add([reading(at) for at in range(1, MOST_IN_ROW + 11)])
    assert len(backlog.take().readings) == MOST_IN_ROW
    assert len(backlog.take().readings) == 10


def test_readings_under_an_unset_clock_say_so_and_keep_a_worse_mark() -> None:
    backlog = Backlog()
    backlog.add([reading(1), reading(2, quality=Quality.SUSPECT)], estimated=True)
    assert [one.quality for one in backlog.take().readings] == [Quality.TIME_ESTIMATED, Quality.SUSPECT]


def test_a_loss_tells_what_is_known_and_invents_nothing() -> None:
    known = Loss(why="spool_full", rows=2, readings=9, gaps=0, first_at=5, last_at=8).event(99)
    assert known.data == {
        "rows": 2, "readings": 9, "gaps": 0, "events": 0, "first_at": 5, "last_at": 8, "why": "spool_full",
    }  # fmt: skip
    damaged = Loss(why="spool_damaged", kept_as="spool.sqlite.damaged-1").event(99)
    assert damaged.data == {"why": "spool_damaged", "kept_as": "spool.sqlite.damaged-1"}

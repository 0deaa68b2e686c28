"""A turn in columns says what its readings and gaps would say one by one."""

from __future__ import annotations

from pathlib import Path

from agent.backlog import MOST_IN_ROW, Backlog, Loss
from agent.quiet import TELL_AGAIN_MS, Quiet
from agent.recorder import Limits, Recorder
from agent.spool import Spool
from agent.urgency import Alarms, Urgency
from agent.whole import Order, Whole
from model.batch import decode
from model.points import Source
from model.reading import Gap, GapCause, Reading

UPS = "sz/ups-1"
SERIES = (("input.voltage", "1"), ("input.voltage", "2"), ("ups.source", None))
LACKS = Gap(device="", point="battery.temperature", index=None, at=0, cause=GapCause.NOT_SUPPORTED, where="1.3")
ORDER, LACKING = Order(SERIES), Order(SERIES, [LACKS])


def turn(at: int | list[int], *, order: Order = ORDER, source: float = 3.0, device: str = UPS) -> Whole:
    return Whole(device, order, [230.1, 229.9, source], at, max(at) if isinstance(at, list) else at)


def plain(found: Whole) -> list[Reading | Gap]:
    return [one for one in found if isinstance(one, Reading | Gap)]


def test_it_is_the_sequence_of_its_readings_and_then_of_what_is_absent() -> None:
    found = turn([5, 7, 6], order=LACKING)
    assert [(one.point, one.index, one.at) for one in plain(found)] == [
        ("input.voltage", "1", 5),
        ("input.voltage", "2", 7),
        ("ups.source", None, 6),
        ("battery.temperature", None, 7),
    ]
    assert len(found) == 4
    assert {one.device for one in plain(found)} == {UPS}
    assert (found.began, found.ended) == (5, 7)
    assert plain(found.bare()) == plain(found)[:3]


def test_one_more_reading_has_the_time_of_the_end() -> None:
    assert plain(turn([5, 7, 6]).with_last("device.round_trip", 0.2))[-1].at == 7
    with_trip = turn(5).with_last("device.round_trip", 0.2)
    assert plain(with_trip)[-1] == Reading(device=UPS, point="device.round_trip", index=None, at=5, value=0.2)
    assert turn(6).with_last("device.round_trip", 0.3).order is with_trip.order, "one order for the whole fleet"


def test_turns_come_out_of_the_spool_as_readings_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    single = Reading(device=UPS, point="input.voltage", index="1", at=12, value=231.0, quality=2)
    backlog = Backlog()
    for found in (turn(10), [single], turn([15, 16, 17])):
        backlog.add(found)
    assert len(backlog) == 7
    spool = Spool(tmp_path / "spool.sqlite", max_mb=10)
    spool.write("sz", "boot", 20, backlog.take())
    batch = decode(spool.undelivered(0)[0].packed)
    assert batch.readings == [*plain(turn(10)), single, *plain(turn([15, 16, 17]))]
    assert spool.last_at == 20
    assert len(backlog) == 0
    spool.close()


def test_a_turn_that_is_not_above_the_last_one_is_put_right_reading_by_reading() -> None:
    backlog = Backlog()
    backlog.add(turn(10))
    backlog.add(turn(10))
    backlog.add(turn(30), estimated=True)
    taken = [one for found in backlog.take().readings for one in (found if isinstance(found, Whole) else [found])]
    assert [one.at for one in taken if isinstance(one, Reading)] == [10] * 3 + [11] * 3 + [30] * 3
    assert backlog.top_at == 30


def test_what_falls_out_and_what_fills_a_row_is_counted_in_readings() -> None:
    backlog = Backlog(most=7)
    for at in (1, 2, 3):
        backlog.add(turn(at))
    chunk = backlog.take()
    assert len(chunk.readings) == 2
    assert chunk.losses == (Loss(why="memory", readings=3, first_at=1, last_at=1),)
    backlog = Backlog(most=10 * MOST_IN_ROW)
    for n in range(MOST_IN_ROW):
        backlog.add(turn(1, device=f"sz/ups-{n}"))
    assert len(backlog.take().readings) == MOST_IN_ROW // 3
    assert len(backlog) == 3 * MOST_IN_ROW - 3 * (MOST_IN_ROW // 3)


def test_an_absence_is_told_once_an_hour_and_when_a_value_came_between() -> None:
    quiet = Quiet()
    assert [*quiet.sift(turn(1))] == plain(turn(1))
    assert len(quiet.sift(turn(2, order=LACKING))) == 4
    assert len(quiet.sift(turn(3, order=LACKING))) == 3
    assert len(quiet.sift(turn(2 + TELL_AGAIN_MS, order=LACKING))) == 4
    there = Order([("battery.temperature", None)])
    assert len(quiet.sift(Whole(UPS, there, [21.0], 9, 9))) == 1
    assert len(quiet.sift(turn(10, order=LACKING))) == 4


def test_alarms_and_the_recorder_hear_what_the_readings_say() -> None:
    alarms, recorder = Alarms(), Recorder(Limits(after_s=0.0))
    assert alarms.heard(turn(1), 1) is Urgency.CALM
    assert alarms.heard(turn(2, source=Source.BATTERY), 2) is Urgency.BATTERY
    assert alarms.heard(Whole(UPS, Order([("ups.load", None)]), [3.0], 3, 3), 3) is None
    recorder.seen(turn(1), 1.0, 1)
    assert recorder.due(1.0) is None
    recorder.seen(turn(2, source=Source.BATTERY), 2.0, 2)
    due = recorder.due(2.0)
    assert due is not None
    assert (due.why.point, due.why.before, due.why.after) == ("ups.source", 3.0, 5.0)

"""When a line is recorded: on a change, a burst of gaps, a wish; not on the first value, and not again and again."""

from __future__ import annotations

from agent.backlog import MOST_IN_ROW, Backlog
from agent.recorder import Allowance, Due, Limits, Recorder
from model.batch import Event, EventKind
from model.reading import Gap, GapCause, Reading

UPS = "sz/ups-1"
AT = 1_790_000_000_000


def value(point: str, number: float, device: str = UPS, index: str | None = None) -> Reading:
    return Reading(device=device, point=point, index=index, at=AT, value=number)


def gap(point: str | None, cause: GapCause = GapCause.NO_ANSWER, device: str = UPS) -> Gap:
    return Gap(device=device, point=point, index=None, at=AT, cause=cause)


class Line:
    """A recorder with a clock that the test turns."""

    def __init__(self) -> None:
        self.recorder = Recorder(Limits())
        self.now = 1000.0

    def turn(self, *found: Reading | Gap, later: float = 2.0) -> Due | None:
        self.now += later
        self.recorder.seen(found, self.now, AT + round(self.now * 1000))
        return self.recorder.due(self.now)

    def pass_s(self, seconds: float) -> Due | None:
        self.now += seconds
        return self.recorder.due(self.now)


def test_the_first_value_is_no_change_and_a_measurement_never_is_one() -> None:
    line = Line()
    for volts in range(20):
        assert line.turn(value("ups.source", 3), value("input.voltage", 220.0 + volts)) is None
    assert line.pass_s(100) is None


def test_a_change_is_due_when_what_follows_it_is_in_and_names_all_that_changed() -> None:
    line = Line()
    line.turn(value("ups.source", 3), value("alarm.on_battery", 0))
    assert line.turn(value("ups.source", 5)) is None
    began = line.now
    assert line.turn(value("alarm.on_battery", 1)) is None
    due = line.pass_s(10)
    assert due is not None
    assert (due.why.point, due.why.before, due.why.after) == ("ups.source", 3, 5)
    assert [why.point for why in due.also] == ["alarm.on_battery"]
    assert (due.began, due.since) == (began, began - 60)
    assert due.at == AT + round(began * 1000)
    assert line.pass_s(100) is None, "once"


def test_a_port_that_flaps_is_recorded_once_in_five_minutes_and_the_rest_is_counted() -> None:
    line = Line()
    made = []
    for n in range(140):
        due = line.turn(value("ifOperStatus", 1 + n // 5 % 2, "sz/sw-1", "3"))
        made += [due] if due else []
    assert [(due.why.after, [why.after for why in due.also]) for due in made] == [(2, [1])]
    assert line.recorder.forbidden > 20
    line.pass_s(400)
    line.turn(value("ups.source", 3), value("ups.test.result", 6))
    line.turn(value("ups.test.result", 5))
    due = line.pass_s(10)
    assert due is not None
    assert due.suppressed > 20


def test_a_burst_of_gaps_after_health_is_recorded_once_until_the_device_answers_again() -> None:
    line = Line()
    for _ in range(9):
        assert line.turn(gap(None)) is None
    assert line.pass_s(60) is None, "it never answered: nothing is lost"
    line.turn(value("ups.source", 3))
    for _ in range(3):
        line.turn(gap(None))
    due = line.pass_s(10)
    assert due is not None
    assert due.why.kind == "gaps"
    for _ in range(9):
        line.turn(gap(None))
    assert line.pass_s(400) is None, "it has not answered since"
    line.turn(value("ups.source", 3))
    for _ in range(5):
        line.turn(gap("input.voltage", GapCause.GARBLED))
    due = line.pass_s(10)
    assert due is not None
    assert due.why.count == 5


def test_gaps_far_apart_or_of_another_cause_are_no_burst() -> None:
    line = Line()
    line.turn(value("ups.source", 3))
    for _ in range(20):
        line.turn(gap("input.voltage"), later=31)
        line.turn(*(gap(f"p{n}", GapCause.NOT_SUPPORTED) for n in range(9)), later=1)
    assert line.pass_s(60) is None


def test_a_wish_of_the_centre_is_met_and_repeated_ones_are_the_same_wish() -> None:
    line = Line()
    line.recorder.ask(UPS, line.now, AT)
    line.recorder.ask(UPS, line.now + 1, AT)
    due = line.pass_s(10)
    assert due is not None
    assert (due.why.kind, due.also) == ("asked", ())
    line.recorder.ask(UPS, line.now + 1, AT)
    assert line.pass_s(15) is None
    line.recorder.ask(UPS, line.now + 10, AT)
    assert line.pass_s(30) is not None
    assert line.recorder.forbidden == 0


def test_a_line_that_is_given_up_records_what_was_under_way() -> None:
    line = Line()
    line.turn(value("ups.source", 3))
    line.turn(value("ups.source", 5))
    assert line.recorder.due(line.now + 1, ending=True) is not None
    assert line.recorder.due(line.now + 1, ending=True) is None


def test_a_day_has_so_many_bytes_and_the_next_day_has_them_again() -> None:
    day = Allowance(1000, day_s=100)
    assert [day.take(400, now) for now in (0, 1, 2)] == [True, True, False]
    assert day.refused == 1
    assert not day.take(400, 99)
    assert day.take(400, 100)


def recording(n: int) -> Event:
    return Event(kind=EventKind.ATTACHMENT, device=UPS, at=AT + n, data={"content": str(n)})


def test_recordings_leave_behind_the_readings_each_in_a_row_of_its_own() -> None:
    backlog = Backlog()
    backlog.keep(recording(1))
    backlog.keep(recording(2))
    backlog.add([value("ups.load", n) for n in range(2 * MOST_IN_ROW + 100)])
    rows = []
    while len(backlog):
        rows.append(backlog.take())
    assert [len(row.readings) for row in rows] == [MOST_IN_ROW, MOST_IN_ROW, 100, 0, 0]
    assert [[event.data["content"] for event in row.events] for row in rows] == [[], [], [], ["1"], ["2"]]


def test_recordings_that_find_no_disk_fall_out_the_oldest_first_and_are_told() -> None:
    backlog = Backlog()
    for n in range(11):
        backlog.keep(recording(n))
    first = backlog.take()
    assert [(loss.why, loss.events, loss.first_at) for loss in first.losses] == [("memory", 3, AT)]
    rest = [backlog.take() for _ in range(8)]
    assert [int(row.events[0].data["content"]) for row in rest] == list(range(3, 11))

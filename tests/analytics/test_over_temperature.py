from __future__ import annotations

import pytest

from analytics.watch import Watch
from model.finding import Severity
from tests.analytics.timeline import UPS, Line, cleared, last, raised, second, tell

KIND = "over_temperature"
HOUR, DAY = 3600, 86_400
#: The device's day begins at midnight, UTC (`timeline.T0` is 02:40).
MIDNIGHT = DAY - 9600


def room(days: int, top: float, *, swing: float = 2.0, start: float = MIDNIGHT, line: Line | None = None) -> Line:
    """A battery that is at `top` for four hours each day, and `swing` cooler at night; a sample an hour."""
    line = Line() if line is None else line
    for hour in range(days * 24):
        away = min(abs(hour % 24 - 14), 8) / 8
        line.say(start + hour * HOUR, battery__temperature=round(2 * (top - swing * max(away - 0.25, 0) / 0.75)) / 2)
    return line


def after(days: int) -> float:
    """The midnight after so many days."""
    return MIDNIGHT + days * DAY


def test_a_room_that_is_always_near_the_limit_is_not_told_for_an_hour_over_it() -> None:
    line = room(60, 39.5)
    room(2, 40.5, swing=4.0, start=after(60), line=line)
    room(20, 39.5, start=after(62), line=line)
    room(1, 41.0, swing=6.0, start=after(82), line=line)
    assert raised(tell(line, batch_s=DAY), KIND) == []


def test_the_same_hour_in_a_cool_room_is_told_as_before() -> None:
    line = room(60, 34)
    start = after(60)
    for n in range(6):
        line.say(start + n * 10, battery__temperature=40.5)
    [finding] = raised(tell(line, batch_s=10 * DAY), KIND)
    assert finding.since == raised(tell(line), KIND)[0].since
    assert second(finding.since) == start
    assert finding.severity is Severity.MAJOR
    assert finding.claimed == 0.9


def test_two_weeks_make_nothing_usual() -> None:
    line = room(13, 39.5)
    room(2, 40.5, start=after(13), line=line)
    assert len(raised(tell(line, batch_s=DAY), KIND)) >= 1


def test_a_warm_room_is_one_finding_that_stands_and_claims_little() -> None:
    line = room(40, 39.5)
    room(10, 41.5, swing=3.0, start=after(40), line=line)
    room(32, 39.5, start=after(50), line=line)
    changes = tell(line, batch_s=DAY)
    [finding] = raised(changes, KIND)
    assert finding.severity is Severity.WARNING
    assert finding.claimed == 0.2
    assert "39.5" in finding.evidence[0].text.en
    assert "39.5" in finding.evidence[0].text.zh
    assert (finding.evidence[0].expected, finding.evidence[0].point) == (40, "battery.temperature")
    [end] = cleared(changes, KIND)
    assert after(77) < second(end.at) < after(79), "the limit was kept for four weeks"


def test_a_failure_of_the_cooling_in_a_warm_room_is_told_as_fast_as_ever() -> None:
    """6 °C in the first hour from its usual 38 °C: with the first two samples over the plain limit."""
    line = room(40, 39.5)
    start = after(40)
    for n in range(90):
        line.say(start + n * 60, battery__temperature=38 + 0.1 * n)
    [finding] = raised(tell(line, batch_s=600), KIND)
    assert second(finding.since) == start + 21 * 60
    assert finding.severity is Severity.MAJOR
    assert finding.claimed == 0.9


def test_a_slow_rise_in_a_warm_room_is_told_three_degrees_over_its_usual_and_is_well_at_it() -> None:
    line = room(40, 39.5, swing=0.0)
    start = after(40)
    values = [*(39.5 + 0.25 * n for n in range(20)), *([44.5] * 5), *([39.5] * 3), *([39.0] * 3)]
    for n, value in enumerate(values):
        line.say(start + n * HOUR, battery__temperature=value)
    changes = tell(line, batch_s=DAY)
    warm, failed = raised(changes, KIND)
    assert warm.severity is Severity.WARNING, "six hours over the plain limit"
    assert failed.severity is Severity.MAJOR
    assert failed.claimed == 0.9
    assert second(failed.since) == start + 13 * HOUR, "it began when it was more than usual, not when the room was warm"
    assert [second(c.at) for c in cleared(changes, KIND)] == [start + 13 * HOUR - 0.001, start + 28 * HOUR]


def test_the_devices_own_alarm_and_what_is_critical_know_no_past() -> None:
    line = room(40, 39.5)
    start = after(40)
    for n in range(5):
        line.say(start + n * 5, battery__temperature=56, alarm__temperature=0)
    changes = tell(line, batch_s=DAY)
    assert last(changes, KIND).severity is Severity.CRITICAL
    line = room(40, 39.5)
    for n in range(5):
        line.say(start + n * 5, alarm__temperature=1)
    [finding] = raised(tell(line, batch_s=DAY), KIND)
    assert second(finding.since) == start
    assert finding.claimed == 0.9


def test_each_sensor_has_a_past_of_its_own() -> None:
    line = Line()
    for hour in range(40 * 24):
        line.say(MIDNIGHT + hour * HOUR, "1", battery__temperature=39.5).say(
            MIDNIGHT + hour * HOUR, "2", battery__temperature=30
        )
    start = after(40)
    for n in range(8):
        line.say(start + n * 900, "1", battery__temperature=41).say(start + n * 900, "2", battery__temperature=30)
    assert raised(tell(line, batch_s=DAY), KIND) == []
    for n in range(8, 16):
        line.say(start + n * 900, "1", battery__temperature=39.5).say(start + n * 900, "2", battery__temperature=41)
    [finding] = raised(tell(line, batch_s=DAY), KIND)
    assert finding.evidence[0].index == "2"


def test_a_ups_that_always_runs_hot_is_judged_alike() -> None:
    line = Line()
    for hour in range(40 * 24):
        line.say(MIDNIGHT + hour * HOUR, ups__temperature=53.5)
    start = after(40)
    for n in range(4):
        line.say(start + n * HOUR, ups__temperature=55.2)
    assert raised(tell(line, batch_s=DAY), KIND) == []
    for n in range(4, 8):
        line.say(start + n * HOUR, ups__temperature=60.5)
    assert last(tell(line, batch_s=DAY), KIND).severity is Severity.MAJOR


@pytest.mark.parametrize("batch_s", [1800.0, DAY / 3, 4.5 * DAY, None])
def test_it_says_the_same_in_pieces_as_whole(batch_s: float | None) -> None:
    line = room(30, 39.5)
    room(8, 41.5, swing=3.0, start=after(30), line=line)
    room(3, 44.0, swing=5.0, start=after(38), line=line)
    room(12, 39.0, start=after(41), line=line)
    assert tell(line, batch_s=batch_s) == tell(line, batch_s=DAY)


def test_a_cool_device_remembers_nothing() -> None:
    watch = Watch()
    tell(room(40, 34), batch_s=DAY, watch=watch)
    kept = [state for states in (watch.states.get(UPS, {}),) for name, state in states.items() if name == KIND]
    assert all(not state for state in kept)

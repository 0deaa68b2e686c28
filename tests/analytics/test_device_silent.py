from __future__ import annotations

from model.finding import Severity
from model.reading import GapCause
from tests.analytics.timeline import Line, cleared, context, raised, second, tell

KIND = "device_silent"


def test_three_gaps_over_15_seconds_are_silence_and_its_start_is_the_first() -> None:
    line = Line().say(0, ups__load=40)
    for s in range(2, 30, 2):
        line.miss(s)
    [finding] = raised(tell(line, batch_s=2), KIND)
    assert second(finding.since) == 2
    assert second(finding.evidence[0].at) == 18
    assert "last answer 18 s ago" in finding.evidence[0].text.en


def test_two_gaps_are_not_however_far_apart() -> None:
    assert raised(tell(Line().say(0, ups__load=40).miss(10).miss(100)), KIND) == []


def test_one_answer_between_begins_the_count_again() -> None:
    line = Line()
    for s in range(0, 60, 2):
        if s % 10 == 0:
            line.say(s, ups__load=40)
        else:
            line.miss(s)
    assert raised(tell(line), KIND) == []
    assert raised(tell(line, batch_s=2), KIND) == []


def test_what_the_agent_says_of_a_device_is_no_answer_of_the_device() -> None:
    line = Line()
    for s in range(0, 30, 2):
        line.miss(s).say(s, device__reachable=0, device__airtime=2, device__timeouts=s)
    assert len(raised(tell(line, batch_s=2), KIND)) == 1
    line.say(40, device__reachable=1, device__round_trip=0.001)
    assert [second(c.at) for c in cleared(tell(line, batch_s=2), KIND)] == [40]


def test_a_slow_wire_has_more_time() -> None:
    line = Line()
    for s in range(0, 100, 5):
        line.miss(s)
    [finding] = raised(tell(line, context_of=lambda d: context(d, wire_s=20)), KIND)
    assert second(finding.evidence[0].at) == 60


def test_missing_points_and_garbage_are_not_silence() -> None:
    line = Line()
    for s in range(0, 100, 5):
        line.miss(s, point="battery.charge").miss(s, cause=GapCause.GARBLED)
    assert raised(tell(line), KIND) == []


def test_the_first_answer_ends_it() -> None:
    line = Line()
    for s in range(0, 30, 5):
        line.miss(s)
    line.say(40, ups__load=40)
    assert [second(c.at) for c in cleared(tell(line, batch_s=5), KIND)] == [40]


def test_a_silence_on_battery_holds_the_last_truth_with_its_age() -> None:
    line = Line()
    for s in range(0, 40, 2):
        line.say(s, ups__source=5, battery__charge=90 - s / 5, battery__runtime=720)
    for s in range(40, 80, 2):
        line.miss(s)
    changes = tell(line, batch_s=2)
    [finding] = raised(changes, KIND)
    assert finding.evidence[0].text.en == "silent since on battery; last seen 82 %, 12 min runtime, 18 s ago"
    assert "电池供电中失联；最后读数 电量 82%、剩余 12 分钟" in finding.evidence[0].text.zh
    assert (finding.evidence[0].point, second(finding.evidence[0].at)) == ("battery.charge", 38)
    assert finding.severity is Severity.MAJOR
    assert "was on battery" in finding.advice.en
    assert cleared(changes, "on_battery") == [], "silence ends no discharge"


def test_a_silence_after_the_mains_came_back_is_an_ordinary_one() -> None:
    line = Line()
    for s in range(0, 40, 2):
        line.say(s, ups__source=5 if s < 20 else 3, battery__charge=90)
    for s in range(40, 80, 2):
        line.miss(s)
    [finding] = raised(tell(line, batch_s=2), KIND)
    assert "last answer" in finding.evidence[0].text.en
    assert finding.severity is Severity.MINOR

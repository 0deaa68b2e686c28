"""States that a device calls bad: one finding a device with all that is bad in it, and no case beside a mains failure."""

from __future__ import annotations

import pytest

from alerts.kinds import KINDS
from analytics.detectors import DETECTORS
from analytics.detectors.bad_state import GRAVE
from analytics.detectors.mains_failed import STATES
from model.finding import Severity
from model.points import POINTS, Kind
from tests.alerts.site import SITE, Board
from tests.analytics.timeline import Line, cleared, last, raised, second, tell

FAILED, WARNING, GOOD = 3, 2, 1


def test_every_state_that_is_called_grave_is_judged_by_somebody() -> None:
    judged = {point for detector in DETECTORS.values() for point in detector.needs}
    assert {point.id for point in POINTS.values() if point.severities} <= judged


def test_no_alarm_flag_that_this_issue_names_is_left_out() -> None:
    judged = {point for detector in DETECTORS.values() for point in detector.needs}
    assert {"alarm.mains_failed", "alarm.inverter_off", "alarm.battery_low_condition", "contact.alarm"} <= judged


@pytest.mark.parametrize("point", sorted(GRAVE))
def test_each_is_raised_in_both_languages_with_its_own_severity_and_ends(point: str) -> None:
    assert POINTS[point].kind is Kind.STATE
    well = float(next(n for n in POINTS[point].states if n not in POINTS[point].severities))
    for value, severity in GRAVE[point].items():
        line = Line()
        for s in range(0, 60, 2):
            line.say(s, "7", **{point.replace(".", "__"): value if 10 <= s < 40 else well})
        changes = tell(line, batch_s=6)
        [finding] = raised(changes, "bad_state")
        assert (finding.severity, second(finding.since)) == (severity, 10)
        assert [second(one.at) for one in cleared(changes, "bad_state")] == [40]
        [evidence] = finding.evidence
        assert POINTS[point].states[int(value)].en in evidence.text.en
        assert POINTS[point].states[int(value)].zh in evidence.text.zh
        assert evidence.index == "7"


def test_one_finding_lists_every_bad_part_and_follows_the_worst() -> None:
    line = Line()
    for s in range(0, 100, 2):
        line.say(s, "1", entity__fan__status=WARNING if s >= 10 else GOOD)
        line.say(s, "2", entity__power__status=FAILED if 20 <= s < 60 else GOOD)
    changes = tell(line, batch_s=6)
    assert len(raised(changes, "bad_state")) == 1
    assert raised(changes, "bad_state")[0].severity is Severity.WARNING
    finding = last(changes, "bad_state")
    assert finding.severity is Severity.WARNING, "the supply is well again"
    assert second(finding.since) == 10
    texts = [[one.text.en for one in change.finding.evidence] for change in changes if hasattr(change, "finding")]
    assert [len(one) for one in texts] == [1, 2, 1]
    assert "2: failed" in texts[1][0]


def test_a_state_of_one_sample_proves_nothing() -> None:
    line = Line()
    for s in range(0, 60, 2):
        line.say(s, "1", entity__power__status=FAILED if s in (10, 30) else GOOD)
    assert raised(tell(line, batch_s=2), "bad_state") == []


def test_a_mains_that_is_out_is_no_bad_part() -> None:
    for point, states in STATES.items():
        line = Line()
        for s in range(0, 60, 2):
            line.say(s, **{point.replace(".", "__"): float(states[0])})
        changes = tell(line)
        assert raised(changes, "bad_state") == []
        assert len(raised(changes, "mains_failed")) == 1


def test_an_inverter_that_rests_for_a_moment_is_not_told() -> None:
    line = Line()
    for s in range(0, 300, 2):
        line.say(s, alarm__inverter_off=float(10 <= s < 60 or s >= 100))
    assert [second(one.since) for one in raised(tell(line), "inverter_off")] == [100]


def test_every_witness_of_an_outage_is_one_incident_of_the_site() -> None:
    """A UPS on battery, another that says "mains failed", a rectifier plant with a blackout: one cause, one incident."""
    board = Board()
    board.up(10, "ups-1", "on_battery")
    board.up(10, "ups-1", "mains_failed")
    board.up(11, "ups-2", "mains_failed")
    board.up(12, "ups-1", "battery_low", severity=Severity.CRITICAL)
    for s in range(13, 60):
        board.tick(s)
    [incident] = board.open()
    assert (incident.key.cause, incident.key.root) == ("mains", SITE)
    assert len(incident.members) == 4
    assert "ups-2 reports that its mains is out" in [why.en for why in incident.explanation]


def test_a_device_that_falls_silent_in_a_mains_failure_that_only_a_flag_told_joins_it() -> None:
    board = Board()
    board.up(10, "ups-1", "mains_failed")
    board.up(15, "sw-2", "device_silent")
    for s in range(16, 80):
        board.tick(s)
    [incident] = board.open()
    assert board.of(incident) == ["ups-1 mains_failed", "sw-2 device_silent"]


def test_an_inverter_that_is_off_stands_with_the_bypass_and_is_no_job_alone() -> None:
    board = Board()
    board.up(10, "ups-1", "inverter_off", severity=Severity.WARNING)
    board.up(400, "ups-2", "contact", severity=Severity.WARNING)
    for s in range(401, 440):
        board.tick(s)
    assert [incident.wants_ticket for incident in board.open()] == [False, False]
    board.up(450, "ups-1", "bypass", severity=Severity.MAJOR)
    for s in range(451, 480):
        board.tick(s)
    assert sorted(len(incident.members) for incident in board.open()) == [1, 2]
    assert KINDS["bad_state"].title.zh == "部件状态异常"

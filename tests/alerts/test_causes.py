from __future__ import annotations

from alerts.types import Impact
from model.finding import Raised, Severity
from tests.alerts.site import SITE, Board, finding, ms


def test_a_battery_flag_alone_is_shown_and_no_job() -> None:
    board = Board()
    board.up(100, "ups-3", "battery_flag", severity=Severity.WARNING)
    board.tick(115)
    [incident] = board.open()
    assert not incident.wants_ticket
    assert incident.impact is Impact.ADVISORY


def test_measured_evidence_turns_it_into_a_job() -> None:
    board = Board()
    board.up(100, "ups-3", "battery_flag", severity=Severity.WARNING)
    board.tick(115)
    board.up(500, "ups-3", "runtime_shortfall", severity=Severity.MAJOR)
    [incident] = board.open()
    assert incident.wants_ticket
    assert incident.title.en == "Battery empties too fast: ups-3"
    assert "further witness" in incident.explanation[-1].en


def test_a_port_with_errors_that_goes_down_is_one_incident() -> None:
    board = Board()
    board.up(90, "sw-1", "port_errors", index="3")
    board.up(95, "sw-1", "port_errors", index="4")
    board.up(300, "sw-1", "port_down", index="3")
    board.tick(310)
    roots = {i.key.root: board.of(i) for i in board.open()}
    assert roots == {f"{SITE}/sw-1#3": ["sw-1 port_errors", "sw-1 port_down"], f"{SITE}/sw-1#4": ["sw-1 port_errors"]}
    assert "port 3" in next(i for i in board.open() if i.key.root.endswith("#3")).title.en


def test_two_faults_on_two_devices_are_two_incidents() -> None:
    board = Board()
    board.up(100, "ups-1", "fan")
    board.up(100, "ups-2", "fan")
    board.tick(110)
    assert len(board.open()) == 2


def test_a_finding_shorter_than_its_hold_is_nothing() -> None:
    board = Board()
    board.up(100, "ups-1", "fan")
    board.down(103, "ups-1", "fan")
    board.tick(300)
    assert board.alerts == {}
    assert board.incidents == {}


def test_a_finding_that_holds_is_an_alert_by_the_clock_alone() -> None:
    board = Board()
    board.up(100, "ups-1", "fan")
    board.tick(104.9)
    assert board.incidents == {}
    board.tick(105)
    assert [i.opened_at for i in board.open()] == [ms(100)]


def test_a_silent_agent_takes_its_silent_devices_with_it() -> None:
    board = Board()
    board.hear(200, Raised(finding=finding("agent", "agent_silent", 100, seen=200)))
    board.up(210, "sw-3", "device_silent")
    board.tick(240)
    [incident] = board.open()
    assert str(incident.key) == f"harbour:agent:{SITE}"
    assert incident.title.en == "No data from the site: Futian"
    assert "8 devices" in incident.explanation[0].en


def test_an_agent_that_falls_silent_in_an_outage_tells_of_a_dark_site() -> None:
    board = Board()
    board.up(100, "ups-1", "on_battery")
    board.hear(900, Raised(finding=finding("agent", "agent_silent", 800, seen=900)))
    agent = next(i for i in board.open() if i.key.cause == "agent")
    assert "probably dark" in agent.explanation[0].en
    assert "很可能已全部断电" in agent.explanation[0].zh


def test_a_repeat_of_what_was_said_changes_nothing() -> None:
    board = Board()
    board.up(100, "ups-1", "on_battery")
    before = board.state
    outcome = board.hear(101, Raised(finding=finding("ups-1", "on_battery", 100)))
    assert (outcome.alerts, outcome.incidents) == ([], [])
    assert board.state == before


def test_a_quiet_tick_is_the_same_state() -> None:
    board = Board()
    board.up(100, "ups-1", "on_battery")
    before = board.state
    board.tick(5000)
    assert board.state is before


def test_a_kind_of_a_newer_version_is_still_grouped() -> None:
    board = Board()
    board.up(100, "ups-1", "from_the_future")
    assert str(board.open()[0].key) == f"harbour:device:{SITE}/ups-1"


def test_a_device_that_nobody_listed_has_a_place() -> None:
    board = Board()
    board.up(100, "new-site/thing", "ups_fault")
    board.tick(110)
    assert str(board.open()[0].key) == "unassigned:device:new-site/thing"


def test_bad_mains_that_two_upss_see_is_one_incident_of_the_site() -> None:
    board = Board()
    board.up(100, "ups-1", "input_quality")
    board.tick(120)
    assert [incident.title.en for incident in board.open()] == ["Mains out of tolerance: ups-1"]
    board.up(200, "ups-2", "input_quality")
    board.tick(220)
    [incident] = board.open()
    assert incident.title.en == "Mains out of tolerance: Futian"
    assert "utility" in incident.explanation[-1].en


def test_bad_mains_while_it_is_out_belongs_to_the_outage() -> None:
    board = Board()
    board.up(100, "ups-1", "on_battery")
    board.tick(110)
    board.up(400, "ups-2", "input_quality")
    board.tick(420)
    [incident] = board.open()
    assert incident.key.cause == "mains"


def test_what_grows_hot_in_a_warm_room_is_the_rooms_incident() -> None:
    board = Board()
    board.up(100, "ups-1", "room_warm")
    board.tick(110)
    board.up(200, "ups-2", "over_temperature")
    board.up(300, "ups-2", "fan")
    board.tick(420)
    by_cause = {incident.key.cause: board.of(incident) for incident in board.open()}
    assert by_cause == {"cooling": ["ups-1 room_warm", "ups-2 over_temperature"], "device": ["ups-2 fan"]}

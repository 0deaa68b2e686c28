"""One power cut is one incident."""

from __future__ import annotations

from alerts.types import Impact
from model.finding import Raised, Severity
from tests.alerts.site import OTHER, SITE, Board, finding, ms, over


def outage(board: Board, start: float = 120) -> None:
    for n in range(1, 6):
        board.up(start + n * 0.2, f"ups-{n}", "on_battery")


def test_five_upss_and_the_devices_that_fall_silent_are_one_incident() -> None:
    board = Board()
    outage(board)
    board.hear(140, Raised(finding=finding("sw-2", "device_silent", 121, seen=138)))
    board.hear(200, Raised(finding=finding("ups-4", "device_silent", 181, seen=199)))
    board.tick(205)
    [incident] = board.open()
    assert str(incident.key) == f"harbour:mains:{SITE}"
    assert incident.title.en == "Mains failure: Futian"
    assert incident.title.zh == "市电中断：福田"
    assert board.of(incident) == [
        *(f"ups-{n} on_battery" for n in range(1, 6)),
        "sw-2 device_silent",
        "ups-4 device_silent",
    ]
    assert incident.opened_at == ms(120.2)
    assert incident.wants_ticket
    reasons = [text.en for text in incident.explanation]
    assert "its own feeder" in reasons[0]
    assert "not one feeder" in reasons[1]
    assert any("sw-2 is silent because the mains feeds it" in reason for reason in reasons)
    assert any("ups-4 fell silent 60 s after it went on battery" in reason for reason in reasons)


def test_it_closes_when_all_are_back_and_the_hold_has_passed_at_the_time_of_the_last_return() -> None:
    board = Board()
    outage(board)
    board.hear(140, Raised(finding=finding("sw-2", "device_silent", 121, seen=138)))
    board.tick(145)
    for n in range(1, 6):
        board.down(720 + n * 0.2, f"ups-{n}", "on_battery")
    board.tick(790)
    assert len(board.open()) == 1, "sw-2 is still silent"
    board.down(800, "sw-2", "device_silent")
    board.tick(805)
    assert len(board.open()) == 1, "the hold has not passed"
    board.tick(811)
    [incident] = board.incidents.values()
    assert incident.closed_at == ms(800)
    assert board.state.alerts == {}
    assert board.state.standing == {}


def test_flapping_mains_is_one_episode() -> None:
    board = Board()
    for start in (100, 130, 170, 210):
        board.up(start, "ups-1", "on_battery")
        board.down(start + 5, "ups-1", "on_battery")
        board.tick(start + 10)
    [incident] = board.open()
    assert len(board.alerts) == 1
    board.tick(300)
    assert [i.closed_at for i in board.incidents.values()] == [ms(215)]
    assert incident.opened_at == ms(100)


def test_a_second_failure_after_the_hold_is_a_second_incident() -> None:
    board = Board()
    board.up(100, "ups-1", "on_battery")
    board.down(110, "ups-1", "on_battery")
    board.tick(200)
    board.up(300, "ups-1", "on_battery")
    assert len(board.incidents) == 2
    assert len(board.open()) == 1


def test_a_silence_seen_before_the_first_ups_is_on_battery_joins_and_its_own_incident_is_merged() -> None:
    board = Board()
    board.up(100, "sw-2", "device_silent")
    board.tick(125)
    [own] = board.open()
    assert own.key.cause == "device"
    board.up(150, "ups-1", "on_battery")
    [mains] = board.open()
    assert board.of(mains) == ["ups-1 on_battery", "sw-2 device_silent"]
    assert mains.opened_at == ms(100), "it began with the silence"
    merged = board.incidents[own.id]
    assert merged.merged_into == mains.id
    assert merged.explanation[-1].en == "joined: Mains failure: Futian"
    assert merged.members == ()
    assert merged.closed_at is not None


def test_a_silence_that_began_long_before_does_not_join() -> None:
    board = Board()
    board.up(100, "sw-2", "device_silent")
    board.up(500, "ups-1", "on_battery")
    assert sorted(i.key.cause for i in board.open()) == ["device", "mains"]


def test_a_device_whose_ups_still_holds_is_its_own_case() -> None:
    board = Board()
    board.up(100, "ups-5", "on_battery", forecast=2000)
    board.up(200, "sw-1", "device_silent")
    board.tick(230)
    assert sorted(i.key.cause for i in board.open()) == ["device", "mains"]


def test_a_device_whose_ups_has_ended_joins_also_when_it_is_seen_first() -> None:
    board = Board()
    board.up(100, "ups-5", "on_battery", forecast=2000)
    board.up(200, "sw-1", "device_silent")
    board.tick(230)
    board.hear(240, Raised(finding=finding("ups-5", "device_silent", 198, seen=239)))
    [mains] = board.open()
    assert board.of(mains) == ["ups-5 on_battery", "ups-5 device_silent", "sw-1 device_silent"]


def test_a_device_silent_past_the_forecast_of_its_ups_joins() -> None:
    board = Board()
    board.up(100, "ups-5", "on_battery", forecast=400)
    board.up(500, "sw-1", "device_silent")
    board.tick(530)
    assert len(board.open()) == 1


def test_a_device_of_which_nobody_knows_the_feed_is_its_own_case() -> None:
    board = Board()
    outage(board)
    board.up(140, "sw-3", "device_silent")
    board.tick(165)
    assert len(board.open()) == 2


def test_another_site_is_another_incident() -> None:
    board = Board()
    outage(board)
    board.up(130, f"{OTHER}/ups-1", "on_battery")
    board.up(131, f"{OTHER}/sw-2", "device_silent")
    board.tick(160)
    assert sorted(i.site for i in board.open()) == sorted([SITE, OTHER])
    assert {len(i.members) for i in board.open()} == {5, 2}


def test_impact_rises_by_itself_as_runtime_shrinks_and_worst_never_falls() -> None:
    board = Board()
    board.up(100, "ups-1", "on_battery", severity=Severity.WARNING)
    assert board.open()[0].impact is Impact.DEGRADED
    board.more(400, "ups-1", "on_battery", 100, severity=Severity.MAJOR)
    assert board.open()[0].impact is Impact.UNPROTECTED
    board.up(600, "ups-1", "battery_low", severity=Severity.CRITICAL)
    [incident] = board.open()
    assert incident.impact is Impact.OUTAGE
    board.down(700, "ups-1", "battery_low")
    board.tick(740)
    [incident] = board.open()
    assert (incident.impact, incident.worst) == (Impact.UNPROTECTED, Impact.OUTAGE)


def test_a_core_device_without_power_is_an_outage() -> None:
    board = Board()
    core = board.inventory.devices[f"{SITE}/sw-2"]
    board.inventory.devices[core.id] = type(core)(id=core.id, name=core.name, kind="switch", fed_by="mains", core=True)
    board.up(100, "ups-1", "on_battery")
    board.up(101, "sw-2", "device_silent")
    board.tick(125)
    assert board.open()[0].impact is Impact.OUTAGE


def test_a_weak_battery_found_in_the_outage_is_an_incident_of_its_own_and_stays() -> None:
    board = Board()
    outage(board)
    board.up(400, "ups-1", "runtime_shortfall", severity=Severity.MAJOR)
    for n in range(1, 6):
        board.down(720, f"ups-{n}", "on_battery")
    board.tick(800)
    [left] = board.open()
    assert str(left.key) == f"harbour:battery:{SITE}/ups-1"
    assert left.wants_ticket
    assert left.impact is Impact.UNPROTECTED


def test_a_failure_and_return_in_one_batch_pages_nobody_but_is_recorded() -> None:
    board = Board()
    board.hear(100, Raised(finding=finding("ups-1", "on_battery", 95)), over("ups-1", "on_battery", 98))
    board.tick(200)
    assert board.incidents == {}
    [alert] = board.alerts.values()
    assert (alert.raised_at, alert.cleared_at, alert.incident) == (ms(95), ms(98), None)

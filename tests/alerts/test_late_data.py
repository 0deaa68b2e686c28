"""Back-fill completes history without false alarms."""

from __future__ import annotations

from alerts.types import Impact
from model.finding import Changed, Raised, Severity
from tests.alerts.site import Board, finding, ms, over


def test_an_episode_that_the_next_batch_ends_pages_nobody() -> None:
    board = Board()
    board.hear(7200, Raised(finding=finding("ups-1", "on_battery", 100)))
    assert board.incidents == {}
    board.hear(7201, over("ups-1", "on_battery", 400))
    board.tick(9000)
    assert board.incidents == {}
    [alert] = board.alerts.values()
    assert (alert.raised_at, alert.cleared_at) == (ms(100), ms(400))


def test_one_that_is_still_open_opens_once_with_its_true_start() -> None:
    board = Board()
    board.hear(7200, Raised(finding=finding("ups-1", "on_battery", 100)))
    board.tick(7210)
    assert board.incidents == {}, "the rest of the back-fill may end it"
    board.tick(7900)
    [incident] = board.open()
    assert incident.opened_at == ms(100)


def test_a_return_and_a_new_failure_within_the_hold_stay_one_incident_when_they_come_late() -> None:
    live, late = Board(), Board()
    live.up(100, "ups-1", "on_battery")
    live.down(200, "ups-1", "on_battery")
    live.up(230, "ups-1", "on_battery")
    late.up(100, "ups-1", "on_battery")
    late.hear(1000, over("ups-1", "on_battery", 200))
    late.tick(1001)
    late.hear(1002, Raised(finding=finding("ups-1", "on_battery", 230)))
    assert [(i.id, i.opened_at) for i in live.open()] == [(i.id, i.opened_at) for i in late.open()]
    assert len(late.alerts) == 1


def test_changes_out_of_order_in_one_batch_are_taken_in_event_time() -> None:
    board = Board()
    board.hear(
        130,
        over("ups-1", "on_battery", 110),
        Raised(finding=finding("ups-2", "on_battery", 105)),
        Raised(finding=finding("ups-1", "on_battery", 100)),
    )
    [incident] = board.open()
    assert board.of(incident) == ["ups-2 on_battery"]


def test_a_finding_that_is_old_but_whose_evidence_is_new_is_not_late() -> None:
    board = Board()
    board.hear(90_000, Raised(finding=finding("ups-1", "not_charging", 3600, seen=89_999)))
    assert len(board.open()) == 1


def test_a_port_that_went_down_before_its_errors_ended_is_one_incident_however_late_both_are_heard() -> None:
    port, now = "3", 800
    board = Board()
    board.up(100, "sw-1", "port_errors", index=port)
    board.hear(now, Raised(finding=finding("sw-1", "port_down", 600, index=port, seen=610)))
    board.hear(now, over("sw-1", "port_errors", 620, port))
    for second in range(now, now + 900, 10):
        board.tick(second)
    [incident] = board.open()
    assert board.of(incident) == ["sw-1 port_errors", "sw-1 port_down"]
    assert board.alerts[incident.members[0]].cleared_at == ms(620)


def test_an_ending_waits_only_for_what_began_before_it() -> None:
    port = "3"
    board = Board()
    board.up(100, "sw-1", "port_errors", index=port)
    board.down(300, "sw-1", "port_errors", port)
    board.hear(800, Raised(finding=finding("sw-1", "port_down", 600, index=port, seen=610)))
    for second in range(800, 1700, 10):
        board.tick(second)
    assert [board.of(i) for i in board.incidents.values()] == [["sw-1 port_errors"], ["sw-1 port_down"]]


def test_errors_that_ended_before_they_were_heard_belong_to_the_port_that_went_down_after_them() -> None:
    """Ten minutes of a site come at once: the port is down in the end, which opens at once; its errors wait and are over."""
    port, now = "3", 770
    board = Board()
    board.hear(now, Raised(finding=finding("sw-1", "port_errors", 170, index=port, seen=190)))
    board.hear(now + 20, Raised(finding=finding("sw-1", "port_down", 674, index=port, seen=680)))
    board.hear(now + 25, over("sw-1", "port_errors", 690, port))
    for second in range(now + 25, now + 900, 5):
        board.tick(second)
    [incident] = board.open()
    assert sorted(board.of(incident)) == ["sw-1 port_down", "sw-1 port_errors"]
    assert incident.opened_at == ms(170)
    [errors] = [alert for alert in board.alerts.values() if alert.kind == "port_errors"]
    assert (errors.cleared_at, errors.incident) == (ms(690), incident.id)


def test_what_was_over_before_it_was_heard_belongs_to_nothing_that_began_long_after() -> None:
    port, now = "3", 1770
    board = Board()
    board.hear(now, Raised(finding=finding("sw-1", "port_errors", 170, index=port, seen=190)))
    board.hear(now + 20, Raised(finding=finding("sw-1", "port_down", 1674, index=port, seen=1780)))
    board.hear(now + 25, over("sw-1", "port_errors", 690, port))
    for second in range(now + 25, now + 900, 5):
        board.tick(second)
    [incident] = board.open()
    assert board.of(incident) == ["sw-1 port_down"]
    assert len(board.alerts) == 2


def test_what_was_over_before_it_was_heard_makes_no_job_of_what_is_none() -> None:
    board = Board()
    board.up(900, "ups-1", "battery_unproven")
    board.tick(8000)
    [incident] = board.open()
    assert not incident.wants_ticket
    board.hear(8100, Raised(finding=finding("ups-1", "runtime_shortfall", 1000)))
    board.hear(8101, over("ups-1", "runtime_shortfall", 7000))
    for second in range(8101, 9900, 10):
        board.tick(second)
    assert [i.wants_ticket for i in board.incidents.values()] == [False]


def test_a_site_whose_data_are_always_late_is_heard_in_the_end() -> None:
    """Each word of a standing fault is five minutes old: the wait counts from the first, not from each anew."""
    board = Board()
    for second in range(1000, 1300, 10):
        board.hear(second, Raised(finding=finding("ups-1", "runtime_shortfall", 600, seen=second - 300)))
    [incident] = board.open()
    assert incident.opened_at == ms(600)


def test_what_was_over_before_it_was_heard_waits_for_what_it_is_a_part_of() -> None:
    """The errors came with the first rows after the silence, the port with the last: its wait is the longer one."""
    port, now = "3", 781
    board = Board()
    board.hear(now, Raised(finding=finding("sw-1", "port_errors", 172, index=port, seen=193)))
    board.hear(now + 25, Raised(finding=finding("sw-1", "port_down", 677, index=port, seen=683)))
    board.hear(now + 26, over("sw-1", "port_errors", 693, port))
    for second in range(now + 26, now + 900, 5):
        board.tick(second)
    [incident] = board.incidents.values()
    assert sorted(board.of(incident)) == ["sw-1 port_down", "sw-1 port_errors"]


def test_what_was_over_before_it_was_heard_waits_for_nothing_that_is_over_itself() -> None:
    port = "3"
    board = Board()
    board.hear(781, Raised(finding=finding("sw-1", "port_errors", 172, index=port, seen=193)))
    board.hear(806, Raised(finding=finding("sw-1", "port_down", 677, index=port, seen=683)))
    board.hear(807, over("sw-1", "port_errors", 693, port), over("sw-1", "port_down", 720, port))
    for second in range(807, 1700, 5):
        board.tick(second)
    assert board.incidents == {}
    assert sorted(alert.kind for alert in board.alerts.values()) == ["port_down", "port_errors"]


def test_what_began_while_an_ending_held_is_one_incident_with_it_however_late_both_are_heard() -> None:
    port = "3"
    live, late = Board(), Board()
    live.up(289, "sw-1", "port_errors", index=port)
    late.up(289, "sw-1", "port_errors", index=port)
    live.down(695, "sw-1", "port_errors", port)
    live.up(787, "sw-1", "port_down", index=port)
    late.hear(978, over("sw-1", "port_errors", 695, port))
    late.hear(981, Raised(finding=finding("sw-1", "port_down", 787, index=port, seen=793)))
    for board in (live, late):
        for second in range(981, 1800, 5):
            board.tick(second)
    assert [board.of(i) for board in (live, late) for i in board.incidents.values()] == [
        ["sw-1 port_errors", "sw-1 port_down"]
    ] * 2


def test_silences_that_were_over_before_they_were_heard_belong_to_the_mains_failure_that_explains_them() -> None:
    """The mains failed in sight of the centre, then the site was cut off; its silences and the end of it all come at once."""
    board = Board()
    board.up(203, "ups-2", "on_battery")
    board.up(204, "ups-4", "on_battery")
    now = 1250
    board.hear(now, Raised(finding=finding("sw-2", "device_silent", 216, seen=280)))
    board.hear(now + 2, Raised(finding=finding("ups-4", "device_silent", 282, seen=322)))
    board.hear(now + 36, *(over(f"ups-{n}", "on_battery", 1095) for n in (2, 4)), over("ups-4", "device_silent", 1095))
    board.hear(now + 38, over("sw-2", "device_silent", 1138))
    for second in range(now + 38, now + 900, 5):
        board.tick(second)
    [incident] = board.incidents.values()
    assert sorted(board.of(incident)) == [
        "sw-2 device_silent",
        "ups-2 on_battery",
        "ups-4 device_silent",
        "ups-4 on_battery",
    ]
    assert incident.closed_at == ms(1138)


def test_a_silence_heard_in_time_calls_nobody_before_the_late_mains_failure_that_explains_it() -> None:
    """Both are in one back-fill, and the silence came less late: it is believed at once."""
    board = Board()
    board.hear(353, *(Raised(finding=finding(f"ups-{n}", "on_battery", 203)) for n in (3, 4)))
    assert board.incidents == {}
    board.hear(357, Raised(finding=finding("ups-4", "device_silent", 282, seen=322)))
    [incident] = board.incidents.values()
    assert (incident.key.cause, incident.opened_at) == ("mains", ms(203))
    assert board.of(incident) == ["ups-3 on_battery", "ups-4 on_battery", "ups-4 device_silent"]


def test_a_silence_that_the_late_mains_failure_does_not_explain_is_a_case_of_its_own_at_once() -> None:
    """What was silent long before the mains failed says nothing of it, and the failure waits for the rest of its story."""
    board = Board()
    board.hear(1000, Raised(finding=finding("ups-3", "on_battery", 803)))
    board.hear(1004, Raised(finding=finding("sw-2", "device_silent", 400, seen=990)))
    [incident] = board.incidents.values()
    assert board.of(incident) == ["sw-2 device_silent"]
    board.hear(1005, over("ups-3", "on_battery", 850))
    for second in range(1005, 1900, 5):
        board.tick(second)
    assert len(board.incidents) == 1


def test_a_battery_that_is_nearly_empty_makes_the_late_mains_failure_heard() -> None:
    board = Board()
    board.hear(900, Raised(finding=finding("ups-3", "on_battery", 203)))
    board.hear(905, Raised(finding=finding("ups-3", "battery_low", 890)))
    [incident] = board.incidents.values()
    assert incident.key.cause == "mains"
    assert board.of(incident) == ["ups-3 on_battery", "ups-3 battery_low"]


def test_how_bad_an_alert_was_counts_even_when_its_end_comes_in_the_same_batch() -> None:
    board = Board()
    board.up(200, "ups-1", "on_battery")
    board.hear(
        1200,
        Changed(finding=finding("ups-1", "on_battery", 200, seen=1090, severity=Severity.MAJOR)),
        over("ups-1", "on_battery", 1100),
    )
    for second in range(1200, 1500, 5):
        board.tick(second)
    [incident] = board.incidents.values()
    assert incident.worst is Impact.UNPROTECTED
    assert incident.closed_at == ms(1100)

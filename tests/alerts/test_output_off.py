"""An output that goes off: in an outage it is the outage's worst end, alone it is the device's."""

from __future__ import annotations

from alerts.types import Impact
from model.finding import Raised, Severity
from tests.alerts.site import SITE, Board, finding
from tests.alerts.test_mains_failure import outage


def off(board: Board, at: float, severity: Severity = Severity.CRITICAL) -> None:
    board.hear(at, Raised(finding=finding("ups-5", "output_off", at, severity=severity)))
    board.tick(at + 6)


def test_on_mains_it_is_the_devices_own_and_an_outage() -> None:
    board = Board()
    off(board, 100)
    [incident] = board.open()
    assert str(incident.key) == f"harbour:device:{SITE}/ups-5"
    assert incident.impact is Impact.OUTAGE
    assert incident.wants_ticket


def test_in_a_mains_failure_it_joins_and_makes_it_an_outage() -> None:
    board = Board()
    outage(board)
    off(board, 900)
    [incident] = board.open()
    assert str(incident.key) == f"harbour:mains:{SITE}"
    assert incident.impact is Impact.OUTAGE
    assert "ups-5: its output went off while the mains was out, its load has no power" in [
        text.en for text in incident.explanation
    ]


def test_what_it_fed_is_explained_by_it() -> None:
    board = Board()
    outage(board)
    off(board, 900)
    board.hear(960, Raised(finding=finding("sw-1", "device_silent", 905, seen=930)))
    board.tick(985)
    [incident] = board.open()
    assert "sw-1 is silent because ups-5, which feeds it, has ended" in [text.en for text in incident.explanation]


def test_on_purpose_it_is_advisory_and_no_job() -> None:
    board = Board()
    off(board, 100, Severity.WARNING)
    [incident] = board.open()
    assert incident.impact is Impact.ADVISORY
    assert not incident.wants_ticket


def test_on_purpose_during_an_outage_it_is_not_part_of_it() -> None:
    board = Board()
    outage(board)
    off(board, 900, Severity.WARNING)
    assert sorted(str(incident.key) for incident in board.open()) == [
        f"harbour:device:{SITE}/ups-5",
        f"harbour:mains:{SITE}",
    ]

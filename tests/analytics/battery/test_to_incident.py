"""From what a device says to what the desk is given: the real detectors, the real board, the real warranty."""

from __future__ import annotations

from alerts.kinds import kind_of
from alerts.types import Impact
from desk import policies, warranty
from model.finding import Cleared, Severity
from tests.alerts.site import Board
from tests.analytics.battery.cabinet import Cabinet
from tests.analytics.timeline import UPS, second


def _board(cabinet: Cabinet) -> Board:
    board = Board()
    for change in cabinet.changes:
        at = second(change.at if isinstance(change, Cleared) else change.finding.evidence[0].at)
        board.hear(at, change)
        board.tick(at + 30)
    return board


def test_a_weak_battery_wants_a_ticket_and_its_warranty_is_known() -> None:
    cabinet = Cabinet(soh=0.6, installed="2025-06-01")
    cabinet.rest(2)
    cabinet.outage(450)
    wanted = [i for i in _board(cabinet).incidents.values() if i.key.cause == "battery" and i.wants_ticket]
    assert wanted
    policy = policies.load("powerstar")
    assert policy is not None
    told = warranty.of_device(policy, cabinet.context(UPS).device, "2026-02-10")
    [battery] = [v for v in told if v.item == "battery"]
    assert battery.verdict in ("in", "out", "undefined")
    assert battery.text.en
    assert battery.text.zh


def test_a_false_flag_is_shown_and_wants_none() -> None:
    cabinet = Cabinet()
    cabinet.rest(2)
    cabinet.outage(450)
    cabinet.flag = 1.0
    cabinet.rest(5)
    found = [i for i in _board(cabinet).incidents.values() if i.key.cause == "battery"]
    assert found
    assert not any(i.wants_ticket for i in found)


def test_suspicions_are_shown_and_never_dispatch() -> None:
    for kind in ("battery_unproven", "battery_untested"):
        assert kind_of(kind).impact is Impact.ADVISORY
        assert not kind_of(kind).ticket
    assert kind_of("battery_replace").severity is Severity.MAJOR

"""Somebody at work puts a UPS on bypass: shown, no job while the announced work goes on, and a job from the moment it outlasts it."""

from __future__ import annotations

import msgspec
import pytest

from alerts.kinds import KINDS
from alerts.types import Incident
from model.finding import Severity
from model.inventory import Work
from tests.alerts.site import SITE, Board, ms

HOUR = 3600.0


def board(*works: Work) -> Board:
    made = Board()
    made.inventory = msgspec.structs.replace(made.inventory, works=works)
    return made


def work(device: str | None = f"{SITE}/ups-1", since: float = 0, until: float = 2 * HOUR) -> Work:
    return Work(id="V-000001", site=SITE, device=device, since=ms(since), until=ms(until))


def bypass(made: Board, at: float, device: str = "ups-1") -> Incident:
    made.up(at, device, "bypass", severity=Severity.MAJOR)
    made.tick(at + 10)
    return only(made)


def only(made: Board) -> Incident:
    [incident] = made.incidents.values()
    return incident


@pytest.mark.parametrize("device", [f"{SITE}/ups-1", None])
def test_within_announced_work_it_is_shown_and_no_job(device: str | None) -> None:
    made = board(work(device))
    incident = bypass(made, 600)
    assert not incident.wants_ticket
    assert "V-000001" in incident.explanation[0].en
    assert "V-000001" in incident.explanation[0].zh
    made.down(HOUR, "ups-1", "bypass")
    made.tick(HOUR + 120)
    assert only(made).closed_at == ms(HOUR)
    made.tick(3 * HOUR)
    assert not only(made).wants_ticket


@pytest.mark.parametrize(
    "other",
    [work(f"{SITE}/ups-2"), work(since=700), work(until=500), Work(id="V", site="hz-xihu", since=0, until=ms(HOUR))],
)
def test_work_elsewhere_or_at_another_time_excuses_nothing(other: Work) -> None:
    incident = bypass(board(other), 600)
    assert incident.wants_ticket
    assert incident.job_at == incident.opened_at == ms(600)


def test_a_bypass_that_outlasts_the_work_is_a_job_from_then_on() -> None:
    made = board(work())
    bypass(made, 600)
    assert made.tick(2 * HOUR - 1).incidents == []
    made.tick(2 * HOUR)
    assert only(made).wants_ticket
    assert only(made).job_at == ms(2 * HOUR)
    assert only(made).opened_at == ms(600)
    assert made.tick(2 * HOUR + 60).incidents == []


def test_work_that_is_called_off_or_done_early_excuses_it_no_more() -> None:
    made = board(work())
    bypass(made, 600)
    made.inventory = msgspec.structs.replace(made.inventory, works=())
    made.tick(900)
    assert only(made).wants_ticket
    assert only(made).job_at == ms(900)


def test_what_no_person_does_is_a_job_at_once_and_takes_the_bypass_with_it() -> None:
    made = board(work())
    bypass(made, 600)
    made.up(700, "ups-1", "overload", severity=Severity.MAJOR)
    made.tick(720)
    assert only(made).wants_ticket
    assert only(made).job_at == ms(700)
    assert len(only(made).members) == 2


def test_an_advisory_that_stood_for_months_lets_no_promise_begin_before_the_job() -> None:
    made = Board()
    made.up(0, "ups-1", "battery_flag", severity=Severity.WARNING)
    made.tick(60)
    assert not only(made).wants_ticket
    later = 90 * 24 * HOUR
    made.up(later, "ups-1", "battery_replace", severity=Severity.MAJOR)
    made.tick(later + 60)
    assert only(made).wants_ticket
    assert (only(made).opened_at, only(made).job_at) == (ms(0), ms(later))


def test_only_what_people_do_themselves_is_excused() -> None:
    assert {kind.id for kind in KINDS.values() if kind.by_hand} == {"bypass"}

"""CEE's contract as timelines (001_4f6b91404c74af82.txt): no response time at any level, and a ladder of 1 to 96 hours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk import consent, consenting, store
from desk.types import ClockState, TicketKind, TicketState
from tests.journeys.contract_story import K, Story, opened

FIRST = [("department_manager", 1), ("operation_center_gm", 4), ("vice_president", 24), ("president", 48)]


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sa.Connection]:
    with opened(tmp_path) as made:
        yield made


def test_first_level_undiagnosed_climbs_to_the_president_and_repeats_every_24_hours(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.OUTAGE)
    assert story.ticket.level == "first"
    assert story.next_call() == "Customer service secretary"
    story.after(hours=1)
    assert story.calls() == FIRST[:1]
    story.after(hours=4)
    assert story.calls() == FIRST[:2]
    gm = [e for e in store.ledger(conn, story.id) if e.kind is K.ESCALATED][1]
    assert "Manufacturer's support centre" in gm.text.en, "Cisco TAC hears of it, too"
    story.after(hours=23.99)
    assert story.calls() == FIRST[:2]
    story.after(hours=48)
    assert story.calls() == FIRST
    assert story.next_call() == "President of the company"
    story.after(hours=97)
    assert story.calls() == [*FIRST, ("president", 72), ("president", 96)]


def test_a_diagnosis_at_three_hours_silences_the_ladder(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.OUTAGE).after(hours=3)
    story.did(K.DIAGNOSED, failure_mode="rectifier").after(hours=60)
    assert story.calls() == FIRST[:1]


def test_a_diagnosis_after_the_presidents_first_call_ends_the_repeats(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.OUTAGE).after(hours=50)
    story.did(K.DIAGNOSED, failure_mode="rectifier").after(hours=130)
    assert story.calls() == FIRST


def test_second_level_begins_at_four_hours_and_ends_at_72(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.UNPROTECTED).after(hours=3.99)
    assert (story.ticket.level, story.calls()) == ("second", [])
    story.after(hours=100)
    assert story.calls() == [
        ("department_manager", 4),
        ("operation_center_gm", 24),
        ("vice_president", 48),
        ("president", 72),
        ("president", 96),
    ]


def test_third_level_stops_at_the_general_manager_who_hears_it_every_day(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.DEGRADED).after(hours=121)
    assert story.ticket.level == "third"
    assert story.calls() == [("department_manager", 72), ("operation_center_gm", 96), ("operation_center_gm", 120)]


def test_fourth_level_is_a_question_and_reaches_the_department_after_four_days(conn: sa.Connection) -> None:
    story = Story(conn, "cee").is_told(TicketKind.CONSULTATION, "fourth").after(hours=95.9)
    assert story.calls() == []
    assert story.after(hours=121).calls() == [("department_manager", 96), ("department_manager", 120)]


def test_nothing_is_broken_for_nothing_but_words_is_promised(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.OUTAGE).after(hours=2)
    assert story.names() == set()
    story.did(K.REMOTE_FAILED).after(hours=30)
    onsite = story.clock("onsite")
    assert (onsite.state, onsite.target_s, onsite.due_at) == (ClockState.UNTIMED, None, None)
    assert onsite.text
    assert onsite.text.en == "as soon as possible"
    assert onsite.counted_s == 28 * 3600, "the time that passed is shown"
    assert story.broken() == {}
    assert story.did(K.ONSITE).state("onsite") is ClockState.STOPPED


def test_readings_that_are_normal_again_silence_the_ladder_and_a_relapse_climbs_on(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.OUTAGE).after(hours=2).runs_again().after(hours=30)
    assert (story.ticket.state, story.calls()) == (TicketState.RESTORED, FIRST[:1])
    assert story.next_call() is None
    story.relapses().after(hours=32)
    assert story.ticket.state is TicketState.OPEN
    assert [to for to, _ in story.calls()] == ["department_manager", "vice_president"], "the highest that is due, once"


def test_a_case_that_grows_is_told_by_the_worse_levels_clock_from_its_opening(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.DEGRADED).after(hours=3).grows(Impact.OUTAGE).after(hours=5)
    assert story.ticket.level == "first"
    assert [to for to, _ in story.calls()] == ["department_manager", "operation_center_gm"]
    assert story.calls()[1][1] == 4


def test_a_desk_that_was_down_for_a_week_calls_the_president_once(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.OUTAGE).sleeps(hours=7 * 24 + 1)
    assert [to for to, _ in story.calls()] == ["president"]


def test_resolved_by_a_person_ends_the_ladder_and_closing_asks_for_a_survey(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.UNPROTECTED).after(hours=5).did(K.RESOLVED).after(hours=80)
    assert story.calls() == [("department_manager", 4)]
    rule = store.policy(conn, story.ticket)
    assert [d.id for d in rule.duties if d.after == "closed"] == ["survey"]
    assert [item.en for item in rule.duties[1].items] == ["personnel", "organisation", "system"]


def test_no_remote_work_without_the_ultimate_customers_authorization(conn: sa.Connection) -> None:
    story = Story(conn, "cee").breaks(Impact.OUTAGE).after(minutes=10)
    refused = consent.permitted(conn, story.id, "remote_access", story.now)
    assert isinstance(refused, consent.Refusal)
    rule = store.policy(conn, story.ticket)
    asked = consenting.ask(conn, rule, story.inventory, "remote_access", ["near/ups-10k"], "ann", story.now, story.now, ticket=story.id)  # fmt: skip
    assert isinstance(consent.permitted(conn, story.id, "remote_access", story.now), consent.Refusal)
    consenting.sign(conn, asked.id, "customer_authorization", "Ms Wu", "ann", story.now, story.now)
    assert isinstance(consent.permitted(conn, story.id, "remote_access", story.now), consent.Permit)

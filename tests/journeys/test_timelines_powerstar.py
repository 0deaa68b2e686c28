"""Powerstar's contract as timelines (000_230264e41d4123ec.txt): immediate reply, 0.5 to 2 h on site, 4 h from 6 kVA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk import store, storeroom
from desk.types import ClockState, Draft, TicketKind
from model.text import Text
from tests.journeys.contract_story import K, Story, opened


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sa.Connection]:
    with opened(tmp_path) as made:
        yield made


def test_an_emergency_of_10_kva_near_an_office_has_half_an_hour_and_four_hours(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.OUTAGE, "near/ups-10k")
    assert story.ticket.level == "emergency"
    assert (story.due("onsite"), story.due("restore")) == (0.5, 4)
    assert [t.en for t in story.clock("onsite").also] == ["2 h (L49)"], "the other number is shown"
    story.after(hours=5)
    assert story.broken() == {"first_response": pytest.approx(5 / 60, abs=0.001), "onsite": 0.5, "restore": 4}


def test_3_kva_near_an_office_is_reached_in_the_same_time_and_nothing_is_restored_by_promise(
    conn: sa.Connection,
) -> None:
    story = Story(conn, "powerstar").breaks(Impact.OUTAGE, "near/ups-3k")
    assert story.due("onsite") == 0.5
    assert story.clock("onsite").also == ()
    assert "restore" not in story.names()


def test_10_kva_far_from_any_office_has_the_ceiling_of_two_hours(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.OUTAGE, "far/ups-10k")
    assert (story.due("onsite"), story.clock("onsite").source) == (2, "L49")
    assert story.due("restore") == 4


def test_3_kva_far_from_any_office_is_promised_an_answer_and_nothing_else(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.OUTAGE, "far/ups-3k").after(hours=10)
    assert story.names() == {"first_response"}
    assert set(story.broken()) == {"first_response"}


@pytest.mark.parametrize(
    ("impact", "level", "hours"),
    [(Impact.OUTAGE, "emergency", 0.5), (Impact.UNPROTECTED, "serious", 1), (Impact.DEGRADED, "general", 2)],
)
def test_the_graver_the_sooner_on_site(conn: sa.Connection, impact: Impact, level: str, hours: float) -> None:
    story = Story(conn, "powerstar").breaks(impact)
    assert (story.ticket.level, story.due("onsite")) == (level, hours)


def test_immediate_is_elapsed_time_that_a_message_which_reached_the_customer_stops(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.OUTAGE).after(minutes=3)
    reply = story.clock("first_response")
    assert (reply.target_s, reply.counted_s, reply.state) == (None, 180, ClockState.RUNNING)
    sent = Draft(at=story.now, who="roundsman", kind=K.NOTIFIED, text=Text("sent", "已发送"), data={"connector": "mail", "to": "customer", "external": "1"})  # fmt: skip
    store.append(conn, story.id, [sent], story.now)
    story.after(hours=1)
    assert story.state("first_response") is ClockState.STOPPED
    assert "first_response" not in story.broken()


def test_a_part_is_due_in_24_hours_locally_and_3_days_elsewhere_from_when_it_is_needed(conn: sa.Connection) -> None:
    near = Story(conn, "powerstar").breaks(Impact.DEGRADED, "near/ups-10k").after(hours=2)
    assert "spare_part" not in near.names()
    near.did(K.PART_NEEDED, part="fan")
    assert near.due("spare_part") == 26
    near.after(hours=20).did(K.PART_FITTED, part="fan").after(hours=40)
    assert near.state("spare_part") is ClockState.STOPPED
    far = Story(conn, "powerstar").breaks(Impact.DEGRADED, "far/ups-10k").after(hours=1).did(K.PART_NEEDED, part="fan")
    assert far.due("spare_part") == 73
    assert [t.en for t in far.clock("spare_part").also] == ["2 d (L68)"], "the beginning of 2 to 3 days"
    assert far.after(hours=74).broken()["spare_part"] == 73


def test_a_hardware_fault_from_6_kva_proposes_a_spare_machine_at_once(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.OUTAGE, "near/ups-10k").after(minutes=20)
    storeroom.need(conn, story.id, "rectifier board", "ann", story.now, story.now)
    proposed = [e for e in store.ledger(conn, story.id) if e.data.get("spare")]
    assert [(e.data["spare"], e.data["lender"], e.at) for e in proposed] == [("L70", "provider", story.now)]
    assert "shortest time" in proposed[0].text.en
    small = Story(conn, "powerstar").breaks(Impact.OUTAGE, "near/ups-3k").after(minutes=20)
    storeroom.need(conn, small.id, "rectifier board", "ann", small.now, small.now)
    assert not [e for e in store.ledger(conn, small.id) if e.data.get("spare")]


def test_what_is_not_solved_on_site_goes_to_the_leader_of_the_technique_department(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.OUTAGE).after(minutes=20).did(K.ONSITE).after(hours=1)
    assert story.calls() == []
    story.did(K.UNSOLVED_ONSITE)
    assert story.calls() == [("technique_department_leader", 1)]
    assert story.after(hours=30).calls() == [("technique_department_leader", 1)], "once"


def test_the_customers_word_raises_the_level(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.DEGRADED).after(minutes=10)
    assert story.due("onsite") == 2
    story.did(K.LEVEL, "the customer says collapse", level="emergency")
    assert (story.ticket.level, story.due("onsite")) == ("emergency", 0.5), "from the opening, not from the word"


def test_normal_readings_stop_the_clock_when_they_became_so(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.OUTAGE).after(minutes=25).did(K.ONSITE).after(hours=3.5).runs_again()
    story.after(hours=6)
    restore = story.clock("restore")
    assert (restore.state, restore.counted_s) == (ClockState.STOPPED, 3.5 * 3600)
    assert set(story.broken()) == {"first_response"}


def test_planned_work_promises_no_time_and_calls_nobody(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").is_told(TicketKind.CONSULTATION, "planned").after(hours=100)
    assert (story.names(), story.broken(), story.calls()) == (set(), {}, [])


def test_the_warranty_is_told_at_opening_by_host_and_battery(conn: sa.Connection) -> None:
    story = Story(conn, "powerstar").breaks(Impact.DEGRADED)  # installed on 2024-03-15, 9 Ah blocks
    told = {v.item: (v.verdict, v.until) for v in store.warranty(conn, story.id)}
    assert told == {"host": ("in", "2027-03-15"), "battery": ("out", "2025-03-15")}

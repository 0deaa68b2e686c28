"""Wuhan Jinse's contract as timelines (002_93009a432bd6e563.txt): a major fault has 14 h, a general one 6 h, as published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk import store, storeroom
from desk.acts import ActRefused
from desk.types import ClockState, TicketKind
from tests.journeys.contract_story import K, Story, opened

POLICY = "wuhan_jinse"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sa.Connection]:
    with opened(tmp_path) as made:
        yield made


def test_a_general_fault_is_answered_planned_and_restored_in_half_an_hour_one_and_six(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED)
    assert story.ticket.level == "general"
    assert (story.due("first_response"), story.due("plan"), story.due("restore")) == (0.5, 1, 6)
    assert "dispatch" not in story.names(), "remote work comes first"
    story.after(hours=7)
    assert story.broken() == {"first_response": 0.5, "plan": 1, "restore": 6}


def test_dispatch_begins_when_remote_work_has_failed_and_ends_with_the_departure(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).after(hours=1).did(K.REMOTE_FAILED)
    assert story.due("dispatch") == 3
    story.after(hours=2.5).did(K.DISPATCHED, engineer="Li").after(hours=5).did(K.ONSITE, engineer="Li").after(hours=5.5)
    dispatch, onsite = story.clock("dispatch"), story.clock("onsite")
    assert (dispatch.state, dispatch.counted_s) == (ClockState.STOPPED, 1.5 * 3600)
    assert (onsite.stopped_at, dispatch.stopped_at) == (story.t0 + 5 * 3_600_000, story.t0 + 9_000_000), "both are kept"


def test_a_departure_two_hours_after_remote_work_failed_is_late(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).after(hours=1).did(K.REMOTE_FAILED).after(hours=4)
    assert story.broken()["dispatch"] == 3


def test_a_major_fault_sends_at_once_and_has_fourteen_hours_as_published(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE)
    assert (story.ticket.level, story.due("restore")) == ("major", 14)
    dispatch = story.clock("dispatch")
    assert (dispatch.target_s, story.due("dispatch")) == (None, 0.5), "at once, broken by its own figure of 30 min"
    assert dispatch.text
    assert "最快捷的交通工具" in dispatch.text.zh
    story.after(hours=15)
    assert story.broken() == {"first_response": 0.5, "plan": 0.5, "dispatch": 0.5, "restore": 14}


def test_the_published_inversion_shows_when_a_general_fault_grows(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).after(hours=1)
    assert story.due("restore") == 6
    story.grows(Impact.OUTAGE)
    assert (story.ticket.level, story.due("restore")) == ("major", 14), "the graver level gives more time, as written"


def test_one_hour_on_site_is_shown_and_never_broken(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).after(hours=3)
    onsite = story.clock("onsite")
    assert (onsite.state, onsite.due_at) == (ClockState.UNTIMED, None)
    assert onsite.text
    assert "1小时的现场响应" in onsite.text.zh
    assert "onsite" not in story.broken()


@pytest.mark.parametrize(("impact", "without"), [(Impact.DEGRADED, 6), (Impact.OUTAGE, 14)])
def test_spares_on_site_restore_a_hardware_fault_in_four_hours(
    conn: sa.Connection, impact: Impact, without: float
) -> None:
    bare = Story(conn, POLICY).breaks(impact, "far/ups-10k").after(hours=1)
    storeroom.need(conn, bare.id, "fan", "ann", bare.now, bare.now)
    assert bare.due("restore") == without, "no spare lies there"
    story = Story(conn, POLICY).breaks(impact, "near/ups-10k").after(hours=1)
    storeroom.count(conn, "near", "fan", 2, "ann", story.now, story.now)
    storeroom.need(conn, story.id, "fan", "ann", story.now, story.now)
    assert (story.due("restore"), story.due("spare_part")) == (4, 5)
    assert f"{without} h (L19)" in [t.en for t in story.clock("restore").also]
    assert story.after(hours=6).broken()["restore"] == 4


def test_a_software_fault_with_spares_on_site_keeps_its_six_hours(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).after(hours=1).did(K.FACTS, hardware=0, spares_on_site=1)
    assert story.due("restore") == 6


def test_the_analysis_is_due_three_days_after_the_resolution(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).after(hours=5).runs_again().did(K.RESOLVED).did(K.CLOSED)
    assert story.due("incident_report") == 5 + 72
    story.after(hours=70)
    assert "incident_report" not in story.broken()
    assert story.after(hours=80).broken()["incident_report"] == 77


def test_an_unknown_cause_brings_people_on_site_until_it_is_solved_when_asked_for(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).after(hours=1).did(K.FACTS, cause_known=0, customer_request=1)
    said = [story.clock("onsite").text, *story.clock("onsite").also]
    assert any(t and "直至解决" in t.zh for t in said)


def test_a_slow_system_is_visited_at_the_first_moment_without_a_number(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).is_told(TicketKind.DEFECT, "general", non_stop=True).after(hours=30)
    said = [story.clock("onsite").text, *story.clock("onsite").also]
    assert any(t and "第一时间" in t.zh for t in said)
    assert "onsite" not in story.broken()


def test_on_bypass_or_without_battery_is_a_major_fault_any_other_loss_of_protection_a_general_one(
    conn: sa.Connection,
) -> None:
    assert Story(conn, POLICY).breaks(Impact.UNPROTECTED, finding="bypass").ticket.level == "major"
    flat = Story(conn, POLICY).breaks(Impact.UNPROTECTED, "far/ups-10k", finding="runtime_shortfall")
    assert flat.ticket.level == "major"
    assert Story(conn, POLICY).breaks(Impact.UNPROTECTED, "far/ups-3k", finding="overload").ticket.level == "general"


def test_not_located_on_site_goes_to_the_manufacturer_with_a_hand_over_and_an_equal_machine(
    conn: sa.Connection,
) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(hours=2).did(K.ONSITE).did(K.UNSOLVED_ONSITE)
    assert story.calls() == [("manufacturer_support", 2)]
    assert [e.data["lender"] for e in store.ledger(conn, story.id) if e.data.get("spare")] == ["manufacturer"]


def test_a_caller_is_asked_for_serial_number_fault_and_debug_information(conn: sa.Connection) -> None:
    story = Story(conn, POLICY)
    with pytest.raises(ActRefused, match="debug_information"):
        store.open_by_person(conn, TicketKind.DEFECT, "near/ups-10k", "dark", "ann", story.now, story.inventory, story.now, {"fault_information": "dark"})  # fmt: skip
    told = Story(conn, POLICY).is_told(TicketKind.DEFECT, "general")
    assert told.ticket.level == "general"

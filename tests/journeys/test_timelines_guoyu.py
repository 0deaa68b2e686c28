"""Guoyu Tiansheng's contract as timelines (003_357053145dd910e5.txt): 30 min, 2 h, then 12 h to 5 days by level."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk import consent, store
from desk.types import ClockState, Draft, TicketKind
from model.text import Text
from tests.journeys.contract_story import K, Story, opened

POLICY = "heilongjiang_guoyu"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sa.Connection]:
    with opened(tmp_path) as made:
        yield made


def wall(moment: int | None, tz: str = "Asia/Shanghai") -> str:
    assert moment is not None
    return datetime.fromtimestamp(moment / 1000, ZoneInfo(tz)).strftime("%Y-%m-%d %H:%M")


def test_level_one_breaks_at_half_an_hour_two_twelve_and_sixteen_hours(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(hours=17)
    assert story.ticket.level == "I"
    assert story.broken() == {"first_response": 0.5, "plan": 2, "resolve": 12, "contingency_plan": 16}


def test_level_one_done_as_promised_breaks_nothing(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(minutes=30).did(K.ACKNOWLEDGED)
    story.after(hours=2).did(K.PLANNED, document="plan").after(hours=11.9).did(K.RESOLVED)
    story.after(hours=20).did(K.REPORTED, report="fault_report").after(hours=40)
    assert story.broken() == {}
    assert story.state("contingency_plan") is ClockState.STOPPED, "resolved in time: no emergency plan is owed"


def test_an_emergency_plan_at_fifteen_hours_is_kept_though_the_fault_is_not_resolved(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(hours=15).did(K.CONTINGENCY, document="hire a generator")
    story.after(hours=20)
    assert story.state("contingency_plan") is ClockState.STOPPED
    assert "contingency_plan" not in story.broken()
    assert story.broken()["resolve"] == 12


def test_the_report_is_due_24_hours_after_the_resolution_also_when_the_ticket_is_closed(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(hours=10)
    assert "incident_report" not in story.names()
    story.did(K.RESOLVED).after(hours=11).did(K.CLOSED)
    assert story.due("incident_report") == 34
    story.after(hours=33.75)
    assert "incident_report" not in story.broken()
    assert story.after(hours=35).broken()["incident_report"] == 34


def test_a_report_delivered_in_time_after_the_closing_is_kept(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(hours=10).did(K.RESOLVED).did(K.CLOSED).after(hours=30)
    story.did(K.REPORTED, report="fault_report").after(hours=60)
    assert story.state("incident_report") is ClockState.STOPPED
    assert "incident_report" not in story.broken()
    report = store.policy(conn, story.ticket).reports[0]
    assert (report.sections, report.to) == (("type", "cause", "method", "loss"), ("customer", "manufacturer"))


@pytest.mark.parametrize(("impact", "level", "hours"), [(Impact.UNPROTECTED, "II", 24), (Impact.DEGRADED, "III", 48)])
def test_levels_two_and_three_run_by_the_wall_clock(
    conn: sa.Connection, impact: Impact, level: str, hours: float
) -> None:
    story = Story(conn, POLICY, "2026-09-30 22:00").breaks(impact)  # the night before National Day
    assert (story.ticket.level, story.due("resolve"), story.due("first_response")) == (level, hours, 0.5)
    assert "contingency_plan" not in story.names()


def test_level_four_on_a_friday_before_national_day_waits_for_the_working_days(conn: sa.Connection) -> None:
    story = Story(conn, POLICY, "2025-09-26 16:00").is_told(TicketKind.CONSULTATION, "IV")
    resolve = story.clock("resolve")
    # 1 h on Friday, 8 on the exchanged Sunday, Monday, Tuesday; 1 to 8 October off; 8 on Thursday, 7 on Friday.
    assert (resolve.calendar, wall(resolve.due_at)) == ("5x8", "2025-10-10 16:00")
    assert wall(story.clock("plan").due_at) == "2025-09-28 10:00", "an hour on Friday, one on the worked Sunday"
    assert wall(story.clock("first_response").due_at) == "2025-09-26 16:30"
    story.after(hours=24 * 14 - 0.25)
    assert "resolve" not in story.broken()
    story.after(hours=24 * 14 + 1)
    assert story.broken()["resolve"] == 24 * 14


def test_level_four_before_the_mid_autumn_week_of_2026(conn: sa.Connection) -> None:
    story = Story(conn, POLICY, "2026-09-18 16:00").is_told(TicketKind.CONSULTATION, "IV")
    assert wall(story.clock("resolve").due_at) == "2026-09-24 16:00", "Sunday the 20th is worked for the Friday after"


def test_level_four_at_a_site_in_malaysia_keeps_malaysian_holidays(conn: sa.Connection) -> None:
    story = Story(conn, POLICY, "2025-09-26 16:00").is_told(TicketKind.CONSULTATION, "IV", "kul/ups-10k")
    assert wall(story.clock("resolve").due_at, "Asia/Kuala_Lumpur") == "2025-10-03 16:00"


def test_level_four_reported_in_the_night_begins_with_the_working_day(conn: sa.Connection) -> None:
    story = Story(conn, POLICY, "2026-11-23 02:00").is_told(TicketKind.CONSULTATION, "IV").after(hours=7)
    assert story.clock("first_response").counted_s == 0
    assert wall(story.clock("first_response").due_at) == "2026-11-23 09:30"
    assert story.after(hours=8).broken() == {"first_response": 7.5}


def test_a_person_answers_an_automatic_message_does_not(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(minutes=5)
    sent = Draft(at=story.now, who="roundsman", kind=K.NOTIFIED, text=Text("sent", "已发送"), data={"connector": "mail", "to": "customer", "external": "1"})  # fmt: skip
    store.append(conn, story.id, [sent], story.now)
    assert story.state("first_response") is ClockState.RUNNING
    assert story.after(hours=1).broken() == {"first_response": 0.5}


def test_what_cannot_be_solved_is_reported_upward_and_carried_out_only_when_signed(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(hours=3).did(K.ONSITE).did(K.UNSOLVED_ONSITE)
    assert story.calls() == [("supervisor", 3)]
    refused = consent.permitted(conn, story.id, "implementation", story.now)
    assert isinstance(refused, consent.Refusal)
    assert "supervisor" in refused.text.en


def test_a_defect_that_is_a_question_becomes_a_consultation_with_its_own_time(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).is_told(TicketKind.DEFECT, "III").after(hours=1)
    assert story.due("resolve") == 48
    story.did(K.CONVERTED, "it is an operating question", kind="consultation")
    assert (story.ticket.kind, story.ticket.level) == (TicketKind.CONSULTATION, "IV")
    assert story.clock("resolve").calendar == "5x8"


def test_an_emergency_is_for_five_star_engineers(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE)
    grades = store.policy(conn, story.ticket).grades
    assert [(g.id, g.count, g.levels) for g in grades] == [("five_star", 5, ("I",)), ("four_star", 9, ()), ("three_star", 26, ())]  # fmt: skip

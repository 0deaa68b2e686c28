"""Planned work over months: due, warned of, done, overdue, by each company's own words."""

from __future__ import annotations

from datetime import date

import pytest

from desk import duties
from desk.duration import Duration
from desk.duties import Done, DutyState, Job, Standing
from desk.lines import Line
from desk.types import EntryKind
from model.text import Text
from tests.desk.book import book, entry, opened
from tests.desk.book import policy as shipped
from tests.desk.field.scene import inventory
from tests.desk.stage import DAY, HOUR, T0, at

SINCE = date(2026, 1, 1)


def job(policy: str, duty: str, since: date = SINCE) -> Job:
    """The first job of a duty under one of the shipped contracts."""
    made = duties.jobs(shipped(policy), inventory(policy), "harbour", since)
    return next(j for j in made if j.duty.id == duty)


def done(*days: str, depth: float | None = None, late_days: int = 0) -> list[Done]:
    return [
        Done(at=(when := at(f"{day} 15:00")), recorded_at=when + late_days * DAY, who="ann", depth=depth)
        for day in days
    ]


def on(day: str, of: Job, told: list[Done] | None = None, hour: str = "12:00", **more: Duration) -> Standing:
    return duties.standing(of, told or [], at(f"{day} {hour}"), **more)


@pytest.mark.parametrize(
    ("day", "state"),
    [
        ("2026-06-16", DutyState.SCHEDULED),
        ("2026-06-17", DutyState.SOON),
        ("2026-06-30", DutyState.SOON),
        ("2026-07-01", DutyState.DUE),
        ("2026-07-02", DutyState.OVERDUE),
    ],
)
def test_powerstar_inspects_every_half_year(day: str, state: DutyState) -> None:
    assert on(day, job("powerstar", "inspection")).state is state


def test_the_next_half_year_counts_from_when_it_was_done_not_from_when_it_was_told() -> None:
    found = on("2026-06-25", job("powerstar", "inspection"), done("2026-05-20", late_days=30))
    assert (found.state, found.due_on, found.last_kept) == (DutyState.SCHEDULED, date(2026, 11, 20), True)
    assert found.last
    assert found.last.recorded_at - found.last.at == 30 * DAY


def test_done_too_late_is_done_and_stays_marked_late() -> None:
    found = on("2026-08-20", job("powerstar", "inspection"), done("2026-08-10"))
    assert (found.state, found.last_kept) == (DutyState.SCHEDULED, False)


def test_after_a_year_of_silence_it_is_overdue_and_what_was_missed_is_counted() -> None:
    found = on("2027-08-01", job("powerstar", "inspection"))
    assert (found.state, found.due_on, found.missed) == (DutyState.OVERDUE, date(2026, 7, 1), 2)


@pytest.mark.parametrize(
    ("day", "state"),
    [
        ("2026-03-10", DutyState.SCHEDULED),
        ("2026-03-25", DutyState.SOON),
        ("2026-04-01", DutyState.DUE),
        ("2026-06-30", DutyState.DUE),
        ("2026-07-01", DutyState.OVERDUE),
    ],
)
def test_discharge_is_due_at_three_months_and_overdue_at_six(day: str, state: DutyState) -> None:
    assert on(day, job("powerstar", "battery_discharge")).state is state


def test_an_outage_of_that_depth_counts_and_a_shallow_one_does_not() -> None:
    discharge = job("powerstar", "battery_discharge")
    assert on("2026-05-01", discharge, done("2026-04-10", depth=0.249)).state is DutyState.DUE
    reset = on("2026-05-01", discharge, done("2026-04-10", depth=0.25))
    assert (reset.state, reset.due_on, reset.overdue_on) == (
        DutyState.SCHEDULED,
        date(2026, 7, 10),
        date(2026, 10, 10),
    )
    assert on("2026-05-01", discharge, done("2026-04-10")).state is DutyState.DUE  # of unknown depth


def test_discharge_is_each_ups_s_own_and_a_new_one_begins_anew() -> None:
    made = [j for j in duties.jobs(shipped(), inventory(), "harbour", SINCE) if j.duty.kind == "discharge"]
    assert {j.device for j in made} == {"sz/ups-1", "sz/ups-2", "sz/ups-3k", "far/ups-1", "far/ups-3k"}


@pytest.mark.parametrize(
    ("told", "day", "state", "due"),
    [
        ([], "2026-02-10", DutyState.SCHEDULED, "2026-03-01"),
        ([], "2026-02-20", DutyState.SOON, "2026-03-01"),
        ([], "2026-03-02", DutyState.OVERDUE, "2026-03-01"),
        (["2026-02-20"], "2026-03-02", DutyState.SCHEDULED, "2026-04-30"),
        (["2026-02-20", "2026-02-21", "2026-02-22"], "2026-03-02", DutyState.DONE, "2026-08-31"),
    ],
)
def test_three_visits_in_half_a_year_keep_a_pace(told: list[str], day: str, state: DutyState, due: str) -> None:
    found = on(day, job("chengdu_xinguang", "manager_visit"), done(*told))
    assert (found.state, found.done_in_period) == (state, len(told))
    assert found.due_on
    assert abs((found.due_on - date.fromisoformat(due)).days) <= 1


def test_what_a_half_year_lacked_stays_counted_in_the_next() -> None:
    found = on("2026-07-05", job("chengdu_xinguang", "manager_visit"), done("2026-02-20"))
    assert (found.done_in_period, found.missed) == (0, 2)


def test_weekly_fortnightly_and_monthly_duties_of_xinguang() -> None:
    for duty, due in (("weekly_report", "2026-01-08"), ("bulletin", "2026-01-15"), ("survey", "2026-02-01")):
        assert on("2026-01-05", job("chengdu_xinguang", duty)).due_on == date.fromisoformat(due)
    assert on("2026-01-09", job("chengdu_xinguang", "weekly_report")).state is DutyState.OVERDUE


def test_cee_checks_every_year_and_asks_after_each_service() -> None:
    assert on("2027-01-01", job("cee", "yearly_check")).state is DutyState.DUE
    ledger = book(opened(), entry(60, EntryKind.CLOSED))
    (after,) = duties.after_jobs(shipped("cee"), ledger, "Asia/Shanghai")
    assert (after.duty.id, after.ticket) == ("survey", "T-000001")
    assert duties.standing(after, [], T0 + 2 * HOUR).state is DutyState.DUE
    assert duties.standing(after, [], T0 + DAY).state is DutyState.OVERDUE
    asked = [Done(at=T0 + 3 * HOUR, recorded_at=T0 + 5 * DAY, who="ann")]
    told = duties.standing(after, asked, T0 + 9 * DAY)
    assert (told.state, told.last_kept) == (DutyState.DONE, True)


def test_words_without_a_number_are_never_due_until_the_customer_agrees_on_one() -> None:
    words = job("wuhan_jinse", "inspection")
    assert on("2031-01-01", words).state is DutyState.WORDS
    agreed = on("2026-04-01", words, agreed=Duration.parse("P3M"))
    assert (agreed.state, agreed.agreed) == (DutyState.DUE, Duration.parse("P3M"))


def test_a_day_begins_and_ends_at_the_site() -> None:
    kul = job("powerstar", "inspection")
    assert on("2026-06-30", kul, hour="23:59").state is DutyState.SOON
    assert on("2026-07-01", kul, hour="00:00").state is DutyState.DUE
    assert on("2026-07-01", kul, hour="23:59").state is DutyState.DUE


def test_what_is_dated_ahead_of_the_clock_does_not_count_yet() -> None:
    assert on("2026-07-05", job("powerstar", "inspection"), done("2026-07-06")).state is DutyState.OVERDUE


def test_the_order_of_recording_does_not_matter() -> None:
    told = done("2026-02-20", "2026-05-01", "2026-03-15")
    visits = job("chengdu_xinguang", "manager_visit")
    assert on("2026-05-02", visits, told) == on("2026-05-02", visits, told[::-1])


def test_every_shipped_duty_can_be_computed_on_any_day() -> None:
    for policy in ("powerstar", "cee", "wuhan_jinse", "heilongjiang_guoyu", "chengdu_xinguang", "default"):
        for one in duties.jobs(shipped(policy), inventory(policy), "harbour", date(2024, 2, 29)):
            for day in ("2024-02-29", "2025-02-28", "2026-12-31", "2030-06-01"):
                found = on(day, one)
                assert (found.due_on is None) == (found.state is DutyState.WORDS)


def test_a_done_that_was_taken_back_counts_no_more() -> None:
    def line(seq: int, event: str, data: dict[str, int] | None = None) -> Line:
        return Line(
            kind="duty",
            id="x",
            seq=seq,
            at=T0,
            recorded_at=T0,
            who="a",
            event=event,
            text=Text("", ""),
            data=data or {},
        )

    assert len(duties.done_of([line(1, "done"), line(2, "done")])) == 2
    assert duties.done_of([line(1, "done"), line(2, "undone", {"seq": 1})]) == []

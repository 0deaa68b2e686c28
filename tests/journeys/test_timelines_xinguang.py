"""Xinguang Microwave's contract as timelines (004_867e4b5517f28d89.txt): 10 minutes, depart within 12 h, written consent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk import agreement, consent, consenting, documents, store
from desk.acts import ActRefused
from desk.lines import FieldRefused
from desk.types import ClockState, Draft, TicketKind
from model.text import Text
from tests.journeys.contract_story import K, Story, opened

POLICY = "chengdu_xinguang"
DEVICE = "near/ups-10k"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sa.Connection]:
    with opened(tmp_path) as made:
        yield made


def mailed(story: Story) -> Story:
    """An automatic message reached the customer."""
    data: dict[str, str | int | float | None] = {"connector": "mail", "to": "customer", "external": "1"}
    sent = Draft(at=story.now, who="roundsman", kind=K.NOTIFIED, text=Text("sent", "已发送"), data=data)
    store.append(story.conn, story.id, [sent], story.now)
    return story


def test_level_one_is_reacted_to_by_technicians_in_ten_minutes(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(minutes=3)
    assert (story.ticket.level, story.clock("first_response").target_s) == ("1", 600)
    mailed(story)
    assert story.state("first_response") is ClockState.RUNNING, "a message is no reaction of the technicians"
    assert [t.en for t in story.clock("first_response").also] == ["urgent: immediate (L160)"]
    assert story.after(minutes=15).broken() == {"first_response": pytest.approx(1 / 6, abs=0.001)}


def test_level_one_answered_at_nine_minutes_is_kept(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(minutes=9).did(K.ACKNOWLEDGED).after(hours=1)
    assert story.broken() == {}


def test_level_two_is_immediate_and_a_message_that_arrived_stops_it(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.UNPROTECTED).after(minutes=2)
    assert (story.ticket.level, story.clock("first_response").target_s) == ("2", None)
    mailed(story).after(hours=1)
    assert story.state("first_response") is ClockState.STOPPED
    assert story.broken() == {}


@pytest.mark.parametrize(("level", "kind"), [("3", TicketKind.DEFECT), ("4", TicketKind.CONSULTATION)])
def test_levels_three_and_four_are_answered_in_half_an_hour(conn: sa.Connection, level: str, kind: TicketKind) -> None:
    story = Story(conn, POLICY).is_told(kind, level)
    assert story.due("first_response") == 0.5
    assert ("dispatch" in story.names()) == (level == "3")


def test_a_new_function_is_negotiated_and_promises_no_time(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).is_told(TicketKind.CONSULTATION, "5").after(hours=50)
    assert (story.names(), story.broken(), story.calls()) == (set(), {}, [])


def test_the_engineer_departs_within_twelve_hours_and_nothing_says_when_it_arrives(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).after(minutes=20).did(K.ACKNOWLEDGED)
    assert story.due("dispatch") == 12
    assert not story.names() & {"onsite", "restore", "resolve"}
    story.after(hours=12).did(K.DISPATCHED, engineer="Li").after(hours=30)
    assert story.broken() == {}, "at the twelfth hour exactly it is kept"


def test_a_departure_after_twelve_hours_is_late(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.DEGRADED).did(K.ACKNOWLEDGED).after(hours=13).did(K.DISPATCHED)
    assert story.broken() == {"dispatch": 12}


def test_the_customers_ladder_is_climbed_rung_by_rung_by_the_customer_alone(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(hours=100)
    assert story.calls() == [], "no time climbs it"
    story.did(K.DISSATISFIED, "not solved")
    assert story.calls() == [("department_manager", 100)]
    story.after(hours=101).did(K.DISSATISFIED, "still not solved").after(hours=102)
    assert story.calls()[1:] == [("service_center_gm", 101)]
    story.did(K.DISSATISFIED, "and still").after(hours=103).did(K.DISSATISFIED, "who is left?").after(hours=200)
    rungs = ["department_manager", "service_center_gm", "service_director"]
    assert [to for to, _ in story.calls()] == [*rungs, "service_director"], "above the last rung nobody is skipped"


def test_a_failure_on_site_goes_to_technical_support_at_once(conn: sa.Connection) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE).after(hours=9).did(K.ONSITE).did(K.UNSOLVED_ONSITE)
    assert story.calls() == [("technical_support", 9)]


def test_an_onsite_plan_without_both_signatures_cannot_be_carried_out_by_any_path(
    conn: sa.Connection, tmp_path: Path
) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE, DEVICE).after(hours=1)
    rule, now, id = store.policy(conn, story.ticket), story.now, story.id
    links = documents.Links(customer="harbour", ticket=id)
    paper = documents.put(conn, tmp_path, "plan.txt", "text/plain", b"exchange the board", "ann", now, links)

    def closed() -> str:
        for scope in ("onsite_change", "equipment", "implementation", "remote_access"):
            assert isinstance(consent.permitted(conn, id, scope, now, device=DEVICE), consent.Refusal), scope
        with pytest.raises(ActRefused):
            store.act(conn, id, K.PART_FITTED, "ann", "exchanged", now, now, {"part": "board"})
        with pytest.raises(ActRefused):
            store.act(conn, id, K.LENT, "ann", "swapped", now, now, {"part": "ups", "serial": "X"})
        forged = Draft(at=now, who="ann", kind=K.CONSENT, text=Text("ok", "好"), data={"consent": "C-9", "state": "given", "scope": "onsite_change", "part": "customer_written"})  # fmt: skip
        with pytest.raises(ActRefused):
            store.append(conn, id, [forged], now)
        told = consent.permitted(conn, id, "onsite_change", now, device=DEVICE)
        return told.text.en if isinstance(told, consent.Refusal) else ""

    assert "plan" in closed()
    asked = consenting.ask(conn, rule, story.inventory, "onsite_change", [DEVICE], "ann", now, now, ticket=id)
    assert closed()
    with pytest.raises(FieldRefused):
        consenting.sign(conn, asked.id, "customer_written", "Ms Wu", "ann", now, now, document=paper)
    consenting.sign(conn, asked.id, "plan_drafted", "Li", "ann", now, now, document=paper)
    consenting.sign(conn, asked.id, "plan_tested", "Li", "ann", now, now, document=paper)
    assert closed()
    consenting.sign(conn, asked.id, "provider_written", "Chen", "ann", now, now, document=paper)
    assert "customer" in closed(), "one side is not both"
    with pytest.raises(FieldRefused):
        consenting.sign(conn, asked.id, "customer_written", "Chen", "ann", now, now, document=paper)
    consenting.sign(conn, asked.id, "customer_written", "Ms Wu", "ann", now, now, document=paper)
    permit = consent.permitted(conn, id, "onsite_change", now, device=DEVICE)
    assert isinstance(permit, consent.Permit)
    assert store.act(conn, id, K.PART_FITTED, "ann", "exchanged", now, now, {"part": "board"}).kind is K.PART_FITTED
    assert isinstance(consent.permitted(conn, id, "onsite_change", now, device="far/ups-10k"), consent.Refusal)


def test_what_the_customer_refused_stays_closed_and_what_was_withdrawn_closes_again(
    conn: sa.Connection, tmp_path: Path
) -> None:
    story = Story(conn, POLICY).breaks(Impact.OUTAGE, DEVICE).after(hours=1)
    rule, now, id = store.policy(conn, story.ticket), story.now, story.id
    links = documents.Links(customer="harbour", ticket=id)
    paper = documents.put(conn, tmp_path, "plan.txt", "text/plain", b"exchange the board", "ann", now, links)
    asked = consenting.ask(conn, rule, story.inventory, "onsite_change", [DEVICE], "ann", now, now, ticket=id)
    for part, signer in (("plan_drafted", "Li"), ("plan_tested", "Li"), ("provider_written", "Chen")):
        consenting.sign(conn, asked.id, part, signer, "ann", now, now, document=paper)
    consenting.sign(conn, asked.id, "customer_written", "Ms Wu", "ann", now, now, document=paper)
    assert isinstance(consent.permitted(conn, id, "onsite_change", now, device=DEVICE), consent.Permit)
    consenting.withdraw(conn, asked.id, "Ms Wu", "ann", now, now, "not this week")
    assert isinstance(consent.permitted(conn, id, "onsite_change", now, device=DEVICE), consent.Refusal)
    assert {g.id for g in agreement.gates(rule, "equipment")} >= {"onsite_change", "equipment"}


def test_the_weekly_report_has_its_six_parts_and_the_periodic_work_its_cadences(conn: sa.Connection) -> None:
    rule = store.policy(conn, Story(conn, POLICY).breaks(Impact.OUTAGE).ticket)
    assert len(next(r for r in rule.reports if r.id == "weekly_report").sections) == 6
    paces = {d.id: (d.every.iso if d.every else None, d.times) for d in rule.duties}
    assert paces == {
        "weekly_report": ("P7D", 1),
        "maintenance_centre_report": ("P7D", 1),
        "customer_call": ("P7D", 1),
        "phone_exchange": ("P14D", 1),
        "bulletin": ("P14D", 1),
        "technical_exchange": ("P1M", 1),
        "survey": ("P1M", 1),
        "technician_visit": ("P2M", 1),
        "manager_visit": ("P6M", 3),
        "remote_maintenance": ("P1M", 3),
        "optimisation": ("P1M", 1),
        "manual_update": ("P6M", 3),
        "training": ("P6M", 1),
        "web_support": ("P7D", 6),
    }

"""Visits, parts, forms, surveys, complaints, trainings and planned work through a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

import desk.store as desk
from desk import complaints, duty_book, filing, forms, roster, storeroom, surveys, training, visiting
from desk.duties import DutyState
from desk.lines import FieldRefused, Subject
from desk.types import EntryKind, TicketKind
from model.inventory import Inventory
from model.text import Text
from tests.desk.book import policy as shipped
from tests.desk.field.scene import desk_open, inventory
from tests.desk.stage import DAY, HOUR, MINUTE, T0, at, engine

Desk = tuple[sa.Connection, str, Inventory]


@pytest.fixture
def powerstar() -> Iterator[Desk]:
    with desk_open("powerstar") as held:
        yield held


@pytest.fixture
def wuhan() -> Iterator[Desk]:
    with desk_open("wuhan_jinse") as held:
        yield held


def staff(conn: sa.Connection) -> None:
    roster.put(conn, "zhou", Text("Zhou", "周"), "ann", T0, grade="three_star", base="office", skills=["ups"])
    roster.put(conn, "qian", Text("Qian", "钱"), "ann", T0, grade="five_star", base="depot", hours="7x24")
    roster.way(conn, "office", "sz", 20, "ann", T0)
    roster.way(conn, "depot", "sz", 90, "ann", T0)


def kinds(conn: sa.Connection, ticket: str) -> list[str]:
    return [e.kind.value for e in desk.ledger(conn, ticket)]


def test_a_visit_is_told_to_the_ticket_step_by_step_with_both_times(powerstar: Desk) -> None:
    conn, ticket, _ = powerstar
    staff(conn)
    visit = visiting.plan(conn, "zhou", "ann", T0 + MINUTE, T0 + MINUTE, ticket=ticket, ends_at=T0 + 3 * HOUR).id
    visiting.step(conn, visit, "dispatched", "zhou", T0 + 5 * MINUTE, T0 + 5 * MINUTE)
    visiting.step(conn, visit, "arrived", "zhou", T0 + 25 * MINUTE, T0 + 4 * HOUR)  # entered offline, told later
    held = visiting.step(conn, visit, "done", "zhou", T0 + HOUR, T0 + 4 * HOUR, solved=False)
    assert (held.state, held.arrived_at, held.late) == ("done", T0 + 25 * MINUTE, ("arrived", "done"))
    arrived = next(e for e in desk.ledger(conn, ticket) if e.kind is EntryKind.ONSITE)
    assert (arrived.at, arrived.recorded_at) == (T0 + 25 * MINUTE, T0 + 4 * HOUR)
    assert [k for k in kinds(conn, ticket) if k in ("visit", "dispatched", "onsite", "unsolved_onsite")] == [
        *("visit", "dispatched", "onsite", "visit", "unsolved_onsite")
    ]
    onsite = next(c for c in desk.clocks(conn, ticket, T0 + 5 * HOUR) if c.name == "onsite")
    assert onsite.stopped_at == T0 + 25 * MINUTE


def test_a_step_told_twice_is_one_and_impossible_times_are_named(powerstar: Desk) -> None:
    conn, ticket, _ = powerstar
    staff(conn)
    visit = visiting.plan(conn, "zhou", "ann", T0, T0, ticket=ticket).id
    assert visiting.plan(conn, "zhou", "ann", T0, T0, ticket=ticket).id == visit
    visiting.step(conn, visit, "arrived", "zhou", T0 + 30 * MINUTE, T0 + HOUR)
    before = kinds(conn, ticket)
    visiting.step(conn, visit, "arrived", "zhou", T0 + 30 * MINUTE, T0 + HOUR)
    assert kinds(conn, ticket) == before
    with pytest.raises(FieldRefused, match="impossible"):
        visiting.step(conn, visit, "dispatched", "zhou", T0 + 31 * MINUTE, T0 + HOUR)
    assert visiting.step(conn, visit, "dispatched", "zhou", T0 + MINUTE, T0 + HOUR).state == "arrived"
    with pytest.raises(FieldRefused, match="recorded already"):
        visiting.step(conn, visit, "arrived", "zhou", T0 + 40 * MINUTE, T0 + HOUR)
    with pytest.raises(FieldRefused, match="future"):
        visiting.step(conn, visit, "done", "zhou", T0 + 2 * HOUR, T0 + HOUR)
    visiting.step(conn, visit, "called_off", "ann", T0 + HOUR, T0 + HOUR)
    with pytest.raises(FieldRefused, match="called off"):
        visiting.step(conn, visit, "done", "zhou", T0 + HOUR, T0 + HOUR)


def test_guoyu_sends_only_five_stars_to_an_emergency(powerstar: Desk) -> None:
    with desk_open("heilongjiang_guoyu") as (conn, ticket, _):
        staff(conn)
        assert desk.ticket(conn, ticket).level == "I"
        best, other = roster.candidates(conn, ticket, T0)
        assert (best.engineer.id, best.fits, best.arrives_at) == ("qian", True, T0 + 90 * MINUTE)
        assert (other.engineer.id, other.fits) == ("zhou", False)
        assert any("Five-star" in r.en and "L9" in r.en for r in other.reasons)
        with pytest.raises(FieldRefused, match="Five-star"):
            visiting.plan(conn, "zhou", "ann", T0, T0, ticket=ticket)
        held = visiting.plan(conn, "zhou", "ann", T0, T0, ticket=ticket, anyway="nobody else is awake")
        entry = next(e for e in desk.ledger(conn, ticket) if e.data.get("visit") == held.id)
        assert "nobody else is awake" in entry.text.en


def test_who_is_nearest_depends_on_duty_absence_other_visits_and_known_ways(powerstar: Desk) -> None:
    conn, ticket, _ = powerstar
    staff(conn)
    assert [c.engineer.id for c in roster.candidates(conn, ticket, T0)] == ["zhou", "qian"]
    night = at("2026-11-23 22:00")
    by_night = roster.candidates(conn, ticket, night)
    assert [c.engineer.id for c in by_night] == ["qian", "zhou"]
    assert by_night[1].ready_at == at("2026-11-24 09:00")
    roster.window(conn, "zhou", "on_call", night, night + 8 * HOUR, "ann", night)
    assert roster.candidates(conn, ticket, night)[0].engineer.id == "zhou"
    roster.window(conn, "zhou", "away", night, night + HOUR, "ann", night)
    assert roster.candidates(conn, ticket, night)[0].arrives_at == night + 80 * MINUTE
    visit = visiting.plan(conn, "zhou", "ann", night, night, site="far", ends_at=night + 5 * HOUR).id
    visiting.step(conn, visit, "dispatched", "zhou", night, night)
    assert roster.candidates(conn, ticket, night)[0].engineer.id == "qian"
    roster.put(conn, "sun", Text("Sun", "孙"), "ann", night, base="moon", hours="7x24")
    last = roster.candidates(conn, ticket, night)[-1]
    assert (last.engineer.id, last.arrives_at) == ("sun", None)
    assert not any(c.fits for c in roster.candidates(conn, ticket, night, skills=["lithium"]))


def test_powerstar_hardware_of_six_kva_proposes_a_spare_machine_at_once_and_once(powerstar: Desk) -> None:
    conn, ticket, _ = powerstar
    part = storeroom.need(conn, ticket, "power module", "zhou", T0 + HOUR, T0 + HOUR, expected_at=T0 + DAY)
    proposed = [e for e in desk.ledger(conn, ticket) if e.data.get("spare")]
    assert len(proposed) == 1
    assert "L70" in proposed[0].text.en
    storeroom.need(conn, ticket, "fan", "zhou", T0 + HOUR, T0 + HOUR)
    assert len([e for e in desk.ledger(conn, ticket) if e.data.get("spare")]) == 1
    assert storeroom.expected_at(conn, ticket) is None  # the fan has no promise
    lent = storeroom.lend(conn, ticket, "UPS 10k", "SN-77", "zhou", T0 + 2 * HOUR, T0 + 2 * HOUR)
    back = storeroom.step(conn, lent.id, "returned", "zhou", T0 + 3 * DAY, T0 + 3 * DAY)
    assert (back.state, back.serial) == ("returned", "SN-77")
    fitted = storeroom.step(conn, part.id, "fitted", "zhou", T0 + 2 * DAY, T0 + 3 * DAY, serial="SN-2")
    assert (fitted.ended_at, fitted.serial) == (T0 + 2 * DAY, "SN-2")
    clock = next(c for c in desk.clocks(conn, ticket, T0 + 3 * DAY) if c.name == "spare_part")
    assert clock.started_at == T0 + HOUR


def test_a_small_ups_is_promised_no_spare_machine() -> None:
    with desk_open("powerstar", root="sz/ups-3k") as (conn, ticket, _):
        storeroom.need(conn, ticket, "board", "zhou", T0 + HOUR, T0 + HOUR)
        assert not [e for e in desk.ledger(conn, ticket) if e.data.get("spare")]


def test_stock_at_the_site_is_told_to_the_ticket_and_goes_down_when_fitted(wuhan: Desk) -> None:
    conn, ticket, _ = wuhan
    storeroom.count(conn, "sz", "fan", 2, "ann", T0, T0)
    part = storeroom.need(conn, ticket, "fan", "zhou", T0 + HOUR, T0 + HOUR)
    facts = next(e for e in desk.ledger(conn, ticket) if e.kind is EntryKind.FACTS)
    assert (facts.data["spares_on_site"], facts.data["hardware"]) == (1, 1)
    restore = next(c for c in desk.clocks(conn, ticket, T0 + HOUR) if c.name == "restore")
    assert restore.target_s == 4 * 3600  # L37: hardware with spares on site
    storeroom.step(conn, part.id, "fitted", "zhou", T0 + 2 * HOUR, T0 + 2 * HOUR)
    assert storeroom.in_stock(conn) == {("sz", "fan"): 1}
    with pytest.raises(FieldRefused, match="expected one of"):
        storeroom.step(conn, part.id, "fitted", "zhou", T0 + 3 * HOUR, T0 + 3 * HOUR)


def fill(held: Desk, form: str, policy: str, values: dict[str, str], **more: Any) -> forms.Filled:
    conn, ticket, _ = held
    rule = shipped(policy)
    of = surveys.of_ticket(conn, ticket)
    return filing.fill(conn, None, rule, form, values, "zhou", T0 + HOUR, T0 + HOUR, of=of, **more)


GOOD = {"content": "fan replaced", "result": "runs", "confirmation": "yes"}


def test_wuhan_service_form_is_signed_and_graded_and_missing_until_then(wuhan: Desk) -> None:
    conn, ticket, _ = wuhan
    desk.act(conn, ticket, EntryKind.ONSITE, "zhou", "here", T0 + MINUTE, T0 + MINUTE)
    assert "service_form" in [f.id for f in filing.missing(conn, ticket)]
    with pytest.raises(FieldRefused) as refused:
        fill(wuhan, "service_form", "wuhan_jinse", {"content": "x", "extra": "y"}, satisfaction="great")
    for word in ("extra", "result", "confirmation", "great", "purchaser_named_technician", "L39"):
        assert word in refused.value.text.en
    done = fill(wuhan, "service_form", "wuhan_jinse", GOOD, satisfaction="不满意", signer="mr lin")
    assert (done.satisfaction, done.signer) == ("dissatisfied", "mr lin")
    told = {e.kind: e.data for e in desk.ledger(conn, ticket)}
    assert told[EntryKind.FORM]["form"] == "service_form"
    assert told[EntryKind.SURVEYED]["grade"] == "dissatisfied"
    assert "service_form" not in [f.id for f in filing.missing(conn, ticket)]


def test_what_was_filled_in_is_never_changed_only_corrected(wuhan: Desk) -> None:
    conn = wuhan[0]
    done = fill(wuhan, "service_form", "wuhan_jinse", GOOD, satisfaction="fair", signer="mr lin")
    after = filing.correct(conn, done.id, {"result": "runs again"}, "typed wrongly", "zhou", T0 + 2 * HOUR)
    assert (after.values["result"], after.corrections) == ("runs", ({"result": "runs again"},))
    with pytest.raises(FieldRefused, match="correction"):
        filing.correct(conn, done.id, {"colour": "red"}, "why", "zhou", T0 + 2 * HOUR)


def test_every_form_of_every_contract_can_be_filled_in_and_is_known_by_name() -> None:
    for policy in ("powerstar", "cee", "wuhan_jinse", "heilongjiang_guoyu", "chengdu_xinguang"):
        for form in shipped(policy).forms:
            assert set(form.fields) <= set(forms.FIELDS), form.id
            values = dict.fromkeys(form.fields, "无")
            grade, signer = (form.grades[0] if form.grades else None), ("lin" if form.signed_by else None)
            assert forms.checked(form, values, grade, signer) == values


def test_a_form_is_prefilled_with_what_is_known(powerstar: Desk) -> None:
    conn, ticket, held = powerstar
    rule = shipped("powerstar")
    form = forms.named(rule, "user_problem_feedback_form")
    known = forms.prefilled(form, rule, desk.ticket(conn, ticket), desk.ledger(conn, ticket), held)
    assert known["user"] == "harbour"
    assert "SN-1" in known["equipment"]


def test_guoyu_change_record_of_a_change_needs_the_signature_and_of_none_does_not() -> None:
    with desk_open("heilongjiang_guoyu") as held:
        values = {"solution": "s", "change": "firmware 2", "analysis": "a", "cause": "c"}
        with pytest.raises(desk.ActRefused, match="supervisor"):
            fill(held, "change_record", "heilongjiang_guoyu", values)
        assert filing.listed(held[0]) == []
        assert fill(held, "change_record", "heilongjiang_guoyu", {**values, "change": "无"})


def test_a_dissatisfied_answer_becomes_a_complaint_that_runs_to_its_end(powerstar: Desk) -> None:
    conn, ticket, _ = powerstar
    rule = shipped("powerstar")
    of = surveys.of_ticket(conn, ticket)
    surveys.record(conn, rule, "满意", "", "ann", T0 + HOUR, T0 + HOUR, of=of)
    surveys.record(conn, rule, "dissatisfied", "came too late", "ann", T0 + 2 * HOUR, T0 + 2 * HOUR, of=of, by="lin")
    with pytest.raises(FieldRefused, match="grade"):
        surveys.record(conn, rule, "great", "", "ann", T0 + HOUR, T0 + HOUR, of=of)
    (held,) = complaints.listed(conn, open_only=True)
    assert (held.kind, held.words, held.survey, held.state) == ("complaint", "came too late", "S-000002", "open")
    told = complaints.step(conn, held.id, "reported", "two men short", "ann", T0 + DAY, T0 + DAY, to="dispatch")
    assert told.to == "dispatch"
    ended = complaints.step(conn, held.id, "settled", "called the customer", "ann", T0 + 2 * DAY, T0 + 2 * DAY)
    assert (ended.state, len(ended.answers)) == ("settled", 2)
    assert complaints.listed(conn, open_only=True) == []
    counted = surveys.summary(surveys.listed(conn), T0, T0 + DAY)
    assert (counted.answers, counted.share) == (2, 0.5)


def test_trainings_stay_on_file_with_each_stage_assessed() -> None:
    with engine().begin() as conn:
        of = Subject(customer="harbour", site="sz")
        held = training.hold(conn, "UPS basics", "zhou", ["li", "wu"], "ann", T0, T0, of=of, stages=["theory", "hands"])
        assert len(held.open()) == 4
        training.assess(conn, held.id, "li", False, "zhou", T0 + DAY, T0 + DAY, stage="theory", score=41)
        after = training.assess(conn, held.id, "li", True, "zhou", T0 + 2 * DAY, T0 + 2 * DAY, stage="theory", score=77)
        assert after.newest()["li", "theory"].passed
        assert len(after.assessments) == 2
        assert ("wu", "hands") in after.open()
        with pytest.raises(FieldRefused, match="expected one of its people"):
            training.assess(conn, held.id, "nobody", True, "zhou", T0 + DAY, T0 + DAY)


def test_what_was_overdue_before_the_watch_began_is_one_ticket_and_closes_with_the_last_of_it() -> None:
    held = inventory("powerstar")
    with engine().begin() as conn:
        now = at("2026-11-23 10:00")
        late = [s for s in duty_book.standings(conn, held, now) if s.state is DutyState.OVERDUE]
        assert {s.job.duty.id for s in late} == {"inspection", "battery_discharge"}
        (ticket,) = duty_book.call_overdue(conn, held, now)
        assert duty_book.call_overdue(conn, held, now + DAY) == []
        opened = desk.ticket(conn, ticket)
        assert opened.kind is TicketKind.PLANNED
        assert f"×{len(late) - 2}" in opened.title.zh
        line = duty_book.done(conn, held, "inspection:sz", "zhou", now - DAY, now)
        assert (line.at, line.recorded_at) == (now - DAY, now)
        with pytest.raises(FieldRefused, match="how deep"):
            duty_book.done(conn, held, "battery_discharge:sz/ups-1", "zhou", now, now)
        assert duty_book.discharged(conn, held, [("sz/ups-1", now, 0.2)], now) == []
        duty_book.done(conn, held, "inspection:far", "zhou", now, now)
        for standing in late:
            assert desk.ticket(conn, ticket).state == "open"
            if standing.job.device:
                (found,) = duty_book.discharged(conn, held, [(standing.job.device, now - DAY, 0.31)], now)
                assert found.data["depth"] == 0.31
                assert duty_book.discharged(conn, held, [(standing.job.device, now - DAY, 0.31)], now) == []
        assert desk.ticket(conn, ticket).state == "closed"
        assert not [s for s in duty_book.standings(conn, held, now) if s.state is DutyState.OVERDUE]


def test_what_becomes_overdue_later_calls_once_for_each_duty_and_site() -> None:
    held = inventory("powerstar")
    with engine().begin() as conn:
        start = at("2020-01-02 10:00")
        assert duty_book.call_overdue(conn, held, start) == []
        duty_book.call_overdue(conn, held, at("2020-06-20 10:00"))
        overdue = at("2020-07-03 10:00")
        tickets = duty_book.call_overdue(conn, held, overdue)
        assert {desk.ticket(conn, t).site for t in tickets} == {"sz", "far"}
        assert len(tickets) == 3  # the inspection of each site, the discharge at the one with an older UPS
        begun = {desk.ticket(conn, t).opened_at for t in tickets}
        assert begun == {at("2020-07-01 00:00"), at("2020-07-02 00:00")}  # when each fell overdue, not when it was seen
        assert duty_book.call_overdue(conn, held, overdue + 3 * DAY) == []
        duty_book.done(conn, held, "inspection:sz", "zhou", overdue, overdue)
        assert [desk.ticket(conn, t).state for t in tickets].count("closed") == 1


def test_cee_asks_after_each_service_until_somebody_answered() -> None:
    with desk_open("cee") as (conn, ticket, held):
        desk.act(conn, ticket, EntryKind.CLOSED, "ann", "done", T0 + HOUR, T0 + HOUR)
        (due,) = [s for s in duty_book.standings(conn, held, T0 + 2 * HOUR) if s.job.ticket == ticket]
        assert due.state is DutyState.DUE
        of = surveys.of_ticket(conn, ticket)
        surveys.record(conn, shipped("cee"), "fair", "", "ann", T0 + 3 * HOUR, T0 + 3 * HOUR, of=of)
        (answered,) = [s for s in duty_book.standings(conn, held, T0 + 9 * DAY) if s.job.ticket == ticket]
        assert (answered.state, answered.last_kept) == (DutyState.DONE, True)


def test_wuhan_inspects_as_often_as_the_customer_agrees() -> None:
    held = inventory("wuhan_jinse")
    with engine().begin() as conn:
        duty_book.agree(conn, held, "inspection:sz", "P3M", "ann", T0)
        found = {s.job.key: s for s in duty_book.standings(conn, held, T0)}
        assert found["inspection:sz"].state is DutyState.OVERDUE
        assert found["inspection:far"].state is DutyState.WORDS
        with pytest.raises(FieldRefused, match="no duty"):
            duty_book.agree(conn, held, "nothing:sz", "P3M", "ann", T0)
    with engine().begin() as conn, pytest.raises(FieldRefused, match="itself says"):
        duty_book.agree(conn, inventory("powerstar"), "inspection:sz", "P1M", "ann", T0)


def test_a_person_who_says_hardware_hears_of_the_spare_machine_in_the_same_breath(powerstar: Desk) -> None:
    conn, ticket, _ = powerstar
    desk.act(conn, ticket, EntryKind.FACTS, "zhou", "board burnt", T0 + MINUTE, T0 + MINUTE, {"hardware": 1})
    last = desk.ledger(conn, ticket)[-1]
    assert (last.data["spare"], last.data["lender"], last.at) == ("L70", "provider", T0 + MINUTE)


def test_wuhan_s_manufacturer_lends_only_after_the_site_could_not_be_mended(wuhan: Desk) -> None:
    conn, ticket, _ = wuhan
    staff(conn)
    visit = visiting.plan(conn, "zhou", "ann", T0, T0, ticket=ticket).id
    assert not [e for e in desk.ledger(conn, ticket) if e.data.get("spare")]
    visiting.step(conn, visit, "done", "zhou", T0 + HOUR, T0 + HOUR, solved=False)
    (proposed,) = [e for e in desk.ledger(conn, ticket) if e.data.get("spare")]
    assert (proposed.data["spare"], proposed.data["lender"]) == ("L69", "manufacturer")

"""Tickets that people open, and causes that come back: what the first entry says, what a caller is asked. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from alerts.types import Impact
from desk.clocks import clocks
from desk.opening import Background, Past
from desk.policy import Facts, Policy
from desk.refused import ActRefused
from desk.ticket import decide, fold, open_by_person, returns
from desk.types import Draft, Entry, EntryKind, TicketKind, TicketState
from model.finding import Evidence, Finding, Severity
from model.text import Text
from tests.desk.book import book, entry, policy
from tests.desk.stage import DAY, HOUR, MINUTE, T0, incident, inventory, later
from tests.desk.test_clock_turns import OF

K = EntryKind
INVENTORY = inventory()
WUHAN = policy("wuhan_jinse")


def tell(
    of: Policy = OF,
    kind: TicketKind = TicketKind.DEFECT,
    place: str = "sz/ups-1",
    title: str = "it beeps",
    facts: Facts | None = None,
    at: int = T0,
    now: int = T0 + MINUTE,
    **data: Any,
) -> list[Draft]:
    return open_by_person(of, INVENTORY, facts or Facts(), kind, place, title, "ann", at, now, data)


def ledger_of(drafts: list[Draft]) -> list[Entry]:
    return book(*(entry(0, d.kind, base=d.at, **d.data) for d in drafts))


def finding(kind: str = "bypass", at: int = T0) -> Finding:
    return Finding(
        device="sz/ups-1",
        kind=kind,
        index=None,
        severity=Severity.MAJOR,
        since=at,
        score=0.9,
        evidence=(Evidence(text=Text("on bypass", "旁路供电"), at=at, point="ups.source"),),
        advice=Text("look at the inverter", "检查逆变器"),
    )


def test_a_defect_has_equipment_serial_warranty_contract_and_clocks_from_when_it_was_told() -> None:
    drafts = tell(policy(), at=T0 - HOUR)
    ticket = fold(ledger_of(drafts))
    assert (ticket.kind, ticket.device, ticket.site, ticket.customer) == (
        TicketKind.DEFECT,
        "sz/ups-1",
        "sz",
        "harbour",
    )
    assert (ticket.opened_at, ticket.incident, ticket.level) == (T0 - HOUR, "", "general")
    data = drafts[0].data
    assert (data["serial"], data["kva"], data["contract"], data["in_warranty"]) == ("SN-1", 10, 1, 1)
    assert [d.data["item"] for d in drafts if d.kind is K.WARRANTY] == ["host", "battery"]
    assert {c.name for c in clocks(policy(), ledger_of(drafts), T0)} == {"first_response", "onsite", "restore"}


def test_the_same_call_told_twice_has_one_key_and_another_call_another() -> None:
    one, again, other = tell(), tell(now=T0 + DAY), tell(title="it beeps louder")
    assert fold(ledger_of(one)).key == fold(ledger_of(again)).key != fold(ledger_of(other)).key


def test_a_consultation_about_a_site_has_the_level_of_a_question_and_is_asked_nothing() -> None:
    ticket = fold(ledger_of(tell(WUHAN, TicketKind.CONSULTATION, "sz", "how do I mute it?")))
    assert (ticket.device, ticket.impact) == (None, Impact.REQUEST)
    assert ticket.level == WUHAN.level_of(Impact.REQUEST).id


def test_a_defect_is_asked_for_what_the_contract_wants_and_unknown_is_an_answer_that_is_kept() -> None:
    with pytest.raises(ActRefused, match="fault_information, debug_information"):
        tell(WUHAN)
    told = tell(WUHAN, fault_information="E12", not_known="debug_information")
    assert [d.data.get("to_ask") for d in told if d.kind is K.NOTE] == ["debug_information"]
    with pytest.raises(ActRefused, match="serial_number"):
        tell(policy("cee"), place="sz")


@pytest.mark.parametrize(
    ("of", "data", "level"),
    [
        ("powerstar", {}, "general"),
        ("powerstar", {"impact": "outage"}, "emergency"),
        ("powerstar", {"customer_word": "serious"}, "serious"),
        ("powerstar", {"level": "serious", "customer_word": "emergency"}, "emergency"),
        ("powerstar", {"level": "serious", "customer_word": "general"}, "serious"),
        ("heilongjiang_guoyu", {"customer_word": "IV"}, "III"),
        ("heilongjiang_guoyu", {"customer_word": "I"}, "I"),
    ],
)
def test_the_customers_word_raises_and_sets_where_the_contract_gives_it_that(
    of: str, data: dict[str, str], level: str
) -> None:
    assert fold(ledger_of(tell(policy(of), **data))).level == level


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"kind": TicketKind.INCIDENT}, "got `incident`"),
        ({"place": "nowhere"}, "a listed site"),
        ({"place": "sz/ups-9"}, "a device of that site"),
        ({"title": "  "}, "what the caller said"),
        ({"level": "nine"}, "got `nine`"),
        ({"impact": "awful"}, "got `awful`"),
        ({"at": T0 + HOUR}, "a time up to now"),
    ],
)
def test_a_call_that_cannot_stand_says_why(more: dict[str, Any], expected: str) -> None:
    with pytest.raises(ActRefused, match=expected):
        tell(**more)


def test_what_the_caller_says_cannot_forge_what_the_desk_knows() -> None:
    drafts = tell(policy_="x", customer="lakeside", policy="other@1", cause="mains", root="hz", incident="i9")
    ticket = fold(ledger_of(drafts))
    assert (ticket.customer, ticket.policy, ticket.incident) == ("harbour", OF.pin, "")


def test_facts_that_the_caller_knows_bring_their_promises() -> None:
    ledger = ledger_of(tell(OF, facts=Facts(hardware=True, spares_on_site=True), level="one"))
    assert next(c for c in clocks(OF, ledger, T0) if c.name == "restore").target_s == 4 * 3600
    assert tell(OF, facts=Facts(local=False))[0].data["local"] == 0


def test_somebody_without_contract_is_served_and_it_is_said() -> None:
    drafts = tell(policy(), place="kul", kind=TicketKind.CONSULTATION)
    assert drafts[0].data["contract"] == 0
    assert any("no contract in force" in d.text.en for d in drafts)


def test_an_incident_opens_with_likely_cause_first_steps_evidence_and_older_cases() -> None:
    past = Past(ticket="T-000007", why=Text("same inverter", "同一逆变器"))
    around = Background(findings=(finding(), finding("fan_failed")), similar=(past,))
    data = decide(None, [], incident("sz/ups-1", "device"), INVENTORY, policy(), T0, around)[0].data
    assert str(data["likely_cause_en"]).endswith("on bypass")
    assert (data["first_steps_zh"], data["similar"]) == ("检查逆变器", "T-000007")
    assert data["evidence"] == f"sz/ups-1 ups.source - {T0}"
    assert (data["why_en"], data["serial"], data["kinds"]) == ("because", "SN-1", "bypass,fan_failed")


def test_wuhan_grades_an_unprotected_load_by_what_is_behind_it() -> None:
    case = next(c for c in WUHAN.impact_cases if c.impact is Impact.UNPROTECTED)
    told = incident("sz/ups-1", "device", impact=Impact.UNPROTECTED)
    graver = Background(findings=(finding(case.findings[0]),))
    plain = decide(None, [], told, INVENTORY, WUHAN, T0)
    assert (plain[0].data["level"], decide(None, [], told, INVENTORY, WUHAN, T0, graver)[0].data["level"]) == (
        WUHAN.impacts[Impact.UNPROTECTED],
        case.level,
    )
    ledger = ledger_of(plain)
    joined = later(told, T0 + MINUTE, members=("a1", "a2"))
    drafts = decide(fold(ledger), ledger, joined, INVENTORY, WUHAN, T0 + MINUTE, graver)
    assert [d.data["level"] for d in drafts if d.kind is K.LEVEL] == [case.level]
    after = book(*ledger, *ledger_of(drafts))
    assert decide(fold(after), after, joined, INVENTORY, WUHAN, T0 + 2 * MINUTE, graver) == []


def test_a_cause_that_is_back_within_the_window_reopens_its_ticket_and_later_it_does_not() -> None:
    first = incident()
    ledger = book(*ledger_of(decide(None, [], first, INVENTORY, OF, T0)), entry(60, K.RESTORED), entry(70, K.CLOSED))
    again = incident(opened=T0 + 5 * HOUR)
    drafts = returns(fold(ledger), ledger, again, OF, T0 + 5 * HOUR)
    assert [d.kind for d in drafts] == [K.REOPENED]
    back = book(*ledger, *ledger_of(drafts))
    assert (fold(back).state, fold(back).incident) == (TicketState.OPEN, again.id)
    assert returns(fold(back), back, again, OF, T0 + 5 * HOUR) == [], "told again: it is open"
    for odd in (incident(opened=T0 + 3 * DAY), incident("hz", customer="lakeside", opened=T0 + HOUR)):
        assert returns(fold(ledger), ledger, odd, OF, odd.opened_at) == []
    never = msgspec.structs.replace(OF, reopen=None)
    assert returns(fold(ledger), ledger, again, never, T0 + 5 * HOUR) == []


def test_who_closed_it_while_it_goes_on_is_not_called_again_unless_it_is_worse() -> None:
    first = incident(impact=Impact.DEGRADED)
    ledger = book(*ledger_of(decide(None, [], first, INVENTORY, OF, T0)), entry(70, K.CLOSED))
    same, worse = later(first, T0 + 2 * HOUR, members=("a1", "a2")), later(first, T0 + 2 * HOUR, impact=Impact.OUTAGE)
    assert returns(fold(ledger), ledger, same, OF, T0 + 2 * HOUR) == []
    assert [d.kind for d in returns(fold(ledger), ledger, worse, OF, T0 + 2 * HOUR)] == [K.REOPENED, K.LEVEL]


def test_the_owner_is_who_answered_and_then_who_goes() -> None:
    ledger = book(*ledger_of(tell()), entry(1, K.ACKNOWLEDGED))
    assert fold(ledger).owner == "ann"
    assert fold(book(*ledger, entry(2, K.DISPATCHED, engineer="zhang"))).owner == "zhang"

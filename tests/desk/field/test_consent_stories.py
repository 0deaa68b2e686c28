"""Consents from asking to acting, on a database, under the five contracts; and every way around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import desk.store as desk
from desk import consenting, field_sql, roster, visiting
from desk.consent import Permit, Refusal, permitted
from desk.lines import FieldRefused
from desk.policies import load
from desk.types import Draft, EntryKind, TicketKind
from model.inventory import Inventory
from model.text import Text
from tests.desk.field.scene import HASH, OTHER_HASH, desk_open, papers
from tests.desk.stage import DAY, HOUR, MINUTE, T0

UPS = "sz/ups-1"
XINGUANG = [
    ("plan_drafted", "zhou"),
    ("plan_tested", "zhou"),
    ("customer_written", "director li"),
    ("provider_written", "wang"),
]


class Stage:
    """A ticket under one contract, and short words for what is done to it."""

    def __init__(self, conn: sa.Connection, ticket: str, inventory: Inventory) -> None:
        self.conn, self.ticket, self.inventory = conn, ticket, inventory

    def ask(self, scope: str, minutes: float = 1, devices: tuple[str, ...] = (UPS,), **more: Any) -> str:
        policy = desk.policy(self.conn, desk.ticket(self.conn, self.ticket))
        when = T0 + round(minutes * MINUTE)
        given = {"ticket": self.ticket, **more}
        return consenting.ask(self.conn, policy, self.inventory, scope, devices, "ann", when, when, **given).id

    def sign(self, consent: str, part: str, signer: str, minutes: float, document: str | None = HASH) -> None:
        when = T0 + round(minutes * MINUTE)
        consenting.sign(self.conn, consent, part, signer, "ann", when, when, document=document)

    def agree(self, scope: str = "onsite_change") -> str:
        """Everything that Xinguang's contract asks for, by minute 6."""
        consent = self.ask(scope)
        for minutes, (part, signer) in enumerate(XINGUANG, start=2):
            self.sign(consent, part, signer, minutes)
        return consent

    def may(self, scope: str, minutes: float = 10, **more: Any) -> Permit | Refusal:
        return permitted(self.conn, self.ticket, scope, T0 + round(minutes * MINUTE), **more)


def under(policy: str, folder: Path) -> Iterator[Stage]:
    with desk_open(policy) as (conn, ticket, inventory):
        papers(conn, folder)
        roster.put(conn, "zhou", Text("Zhou", "周"), "ann", T0, grade="five_star", base="sz")
        yield Stage(conn, ticket, inventory)


@pytest.fixture
def cee(tmp_path: Path) -> Iterator[Stage]:
    yield from under("cee", tmp_path)


@pytest.fixture
def guoyu(tmp_path: Path) -> Iterator[Stage]:
    yield from under("heilongjiang_guoyu", tmp_path)


@pytest.fixture
def xinguang(tmp_path: Path) -> Iterator[Stage]:
    yield from under("chengdu_xinguang", tmp_path)


@pytest.fixture
def powerstar(tmp_path: Path) -> Iterator[Stage]:
    yield from under("powerstar", tmp_path)


def test_cee_remote_access_needs_the_customers_authorization(cee: Stage) -> None:
    shut = cee.may("remote_access")
    assert isinstance(shut, Refusal)
    assert "L36" in shut.text.en
    consent = cee.ask("remote_access")
    assert isinstance(cee.may("remote_access"), Refusal)
    cee.sign(consent, "customer_authorization", "mr lin", 3, document=None)
    held = cee.may("remote_access")
    assert isinstance(held, Permit)
    assert (held.device, held.consents) == (UPS, (consent,))
    assert isinstance(cee.may("remote_access", device="sz/ups-2"), Refusal)
    assert isinstance(cee.may("onsite_change"), Refusal)


def test_cee_remote_session_cannot_begin_before_it(cee: Stage) -> None:
    visit = visiting.plan(cee.conn, "zhou", "ann", T0 + MINUTE, T0 + MINUTE, ticket=cee.ticket, channel="remote")
    with pytest.raises(desk.ActRefused, match="authorization"):
        visiting.step(cee.conn, visit.id, "arrived", "zhou", T0 + 2 * MINUTE, T0 + 2 * MINUTE)
    assert visiting.visit(cee.conn, visit.id).state == "planned"
    consent = cee.ask("remote_access", 3)
    cee.sign(consent, "customer_authorization", "mr lin", 4, document=None)
    begun = visiting.step(cee.conn, visit.id, "arrived", "zhou", T0 + 5 * MINUTE, T0 + 5 * MINUTE)
    assert begun.arrived_at == T0 + 5 * MINUTE


def test_guoyu_nothing_is_implemented_before_the_supervisor_signed(guoyu: Stage) -> None:
    fitted = Draft(at=T0 + 9 * MINUTE, who="zhou", kind=EntryKind.PART_FITTED, text=Text("fan", "风扇"), data={})
    with pytest.raises(desk.ActRefused, match="supervisor"):
        desk.append(guoyu.conn, guoyu.ticket, [fitted], T0 + 9 * MINUTE)
    consent = guoyu.ask("implementation")
    guoyu.sign(consent, "supervisor_signature", "chief", 3)
    assert desk.append(guoyu.conn, guoyu.ticket, [fitted], T0 + 9 * MINUTE)


def change_paths(stage: Stage, minutes: float = 9) -> dict[str, Any]:
    """Every way we know by which a change could get into the record."""
    when = T0 + round(minutes * MINUTE)
    conn, ticket = stage.conn, stage.ticket

    def append(kind: EntryKind, **data: Any) -> Any:
        draft = Draft(at=when, who="zhou", kind=kind, text=Text("x", "x"), data=data)
        return lambda: desk.append(conn, ticket, [draft], when)

    def visit(step: str, planned_change: bool) -> Any:
        def go() -> Any:
            held = visiting.plan(conn, "zhou", "ann", when, when, ticket=ticket, change=planned_change)
            return visiting.step(conn, held.id, step, "zhou", when, when, change=not planned_change)

        return go

    def on_visit(kind: EntryKind, named: bool = True, **data: Any) -> Any:
        def go() -> Any:
            held = visiting.plan(conn, "zhou", "ann", when, when, ticket=ticket, change=True)
            said = {"visit": held.id, "state": "planned", **data} if named else data
            return desk.act(conn, ticket, kind, "zhou", "on my way", when, when, said)

        return go

    return {
        "act dispatched": lambda: desk.act(
            conn, ticket, EntryKind.DISPATCHED, "zhou", "going to change it", when, when, {"change": 1}
        ),
        "act onsite": lambda: desk.act(conn, ticket, EntryKind.ONSITE, "zhou", "here", when, when, {"change": 1}),
        "act note": lambda: desk.act(conn, ticket, EntryKind.NOTE, "zhou", "changed it", when, when, {"change": 1}),
        "act dispatched to a visit that is planned with change": on_visit(EntryKind.DISPATCHED),
        "act onsite of a visit that is planned with change": on_visit(EntryKind.ONSITE),
        "act onsite without a word of the visit": on_visit(EntryKind.ONSITE, named=False),
        "act dispatched to a visit that is none": on_visit(EntryKind.DISPATCHED, named=False, visit="V-000404"),
        "append part_fitted": append(EntryKind.PART_FITTED, part="P-1"),
        "append lent": append(EntryKind.LENT, part="P-1"),
        "append dispatched": append(EntryKind.DISPATCHED, change=1),
        "append form": append(EntryKind.FORM, form="problem_record", change=1),
        "append visit": append(EntryKind.VISIT, state="done", change=1),
        "visit planned with change, dispatched": visit("dispatched", True),
        "visit planned with change, arrived": visit("arrived", True),
        "visit planned without, done with change": visit("done", False),
        "forged consent": append(EntryKind.CONSENT, consent="C-000009", state="given", part="customer_written"),
    }


PATHS = [
    "act dispatched",
    "act onsite",
    "act note",
    "act dispatched to a visit that is planned with change",
    "act onsite of a visit that is planned with change",
    "act onsite without a word of the visit",
    "act dispatched to a visit that is none",
    "append part_fitted",
    "append lent",
    "append dispatched",
    "append form",
    "append visit",
    "visit planned with change, dispatched",
    "visit planned with change, arrived",
    "visit planned without, done with change",
    "forged consent",
]


@pytest.mark.parametrize("path", PATHS)
def test_xinguang_no_path_carries_out_a_plan_without_both_signatures(xinguang: Stage, path: str) -> None:
    consent = xinguang.ask("onsite_change")
    for minutes, (part, signer) in enumerate(XINGUANG[:3], start=2):
        xinguang.sign(consent, part, signer, minutes)  # all but our own written confirmation
    before = len(desk.ledger(xinguang.conn, xinguang.ticket))
    with pytest.raises(desk.ActRefused) as refused:
        change_paths(xinguang)[path]()
    if path != "forged consent":
        assert "our written confirmation" in refused.value.text.en
        assert "我方书面确认" in refused.value.text.zh
    changes = [e for e in desk.ledger(xinguang.conn, xinguang.ticket)[before:] if e.data.get("change")]
    assert changes == []


@pytest.mark.parametrize("path", [p for p in PATHS if p != "forged consent"])
def test_xinguang_with_both_every_path_is_open(xinguang: Stage, path: str) -> None:
    xinguang.agree()
    assert change_paths(xinguang)[path]()


def test_xinguang_an_act_before_the_last_signature_stays_refused_however_late_it_is_told(xinguang: Stage) -> None:
    xinguang.agree()
    early = Draft(at=T0 + 4 * MINUTE, who="zhou", kind=EntryKind.PART_FITTED, text=Text("x", "x"), data={})
    with pytest.raises(desk.ActRefused):
        desk.append(xinguang.conn, xinguang.ticket, [early], T0 + HOUR)


def test_xinguang_our_own_action_needs_the_written_plan_and_consent_for_the_equipment(xinguang: Stage) -> None:
    xinguang.agree()
    assert isinstance(xinguang.may("equipment"), Refusal)
    consent = xinguang.ask("equipment", 7)
    xinguang.sign(consent, "customer_written", "director li", 8)
    held = xinguang.may("equipment")
    assert isinstance(held, Permit)
    assert len(held.consents) == 2
    assert held.documents == (HASH,)


def test_withdrawn_expired_or_closed_shuts_it_again(xinguang: Stage) -> None:
    consent = xinguang.agree()
    assert isinstance(xinguang.may("onsite_change"), Permit)
    when = T0 + 20 * MINUTE
    consenting.withdraw(xinguang.conn, consent, "director li", "ann", when, when, "not today")
    after = xinguang.may("onsite_change", 21)
    assert isinstance(after, Refusal)
    assert "withdrawn by director li" in after.text.en
    with pytest.raises(FieldRefused, match="over"):
        xinguang.sign(consent, "customer_written", "director li", 22)


def test_what_expired_is_written_down_so_that_no_clock_revives_it(cee: Stage) -> None:
    consent = cee.ask("remote_access", expires_at=T0 + HOUR)
    cee.sign(consent, "customer_authorization", "mr lin", 3, document=None)
    held = cee.may("remote_access", 59)
    assert isinstance(held, Permit)
    assert held.until == T0 + HOUR
    assert isinstance(cee.may("remote_access", 60), Refusal)
    assert consenting.expire(cee.conn, T0 + 2 * HOUR) == [consent]
    assert consenting.expire(cee.conn, T0 + 2 * HOUR) == []
    back = cee.may("remote_access", 30)
    assert isinstance(back, Refusal)
    assert "jumped back" in back.text.en


def test_powerstar_names_no_gate_yet_nothing_is_done_unasked(powerstar: Stage) -> None:
    fitted = Draft(at=T0 + 9 * MINUTE, who="zhou", kind=EntryKind.PART_FITTED, text=Text("fan", "风扇"), data={})
    assert desk.append(powerstar.conn, powerstar.ticket, [fitted], T0 + 9 * MINUTE)  # people may, by the contract
    assert isinstance(powerstar.may("equipment"), Refusal)  # the product may not
    consent = powerstar.ask("equipment", 9)
    powerstar.sign(consent, "customer_authorization", "mr lin", 9, document=None)
    assert isinstance(powerstar.may("equipment"), Permit)


def test_a_device_without_a_ticket_needs_a_consent_with_an_end(powerstar: Stage) -> None:
    policy = load("powerstar")
    assert policy
    now = T0 + MINUTE
    shut = permitted(powerstar.conn, UPS, "equipment", now, policy=policy)
    assert isinstance(shut, Refusal)
    assert isinstance(permitted(powerstar.conn, UPS, "equipment", now), Refusal)  # contract not known
    with pytest.raises(FieldRefused, match="end by itself"):
        powerstar.ask("equipment", ticket=None)
    consent = powerstar.ask("equipment", ticket=None, expires_at=T0 + DAY)
    powerstar.sign(consent, "customer_authorization", "mr lin", 1, document=None)
    assert isinstance(permitted(powerstar.conn, UPS, "equipment", now, policy=policy), Permit)
    assert isinstance(permitted(powerstar.conn, "sz/ups-2", "equipment", now, policy=policy), Refusal)
    assert isinstance(permitted(powerstar.conn, UPS, "equipment", T0 + DAY, policy=policy), Refusal)


def test_nonsense_is_refused_not_raised(powerstar: Stage) -> None:
    assert isinstance(permitted(powerstar.conn, "T-999999", "equipment", T0), Refusal)
    assert isinstance(permitted(powerstar.conn, powerstar.ticket, "anything", T0), Refusal)
    assert isinstance(permitted(powerstar.conn, UPS, "equipment", T0, device="sz/ups-2"), Refusal)


def test_signatures_in_the_wrong_order_or_without_paper_are_not_taken(xinguang: Stage) -> None:
    consent = xinguang.ask("onsite_change")
    with pytest.raises(FieldRefused, match="too early"):
        xinguang.sign(consent, "customer_written", "director li", 2)
    with pytest.raises(FieldRefused, match="written"):
        xinguang.sign(consent, "plan_drafted", "zhou", 2, document=None)
    with pytest.raises(FieldRefused, match="not kept here"):
        xinguang.sign(consent, "plan_drafted", "zhou", 2, document="c" * 64)
    with pytest.raises(FieldRefused, match="expected one of"):
        xinguang.sign(consent, "supervisor_signature", "chief", 2)
    xinguang.sign(consent, "plan_drafted", "zhou", 3)
    xinguang.sign(consent, "plan_tested", "zhou", 4)
    xinguang.sign(consent, "customer_written", "director li", 5)
    with pytest.raises(FieldRefused, match="two persons"):
        xinguang.sign(consent, "provider_written", "director li", 6)
    xinguang.sign(consent, "plan_drafted", "zhou", 7, OTHER_HASH)
    shut = xinguang.may("onsite_change")
    assert isinstance(shut, Refusal)
    assert "the test of the plan" in shut.text.en


def test_told_twice_is_once_and_the_ledger_says_the_same(xinguang: Stage) -> None:
    consent = xinguang.agree()
    before = len(desk.ledger(xinguang.conn, xinguang.ticket))
    assert xinguang.ask("onsite_change") == consent
    xinguang.sign(consent, "provider_written", "wang", 5)
    told = [e for e in desk.ledger(xinguang.conn, xinguang.ticket) if e.kind is EntryKind.CONSENT]
    assert len(desk.ledger(xinguang.conn, xinguang.ticket)) == before
    assert [e.data["state"] for e in told] == ["asked", "given", "given", "given", "given"]


def test_consents_of_two_customers_are_never_one(powerstar: Stage) -> None:
    with pytest.raises(FieldRefused, match="one customer"):
        powerstar.ask("equipment", devices=(UPS, "kul/ups-1"))
    with pytest.raises(FieldRefused, match="expected one of"):
        powerstar.ask("equipment", devices=("nowhere/ups",))


@pytest.mark.parametrize("verb", ["UPDATE field_book SET who = 'x'", "DELETE FROM field_book"])
def test_the_database_lets_nobody_rewrite_a_consent(cee: Stage, verb: str) -> None:
    cee.ask("remote_access")
    with pytest.raises(sa.exc.DatabaseError, match="append-only"):
        cee.conn.exec_driver_sql(verb)
    assert field_sql.lines(cee.conn, "consent")


def test_a_tickets_consents_end_with_it_and_serve_no_other_ticket(cee: Stage) -> None:
    consent = cee.ask("remote_access")
    cee.sign(consent, "customer_authorization", "mr lin", 3, document=None)
    other = desk.open_by_person(
        cee.conn, TicketKind.CONSULTATION, UPS, "how?", "ann", T0 + MINUTE, cee.inventory, T0 + 4 * MINUTE
    )
    when = T0 + 10 * MINUTE
    assert isinstance(cee.may("remote_access"), Permit)
    assert isinstance(permitted(cee.conn, other, "remote_access", when), Refusal)
    assert isinstance(permitted(cee.conn, UPS, "remote_access", when, policy=load("cee")), Refusal)
    desk.act(cee.conn, cee.ticket, EntryKind.CLOSED, "ann", "done", when, when)
    over = cee.may("remote_access", 11)
    assert isinstance(over, Refusal)
    assert "closed" in over.text.en


def test_who_asks_for_one_device_cannot_act_on_another(powerstar: Stage) -> None:
    both = (UPS, "sz/ups-2")
    consent = powerstar.ask("equipment", ticket=None, devices=both, expires_at=T0 + DAY)
    powerstar.sign(consent, "customer_authorization", "mr lin", 1, document=None)
    given = {"policy": load("powerstar"), "now": T0 + 2 * MINUTE}
    assert isinstance(permitted(powerstar.conn, UPS, "equipment", device=UPS, **given), Permit)
    assert isinstance(permitted(powerstar.conn, UPS, "equipment", device="sz/ups-2", **given), Refusal)

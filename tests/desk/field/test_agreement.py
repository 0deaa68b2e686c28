"""What opens a gate and what does not, from marks alone."""

from __future__ import annotations

from typing import Any

import pytest

from desk import agreement
from desk.agreement import Mark
from desk.types import Draft, Entry, EntryKind
from model.text import Text
from tests.desk.book import book, entry, opened
from tests.desk.field.scene import BOTH_SIDES, HASH, OTHER_HASH, bound, gate
from tests.desk.stage import MINUTE, T0


def marks(*told: tuple[float, str, str | None, str | None], id: str = "C-1", **more: Any) -> list[Mark]:
    """(minutes, state, part, document) told of one consent; each part is signed by its own person."""
    base = {"scope": "onsite_change", "devices": ("sz/ups-1",), "expires_at": None, "ticket": "T-000001", **more}
    return [
        Mark(
            consent=id,
            state=state,
            part=part,
            party="",
            who=f"signer of {part}",
            at=T0 + round(m * MINUTE),
            recorded_at=T0 + round(m * MINUTE),
            document=document,
            **base,
        )
        for m, state, part, document in told
    ]


ALL = [(0, "asked", None, None), *[(n + 1, "given", part, HASH) for n, part in enumerate(BOTH_SIDES)]]
POLICY = bound(gate("onsite_change", *BOTH_SIDES, source="L128"))


def lacking(told: list[Mark], minutes: float, device: str | None = "sz/ups-1", policy: Any = POLICY) -> str:
    at = T0 + round(minutes * MINUTE)
    _, missing = agreement.lacking(policy.gates, agreement.fold(told, at), device, at)
    return "; ".join(m.en for m in missing)


def test_with_plan_test_and_both_signatures_the_gate_is_open() -> None:
    assert lacking(marks(*ALL), 10) == ""


@pytest.mark.parametrize("left_out", BOTH_SIDES)
def test_each_part_that_is_missing_keeps_it_shut_and_is_named(left_out: str) -> None:
    told = marks(*[m for m in ALL if m[2] != left_out])
    assert agreement.PARTS[left_out].en in lacking(told, 10)


def test_nothing_recorded_names_all_that_it_needs_and_the_line_of_the_contract() -> None:
    said = lacking([], 10)
    assert "L128" in said
    assert all(agreement.PARTS[part].en in said for part in BOTH_SIDES)


def test_before_the_last_signature_it_was_shut_whatever_came_later() -> None:
    assert "our written confirmation" in lacking(marks(*ALL), 3.5)


def test_a_new_plan_makes_older_test_and_signatures_void() -> None:
    said = lacking(marks(*ALL, (8, "given", "plan_drafted", OTHER_HASH)), 10)
    assert "the test of the plan" in said
    assert "the customer's written consent" in said


def test_a_signature_under_an_untested_plan_is_none() -> None:
    early = [(0, "asked", None, None), (1, "given", "plan_drafted", HASH), (2, "given", "customer_written", HASH)]
    rest = [(3, "given", "plan_tested", HASH), (4, "given", "provider_written", HASH)]
    assert "the customer's written consent" in lacking(marks(*early, *rest), 10)


def test_a_written_part_without_its_paper_is_not_given() -> None:
    told = [m if m[2] != "customer_written" else (m[0], m[1], m[2], None) for m in ALL]
    assert "the customer's written consent" in lacking(marks(*told), 10)


def test_one_hand_cannot_sign_for_both_sides() -> None:
    told = [Mark(**{**{f: getattr(m, f) for f in Mark.__struct_fields__}, "who": "bob"}) for m in marks(*ALL)]
    assert "two persons" in lacking(told, 10)


@pytest.mark.parametrize("state", ["withdrawn", "expired"])
def test_over_is_over_even_if_somebody_signs_again(state: str) -> None:
    told = marks(*ALL, (6, state, None, None), (7, "given", "customer_written", HASH))
    assert lacking(told, 5.5) == ""
    assert state in lacking(told, 10)


def test_a_refusal_shuts_it_until_the_same_part_is_given_after_all() -> None:
    told = marks(*ALL, (6, "refused", "customer_written", None))
    assert "refused by" in lacking(told, 10)
    assert lacking([*told, *marks((8, "given", "customer_written", HASH))], 10) == ""


def test_it_ends_at_the_moment_written_down_or_when_the_contract_says() -> None:
    told = marks(*ALL, expires_at=T0 + 9 * MINUTE)
    assert lacking(told, 8.99) == ""
    assert "expired" in lacking(told, 9)
    short = bound(gate("onsite_change", *BOTH_SIDES, valid="PT30M"))
    assert lacking(marks(*ALL), 33.9, policy=short) == ""
    assert "expired" in lacking(marks(*ALL), 34, policy=short)


def test_another_device_or_another_scope_is_no_consent() -> None:
    assert "not for sz/ups-2" in lacking(marks(*ALL), 10, "sz/ups-2")
    assert "no consent is recorded" in lacking(marks(*ALL, scope="remote_access"), 10)


def test_of_two_consents_the_good_one_opens() -> None:
    ended = marks(*ALL, (6, "withdrawn", None, None))
    assert lacking([*ended, *marks(*ALL, id="C-2")], 10) == ""


def draft(kind: EntryKind, minutes: float, **data: Any) -> Draft:
    return Draft(at=T0 + round(minutes * MINUTE), who="ann", kind=kind, text=Text("x", "x"), data=data)


def ledger_with(told: list[Mark]) -> list[Any]:
    entries = [opened(root="sz/ups-1")]
    for mark in told:
        data = {"consent": mark.consent, "scope": mark.scope, "state": mark.state, "part": mark.part}
        data |= {"devices": ",".join(mark.devices), "document": mark.document, "signer": mark.who}
        entries.append(entry((mark.at - T0) / MINUTE, EntryKind.CONSENT, **data))
    return book(*entries)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (EntryKind.PART_FITTED, {}),
        (EntryKind.LENT, {}),
        (EntryKind.VISIT, {"state": "done", "change": 1}),
        (EntryKind.DISPATCHED, {"change": 1}),
        (EntryKind.ONSITE, {"change": 1}),
        (EntryKind.FORM, {"form": "problem_record", "change": 1}),
        (EntryKind.RESOLVED, {"change": 1}),
        (EntryKind.NOTE, {"change": 1}),
    ],
)
def test_every_entry_that_carries_out_a_change_is_refused_without_consent(kind: EntryKind, data: Any) -> None:
    shut = agreement.refusal(POLICY, ledger_with([]), draft(kind, 10, **data), T0 + 10 * MINUTE)
    assert shut
    assert "L128" in shut.en
    assert "L128" in shut.zh
    assert agreement.refusal(POLICY, ledger_with(marks(*ALL)), draft(kind, 10, **data), T0 + 10 * MINUTE) is None


def test_going_there_to_look_needs_no_consent() -> None:
    for kind in (EntryKind.DISPATCHED, EntryKind.ONSITE, EntryKind.PART_NEEDED, EntryKind.NOTE):
        assert agreement.refusal(POLICY, ledger_with([]), draft(kind, 10), T0 + 10 * MINUTE) is None


def test_a_remote_session_asks_only_the_gate_of_remote_access() -> None:
    policy = bound(gate("remote_access", "customer_authorization"))
    session = {"state": "arrived", "channel": "remote"}
    assert agreement.demanded(policy, EntryKind.VISIT, session) == policy.gates
    assert agreement.demanded(policy, EntryKind.VISIT, {**session, "state": "planned"}) == ()
    assert agreement.demanded(policy, EntryKind.PART_FITTED, {}) == ()


def planned(**data: Any) -> list[Entry]:
    return book(opened(), entry(5, EntryKind.VISIT, visit="V-1", state="planned", engineer="zhou", **data))


def test_a_remote_session_stays_one_whatever_its_first_step_says() -> None:
    told = draft(EntryKind.ONSITE, 10, visit="V-1", channel="onsite")
    assert agreement.carried_out(planned(channel="remote"), told)["channel"] == "remote"


def test_who_goes_to_look_while_a_change_is_planned_for_somebody_else_needs_no_consent() -> None:
    change = {"channel": "onsite", "with_change": 1}
    assert agreement.carried_out(planned(**change), draft(EntryKind.ONSITE, 10))["change"]
    assert not agreement.carried_out(planned(**change), draft(EntryKind.ONSITE, 10, engineer="li")).get("change")
    off = [*planned(**change), entry(6, EntryKind.VISIT, visit="V-1", state="called_off")]
    assert not agreement.carried_out(book(*off), draft(EntryKind.ONSITE, 10)).get("change")
    assert not agreement.carried_out(planned(channel="onsite"), draft(EntryKind.ONSITE, 10)).get("change")


def test_consents_end_with_their_ticket() -> None:
    kept = book(*ledger_with(marks(*ALL)), entry(8, EntryKind.CLOSED))
    said = agreement.refusal(POLICY, kept, draft(EntryKind.PART_FITTED, 10), T0 + 10 * MINUTE)
    assert said
    assert "closed" in said.en


def test_a_clock_that_jumped_back_permits_nothing() -> None:
    kept = book(*ledger_with(marks(*ALL)), entry(600, EntryKind.NOTE))
    said = agreement.refusal(POLICY, kept, draft(EntryKind.PART_FITTED, 10), T0 + 10 * MINUTE)
    assert said
    assert "jumped back" in said.en


def test_an_action_by_the_product_is_never_free() -> None:
    assert [g.needs for g in agreement.gates(bound(), "equipment")] == [("customer_authorization",)]
    assert [g.needs for g in agreement.gates(bound(), "remote_access")] == [("customer_authorization",)]
    signed = agreement.gates(bound(gate("implementation", "supervisor_signature")), "equipment")
    assert [g.needs for g in signed] == [("supervisor_signature",), ("customer_authorization",)]
    assert agreement.gates(POLICY, "equipment") == POLICY.gates


def test_a_new_plan_voids_what_was_signed_in_the_same_minute() -> None:
    told = [(0, "asked", None, None), *[(1, "given", part, HASH) for part in BOTH_SIDES]]
    assert lacking(marks(*told), 1) == ""
    assert "the test of the plan" in lacking(marks(*told, (1, "given", "plan_drafted", OTHER_HASH)), 1)

"""A promise that cannot be kept any more is said before it breaks, with why; what nobody knows is not guessed."""

from __future__ import annotations

import pytest

from desk.clocks import clocks
from desk.feasibility import Known, Reach, warnings
from desk.ladder import CANNOT, NEAR, fall_due
from desk.policy import Policy
from desk.ticket import fold
from desk.types import Draft, Entry, EntryKind
from model.text import Text
from tests.desk.book import book, entry, opened, policy
from tests.desk.stage import HOUR, MINUTE, T0

K = EntryKind
GUOYU = policy("heilongjiang_guoyu")


def reach(name: str, minutes: int | None, fits: bool = True) -> Reach:
    moment = None if minutes is None else T0 + minutes * MINUTE
    return Reach(engineer=Text(name, name), fits=fits, leaves_at=T0 if moment else None, arrives_at=moment)


def warn(ledger: list[Entry], known: Known, of: Policy | None = None, now: int = T0 + MINUTE) -> list[Draft]:
    chosen = of or policy()
    return warnings(chosen, fold(ledger), ledger, clocks(chosen, ledger, now), known, now)


def about(drafts: list[Draft]) -> list[str]:
    return [str(d.data["clock"]) for d in drafts]


def test_an_engineer_two_hours_away_cannot_keep_half_an_hour() -> None:
    found = warn(book(opened()), Known(reach=(reach("Zhang", 121), reach("Li", 130))))
    assert about(found) == ["onsite"]
    draft = found[0]
    assert (draft.data["why"], draft.data["engineer"], draft.data["earliest_at"]) == (
        CANNOT,
        "Zhang",
        T0 + 121 * MINUTE,
    )
    assert draft.text.en == (
        "Engineer on site: due 2026-11-23 10:30:00 +0800, cannot be kept: nearest suitable engineer is Zhang; "
        "at the earliest 11-23 12:01"
    )
    assert "已无法按时" in draft.text.zh


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (Known(), "nobody keeps a list here"),
        (Known(reach=(reach("Zhang", 20),)), "in time"),
        (Known(reach=(reach("Zhang", 30),)), "at the last moment"),
        (Known(reach=(reach("Zhang", 300), reach("Li", None))), "somebody may be nearer: the way is not known"),
        (Known(reach=(reach("Zhang", 300), reach("Wang", 10))), "the nearest counts"),
    ],
)
def test_what_can_be_kept_or_is_not_known_gives_no_warning(known: Known, why: str) -> None:
    assert warn(book(opened()), known) == [], why


def test_somebody_near_whose_grade_is_not_enough_does_not_count() -> None:
    found = warn(book(opened()), Known(reach=(reach("Wang", 10, fits=False), reach("Zhang", 300))))
    assert found[0].data["engineer"] == "Zhang"
    nobody = warn(book(opened()), Known(reach=(reach("Wang", 10, fits=False),)))
    assert "no suitable engineer" in nobody[0].text.en
    assert nobody[0].data["earliest_at"] is None


def test_a_part_that_comes_too_late_breaks_the_restoring_unless_a_machine_is_lent() -> None:
    ledger = book(opened(), entry(5, K.PART_NEEDED, part="inverter"))
    late = Known(part_at=T0 + 20 * HOUR, mend_s=3600)
    found = {str(d.data["clock"]): d for d in warn(ledger, late, now=T0 + 6 * MINUTE)}
    assert found.keys() == {"restore"}, "24 h for the part are kept, 4 h for restoring are not"
    assert found["restore"].data["earliest_at"] == T0 + 21 * HOUR
    assert "part inverter" in found["restore"].text.en
    assert warn(ledger, Known(part_at=T0 + 20 * HOUR, spare_machine=True), now=T0 + 6 * MINUTE) == []


def test_from_afar_it_may_still_be_solved_until_that_has_failed() -> None:
    far = Known(reach=(reach("Zhang", 500),))
    assert about(warn(book(opened()), far)) == ["onsite"]
    assert about(warn(book(opened(), entry(1, K.REMOTE_FAILED)), far, now=T0 + 2 * MINUTE)) == ["onsite", "restore"]
    there = book(opened(), entry(1, K.REMOTE_FAILED), entry(2, K.ONSITE))
    assert warn(there, far, now=T0 + 3 * MINUTE) == []


def test_it_is_said_once_for_each_promise_and_hides_no_other_warning() -> None:
    far = Known(reach=(reach("Zhang", 500),))
    ledger = book(opened())
    told = book(*ledger, *(entry(1, d.kind, **d.data) for d in warn(ledger, far)))
    assert warn(told, far, now=T0 + 2 * MINUTE) == []
    now = T0 + 25 * MINUTE
    near = fall_due(policy(), fold(told), told, clocks(policy(), told, now), now)
    assert ("onsite", NEAR) in [(d.data["clock"], d.data["why"]) for d in near if d.kind is K.WARNED]
    mild = book(opened("general"))
    first = warn(mild, far)
    raised = book(*mild, *(entry(1, d.kind, **d.data) for d in first), entry(3, K.LEVEL, level="emergency"))
    assert about(first) == about(warn(raised, far, now=T0 + 4 * MINUTE)) == ["onsite"], (
        "another promise, another warning"
    )


def test_the_grade_that_the_contract_asks_for_is_named() -> None:
    ledger = book(opened("I", policy=GUOYU.pin), entry(1, K.REMOTE_FAILED))
    found = warn(ledger, Known(reach=(reach("Wang", 10, fits=False),)), GUOYU, T0 + 2 * MINUTE)
    assert about(found) == ["resolve"]
    grade = next(g for g in GUOYU.grades if "I" in g.levels)
    assert grade.name.en in found[0].text.en

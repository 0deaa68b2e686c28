"""What people write is checked before it stands: needs, choices, order, lateness, and two people at once. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from desk.acts import BY_PEOPLE, ActRefused, act_draft, waiting
from desk.policy import Policy
from desk.ticket import fold
from desk.types import Draft, Entry, EntryKind, TicketKind, TicketState
from model.text import Text
from tests.desk.book import book, clock, entry, opened, policy
from tests.desk.stage import DAY, HOUR, MINUTE, T0
from tests.desk.test_clock_turns import OF

K = EntryKind
WUHAN, GUOYU = policy("wuhan_jinse"), policy("heilongjiang_guoyu")


def act(
    what: EntryKind,
    ledger: list[Entry] | None = None,
    /,
    text: str = "",
    minutes: float = 10,
    late: float = 0,
    of: Policy = OF,
    **data: Any,
) -> Draft:
    book_ = ledger or book(opened(of.levels[0].id, policy=of.pin))
    when = T0 + round(minutes * MINUTE)
    said = Text(text, text)
    return act_draft(of, fold(book_), what, "ann", said, when, when + round(late * MINUTE), data, book_)


def refused(what: EntryKind, /, *args: Any, **more: Any) -> Text:
    with pytest.raises(ActRefused) as error:
        act(what, *args, **more)
    assert error.value.text.zh != error.value.text.en
    return error.value.text


def call(level: str = "two", kind: str = "defect", **more: Any) -> Entry:
    return opened(level, policy=OF.pin, kind=kind, incident="", digest="", cause="request:x", **more)


@pytest.mark.parametrize("kind", [k for k in EntryKind if k not in BY_PEOPLE])
def test_what_the_desk_finds_out_itself_nobody_writes(kind: EntryKind) -> None:
    assert "the desk writes that itself" in refused(kind).en


@pytest.mark.parametrize(
    ("kind", "needs"),
    [
        (K.CONVERTED, "kind"),
        (K.LEVEL, "level"),
        (K.PART_NEEDED, "part"),
        (K.FORM, "form"),
        (K.DOCUMENT, "document"),
        (K.HANDOVER, "to"),
        (K.REPORTED, "report"),
        (K.SURVEYED, "grade"),
        (K.MERGED, "into"),
        (K.PAUSED, "why"),
        (K.PLANNED, "text"),
        (K.CONTINGENCY, "text"),
        (K.DIAGNOSED, "failure_mode"),
        (K.DISSATISFIED, "why"),
        (K.NOTE, "text"),
        (K.RELAPSED, "why"),
    ],
)
def test_an_act_without_what_it_needs_says_what_that_is(kind: EntryKind, needs: str) -> None:
    assert needs in refused(kind).en


@pytest.mark.parametrize(
    ("kind", "of", "data", "expected"),
    [
        (K.FORM, WUHAN, {"form": "nonsense"}, "form: expected one of"),
        (K.REPORTED, WUHAN, {"report": "nonsense"}, "report: expected one of"),
        (K.SURVEYED, WUHAN, {"grade": "superb"}, "grade: expected one of"),
        (K.LEVEL, GUOYU, {"level": "V"}, "I, II, III, IV"),
        (K.NOTE, OF, {"digest": "x"}, "the desk writes digest itself"),
        (K.FACTS, OF, {"colour": "red"}, "expected one or more of"),
        (K.FACTS, OF, {"hardware": "perhaps"}, "yes, no or unknown"),
        (K.FACTS, OF, {"kva": "big"}, "expected a number"),
        (K.FACTS, OF, {"local": "unknown"}, "yes, no or unknown"),
        (K.MERGED, OF, {"into": "T-000001", "why": "x"}, "expected one of"),
    ],
)
def test_choices_are_those_of_the_contract(kind: EntryKind, of: Policy, data: dict[str, Any], expected: str) -> None:
    assert expected in refused(kind, of=of, **data).en


def test_facts_are_taken_as_people_say_them_and_unknown_takes_one_back() -> None:
    draft = act(K.FACTS, hardware="yes", spares_on_site="0", remote_solvable="unknown", kva="10")
    assert draft.data == {"hardware": 1, "spares_on_site": 0, "remote_solvable": None, "kva": 10.0}
    assert draft.text.en == (
        "hardware: yes, spare parts on site: no, can be solved remotely: not known, rating (kVA): 10"
    )


@pytest.mark.parametrize("kva", ["nan", "inf", "-5", "0", "1e400", "six", float("nan")])
def test_a_rating_is_a_number_above_0_or_not_known(kva: str | float) -> None:
    assert "a number above 0" in refused(K.FACTS, kva=kva).en
    assert act(K.FACTS, kva="unknown").data == {"kva": None}


@pytest.mark.parametrize(("said", "meant"), [("no", 0), ("0", 0), (0, 0), ("yes", 1), (1, 1)])
def test_a_closing_that_says_no_fault_says_yes_or_no(said: str | int, meant: int) -> None:
    assert act(K.CLOSED, no_fault=said).data == {"no_fault": meant}
    assert "expected yes, no" in refused(K.CLOSED, no_fault="perhaps").en


def test_a_refusal_tells_times_as_people_write_them() -> None:
    early, late = refused(K.NOTE, text="x", minutes=-5, late=9), refused(K.NOTE, text="x", late=-1)
    assert "2026-11-23 10:00:00 +0800" in early.zh
    assert "got 2026-11-23 09:55:00 +0800" in early.en
    assert "up to now (2026-11-23 10:09:00 +0800), got 2026-11-23 10:10:00 +0800" in late.en


@pytest.mark.parametrize("kind", [K.DIAGNOSED, K.REMOTE_FAILED])
def test_facts_told_beside_an_act_are_read_as_facts(kind: EntryKind) -> None:
    assert act(kind, text="x", hardware="no", kva="6").data == {"hardware": 0, "kva": 6.0}
    assert "above 0" in refused(kind, text="x", kva="abc").en
    assert "yes, no or unknown" in refused(kind, text="x", hardware="perhaps").en


def test_no_reopening_smuggles_a_level_in() -> None:
    ledger = book(opened("one", policy=OF.pin), entry(60, K.CLOSED), entry(70, K.REOPENED, level="nonsense", kind="x"))
    assert (fold(ledger).level, fold(ledger).kind) == ("one", TicketKind.INCIDENT)


def test_a_word_that_was_wrong_is_taken_back_and_its_clock_runs_on() -> None:
    ledger = book(opened("one", policy=OF.pin), entry(20, K.RESTORED, proof="person"))
    assert "is open" in refused(K.RELAPSED, book(opened("one", policy=OF.pin)), text="still out").en
    assert "since it was restored" in refused(K.RELAPSED, ledger, text="still out", minutes=19).en
    back = book(*ledger, entry(30, act(K.RELAPSED, ledger, text="still out", minutes=30).kind))
    assert fold(back).state is TicketState.OPEN
    found = clock("restore", back, 40, OF)
    assert found
    assert (found.stopped_at, found.counted_s) == (None, 30 * 60), "the ten minutes between do not count"


def test_nobody_can_claim_that_readings_prove_their_word() -> None:
    assert act(K.RESTORED, proof="telemetry").data["proof"] == "person"
    assert act(K.RESOLVED, proof="telemetry").data["proof"] == "person"


def test_waiting_is_refused_where_no_clock_may_wait_and_names_those_that_do() -> None:
    assert "lets no clock wait" in refused(K.PAUSED, of=policy(), text="key").en
    assert act(K.PAUSED, text="no key").text.en == "waiting; does not count: Restore: no key"


def test_of_two_who_pause_or_resume_at_once_the_second_hears_who_was_first() -> None:
    ledger = book(opened("one", policy=OF.pin), entry(5, K.PAUSED))
    assert "#2 (ann)" in refused(K.PAUSED, ledger, text="me too").en
    assert act(K.RESUMED, ledger).kind is K.RESUMED
    done = book(*ledger, entry(6, K.RESUMED))
    assert "nothing to resume" in refused(K.RESUMED, done).en
    assert waiting(done) is None


def test_a_defect_becomes_a_consultation_with_its_level_and_back() -> None:
    ledger = book(call("one"))
    asked = act(K.CONVERTED, ledger, kind="consultation", why="operation")
    assert (asked.data["kind"], asked.data["level"], asked.text.en) == ("consultation", "two", "defect → consultation")
    after = book(*ledger, entry(10, K.CONVERTED, **asked.data))
    assert (fold(after).kind, fold(after).level) == (TicketKind.CONSULTATION, "two")
    assert "expected one of defect" in refused(K.CONVERTED, after, kind="consultation", why="x").en
    back = act(K.CONVERTED, after, kind="defect", why="it is broken", level="one")
    assert back.data["level"] == "one"
    assert "only a defect and a consultation" in refused(K.CONVERTED, kind="consultation", why="x").en


def test_what_happened_before_the_closing_may_be_written_after_it() -> None:
    ledger = book(opened("one", policy=OF.pin), entry(60, K.CLOSED))
    assert fold(ledger).state is TicketState.CLOSED
    late = act(K.ONSITE, ledger, minutes=40, late=300)
    assert late.at == T0 + 40 * MINUTE
    assert "what happened before it ended" in refused(K.ONSITE, ledger, minutes=61, late=300).en
    assert "what happened before it ended" in refused(K.CLOSED, ledger, minutes=40, late=300).en
    for kind, data in ((K.NOTE, {}), (K.REPORTED, {"report": "x"}), (K.DOCUMENT, {"document": "d"})):
        assert act(kind, ledger, text="late", minutes=90, **data).kind is kind
    merged = book(opened("one", policy=OF.pin), entry(60, K.MERGED, into="T-000002"))
    assert "only notes and documents" in refused(K.ONSITE, merged, minutes=40, late=300).en


def test_a_closed_ticket_comes_back_within_the_window_of_its_contract_only() -> None:
    ledger = book(opened("one", policy=OF.pin), entry(60, K.RESTORED), entry(70, K.CLOSED))
    within = act(K.REOPENED, ledger, text="it beeps again", minutes=70 + 24 * 60)
    after = book(*ledger, entry(70 + 24 * 60, within.kind, **within.data))
    assert (fold(after).state, fold(after).closed_at) == (TicketState.OPEN, None)
    assert "within 1 d" in refused(K.REOPENED, ledger, text="x", minutes=71 + 24 * 60).en
    assert "expected a closed ticket" in refused(K.REOPENED, text="x").en
    strict = book(opened("emergency"), entry(70, K.CLOSED))
    assert "within none" in refused(K.REOPENED, strict, text="x", minutes=71, of=policy()).en


def test_the_one_part_that_is_waited_for_need_not_be_named_and_of_two_it_must() -> None:
    ledger = book(opened("one", policy=OF.pin), entry(1, K.PART_NEEDED, part="fan"))
    assert act(K.PART_FITTED, ledger).data["part"] == "fan"
    both = book(*ledger, entry(2, K.PART_NEEDED, part="board"))
    assert "board, fan" in refused(K.PART_FITTED, both).en


def test_two_answers_at_once_both_stand_and_the_first_counts() -> None:
    ledger = book(opened(), entry(2, K.ACKNOWLEDGED), entry(2, K.ACKNOWLEDGED))
    found = clock("first_response", ledger, 10)
    assert found
    assert (found.stopped_at, found.intervals[-1].by) == (T0 + 2 * MINUTE, 2)


@pytest.mark.parametrize(
    ("minutes", "late", "expected"), [(10, -1, "a time up to now"), (-5, 9, "since the ticket was")]
)
def test_no_act_lies_in_the_future_or_before_the_opening(minutes: float, late: float, expected: str) -> None:
    assert expected in refused(K.NOTE, text="x", minutes=minutes, late=late).en


def test_a_case_that_was_closed_too_late_to_reopen_is_still_open_for_its_report() -> None:
    ledger = book(opened("one", policy=OF.pin), entry(60, K.RESOLVED), entry(70, K.CLOSED))
    done = act(K.REPORTED, ledger, minutes=40 * 24 * 60, report="r")
    assert clock("incident_report", book(*ledger, entry(40 * 24 * 60, done.kind)), 50 * 24 * 60, OF)
    assert done.at - T0 > 30 * DAY > HOUR

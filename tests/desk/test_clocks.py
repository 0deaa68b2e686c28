"""Powerstar's promises on hand-written ledgers: every level, local and not, above and below 6 kVA, every turn."""

from __future__ import annotations

import pytest

from desk.types import ClockState, EntryKind
from tests.desk.book import book, clock, entry, opened, policy
from tests.desk.stage import HOUR, MINUTE, SECOND, T0, at

K = EntryKind


@pytest.mark.parametrize(
    ("level", "local", "kva", "onsite", "source", "restore"),
    [
        ("emergency", True, 10, 30, "L41", 240),
        ("emergency", True, 3, 30, "L41", None),
        ("emergency", False, 10, 120, "L49", 240),
        ("emergency", False, 3, None, None, None),
        ("serious", True, 6, 60, "L42", 240),
        ("serious", True, 5.9, 60, "L42", None),
        ("serious", False, 6, 120, "L49", 240),
        ("general", True, 10, 120, "L43", 240),
        ("general", True, None, 120, "L43", None),
        ("general", False, None, None, None, None),
        ("planned", True, 10, None, None, None),
    ],
)
def test_powerstar_promises_by_level_place_and_rating(
    level: str, local: bool, kva: float | None, onsite: int | None, source: str | None, restore: int | None
) -> None:
    ledger = book(opened(level, local, kva))
    arrival, running = clock("onsite", ledger, 1), clock("restore", ledger, 1)
    assert (arrival and (arrival.due_at, arrival.source)) == (onsite and (T0 + onsite * MINUTE, source))
    assert (running and running.due_at) == (restore and T0 + restore * MINUTE)
    first = clock("first_response", ledger, 1)
    assert (first is None) == (level == "planned")


def test_the_stricter_number_binds_and_the_other_is_shown() -> None:
    found = clock("onsite", book(opened("emergency")), 1)
    assert found
    assert (found.target_s, [t.en for t in found.also]) == (1800, ["2 h (L49)"])


def test_immediate_is_no_number_but_breaks_after_what_the_policy_says_it_means() -> None:
    ledger = book(opened())
    before, after = clock("first_response", ledger, 5), clock("first_response", ledger, 5.001)
    assert before
    assert after
    assert (before.target_s, before.text and before.text.en, before.due_at) == (
        None,
        "immediate reply",
        T0 + 5 * MINUTE,
    )
    assert (before.state, after.state) == (ClockState.RUNNING, ClockState.BROKEN)


@pytest.mark.parametrize(
    ("stop", "state"),
    [
        (entry(4, K.ACKNOWLEDGED), ClockState.STOPPED),
        (entry(4, K.NOTIFIED, to="customer"), ClockState.STOPPED),
        (entry(4, K.NOTIFIED, to="desk"), ClockState.RUNNING),
        (entry(4, K.NOTE), ClockState.RUNNING),
    ],
)
def test_first_response_stops_for_a_person_or_a_message_that_reached_the_customer(stop, state) -> None:
    found = clock("first_response", book(opened(), stop), 4.5)
    assert found
    assert found.state is state


def test_arriving_at_the_very_last_moment_is_in_time_and_a_millisecond_later_is_not() -> None:
    just = clock("onsite", book(opened(), entry(30, K.ONSITE)), 60)
    late = clock("onsite", book(opened(), entry(30 + 1 / 60_000, K.ONSITE)), 60)
    assert just
    assert late
    assert (just.state, late.state) == (ClockState.STOPPED, ClockState.BROKEN)
    assert late.stopped_at == T0 + 30 * MINUTE + 1


def test_a_level_raised_while_the_clock_runs_counts_from_the_original_start() -> None:
    ledger = book(opened("general"), entry(20, K.LEVEL, level="emergency"))
    before, after = clock("onsite", ledger[:1], 19), clock("onsite", ledger, 21)
    assert before
    assert after
    assert (before.due_at, after.due_at) == (T0 + 2 * HOUR, T0 + 30 * MINUTE)
    assert after.state is ClockState.RUNNING
    assert [(i.counted_s, i.by, i.source) for i in after.intervals] == [(1200, 1, "L43"), (60, 2, "L41")]


def test_a_level_raised_too_late_breaks_the_clock_at_that_moment_and_not_before() -> None:
    ledger = book(opened("general"), entry(45, K.LEVEL, level="emergency"))
    found = clock("onsite", ledger, 50)
    assert found
    assert found.state is ClockState.BROKEN
    assert [(i.state, i.since) for i in found.intervals] == [
        (ClockState.RUNNING, T0),
        (ClockState.BROKEN, T0 + 45 * MINUTE),
    ]


def test_lowering_the_level_does_not_mend_a_broken_promise() -> None:
    ledger = book(opened("emergency"), entry(40, K.LEVEL, level="general"))
    found = clock("onsite", ledger, 50)
    assert found
    assert (found.state, found.due_at) == (ClockState.BROKEN, T0 + 2 * HOUR)
    gone = clock("onsite", book(opened("emergency"), entry(10, K.LEVEL, level="planned")), 50)
    assert gone is None, "nothing broken, nothing promised"
    kept = clock("onsite", book(opened("emergency"), entry(40, K.LEVEL, level="planned")), 50)
    assert kept
    assert kept.state is ClockState.BROKEN, "broken before it was lowered: it stays to be seen"


def test_time_between_restoration_and_relapse_does_not_count() -> None:
    ledger = book(opened(), entry(60, K.RESTORED), entry(100, K.RELAPSED), entry(200, K.RESTORED))
    now = clock("restore", ledger[:3], 150)
    assert now
    assert (now.state, now.counted_s, now.due_at) == (ClockState.RUNNING, 110 * 60, T0 + (240 + 40) * MINUTE)
    done = clock("restore", ledger, 500)
    assert done
    assert (done.state, done.counted_s, done.stopped_at) == (ClockState.STOPPED, 160 * 60, T0 + 200 * MINUTE)
    assert [i.state.value for i in done.intervals] == ["running", "stopped", "running", "stopped"]


def test_a_relapse_runs_the_way_to_the_site_on_only_if_nobody_had_arrived() -> None:
    arrived = book(opened(), entry(10, K.ONSITE), entry(20, K.RESTORED), entry(40, K.RELAPSED))
    nobody = book(opened(), entry(20, K.RESTORED), entry(40, K.RELAPSED))
    there, coming = clock("onsite", arrived, 45), clock("onsite", nobody, 45)
    assert there
    assert coming
    assert (there.state, coming.state) == (ClockState.STOPPED, ClockState.RUNNING)
    assert coming.due_at == T0 + 50 * MINUTE


def test_an_acknowledgement_written_down_later_counts_when_it_happened() -> None:
    late = entry(3, K.ACKNOWLEDGED, recorded=T0 + 3 * HOUR)
    found = clock("first_response", book(opened(), entry(5, K.BROKEN, clock="first_response"), late), 200)
    assert found
    assert (found.state, found.stopped_at) == (ClockState.STOPPED, T0 + 3 * MINUTE)


@pytest.mark.parametrize("end", [K.CLOSED, K.MERGED])
def test_the_end_of_the_case_ends_every_clock(end: EntryKind) -> None:
    ledger = book(opened(), entry(3, end), entry(50, K.RELAPSED))
    found = [clock(name, ledger, 400) for name in ("first_response", "onsite", "restore")]
    assert [c and (c.state, c.counted_s) for c in found] == [(ClockState.STOPPED, 180.0)] * 3


def test_a_desk_whose_clock_jumps_back_does_not_count_backwards() -> None:
    ledger = book(opened(), entry(20, K.NOTE))
    found = clock("onsite", ledger, -500)
    assert found
    assert (found.counted_s, found.state) == (1200, ClockState.RUNNING)


def test_the_default_policy_counts_a_small_fault_in_office_hours_of_the_site() -> None:
    """Opened Friday 16:30 in Kuala Lumpur; one hour of the two on Friday evening is not worked."""
    friday = at("2026-11-27 16:30", "Asia/Kuala_Lumpur")
    data = {"when": friday, "country": "MY", "tz": "Asia/Kuala_Lumpur", "policy": policy("default").pin}
    ledger = book(opened("normal", **data))
    found = clock("onsite", ledger, (friday + 3 * 24 * HOUR - T0) / MINUTE, policy("default"))
    assert found
    assert found.calendar == "5x8"
    assert found.due_at == at("2026-12-01 16:30", "Asia/Kuala_Lumpur")
    assert found.counted_s * SECOND == 30 * MINUTE + 7.5 * HOUR


def test_a_regrade_from_office_hours_to_round_the_clock_keeps_what_was_counted() -> None:
    """Nothing was owed over the weekend; from the re-grade on the wall clock counts."""
    saturday = at("2026-11-28 10:00")
    sunday = at("2026-11-29 10:00")
    raised = entry(0, K.LEVEL, base=sunday, level="critical")
    ledger = book(opened("normal", when=saturday, policy=policy("default").pin), raised)
    found = clock("onsite", ledger, (sunday + HOUR - T0) / MINUTE, policy("default"))
    assert found
    assert [(i.counted_s, i.source == found.source) for i in found.intervals] == [(0, False), (3600, True)]
    assert found.due_at == sunday + 4 * HOUR


def test_words_without_a_number_are_shown_as_words() -> None:
    ledger = book(opened("low", policy=policy("default").pin))
    found = clock("restore", ledger, 10_000, policy("default"))
    assert found
    assert (found.state, found.due_at, found.target_s) == (ClockState.UNTIMED, None, None)
    assert found.text
    assert found.text.zh == "方便时，于下次上门处理"
    assert found.counted_s == 600_000

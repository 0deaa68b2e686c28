"""Ladders by time, by event and by the customer: repeats, re-grades, relapses, a week's shutdown. Pure, on hand-written ledgers."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.clocks import clocks
from desk.ladder import fall_due, next_call, next_moment
from desk.policy import Policy
from desk.ticket import fold
from desk.types import Entry, EntryKind
from tests.desk.book import book, entry, opened, policy
from tests.desk.stage import DAY, HOUR, MINUTE, T0

K = EntryKind
CEE, XINGUANG, POWERSTAR = policy("cee"), policy("chengdu_xinguang"), policy("powerstar")


def live(of: Policy, events: list[Entry], hours: list[float]) -> list[Entry]:
    """The ledger after ticks at these hours; entries come in when they are recorded."""
    ledger: list[Entry] = []
    for hour in hours:
        now = T0 + round(hour * HOUR)
        ledger += [
            e for e in events if e.recorded_at <= now and not any(e.at == k.at and e.kind == k.kind for k in ledger)
        ]
        ledger = book(*ledger)
        due = fall_due(of, fold(ledger), ledger, clocks(of, ledger, now), now)
        drawn = [entry(0, d.kind, base=d.at, recorded=now, **d.data) for d in due]
        ledger = book(*ledger, *drawn)
    return ledger


def called(ledger: list[Entry]) -> list[tuple[float, str]]:
    return [((e.at - T0) / HOUR, str(e.data["to"])) for e in ledger if e.kind is K.ESCALATED]


def case(level: str = "first", of: Policy = CEE) -> Entry:
    return opened(level, policy=of.pin)


def hourly(days: int) -> list[float]:
    return [float(h) for h in range(days * 24 + 1)]


def test_cee_first_level_climbs_to_the_president_and_calls_him_every_day_until_diagnosed() -> None:
    ledger = live(CEE, [case(), entry(60 * 110, K.DIAGNOSED)], hourly(8))
    assert called(ledger) == [
        (1, "department_manager"),
        (4, "operation_center_gm"),
        (24, "vice_president"),
        (48, "president"),
        (72, "president"),
        (96, "president"),
    ]
    manufacturer = next(e for e in ledger if e.data.get("to") == "operation_center_gm")
    assert (manufacturer.data["also"], manufacturer.data["handover"]) == ("manufacturer_support", 1)


def test_a_weeks_shutdown_calls_the_highest_rung_once_and_then_goes_on_at_its_pace() -> None:
    ledger = live(CEE, [case()], [0, 0.5, 167.5, 167.6, 168.5, 191.9, 192.1])
    assert called(ledger) == [(144, "president"), (168, "president"), (192, "president")]
    assert [e.data.get("repeat") for e in ledger if e.kind is K.ESCALATED] == [4, 5, 6]


def test_repeats_that_were_missed_come_as_one() -> None:
    ledger = live(CEE, [case()], [*hourly(2), 48.5, 48 + 24 * 5 + 1])
    assert called(ledger)[3:] == [(48, "president"), (168, "president")]


def test_nobody_is_called_after_the_equipment_runs_and_the_climb_goes_on_after_a_relapse() -> None:
    events = [case(), entry(90, K.RESTORED, proof="telemetry"), entry(60 * 5, K.RELAPSED)]
    ledger = live(CEE, events, hourly(2))
    assert called(ledger) == [
        (1, "department_manager"),
        (4, "operation_center_gm"),
        (24, "vice_president"),
        (48, "president"),
    ]


def test_a_resolution_that_a_relapse_undid_does_not_end_the_ladder() -> None:
    events = [case(), entry(30, K.RESOLVED), entry(60 * 2, K.RELAPSED)]
    assert called(live(CEE, events, hourly(1)))[:2] == [(1, "department_manager"), (4, "operation_center_gm")]


def test_raising_the_level_calls_above_who_was_told_and_lowering_it_calls_nobody_below() -> None:
    raised = live(CEE, [case("third"), entry(60 * 73, K.LEVEL, level="first")], hourly(4))
    assert called(raised) == [(72, "department_manager"), (72, "president"), (96, "president")]
    lowered = live(CEE, [case(), entry(60 * 5, K.LEVEL, level="second")], hourly(3))
    assert called(lowered) == [
        (1, "department_manager"),
        (4, "operation_center_gm"),
        (48, "vice_president"),
        (72, "president"),
    ]


def test_a_diagnosis_written_down_late_unmakes_no_call() -> None:
    late = entry(30, K.DIAGNOSED, recorded=T0 + 3 * HOUR)
    assert called(live(CEE, [case(), late], hourly(1))) == [(1, "department_manager")]


def test_the_customer_climbs_one_rung_each_time_and_stays_on_the_last() -> None:
    asks = [entry(60 * h, K.DISSATISFIED, why="again") for h in (1, 2, 3, 4)]
    ledger = live(XINGUANG, [case("1", XINGUANG), *asks], hourly(1))
    rungs = [s.to for s in XINGUANG.ladder if s.customer]
    assert len(rungs) == 3
    found = [(hour, to) for hour, to in called(ledger) if to in rungs]
    assert found == list(zip((1, 2, 3, 4), [*rungs, rungs[-1]], strict=True))
    call = next_call(XINGUANG, fold(ledger), ledger, T0 + DAY)
    assert call == XINGUANG.roles[rungs[-1]].name


def test_the_customer_may_climb_when_the_equipment_runs_but_not_when_the_case_is_closed() -> None:
    ask = entry(120, K.DISSATISFIED, why="slow")
    running = live(XINGUANG, [case("2", XINGUANG), entry(60, K.RESTORED), ask], hourly(1))
    assert len(called(running)) == 1
    closed = live(XINGUANG, [case("2", XINGUANG), entry(60, K.CLOSED), ask], hourly(1))
    assert called(closed) == []


def test_an_event_calls_at_once_and_once() -> None:
    events = [case("emergency", POWERSTAR), entry(95, K.UNSOLVED_ONSITE), entry(200, K.UNSOLVED_ONSITE)]
    assert len([c for c in called(live(POWERSTAR, events, hourly(1))) if c[0] == 95 / 60]) == 1


def test_the_next_moment_is_never_in_the_past_and_outlives_the_closing_where_a_report_is_owed() -> None:
    wuhan = policy("wuhan_jinse")
    ledger = book(opened("general", policy=wuhan.pin), entry(60, K.RESOLVED), entry(90, K.CLOSED))
    now = T0 + 2 * HOUR
    moment = next_moment(wuhan, fold(ledger), ledger, clocks(wuhan, ledger, now), now)
    assert moment is not None
    late = T0 + 4 * DAY
    broken = fall_due(wuhan, fold(ledger), ledger, clocks(wuhan, ledger, late), late)
    assert [(d.kind.value, d.data["clock"]) for d in broken if d.data["clock"] == "incident_report"] == [
        ("broken", "incident_report")
    ]
    merged = book(*ledger, entry(91, K.MERGED))
    assert next_moment(wuhan, msgspec.structs.replace(fold(merged)), merged, [], now) is None


def test_every_clock_of_a_part_is_warned_of_and_broken_on_its_own() -> None:
    ledger = book(
        case("emergency", POWERSTAR),
        entry(10, K.PART_NEEDED, part="fan"),
        entry(20, K.PART_NEEDED, part="board"),
    )
    now = T0 + 40 * DAY
    due = fall_due(POWERSTAR, fold(ledger), ledger, clocks(POWERSTAR, ledger, now), now)
    parts = [d for d in due if d.data.get("clock") == "spare_part"]
    assert [d.data["begun"] for d in parts] == [2, 3]
    assert ["(fan)" in parts[0].text.en, "（" in parts[0].text.zh or "(fan)" in parts[0].text.zh] == [True, True]
    told = book(*ledger, *(entry(0, d.kind, base=now + MINUTE, **d.data) for d in due))
    assert fall_due(POWERSTAR, fold(told), told, clocks(POWERSTAR, told, now + MINUTE), now + MINUTE) == []


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(["first", "second", "third", "fourth"]),
    st.lists(st.integers(0, 24 * 5), min_size=1, max_size=10),
    st.lists(
        st.tuples(
            st.integers(1, 60 * 24 * 4), st.sampled_from([K.RESTORED, K.RELAPSED, K.RESOLVED, K.LEVEL, K.DIAGNOSED])
        ),
        max_size=4,
        unique_by=lambda e: e[0],
    ),
)
def test_whenever_the_desk_was_down_each_call_comes_once_and_never_before_its_time(
    level: str, ticks: list[int], turns: list[tuple[int, EntryKind]]
) -> None:
    events = [entry(m, kind, **({"level": "first"} if kind is K.LEVEL else {})) for m, kind in turns]
    hours = [0.0, *(float(t) for t in sorted(ticks)), 24.0 * 5]
    ledger = live(CEE, [case(level), *events], hours)
    calls = [e for e in ledger if e.kind is K.ESCALATED]
    marks = [(e.data["step"], e.data.get("repeat", 0)) for e in calls]
    assert len(marks) == len(set(marks))
    assert all(e.at <= e.recorded_at for e in calls)
    watched = live(CEE, [case(level), *events], sorted({*hours, *hourly(5)[::6]}))
    often = [e for e in watched if e.kind is K.ESCALATED]
    assert len(often) >= len(calls), "a shutdown never calls more people"
    if calls and not events:
        assert (often[-1].data["step"], often[-1].data.get("repeat")) == (
            calls[-1].data["step"],
            calls[-1].data.get("repeat"),
        )

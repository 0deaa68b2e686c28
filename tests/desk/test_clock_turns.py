"""Every turn a clock can take beyond start and stop: waiting, facts learned late, parts, reports, reopening, proof, doubts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from desk.calendars import WORKING, Place, doubts
from desk.clocks import clocks, problems
from desk.policy import Policy
from desk.policy_file import parse
from desk.types import Clock, ClockState, Entry, EntryKind
from tests.desk.book import book, clock, entry, opened, policy
from tests.desk.stage import DAY, HOUR, MINUTE, T0, at

K = EntryKind

CONTRACT = """
id = "test"
name = { en = "Test", zh = "测试" }
reopen = "P1D"
[impact]
outage = "one"
unprotected = "one"
degraded = "two"
advisory = "two"
request = "two"
[[level]]
id = "one"
name = { en = "One", zh = "一" }
means = { en = "down", zh = "停机" }
[[level]]
id = "two"
name = { en = "Two", zh = "二" }
means = { en = "up", zh = "运行" }
[[clock]]
name = "restore"
title = { en = "Restore", zh = "恢复" }
start = "opened"
stop = ["restored"]
calendar = "7x24"
pauses = true
[[clock.promise]]
levels = ["one", "two"]
target = "PT6H"
[[clock.promise]]
levels = ["one", "two"]
target = "PT4H"
when = { hardware = true, spares_on_site = true }
[[clock]]
name = "resolve"
title = { en = "Resolve", zh = "解决" }
start = "opened"
stop = ["resolved"]
calendar = "7x24"
[[clock.promise]]
levels = ["one", "two"]
target = "PT12H"
[[clock]]
name = "dispatch"
title = { en = "Dispatch", zh = "派出" }
start = "opened"
stop = ["dispatched"]
calendar = "7x24"
[[clock.promise]]
levels = ["one", "two"]
target = "PT2H"
when = { remote_solvable = false }
[[clock]]
name = "spare_part"
title = { en = "Spare part", zh = "备件" }
start = "part_needed"
stop = ["part_fitted"]
calendar = "7x24"
[[clock.promise]]
levels = ["one", "two"]
target = "PT24H"
[[clock]]
name = "incident_report"
title = { en = "Report", zh = "报告" }
start = "resolved"
stop = ["reported"]
calendar = "5x8"
after_close = true
[[clock.promise]]
levels = ["one", "two"]
target = "P1D"
"""


def contract(extra: str = "") -> Policy:
    found, wrong = parse(CONTRACT + extra, "test.toml")
    assert found, wrong
    return found


OF = contract()


def one(name: str, ledger: list[Entry], minutes: float) -> Clock:
    found = clock(name, ledger, minutes, OF)
    assert found
    return found


def start(level: str = "one", **more: Any) -> Entry:
    return opened(level, policy=OF.pin, **more)


def test_waiting_for_the_customer_does_not_count_where_the_contract_lets_the_clock_wait() -> None:
    ledger = book(start(), entry(60, K.PAUSED, why="customer"), entry(180, K.RESUMED), entry(200, K.NOTE))
    held, done = one("restore", ledger[:2], 150), one("restore", ledger, 200)
    assert (held.state, held.due_at, held.counted_s) == (ClockState.PAUSED, None, 3600)
    assert (done.state, done.due_at) == (ClockState.RUNNING, T0 + 8 * HOUR)
    assert [(i.state.value, i.counted_s) for i in done.intervals] == [
        ("running", 3600),
        ("paused", 0),
        ("running", 1200),
    ]
    firm = one("resolve", ledger, 200)
    assert (firm.due_at, len(firm.intervals)) == (T0 + 12 * HOUR, 1), "this clock does not wait"


def test_a_pause_survives_a_re_grade_and_ends_with_a_relapse() -> None:
    ledger = book(start(), entry(60, K.PAUSED), entry(90, K.LEVEL, level="two"), entry(200, K.NOTE))
    assert one("restore", ledger, 200).counted_s == 3600
    back = book(start(), entry(60, K.PAUSED), entry(90, K.RESTORED), entry(120, K.RELAPSED))
    assert one("restore", back, 180).counted_s == 2 * 3600


def test_a_pause_after_the_end_mends_nothing() -> None:
    ledger = book(start(), entry(400, K.PAUSED))
    found = one("restore", ledger, 500)
    assert (found.state, found.due_at) == (ClockState.BROKEN, T0 + 6 * HOUR)


def test_a_fact_learned_later_counts_from_the_clocks_own_start() -> None:
    ledger = book(start(), entry(60, K.FACTS, hardware=1), entry(100, K.FACTS, spares_on_site=1))
    found = one("restore", ledger, 120)
    assert (found.target_s, found.due_at, found.started_at) == (4 * 3600, T0 + 4 * HOUR, T0)
    late = one("restore", book(start(), entry(300, K.FACTS, hardware=1, spares_on_site=1)), 310)
    assert late.state is ClockState.BROKEN
    gone = one("restore", [*ledger, *book(entry(110, K.FACTS, hardware=None))], 120)
    assert gone.target_s == 6 * 3600, "not known any more: nothing is promised on a guess"


def test_a_clock_that_nothing_promised_appears_with_its_fact_and_its_own_start() -> None:
    ledger = book(start(), entry(90, K.REMOTE_FAILED))
    assert clock("dispatch", ledger[:1], 60, OF) is None
    found = one("dispatch", ledger, 100)
    assert (found.started_at, found.due_at) == (T0, T0 + 2 * HOUR)
    assert [i.state.value for i in found.intervals] == ["untimed", "running"]


def test_each_part_has_a_clock_of_its_own_and_one_that_is_needed_again_another() -> None:
    ledger = book(
        start(),
        entry(10, K.PART_NEEDED, part="fan"),
        entry(20, K.PART_NEEDED, part="board"),
        entry(30, K.PART_FITTED, part="fan"),
        entry(60, K.PART_NEEDED, part="fan"),
    )
    found = [c for c in clocks(OF, ledger, T0 + 90 * MINUTE) if c.name == "spare_part"]
    assert [(c.subject, c.begun, c.state.value, c.counted_s) for c in found] == [
        ("fan", 2, "stopped", 1200),
        ("board", 3, "running", 4200),
        ("fan", 5, "running", 1800),
    ]


def test_the_report_is_owed_from_the_resolution_and_the_closing_does_not_end_it() -> None:
    ledger = book(start(), entry(60, K.RESTORED), entry(90, K.RESOLVED), entry(120, K.CLOSED))
    assert clock("incident_report", ledger[:2], 80, OF) is None, "restored is not resolved"
    found = one("incident_report", ledger, 300)
    assert (found.state, found.started_at) == (ClockState.RUNNING, T0 + 90 * MINUTE)
    assert found.due_at == at("2026-11-24 11:30"), "one working day"
    assert one("incident_report", book(*ledger, entry(400, K.REPORTED)), 500).state is ClockState.STOPPED


def test_a_case_closed_without_the_word_resolved_owes_its_report_from_the_closing() -> None:
    ledger = book(start(), entry(60, K.RESTORED), entry(120, K.CLOSED))
    assert one("incident_report", ledger, 130).started_at == T0 + 2 * HOUR


def test_no_report_is_owed_where_nothing_was_broken() -> None:
    alarm = book(start(), entry(120, K.CLOSED, no_fault=1))
    question = book(start(kind="consultation"), entry(120, K.CLOSED))
    turned = book(start(kind="defect"), entry(60, K.CONVERTED, kind="consultation"), entry(120, K.CLOSED))
    assert [clock("incident_report", book_, 130, OF) for book_ in (alarm, question, turned)] == [None] * 3


def test_a_relapse_takes_the_report_back_and_the_next_resolution_owes_it_anew() -> None:
    ledger = book(start(), entry(60, K.RESOLVED), entry(90, K.RELAPSED), entry(300, K.RESOLVED))
    found = [c for c in clocks(OF, ledger, T0 + 310 * MINUTE) if c.name == "incident_report"]
    assert [(c.started_at, c.state.value) for c in found] == [
        (T0 + 60 * MINUTE, "stopped"),
        (T0 + 300 * MINUTE, "running"),
    ]
    again = book(start(), entry(60, K.RESOLVED), entry(70, K.RESOLVED))
    assert len([c for c in clocks(OF, again, T0 + 80 * MINUTE) if c.name == "incident_report"]) == 1, "told twice"


def test_reopening_runs_the_clocks_on_that_the_closing_or_the_restoration_had_stopped() -> None:
    ledger = book(start(), entry(60, K.RESTORED), entry(70, K.CLOSED), entry(100, K.REOPENED))
    restore, resolve = one("restore", ledger, 110), one("resolve", ledger, 110)
    assert (restore.state, restore.counted_s) == (ClockState.RUNNING, 70 * 60)
    assert (resolve.state, resolve.counted_s) == (ClockState.RUNNING, 80 * 60)
    sent = one("dispatch", book(start(remote_solvable=0), entry(9, K.DISPATCHED), *ledger[2:]), 110)
    assert (sent.state, sent.counted_s) == (ClockState.STOPPED, 540), "that promise was kept and stays kept"


def test_readings_outweigh_a_click() -> None:
    click, proof = entry(60, K.RESTORED, proof="person"), entry(100, K.RESTORED, proof="telemetry")
    said = one("restore", book(start(), click), 110)
    assert (said.stopped_at, said.proof) == (T0 + HOUR, "person")
    proven = one("restore", book(start(), click, proof), 110)
    assert (proven.stopped_at, proven.counted_s, proven.proof) == (T0 + 100 * MINUTE, 6000, "telemetry")
    before = one("restore", book(start(), click, entry(50, K.RESTORED, proof="telemetry")), 110)
    assert (before.stopped_at, before.proof) == (T0 + 50 * MINUTE, "telemetry")


def test_resolved_says_more_than_restored_and_not_the_other_way_round() -> None:
    ledger = book(start(), entry(60, K.RESOLVED))
    found = one("restore", ledger, 90)
    assert (found.stopped_at, found.proof) == (T0 + HOUR, "person")
    assert one("resolve", book(start(), entry(60, K.RESTORED, proof="telemetry")), 90).state is ClockState.RUNNING


def test_a_restoration_resolves_only_where_the_stop_list_says_so() -> None:
    rules = tuple(
        msgspec.structs.replace(r, stop=("resolved", "restored:telemetry")) if r.name == "resolve" else r
        for r in OF.clocks
    )
    of = msgspec.structs.replace(OF, clocks=rules)
    by = {
        proof: clock("resolve", book(start(), entry(60, K.RESTORED, proof=proof)), 90, of)
        for proof in ("person", "telemetry")
    }
    assert [by[p] and by[p].state.value for p in ("person", "telemetry")] == ["running", "stopped"]


def test_a_merge_ends_even_what_outlives_a_closing() -> None:
    ledger = book(start(), entry(60, K.RESOLVED), entry(90, K.MERGED))
    assert one("incident_report", ledger, 100).state is ClockState.STOPPED


def test_an_entry_dated_before_the_opening_counts_at_the_opening_and_is_named() -> None:
    ledger = book(start(), entry(-30, K.RESOLVED))
    assert one("resolve", ledger, 5).counted_s == 0
    assert "before the opening" in problems(OF, ledger, T0)[0].en


def test_an_entry_ahead_of_the_desks_clock_holds_time_still_and_is_named() -> None:
    ledger = book(start(), entry(120, K.NOTE))
    found = one("restore", ledger, 30)
    assert found.counted_s == 7200
    assert [t.zh for t in problems(OF, ledger, T0 + 30 * MINUTE)] == [
        "第 2 条的时间比系统时钟超前 5400.0 秒：计时算至该时刻；请检查时钟"
    ]
    assert problems(OF, ledger, T0 + 3 * HOUR) == []


def test_a_level_that_the_contract_does_not_have_promises_nothing_and_is_named() -> None:
    ledger = book(start("nine"))
    assert clocks(OF, ledger, T0) == []
    assert "`nine`" in problems(OF, ledger, T0)[0].en


@pytest.mark.parametrize(
    ("place", "days", "expected"),
    [
        ({"country": "CN", "tz": "Asia/Shanghai"}, 0, None),
        ({"country": "CN", "tz": ""}, 0, "time zone"),
        ({"country": "CN", "tz": "Mars/Olympus"}, 0, "`Mars/Olympus`"),
        ({"country": "", "tz": "Asia/Shanghai"}, 0, "no table of public holidays"),
        ({"country": "DE", "tz": "Europe/Berlin"}, 27_100, "ends with 2100"),
    ],
)
def test_a_due_time_that_cannot_be_sure_says_why(place: dict[str, str], days: int, expected: str | None) -> None:
    when = T0 + days * DAY
    ledger = book(start(when=when, **place), entry(0, K.RESOLVED, base=when))
    found = next(c for c in clocks(OF, ledger, when) if c.name == "incident_report")
    assert found.due_at is not None
    assert (found.problems[0].en if found.problems else None) == expected or expected in found.problems[0].en
    assert not next(c for c in clocks(OF, ledger, when) if c.name == "resolve").problems, "7x24 needs no table"


def test_a_year_whose_exchanged_days_china_has_not_announced_is_named() -> None:
    """The library's table grows; four years ahead nobody has announced anything."""
    found = doubts(WORKING, Place(), at("2031-01-04 10:00"))
    assert len(found) == 1
    assert "exchanged working days of CN" in found[0].en
    assert doubts(WORKING, Place(), at("2026-11-24 10:00")) == []


def test_four_hours_over_a_change_of_the_clocks_are_four_hours_and_a_working_day_is_the_walls() -> None:
    """Berlin, 25 October 2026: an hour is lived twice."""
    saturday = at("2026-10-24 23:30", "Europe/Berlin")
    berlin = {"country": "DE", "tz": "Europe/Berlin", "when": saturday}
    ledger = book(start(**berlin), entry(0, K.RESOLVED, base=saturday + HOUR))
    found = {c.name: c for c in clocks(OF, ledger, saturday + 2 * HOUR)}
    assert found["resolve"].due_at == saturday + 12 * HOUR == at("2026-10-25 10:30", "Europe/Berlin")
    assert found["incident_report"].due_at == at("2026-10-26 17:00", "Europe/Berlin")


def test_the_shipped_contracts_still_promise_what_they_promised() -> None:
    """A pause in a ledger of a contract without pauses changes nothing at all."""
    ledger = book(opened(), entry(5, K.PAUSED), entry(10, K.NOTE))
    plain = book(opened(), entry(10, K.NOTE))
    of = policy()
    assert [c.counted_s for c in clocks(of, ledger, T0 + HOUR)] == [c.counted_s for c in clocks(of, plain, T0 + HOUR)]

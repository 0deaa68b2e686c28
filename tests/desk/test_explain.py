"""`explain` is checkable by hand: these tests read the printed lines with a pencil (a regular expression) and add up."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec
import pytest

from alerts.types import Impact
from desk import show, store
from desk.types import EntryKind
from model.text import LANGUAGES, Language
from tests.desk.stage import DAY, HOUR, MINUTE, T0, at, ended, engine, incident, inventory, later

INVENTORY = inventory()
_WHEN = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d{4})"
_LINE = re.compile(rf"^    {_WHEN} → {_WHEN}.*?  (\d+\.\d{{3}}) s  (\S+)")
_PART = re.compile(rf"^        \+ {_WHEN} → {_WHEN}  (\d+\.\d{{3}}) s$")
_SUM = re.compile(r"^    (?:sum|合计) (\d+\.\d{3}) s")
_STILL = ("stopped", "停止")


def seconds(start: str, end: str) -> float:
    begin, finish = (datetime.strptime(t, "%Y-%m-%d %H:%M:%S.%f %z") for t in (start, end))
    return round((finish - begin).total_seconds(), 3)


def by_hand(lines: list[str]) -> list[tuple[float, float]]:
    """(recomputed, printed) sum of each clock, from nothing but the printed times."""
    sums: list[tuple[float, float]] = []
    intervals: list[float] = []
    for number, line in enumerate(lines):
        if match := _LINE.match(line):
            parts = []
            for below in lines[number + 1 :]:
                if not (part := _PART.match(below)):
                    break
                assert seconds(part[1], part[2]) == float(part[3])
                parts.append(float(part[3]))
            own = sum(parts) if parts else 0.0 if match[4] in _STILL else seconds(match[1], match[2])
            if not parts and float(match[3]) == 0.0:
                own = 0.0
            assert round(own, 3) == float(match[3]), line
            intervals.append(own)
        elif match := _SUM.match(line):
            sums.append((round(sum(intervals), 3), float(match[1])))
            intervals = []
    return sums


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sums_of_a_rich_emergency_can_be_checked_from_the_printed_lines(language: Language) -> None:
    mains = incident(impact=Impact.DEGRADED)
    with engine().begin() as conn:
        store.apply(conn, [mains], INVENTORY, T0)
        worse = later(mains, T0 + 7 * MINUTE + 123, impact=Impact.OUTAGE)
        store.apply(conn, [worse], INVENTORY, T0 + 7 * MINUTE + 200)
        store.act(conn, "T-000001", EntryKind.ONSITE, "bob", "", T0 + 41 * MINUTE, T0 + 50 * MINUTE)
        store.apply(conn, [ended(worse, T0 + HOUR)], INVENTORY, T0 + HOUR)
        again = incident(opened=T0 + 2 * HOUR)
        store.apply(conn, [again], INVENTORY, T0 + 2 * HOUR)
        lines = show.explain_lines(store.explain(conn, "T-000001", T0 + 7 * HOUR), language)
    sums = by_hand(lines)
    assert [printed for _, printed in sums] == [2460.0, 2460.0, 6 * 3600.0]
    assert all(mine == printed for mine, printed in sums)
    assert any("powerstar@" in line for line in lines)
    assert any("L43" in line for line in lines), "the line that held before the re-grade"


@pytest.mark.parametrize("language", LANGUAGES)
def test_office_hours_over_a_weekend_are_listed_day_by_day(language: Language) -> None:
    friday = at("2026-11-27 15:20", "Asia/Kuala_Lumpur")
    with engine().begin() as conn:
        told = incident("kul", customer="lakeside", impact=Impact.DEGRADED, opened=friday)
        store.apply(conn, [told], INVENTORY, friday)
        lines = show.explain_lines(store.explain(conn, "T-000001", friday + 4 * DAY), language)
    assert len([line for line in lines if _PART.match(line)]) >= 6
    assert all(mine == printed for mine, printed in by_hand(lines))
    assert any("+0800" in line for line in lines)


def test_the_json_says_the_same_as_the_lines_and_is_plain_json() -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        found = show.explain_json(store.explain(conn, "T-000001", T0 + HOUR))
    again = msgspec.json.decode(msgspec.json.encode(found))
    assert again == found
    for clock in again["clocks"]:
        windows = sum(b - a for i in clock["intervals"] for a, b in i["windows"])
        assert windows == round(clock["counted_s"] * 1000)
        assert clock["title"].keys() == {"en", "zh"}
    assert {c["clock"]: c["source"] for c in again["clocks"]} == {
        "first_response": "L41",
        "onsite": "L41",
        "restore": "L49",
    }


@pytest.mark.parametrize(("language", "words"), [("en", "Team lead"), ("zh", "班组长")])
def test_a_list_line_and_a_ledger_speak_the_users_language(language: Language, words: str) -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident("nowhere", customer="unassigned")], INVENTORY, T0)
        store.tick(conn, INVENTORY, T0 + 20 * MINUTE)
        ticket = store.ticket(conn, "T-000001")
        line = show.ticket_line(ticket, store.policy(conn, ticket), language)
        ledger = show.ledger_lines(store.ledger(conn, "T-000001"), "Asia/Shanghai", language)
    assert words in line
    assert len(ledger) == len(set(ledger)) >= 3
    assert any(words in entry for entry in ledger)

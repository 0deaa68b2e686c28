"""Roster and storeroom against open tickets, on a real database: warned before the breach, once, and by what is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from desk import outlook, roster, store, storeroom
from desk.types import Entry, EntryKind
from model.text import Text
from tests.desk.stage import HOUR, MINUTE, T0, engine, incident, inventory

INVENTORY = inventory()
ZHANG = Text("Zhang", "张工")


@pytest.fixture
def conn() -> Iterator[sa.Connection]:
    made = engine()
    with made.begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        yield conn
    made.dispose()


def warned(conn: sa.Connection) -> list[Entry]:
    found = store.ledger(conn, "T-000001")
    return [e for e in found if e.kind is EntryKind.WARNED and e.data.get("why") == "feasibility"]


def test_nobody_on_the_roster_nothing_said(conn: sa.Connection) -> None:
    assert outlook.look(conn, T0 + MINUTE) == []


def test_the_nearest_engineer_is_too_far_and_it_is_said_once_before_the_time_is_over(conn: sa.Connection) -> None:
    roster.put(conn, "zhang", ZHANG, "ann", T0, base="gz", hours="7x24")
    roster.way(conn, "gz", "sz", 121, "ann", T0)
    assert outlook.look(conn, T0 + MINUTE) == ["T-000001"]
    assert outlook.look(conn, T0 + 2 * MINUTE) == []
    (said,) = warned(conn)
    assert (said.data["clock"], said.data["engineer"], said.data["earliest_at"]) == (
        "onsite",
        "Zhang",
        T0 + 122 * MINUTE,
    )
    assert "张工" in said.text.zh
    assert said.data["due_at"] == T0 + 30 * MINUTE


def test_an_engineer_at_the_site_keeps_it_and_a_late_part_does_not(conn: sa.Connection) -> None:
    roster.put(conn, "zhang", ZHANG, "ann", T0, base="sz", hours="7x24")
    assert outlook.look(conn, T0 + MINUTE) == []
    storeroom.need(conn, "T-000001", "inverter", "ann", T0 + MINUTE, T0 + MINUTE, expected_at=T0 + 20 * HOUR)
    assert outlook.look(conn, T0 + 2 * MINUTE) == ["T-000001"]
    assert [(e.data["clock"], "inverter" in e.text.en) for e in warned(conn)] == [("restore", True)]


def test_a_broken_promise_hides_no_later_ones(conn: sa.Connection) -> None:
    store.apply(conn, [incident("sz/ups-1", "battery", opened=T0 + HOUR)], INVENTORY, T0 + HOUR)
    roster.put(conn, "zhang", ZHANG, "ann", T0, base="gz", hours="7x24")
    roster.way(conn, "gz", "sz", 121, "ann", T0)
    assert "T-000002" in outlook.look(conn, T0 + HOUR + MINUTE, most=2)

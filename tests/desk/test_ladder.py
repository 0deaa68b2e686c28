"""Warnings, breaks and the ladder: each once, at its time, also after a week's shutdown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk import store
from desk.types import EntryKind
from tests.desk.stage import DAY, HOUR, MINUTE, SECOND, T0, ended, engine, incident, inventory, later

K = EntryKind
INVENTORY = inventory()
NOBODYS = "unassigned"


@pytest.fixture
def conn() -> Iterator[sa.Connection]:
    made = engine()
    with made.begin() as conn:
        yield conn
    made.dispose()


def due(conn: sa.Connection, *of: EntryKind, id: str = "T-000001") -> list[tuple[str, float]]:
    """(clock or role, minutes after T0) of the entries that time alone brought."""
    found = [e for e in store.ledger(conn, id) if e.kind in (of or (K.WARNED, K.BROKEN, K.ESCALATED))]
    return [(str(e.data.get("clock") or e.data.get("to")), (e.at - T0) / MINUTE) for e in found]


def test_a_warning_comes_at_three_quarters_and_a_break_at_the_end_each_once(conn: sa.Connection) -> None:
    store.apply(conn, [incident()], INVENTORY, T0)
    for second in range(0, 300 * 60, 30):
        store.tick(conn, INVENTORY, T0 + second * SECOND)
    assert due(conn) == [
        ("first_response", 3.75),
        ("first_response", 5),
        ("onsite", 22.5),
        ("onsite", 30),
        ("restore", 180),
        ("restore", 240),
    ]


def test_a_tick_between_two_moments_touches_no_ticket(conn: sa.Connection) -> None:
    store.apply(conn, [incident()], INVENTORY, T0)
    assert store.tick(conn, INVENTORY, T0 + 3 * MINUTE) == []
    assert store.tick(conn, INVENTORY, T0 + 4 * MINUTE) == ["T-000001"]
    assert store.tick(conn, INVENTORY, T0 + 4 * MINUTE) == []


def test_the_default_ladder_climbs_by_elapsed_time_until_the_equipment_runs(conn: sa.Connection) -> None:
    told = incident("nowhere", customer=NOBODYS)
    store.apply(conn, [told], INVENTORY, T0)
    calls = []
    for minute in (1, 14, 16, 239, 241, 1441):
        store.tick(conn, INVENTORY, T0 + minute * MINUTE)
        call = store.ticket(conn, "T-000001").next_call
        calls.append(call and call.en)
    assert calls == ["Engineer on duty"] * 2 + ["Team lead"] * 2 + ["Service manager"] * 2
    assert due(conn, K.ESCALATED) == [("team_lead", 15), ("service_manager", 240), ("service_manager", 1440)]
    store.apply(conn, [ended(told, T0 + 25 * HOUR)], INVENTORY, T0 + 25 * HOUR)
    store.tick(conn, INVENTORY, T0 + 3 * DAY)
    assert ("managing_director", 2880) not in due(conn, K.ESCALATED)


def test_an_answer_in_time_keeps_the_team_lead_out_of_it(conn: sa.Connection) -> None:
    store.apply(conn, [incident("nowhere", customer=NOBODYS)], INVENTORY, T0)
    store.act(conn, "T-000001", K.ACKNOWLEDGED, "ann", "", T0 + 10 * MINUTE, T0 + 10 * MINUTE)
    store.tick(conn, INVENTORY, T0 + HOUR)
    assert due(conn, K.ESCALATED) == []
    call = store.ticket(conn, "T-000001").next_call
    assert call
    assert call.zh == "值班工程师"


def test_after_a_weeks_shutdown_the_highest_step_fires_alone_and_no_warning_comes_after_the_break(
    conn: sa.Connection,
) -> None:
    store.apply(conn, [incident("nowhere", customer=NOBODYS)], INVENTORY, T0)
    store.tick(conn, INVENTORY, T0 + 7 * DAY)
    store.tick(conn, INVENTORY, T0 + 8 * DAY)
    assert due(conn, K.ESCALATED) == [("managing_director", 2880)]
    assert due(conn, K.WARNED) == []
    assert sorted(name for name, _ in due(conn, K.BROKEN)) == ["first_response", "onsite", "restore"]
    broken = next(e for e in store.ledger(conn, "T-000001") if e.kind is K.BROKEN)
    assert broken.recorded_at - broken.at > 6 * DAY, "dated when it broke, recorded when the desk was back"


def test_a_raised_level_brings_the_steps_of_that_level(conn: sa.Connection) -> None:
    told = incident("nowhere", customer=NOBODYS, impact=Impact.DEGRADED)
    store.apply(conn, [told], INVENTORY, T0)
    store.tick(conn, INVENTORY, T0 + HOUR)
    assert due(conn, K.ESCALATED) == []
    store.apply(conn, [later(told, T0 + 2 * HOUR, impact=Impact.OUTAGE)], INVENTORY, T0 + 2 * HOUR)
    assert due(conn, K.ESCALATED) == [("team_lead", 15)]


def test_a_new_promise_after_a_re_grade_is_warned_of_anew(conn: sa.Connection) -> None:
    told = incident(impact=Impact.DEGRADED)
    store.apply(conn, [told], INVENTORY, T0)
    store.tick(conn, INVENTORY, T0 + 95 * MINUTE)
    assert ("onsite", 90) in due(conn, K.WARNED)
    store.act(conn, "T-000001", K.LEVEL, "ann", "", T0 + 96 * MINUTE, T0 + 96 * MINUTE, {"level": "serious"})
    assert ("onsite", 96) in due(conn, K.BROKEN), "an hour was promised at that level: broken as soon as it holds"


def test_a_clock_that_was_stopped_too_late_is_still_written_down_as_broken(conn: sa.Connection) -> None:
    store.apply(conn, [incident()], INVENTORY, T0)
    store.act(conn, "T-000001", K.ACKNOWLEDGED, "ann", "", T0 + 6 * MINUTE, T0 + 6 * MINUTE)
    assert due(conn, K.BROKEN) == [("first_response", 5)]

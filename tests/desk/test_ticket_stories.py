"""Timelines on a real database: what incidents, people and time make of a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.types import Impact, Incident
from desk import show, store
from desk.ticket import fold
from desk.types import ClockState, EntryKind, Ticket, TicketState
from tests.desk.stage import HOUR, MINUTE, SECOND, T0, ended, engine, incident, inventory, later

K = EntryKind
INVENTORY = inventory()


@pytest.fixture
def conn() -> Iterator[sa.Connection]:
    made = engine()
    with made.begin() as conn:
        yield conn
    made.dispose()


def tell(conn: sa.Connection, *told: Incident, now: int) -> list[str]:
    return store.apply(conn, told, INVENTORY, now)


def kinds(conn: sa.Connection, id: str = "T-000001") -> list[str]:
    return [e.kind.value for e in store.ledger(conn, id)]


def clock(conn: sa.Connection, name: str, now: int, id: str = "T-000001") -> Any:
    return next(c for c in store.clocks(conn, id, now) if c.name == name)


def only(conn: sa.Connection) -> Ticket:
    found = store.tickets(conn)
    assert len(found) == 1
    return found[0]


def test_a_mains_failure_from_opening_to_close(conn: sa.Connection) -> None:
    mains = incident(impact=Impact.DEGRADED)
    assert tell(conn, mains, now=T0 + SECOND) == ["T-000001"]
    assert only(conn).level == "general"
    assert only(conn).next_call
    assert only(conn).next_call.en == "Service centre"

    store.act(conn, "T-000001", K.ACKNOWLEDGED, "ann", "on it", T0 + MINUTE, T0 + MINUTE)
    assert only(conn).state is TicketState.ACKNOWLEDGED
    assert only(conn).next_call.en == "Field technician"

    grown = later(mains, T0 + 2 * MINUTE, members=("a1", "a2", "a3"))
    assert tell(conn, grown, now=T0 + 2 * MINUTE) == ["T-000001"]
    low = later(grown, T0 + 9 * MINUTE, impact=Impact.OUTAGE)
    assert tell(conn, low, now=T0 + 9 * MINUTE) == ["T-000001"]
    assert only(conn).level == "emergency"
    assert clock(conn, "onsite", T0 + 9 * MINUTE).due_at == T0 + 30 * MINUTE

    store.act(conn, "T-000001", K.ONSITE, "bob", "at the rack", T0 + 20 * MINUTE, T0 + 21 * MINUTE)
    assert only(conn).next_call.zh == "技术部负责人"
    tell(conn, ended(low, T0 + 25 * MINUTE), now=T0 + 26 * MINUTE)
    restored = only(conn)
    assert (restored.state, restored.next_call) == (TicketState.RESTORED, None)
    assert clock(conn, "restore", T0 + HOUR).stopped_at == T0 + 25 * MINUTE, "when it happened, not when it was learned"

    store.act(conn, "T-000001", K.CLOSED, "ann", "done", T0 + HOUR, T0 + HOUR)
    assert only(conn).state is TicketState.CLOSED
    assert only(conn).closed_at == T0 + HOUR
    assert all(c.state is ClockState.STOPPED for c in store.clocks(conn, "T-000001", T0 + 9 * HOUR))
    assert kinds(conn) == [
        *("opened", "acknowledged", "incident", "incident", "level", "onsite", "restored", "closed"),
    ]


def test_the_same_incident_told_again_changes_nothing(conn: sa.Connection) -> None:
    mains = incident()
    tell(conn, mains, now=T0)
    grown = later(mains, T0 + MINUTE, members=("a1", "a2"))
    tell(conn, grown, now=T0 + MINUTE)
    over = ended(grown, T0 + 2 * MINUTE)
    tell(conn, over, now=T0 + 2 * MINUTE)
    before = store.ledger(conn, "T-000001")
    assert tell(conn, over, over, now=T0 + 3 * MINUTE) == []
    assert store.ledger(conn, "T-000001") == before


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (incident(wants_ticket=False), "advisory"),
        (incident(impact=Impact.ADVISORY), "does not touch the load"),
        (ended(incident(), T0 + MINUTE), "newer data show that it ended"),
    ],
)
def test_what_is_no_job_opens_no_ticket(conn: sa.Connection, told: Incident, why: str) -> None:
    assert tell(conn, told, now=T0 + HOUR) == [], why
    assert store.tickets(conn) == []


def test_an_advisory_that_grows_into_a_job_opens_a_ticket_then(conn: sa.Connection) -> None:
    flag = incident("sz/ups-1", "battery", impact=Impact.ADVISORY, wants_ticket=False)
    tell(conn, flag, now=T0)
    tell(conn, later(flag, T0 + HOUR, impact=Impact.UNPROTECTED, wants_ticket=True), now=T0 + HOUR)
    assert only(conn).level == "serious"


def test_a_relapse_before_the_close_reopens_and_a_fault_after_it_is_a_new_ticket(conn: sa.Connection) -> None:
    first = incident(impact=Impact.DEGRADED)
    tell(conn, first, now=T0)
    tell(conn, ended(first, T0 + 10 * MINUTE), now=T0 + 10 * MINUTE)
    second = incident(opened=T0 + 20 * MINUTE)
    assert tell(conn, second, now=T0 + 20 * MINUTE) == ["T-000001"]
    assert (only(conn).state, only(conn).level) == (TicketState.OPEN, "emergency")
    assert only(conn).incident == second.id
    assert clock(conn, "restore", T0 + 30 * MINUTE).counted_s == 20 * 60
    assert tell(conn, ended(first, T0 + 10 * MINUTE), now=T0 + 21 * MINUTE) == [], "the old episode told again"
    tell(conn, ended(second, T0 + 40 * MINUTE), now=T0 + 40 * MINUTE)
    store.act(conn, "T-000001", K.CLOSED, "ann", "", T0 + HOUR, T0 + HOUR)
    third = incident(opened=T0 + 2 * HOUR)
    assert tell(conn, third, now=T0 + 2 * HOUR) == ["T-000002"]
    assert kinds(conn) == ["opened", "restored", "broken", "relapsed", "level", "restored", "closed"]


def test_a_persons_lower_level_stands_until_the_impact_rises_anew(conn: sa.Connection) -> None:
    mains = incident(impact=Impact.UNPROTECTED)
    tell(conn, mains, now=T0)
    store.act(conn, "T-000001", K.LEVEL, "ann", "spare feed", T0 + 60, T0 + 60, {"level": "general"})
    grown = later(mains, T0 + MINUTE, members=("a1", "a2"))
    tell(conn, grown, now=T0 + MINUTE)
    assert only(conn).level == "general"
    eased = later(grown, T0 + 2 * MINUTE, impact=Impact.DEGRADED)
    tell(conn, eased, now=T0 + 2 * MINUTE)
    assert only(conn).level == "general"
    again = later(eased, T0 + 3 * MINUTE, impact=Impact.UNPROTECTED)
    tell(conn, again, now=T0 + 3 * MINUTE)
    assert only(conn).level == "serious"
    entry = [e for e in store.ledger(conn, "T-000001") if e.kind is K.LEVEL][-1]
    assert (entry.who, entry.data["why"], entry.text.zh) == (
        "roundsman",
        "impact",
        "级别 一般故障 → 严重故障：影响升至失去保护",
    )


def test_restored_by_a_person_is_unproven_until_readings_show_it_or_the_opposite(conn: sa.Connection) -> None:
    fan = incident("sz/ups-1", "device", impact=Impact.DEGRADED)
    tell(conn, fan, now=T0)
    store.act(conn, "T-000001", K.RESTORED, "bob", "fan changed", T0 + HOUR, T0 + HOUR)
    assert only(conn).state is TicketState.RESTORED
    said = next(e for e in store.ledger(conn, "T-000001") if e.kind is K.RESTORED)
    assert said.data["proof"] == "person"
    assert "not yet proven" in said.text.en
    worse = later(fan, T0 + 2 * HOUR, members=("a1", "a2"))
    tell(conn, worse, now=T0 + 2 * HOUR)
    assert only(conn).state is TicketState.OPEN
    assert kinds(conn)[-2:] == ["incident", "relapsed"]
    tell(conn, ended(worse, T0 + 3 * HOUR), now=T0 + 3 * HOUR)
    assert store.ledger(conn, "T-000001")[-1].data["proof"] == "telemetry"


def test_a_silence_that_the_mains_failure_explains_joins_the_older_ticket(conn: sa.Connection) -> None:
    """The silence was seen first: its ticket and clocks stay, and carry the mains failure from now on."""
    silent = incident("sz/ups-3k", "device", impact=Impact.DEGRADED)
    tell(conn, silent, now=T0)
    assert [c.name for c in store.clocks(conn, "T-000001", T0)] == ["first_response", "onsite"], "3 kVA: no restore"
    mains = incident(opened=T0 + 30 * SECOND, members=("a7", "a1"))
    gone = later(silent, T0 + MINUTE, members=(), merged_into=mains.id, closed_at=T0 + MINUTE)
    assert tell(conn, gone, mains, now=T0 + MINUTE) == ["T-000001"]
    kept = only(conn)
    assert (kept.key, kept.incident, kept.level, kept.title.en) == (mains.key, mains.id, "emergency", "mains at sz")
    restore = clock(conn, "restore", T0 + MINUTE)
    assert (restore.started_at, restore.due_at) == (T0, T0 + 4 * HOUR), "the site has 10 kVA: promised from the start"
    assert tell(conn, gone, mains, now=T0 + 2 * MINUTE) == []


def test_of_two_tickets_with_one_cause_the_older_stays_and_the_other_is_merged(conn: sa.Connection) -> None:
    mains = incident()
    silent = incident("sz/ups-3k", "device", impact=Impact.DEGRADED, opened=T0 + MINUTE)
    tell(conn, mains, now=T0)
    tell(conn, silent, now=T0 + MINUTE)
    whole = later(mains, T0 + 2 * MINUTE, members=("a1", "a9"))
    gone = later(silent, T0 + 2 * MINUTE, members=(), merged_into=mains.id, closed_at=T0 + 2 * MINUTE)
    assert set(tell(conn, whole, gone, now=T0 + 2 * MINUTE)) == {"T-000001", "T-000002"}
    merged = store.ticket(conn, "T-000002")
    assert merged.state is TicketState.MERGED
    assert store.ledger(conn, "T-000002")[-1].data["into"] == "T-000001"
    assert store.ticket(conn, "T-000001").state is TicketState.OPEN
    assert tell(conn, whole, gone, now=T0 + 3 * MINUTE) == []


def test_when_the_younger_ticket_held_the_cause_the_older_takes_it_over(conn: sa.Connection) -> None:
    silent = incident("sz/ups-3k", "device", impact=Impact.DEGRADED)
    mains = incident(opened=T0 + MINUTE)
    tell(conn, silent, now=T0)
    tell(conn, mains, now=T0 + MINUTE)
    whole = later(mains, T0 + 2 * MINUTE, members=("a1", "a9"))
    gone = later(silent, T0 + 2 * MINUTE, members=(), merged_into=mains.id, closed_at=T0 + 2 * MINUTE)
    tell(conn, gone, now=T0 + 2 * MINUTE)
    assert store.ticket(conn, "T-000002").state is TicketState.MERGED
    tell(conn, whole, now=T0 + 3 * MINUTE)
    kept = store.ticket(conn, "T-000001")
    assert (kept.state, kept.key, kept.level) == (TicketState.OPEN, mains.key, "emergency")
    tell(conn, ended(whole, T0 + HOUR), now=T0 + HOUR)
    assert store.ticket(conn, "T-000001").state is TicketState.RESTORED


def test_two_causes_on_one_device_stay_two_tickets(conn: sa.Connection) -> None:
    battery = incident("sz/ups-1", "battery", impact=Impact.UNPROTECTED)
    fan = incident("sz/ups-1", "device", impact=Impact.DEGRADED)
    assert tell(conn, battery, fan, now=T0) == ["T-000001", "T-000002"]
    said = show.case_json(store.ledger(conn, "T-000002"))
    assert said["apart"] == ["T-000001"]
    assert "another cause on the same equipment" in said["apart_why"]["en"]
    assert "why one case: because" in show.case_lines(store.ledger(conn, "T-000001"), "en")


def test_the_same_cause_at_another_place_stays_apart_and_says_so(conn: sa.Connection) -> None:
    fans = [incident(f"sz/{name}", "device", impact=Impact.DEGRADED) for name in ("ups-1", "ups-3k")]
    tell(conn, *fans, now=T0)
    lines = show.case_lines(store.ledger(conn, "T-000002"), "zh")
    assert any(line.startswith("未并入: T-000001：同类原因但位置不同") for line in lines)


def test_a_ticket_says_at_opening_what_warranty_the_device_and_its_battery_have(conn: sa.Connection) -> None:
    tell(conn, incident("sz/ups-1", "battery", impact=Impact.UNPROTECTED), now=T0)
    found = {v.item: (v.verdict, v.until) for v in store.warranty(conn, "T-000001")}
    assert found == {"host": ("in", "2028-01-10"), "battery": ("undefined", None)}, "18 Ah lies between two classes"
    tell(conn, incident("sz/sw-1#3", "port", impact=Impact.DEGRADED), now=T0)
    switch = {v.item: v.verdict for v in store.warranty(conn, "T-000002")}
    assert switch == {"device": "undefined"}, "the contract speaks of UPS hosts"


def test_somebody_who_closes_a_ticket_is_not_called_again_unless_it_gets_worse(conn: sa.Connection) -> None:
    fan = incident("sz/ups-1", "device", impact=Impact.DEGRADED)
    tell(conn, fan, now=T0)
    store.act(conn, "T-000001", K.CLOSED, "ann", "known, part ordered", T0 + HOUR, T0 + HOUR)
    assert tell(conn, later(fan, T0 + 2 * HOUR, members=("a1", "a2")), now=T0 + 2 * HOUR) == []
    worse = later(fan, T0 + 3 * HOUR, impact=Impact.OUTAGE)
    assert tell(conn, worse, now=T0 + 3 * HOUR) == ["T-000002"]


def test_a_customer_without_contract_gets_the_default_policy(conn: sa.Connection) -> None:
    tell(conn, incident("kul", customer="lakeside"), incident("nowhere", customer="unassigned"), now=T0)
    assert {t.policy.partition("@")[0] for t in store.tickets(conn)} == {"default"}
    assert [t.customer for t in store.tickets(conn, customer="lakeside")] == ["lakeside"]


def test_a_contract_that_names_a_missing_policy_still_calls_somebody_and_says_so(conn: sa.Connection) -> None:
    contract = INVENTORY.contracts[0]
    odd = type(INVENTORY)(
        sites=INVENTORY.sites,
        contracts=(type(contract)(customer="harbour", policy="gone", since="2020-01-01"),),
    )
    store.apply(conn, [incident()], odd, T0)
    assert only(conn).policy.startswith("default@")
    note = next(e for e in store.ledger(conn, "T-000001") if e.kind is K.NOTE)
    assert "`gone`" in note.text.en


def test_an_event_dated_ahead_of_the_desks_clock_is_taken_as_now(conn: sa.Connection) -> None:
    tell(conn, incident(opened=T0 + 5 * SECOND), now=T0)
    assert only(conn).opened_at == T0
    assert all(e.at <= e.recorded_at for e in store.ledger(conn, "T-000001"))


def test_the_row_is_always_what_its_ledger_makes(conn: sa.Connection) -> None:
    mains = incident(impact=Impact.DEGRADED)
    tell(conn, mains, now=T0)
    for minute in range(1, 300, 7):
        store.tick(conn, INVENTORY, T0 + minute * MINUTE)
        row, made = store.ticket(conn, "T-000001"), fold(store.ledger(conn, "T-000001"))
        assert (row.state, row.level, row.changed_at, row.key) == (made.state, made.level, made.changed_at, made.key)


def test_clocks_read_together_are_those_read_one_by_one(conn: sa.Connection) -> None:
    for n in range(1, 5):
        tell(conn, incident(f"sz/ups-{n}", cause="device"), now=T0 + n * MINUTE)
    store.act(conn, "T-000002", K.ACKNOWLEDGED, "ann", "on it", T0 + 9 * MINUTE, T0 + 9 * MINUTE)
    now, held = T0 + HOUR, store.tickets(conn)
    assert len(held) == 4
    assert store.clocks_of(conn, held, now) == {ticket.id: store.clocks(conn, ticket.id, now) for ticket in held}
    assert store.clocks_of(conn, [], now) == {}

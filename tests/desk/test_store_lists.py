"""The lists that people work by: what is due next, whose, a page at a time; and tickets that people open or that come back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk import store
from desk.policies import POLICIES, load
from desk.types import EntryKind, TicketKind, TicketState
from tests.desk.stage import DAY, HOUR, MINUTE, T0, ended, engine, incident, inventory

INVENTORY = inventory()


def _several(conn: sa.Connection) -> None:
    """Tickets of two customers, at two levels, one after the other; one is closed."""
    for minute, (root, customer, impact) in enumerate(
        (
            ("sz", "harbour", Impact.OUTAGE),
            ("far/ups-1", "harbour", Impact.DEGRADED),
            ("sz/ups-1", "harbour", Impact.UNPROTECTED),
            ("kul/ups-1", "lakeside", Impact.OUTAGE),
            ("hz", "lakeside", Impact.DEGRADED),
        )
    ):
        at = T0 + minute * MINUTE
        store.apply(conn, [incident(root, "mains", customer, impact, at)], INVENTORY, at)
    store.act(conn, "T-000005", EntryKind.CLOSED, "ann", "", T0 + HOUR, T0 + HOUR)


def test_open_tickets_stand_by_what_is_due_next_and_pages_follow_without_a_hole() -> None:
    with engine().begin() as conn:
        _several(conn)
        whole = store.by_due(conn)
        assert {d.ticket.id for d in whole} == {"T-000001", "T-000002", "T-000003", "T-000004"}
        for due in whole:
            running = [c.due_at for c in store.clocks(conn, due.ticket.id, T0 + HOUR) if c.due_at and not c.stopped_at]
            assert due.due_at == min(running)
        assert all(one.due_at <= two.due_at for one, two in pairwise(whole) if one.due_at and two.due_at)
        paged, last = [], None
        while page := store.by_due(conn, limit=1, after=last):
            last = page[-1]
            paged += page
        assert paged == whole
        assert {d.ticket.id for d in store.by_due(conn, customer="lakeside")} == {"T-000004"}
        assert {d.ticket.id for d in store.by_due(conn, device="sz/ups-1")} == {"T-000003"}
        assert {d.ticket.id for d in store.by_due(conn, site="sz")} == {"T-000001", "T-000003"}


def test_what_has_no_promised_end_stands_last_and_pages_too() -> None:
    with engine().begin() as conn:
        _several(conn)
        conn.exec_driver_sql("UPDATE tickets SET due_at = NULL WHERE number IN (1, 3)")
        whole = store.by_due(conn)
        assert [d.ticket.id for d in whole][-2:] == ["T-000001", "T-000003"]
        assert [store.by_due(conn, limit=1, after=d) for d in whole] == [[d] for d in whole[1:]] + [[]]


def test_all_tickets_newest_first_a_page_at_a_time() -> None:
    with engine().begin() as conn:
        _several(conn)
        found = store.tickets(conn, limit=2)
        assert [t.id for t in found] == ["T-000005", "T-000004"]
        assert [t.id for t in store.tickets(conn, limit=9, before=found[-1])] == ["T-000003", "T-000002", "T-000001"]
        assert [t.id for t in store.tickets(conn, site="sz")] == ["T-000003", "T-000001"]
        assert [t.id for t in store.tickets(conn, device="kul/ups-1")] == ["T-000004"]


def test_a_call_told_twice_is_one_ticket_and_another_is_another() -> None:
    with engine().begin() as conn:

        def call(title: str, at: int, now: int) -> str:
            data = {"fault_information": "no output", "debug_information": "none", "caller": "Mr Li"}
            return store.open_by_person(conn, TicketKind.DEFECT, "sz/ups-1", title, "ann", at, INVENTORY, now, data)

        one = call("no output", T0, T0 + MINUTE)
        assert call("no output", T0, T0 + 2 * MINUTE) == one
        assert call("no output", T0 + HOUR, T0 + HOUR) != one
        held = store.ticket(conn, one)
        assert (held.kind, held.device, held.customer) == (TicketKind.DEFECT, "sz/ups-1", "harbour")
        store.act(conn, one, EntryKind.CLOSED, "ann", "done", T0 + HOUR, T0 + HOUR)
        assert call("no output", T0, T0 + 2 * HOUR) == one, "a repeat after the closing opens nothing either"
        with pytest.raises(store.ActRefused, match="nowhere"):
            store.open_by_person(conn, TicketKind.DEFECT, "nowhere/ups", "x", "ann", T0, INVENTORY, T0)
        assert len(store.tickets(conn)) == 2


@pytest.fixture
def reopening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stage's contract with a window for reopening, which the published one does not have."""
    body = POLICIES["powerstar"].read_text(encoding="utf-8")
    (tmp_path / "powerstar.toml").write_text(f'reopen = "P2D"\n{body}', encoding="utf-8")
    monkeypatch.setitem(POLICIES, "powerstar", tmp_path / "powerstar.toml")
    load.cache_clear()
    yield
    load.cache_clear()


@pytest.mark.usefixtures("reopening")
def test_a_cause_that_is_back_within_the_window_reopens_its_ticket_and_later_opens_another() -> None:
    with engine().begin() as conn:
        told = incident()
        store.apply(conn, [told], INVENTORY, T0)
        store.apply(conn, [ended(told, T0 + HOUR)], INVENTORY, T0 + HOUR)
        store.act(conn, "T-000001", EntryKind.CLOSED, "ann", "runs", T0 + 2 * HOUR, T0 + 2 * HOUR)
        again = incident(opened=T0 + 3 * HOUR)
        assert store.apply(conn, [again], INVENTORY, T0 + 3 * HOUR) == ["T-000001"]
        assert store.ticket(conn, "T-000001").state is not TicketState.CLOSED
        assert store.apply(conn, [again], INVENTORY, T0 + 3 * HOUR) == [], "told again it changes nothing"
        store.apply(conn, [ended(again, T0 + 4 * HOUR)], INVENTORY, T0 + 4 * HOUR)
        store.act(conn, "T-000001", EntryKind.CLOSED, "ann", "runs", T0 + 5 * HOUR, T0 + 5 * HOUR)
        late = T0 + 400 * DAY
        assert store.apply(conn, [incident(opened=late)], INVENTORY, late) == ["T-000002"]
        opened = store.ledger(conn, "T-000002")[0]
        assert "T-000001" in str(opened.data["similar"]), "the new one names the old"

"""One ticket per cause, all or nothing, append-only, and no policy change reaches an old ticket."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk import outbox, store
from desk.connectors import settings
from desk.policies import POLICIES, load
from desk.tables import ledger, policies, tickets
from desk.types import EntryKind
from tests.desk.stage import HOUR, MINUTE, T0, engine, incident, inventory, later

INVENTORY = inventory()
HOOK = settings("webhook", "http://127.0.0.1:9/", "env:S")


def test_many_writers_with_the_same_incident_make_one_ticket(tmp_path: Path) -> None:
    made = engine(tmp_path / "desk.sqlite")
    ready = threading.Barrier(6)
    failures: list[BaseException] = []

    def work(n: int) -> None:
        try:
            ready.wait()
            with made.begin() as conn:
                store.apply(conn, [incident(), incident(f"site-{n % 2}", customer="lakeside")], INVENTORY, T0 + n)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with made.connect() as conn:
        assert sorted(t.id for t in store.tickets(conn)) == ["T-000001", "T-000002", "T-000003"]
    made.dispose()


def test_the_database_itself_refuses_a_second_open_ticket_of_a_cause() -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        row = conn.execute(sa.select(tickets)).mappings().one()
        with pytest.raises(sa.exc.IntegrityError), conn.begin_nested():
            conn.execute(tickets.insert().values({**row, "id": "T-000002", "number": 2}))
        conn.execute(tickets.insert().values({**row, "id": "T-000002", "number": 2, "open": False}))


@pytest.mark.parametrize("table", [ledger, policies], ids=["ledger", "policies"])
def test_the_database_itself_refuses_to_change_what_was_written(table: sa.Table) -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        column = "who" if table is ledger else "body"
        for change in (table.update().values({column: "someone else"}), table.delete()):
            with pytest.raises(sa.exc.IntegrityError, match="append-only"), conn.begin_nested():
                conn.execute(change)


def test_a_crash_at_any_statement_leaves_nothing_and_the_next_try_everything(tmp_path: Path) -> None:
    """The transaction is cut after 1, 2, 3 … statements, like a kill would; then it goes through."""
    made = engine(tmp_path / "desk.sqlite")
    with made.begin() as conn:
        outbox.register(conn, [HOOK])
    survived = 0
    for cut in range(1, 200):
        statements = 0

        def count(*_: object, cut: int = cut) -> None:
            nonlocal statements
            statements += 1
            if statements > cut:
                raise KeyboardInterrupt

        sa.event.listen(made, "before_cursor_execute", count)
        try:
            with made.begin() as conn:
                store.apply(conn, [incident(), incident("sz/ups-1", "battery")], INVENTORY, T0)
            survived = cut
        except KeyboardInterrupt:
            pass
        finally:
            sa.event.remove(made, "before_cursor_execute", count)
        with made.connect() as conn:
            rows = len(store.tickets(conn)), len(outbox.rows(conn))
        if survived:
            break
        assert rows == (0, 0), f"cut after {cut} statements"
    assert survived > 10
    assert rows == (2, 4), "two tickets; one and three entries (battery: two warranty verdicts)"
    made.dispose()


def test_a_later_change_of_the_policy_file_touches_no_old_ticket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        before = store.clocks(conn, "T-000001", T0 + MINUTE)
        laxer = tmp_path / "powerstar.toml"
        body = POLICIES["powerstar"].read_text(encoding="utf-8")
        laxer.write_text(body.replace('target = "PT30M"', 'target = "PT90M"'), encoding="utf-8")
        monkeypatch.setitem(POLICIES, "powerstar", laxer)
        load.cache_clear()
        try:
            store.apply(conn, [incident("far/ups-1", "device"), incident("sz/ups-1", "device")], INVENTORY, T0)
            later_on = store.apply(conn, [later(incident(), T0 + MINUTE, members=("a", "b"))], INVENTORY, T0 + MINUTE)
        finally:
            load.cache_clear()
        assert later_on == ["T-000001"]
        assert store.clocks(conn, "T-000001", T0 + MINUTE) == before
        old, new = (store.ticket(conn, id).policy for id in ("T-000001", "T-000002"))
        assert old != new
        onsite = {
            t.key.root: next(c.target_s for c in store.clocks(conn, t.id, T0) if c.name == "onsite")
            for t in store.tickets(conn)
        }
        assert onsite == {"sz": 1800, "sz/ups-1": 5400, "far/ups-1": 7200}
        kept = conn.execute(sa.select(sa.func.count()).select_from(policies)).scalar_one()
        assert kept == 2


def test_numbers_rise_without_end() -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        row = conn.execute(sa.select(tickets)).mappings().one()
        big = {**row, "id": "T-999999", "number": 999_999, "open": False}
        conn.execute(tickets.insert().values(big))
        assert store.apply(conn, [incident("far")], INVENTORY, T0) == ["T-1000000"]
        assert store.apply(conn, [incident("hz", customer="lakeside")], INVENTORY, T0) == ["T-1000001"]


def test_two_people_acting_at_once_both_stand_and_a_double_click_is_one_entry() -> None:
    kind = EntryKind.ACKNOWLEDGED
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        one = store.act(conn, "T-000001", kind, "ann", "mine", T0 + MINUTE, T0 + MINUTE)
        two = store.act(conn, "T-000001", kind, "bob", "mine", T0 + MINUTE, T0 + MINUTE)
        again = store.act(conn, "T-000001", kind, "ann", "mine", T0 + MINUTE, T0 + 2 * MINUTE)
        assert (one.seq, two.seq, again) == (2, 3, one)
        assert len(store.ledger(conn, "T-000001")) == 3


@pytest.mark.parametrize(
    ("kind", "when", "data", "says"),
    [
        (EntryKind.BROKEN, T0 + MINUTE, None, "acknowledged, note"),
        (EntryKind.NOTE, T0 + HOUR, None, "clock of the device"),
        (EntryKind.NOTE, T0 - 1, None, "since the ticket was opened"),
        (EntryKind.LEVEL, T0 + MINUTE, {"level": "worst"}, "emergency, serious, general, planned"),
        (EntryKind.LEVEL, T0 + MINUTE, None, "needs level"),
    ],
)
def test_an_act_that_cannot_stand_is_refused_with_what_was_expected(kind, when, data, says) -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        with pytest.raises(store.ActRefused, match=says) as refused:
            store.act(conn, "T-000001", kind, "ann", "", when, T0 + MINUTE, data)
        assert refused.value.text.zh != refused.value.text.en
        assert len(store.ledger(conn, "T-000001")) == 1


def test_a_closed_ticket_takes_notes_and_nothing_that_came_later() -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident(impact=Impact.DEGRADED)], INVENTORY, T0)
        store.act(conn, "T-000001", EntryKind.CLOSED, "ann", "", T0 + 1, T0 + 1)
        store.act(conn, "T-000001", EntryKind.NOTE, "ann", "report sent", T0 + 2, T0 + 2)
        with pytest.raises(store.ActRefused, match="is closed: what happened before"):
            store.act(conn, "T-000001", EntryKind.ONSITE, "ann", "", T0 + 3, T0 + 3)


def test_an_unknown_ticket_is_named() -> None:
    with engine().begin() as conn, pytest.raises(store.UnknownTicket, match="T-000404"):
        store.act(conn, "T-000404", EntryKind.NOTE, "ann", "", T0, T0)

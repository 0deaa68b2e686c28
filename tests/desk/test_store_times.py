"""Two people at once, an outage of the desk over a due time, a clock that jumps, a ticket that cannot be computed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector.store.engines import make_engine, writing
from desk import outbox, store
from desk.connectors import settings
from desk.tables import ledger
from desk.types import ClockState, EntryKind
from tests import databases
from tests.desk.stage import DAY, HOUR, MINUTE, T0, engine, incident, inventory, later

INVENTORY = inventory()
ACK, CLOSE, NOTE = EntryKind.ACKNOWLEDGED, EntryKind.CLOSED, EntryKind.NOTE


def test_who_acts_on_what_another_changed_meanwhile_is_told_and_nothing_is_written() -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        shown = store.ledger(conn, "T-000001")[-1].seq
        store.act(conn, "T-000001", ACK, "ann", "mine", T0 + MINUTE, T0 + MINUTE, seen=shown)
        with pytest.raises(store.Meanwhile, match="ann meanwhile") as refused:
            store.act(conn, "T-000001", CLOSE, "bob", "not ours", T0 + MINUTE, T0 + MINUTE, seen=shown)
        assert [e.who for e in refused.value.entries] == ["ann"]
        assert "ann" in refused.value.text.zh
        store.act(conn, "T-000001", NOTE, "bob", "I was there, too", T0 + MINUTE, T0 + MINUTE, seen=shown)
        newest = store.ledger(conn, "T-000001")[-1].seq
        store.act(conn, "T-000001", CLOSE, "bob", "agreed with ann", T0 + HOUR, T0 + HOUR, seen=newest)
        again = store.act(conn, "T-000001", CLOSE, "bob", "agreed with ann", T0 + HOUR, T0 + HOUR, seen=newest)
        assert again.kind is CLOSE, "a double click on what ends a ticket is that same entry"


def test_what_the_desk_itself_wrote_meanwhile_stops_nobody() -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        shown = store.ledger(conn, "T-000001")[-1].seq
        store.tick(conn, INVENTORY, T0 + 2 * HOUR)
        assert store.ledger(conn, "T-000001")[-1].seq > shown
        store.act(conn, "T-000001", ACK, "ann", "mine", T0 + 2 * HOUR, T0 + 2 * HOUR, seen=shown)


def test_writers_in_two_processes_queue_and_each_entry_stands_once(tmp_path: Path) -> None:
    made = engine(tmp_path / "desk.sqlite")
    with made.begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
    failures: list[BaseException] = []

    def person(name: str) -> None:
        mine = make_engine(databases.place(tmp_path / "desk.sqlite"))
        try:
            for n in range(5):
                with writing(mine) as conn:
                    store.act(conn, "T-000001", NOTE, name, f"note {n}", T0 + MINUTE, T0 + MINUTE)
        except BaseException as error:
            failures.append(error)
        finally:
            mine.dispose()

    places = databases.place(tmp_path / "desk.sqlite")  # known before the threads ask
    assert places
    threads = [threading.Thread(target=person, args=(name,)) for name in ("ann", "bob", "eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with made.connect() as conn:
        entries = store.ledger(conn, "T-000001")
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
    assert len({(e.who, e.text.en) for e in entries if e.kind is NOTE}) == 15
    made.dispose()


def test_two_writers_that_no_lock_kept_apart_cannot_both_write_the_same_line(tmp_path: Path) -> None:
    """The ledger's key is the version of the row: the second is undone as a whole."""
    made = engine(tmp_path / "desk.sqlite")
    with made.begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        row = conn.execute(sa.select(ledger)).mappings().one()

    def late() -> None:
        with made.begin() as conn:
            outbox.register(conn, [settings("webhook", "http://127.0.0.1:9/", "env:S")])
            conn.execute(ledger.insert().values({**row, "who": "a writer who read before the other wrote"}))

    with pytest.raises(sa.exc.IntegrityError):
        late()
    with made.connect() as conn:
        assert len(store.ledger(conn, "T-000001")) == 1
        assert conn.exec_driver_sql("SELECT count(*) FROM connectors").scalar() == 0
    made.dispose()


def test_an_outage_of_the_desk_over_a_due_time_is_told_once_dated_when_it_was_so() -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0)
        assert store.tick(conn, INVENTORY, T0 + 7 * DAY) == ["T-000001"]
        entries = store.ledger(conn, "T-000001")
        broken = [e for e in entries if e.kind is EntryKind.BROKEN]
        clocks = {c.name: c for c in store.clocks(conn, "T-000001", T0 + 7 * DAY)}
        assert {e.data["clock"] for e in broken} == {n for n, c in clocks.items() if c.state is ClockState.BROKEN}
        for entry in broken:
            assert entry.recorded_at == T0 + 7 * DAY
            assert T0 < entry.at < T0 + 7 * DAY
        assert len([e for e in entries if e.kind is EntryKind.ESCALATED]) <= 2, "not replayed step by step"
        assert not [
            e for e in entries if e.kind is EntryKind.WARNED and e.data["clock"] in {b.data["clock"] for b in broken}
        ]
        after = store.tick(conn, INVENTORY, T0 + 7 * DAY + 1)
        assert after == []


def test_a_clock_that_jumps_back_undoes_nothing_and_one_that_jumps_ahead_is_caught_up_once() -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident()], INVENTORY, T0 + HOUR)
        opened = store.ticket(conn, "T-000001")
        store.tick(conn, INVENTORY, T0 + 3 * HOUR)
        known = store.ledger(conn, "T-000001")
        for back in (T0 + 2 * HOUR, T0, T0 - DAY):
            assert store.tick(conn, INVENTORY, back) == []
            store.apply(conn, [later(incident(), T0 + HOUR, members=("a1", "a2"))], INVENTORY, back)
            clocks = store.clocks(conn, "T-000001", back)
            assert all(c.counted_s >= 0 for c in clocks)
            assert all(i.until is None or i.until >= i.since for c in clocks for i in c.intervals)
        entries = store.ledger(conn, "T-000001")
        assert entries[: len(known)] == known
        assert all(e.at >= opened.opened_at for e in entries)
        store.tick(conn, INVENTORY, T0 + 400 * DAY)
        ahead = store.ledger(conn, "T-000001")
        store.tick(conn, INVENTORY, T0 + 3 * HOUR)
        store.tick(conn, INVENTORY, T0 + 400 * DAY)
        assert store.ledger(conn, "T-000001") == ahead


def test_a_ticket_that_cannot_be_computed_holds_up_no_other_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with engine().begin() as conn:
        store.apply(conn, [incident(), incident("sz/ups-1", "battery")], INVENTORY, T0)
        real = store.compute

        def compute(rule, book, now):
            if book[0].ticket == "T-000001":
                raise ZeroDivisionError("a defect of ours")
            return real(rule, book, now)

        monkeypatch.setattr(store, "compute", compute)
        stuck: dict[str, str] = {}
        assert store.tick(conn, INVENTORY, T0 + DAY, stuck) == ["T-000002"]
        assert stuck == {"T-000001": "ZeroDivisionError: a defect of ours"}
        monkeypatch.setattr(store, "compute", real)
        assert store.tick(conn, INVENTORY, T0 + DAY) == ["T-000001"], "mended, it is caught up"


def test_after_an_outage_one_tick_takes_some_and_the_next_the_others() -> None:
    with engine().begin() as conn:
        roots = ("sz", "sz/ups-1", "sz/ups-3k", "far", "far/ups-1")
        store.apply(conn, [incident(root) for root in roots], INVENTORY, T0)
        first = store.tick(conn, INVENTORY, T0 + DAY, most=3)
        second = store.tick(conn, INVENTORY, T0 + DAY, most=3)
        assert (len(first), len(second)) == (3, 2)
        assert set(first).isdisjoint(second)

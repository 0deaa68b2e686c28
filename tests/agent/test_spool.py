"""What the spool promises, on a real file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.backlog import Chunk
from agent.spool import Spool, SpoolDamaged, SpoolError, SpoolTaken
from agent.spooling import Opened, Spooling
from model.batch import EventKind, decode
from model.reading import Reading

SITE, BOOT = "sz", "b" * 32


def chunk(at: int, count: int = 1, width: int = 0) -> Chunk:
    point = "p" + "x" * width
    readings = [
        Reading(device="sz/u", point=f"{point}{n}", index=None, at=at, value=(at * 2654435761 + n * 40503) % 1e9 / 7)
        for n in range(count)
    ]
    return Chunk(readings=readings, gaps=[], events=[])


def rows(spool: Spool, after: int = 0) -> list[int]:
    return [row.id for row in spool.undelivered(after, 10_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite"


@contextmanager
def spooling(path: Path, *, max_mb: int = 64, keep_ms: int = 0) -> Iterator[Spool]:
    spool = Spool(path, max_mb=max_mb, keep_delivered_ms=keep_ms)
    spool.open()
    try:
        yield spool
    finally:
        spool.close()


def test_a_row_keeps_its_number_its_bytes_and_its_spool_over_a_restart(path: Path) -> None:
    with spooling(path) as spool:
        first = spool.write(SITE, BOOT, 1_000, chunk(1_000, 3))
        before, id = spool.undelivered(0), spool.id
    with spooling(path) as spool:
        assert (spool.id, spool.last_at, spool.undelivered(0)) == (id, 1_000, before)
        batch = decode(before[0].packed)
        assert (batch.spool, batch.row, batch.site, batch.boot, len(batch.readings)) == (id, first, SITE, BOOT, 3)


def test_a_row_number_is_never_used_twice_even_when_all_rows_are_gone(path: Path) -> None:
    with spooling(path) as spool:
        numbers = [spool.write(SITE, BOOT, at, chunk(at)) for at in (1, 2, 3)]
        spool.acknowledge(spool.id, numbers, 4)
        assert rows(spool) == []
    with spooling(path) as spool:
        assert spool.write(SITE, BOOT, 5, chunk(5)) == 4


def test_delivered_rows_are_kept_for_audit_as_long_as_the_file_says(path: Path) -> None:
    with spooling(path, keep_ms=3_600_000) as spool:
        numbers = [spool.write(SITE, BOOT, at, chunk(at)) for at in (1, 2, 3)]
        spool.acknowledge(spool.id, numbers[:2], 1_000)
        assert rows(spool) == numbers[2:]
        assert kept(path) == numbers
        spool.acknowledge(spool.id, numbers[2:], 1_000 + 3_600_001)
        assert kept(path) == numbers[2:]


def kept(path: Path) -> list[int]:
    with sqlite3.connect(path) as db:
        return [id for (id,) in db.execute("SELECT id FROM rows ORDER BY id")]


def test_above_its_bound_the_oldest_fall_out_and_the_same_row_that_pushed_them_says_so(path: Path) -> None:
    with spooling(path, max_mb=8) as spool:
        id = spool.id
        written = {spool.write(SITE, BOOT, at, chunk(at, 2_000)): at for at in range(1_000, 1_700)}
        left = spool.undelivered(0, 10_000)
        assert spool.standing().used_bytes < 8.5 * 1024 * 1024
    assert path.stat().st_size < 9 * 1024 * 1024, "the bound on the spool is a bound on the disk"
    losses = [event for row in left for event in decode(row.packed).events if event.kind is EventKind.LOSS]
    gone = sorted(set(written) - {row.id for row in left})
    assert gone == list(range(1, len(gone) + 1)), "only the oldest"
    # Loss events that fell out with their rows are lost themselves: what is told is at least the last of it.
    assert losses
    assert all(
        loss.data["why"] == "spool_full" and loss.data["readings"] == loss.data["rows"] * 2_000 for loss in losses
    )
    assert losses[-1].data["last_at"] == written[gone[-1]]
    with spooling(path) as spool:
        assert spool.id == id


def test_delivered_and_rejected_rows_make_room_before_anything_undelivered_falls_out(path: Path) -> None:
    with spooling(path, max_mb=8, keep_ms=10**12) as spool:
        numbers = [spool.write(SITE, BOOT, at, chunk(at, 2_000)) for at in range(1, 200)]
        spool.acknowledge(spool.id, numbers[:-20], 500)
        spool.reject(spool.id, numbers[-20], 500, "400")
        more = [spool.write(SITE, BOOT, at, chunk(at, 2_000)) for at in range(1_000, 1_150)]
        assert rows(spool) == numbers[-19:] + more
        assert not any(decode(row.packed).events for row in spool.undelivered(0, 10_000))


def test_a_rejected_row_is_kept_where_a_person_can_look_at_it(path: Path) -> None:
    with spooling(path) as spool:
        number = spool.write(SITE, BOOT, 1, chunk(1))
        packed = spool.undelivered(0)[0].packed
        spool.reject(spool.id, number, 2, "400 not a batch")
        assert rows(spool) == []
        assert spool.standing().rejected == 1
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT id, reason, packed FROM rejected").fetchall() == [(number, "400 not a batch", packed)]


def test_numbers_of_a_file_that_was_replaced_settle_nothing_in_the_fresh_one(path: Path) -> None:
    with spooling(path) as spool:
        number = spool.write(SITE, BOOT, 1, chunk(1))
        spool.acknowledge("another-spool", [number], 2)
        spool.reject("another-spool", number, 2, "400")
        assert rows(spool) == [number]


@pytest.mark.parametrize("rubbish", [b"this is not a database " * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_moved_aside_and_a_fresh_one_goes_on(path: Path, rubbish: bytes) -> None:
    path.write_bytes(rubbish)
    with spooling(path) as spool:
        assert spool.moved_to == path.with_name("spool.sqlite.damaged-1")
        assert spool.moved_to.read_bytes() == rubbish, "a person with time may still read it"
        assert spool.write(SITE, BOOT, 1, chunk(1)) == 1


async def test_a_file_damaged_while_it_is_open_is_replaced_and_no_older_one_is_overwritten(path: Path) -> None:
    path.with_name("spool.sqlite.damaged-1").write_bytes(b"from last year")
    spool = Spool(path, max_mb=64)
    opened: list[Opened] = []
    thread = Spooling(lambda: spool, opened.append)
    for at in range(1, 400):
        await thread.call(lambda s, at=at: s.write(SITE, BOOT, at, chunk(at, 50)))
    overwrite(spool, path)
    with pytest.raises(SpoolDamaged):
        await thread.call(lambda s: s.undelivered(0, 10_000))
    assert [one.moved_to and one.moved_to.name for one in opened] == [None, "spool.sqlite.damaged-2"]
    assert await thread.call(lambda s: s.write(SITE, BOOT, 700, chunk(700))) == 1
    assert path.with_name("spool.sqlite.damaged-1").read_bytes() == b"from last year"
    await thread.close()


def overwrite(spool: Spool, path: Path) -> None:
    """Everything behind the first page becomes rubbish, on the disk and in SQLite's memory."""
    spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    spool._db.execute("PRAGMA shrink_memory")


def test_a_second_agent_on_the_same_spool_is_refused(path: Path) -> None:
    with spooling(path), pytest.raises(SpoolTaken, match="another agent"):
        Spool(path, max_mb=64)
    with spooling(path):
        pass


def full(spool: Spool) -> None:
    """Let SQLite itself say that the disk is full: no page more than there are."""
    pages = spool._db.execute("PRAGMA page_count").fetchone()[0]
    spool._db.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_loses_nothing_that_was_in_and_takes_the_same_chunk_when_there_is_room(path: Path) -> None:
    with spooling(path) as spool:
        kept_rows = [spool.write(SITE, BOOT, at, chunk(at, 200)) for at in range(1, 20)]
        full(spool)
        big = chunk(100, 2_000)
        with pytest.raises(SpoolError, match="full"):
            spool.write(SITE, BOOT, 100, big)
        assert rows(spool) == kept_rows
        spool.reopen()  # room again: the limit was this connection's
        assert spool.write(SITE, BOOT, 100, big) == kept_rows[-1] + 1
        assert len(rows(spool)) == len(kept_rows) + 1


def test_confirmed_rows_leave_a_full_disk_and_make_room(path: Path) -> None:
    with spooling(path) as spool:
        numbers = [spool.write(SITE, BOOT, at, chunk(at, 2_000)) for at in range(1, 20)]
        full(spool)
        spool.acknowledge(spool.id, numbers, 50)
        assert spool.write(SITE, BOOT, 60, chunk(60, 2_000)) == numbers[-1] + 1


def test_a_write_that_failed_after_it_had_succeeded_is_not_spooled_twice(path: Path) -> None:
    """The answer to COMMIT was an error, but the row is on the disk: SQLite's documentation allows both."""
    with spooling(path) as spool:
        one = chunk(7, 5)
        commits_but_complains(spool)
        with pytest.raises(SpoolError):
            spool.write(SITE, BOOT, 7, one)
        spool.reopen()
        assert spool.write(SITE, BOOT, 8, one) == 1
        assert rows(spool) == [1]
        assert spool.write(SITE, BOOT, 9, chunk(9)) == 2


def test_rows_that_are_written_together_are_all_on_the_disk_or_none(path: Path) -> None:
    with spooling(path) as spool:
        assert spool.write(SITE, BOOT, 7, chunk(1), chunk(2), chunk(3)) == 3
        three = (chunk(4), chunk(5), chunk(6))
        commits_but_complains(spool)
        with pytest.raises(SpoolError):
            spool.write(SITE, BOOT, 8, *three)
        spool.reopen()
        assert spool.write(SITE, BOOT, 9, *three) == 6, "they are there already"
        assert rows(spool) == [1, 2, 3, 4, 5, 6]
        full(spool)
        huge = (chunk(10), chunk(11, 200_000))
        with pytest.raises(SpoolError):
            spool.write(SITE, BOOT, 10, *huge)
        spool.reopen()
        assert rows(spool) == [1, 2, 3, 4, 5, 6]
        assert spool.write(SITE, BOOT, 11, *huge) == 8


def commits_but_complains(spool: Spool) -> None:
    class Complaining:
        def __init__(self, db: sqlite3.Connection) -> None:
            self._db = db

        def __getattr__(self, name: str) -> object:
            return getattr(self._db, name)

        def execute(self, text: str, *values: object) -> object:
            outcome = self._db.execute(text, *values)
            if text == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return outcome

    spool._db = Complaining(spool._db)


def test_a_folder_that_cannot_be_written_to_is_an_error_to_try_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SpoolError, match="folder"):
        Spool(tmp_path / "file" / "spool.sqlite", max_mb=8)


def test_a_spool_of_another_version_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    spool = Spool(path, max_mb=16)
    with pytest.raises(SpoolError, match="version 1, got 99"):
        spool.open()
    spool.close()
    assert [one.name for one in tmp_path.glob("*damaged*")] == []


def test_a_mistake_of_ours_never_moves_a_good_file_aside(tmp_path: Path) -> None:
    """An older table without our columns raises an IntegrityError or OperationalError: neither is damage."""
    path = tmp_path / "spool.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, more TEXT NOT NULL)")
    db.close()
    spool = Spool(path, max_mb=16)
    with pytest.raises(SpoolError):
        spool.open()
    spool.close()
    assert [one.name for one in tmp_path.glob("*damaged*")] == []

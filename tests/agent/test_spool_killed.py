"""kill -9 of a real process that writes and confirms: whatever it said was in the spool is there, once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from agent.backlog import Chunk
from agent.spool import Spool
from model.batch import decode
from model.reading import Reading

#: The child prints a row's number only after `write` returned, and a confirmation only after it was marked.
CHILD = """
import sys
from pathlib import Path
from agent.backlog import Chunk
from agent.backlog import Chunk
from agent.spool import Spool
from model.reading import Reading

spool = Spool(Path(sys.argv[1]), max_mb=64, keep_delivered_ms=10**15)
spool.open()
at = spool.last_at
while True:
    at += 1000
    readings = [Reading(device="s/u", point=f"p{n}", index=None, at=at, value=n / 7) for n in range(40)]
    row = spool.write("s", "boot", at, Chunk(readings=readings, gaps=[], events=[]))
    print("row", row, at, flush=True)
    if row % 3 == 0:
        spool.acknowledge(spool.id, [row - 2, row - 1], at)
        print("settled", row, at, flush=True)
"""


def lived(path: Path, lines: int) -> list[list[str]]:
    """Run the child for so many lines, then kill it without warning; what it managed to say."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(lines)]
    child.send_signal(signal.SIGKILL)
    said += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    # The last line may be cut short: the kill can fall into the printing of it.
    return [line.split() for line in said if line.endswith("\n")]


def test_every_row_that_was_spooled_is_there_once_after_kills_at_random_instants(tmp_path: Path) -> None:
    path, chance = tmp_path / "spool.sqlite", random.Random(20261122)
    said: list[list[str]] = []
    for _ in range(8):
        said += lived(path, chance.randrange(1, 60))
    spooled = {int(number): int(at) for kind, number, at in said if kind == "row"}
    settled = [int(number) for kind, number, _ in said if kind == "settled"]
    assert len(spooled) == sum(kind == "row" for kind, *_ in said), "a row number was used twice"

    spool = Spool(path, max_mb=64, keep_delivered_ms=10**15)
    spool.open()
    waiting = {row.id: decode(row.packed) for row in spool.undelivered(0, 100_000)}
    kept = {row: decode(packed) for row, packed in spool._db.execute("SELECT id, packed FROM rows")}
    spool.close()
    assert {row: batch.at for row, batch in kept.items() if row in spooled} == spooled
    assert len(set(kept) - set(spooled)) <= 8, "at most one row a kill that was on the disk but not yet told"
    assert sorted(kept) == list(range(1, max(kept) + 1)), "row numbers have no holes"
    assert len({batch.at for batch in kept.values()}) == len(kept), "a boot began below the last `at`"
    assert not {row for number in settled for row in (number - 2, number - 1)} & set(waiting), (
        "confirmed, yet sent again"
    )
    assert all(batch.row == row and len(batch.readings) == 40 for row, batch in kept.items())


def test_a_power_cut_leaves_at_least_what_was_told_and_nothing_out_of_order(tmp_path: Path) -> None:
    """Behind what was synced, a power cut may leave any part of the journal, or rubbish in its place."""
    path, chance = tmp_path / "spool.sqlite", random.Random(7)
    spool = Spool(path, max_mb=64)
    spool.open()
    journal = path.with_name("spool.sqlite-wal")
    synced: list[int] = []
    for at in range(1, 25):
        spool.write("s", "boot", at, row_of(at))
        synced.append(journal.stat().st_size)
    whole, base = journal.read_bytes(), path.read_bytes()
    spool.close()

    for told in range(1, 24):
        tail = whole[synced[told - 1] : chance.randrange(synced[told - 1], len(whole) + 1)]
        rubbish = chance.randbytes(len(tail)) if told % 2 else tail
        cut = tmp_path / f"cut-{told}"
        cut.mkdir()
        (cut / "spool.sqlite").write_bytes(base)
        (cut / "spool.sqlite-wal").write_bytes(whole[: synced[told - 1]] + rubbish)
        after = Spool(cut / "spool.sqlite", max_mb=64)
        after.open()
        found = [row.id for row in after.undelivered(0, 1000)]
        assert after.moved_to is None
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= told
        assert after.write("s", "boot-2", 100, row_of(100)) == len(found) + 1
        after.close()


def row_of(at: int) -> Chunk:
    return Chunk(
        readings=[Reading(device="s/u", point="battery.charge", index=None, at=at, value=1.0)], gaps=[], events=[]
    )

"""History by days and columns: what is hot, sealed or both comes out alike, and what cannot be read is told."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from analytics.detector import Column
from collector.history import HistoryError, sealing
from collector.history.corrected import Corrected
from collector.history.days import DAY_MS, Day, days, span
from collector.history.embedded import Embedded
from collector.offsets import OffsetBook
from collector.store import deliveries
from tests.collector.centres import SITE, T0, batch, reading

DEVICE = f"{SITE}/ups-1"
MIDNIGHT = T0 - T0 % DAY_MS


def never(error: HistoryError) -> None:
    raise error


def filled(folder: Path) -> Embedded:
    store = Embedded(folder / "history")
    for row in range(30):
        at = MIDNIGHT + row * DAY_MS // 10
        readings = [
            reading("battery.voltage", 200.0 + row, at),
            reading("input.voltage", 230.0, at + 40, "1"),
            reading("input.voltage", 231.0, at + 40, "2"),
            reading("ups.load", 30.0, at, device=f"{SITE}/ups-2"),
        ]
        store.write([batch(row, readings, at=at)])
    return store


def read(store: Embedded | Corrected, start: int = 0, end: int = 2**60) -> dict[int, Day]:
    first, last = span(store, [DEVICE]) or (0, 0)
    return dict(days(store, DEVICE, max(start, first), min(end, last), never))


def test_hot_sealed_and_mixed_days_are_the_same(tmp_path: Path) -> None:
    store = filled(tmp_path)
    hot = read(store)
    assert sorted(hot) == [MIDNIGHT, MIDNIGHT + DAY_MS, MIDNIGHT + 2 * DAY_MS]
    assert hot[MIDNIGHT]["input.voltage"]["2"] == Column(
        [MIDNIGHT + 40 + n * DAY_MS // 10 for n in range(10)], [231.0] * 10
    )
    sealing.seal(store, MIDNIGHT + 15 * DAY_MS // 10)
    assert read(store) == hot
    sealing.seal(store, 2**60)
    assert read(store) == hot
    cut = read(store, MIDNIGHT + DAY_MS // 2, MIDNIGHT + DAY_MS)
    assert list(cut) == [MIDNIGHT]
    assert cut[MIDNIGHT]["battery.voltage"][None].value == [205.0, 206.0, 207.0, 208.0, 209.0]


def test_a_clock_that_was_put_right_is_read_right(tmp_path: Path) -> None:
    store = filled(tmp_path)
    offset = deliveries.Offset(site=SITE, boot="b", offset_ms=3_600_000, since=0, until=2**60)
    moved = read(Corrected(store, OffsetBook(0, [offset])))
    [whole] = [d["battery.voltage"][None] for begin, d in moved.items() if begin == MIDNIGHT]
    assert whole.at[0] == MIDNIGHT + 3_600_000


def test_a_device_that_nobody_heard_has_no_days(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert span(store, ["a/b"]) is None
    assert list(days(store, "a/b", MIDNIGHT, MIDNIGHT + DAY_MS, never)) == []


@pytest.mark.parametrize("damage", [b"", b"no parquet at all"])
def test_a_damaged_day_is_told_and_the_others_are_read(tmp_path: Path, damage: bytes) -> None:
    store = filled(tmp_path)
    sealing.seal(store, 2**60)
    file = sorted((tmp_path / "history" / "sealed").glob("day=*/*ups-1*"))[1]
    file.write_bytes(damage)
    told: list[HistoryError] = []
    found = dict(days(store, DEVICE, *(span(store, [DEVICE]) or (0, 0)), told.append))
    assert sorted(found) == [MIDNIGHT, MIDNIGHT + 2 * DAY_MS]
    assert file.name in str(told[0])
    assert msgspec.to_builtins(found[MIDNIGHT])

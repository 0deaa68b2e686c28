"""`roundsman analyze news`: a real history looked back over, and words where there is too little of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from collector.history.embedded import Embedded
from collector.store import open_engine
from model.reading import Reading
from tests.collector.centres import T0, batch
from tests.roundsman.centre_files import answer

HOUR = 3_600_000
HOURS = 24 * 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("news")
    (found / "collector.toml").write_text('[collector]\ndata = "var/"\n', "utf-8")
    (found / "var").mkdir()
    open_engine(found / "var" / "centre.sqlite").dispose()
    store, random = Embedded(found / "var" / "history"), np.random.default_rng(3)
    readings = []
    for hour in range(HOURS):
        at = T0 - (HOURS - hour) * HOUR + 60_000
        warm = 25 + 3 * np.sin(at / HOUR / 24 * 6.2832) + random.normal(0, 0.3) + 9 * (600 <= hour < 606)
        readings.append(Reading(device="s/ups", point="ups.temperature", index=None, at=at, value=float(warm)))
    readings.append(Reading(device="s/new", point="ups.temperature", index=None, at=T0 - HOUR, value=20.0))
    store.write([batch(1, readings, at=T0)])
    store.close()
    return found


@pytest.fixture(autouse=True)
def then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roundsman.centre.Centre.now", lambda self: T0)


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]], str]:
    return answer(["analyze", "news", *words, "--collector", str(folder / "collector.toml")], capsys)


def test_the_hot_hours_are_told_with_their_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, _ = ask(folder, capsys, "s/ups", "--json")
    assert status == 0
    (hot, *_) = [row for row in rows if int(str(row["at"])) > T0 - 200 * HOUR]
    began = T0 - (HOURS - 600) * HOUR
    assert began - HOUR <= int(str(hot["at"])) < began + 6 * HOUR
    assert hot["gauge"] == "ups.temperature"
    assert "ups.temperature" in ask(folder, capsys, "s/ups")[2]


def test_too_little_history_and_an_unknown_device_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, said = ask(folder, capsys, "s/new")
    assert (status, rows) == (0, [])
    assert "s/new: 1 hours" in said
    status, rows, said = ask(folder, capsys, "s/none")
    assert (status, rows) == (1, [])
    assert "s/new, s/ups" in said
    for days in ("0", "-3", "999999999"):
        status, _, said = ask(folder, capsys, "s/ups", "--days", days)
        assert (status, "expected 1 to" in said) == (2, True)

"""`roundsman analyze train`: models out of history, versioned, on one machine or on a cluster, and words when it cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from distributed import LocalCluster

from collector.history.embedded import Embedded
from collector.jobs import learning, nightly
from collector.store import models, open_engine, tables, writing
from tests.collector.centres import T0
from tests.collector.jobs import fleets
from tests.roundsman.centre_files import answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleets.made(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as local:  # type: ignore[no-untyped-call]
        yield local.scheduler_address


@pytest.fixture(autouse=True)
def then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roundsman.centre.Centre.now", lambda self: T0)


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]], str]:
    return answer(["analyze", *words, "--collector", str(folder / "collector.toml")], capsys)


def test_models_are_trained_kept_and_shown_the_newest_hours(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(folder, capsys, "unusual", "--json")[1] == []
    status, rows, text = ask(folder, capsys, "train", "--workers", "1", "--days", "20", "--json")
    assert status == 0, text
    made = {row["model"]: row for row in rows if "model" in row}
    capacity = made[f"capacity/{fleets.MODEL}"]
    assert (capacity["version"], capacity["rows"]) == (1, 40)
    assert float(str(capacity["mape"])) < 0.1
    assert f"normal/{fleets.MODEL}" in made
    status, shares, _ = ask(folder, capsys, "unusual", "--json")
    assert {row["device"] for row in shares} == set(fleets.DEVICES)
    assert all(float(str(row["unusual"])) < 0.3 for row in shares)
    store = Embedded(folder / "var" / "history")
    engine = open_engine(folder / "var" / "centre.sqlite")
    seen, problems = nightly.seen_by_models(engine, store, fleets.INVENTORY, T0)
    store.close()
    assert problems == []
    assert set(seen) == set(fleets.DEVICES)
    health = [seen[id][0] for id in fleets.DEVICES]
    assert health[0] < health[-1]
    assert seen[fleets.DEVICES[0]][2] == f"capacity/{fleets.MODEL}@1"
    engine.dispose()


def test_a_cluster_makes_the_same_models(folder: Path, capsys: pytest.CaptureFixture[str], cluster: str) -> None:
    ask(folder, capsys, "train", "--workers", "1", "--days", "1", "--json")
    status, rows, text = ask(folder, capsys, "train", "--dask", cluster, "--days", "1", "--json")
    assert status == 0, text
    assert rows[-1]["dask"] == cluster
    engine = open_engine(folder / "var" / "centre.sqlite")
    with engine.connect() as conn:
        digests = conn.execute(
            sa.select(tables.models.c.digest).where(tables.models.c.name.startswith("capacity")).order_by(tables.models.c.version)
        ).scalars().all()  # fmt: skip
    engine.dispose()
    assert digests[-1] == digests[-2]


def test_a_cluster_that_is_not_there_is_said_and_nothing_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "CLUSTER_S", 0.5)
    status, _, text = ask(folder, capsys, "train", "--dask", "tcp://127.0.0.1:9")
    assert status == 1
    assert "expected a Dask scheduler at tcp://127.0.0.1:9" in text


def test_damaged_bytes_are_never_loaded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(folder, capsys, "train", "--workers", "1", "--days", "1")
    engine = open_engine(folder / "var" / "centre.sqlite")
    with writing(engine) as conn:
        [row] = models.listed(conn, "capacity/")
        conn.execute(tables.models.update().where(tables.models.c.digest == row.digest).values(body=b"evil"))
        found, problems = nightly.opened(conn, "capacity/")
        assert found == {}
        assert "expected bytes with sha256" in problems[0]
        assert "roundsman analyze train" in problems[0]
        bad = models.put_model(conn, "capacity/x", b"no pickle at all", T0, (0, 1), 1)
        found, problems = nightly.opened(conn, "capacity/x")
        assert found == {}
        assert bad.id in problems[0]
    engine.dispose()


def test_too_little_to_learn_from_is_an_answer(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "collector.toml").write_text('[collector]\ndata = "var/"\n')
    open_engine(tmp_path / "var" / "centre.sqlite").dispose()
    [nothing] = ask(tmp_path, capsys, "train", "--json")[1]
    assert (nothing["trained"], nothing["failed"]) == (0, 0)
    status, rows, _ = ask(folder, capsys, "train", "--days", "1", "--workers", "1", "--json")
    assert status == 0
    [failed] = [row for row in rows if "why" in row]
    assert "hours" in str(failed["why"])

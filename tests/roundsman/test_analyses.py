"""`roundsman analyze`: what is remembered of batteries, out of the newest snapshot of a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collector import pipeline
from collector.store import deliveries, open_engine, writing
from roundsman.cli import app
from tests.analytics.battery.cabinet import Cabinet
from tests.analytics.timeline import T0, UPS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "collector.toml").write_text('[collector]\ndata = "var/"\n', "utf-8")
    (tmp_path / "var").mkdir()
    return tmp_path


def run(folder: Path, *words: str) -> int:
    code = app(
        ["analyze", *words, "--collector", str(folder / "collector.toml")],
        exit_on_error=False,
        result_action="return_value",
    )
    assert isinstance(code, int)
    return code


def test_a_forecast_and_what_came_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cabinet = Cabinet(load=28, soh=0.96, promised_s=23 * 60)
    cabinet.rest(2)
    cabinet.outage(99_999)
    state = pipeline.fresh()
    state.watch = cabinet.watch
    engine = open_engine(folder / "var" / "centre.sqlite")
    with writing(engine) as conn:
        deliveries.put_snapshot(conn, 1, pipeline.dump_detectors(state), T0)
    engine.dispose()
    assert run(folder, "score", "--json") == 0
    one, record = map(json.loads, capsys.readouterr().out.splitlines())
    assert one["device"] == UPS
    assert (round(one["p50"] / 60), round(one["real"] / 60)) == (23, 21)
    assert (record["n"], record["inside"]) == (1, 1.0)
    assert run(folder, "score") == 0
    assert "23" in capsys.readouterr().out
    assert run(folder, "discharges", UPS, "--json") == 0
    [kept] = map(json.loads, capsys.readouterr().out.splitlines())
    assert kept["reason"] == "empty"
    assert run(folder, "discharges", "another/ups") == 0
    assert capsys.readouterr().out == ""


def test_without_a_snapshot_nothing_is_claimed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_engine(folder / "var" / "centre.sqlite").dispose()
    assert run(folder, "score", "--json") == 0
    assert capsys.readouterr().out == ""
    assert run(folder / "nowhere", "score") == 1

"""The table of figures: what it says when something is not there, and that a figure is found by name or not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.benchmarks import analytics_table
from tests.benchmarks.analytics_figures import PROGRAMS, Program, counted, of, words


def test_a_set_that_is_not_there_is_said_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["table", "--data", str(tmp_path), "--only", "vrla,xjtu", "--json"])
    assert analytics_table.main() == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["program"] for row in told] == ["vrla", "xjtu"]
    assert all("is not there; give --data DIR" in row["why_not"] for row in told)


def test_a_program_that_fails_fails_the_command_with_its_last_words(tmp_path: Path) -> None:
    ran = analytics_table._child([sys.executable, "-c", "raise SystemExit('no such column')"], tmp_path / "out")
    assert ran.failed
    assert ran.why_not == "FAILED with 1: no such column"


def test_a_child_s_seconds_and_memory_are_its_own(tmp_path: Path) -> None:
    ran = analytics_table._child([sys.executable, "-c", "print('{\"a\": 1}')"], tmp_path / "out")
    assert ran.rows == [{"a": 1}]
    assert ran.cpu_s > 0
    assert ran.peak_mb > 0


def test_a_module_that_nobody_wrote_is_left_out(tmp_path: Path) -> None:
    program = Program(name="x", module="tests.benchmarks.nobody.wrote_this", figures=())
    assert "there is no tests.benchmarks.nobody" in analytics_table._ran(program, tmp_path, False, tmp_path).why_not


def test_a_figure_is_found_by_name_or_not_at_all() -> None:
    rows = [{"line": "126,546 readings per CPU-second"}, {"estimator": "mean", "rmse": 3}, {"estimator": "other"}]
    assert words(r"([\d,]+) readings")(rows) == 126_546
    assert of("rmse", estimator="mean")(rows) == 3
    assert of("rmse", estimator="gone")(rows) is None
    fleet = [{"figures": {"announced": {"k": 19, "n": 20}, "false_jobs": {"k": 0, "per": 0.0}}}]
    assert counted("announced", "n", 100)(fleet) == 95
    assert counted("false_jobs", "per")(fleet) is None
    assert counted("announced", "n")(rows) is None


def test_what_more_is_better_for_is_judged_so() -> None:
    figures = {figure.what: figure for program in PROGRAMS for figure in program.figures}
    assert figures["NAB standard, 2-fold"].meets(67)
    assert not figures["NAB standard, 2-fold"].meets(66.9)
    assert not figures["XJTU SoH, leave-cells-out MAPE, %"].meets(0.76)

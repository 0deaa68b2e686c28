"""Files that people hand to `roundsman analyze`, and numbers that they type: whatever stands there, it is read or said, and nothing escapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.points import POINTS, plausible
from roundsman.analysis_readings import moment, read
from roundsman.cli import app
from tests.roundsman.centre_files import answer

UPS = "sz/ups-1"
HEADER = "device,point,index,at,value\n"
_ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2), st.just(10**400)
)  # fmt: skip
_ROW = st.fixed_dictionaries(
    {},
    optional={
        "device": st.one_of(st.just(UPS), _ANY),
        "point": st.one_of(st.sampled_from(sorted(POINTS)), _ANY),
        "index": _ANY,
        "at": st.one_of(st.integers(0, 2**50), st.just("2026-09-21T08:00:00+08:00"), _ANY),
        "value": _ANY,
        "cause": st.one_of(st.just("no_answer"), _ANY),
    },
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def check(file: Path) -> None:
    """What was taken in can be; what was not is said, with the file's name in both languages."""
    days, problems = read(file)
    for device, held in days.items():
        assert "/" in device
        for day, _ in held.values():
            for point, series in day.items():
                for column in series.values():
                    assert all(a < b for a, b in zip(column.at, column.at[1:], strict=False))
                    assert all(plausible(POINTS[point], value) for value in column.value)
    for problem in problems:
        assert problem.render("en").startswith(str(file))
        assert problem.render("zh") != problem.render("en")


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_ROW, max_size=6))
def test_any_json_is_read_or_said(folder: Path, rows: list[dict[str, Any]]) -> None:
    file = folder / "any.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    check(file)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["a.csv", "a.jsonl", "a.CSV"]), st.sampled_from(["", HEADER]), st.binary(max_size=200))
def test_any_bytes_are_read_or_said(folder: Path, name: str, begin: str, rest: bytes) -> None:
    (folder / name).write_bytes(begin.encode() + rest)
    check(folder / name)


@given(_ANY)
def test_a_moment_is_one_that_a_calendar_has(told: object) -> None:
    at = moment(told)
    assert at is None or 0 <= at <= 253_402_300_799_999


@pytest.mark.parametrize("told", ["²", "9" * 30, "0001-01-01T00:00+14:00", -1, float("inf"), True])
def test_what_is_no_moment(told: object) -> None:
    assert moment(told) is None


def test_another_unit_is_no_reading_and_the_right_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "mv.csv").write_text(
        f"{HEADER}{UPS},battery.voltage,,1790000000000,218400000\n{UPS},battery.charge,,1790000000000,100\n"
    )
    days, [problem] = read(tmp_path / "mv.csv")
    assert [point for day, _ in days[UPS].values() for point in day] == ["battery.charge"]
    assert (problem.line, problem.key) == (2, "value")
    assert problem.got.endswith(" V")


def test_a_spreadsheets_mark_is_no_part_of_a_column_and_its_semicolons_are_named(tmp_path: Path) -> None:
    (tmp_path / "bom.csv").write_text(f"\ufeff{HEADER}{UPS},battery.charge,,1790000000000,100\n", "utf-8")
    days, problems = read(tmp_path / "bom.csv")
    assert (list(days), problems) == ([UPS], [])
    (tmp_path / "semicolons.csv").write_text(HEADER.replace(",", ";") + f"{UPS};battery.charge;;1790000000000;100\n")
    days, [problem] = read(tmp_path / "semicolons.csv")
    assert (days, problem.line, problem.severity) == ({}, 1, "error")
    assert "device;point" in problem.got


@pytest.mark.parametrize(("name", "body", "said"), [
    ("none.csv", b"", "a first line with device"),
    ("gbk.csv", "设备".encode("gbk"), "UTF-8"),
    ("only.csv", HEADER.encode(), "expected readings, got none"),
    ("wrong.jsonl", b"{}\n[]\nx\n", "expected readings, got none"),
    ("cut.flight.jsonl", b'{"flight": 1', "cut.flight.jsonl"),
])  # fmt: skip
def test_a_file_of_nothing_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, body: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(body)
    status, _, text = answer(["analyze", "backtest", str(tmp_path / name)], capsys)
    assert (status, said in text, "Traceback" in text) == (1, True, False), text


def test_every_command_says_in_both_languages_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    app(["analyze", "--help"], exit_on_error=False, result_action="return_value")
    lines = [line.strip("│ \n") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    text = " ".join(lines)
    for name in ("backtest", "calibrate", "discharges", "news", "score", "train", "unusual"):
        said = text.partition(f"{name} ")[2]
        assert said, name
    assert sum(any("\u4e00" <= sign <= "\u9fff" for sign in line) for line in lines) == 7

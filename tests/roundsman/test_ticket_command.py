"""`roundsman ticket …` on a centre's database: calls become tickets, acts are checked, every answer is JSON on demand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from roundsman.tickets import pairs
from tests.desk.stage import DAY, T0
from tests.roundsman.centre_files import answer, made

INVENTORY = """
[[customer]]
id = "river"
name = { en = "River", zh = "江河" }
[[customer]]
id = "lake"
name = { en = "Lake", zh = "湖" }
[[contract]]
customer = "river"
policy = "wuhan_jinse"
since = "2020-01-01"
[[site]]
id = "wh"
customer = "river"
name = { en = "Wuhan", zh = "武汉" }
[[site]]
id = "nj"
customer = "lake"
name = { en = "Nanjing", zh = "南京" }
[[device]]
id = "wh/ups-1"
name = { en = "UPS 1", zh = "UPS 1" }
kind = "ups"
serial = "SN-77"
rated_va = 10000
[[device]]
id = "wh/ups-2"
name = { en = "UPS 2", zh = "UPS 2" }
kind = "ups"
"""
Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A centre with an inventory and no tickets, made once: each test works on a copy."""
    folder = tmp_path_factory.mktemp("centre")
    return made(folder, INVENTORY, ["wuhan_jinse"])


@pytest.fixture
def run(centre: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, by a clock that stands at T0 (or so many ms later)."""
    monkeypatch.setenv("ROUNDSMAN_LANG", "en")
    monkeypatch.setattr("roundsman.centre.real_ms", lambda: 0)
    copytree(centre, tmp_path, dirs_exist_ok=True)

    def call(*words: str, later: int = 0) -> tuple[int, list[dict[str, Any]], str]:
        line = ["ticket", *words, "--collector", str(tmp_path / "collector.toml"), "--clock", f"{T0 + later}:0:1"]
        return answer(line, capsys)

    return call


def test_a_call_is_asked_for_what_the_contract_wants_and_then_is_one_ticket(run: Run) -> None:
    call = ("new", "--device", "wh/ups-2", "--text", "it beeps", "--who", "ann", "--json")
    status, _, said = run(*call)
    assert status == 1
    assert "serial_number, debug_information" in said or "serial_number" in said
    told = (*call, "--serial", "X-1", "--fault", "alarm 12", "--not-known", "debug_information")
    status, (opened,), _ = run(*told)
    assert (status, opened["id"], opened["kind"], opened["device"]) == (0, "T-000001", "defect", "wh/ups-2")
    assert opened["level"] == "general"
    assert {c["clock"] for c in opened["clocks"]} >= {"first_response", "restore"}
    assert run(*told)[1][0]["id"] == "T-000001", "the same call told twice"
    _, (shown,), _ = run("show", "T-000001", "--json")
    assert any(e["data"].get("to_ask") == "debug_information" for e in shown["ledger"])


def test_the_acts_of_a_case_from_call_to_close(run: Run) -> None:
    run(
        "new",
        "--device",
        "wh/ups-1",
        "--text",
        "no output\nE12",
        "--debug",
        "log",
        "--fault",
        "E1",
        "--who",
        "ann",
        "--level",
        "major",
    )
    assert run("ack", "T-000001", "--who", "ann")[0] == 0
    status, (late,), _ = run(
        "onsite", "T-000001", "--who", "bob", "--at", "2026-11-23T11:30", "--json", later=3 * 3_600_000
    )
    assert status == 0
    assert (late["at"], late["recorded_at"]) == (T0 + 90 * 60_000, T0 + 3 * 3_600_000)
    assert run("facts", "T-000001", "hardware=yes", "spares_on_site=true", later=DAY)[0] == 0
    assert run("act", "T-000001", "part_needed", "--data", "part=fan", later=DAY)[0] == 0
    assert run("act", "T-000001", "diagnosed", "--text", "fan dead", later=DAY)[0] == 0
    assert run("act", "T-000001", "resolved", "--text", "fan changed", later=DAY)[0] == 0
    assert run("close", "T-000001", later=DAY)[0] == 0
    _, (explained,), _ = run("explain", "T-000001", "--json", later=2 * DAY)
    report = next(c for c in explained["clocks"] if c["clock"] == "incident_report")
    assert (report["state"], report["due_at"]) == ("running", T0 + 4 * DAY), "the closing does not end it"
    first = next(c for c in explained["clocks"] if c["clock"] == "first_response")
    assert first["intervals"][0]["entry"]["who"] == "ann"
    assert run("act", "T-000001", "reported", "--data", "report=nonsense", later=2 * DAY)[0] == 1


REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("act", "T-000001", "notified"), "expected one of"),
    (("act", "T-000001", "part_needed"), "needs part"),
    (("pause", "T-000001", "--why", "waiting for the key"), "lets no clock wait"),
    (("convert", "T-000001", "defect", "--why", "x"), "expected one of consultation"),
    (("level", "T-000001", "nine"), "general"),
    (("facts", "T-000001", "colour=red"), "expected one or more of"),
    (("reopen", "T-000001", "--why", "x"), "expected a closed ticket"),
    (("onsite", "T-000001", "--at", "2099-01-01T00:00"), "expected a time up to now"),
    (("onsite", "T-000001", "--at", "yesterday"), "expected a time like"),
    (("merge", "T-000001", "T-000002", "--why", "x"), "expected an open ticket of river"),
    (("note", "T-000009", "x"), "no ticket T-000009"),
    (("new", "--text", "x"), "expected --site or --device"),
    (("new", "--text", "x", "--site", "zz"), "expected a listed site"),
    (("new", "--text", "x", "--device", "wh/zz"), "expected a device of that site"),
]


def test_what_cannot_stand_is_said_with_what_to_do_and_changes_nothing(run: Run) -> None:
    run("new", "--device", "wh/ups-1", "--text", "no output", "--debug", "log", "--fault", "E1", "--who", "ann")
    run("new", "--site", "nj", "--text", "hello", "--kind", "consultation", "--who", "ann")
    before = run("show", "T-000001", "--json")[1]
    for words, expected in REFUSED:
        status, _, said = run(*words)
        assert status == 1, words
        assert expected in said, words
    assert run("show", "T-000001", "--json")[1] == before


def test_a_defect_that_is_a_question_is_converted_and_two_of_one_cause_are_merged(run: Run) -> None:
    for text in ("how do I mute it", "mute?"):
        run(
            "new",
            "--device",
            "wh/ups-1",
            "--text",
            text,
            "--debug",
            "none",
            "--fault",
            "none",
            "--who",
            "ann",
            "--level",
            "major",
        )
    assert run("convert", "T-000001", "consultation", "--why", "operation, no fault")[0] == 0
    assert run("merge", "T-000001", "T-000002", "--why", "same caller")[0] == 0
    _, (first,), _ = run("show", "T-000001", "--json")
    _, (second,), _ = run("show", "T-000002", "--json")
    assert (first["kind"], first["state"], first["level"]) == ("consultation", "merged", first["level"])
    assert second["ledger"][-1]["data"] == {"merged": "T-000001"}


def test_who_looked_before_somebody_else_acted_is_asked_to_look_again(run: Run) -> None:
    run("new", "--device", "wh/ups-1", "--text", "no output", "--debug", "log", "--fault", "E1", "--who", "ann")
    seen = run("show", "T-000001", "--json")[1][0]["ledger"][-1]["seq"]
    assert run("level", "T-000001", "major", "--who", "bob")[0] == 0
    status, _, said = run("close", "T-000001", "--who", "ann", "--seen", str(seen))
    assert (status, "bob" in said) == (1, True)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("00471", "00471"), ("1.10", "1.10"), ("1_000", "1_000"), ("1.e999", "1.e999"), ("9" * 30, "9" * 30), ("12", 12)],
)
def test_a_parts_number_stays_as_it_was_typed(typed: str, kept: str | int) -> None:
    assert pairs([f"part={typed}"]) == {"part": kept}


@pytest.mark.parametrize("said", ["0001-01-01T00:00", "9999-12-31T23:59", "1900-01-01", "tomorrow", "2026-02-30T10:00"])
def test_a_time_that_is_none_is_refused_in_words(run: Run, said: str) -> None:
    status, _, told = run("new", "--device", "wh/ups-1", "--text", "x", "--fault", "E", "--debug", "d", "--at", said)
    assert (status, told.count("expected a time like 2026-11-23T10:00")) == (1, 1)

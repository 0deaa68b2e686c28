"""`roundsman field …` on a centre's database: a change under Xinguang's contract from plan to form, and the planned work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from collector.config import read_file
from collector.history.opening import open_history
from model.batch import Batch
from model.reading import Reading
from tests.desk.stage import DAY, HOUR, MINUTE, T0
from tests.roundsman.centre_files import answer, made

INVENTORY = """
[[customer]]
id = "tv"
name = { en = "TV", zh = "电视台" }
[[customer]]
id = "harbour"
name = { en = "Harbour", zh = "港口" }
[[contract]]
customer = "tv"
policy = "chengdu_xinguang"
since = "2026-11-01"
[[contract]]
customer = "harbour"
policy = "powerstar"
since = "2026-05-01"
[[site]]
id = "cd"
customer = "tv"
name = { en = "Chengdu", zh = "成都" }
[[site]]
id = "sz"
customer = "harbour"
name = { en = "Shenzhen", zh = "深圳" }
[[device]]
id = "cd/ups-1"
name = { en = "UPS 1", zh = "UPS 1" }
kind = "ups"
serial = "SN-77"
[[device]]
id = "sz/ups-1"
name = { en = "UPS 1", zh = "UPS 1" }
kind = "ups"
serial = "SN-78"
rated_va = 10000
"""
Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A centre with an inventory, made once: each test works on a copy."""
    folder = tmp_path_factory.mktemp("centre")
    return made(folder, INVENTORY, ["chengdu_xinguang", "powerstar"])


@pytest.fixture
def run(centre: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, by a clock that stands at T0 (or so many ms later); JSON, else lines."""
    monkeypatch.setenv("ROUNDSMAN_LANG", "zh")
    monkeypatch.setattr("roundsman.centre.real_ms", lambda: 0)
    copytree(centre, tmp_path, dirs_exist_ok=True)

    def call(*words: str, later: int = 0, lines: bool = False) -> tuple[int, list[dict[str, Any]], str]:
        group = () if words[0] == "ticket" else ("field",)
        line = [*group, *words, "--collector", str(tmp_path / "collector.toml"), "--clock", f"{T0 + later}:0:1"]
        return answer([*line, *([] if lines else ["--json"])], capsys)

    return call


def opened(run: Run) -> str:
    run("engineer", "put", "zhou", "Zhou", "--name-zh", "周", "--base", "cd", "--skill", "ups")
    _, (ticket,), _ = run("ticket", "new", "--device", "cd/ups-1", "--text", "picture breaks up", "--who", "ann")
    return str(ticket["id"])


def test_a_change_under_xinguang_goes_from_plan_to_form_and_no_step_can_be_left_out(run: Run, tmp_path: Path) -> None:
    ticket = opened(run)
    _, (best, *_), _ = run("engineer", "suitable", ticket)
    assert (best["engineer"]["id"], best["fits"], best["arrives_at"]) == ("zhou", True, T0)
    _, (visit,), _ = run("visit", "plan", "zhou", "--ticket", ticket, "--change")
    refused, _, said = run("visit", "step", visit["id"], "dispatched", later=MINUTE)
    assert refused == 1
    assert "客户书面同意" in said
    assert run("consent", "check", "onsite_change", "--ticket", ticket)[0] == 3
    _, needs, _ = run("consent", "needs", "onsite_change", "--ticket", ticket)
    assert needs[0]["needs"] == ["plan_drafted", "plan_tested", "customer_written", "provider_written"]
    _, (asked,), _ = run("consent", "ask", "onsite_change", "cd/ups-1", "--ticket", ticket, later=MINUTE)
    plan = tmp_path / "plan.txt"
    plan.write_text("the plan, tested on the bench")
    signed = [
        ("plan_drafted", "zhou"),
        ("plan_tested", "zhou"),
        ("customer_written", "li"),
        ("provider_written", "wang"),
    ]
    for n, (part, signer) in enumerate(signed, start=2):
        status, _, said = run("consent", "sign", asked["id"], part, signer, "--file", str(plan), later=n * MINUTE)
        assert status == 0, said
    status, (answer,), _ = run("consent", "check", "onsite_change", "--ticket", ticket, later=6 * MINUTE)
    assert (status, answer["permitted"], answer["device"]) == (0, True, "cd/ups-1")
    _, (held,), _ = run("visit", "step", visit["id"], "dispatched", later=7 * MINUTE)
    assert held["dispatched_at"] == T0 + 7 * MINUTE
    run("visit", "step", visit["id"], "arrived", "--at", "2026-11-23T10:20", later=DAY)
    _, (held,), _ = run("visit", "step", visit["id"], "done", "--solved", "--at", "2026-11-23T12:00", later=DAY)
    assert (held["state"], held["late"]) == ("done", ["arrived", "done"])
    _, (standing,), line = run("consent", "list", "--ticket", ticket, later=DAY)
    assert standing["state"] == "given"
    _, _, line = run("consent", "list", lines=True, later=DAY)
    assert "已授权" in line
    status, _, said = run("form", "fill", "problem_record", "--ticket", ticket, "--value", "problem=x", later=DAY)
    assert status == 1
    assert "L127-128" in said
    run("consent", "withdraw", asked["id"], "li", later=2 * DAY)
    assert run("consent", "check", "onsite_change", "--ticket", ticket, later=2 * DAY)[0] == 3


def test_a_refusal_changes_nothing_and_unknown_names_are_told(run: Run) -> None:
    ticket = opened(run)
    assert run("part", "lend", ticket, "UPS", "SN-9")[0] == 1
    assert run("part", "list", "--all")[1] == []
    for wrong in (
        ("visit", "plan", "nobody", "--ticket", ticket),
        ("visit", "plan", "zhou"),
        ("visit", "step", "V-000099", "done"),
        ("consent", "sign", "C-000099", "plan_drafted", "li"),
        ("consent", "ask", "equipment", "cd/ups-9", "--ticket", ticket),
        ("part", "step", "P-000099", "fitted"),
        ("form", "missing", "T-000099"),
        ("form", "fill", "no_such_form", "--ticket", ticket),
        ("duty", "done", "no:thing"),
        ("complaint", "step", "B-000099", "settled", "x"),
        ("training", "assess", "L-000099", "li", "passed"),
        ("survey", "record", "great", "--ticket", ticket),
        ("visit", "plan", "zhou", "--ticket", ticket, "--at", "tomorrow"),
        ("consent", "sign", "C-1", "plan_drafted", "li", "--file", "nowhere.pdf"),
    ):
        status, shown, said = run(*wrong)
        assert (status, shown) == (1, []), wrong
        assert said.strip(), wrong


def test_parts_surveys_complaints_and_trainings_are_told_and_listed(run: Run) -> None:
    ticket = opened(run)
    run("part", "count", "cd", "fan", "2")
    _, (part,), _ = run("part", "need", ticket, "fan", "--expected", "2026-11-24T10:00", later=HOUR)
    assert (part["state"], part["expected_at"]) == ("needed", T0 + DAY)
    assert run("part", "stock")[1] == [{"site": "cd", "item": "fan", "count": 2}]
    run("survey", "record", "不满意", "too slow", "--ticket", ticket, "--by", "li", later=HOUR)
    _, (complaint,), _ = run("complaint", "list", later=DAY)
    run("complaint", "step", complaint["id"], "settled", "called", later=DAY)
    assert run("complaint", "list", later=DAY)[1] == []
    _, (counted,), _ = run("survey", "summary", later=DAY)
    assert counted == {"answers": 1, "by_grade": {"dissatisfied": 1}, "share": 0.0}
    _, (training,), _ = run("training", "hold", "UPS", "zhou", "li", "wu", "--place", "cd", later=HOUR)
    run("training", "assess", training["id"], "li", "passed", "--score", "88", later=DAY)
    _, (held,), _ = run("training", "list", later=DAY)
    assert held["open"] == [["wu", "training"]]


def write(tmp_path: Path, readings: list[Reading]) -> None:
    config, _ = read_file(tmp_path / "collector.toml")
    history = open_history(config.history, config.data)
    history.write([Batch(spool="s", row=1, site="sz", boot="b", at=T0, readings=readings, gaps=[], events=[])])
    history.close()


def reading(point: str, at: int, value: float) -> Reading:
    return Reading(device="sz/ups-1", point=point, index=None, at=at, value=value)


def test_planned_work_is_listed_inspected_from_telemetry_and_reset_by_an_outage(run: Run, tmp_path: Path) -> None:
    outage = T0 - 5 * DAY
    curve = [(0, 100.0), (10, 80.0), (20, 69.0), (30, 71.0)]
    write(
        tmp_path,
        [
            reading("output.voltage", T0 - MINUTE, 229.5),
            *(reading("battery.charge", outage + m * MINUTE, v) for m, v in curve),
            *(reading("ups.source", outage + m * MINUTE, v) for m, v in ((-1, 3), (1, 5), (25, 3))),
        ],
    )
    _, duties, _ = run("duty", "list", "--customer", "harbour")
    states = {d["duty"]: (d["state"], d["source"]) for d in duties}
    assert states["battery_discharge:sz/ups-1"] == ("overdue", "L64")
    _, (counted,), _ = run("duty", "discharges")
    assert counted["data"]["depth"] == 0.31
    assert run("duty", "discharges")[1] == []  # it is counted already
    _, (inspection, *_), _ = run("duty", "list", "--state", "overdue", "--customer", "harbour")
    assert inspection["duty"] == "inspection:sz"
    _, items, _ = run("duty", "inspect", "inspection:sz")
    assert len(items) == 9
    assert items[0]["values"][0]["value"] == 229.5
    assert items[7]["found"] == "eyes"
    answers = [word for n in range(1, 10) for word in ("--answer", f"{n}=fine")]
    status, _, said = run("duty", "inspect", "inspection:sz", *answers[:-2])
    assert status == 1
    assert "9" in said
    assert run("duty", "inspect", "inspection:sz", *answers)[0] == 0
    _, duties, _ = run("duty", "list", "--customer", "harbour")
    states = {d["duty"]: d["state"] for d in duties}
    assert states == {"inspection:sz": "scheduled", "battery_discharge:sz/ups-1": "scheduled"}


def test_a_discharge_is_advised_only_with_consent_mains_runtime_and_a_light_load(run: Run, tmp_path: Path) -> None:
    key = "battery_discharge:sz/ups-1"
    status, (shut,), _ = run("duty", "discharge", key)
    assert (status, shut["permitted"], len(shut["against"])) == (3, False, 4)
    run("consent", "ask", "equipment", "sz/ups-1", "--expires", "2026-11-24T10:00")
    run("consent", "sign", "C-000001", "customer_authorization", "lin", later=MINUTE)
    now = T0 + 2 * MINUTE
    write(
        tmp_path,
        [reading("ups.source", now, 3), reading("battery.runtime", now, 1800), reading("ups.load", now, 40)],
    )
    assert run("duty", "discharge", key, later=3 * MINUTE)[0] == 0
    status, (stale,), _ = run("duty", "discharge", key, later=HOUR)
    assert (status, len(stale["against"])) == (3, 3)
    assert run("duty", "discharge", "inspection:sz")[0] == 1


def test_what_is_overdue_calls_once(run: Run) -> None:
    _, tickets, _ = run("duty", "call")
    assert {t["kind"] for t in tickets} == {"planned"}
    assert any("电池人工放电" in t["title"]["zh"] for t in tickets)
    assert run("duty", "call")[1] == []
    assert run("duty", "call", later=DAY)[1] != tickets
    _, shown, line = run("duty", "list", lines=True)
    assert "逾期" in line
    assert shown == []

"""From the wire to the ticket: the demo's story, whole, as `make demo` plays it."""

from __future__ import annotations

from pathlib import Path

import pytest

from roundsman.demo.story import EXPECTED_CAUSES, EXPECTED_TICKETS
from tests.desk.paper import pages
from tests.journeys.demo_run import DemoRun, logs
from tests.journeys.paperwork import Terminal, settle, unequal_sums, visit

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]


def test_every_expectation_of_the_story_holds(played: DemoRun, data: Path) -> None:
    assert played.unheld() == [], logs(data)
    assert played.as_told, played.errors


def test_the_incidents_and_tickets_are_those_of_the_story_and_no_others(played: DemoRun) -> None:
    assert {(i["cause"], i["root"]) for i in played.summary["incidents"] if not i["merged"]} == EXPECTED_CAUSES
    assert {(t["cause"], t["root"]) for t in played.summary["tickets"]} == EXPECTED_TICKETS
    assert len(played.summary["tickets"]) == len(EXPECTED_TICKETS)


def test_nothing_the_spools_acknowledged_is_lost_or_doubled(played: DemoRun) -> None:
    assert played.summary["spooled"] == played.summary["readings"] > 5_000
    assert (played.summary["lost"], played.summary["doubled"]) == (0, 0)


def test_silence_was_seen_as_gaps_and_never_as_numbers(played: DemoRun) -> None:
    assert played.summary["gaps"] > 0
    assert "no_answer" in played.summary["gap_causes"]


def test_each_ticket_was_announced_with_its_clocks_and_the_next_name_to_call(played: DemoRun) -> None:
    opened = [e for e in played.events if e["event"] == "ticket" and e["what"] == "opened"]
    assert len(opened) == len(EXPECTED_TICKETS)
    for ticket in opened:
        names = {clock["clock"] for clock in ticket["clocks"]}
        assert "first_response" in names
        assert ticket["next_call"]["en"]
        assert ticket["next_call"]["zh"]


def test_the_run_prints_one_json_object_a_line_and_the_summary_last(played: DemoRun) -> None:
    assert [e["event"] for e in played.events].count("summary") == 1
    kinds = {e["event"] for e in played.events}
    assert {"starting", "reading", "ready", "incident", "ticket", "stopping", "summary"} <= kinds
    ready = next(e for e in played.events if e["event"] == "ready")
    assert ready["seconds"] <= 20
    assert ready["login"].startswith(ready["url"] + "/login?code=")


def test_the_mains_failure_ends_in_papers_in_both_languages(played: DemoRun, data: Path, tmp_path: Path) -> None:
    id = next(t["id"] for t in played.summary["tickets"] if t["cause"] == "mains")
    say = Terminal(data)
    say("ticket", "ack", id, "--who", "li.wei")
    visit(say, id, "dispatched", "arrived", "done")
    entry = settle(say, id, tmp_path)
    wanted = {
        "zh": ("福田", "市电", "由遥测证明", "进线开关跳闸", "输入电压"),
        "en": ("Futian", "provenbyreadings", "feedertripped"),
    }
    for lang, words in wanted.items():
        text = pages.text((tmp_path / f"{lang}.pdf").read_bytes(), tmp_path)
        assert [word for word in words if word not in text] == [], lang
    [shown] = say("ticket", "show", id, "--json")
    ledger = {e["kind"]: e for e in shown["ledger"]}
    assert {
        "opened",
        "acknowledged",
        "onsite",
        "restored",
        "diagnosed",
        "resolved",
        "reported",
        "surveyed",
        "closed",
    } <= ledger.keys()
    assert ledger["restored"]["data"]["proof"] == "telemetry"
    documents = {d["name"] for d in say("report", "documents", "--ticket", id, "--json")}
    assert documents >= {f"fault-{id}-zh.pdf", f"fault-{id}-en.pdf", f"evidence-opening-{id}.json"}
    assert entry in [hit["item"]["id"] for hit in say("report", "faq", "find", "进线开关", "--json")]
    [explained] = say("ticket", "explain", id, "--json")
    assert unequal_sums(explained) == []
    [restore] = [clock for clock in explained["clocks"] if clock["clock"] == "restore"]
    assert (restore["stopped_at"], restore["proof"]) == (ledger["restored"]["at"], "telemetry")

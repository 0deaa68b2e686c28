"""A mains failure under a contract that demands a signature, told while everything runs: simulators on their wires,
agents, collector, desk, and people at terminals. Response, consent, visit, restoration proven, papers, survey, FAQ, close.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.paper import pages
from tests.journeys.demo_run import Demo, logs
from tests.journeys.paperwork import Terminal, roster, settle, unequal_sums

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]
#: Its supervisor signs before anything is changed; answer in 30 min, plan in 2 h, report 24 h after resolution.
POLICY = "heilongjiang_guoyu"
UPS = "sz-futian/ups-1"
_NORMAL_V = 180


class Told:
    """What the acts left behind: read once, looked at by several tests."""

    def __init__(self, say: Terminal, id: str, papers: Path, entry: str) -> None:
        self.say, self.id, self.papers, self.entry = say, id, papers, entry
        [shown] = say("ticket", "show", id, "--json")
        self.ledger: list[dict[str, Any]] = shown["ledger"]
        [self.explained] = say("ticket", "explain", id, "--json")

    def one(self, kind: str, **data: object) -> dict[str, Any]:
        """The first entry of a kind, with these data."""
        return next(e for e in self.ledger if e["kind"] == kind and data.items() <= e["data"].items())

    def clock(self, name: str) -> dict[str, Any]:
        return next(c for c in self.explained["clocks"] if c["clock"] == name)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("desk")
    data, papers = folder / "demo", folder / "papers"
    papers.mkdir()
    demo = Demo(data, "--speed", "60", "--for", "240", "--policy", POLICY)
    try:
        say = Terminal(data)
        id = _wait(demo, data, lambda e: e["event"] == "ticket" and e["what"] == "opened" and e["cause"] == "mains")[
            "id"
        ]
        _respond(say, id, papers)
        _wait(demo, data, lambda e: e["event"] == "ticket" and e["id"] == id and e["what"] == "restored")
        entry = settle(say, id, papers)
        _wait(demo, data, lambda e: e["event"] == "ticket" and e["id"] == id and e["what"] == "closed")
        _evidence(say, id)
        yield Told(say, id, papers, entry)
    finally:
        demo.child.terminate()
        demo.child.wait()


def _wait(demo: Demo, data: Path, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        over = demo.child.poll() is not None
        for event in demo.events():
            if wanted(event):
                return event
        assert not over, logs(data)
        time.sleep(0.2)


def _evidence(say: Terminal, id: str) -> None:
    """The second document is kept some story minutes after the end."""
    while sum(d["name"].startswith("evidence-") for d in say("report", "documents", "--ticket", id, "--json")) < 2:
        time.sleep(0.5)


def _respond(say: Terminal, id: str, papers: Path) -> None:
    """Called back, a plan told, an engineer sent; nothing on the equipment before the signature."""
    roster(say, "--grade", "five_star")
    say("ticket", "ack", id, "--who", "li.wei")
    say("ticket", "act", id, "planned", "--text", "检查进线并合闸 check the feeder, close it", "--who", "li.wei")
    [held] = say("field", "visit", "plan", "li.wei", "--ticket", id, "--change", "--who", "ann", "--json")
    status, _, why = say.run("field", "visit", "step", held["id"], "dispatched", "--who", "li.wei")
    assert status, "somebody left for a change without the supervisor's signature"
    assert "签字" in why or "signature" in why
    assert say.run("field", "consent", "check", "implementation", "--ticket", id, "--device", UPS)[0] == 3
    [asked] = say("field", "consent", "ask", "implementation", UPS, "--ticket", id, "--who", "ann", "--json")
    paper = papers / "signed.txt"
    paper.write_text("同意实施。孙主任\n", encoding="utf-8")
    say("field", "consent", "sign", asked["id"], "supervisor_signature", "孙主任", "--file", str(paper), "--who", "ann")
    assert say.run("field", "consent", "check", "implementation", "--ticket", id, "--device", UPS)[0] == 0
    for step in ("dispatched", "arrived", "done"):
        say("field", "visit", "step", held["id"], step, "--who", "li.wei")


def test_everything_that_happened_stands_in_the_ledger(told: Told) -> None:
    kinds = {e["kind"] for e in told.ledger}
    assert kinds >= {"opened", "acknowledged", "planned", "consent", "visit", "dispatched", "onsite", "restored", "diagnosed", "resolved", "reported", "surveyed", "closed"}  # fmt: skip
    assert told.one("consent", state="given")["seq"] < told.one("dispatched")["seq"]
    visits = told.say("field", "visit", "list", "--ticket", told.id, "--all", "--json")
    assert [(v["state"], v["arrived_at"] >= v["dispatched_at"]) for v in visits] == [("done", True)]


def test_the_restoration_is_proven_and_dated_to_the_moment_from_which_the_mains_was_normal(told: Told) -> None:
    restored = told.one("restored")
    assert (restored["who"], restored["data"]["proof"]) == ("roundsman", "telemetry")
    document = told.one("document", evidence="restored")["data"]["document"]
    file = told.papers / "evidence.json"
    told.say("report", "document", document, "--out", str(file))
    volts = _series(file, "input.voltage")
    assert [v for at, v in volts if at > restored["at"] and v < _NORMAL_V] == []
    assert [v for at, v in volts if at < restored["at"] - 60_000 and v < _NORMAL_V]
    assert restored["at"] < restored["recorded_at"]  # it is written down once it is stable, and dated back


def test_each_promise_was_kept_and_explain_adds_up(told: Told) -> None:
    assert unequal_sums(told.explained) == []
    for name in ("first_response", "plan", "resolve", "incident_report"):
        clock = told.clock(name)
        assert clock["stopped_at"] is not None, name
        assert clock["stopped_at"] <= clock["due_at"], name
    report, resolved = told.clock("incident_report"), told.one("resolved")
    assert report["due_at"] == resolved["at"] + 24 * 3_600_000
    assert report["counted_s"] == (told.one("reported")["at"] - resolved["at"]) / 1000


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ("福田", "市电", "由遥测证明", "进线开关跳闸", "输入电压")),
        ("en", ("Futian", "provenbyreadings", "feedertripped")),
    ],
)
def test_the_report_reads_in_either_language(told: Told, lang: str, words: tuple[str, ...], tmp_path: Path) -> None:
    text = pages.text((told.papers / f"{lang}.pdf").read_bytes(), tmp_path)
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(("lang", "words"), [("zh", ("首次响应", "合计")), ("en", ("First response", "sum"))])
def test_explain_is_told_in_either_language(
    told: Told, lang: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUNDSMAN_LANG", lang)
    status, out, _ = told.say.run("ticket", "explain", told.id)
    assert status == 0
    assert [word for word in words if word not in out] == []


def test_what_was_learned_is_found_again(told: Told) -> None:
    for words in (("进线开关",), ("feeder", "tripped")):
        hits = told.say("report", "faq", "find", *words, "--json")
        assert told.entry in [hit["item"]["id"] for hit in hits]


def _series(file: Path, point: str) -> list[tuple[int, float]]:
    import json

    found = json.loads(file.read_text(encoding="utf-8"))["series"]
    return [pair for s in found if s["point"] == point for pair in zip(s["at"], s["value"], strict=True)]

"""`roundsman report …` on a centre's database: PDFs and HTML by name, own words, delivery, documents, the FAQ."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
import sqlalchemy as sa

from collector.history.opening import open_history
from collector.store import open_engine
from collector.store.fleet import put_events
from desk import store
from desk.types import EntryKind
from model.batch import Batch, Event, EventKind
from model.reading import Reading
from tests.desk.paper.stories import END, outage
from tests.desk.paper.test_prints import needs_font
from tests.desk.stage import HOUR, MINUTE, T0
from tests.roundsman.centre_files import answer, made

INVENTORY = """
[[customer]]
id = "harbour"
name = { en = "Harbour", zh = "港湾物流" }
[[customer]]
id = "lakeside"
name = { en = "Lakeside", zh = "湖畔" }
[[contract]]
customer = "harbour"
policy = "powerstar"
since = "2020-01-01"
[[site]]
id = "sz"
customer = "harbour"
name = { en = "Shenzhen", zh = "深圳" }
[[device]]
id = "sz/ups-1"
name = { en = "UPS 1", zh = "一号机" }
kind = "ups"
model = "UPS2000"
serial = "SN-1"
rated_va = 10000
"""
Run = Callable[..., tuple[int, str]]


def _mended(conn: sa.Connection) -> None:
    outage(conn)
    trap = Event(kind=EventKind.TRAP, device="sz/ups-1", at=T0 + 5, data={"trap": "upsTrapOnBattery"})
    put_events(conn, "sz", [trap], T0 + 9)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A centre with one mended outage and its readings, made once: each test works on a copy."""
    folder = tmp_path_factory.mktemp("centre")
    made(folder, INVENTORY, ["powerstar"], _mended)
    history = open_history("embedded", folder / "var")
    readings = [
        Reading(device="sz/ups-1", point="battery.voltage", index=None, at=at, value=161.0 if T0 <= at < END else 218.4)
        for at in range(T0 - HOUR, END + HOUR, MINUTE)
    ]
    batch = Batch(spool="s", row=1, site="sz", boot="b", at=END, readings=readings, gaps=[], events=[])
    history.write([batch])
    history.close()
    return folder


@pytest.fixture
def run(centre: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, two hours after the end, in a folder of its own."""
    monkeypatch.setenv("ROUNDSMAN_LANG", "en")
    monkeypatch.setattr("roundsman.centre.real_ms", lambda: END + 2 * HOUR)
    copytree(centre, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        status, _, said = answer(["report", *words], capsys)
        return status, said

    return call


def test_every_report_is_made_in_both_languages(run: Run) -> None:
    wanted = [
        ("fault", "T-000001"),
        ("explain", "T-000001"),
        ("handover", "T-000001"),
        ("form", "T-000001"),
        ("weekly", "--policy", "powerstar", "--until", "2026-11-26"),
        ("monthly", "harbour", "2026-11"),
        ("bulletin", "harbour"),
        ("equipment", "sz/ups-1"),
        ("handbook", "sz"),
        ("inspection", "sz/ups-1"),
    ]
    for command in wanted:
        for lang, word in (("zh", "深圳"), ("en", "Shenzhen")):
            status, said = run(*command, "--lang", lang, "--html", "--out", "page.html")
            assert status == 0, (command, said)
            page = Path("page.html").read_text("utf-8")
            assert word in page or command[0] == "weekly", command
            assert f'<html lang="{lang}">' in page
    run("equipment", "sz/ups-1", "--html", "--out", "page.html")
    assert "upsTrapOnBattery" in Path("page.html").read_text("utf-8")
    run("fault", "T-000001", "--html", "--out", "page.html")
    assert "Battery voltage" in Path("page.html").read_text("utf-8"), "the chart of the readings"


@needs_font
def test_a_pdf_has_a_name_of_its_own_and_the_same_bytes_each_time(run: Run) -> None:
    assert run("fault", "T-000001", "--lang", "zh")[0] == 0
    first = Path("fault-T-000001-zh.pdf").read_bytes()
    assert first.startswith(b"%PDF-")
    run("fault", "T-000001", "--lang", "zh", "--out", "again.pdf")
    assert Path("again.pdf").read_bytes() == first


def test_a_person_takes_the_draft_rewords_it_and_prints_it(run: Run) -> None:
    assert run("fault", "T-000001", "--draft", "mine.toml")[0] == 0
    draft = Path("mine.toml").read_text("utf-8")
    assert "[loss]" in draft
    own = draft.replace("第 7 节电池开路", "第 7 节电池端子腐蚀")
    Path("mine.toml").write_text(own, "utf-8")
    assert run("fault", "T-000001", "--edits", "mine.toml", "--html", "--lang", "zh", "--out", "p.html")[0] == 0
    assert "端子腐蚀" in Path("p.html").read_text("utf-8")
    Path("mine.toml").write_text('[timeline]\nen = "nothing happened"\n')
    status, said = run("fault", "T-000001", "--edits", "mine.toml", "--html")
    assert status == 1
    assert "expected paragraphs among summary" in said
    Path("mine.toml").write_text("[loss]\nen = 5\n")
    assert run("fault", "T-000001", "--edits", "mine.toml", "--html")[0] == 1


@needs_font
def test_a_delivered_report_is_a_document_and_an_entry(run: Run, tmp_path: Path) -> None:
    status, said = run("fault", "T-000001", "--deliver", "--who", "li.wei")
    assert (status, "delivered" in said) == (0, True), said
    _, listed = run("documents", "--customer", "harbour", "--json")
    [one] = [json.loads(line) for line in listed.splitlines()]
    assert (one["who"], one["links"]["ticket"], one["media_type"]) == ("li.wei", "T-000001", "application/pdf")
    assert run("documents", "--customer", "lakeside", "--json")[1] == ""
    engine = open_engine(tmp_path / "var" / "centre.sqlite")
    with engine.connect() as conn:
        [entry] = [e for e in store.ledger(conn, "T-000001") if e.kind is EntryKind.REPORTED]
    engine.dispose()
    assert entry.data["document"] == one["hash"]
    assert run("document", one["hash"][:12], "--out", "copy.pdf")[0] == 0
    assert Path("copy.pdf").read_bytes().startswith(b"%PDF-")
    status, said = run("document", one["hash"], "--customer", "lakeside")
    assert (status, "no document" in said) == (1, True)


def test_files_are_kept_and_damage_is_found(run: Run, tmp_path: Path) -> None:
    Path("drawing.txt").write_text("一次系统图", "utf-8")
    assert run("keep", "drawing.txt", "--device", "sz/ups-1")[0] == 0
    assert run("verify")[0] == 0
    [file] = [p for p in (tmp_path / "var" / "documents").rglob("*") if p.is_file()]
    file.write_text("changed")
    status, said = run("verify")
    assert (status, "damaged" in said) == (1, True)
    assert run("keep", "drawing.txt")[0] == 1
    Path("fake.pdf").write_text("no pdf")
    status, said = run("keep", "fake.pdf", "--customer", "harbour")
    assert (status, "expected application/pdf" in said) == (1, True)


def test_what_was_learned_is_proposed_accepted_and_found(run: Run) -> None:
    _, proposed = run("faq", "propose", "--json")
    id = json.loads(proposed)["id"]
    assert "nothing fits" in run("faq", "find", "开路")[1]
    assert run("faq", "accept", id, "--who", "wang")[0] == 0
    assert id in run("faq", "find", "电池开路")[1]
    assert "nothing fits" in run("similar", "T-000001")[1]  # a ticket is no past case of itself
    assert run("faq", "accept", "F-none")[0] == 1
    assert "nothing came back" in run("recurring")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fault", "T-9", "--html"), "no ticket T-9"),
        (("monthly", "nobody", "--html"), "harbour, lakeside"),
        (("monthly", "harbour", "November", "--html"), "2026-11"),
        (("equipment", "sz/none", "--html"), "no device sz/none"),
        (("handbook", "none", "--html"), "expected a site among sz"),
        (("inspection", "sz/none", "--html"), "listed device or site"),
        (("inspection", "sz/ups-1", "--recorded", "--html"), "no inspection of sz/ups-1"),
        (("weekly", "--policy", "none", "--html"), "no policy none"),
        (("form", "T-000001", "none", "--html"), "has the forms"),
        (("monthly", "harbour", "9999-12", "--html"), "2026-11"),
        (("monthly", "harbour", "0001-01", "--html"), "expected a time"),
        (("weekly", "--customer", "harbour", "--until", "garbage", "--html"), "expected a time"),
        (("fault", "T-000001", "--at", "yesterday", "--html"), "expected a time"),
        (("fault", "T-000001", "--at", "0001-01-01", "--html"), "expected a time"),
        (("fault", "T-000001", "--html", "--out", "no/such/folder.html"), "not written"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(run: Run, words: tuple[str, ...], said: str) -> None:
    status, told = run(*words)
    assert status == 1
    assert said in told
    assert not list(Path.cwd().glob("*.html"))

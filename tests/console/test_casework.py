"""A ticket's whole life through its page: opened by a call, planned, visited, consented to, mended, reported, closed."""

from __future__ import annotations

import re

import httpx
import pytest

from collector.store import writing
from desk import roster
from desk import store as desk
from desk.types import Entry, EntryKind, TicketKind
from model.text import Text
from tests.console.stage import Stage

PDF = b"%PDF-1.7\n% a signed plan\n"


def token(client: httpx.Client, path: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def post(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    return client.post(path, data={"csrf": token(client, "/account"), **form})


def opened(client: httpx.Client, title: str, place: str = "sz-futian/ups-1") -> str:
    """A ticket by a call; its path."""
    answer = post(client, "/tickets/new", kind="defect", place=place, text=title, **{"data.serial": "2102311"})
    assert answer.status_code == 200, answer.text
    return answer.url.path


def ledger(stage: Stage, path: str) -> list[Entry]:
    with stage.centre.engine.connect() as conn:
        return desk.ledger(conn, path.rpartition("/")[2])


def kinds(stage: Stage, path: str) -> list[EntryKind]:
    return [entry.kind for entry in ledger(stage, path)]


def test_a_call_becomes_one_ticket_with_its_own_page(manager: httpx.Client, stage: Stage) -> None:
    form = manager.get("/tickets/new", params={"site": "sz-futian"}).text
    assert 'value="sz-futian/ups-1"' in form
    path = opened(manager, "it hums\nsince the morning")
    text = manager.get(path).text
    assert "it hums" in text
    assert "Propose a solution" in text
    held = ledger(stage, path)[0]
    assert held.data["kind"] == TicketKind.DEFECT.value
    assert held.data["words"] == "since the morning"


def test_acts_stand_in_the_ledger_with_the_time_when_they_happened(manager: httpx.Client, stage: Stage) -> None:
    path = opened(manager, "the fan rattles")
    acts = f"{path}/acts"
    post(manager, acts, kind="planned", text="swap the fan")
    post(manager, acts, kind="remote_failed")
    post(manager, acts, kind="diagnosed", text="bearing worn", **{"data.failure_mode": "fan"})
    post(manager, acts, kind="part_needed", **{"data.item": "fan 120 mm"})
    part = next(e.data["part"] for e in ledger(stage, path) if e.kind is EntryKind.PART_NEEDED)
    assert f'value="{part}"' in manager.get(path).text, "the part is offered to be fitted"
    post(manager, acts, kind="part_fitted", **{"data.part": str(part), "data.serial": "F-9"})
    post(manager, acts, kind="resolved", text="runs quietly")
    post(manager, acts, kind="facts", **{"data.hardware": "yes"})
    wanted = {EntryKind.PLANNED, EntryKind.REMOTE_FAILED, EntryKind.DIAGNOSED, EntryKind.PART_NEEDED}
    assert wanted | {EntryKind.PART_FITTED, EntryKind.RESOLVED, EntryKind.FACTS} <= set(kinds(stage, path))
    assert post(manager, acts, kind="note", text="x", at="2099-01-01T00:00").status_code == 409
    assert post(manager, acts, kind="note", text="x", at="tomorrow").status_code == 409
    level = next(o for o in re.findall(r'<option value="(\w+)"', manager.get(path).text) if o in ("serious", "general"))
    assert post(manager, acts, kind="level", **{"data.level": level}).status_code == 200
    assert post(manager, acts, kind="closed", text="done").status_code == 200
    assert "Propose a solution" not in manager.get(path).text


def test_who_looked_before_somebody_acted_is_asked_to_look_again(manager: httpx.Client, stage: Stage) -> None:
    path = opened(manager, "two of us")
    seen = str(ledger(stage, path)[-1].seq)
    with httpx.Client(base_url=stage.url, headers={"Origin": stage.url}, follow_redirects=True, verify=False) as other:
        other.get("/login", params={"code": stage.code("zhou", "technician")})
        assert post(other, f"{path}/acts", kind="acknowledged", seen=seen).status_code == 200
    answer = post(manager, f"{path}/acts", kind="resolved", text="mine", seen=seen)
    assert answer.status_code == 409
    assert "zhou" in answer.text


def test_a_document_is_kept_and_given_back_to_its_own_customer_only(
    manager: httpx.Client, harbour: httpx.Client, stage: Stage
) -> None:
    path = opened(manager, "with a plan")
    csrf = {"csrf": token(manager, "/account")}
    answer = manager.post(f"{path}/documents", data=csrf, files={"file": ("方案.pdf", PDF, "application/pdf")})
    assert answer.status_code == 200
    found = re.search(r"/documents/[0-9a-f]{64}", answer.text)
    assert found
    got = manager.get(found[0])
    assert got.content == PDF
    assert got.headers["content-disposition"].startswith("attachment")
    assert harbour.get(found[0]).status_code == 200
    with httpx.Client(base_url=stage.url, headers={"Origin": stage.url}, follow_redirects=True, verify=False) as other:
        other.get("/login", params={"code": stage.code("li", "customer", "lakeside")})
        assert other.get(found[0]).status_code == 404
        assert other.get(f"{path}/papers/explain.pdf").status_code == 404
    wrong = manager.post(f"{path}/documents", data=csrf, files={"file": ("x.pdf", b"MZ\0", "application/pdf")})
    assert wrong.status_code == 409
    assert harbour.post(f"{path}/documents", data={"csrf": token(harbour, "/account")}, files={"file": ("x.txt", b"x", "text/plain")}).status_code == 403  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_clocks_are_explained_on_screen_and_on_paper(manager: httpx.Client, stage: Stage, language: str) -> None:
    manager.cookies.set("roundsman_language", language)
    path = opened(manager, f"explain me in {language}")
    assert manager.get(f"{path}/explain").status_code == 200
    got = manager.get(f"{path}/papers/explain.pdf")
    assert got.status_code == 200
    assert got.content.startswith(b"%PDF-")
    assert f"-{language}.pdf" in got.headers["content-disposition"]


def test_the_fault_report_is_delivered_and_stands_in_the_ledger(manager: httpx.Client, stage: Stage) -> None:
    path = opened(manager, "report me")
    assert post(manager, f"{path}/papers").status_code == 200
    assert EntryKind.REPORTED in kinds(stage, path)


def test_a_visit_is_planned_and_its_steps_stop_clocks(manager: httpx.Client, stage: Stage) -> None:
    path = opened(manager, "come here")
    with writing(stage.centre.engine) as conn:
        roster.put(conn, "zhou", Text("Zhou", "周"), "lin", stage.centre.now(), base="sz", hours="7x24")
    planned = post(manager, f"{path}/visits", do="plan", engineer="zhou", anyway="the only one")
    assert planned.status_code == 200, planned.text
    visit = re.search(r"V-\d{6}", planned.text)
    assert visit
    for step in ("dispatched", "arrived", "done"):
        assert post(manager, f"{path}/visits", do=step, visit=visit[0]).status_code == 200
    assert {EntryKind.DISPATCHED, EntryKind.ONSITE, EntryKind.VISIT} <= set(kinds(stage, path))
    assert post(manager, f"{path}/visits", do="dance", visit=visit[0]).status_code == 400


def test_a_customer_opens_asks_and_judges_but_does_no_work(harbour: httpx.Client, stage: Stage) -> None:
    path = opened(harbour, "we smell smoke")
    text = harbour.get(path).text
    assert "Not satisfied" in text
    assert "Propose a solution" not in text
    assert post(harbour, f"{path}/acts", kind="dissatisfied", text="too slow").status_code == 200
    assert post(harbour, f"{path}/acts", kind="resolved", text="x").status_code == 403
    for what in ("visits", "consents", "papers"):
        assert post(harbour, f"{path}/{what}", do="plan").status_code == 403
    refused = post(harbour, "/tickets/new", kind="defect", place="hz-xihu", text="x", **{"data.serial": "1"})
    assert refused.status_code == 404
    assert harbour.get(f"{path}/papers/fault.pdf").status_code == 404

"""The pages around tickets: planned work, roster, complaints, what was learned, contracts, outbox, documents."""

from __future__ import annotations

import httpx
import pytest

from collector.store import writing
from desk import faq
from desk.policies import POLICIES
from model.text import Text
from tests.console.stage import Stage
from tests.console.test_casework import opened, post

FOR_ALL = ("/planned", "/planned?all=1", "/documents", "/complaints", "/complaints?all=1", "/tickets/new", "/tickets/new?site=sz-futian", "/policies/powerstar")  # fmt: skip
FOR_STAFF = ("/engineers", "/faq", "/faq?q=battery", "/outbox", "/policies")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_opens_in_both_languages(manager: httpx.Client, language: str) -> None:
    manager.cookies.set("roundsman_language", language)
    for path in (*FOR_ALL, *FOR_STAFF, *(f"/policies/{id}" for id in POLICIES)):
        assert manager.get(path).status_code == 200, path


def test_a_customer_opens_only_its_own(harbour: httpx.Client) -> None:
    for path in FOR_ALL:
        text = harbour.get(path)
        assert text.status_code == 200, path
        assert not [word for word in ("Lakeside", "West Lake", "hz-xihu") if word in text.text], path
    assert [harbour.get(path).status_code for path in FOR_STAFF[:4]] == [403] * 4
    assert harbour.get("/policies/cee").status_code == 404
    for path in ("/engineers", "/outbox", "/faq", "/planned/done"):
        assert post(harbour, path, id="x", key="x").status_code == 403, path


def test_the_policy_page_shows_times_and_what_the_linter_found(manager: httpx.Client) -> None:
    text = manager.get("/policies/cee").text
    assert "Contradictions and gaps" in text
    assert "cee.toml:" in text


def test_a_complaint_is_taken_in_and_answered(manager: httpx.Client, harbour: httpx.Client) -> None:
    assert post(harbour, "/complaints", kind="complaint", text="nobody called back").status_code == 200
    text = manager.get("/complaints").text
    assert "nobody called back" in text
    id = "B-" + text.partition("<b>B-")[2].partition("<")[0]
    assert post(harbour, f"/complaints/{id}", do="settled", text="x").status_code == 403
    assert post(manager, f"/complaints/{id}", do="answered", text="we did now").status_code == 200
    assert "we did now" in harbour.get("/complaints").text
    assert post(manager, f"/complaints/{id}", do="reported", text="x").status_code == 409, "to which department?"


def test_the_roster_takes_an_engineer(manager: httpx.Client) -> None:
    page = post(
        manager, "/engineers", id="wu", name_en="Wu", name_zh="吴", base="sz", hours="7x24", skills="ups, network"
    )
    assert "ups, network" in page.text


def test_an_entry_is_accepted_and_found_again(manager: httpx.Client, stage: Stage) -> None:
    path = opened(manager, "block open")
    item = faq.Item(
        id="F-test", state=faq.PROPOSED, failure_mode="open_block", model="X", ticket=path.rpartition("/")[2],
        question=Text("why dark", "为何断电"), cause=Text("an open block", "电池开路"), steps=(Text("swap it", "更换"),), at=1,
    )  # fmt: skip
    with writing(stage.centre.engine) as conn:
        faq.put(conn, item)
    assert "why dark" in manager.get("/faq").text
    assert post(manager, "/faq", id="F-test", do="accepted").status_code == 200
    assert "an open block" in manager.get("/faq", params={"q": "dark"}).text
    assert post(manager, "/faq", id="F-none", do="accepted").status_code == 409


def test_what_is_not_refused_cannot_be_sent_again(manager: httpx.Client) -> None:
    assert post(manager, "/outbox", key="nothing").status_code == 404


def test_equipment_file_and_month_are_printed_for_those_who_may_see_them(
    manager: httpx.Client, harbour: httpx.Client
) -> None:
    for client, path, status in (
        (manager, "/papers/handbook/sz-futian.pdf", 200),
        (harbour, "/papers/equipment/sz-futian/ups-1.pdf", 200),
        (harbour, "/papers/monthly/harbour.pdf", 200),
        (harbour, "/papers/monthly/lakeside.pdf", 404),
        (harbour, "/papers/equipment/hz-xihu/ups-1.pdf", 404),
        (harbour, "/papers/handbook/sz-futian.pdf", 404),
        (manager, "/papers/monthly/nobody.pdf", 409),
        (manager, "/papers/monthly/harbour.pdf?month=soon", 409),
    ):
        answer = client.get(path)
        assert answer.status_code == status, path
        assert answer.content.startswith(b"%PDF-") == (status == 200)

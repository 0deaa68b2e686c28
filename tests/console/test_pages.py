"""The pages over HTTP: who sees what, what is refused, and that what people write is only ever text."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from desk import store as desk
from desk.types import EntryKind, Ticket
from tests.console.conftest import browser_like
from tests.console.stage import DAY, Stage

PAGES = (
    "/",
    "/incidents",
    "/incidents?all=1",
    "/tickets",
    "/tickets?all=1",
    "/devices",
    "/devices?site=sz-futian",
    "/devices/sz-futian/ups-1",
)
LAKESIDE = ("hz-xihu", "nb-haishu", "kul-cheras", "Lakeside", "West Lake", "Haishu", "Cheras")


def tickets(stage: Stage) -> dict[str, Ticket]:
    with stage.centre.engine.connect() as conn:
        return {str(ticket.key): ticket for ticket in desk.tickets(conn)}


def mains(stage: Stage) -> Ticket:
    return tickets(stage)["harbour:mains:sz-futian"]


def token(client: httpx.Client, path: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", [*PAGES, "/v1/events", "/v1/series?device=sz-futian/ups-1&point=battery.charge"])
def test_nobody_reads_without_logging_in(stranger: httpx.Client, path: str) -> None:
    answer = stranger.get(path, follow_redirects=False)
    assert answer.status_code in (303, 401)
    assert "Futian" not in answer.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_there_in_both_languages(manager: httpx.Client, path: str, language: str) -> None:
    manager.cookies.set("roundsman_language", language)
    answer = manager.get(path)
    assert answer.status_code == 200
    assert (">总览<" in answer.text) == (language == "zh")
    assert (">Overview<" in answer.text) == (language == "en")


def test_the_browsers_language_is_taken_until_one_is_chosen(stranger: httpx.Client) -> None:
    assert "登录" in stranger.get("/login", headers={"Accept-Language": "zh-CN,en;q=0.5"}).text
    assert "Log in" in stranger.get("/login", headers={"Accept-Language": "de,en;q=0.5"}).text
    assert "登录" in stranger.get("/language?to=zh&next=/login", headers={"Accept-Language": "en"}).text
    assert stranger.get("/language?to=xx&next=//elsewhere.example", follow_redirects=False).headers["location"] == "/"


def test_the_overview_says_which_promise_is_in_danger(manager: httpx.Client) -> None:
    text = manager.get("/").text
    assert "Mains failure: Futian Terminal" in text
    assert "First response" in text
    assert "Next to call:" in text
    assert "data-since=" in text
    assert "data-due=" in text


def test_a_ticket_shows_clocks_ledger_evidence_and_acts(manager: httpx.Client, stage: Stage) -> None:
    text = manager.get(f"/tickets/{mains(stage).id}").text
    for part in (
        "Engineer on site",
        "data-chart=",
        "Ledger",
        "Opened",
        "Serious fault",
        "Acknowledge",
        "Powerstar UPS",
        "Service centre",
    ):
        assert part in text, part


def test_an_incident_says_why_its_members_belong_together(manager: httpx.Client, stage: Stage) -> None:
    text = manager.get(f"/incidents/{mains(stage).incident}").text
    assert "Why these belong together" in text
    assert "Rack switch 2 is silent because the mains feeds it" in text
    assert mains(stage).id in text


def test_a_device_shows_values_with_age_gaps_alarms_and_name_plate(manager: httpx.Client) -> None:
    text = manager.get("/devices/sz-futian/ups-1").text
    for part in ("Battery charge", "data-age=", "ALARM", "UPS2000-G-10KRTS", "Battery empties too fast"):
        assert part in text, part
    switch = manager.get("/devices/hz-xihu/sw-1").text
    assert "GE0/0/3" in switch
    assert ">down<" in switch


def test_what_is_not_there_is_a_page_that_says_so(manager: httpx.Client) -> None:
    for path in ("/tickets/T-999999", "/incidents/none", "/devices/no/where"):
        answer = manager.get(path)
        assert answer.status_code == 404
        assert "Not found" in answer.text


def test_a_customer_sees_only_its_own(harbour: httpx.Client, stage: Stage) -> None:
    for path in PAGES:
        answer = harbour.get(path)
        assert answer.status_code == 200
        assert not [word for word in LAKESIDE if word in answer.text], path
    assert "Futian Terminal" in harbour.get("/").text
    theirs = next(ticket for ticket in tickets(stage).values() if ticket.customer == "lakeside" and ticket.incident)
    hidden = (f"/tickets/{theirs.id}", f"/incidents/{theirs.incident}", "/devices/hz-xihu/sw-1")
    assert [harbour.get(path).status_code for path in hidden] == [404, 404, 404]
    series = {"device": "hz-xihu/sw-1", "point": "ifOperStatus", "index": "3"}
    assert harbour.get("/v1/series", params=series).status_code == 404
    assert harbour.get("/v1/series", params={"device": "sz-futian/ups-1", "point": "battery.charge"}).status_code == 200


def test_a_customer_may_note_and_nothing_else(harbour: httpx.Client, stage: Stage) -> None:
    path = f"/tickets/{mains(stage).id}"
    text = harbour.get(path).text
    assert "Add note" in text
    assert "Acknowledge<" not in text
    form = {"csrf": token(harbour, path), "kind": "closed", "text": "we like it dark"}
    assert harbour.post(f"{path}/acts", data=form).status_code == 403
    theirs = next(ticket for ticket in tickets(stage).values() if ticket.customer == "lakeside")
    form |= {"kind": "note"}
    assert harbour.post(f"/tickets/{theirs.id}/acts", data=form).status_code == 404


def test_a_note_is_text_whatever_it_says(manager: httpx.Client, stage: Stage) -> None:
    path = f"/tickets/{mains(stage).id}"
    attack = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
    answer = manager.post(f"{path}/acts", data={"csrf": token(manager, path), "kind": "note", "text": attack})
    assert answer.status_code == 200
    assert attack not in answer.text
    assert "&lt;script&gt;document.title" in answer.text
    with stage.centre.engine.connect() as conn:
        newest = desk.ledger(conn, mains(stage).id)[-1]
    assert (newest.kind, newest.who, newest.text.en) == (EntryKind.NOTE, "lin", attack)


def test_an_act_stands_in_the_ledger_and_stops_its_clock(manager: httpx.Client, stage: Stage) -> None:
    ticket = tickets(stage)["lakeside:port:hz-xihu/sw-1#3"]
    path = f"/tickets/{ticket.id}"
    answer = manager.post(f"{path}/acts", data={"csrf": token(manager, path), "kind": "acknowledged", "text": ""})
    assert answer.status_code == 200
    with stage.centre.engine.connect() as conn:
        assert desk.ticket(conn, ticket.id).state == "acknowledged"
        first = next(c for c in desk.clocks(conn, ticket.id, stage.centre.now()) if c.name == "first_response")
    assert first.stopped_at is not None
    assert "to spare" in answer.text


@pytest.mark.parametrize(
    ("form", "status"),
    [({"kind": "closed", "text": " "}, 400), ({"kind": "explode", "text": "x"}, 400), ({"kind": "note", "text": "x" * 4001}, 400), ({"kind": "escalated", "text": "x"}, 403)],
)  # fmt: skip
def test_an_act_that_makes_no_sense_is_refused(
    manager: httpx.Client, stage: Stage, form: dict[str, str], status: int
) -> None:
    path = f"/tickets/{mains(stage).id}"
    assert manager.post(f"{path}/acts", data={"csrf": token(manager, path)} | form).status_code == status


@pytest.mark.parametrize(
    ("headers", "keep"),
    [({"Origin": "http://elsewhere.example"}, True), ({"Origin": "null"}, True), ({"Origin": ""}, True), ({}, False)],
)
def test_a_forged_form_is_refused(manager: httpx.Client, stage: Stage, headers: dict[str, str], keep: bool) -> None:
    path = f"/tickets/{mains(stage).id}"
    form = {"kind": "note", "text": "forged", "csrf": token(manager, path) if keep else "guessed"}
    answer = manager.post(f"{path}/acts", data=form, headers=headers)
    assert answer.status_code == 403
    assert "forged" not in manager.get(path).text
    assert manager.post("/logout", data={}, headers=headers).status_code == 403
    assert manager.get("/").status_code == 200


def test_the_token_of_one_session_is_worth_nothing_in_another(manager: httpx.Client, stage: Stage) -> None:
    path = f"/tickets/{mains(stage).id}"
    stolen = token(manager, path)
    with browser_like(stage) as other:
        other.get("/login", params={"code": stage.code("mallory", "technician")})
        assert other.post(f"{path}/acts", data={"csrf": stolen, "kind": "note", "text": "x"}).status_code == 403


def test_a_login_link_works_once(stage: Stage, stranger: httpx.Client) -> None:
    code = stage.code()
    first = stranger.get("/login", params={"code": code}, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    with browser_like(stage) as second:
        answer = second.get("/login", params={"code": code})
        assert answer.status_code == 403
        assert "not valid" in answer.text
        assert second.get("/", follow_redirects=False).status_code == 303


def test_a_link_leads_only_to_pages_of_this_house(stage: Stage, stranger: httpx.Client) -> None:
    for next in ("//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example"):
        answer = stranger.get("/login", params={"code": stage.code(), "next": next}, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_logging_out_ends_the_session_at_the_centre(stage: Stage, manager: httpx.Client) -> None:
    kept = dict(manager.cookies)
    manager.post("/logout", data={"csrf": token(manager, "/")})
    with browser_like(stage) as thief:
        thief.cookies.update(kept)
        assert thief.get("/", follow_redirects=False).status_code == 303


def test_guessing_passwords_is_slowed_down(stage: Stage) -> None:
    stage.forget_attempts()
    with httpx.Client(base_url=stage.url, headers={"Origin": stage.url}, verify=False) as guesser:
        form = {"login": "guessed", "password": "wrong", "next": "/"}
        statuses = [guesser.post("/login", data=form).status_code for _ in range(9)]
    assert statuses == [403] * 8 + [429]
    stage.forget_attempts()


def test_every_answer_keeps_the_browser_at_home(manager: httpx.Client) -> None:
    for path in ("/", "/login", "/static/app.css", "/nowhere", "/v1/series?device=a&point=b", "/healthz"):
        headers = manager.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    assert manager.get("/").headers["cache-control"] == "no-store"
    assert "immutable" in manager.get("/static/app.css").headers["cache-control"]


def test_pages_name_no_inline_script_or_style(manager: httpx.Client, stage: Stage) -> None:
    for path in (*PAGES, f"/tickets/{mains(stage).id}", "/login"):
        text = manager.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert not re.search(r"<[^>]*\s(style|on\w+)=", text), path


def _series(client: httpx.Client, **query: object) -> dict[str, Any]:
    answer = client.get("/v1/series", params={"device": "sz-futian/ups-1", "point": "battery.charge", **query})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_days_series_has_its_night_gap(manager: httpx.Client, stage: Stage) -> None:
    found = _series(manager)
    longest = max(found["gaps"], key=lambda gap: gap[1] - gap[0])
    assert 50 * 60_000 < longest[1] - longest[0] <= 62 * 60_000
    assert None in found["value"]
    assert len(found["at"]) == len(found["value"]) < 1600
    assert found["at"] == sorted(set(found["at"]))
    assert (found["unit"], found["label"], found["tz"]) == ("%", "Battery charge", "Asia/Shanghai")


def test_a_states_series_has_words_and_a_counters_is_a_rate(manager: httpx.Client, stage: Stage) -> None:
    now = stage.centre.now()
    state = _series(manager, point="ups.source", start=now - 1_200_000, end=now)
    assert state["stepped"]
    assert state["words"]["5"] == "battery"
    assert set(state["value"]) - {None} == {3.0, 5.0}
    rate = _series(manager, device="hz-xihu/sw-1", point="ifHCInOctets", index="1", start=now - 420_000, end=now)
    assert rate["unit"] == "B/s"
    assert all(abs(value - 90_000) < 20_000 for value in rate["value"] if value is not None)


@pytest.mark.parametrize("query", [{"start": 5, "end": 5}, {"start": 9, "end": 5}, {"start": 0, "end": DAY * 900}])
def test_a_senseless_range_is_refused(manager: httpx.Client, query: dict[str, int]) -> None:
    answer = manager.get("/v1/series", params={"device": "sz-futian/ups-1", "point": "battery.charge", **query})
    assert answer.status_code == 400
    assert "800 days" in answer.json()["error"]


def test_a_stream_tells_what_changed_and_only_of_ones_own_sites(stage: Stage) -> None:
    with browser_like(stage) as client:
        client.get("/login", params={"code": stage.code("wei", "customer", "harbour")})
        with client.stream("GET", "/v1/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            assert next(lines) == "event: changed"
            news = [
                {"kind": "readings", "id": None, "site": "hz-xihu"},
                {"kind": "ticket", "id": "T-1", "site": "sz-futian"},
            ]
            stage.loop.call_soon_threadsafe(stage.centre.hub.publish, news)
            heard = next(line for line in lines if '"ticket"' in line)
    assert "sz-futian" in heard
    assert "hz-xihu" not in heard


def test_a_person_sets_a_password_and_comes_back_with_it(stage: Stage) -> None:
    with browser_like(stage) as client:
        client.get("/login", params={"code": stage.code("zhou", "technician")})
        form = {"csrf": token(client, "/account"), "new": "six copper kettles"}
        assert client.post("/account/password", data=form | {"new": "short"}).status_code == 400
        assert "password is set" in client.post("/account/password", data=form).text
        assert (
            client.post("/account/password", data=form | {"new": "another long one", "old": "guess"}).status_code == 403
        )
    with browser_like(stage) as later:
        wrong = later.post("/login", data={"login": "zhou", "password": "six copper kettle", "next": "/tickets"})
        assert wrong.status_code == 403
        assert "Name or password is wrong" in wrong.text
        right = later.post("/login", data={"login": "zhou", "password": "six copper kettles", "next": "/tickets"})
        assert (right.status_code, right.url.path) == (200, "/tickets")
    stage.forget_attempts()


def test_a_login_form_from_elsewhere_is_refused(stranger: httpx.Client) -> None:
    form = {"login": "zhou", "password": "six copper kettles"}
    assert stranger.post("/login", data=form, headers={"Origin": "http://elsewhere.example"}).status_code == 403

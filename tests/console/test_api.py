"""The HTTP API: who may, what comes back, what is done once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from collector.store import writing
from console import login
from desk import store as desk
from tests.console.stage import Stage

CALL = {"kind": "defect", "place": "sz-futian/ups-2", "title": "it beeps", "data": {"serial": "2102312"}}


def client_of(stage: Stage, user: str, role: str, customer: str | None = None) -> httpx.Client:
    with writing(stage.centre.engine) as conn:
        login.put_user(conn, user, role, stage.centre.now(), customer=customer)
        key = login.make_key(conn, user, "test", stage.centre.now())
    return httpx.Client(
        base_url=f"{stage.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30, verify=False
    )


@pytest.fixture
def tool(stage: Stage) -> Iterator[httpx.Client]:
    with client_of(stage, "tool", "technician") as client:
        yield client


@pytest.fixture
def theirs(stage: Stage) -> Iterator[httpx.Client]:
    with client_of(stage, "lakeside-tool", "customer", "lakeside") as client:
        yield client


def test_nothing_without_a_key(stage: Stage) -> None:
    with httpx.Client(base_url=f"{stage.url}/api/v1", verify=False) as nobody:
        for answer in (nobody.get("/tickets"), nobody.get("/tickets/T-000001"), nobody.post("/tickets", json=CALL)):
            assert answer.status_code == 401
            assert answer.json()["code"] == "NotLoggedIn"
            assert answer.json()["said"]["zh"]
    with httpx.Client(
        base_url=f"{stage.url}/api/v1", headers={"Authorization": "Bearer nonsense"}, verify=False
    ) as nobody:
        assert nobody.get("/tickets").status_code == 401


def test_a_login_reads_but_only_a_key_writes(manager: httpx.Client) -> None:
    assert manager.get("/api/v1/tickets").status_code == 200
    assert manager.post("/api/v1/tickets", json=CALL).status_code == 401


def test_open_tickets_come_by_the_nearest_end_page_by_page(tool: httpx.Client) -> None:
    for title in ("one", "two", "three"):
        assert tool.post("/tickets", json=CALL | {"title": title}).status_code == 201
    whole = tool.get("/tickets").json()
    dues = [one["due_at"] for one in whole["tickets"] if one["due_at"] is not None]
    assert dues == sorted(dues)
    walked: list[str] = []
    after: str | None = None
    while True:
        page = tool.get("/tickets", params={"limit": 2} | ({"after": after} if after else {})).json()
        walked += [one["id"] for one in page["tickets"]]
        after = page["next"]
        if after is None:
            break
    assert walked == [one["id"] for one in whole["tickets"]]
    every = tool.get("/tickets", params={"state": "all"}).json()["tickets"]
    assert {one["id"] for one in every} >= set(walked)
    assert {one["customer"] for one in tool.get("/tickets", params={"customer": "harbour"}).json()["tickets"]} == {"harbour"}  # fmt: skip


def test_the_same_key_acts_once_and_another_request_with_it_is_refused(tool: httpx.Client, stage: Stage) -> None:
    once = {"Idempotency-Key": "call-1"}
    first = tool.post("/tickets", json=CALL | {"title": "once"}, headers=once)
    again = tool.post("/tickets", json=CALL | {"title": "once"}, headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotent-replay"] == "true"
    other = tool.post("/tickets", json=CALL | {"title": "another"}, headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "Unclear")
    id = first.json()["id"]
    note = {"kind": "note", "text": "heard"}
    for _ in range(2):
        assert tool.post(f"/tickets/{id}/acts", json=note, headers={"Idempotency-Key": "n-1"}).status_code == 201
    with stage.centre.engine.connect() as conn:
        assert [e.text.en for e in desk.ledger(conn, id)].count("heard") == 1


def test_acts_and_explanation(tool: httpx.Client) -> None:
    id = tool.post("/tickets", json=CALL | {"title": "act on me"}).json()["id"]
    done = tool.post(f"/tickets/{id}/acts", json={"kind": "acknowledged"}).json()
    assert done["entries"][0]["kind"] == "acknowledged"
    assert done["ticket"]["state"] == "acknowledged"
    told = tool.get(f"/tickets/{id}/explain").json()
    assert told["ticket"]["id"] == id
    assert told["clocks"]
    assert "planned" in tool.get(f"/tickets/{id}").json()["acts"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/tickets", {"kind": "defect"}, 422),
        ("/tickets", CALL | {"colour": "red"}, 422),
        ("/tickets", CALL | {"kind": "party"}, 422),
        ("/tickets", CALL | {"place": "atlantis"}, 409),
        ("/tickets", CALL | {"at": 99_999_999_999_999}, 409),
        ("/tickets/T-000001/acts", {"kind": "explode"}, 400),
        ("/tickets/T-000001/acts", {"kind": "escalated"}, 403),
        ("/tickets/T-000001/acts", {"kind": "level", "data": {"level": "nine"}}, 409),
        ("/tickets/T-999999/acts", {"kind": "note", "text": "x"}, 404),
        ("/tickets/T-000001/acts", {"kind": "note", "text": "x" * 70_000}, 413),
    ],
)
def test_what_cannot_be_is_said_in_both_languages(
    tool: httpx.Client, path: str, body: dict[str, Any], status: int
) -> None:
    answer = tool.post(path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["said"]["en"]
    assert answer.json()["said"]["zh"]


def test_a_senseless_query_is_refused(tool: httpx.Client) -> None:
    for query in ({"limit": "many"}, {"limit": 0}, {"state": "asleep"}, {"after": "soon"}):
        answer = tool.get("/tickets", params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "Unclear"), query


def test_a_customers_key_sees_and_does_only_its_own(theirs: httpx.Client, tool: httpx.Client) -> None:
    id = tool.post("/tickets", json=CALL | {"title": "not theirs"}).json()["id"]
    assert {one["customer"] for one in theirs.get("/tickets", params={"state": "all"}).json()["tickets"]} <= {
        "lakeside"
    }
    assert theirs.get("/tickets", params={"customer": "harbour"}).json()["tickets"] == []
    for path in (f"/tickets/{id}", f"/tickets/{id}/explain"):
        assert theirs.get(path).status_code == 404
    assert theirs.post(f"/tickets/{id}/acts", json={"kind": "note", "text": "x"}).status_code == 404
    assert theirs.post("/tickets", json=CALL).status_code == 404
    mine = theirs.post("/tickets", json=CALL | {"place": "hz-xihu/ups-1"})
    assert mine.status_code == 201, mine.text
    assert theirs.post(f"/tickets/{mine.json()['id']}/acts", json={"kind": "closed", "text": "x"}).status_code == 403


def test_openapi_describes_it(stage: Stage) -> None:
    paths = httpx.get(f"{stage.url}/v1/openapi.json", verify=False).json()["paths"]
    assert set(paths) >= {"/api/v1/tickets", "/api/v1/tickets/{id}", "/api/v1/tickets/{id}/explain", "/api/v1/tickets/{id}/acts"}  # fmt: skip
    body = paths["/api/v1/tickets"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["required"]) == {"kind", "place", "title"}


def test_a_key_is_made_shown_once_and_revoked_on_the_account_page(manager: httpx.Client, stage: Stage) -> None:
    from tests.console.test_casework import post

    page = post(manager, "/account/keys", name="script").text
    key = page.partition('<code class="words">')[2].partition("<")[0]
    with httpx.Client(
        base_url=f"{stage.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, verify=False
    ) as script:
        assert script.get("/tickets").status_code == 200
        assert key not in manager.get("/account").text
        id = page.partition('name="revoke" value="')[2].partition('"')[0]
        assert post(manager, "/account/keys", revoke=id).status_code == 200
        assert script.get("/tickets").status_code == 401

"""Recordings in the browser: whose they are, what the file is, and how one is asked for."""

from __future__ import annotations

import re

import httpx
import pytest

from collector.store import recordings, writing
from model import flight
from model.attachment import pack
from model.batch import Event, EventKind
from model.flight import Flight, Header, Octets, Why, Wired
from tests.console.stage import Stage

DEVICE = "hz-xihu/ups-2"


@pytest.fixture
def recorded(stage: Stage) -> tuple[str, bytes]:
    """(id, file) of a recording at a site that is not Harbour's."""
    now = stage.centre.now()
    why = Why(kind="changed", device=DEVICE, point="ups.source", before=3, after=5)
    header = Header(
        flight=1, agent="0.1.0", site="hz-xihu", link="bus", devices=(Wired(id=DEVICE, scheme="modbus+rtu"),),
        why=why, at=now, event=0,
    )  # fmt: skip
    one = Flight(header=header, frames=(Octets(t=0, way=">", device=DEVICE, data=b"\1\2"),))
    event = Event(kind=EventKind.ATTACHMENT, device=DEVICE, at=now, data=pack(one))
    with writing(stage.centre.engine) as conn:
        return recordings.put_recording(conn, "hz-xihu", event, "key", now), flight.dump(one)


def test_a_device_shows_its_recordings_in_words_and_hands_them_out(
    manager: httpx.Client, recorded: tuple[str, bytes]
) -> None:
    id, body = recorded
    page = manager.get(f"/devices/{DEVICE}").text
    assert f"/api/v1/recordings/{id}" in page
    assert "mains → battery" in page
    chinese = manager.get(f"/devices/{DEVICE}", headers={"Accept-Language": "zh"}).text
    assert "市电 → 电池" in chinese
    listed = manager.get(f"/api/v1/devices/{DEVICE}/recordings").json()
    assert [one["id"] for one in listed["recordings"]] == [id]
    answer = manager.get(f"/api/v1/recordings/{id}")
    assert answer.content == body
    assert answer.headers["content-disposition"].endswith('.flight.jsonl"')


def test_an_incident_links_the_recordings_of_its_alerts(manager: httpx.Client, stage: Stage) -> None:
    device = "sz-futian/ups-1"
    now = stage.centre.now()
    why = Why(kind="changed", device=device, point="ups.source", before=3, after=5)
    header = Header(
        flight=1, agent="0.1.0", site="sz-futian", link="bus", devices=(Wired(id=device, scheme="modbus+rtu"),),
        why=why, at=now, event=0,
    )  # fmt: skip
    event = Event(kind=EventKind.ATTACHMENT, device=device, at=now, data=pack(Flight(header=header, frames=())))
    with writing(stage.centre.engine) as conn:
        id = recordings.put_recording(conn, "sz-futian", event, "incident", now)
    incidents = set(re.findall(r'href="(/incidents/[\w-]+)"', manager.get(f"/devices/{device}").text))
    assert incidents
    assert any(f"/api/v1/recordings/{id}" in manager.get(path).text for path in incidents)


def test_another_customer_and_a_stranger_get_none_of_it(
    harbour: httpx.Client, stranger: httpx.Client, recorded: tuple[str, bytes]
) -> None:
    id, _ = recorded
    for path in (f"/api/v1/recordings/{id}", f"/api/v1/devices/{DEVICE}/recordings"):
        assert harbour.get(path).status_code == 404
        assert stranger.get(path, follow_redirects=False).status_code == 401
    assert harbour.get("/api/v1/recordings/none").json()["error"]


def test_a_technician_asks_for_a_recording_and_a_customer_may_not(manager: httpx.Client, harbour: httpx.Client) -> None:
    mine = "sz-futian/ups-1"
    page = manager.get(f"/devices/{mine}").text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token
    after = manager.post(f"/devices/{mine}/recordings", data={"csrf": token[1]})
    assert "Asked for by lin" in after.text
    assert manager.post(f"/devices/{mine}/recordings", data={"csrf": "forged"}).status_code == 403
    wish = manager.get(f"/api/v1/devices/{mine}/recordings").json()["wish"]
    assert wish["asked_by"] == "lin"
    theirs = next(iter(re.findall(r'href="/devices/([\w-]+/[\w-]+)"', harbour.get("/devices").text)))
    page = harbour.get(f"/devices/{theirs}").text
    assert f'action="/devices/{theirs}/recordings"' not in page
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token
    assert harbour.post(f"/devices/{theirs}/recordings", data={"csrf": token[1]}).status_code == 403

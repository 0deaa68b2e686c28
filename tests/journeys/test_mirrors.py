"""A case mirrored in a real Request Tracker 5 and a real Redmine, while the sender is killed again and again.

incident → ticket → acknowledged → visit → restored by telemetry → report → closed; people outside answer and close.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from desk import outbox, store
from desk.connectors import KINDS, Settings, settings
from desk.connectors.types import Delivered, Later, Refused
from desk.types import Draft, Entry, EntryKind
from model.text import Text
from tests.desk.stage import MINUTE, T0, ended, engine, incident, inventory
from tests.desk.test_mirror_steps import message
from tests.journeys.gate import Fate, Gate
from tests.services.tickets import TicketServer, redmine, request_tracker

pytestmark = [pytest.mark.service, pytest.mark.slow]
INVENTORY = inventory()
KILLS = 50
ROOT = Path(__file__).resolve().parents[2]
_MARK = re.compile(r"\[(T-\d+:\d+)(?: [^\]]+)?\]")


@pytest.fixture(scope="module")
def rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TicketServer]:
    with request_tracker(tmp_path_factory.mktemp("rt")) as server:
        yield server


@pytest.fixture(scope="module")
def rm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TicketServer]:
    with redmine(tmp_path_factory.mktemp("redmine")) as server:
        yield server


class Rt:
    """What a person sees in RT, and does there."""

    def __init__(self, server: TicketServer, token: str = "") -> None:
        headers = {"Authorization": f"token {token or server.token}"}
        self._http = httpx.Client(base_url=f"{server.url}/REST/2.0", headers=headers, timeout=60, verify=False)

    def tickets(self, key: str) -> list[dict[str, Any]]:
        query = {"query": f"Queue='UPS' AND CF.{{AlertKey}}='{key}'", "fields": "Status,Subject,Priority"}
        items: list[dict[str, Any]] = self._http.get("/tickets", params=query).json()["items"]
        return items

    def marks(self, id: str) -> Counter[str]:
        """How often each mark stands there: in the first text, or as a comment's subject."""
        return Counter(mark for item in self.history(id) for mark in self._marks(item))

    def history(self, id: str) -> list[dict[str, Any]]:
        query = {"fields": "Type,Creator,NewValue,Data,_hyperlinks", "per_page": "100", "orderby": "id"}
        items: list[dict[str, Any]] = self._http.get(f"/ticket/{id}/history", params=query).json()["items"]
        return items

    def _marks(self, item: dict[str, Any]) -> list[str]:
        if item["Type"] != "Create":
            return _MARK.findall(item.get("Data") or "") if item["Type"] in ("Comment", "Correspond") else []
        url = next(link["_url"] for link in item["_hyperlinks"] if link["ref"] == "attachment")
        return _MARK.findall(base64.b64decode(self._http.get(url).json()["Content"]).decode())

    def comment(self, id: str, text: str, **more: str) -> None:
        body = {"Content": text, "ContentType": "text/plain", **more}
        self._http.post(f"/ticket/{id}/comment", json=body).raise_for_status()

    def set(self, id: str, **fields: Any) -> None:
        self._http.put(f"/ticket/{id}", json=fields).raise_for_status()


class Red:
    """What a person sees in Redmine, and does there."""

    def __init__(self, server: TicketServer, token: str = "") -> None:
        self._field = server.field
        headers = {"X-Redmine-API-Key": token or server.token}
        self._http = httpx.Client(base_url=server.url, headers=headers, timeout=60, verify=False)

    def issues(self, key: str) -> list[dict[str, Any]]:
        query = {"project_id": "ups", "status_id": "*", f"cf_{self._field}": key}
        found: list[dict[str, Any]] = self._http.get("/issues.json", params=query).json()["issues"]
        return found

    def issue(self, id: int) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get(f"/issues/{id}.json", params={"include": "journals,relations"}).json()[
            "issue"
        ]
        return found

    def marks(self, id: int) -> Counter[str]:
        issue = self.issue(id)
        texts = [issue["description"], *(journal.get("notes") or "" for journal in issue["journals"])]
        return Counter(mark for text in texts for mark in _MARK.findall(text))

    def change(self, id: int, **fields: Any) -> None:
        self._http.put(f"/issues/{id}.json", json={"issue": fields}).raise_for_status()


class Sender:
    """A sender that is started again whenever it was killed, when what it began is over."""

    def __init__(self, config: Path, gates: list[Gate]) -> None:
        self._gates = gates
        command = [sys.executable, "-m", "tests.journeys.mirror_sender", str(config)]
        self._parent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
        )
        self.pid = 0
        self._known = threading.Event()

    def start(self) -> None:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write("again\n")
        self._parent.stdin.flush()
        self.pid = int(self._parent.stdout.readline())
        self._known.set()

    def kill(self) -> None:
        """By the gates, or at the end. A sender may ask its first question before its process id is read."""
        self._known.wait(30)
        os.kill(self.pid, signal.SIGKILL)

    def run(self, until: Callable[[], bool]) -> None:
        """Keep it alive until `until()` holds."""
        assert self._parent.stdout
        while not until():
            if not self.pid:
                self.start()
            self._watch()

    def _watch(self) -> None:
        """Wait a moment for its death, and then until what it began is over."""
        assert self._parent.stdin
        assert self._parent.stdout
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            if not _lives(self.pid):
                for gate in self._gates:
                    gate.quiet()
                self._parent.stdin.write("bury\n")
                self._parent.stdin.flush()
                assert self._parent.stdout.readline() == "-9\n", "it did not die by itself: see its stderr"
                self._known.clear()
                self.pid = 0
                return
            time.sleep(0.005)

    def stop(self) -> None:
        if self.pid:
            self.kill()
        assert self._parent.stdin
        self._parent.stdin.close()
        self._parent.wait(30)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def ways(rt: TicketServer, rm: TicketServer, rt_url: str = "", rm_url: str = "") -> list[dict[str, Any]]:
    """Both connectors, as the collector's file names them. `settle_s` is 0: the gate waits instead."""
    common = {"settle_s": "0", "poll_s": "1.5"}
    return [
        {
            "kind": "rt",
            "id": "rt",
            "url": rt_url or rt.url,
            "secret": "env:RT",
            "options": {**common, "queue": "UPS", "field": rt.field},
        },
        {
            "kind": "redmine",
            "id": "redmine",
            "url": rm_url or rm.url,
            "secret": "env:RM",
            "options": {**common, "project": "ups", "field": rm.field},
        },
    ]


def draft(kind: EntryKind, minute: int, en: str, zh: str, **data: Any) -> Draft:
    return Draft(at=T0 + minute * MINUTE, who="ann", kind=kind, text=Text(en, zh), data=data)


class Case:
    """The desk's side: what happened, and what must be outside."""

    def __init__(self, made: sa.Engine, given: list[Settings]) -> None:
        self.made = made
        self.told = incident()
        with made.begin() as conn:
            outbox.register(conn, given)
            store.apply(conn, [self.told], INVENTORY, T0)

    def add(self, *new: Draft) -> None:
        with self.made.begin() as conn:
            store.append(conn, "T-000001", list(new), max(each.at for each in new))

    def restore(self, minute: int) -> None:
        at = T0 + minute * MINUTE
        with self.made.begin() as conn:
            store.apply(conn, [ended(self.told, at)], INVENTORY, at)

    def ledger(self) -> list[Entry]:
        with self.made.connect() as conn:
            return store.ledger(conn, "T-000001")

    def heard(self, *texts: str) -> Callable[[], bool]:
        return lambda: all(any(text in e.text.en for e in self.messages()) for text in texts)

    def messages(self) -> list[Entry]:
        return [e for e in self.ledger() if e.kind is EntryKind.MESSAGE]

    def sent(self) -> bool:
        with self.made.connect() as conn:
            return not outbox.rows(conn, state="pending")

    def expected(self, connector: str) -> Counter[str]:
        """The mark of every entry that goes to a connector, once."""
        return Counter(
            f"T-000001:{e.seq}"
            for e in self.ledger()
            if e.kind is not EntryKind.NOTIFIED and e.data.get("connector") != connector
        )


def test_a_case_is_mirrored_once_whatever_dies_on_the_way(rt: TicketServer, rm: TicketServer, tmp_path: Path) -> None:
    database = tmp_path / "desk.sqlite"
    made = engine(database)
    case = Case(made, [settings(**each) for each in ways(rt, rm)])
    with ExitStack() as stack:
        fate = Fate(seed=5, most=KILLS, kill=lambda: sender.kill())
        gates = [stack.enter_context(Gate(server.url, fate).open()) for server in (rt, rm)]
        config = {
            "database": str(database),
            "connectors": ways(rt, rm, gates[0].url, gates[1].url),
            "secrets": {"RT": rt.token, "RM": rm.token},
            "now": T0 + 600 * MINUTE,
        }
        (tmp_path / "sender.json").write_text(json.dumps(config), "utf-8")
        sender = Sender(tmp_path / "sender.json", gates)
        stack.callback(sender.stop)

        sender.run(case.sent)
        case.add(draft(EntryKind.ACKNOWLEDGED, 5, "on my way", "我马上来"))
        case.add(draft(EntryKind.DISPATCHED, 10, "Li departed", "李工已出发", visit="V-1"))
        sender.run(case.sent)

        number = Rt(rt).tickets("T-000001")[0]["id"]
        issue = Red(rm).issues("T-000001")[0]["id"]
        Rt(rt, rt.person).comment(number, "the gate code is 4711 门禁 4711")
        Red(rm, rm.person).change(issue, notes="please call before you come 请先来电")
        case.add(draft(EntryKind.ONSITE, 40, "Li arrived", "李工到场", visit="V-1"))
        sender.run(lambda: case.heard("4711", "please call")() and case.sent())

        case.restore(60)
        case.add(draft(EntryKind.RESOLVED, 70, "rectifier replaced", "整流模块已更换"))
        case.add(draft(EntryKind.REPORTED, 80, "report delivered", "报告已交", report="fault_analysis"))
        sender.run(case.sent)
        Rt(rt, rt.person).set(number, Status="resolved")
        sender.run(lambda: case.heard("closed in rt")() and case.sent())
        assert store_state(made) == "restored", "closed there is a proposal, not a closing"
        case.add(draft(EntryKind.CLOSED, 90, "customer confirmed", "客户已确认"))
        sender.run(case.sent)
        minute = 100
        while len(fate.kills) < KILLS:
            case.add(draft(EntryKind.NOTE, minute, f"note {minute}", f"备注 {minute}"))
            sender.run(case.sent)
            minute += 1

    assert len(fate.kills) == KILLS
    assert {kill.partition(" ")[0] for kill in fate.kills} == {"before", "after", "late"}

    (there,) = Rt(rt).tickets("T-000001")
    assert (there["id"], there["Status"]) == (number, "resolved")
    assert Rt(rt).marks(number) == case.expected("rt")
    (issue_there,) = Red(rm).issues("T-000001")
    assert (issue_there["id"], issue_there["status"]["name"]) == (issue, "Closed")
    assert Red(rm).marks(issue) == case.expected("redmine")

    told = Counter((e.data["connector"], e.data["announces"]) for e in case.ledger() if e.kind is EntryKind.NOTIFIED)
    assert set(told.values()) == {1}, "each delivery is noted once"
    assert Counter((e.who, e.text.en.partition(" by ")[0]) for e in case.messages()) == {
        ("ann@rt", "the gate code is 4711 门禁 4711"): 1,
        ("ann Test@redmine", "please call before you come 请先来电"): 1,
        ("ann@rt", "closed in rt"): 1,
    }, "each once, and nothing of our own came back"
    made.dispose()


def opened(way: dict[str, Any], secret: str, prefix: str) -> Any:
    """A connector of its own tickets: the prefix keeps this test's apart from the others'."""
    given = settings(**{**way, "options": {**way["options"], "prefix": prefix}})
    return KINDS[given.kind].open(given, secret)


async def test_merged_tickets_are_linked_there_and_a_double_is_folded_into_the_oldest(
    rt: TicketServer, rm: TicketServer
) -> None:
    for way, token in zip(ways(rt, rm), (rt.token, rm.token), strict=True):
        connector = opened(way, token, "m-")
        stays = await connector.put(message(1, "opened", "open"))
        goes = await connector.put(replace(message(1, "opened", "open"), ticket="T-000002"))
        merged = replace(message(2, "merged", "merged"), ticket="T-000002", external=goes.external, into=stays.external)
        for _ in range(2):
            assert isinstance(await connector.put(replace(merged, again=True)), Delivered)
        told = await connector._api.find("m-T-000001")
        assert told == [stays.external]
        api = connector._api
        connector._api = _Blind(api)  # a second sender that looked before the first one's ticket was there
        double = await connector.put(message(1, "opened", "open"))
        connector._api = api
        assert double.external == stays.external
        assert await connector.find("m-T-000001") == [stays.external]
        if way["kind"] == "rt":
            links = Rt(rt)._http.get(f"/ticket/{goes.external}").json()["_hyperlinks"]
            assert [link["id"] for link in links if link["ref"] == "refers-to"] == [stays.external]
        else:
            relations = Red(rm).issue(goes.external)["relations"]
            linked = [{each["issue_id"], each["issue_to_id"]} for each in relations]
            assert linked == [{int(goes.external), int(stays.external)}]
        await connector.close()


class _Blind:
    """An Api whose first search finds nothing."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._blind = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    async def find(self, key: str) -> list[str]:
        if self._blind:
            self._blind = False
            return []
        found: list[str] = await self._api.find(key)
        return found


async def test_a_wrong_secret_and_a_state_that_is_none_are_outcomes(rt: TicketServer, rm: TicketServer) -> None:
    for way, token, wrong in zip(ways(rt, rm), (rt.token, rm.token), ("1-1-0123456789abcdef", "0123"), strict=True):
        connector = opened(way, wrong, "w-")
        outcome = await connector.put(message(1, "opened", "open"))
        assert isinstance(outcome, Later), outcome
        assert "401" in outcome.why
        assert wrong not in outcome.why
        await connector.close()
        odd = {**way, "options": {**way["options"], "state.open": "nonsense"}}
        connector = opened(odd, token, "w-")
        outcome = await connector.put(message(1, "opened", "open"))
        assert isinstance(outcome, Refused), outcome
        assert "nonsense" in outcome.why or "Status" in outcome.why
        await connector.close()


async def test_what_the_customer_reads_opens_no_resolved_ticket_again(rt: TicketServer, rm: TicketServer) -> None:
    """RT opens a ticket by itself when somebody corresponds on it."""
    way = {**ways(rt, rm)[0], "to": "customer"}
    connector = opened(way, rt.token, "c-")
    done = await connector.put(message(1, "opened", "closed"))
    assert isinstance(done, Delivered), done
    told = replace(message(2, "note", "closed"), external=done.external, pushed="closed")
    assert isinstance(await connector.put(told), Delivered)
    (there,) = Rt(rt).tickets("c-T-000001")
    assert there["Status"] == "resolved"
    heard = await connector.poll("", {done.external: ""})
    assert [(each.state, each.text) for each in heard.news] == [], "all of it was ours"
    await connector.close()


def store_state(made: sa.Engine) -> str:
    with made.connect() as conn:
        return store.ticket(conn, "T-000001").state.value

"""The steps that all ticket systems share, against stand-ins that take only the documented requests."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from desk.connectors import KINDS, Connector, settings
from desk.connectors.types import Delivered, Later, Message, Refused
from tests.desk.systems import SECRETS, SYSTEMS, serving

KEY = "T-000001"
OWN: dict[str, dict[str, str]] = {"jira_sm": {"project": "UPS"}, "zammad": {"requester": "ops@harbour.example"}}
ENDED = {"servicenow": "6", "jira_sm": "Resolved", "zammad": "closed", "glpi": "5"}
WORKING = {"servicenow": "2", "jira_sm": "In Progress", "zammad": "open", "glpi": "2"}
each_system = pytest.mark.parametrize("kind", sorted(SYSTEMS))


def opened(kind: str, url: str, **more: Any) -> Connector:
    options = {**OWN.get(kind, {}), **more.pop("options", {})}
    return KINDS[kind].open(settings(kind, url, "env:S", id="x", options=options, **more), SECRETS[kind])


def message(seq: int, kind: str, state: str, **more: Any) -> Message:
    ticket = {
        "id": KEY,
        "state": state,
        "level": "emergency",
        "level_name": {"en": "Emergency", "zh": "紧急故障"},
        "impact": "outage",
        "title": {"en": "mains failure", "zh": "市电中断"},
        "customer": "harbour",
        "site": "sz",
        "opened_at": 1_795_399_200_000,
    }
    entry = {"kind": kind, "who": "ann", "text": {"en": f"words {seq}", "zh": f"话 {seq}"}, "data": {}}
    body = msgspec.json.encode({"schema": 1, "ticket": ticket, "entry": entry})
    return Message(key=f"{KEY}:{seq}:x", ticket=KEY, seq=seq, body=body, **more)


STORY = (("opened", "open"), ("acknowledged", "acknowledged"), ("onsite", "onsite"), ("restored", "restored"), ("closed", "closed"))  # fmt: skip


@each_system
async def test_a_case_is_told_once_in_order_with_its_states_in_both_languages(kind: str) -> None:
    with serving(kind) as system:
        connector = opened(kind, system.url)
        external, pushed = None, None
        for seq, (what, state) in enumerate(STORY, 1):
            outcome = await connector.put(message(seq, what, state, external=external, pushed=pushed))
            assert isinstance(outcome, Delivered), outcome
            external, pushed = outcome.external, state
            if what == "acknowledged":
                assert system.state(external) == WORKING[kind]
        assert system.state(external) == ENDED[kind]
        (texts,) = system.texts()
        assert [sum(f"[{KEY}:{seq}]" in text for text in texts) for seq in range(1, 6)] == [1] * 5
        assert all(part in texts[0] for part in ("Emergency", "紧急故障", "市电中断", "harbour / sz"))
        assert "到场 (ann): 话 3" in texts[2]
        await connector.close()


@each_system
async def test_what_was_cut_off_is_unsure_and_found_again_never_made_twice(kind: str) -> None:
    with serving(kind) as system:
        connector = opened(kind, system.url)
        await _first_write_dropped(system, connector, message(1, "opened", "open"))
        done = await connector.put(message(1, "opened", "open", again=True))
        assert isinstance(done, Delivered)
        more = {"external": done.external, "pushed": "open"}
        await _first_write_dropped(system, connector, message(2, "onsite", "onsite", **more))
        assert isinstance(await connector.put(message(2, "onsite", "onsite", again=True, **more)), Delivered)
        assert system.state(done.external) == WORKING[kind]
        (texts,) = system.texts()
        assert Counter(f"[{KEY}:{seq}]" for seq in (1, 2) for text in texts if f"[{KEY}:{seq}]" in text) == {
            f"[{KEY}:1]": 1,
            f"[{KEY}:2]": 1,
        }
        await connector.close()


async def _first_write_dropped(system: Any, connector: Connector, told: Message) -> None:
    """Let the questions through and cut the answer of the first request that writes."""
    answer = system.answer

    def watching(method: str, path: str, query: Any, body: Any) -> Any:
        if method != "GET":
            system.answer = answer
            answer(method, path, query, body)
            raise ConnectionResetError
        return answer(method, path, query, body)

    system.answer = watching
    outcome = await connector.put(told)
    assert isinstance(outcome, Later), outcome
    assert outcome.unsure


@each_system
async def test_a_message_that_is_sent_again_late_sets_no_old_state(kind: str) -> None:
    with serving(kind) as system:
        connector = opened(kind, system.url)
        done = await connector.put(message(1, "opened", "open"))
        assert isinstance(done, Delivered)
        more = {"external": done.external}
        for seq, state in ((3, "acknowledged"), (4, "closed")):
            assert isinstance(await connector.put(message(seq, state, state, pushed="open", **more)), Delivered)
        assert isinstance(await connector.put(message(2, "onsite", "onsite", newest=False, **more)), Delivered)
        assert system.state(done.external) == ENDED[kind]
        await connector.close()


@each_system
async def test_a_state_that_they_set_is_theirs_until_ours_changes(kind: str) -> None:
    with serving(kind) as system:
        connector = opened(kind, system.url)
        done = await connector.put(message(1, "opened", "acknowledged"))
        assert isinstance(done, Delivered)
        asked = len(system.asked)
        told = message(2, "note", "acknowledged", external=done.external, pushed="acknowledged")
        assert isinstance(await connector.put(told), Delivered)
        assert len(system.asked) - asked == 1, "one request and nothing about the state"
        await connector.close()


@each_system
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, Later(why="HTTP 429", reachable=True, pause_s=7.0)),
        (401, Later(why="HTTP 401: they do not take our secret; renew what `secret` points at", reachable=False)),
        (403, Refused(why='HTTP 403: {"error": "planned"}')),
        (302, Refused(why='HTTP 302 to ?, not followed: {"error": "planned"}')),
    ],
)
async def test_every_answer_is_an_outcome(kind: str, status: int, expected: Any) -> None:
    with serving(kind) as system:
        connector = opened(kind, system.url)
        system.plan = [status, status]
        assert await connector.put(message(1, "opened", "open")) == expected
        assert system.tickets == {}
        await connector.close()


@each_system
async def test_of_two_tickets_with_one_key_the_oldest_stays(kind: str) -> None:
    with serving(kind) as system:
        one, two = opened(kind, system.url), opened(kind, system.url)
        await one.put(message(1, "opened", "open"))
        found = system.answer
        system.answer = lambda method, path, query, body: (
            (200, _nothing(kind))
            if _is_search(kind, method, path) and len(system.tickets) == 1
            else found(method, path, query, body)
        )
        done = await two.put(message(1, "opened", "open"))
        assert isinstance(done, Delivered)
        assert done.external == next(iter(system.tickets))
        assert len(system.tickets) == 2, "the other is folded, its number is no more found by our key"
        system.answer = found
        again = await two.put(message(1, "opened", "open"))
        assert again == done
        await one.close()
        await two.close()


def _is_search(kind: str, method: str, path: str) -> bool:
    ends = {
        "servicenow": "/table/incident",
        "jira_sm": "/search/jql",
        "glpi": "/search/Ticket",
        "zammad": "/tickets/search",
    }
    return method == "GET" and path.endswith(ends[kind])


def _nothing(kind: str) -> Any:
    return {"servicenow": {"result": []}, "jira_sm": {"issues": []}, "glpi": {"totalcount": 0}, "zammad": []}[kind]


async def test_a_state_that_cannot_be_reached_is_refused_and_says_what_to_do() -> None:
    with serving("jira_sm") as system:
        connector = opened("jira_sm", system.url)
        done = await connector.put(message(1, "opened", "open"))
        assert isinstance(done, Delivered)
        outcome = await connector.put(message(2, "closed", "closed", external=done.external, pushed="open"))
        assert isinstance(outcome, Refused)
        assert "stays `Waiting for support`, expected `Resolved`" in outcome.why
        assert "state.closed" in outcome.why
        await connector.close()

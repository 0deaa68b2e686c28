"""Every connector in the table, and the blueprint that new ones are copied from, keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.connectors import KINDS, Connector, Delivered, Later, Message, lint, open_connector, settings
from desk.connectors._blueprint import Blueprint
from model.secret import SecretError
from tests.contracts import connector_page
from tests.desk.receiver import receiving
from tests.desk.systems import SECRETS, SYSTEMS, serving

SECRET = "never-to-be-seen"
ALL = {**{kind: each.open for kind, each in KINDS.items()}, "_blueprint": Blueprint}
MESSAGE = Message(key="T-000001:1:x", ticket="T-000001", seq=1, body=b'{"schema":1}')


#: Apprise's whole address is the secret.
OWN = {"apprise": f"json://127.0.0.1:1/{SECRET}"}


def opened(kind: str, url: str) -> Connector:
    return ALL[kind](settings(kind, url, "env:S"), OWN.get(kind, SECRET))


@pytest.mark.parametrize("kind", ["_blueprint", "webhook"])
async def test_the_same_message_twice_is_recognised_by_its_key(kind: str) -> None:
    with receiving() as receiver:
        connector = opened(kind, receiver.url)
        assert [type(await connector.put(MESSAGE)) for _ in range(2)] == [Delivered, Delivered]
        kept = connector.kept if isinstance(connector, Blueprint) else receiver.kept
        assert list(kept) == [MESSAGE.key]
        await connector.close()


def test_every_kind_is_proved_somewhere() -> None:
    """Against real servers, against stand-ins for documented APIs, or here."""
    real = {"rt", "redmine"}  # tests/journeys/test_mirrors.py
    mail = {"email", "apprise"}  # tests/desk/test_email.py, tests/desk/test_people.py
    assert set(KINDS) == real | mail | set(SYSTEMS) | {"webhook"}


@pytest.mark.parametrize("kind", sorted(SYSTEMS))
async def test_the_same_message_twice_is_one_ticket_with_one_text(kind: str) -> None:
    with serving(kind) as system:
        connector = ALL[kind](settings(kind, system.url, "env:S"), SECRETS[kind])
        for _ in range(2):
            outcome = await connector.put(MESSAGE)
            assert isinstance(outcome, Delivered), outcome
        assert [len(texts) for texts in system.texts()] == [1]
        await connector.close()


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_receiver_that_is_not_there_is_an_outcome_and_not_an_exception(kind: str) -> None:
    with receiving() as receiver:
        url = receiver.url.replace("http", "smtp") if kind == "email" else receiver.url
    connector = opened(kind, url)
    outcome = await connector.put(MESSAGE)
    assert isinstance(outcome, Later)
    assert not outcome.reachable
    await connector.close()


@pytest.mark.parametrize("kind", sorted(ALL))
async def test_the_secret_is_nowhere_to_be_read(kind: str) -> None:
    connector = opened(kind, "https://x.invalid/")
    assert SECRET not in repr(connector)
    assert SECRET not in repr(connector.settings)
    await connector.close()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_its_id_is_the_same_after_a_restart_because_keys_contain_it(kind: str) -> None:
    assert settings(kind, "https://a/", "env:S").id == settings(kind, "https://a/", "env:T").id
    assert settings(kind, "https://a/", "env:S").id != settings(kind, "https://b/", "env:S").id
    assert settings(kind, "https://a/", "env:S", id="mine").id == "mine"


@pytest.mark.parametrize(
    ("kind", "url", "secret", "wrong"),
    [
        ("webhook", "https://x.example/hook", "env:S", []),
        ("webhook", "http://127.0.0.1:8080/", "file:s", []),
        ("webhook", "http://localhost/", "file:s", []),
        ("webhook", "http://x.example/", "env:S", ["url"]),
        ("webhook", "ftp://x.example/", "env:S", ["url"]),
        ("pigeon", "https://x.example/", "env:S", ["kind"]),
        ("webhook", "https://x.example/", "hunter2", ["secret"]),
        ("webhook", "https://x.example/", "", ["secret"]),
    ],
)
def test_what_cannot_serve_is_named_by_its_key_without_showing_the_secret(kind, url, secret, wrong) -> None:
    found = lint(settings(kind, url, secret))
    assert [key for key, _, _ in found] == wrong
    assert "hunter2" not in str(found)


def test_opening_resolves_the_reference_or_says_which_is_missing() -> None:
    given = settings("webhook", "https://x.example/", "env:HOOK_SECRET")
    assert open_connector(given, {"HOOK_SECRET": "x"}.get, str).settings is given
    with pytest.raises(SecretError, match="HOOK_SECRET"):
        open_connector(given, {}.get, str)
    with pytest.raises(ValueError, match="https"):
        open_connector(settings("webhook", "http://far.example/", "env:S"), {"S": "x"}.get, str)


@pytest.mark.parametrize("kind", ["common", *KINDS])
def test_the_page_tells_every_setting_and_mapping_as_it_is(kind: str) -> None:
    """A row that differs: `python -m tests.contracts.connector_page` prints what it should be."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "connectors.md").read_text("utf-8")
    assert kind == "common" or f"\n## {kind}\n" in page
    assert [row for row in connector_page.rows(kind) if row not in page.splitlines()] == []
    assert connector_page.sample() in page

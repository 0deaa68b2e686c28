"""`roundsman outbox`: what waits, what was refused and why, and once more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collector.store import open_engine, writing
from desk import messages, outbox, store
from desk.connectors import settings
from desk.connectors.types import Heard, News, Refused
from roundsman.cli import app
from tests.desk.stage import T0, incident, inventory

WAY = settings("webhook", "https://x.example/", "env:S", id="hook")


@pytest.fixture
def centre(tmp_path: Path) -> str:
    file = tmp_path / "collector.toml"
    file.write_text('[collector]\ndata = "var/"\n', "utf-8")
    (tmp_path / "var").mkdir()
    engine = open_engine(tmp_path / "var" / "centre.sqlite")
    with writing(engine) as conn:
        outbox.register(conn, [WAY])
        store.apply(conn, [incident()], inventory(), T0)
        outbox.settle(conn, outbox.rows(conn)[0], WAY, Refused(why="HTTP 422: no such queue"), T0)
        news = News(id="<e@e>", at=T0, who="eve@e", text="x", dropped="sender eve@e is none of those in `senders`")
        messages.take(conn, WAY, Heard(news=(news,), cursor="1:1"), T0)
    engine.dispose()
    return str(file)


def run(*words: str) -> int:
    code = app(["outbox", *words], exit_on_error=False, result_action="return_value")
    assert isinstance(code, int)
    return code


def test_a_refused_message_is_shown_with_its_reason_and_sent_again(
    centre: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("list", "--collector", centre, "--json") == 0
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (row["key"], row["state"], row["error"]) == ("T-000001:1:hook", "refused", "HTTP 422: no such queue")
    assert "body" not in row
    assert run("again", "T-000001:1:hook", "T-9:9:nobody", "--collector", centre) == 1
    said = capsys.readouterr()
    assert "1 back in the queue" in said.out
    assert "T-9:9:nobody" in said.err
    assert run("list", "--collector", centre) == 0
    said = capsys.readouterr()
    assert "T-000001:1:hook  waits" in said.out
    assert "hook: 1 waiting" in said.out


def test_all_that_a_connector_refused_goes_again_at_once(centre: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("again", "--collector", centre) == 2
    assert run("again", "--all", "hook", "--collector", centre) == 0
    assert "1 back in the queue" in capsys.readouterr().out


def test_what_became_no_entry_is_shown_with_its_reason(centre: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--dropped", "--collector", centre) == 0
    assert "none of those in `senders`" in capsys.readouterr().out

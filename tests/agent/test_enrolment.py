"""One key for each agent, made here, told by its fingerprint."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agent.config import AgentConfig
from agent.enrolment import EnrolmentError, enrol, key_of
from model.secret import SecretError
from tests.agent.centre import Centre, serving
from tests.services import free_port


@pytest.fixture
def centre() -> Iterator[Centre]:
    with serving(Centre()) as one:
        yield one


def config(folder: Path, url: str, key: str = "file:keys/agent.key") -> AgentConfig:
    return AgentConfig(file=folder / "agent.toml", site="sz", collector=url, key=key, spool=folder / "spool.sqlite")


def test_the_key_stays_here_and_its_fingerprint_goes(tmp_path: Path, centre: Centre) -> None:
    mine = config(tmp_path, centre.url)
    assert enrol(mine, " code-1\n") == "agent-1"
    file = tmp_path / "keys" / "agent.key"
    key = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(key)) == 32
    assert centre.enrolments == [
        {"site": "sz", "code": "code-1", "key_sha256": hashlib.sha256(key.encode()).hexdigest()}
    ]
    assert key_of(mine) == key


def test_a_lost_answer_locks_nobody_out_the_second_attempt_brings_the_same_key(tmp_path: Path, centre: Centre) -> None:
    centre.behaviour = lambda _: (500, b"")
    with pytest.raises(EnrolmentError):
        enrol(config(tmp_path, centre.url), "code-1")
    centre.behaviour = lambda _: None
    enrol(config(tmp_path, centre.url), "code-1")
    assert centre.enrolments[0] == centre.enrolments[1]


def test_a_code_that_was_used_or_is_too_old_says_what_to_do(tmp_path: Path, centre: Centre) -> None:
    centre.behaviour = lambda _: (403, b"code used")
    with pytest.raises(EnrolmentError, match="ask for a new code") as caught:
        enrol(config(tmp_path, centre.url), "code-1")
    assert "登记码" in caught.value.text.zh


def test_a_collector_that_is_not_there_or_not_one_is_told_apart_from_a_refusal(tmp_path: Path, centre: Centre) -> None:
    with pytest.raises(EnrolmentError, match="check the address"):
        enrol(config(tmp_path, f"http://127.0.0.1:{free_port()}"), "code-1")
    centre.behaviour = lambda _: (200, b"<html>")
    with pytest.raises(EnrolmentError, match="check the address"):
        enrol(config(tmp_path, centre.url), "code-1")


def test_a_key_that_lives_in_the_environment_cannot_be_made_here(tmp_path: Path, centre: Centre) -> None:
    with pytest.raises(EnrolmentError, match="file:PATH"):
        enrol(config(tmp_path, centre.url, "env:KEY"), "code-1")
    assert centre.enrolments == []


def test_a_folder_that_cannot_be_written_to_is_told_before_the_code_is_used(tmp_path: Path, centre: Centre) -> None:
    (tmp_path / "keys").write_text("a file where a folder should be")
    with pytest.raises(EnrolmentError, match="write there"):
        enrol(config(tmp_path, centre.url), "code-1")
    assert centre.enrolments == []


def test_a_key_that_cannot_be_a_header_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "agent.key").write_text("two words-s3cret\nand a line")
    mine = msgspec.structs.replace(config(tmp_path, "http://127.0.0.1:1"), key="file:agent.key")
    with pytest.raises(SecretError) as caught:
        key_of(mine)
    assert "s3cret" not in str(caught.value)

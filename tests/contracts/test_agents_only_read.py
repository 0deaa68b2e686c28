"""Until orders are built (by consent, signed, with limits), an agent can only read. This proves it, three ways."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

import agent
from agent.address import DeviceUrl
from agent.drivers import DRIVERS
from agent.drivers.exchange import (
    AskNamed,
    Command,
    GetVariables,
    Reach,
    ReadIdentity,
    ReadWords,
    Request,
    WalkVariables,
)
from agent.profiles import PROFILES, Tier, lint, load
from agent.profiles.lint import ASKING

FOLDER = Path(agent.__file__).parent
URLS = {
    "modbus": DeviceUrl.parse("modbus+tcp://192.0.2.1?unit=1"),
    "megatec": DeviceUrl.parse("megatec:///dev/ttyS0"),
    "snmp": DeviceUrl.parse("snmp://192.0.2.1"),
}
#: What the wire libraries call a write; none of it may be named anywhere in the agent.
_ACTING = re.compile(
    r"Write\w*(?:Coil|Register)\w*Request|write_(?:coil|register)s?\b|MaskWrite|ReadWriteMultiple|set_many|SetRequest"
)


def test_there_is_no_request_that_could_write() -> None:
    assert set(get_args(Request)) == {Reach, AskNamed, ReadWords, ReadIdentity, Command, GetVariables, WalkVariables}


@pytest.mark.parametrize("id", PROFILES)
def test_no_profile_asks_for_more_than_reading(id: str) -> None:
    profile = load(id)
    url = URLS[profile.driver]
    for tier in Tier:
        for request in DRIVERS[url.scheme].plan(profile, url, tier):
            if isinstance(request, ReadWords):
                assert request.function in (1, 2, 3, 4)
            if isinstance(request, Command):
                assert request.text in ASKING


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_no_code_of_the_agent_names_a_write_of_a_wire_library(path: Path) -> None:
    assert _ACTING.findall(path.read_text(encoding="utf-8")) == []


def test_a_profile_cannot_smuggle_a_command_in() -> None:
    text = files("agent.profiles").joinpath("megatec_q1.toml").read_text(encoding="utf-8")
    shutdown = text.replace("[command.F]", '[command."S.2R0003"]\nstarts = "("\nlength = 1\n[command.F]')
    profile, problems = lint("megatec_q1.toml", shutdown)
    assert profile is None
    assert ["only asks" in problem.render("en") for problem in problems] == [True]


def test_what_a_profile_declares_as_orders_is_looked_at_by_nothing_that_reads() -> None:
    readers = [path for path in FOLDER.rglob("*.py") if path.parent != FOLDER / "profiles"]
    assert [path.name for path in readers if re.search(r"\.orders\b", path.read_text(encoding="utf-8"))] == []

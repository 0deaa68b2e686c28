"""The table `[traps]`: what is taken, and what is told of what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import parse
from agent.traps.settings import TrapSettings, TrapUser

HEAD = """[agent]
site = "sz"
collector = "https://centre.example"
[[device]]
id = "ups-1"
url = "snmp://192.0.2.1?community=env:READ"
profile = "rfc1628"
"""


def read(text: str) -> tuple[TrapSettings | None, list[str]]:
    config, problems = parse(HEAD + text, Path("agent.toml"))
    assert config is not None, "a wrong table of traps never stops the polling"
    return config.traps, [problem.render("en") for problem in problems]


def test_without_the_table_nothing_listens() -> None:
    assert read("") == (None, [])


def test_a_whole_table_is_taken() -> None:
    settings, problems = read("""
[traps]
listen = ["0.0.0.0:162", "[::]:162"]
community = "env:TRAPS"
[[traps.user]]
name = "trapper"
auth = "sha"
auth_key = "env:A"
priv = "aes"
priv_key = "file:p"
engine_id = ["0x80001F8880C0FFEE"]
device = "ups-1"
""")
    assert problems == []
    user = TrapUser(
        name="trapper", auth="sha1", auth_key="env:A", priv="aes128", priv_key="file:p",
        engine_ids=("80001f8880c0ffee",), device="sz/ups-1",
    )  # fmt: skip
    assert settings == TrapSettings(listen=(("0.0.0.0", 162), ("::", 162)), communities=("env:TRAPS",), users=(user,))


WRONG = [
    ('listen = "0.0.0.0"', "traps.listen: expected an address of this machine with a port"),
    ('listen = "here:162"', "traps.listen: expected an address of this machine with a port"),
    ('listen = "0.0.0.0:99999"', "traps.listen: expected an address of this machine with a port"),
    ("listen = 162", "traps.listen: expected a list of words"),
    ('community = "env:A"', "traps.listen: expected the key to be there"),
    ('listen = "0.0.0.0:162"\ncommunity = ["s3cret"]', "traps.community: expected references env:NAME or file:PATH"),
    ('listen = "0.0.0.0:162"\ncomunity = "env:A"', "fix: rename it to community"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nauth = "sha"\nauth_key = "env:A"', "traps.user.0.name: expected the key"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nname = "u"\nauth = "rot13"\nauth_key = "env:A"', "user.0.auth: expected one of"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nname = "u"\nauth = "sha"', "traps.user.0.auth_key: expected the key to be there"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nname = "u"\nauth = "sha"\nauth_key = "s3cret"', "auth_key: expected a reference"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nname = "u"\npriv = "aes"\npriv_key = "env:A"', "priv: expected auth with priv"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nname = "u"\npriv_key = "env:A"', "priv_key: expected no priv_key without priv"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nname = "u"\nengine_id = "zz"', "engine_id: expected an engine id"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nname = "u"\ndevice = "ups-9"', "device: expected the id of a [[device]]"),
    ('listen = "0.0.0.0:162"\n[[traps.user]]\nname = "u"\n[[traps.user]]\nname = "u"', "user.1.name: expected each user once"),
    ("[[traps]]", "traps: expected a table"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_a_mistake_is_told_with_its_line_and_without_the_secret(text: str, told: str) -> None:
    settings, problems = read("[traps]\n" + text if not text.startswith("[[traps]]") else text)
    assert settings is None
    assert any(told in problem for problem in problems), problems
    assert not any("s3cret" in problem for problem in problems)
    assert all(problem.startswith("agent.toml:") and ":0:" not in problem for problem in problems), problems

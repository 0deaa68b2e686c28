"""Mistakes in the agent's file: each is found, named with its line, and spoils nothing but itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import AgentConfig, load, parse
from model.problem import Problem

GOOD = """\
[agent]
site = "sz-futian"
collector = "https://collector.example:8620"
key = "file:agent.key"
spool = "spool.sqlite"
spool_max_mb = 64
[pace]
status_s = 5
[[device]]
id = "ups-1"
url = "modbus+rtu:///dev/ttyUSB0?unit=1&baud=9600"
profile = "huawei_ups2000"
[[device]]
id = "ups-2"
url = "megatec:///dev/ttyS0"
"""


def read(text: str) -> tuple[AgentConfig | None, list[Problem]]:
    return parse(text, Path("/etc/roundsman/agent.toml"))


def only(text: str) -> tuple[AgentConfig | None, Problem]:
    config, problems = read(text)
    assert len(problems) == 1, [problem.render("en") for problem in problems]
    return config, problems[0]


def told(text: str) -> tuple[int, str, str]:
    _, problem = only(text)
    assert problem.render("en").startswith(f"/etc/roundsman/agent.toml:{problem.line}: ")
    assert problem.expected.zh
    assert problem.fix.zh
    return problem.line, problem.key, problem.got


def test_a_sound_file_says_all_that_the_agent_needs() -> None:
    config, problems = read(GOOD)
    assert problems == []
    assert config is not None
    assert [(d.id, d.url.scheme, d.profile.id if d.profile else None) for d in config.devices] == [
        ("sz-futian/ups-1", "modbus+rtu", "huawei_ups2000"),
        ("sz-futian/ups-2", "megatec", None),
    ]
    assert (config.pace.status_s, config.pace.measure_s) == (5, 10)
    assert config.key_file == Path("/etc/roundsman/agent.key")
    assert config.spool == Path("/etc/roundsman/spool.sqlite")


def test_a_mistyped_key_is_told_with_the_name_that_was_meant() -> None:
    config, problem = only(GOOD.replace("status_s", "statsu_s"))
    assert (problem.line, problem.key) == (8, "pace.statsu_s")
    assert problem.fix.en == "rename it to status_s"
    assert config is not None
    assert len(config.devices) == 2


def test_a_key_that_is_like_none_is_told_with_those_that_may_stand_there() -> None:
    _, problems = read(GOOD.replace('url = "megatec', 'link = "megatec'))
    [problem] = [p for p in problems if p.key == "device.1.link"]
    assert problem.fix.en.startswith("remove it, or say by one of these what is meant: ")
    assert "url" in problem.fix.en.rpartition(": ")[2].split(", ")
    assert "url" in problem.fix.zh


def test_a_bad_device_is_left_out_and_the_others_run() -> None:
    text = GOOD.replace("modbus+rtu:///dev/ttyUSB0?unit=1&baud=9600", "modbus+rtu://ttyUSB0?unit=1")
    config, problem = only(text)
    assert (problem.line, problem.key) == (11, "device.0.url")
    assert config is not None
    assert [d.id for d in config.devices] == ["sz-futian/ups-2"]


@pytest.mark.parametrize(
    ("wrong", "right", "expected"),
    [
        ('id = "ups-2"', 'id = "ups-1"', (14, "device.1.id", "'ups-1'")),
        ('id = "ups-2"', 'id = "ups/2"', (14, "device.1.id", "'ups/2'")),
        ('id = "ups-2"\n', "", (13, "device.1.id", "nothing")),
        ('id = "ups-2"', "id = 2", (14, "device.1.id", "2")),
        ('"huawei_ups2000"', '"huawei_ups200"', (12, "device.0.profile", "'huawei_ups200'")),
        ('"huawei_ups2000"', '"rfc1628"', (12, "device.0.profile", "'rfc1628', which speaks snmp")),
        ("unit=1&", "unti=1&", (11, "device.0.url", "unti=…")),
        ("megatec:///dev/ttyS0", "megatek:///dev/ttyS0", (15, "device.1.url", "megatek")),
        ("status_s = 5", 'status_s = "5"', (8, "pace.status_s", "'5'")),
        ("status_s = 5", "status_s = true", (8, "pace.status_s", "True")),
        ("spool_max_mb = 64", "spool_max_mb = 0", (6, "agent.spool_max_mb", "0")),
        ('site = "sz-futian"\n', "", (1, "agent.site", "nothing")),
        ("https://collector.example:8620", "http://collector.example:8620", (3, "agent.collector", "'http://collector.example:8620'")),
        ("https://collector.example:8620", "collector.example", (3, "agent.collector", "'collector.example'")),
        ("https://collector.example:8620", "https://collector.example:86200", (3, "agent.collector", "'https://collector.example:86200'")),
        ('[pace]\nstatus_s = 5', "[[pace]]\nstatus_s = 5", (7, "pace", "[{'status_s': 5}]")),
    ],
)  # fmt: skip
def test_each_mistake_names_its_line_its_key_and_what_was_there(
    wrong: str, right: str, expected: tuple[int, str, str]
) -> None:
    assert told(GOOD.replace(wrong, right)) == expected


@pytest.mark.parametrize(("typed", "near"), [("huawei_ups200", "huawei_ups2000"), ("RFC-1628", "rfc1628")])
def test_a_mistyped_profile_is_told_the_nearest_one(typed: str, near: str) -> None:
    _, problem = only(GOOD.replace("huawei_ups2000", typed))
    assert (problem.fix.en, problem.fix.zh) == (f"did you mean `{near}`?", f"是否为 `{near}`？")


def test_every_mistake_is_found_in_one_reading() -> None:
    text = (
        GOOD.replace("sz-futian", "sz futian").replace("status_s = 5", "status_s = -1").replace("ttyS0", "ttyS0?baud=x")
    )
    config, problems = read(text)
    assert config is None
    assert [(p.line, p.key) for p in problems] == [(2, "agent.site"), (8, "pace.status_s"), (15, "device.1.url")]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8620", "http://localhost:8620", "http://[::1]:8620"])
def test_plain_http_is_taken_on_loopback(url: str) -> None:
    config, problems = read(GOOD.replace("https://collector.example:8620", url))
    assert config is not None
    assert config.loopback
    assert problems == []


@pytest.mark.parametrize(
    ("wrong", "right", "key"),
    [
        ('"file:agent.key"', '"s3cret-s3cret"', "agent.key"),
        ('"file:agent.key"', '["s3cret-s3cret"]', "agent.key"),
        ("https://collector", "https://joe:s3cret-s3cret@collector", "agent.collector"),
        ("megatec:///dev/ttyS0", "snmp://192.0.2.7?community=s3cret-s3cret", "device.1.url"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(wrong: str, right: str, key: str) -> None:
    _, problem = only(GOOD.replace(wrong, right))
    assert problem.key == key
    assert "s3cret" not in problem.render("en") + problem.render("zh")


def test_the_line_where_the_toml_breaks_is_named() -> None:
    assert told(GOOD.replace("spool_max_mb = 64", "spool_max_mb = = 64"))[0] == 6
    assert told(GOOD + 'name = "unclosed')[0] == 16


def test_a_file_that_is_not_there_or_not_text_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.toml", tmp_path):
        config, (problem,) = load(path)
        assert config is None
        assert problem.line == 0
    (tmp_path / "latin.toml").write_bytes('[agent]\nsite = "深圳"'.encode("gbk"))
    config, (problem,) = load(tmp_path / "latin.toml")
    assert config is None
    assert "UTF-8" in problem.got


def test_tables_of_the_collector_in_the_same_file_are_left_to_the_collector() -> None:
    assert read(GOOD + '[collector]\nlisten = "127.0.0.1:8620"\n[[connector]]\nkind = "webhook"\n')[1] == []


def test_a_modbus_device_without_a_profile_is_asked_what_it_is_with_a_warning() -> None:
    config, problem = only(GOOD.replace('profile = "huawei_ups2000"\n', ""))
    assert (problem.severity, problem.line, problem.key) == ("warning", 9, "device.0.profile")
    assert config is not None
    assert len(config.devices) == 2


def test_an_agent_without_devices_is_warned_of_and_still_tells_the_centre_that_it_lives() -> None:
    config, problem = only(GOOD[: GOOD.index("[[device]]")])
    assert problem.severity == "warning"
    assert config is not None


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_told_before_the_agent_starts(tmp_path: Path, text: str | None) -> None:
    if text:
        (tmp_path / "ca.pem").write_text(text)
    config, (problem,) = parse(GOOD.replace("[pace]", 'ca = "ca.pem"\n[pace]'), tmp_path / "agent.toml")
    assert config is None
    assert (problem.line, problem.key) == (7, "agent.ca")


def test_no_device_may_pass_for_the_agent_itself() -> None:
    config, problem = only(GOOD.replace('id = "ups-1"', 'id = "agent"'))
    assert (problem.key, problem.got) == ("device.0.id", "'agent'")
    assert config is not None
    assert len(config.devices) == 1

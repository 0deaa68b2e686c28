"""Devices on one line that do not go together are told by the name of the one that was there first."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import parse

HEAD = '[agent]\nsite = "sz"\ncollector = "http://127.0.0.1:8620"\n'
FIRST = "modbus+rtu:///dev/ttyS9?unit=1"


def told(*devices: tuple[str, str]) -> tuple[list[str], list[tuple[int, str, str]]]:
    """The devices that are left, and (line, severity, English) of each problem."""
    tables = "".join(
        f'[[device]]\nid = "d{n}"\nurl = "{url}"\n' + (f'profile = "{profile}"\n' if profile else "")
        for n, (url, profile) in enumerate(devices)
    )
    config, problems = parse(HEAD + tables, Path("agent.toml"))
    assert config
    return [device.id for device in config.devices], [(p.line, p.severity, p.render("en")) for p in problems]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (FIRST, "modbus+rtu:///dev/ttyS9?unit=2&baud=19200", "expected baud=9600, as sz/d0 has it"),
        (FIRST, "modbus+rtu:///dev/ttyS9?unit=2&parity=E", "expected parity=N, as sz/d0 has it"),
        (FIRST, "modbus+rtu:///dev/ttyS9?unit=2&rs485=rts", "expected no rs485, as sz/d0 has it"),
        ("modbus+tcp://192.0.2.1:4001", "modbus+rtuovertcp://192.0.2.1:4001?unit=2", "expected modbus+tcp, as sz/d0"),
    ],
)
def test_a_line_has_one_protocol_and_one_speed(first: str, second: str, expected: str) -> None:
    left, problems = told((first, "huawei_ups2000"), (second, "huawei_ups2000"))
    assert left == ["sz/d0"], "the other runs"
    ((line, severity, text),) = problems
    assert (line, severity) == (10, "error")
    assert expected in text


def test_two_protocols_on_one_port_and_two_ups_on_a_line_for_one_are_told() -> None:
    port = "megatec:///dev/ttyS9"
    left, problems = told((port, ""), (port, ""), ("modbus+rtu:///dev/ttyS9?unit=2", "huawei_ups2000"))
    assert left == ["sz/d0"]
    assert "one UPS on this port: sz/d0 is there" in problems[0][2]
    assert "expected megatec, as sz/d0 has it" in problems[1][2]


def test_what_says_the_same_in_other_words_goes_together() -> None:
    urls = [FIRST, "modbus+rtu:///dev/ttyS9?unit=2&baud=9600&bits=8&stop=1&parity=N", "modbus+rtu:///dev/ttyS9?unit=3"]
    assert told(*[(url, "huawei_ups2000") for url in urls]) == (["sz/d0", "sz/d1", "sz/d2"], [])
    several = [("snmp://192.0.2.5", "rfc1628"), ("snmp://192.0.2.5", "if_mib"), ("snmp://192.0.2.6", "if_mib")]
    assert told(*several) == (["sz/d0", "sz/d1", "sz/d2"], [])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (FIRST, FIRST, "expected a place of its own: sz/d0 has this one, got unit=1"),
        (FIRST, "modbus+rtu:///dev/ttyS9?unit=2&timeout=3", "expected timeout=1, as sz/d0 has it"),
    ],
)
def test_what_nobody_can_want_is_a_warning(first: str, second: str, expected: str) -> None:
    left, problems = told((first, "huawei_ups2000"), (second, "huawei_ups2000"))
    assert left == ["sz/d0", "sz/d1"]
    ((_, severity, text),) = problems
    assert severity == "warning"
    assert expected in text

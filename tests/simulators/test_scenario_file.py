"""A scenario file with mistakes is read to its end, and each mistake is named with its line and its mending."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.problem import Problem
from simulators import scenario_file
from simulators.scenario import Scenario

GOOD = """\
length_s = 60
[make.small]
kind = "ups"
mfr = "M"
model = "X"
firmware = "1"
rated_va = 3000
blocks = 6
block_ah = 9
[make.switch]
kind = "switch"
mfr = "M"
model = "S"
firmware = "1"
object_id = "1.3.6.1.4.1.8072"
ports = 4
[[site]]
id = "here"
number = 1
[[device]]
id = "ups"
make = "small"
wire = "megatec"
[[device]]
id = "sw"
make = "switch"
wire = "snmp"
host = 5
fed_by = "ups"
"""


def read(text: str) -> tuple[Scenario | None, list[Problem]]:
    return scenario_file.parse(text, "story.toml")


def test_a_good_file_has_no_problem_and_its_devices_have_whole_names() -> None:
    scenario, problems = read(GOOD)
    assert not problems
    assert scenario
    assert list(scenario.devices) == ["here/ups", "here/sw"]
    assert scenario.devices["here/sw"].fed_by == "here/ups"


@pytest.mark.parametrize(
    ("change", "line", "key", "words"),
    [
        (("blocks = 6", 'blocks = "six"'), 8, "make.small.blocks", "int"),
        (("rated_va = 3000", "rated_kva = 3"), 2, "make.small", "unknown field"),
        (('make = "small"', 'make = "smal"'), 22, "device.0.make", "small, switch"),
        (('wire = "megatec"', 'wire = "q1"'), 23, "device.0.wire", "Invalid enum value"),
        (('fed_by = "ups"', 'fed_by = "ups-9"'), 29, "device.1.fed_by", "here/ups"),
        (("number = 1", "number = 300"), 19, "site.0.number", "<= 254"),
        (("length_s = 60", "lenght_s = 60"), 1, "lenght_s", "length_s"),
    ],
)
def test_a_mistake_is_named_with_its_line(change: tuple[str, str], line: int, key: str, words: str) -> None:
    scenario, problems = read(GOOD.replace(*change))
    assert scenario is None
    assert [(problem.line, problem.key) for problem in problems] == [(line, key)]
    assert words in problems[0].render("en")
    assert "应为" in problems[0].render("zh")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("at = 1", "exactly one of"),
        ('at = 1\ndevice = "here/ups"\nfault = "fan"\nload = 0.5', "fault, load"),
        ('at = 1\nsite = "there"\nmains = false', "one of here"),
        ('at = 1\ndevice = "here/sw"\nfault = "fan"', "a switch"),
        ('at = 1\ndevice = "here/sw"\nport = 9\nlink = "down"', "1..4"),
        ('at = 1\ndevice = "here/sw"\nport = 2', "link or errors"),
        ('at = 1\ndevice = "here/sw"\nport = 2\nerrors = 50', "0.005"),
        ('at = 1\ndevice = "here/ups"\nfault = "fun"', "Invalid enum value 'fun'"),
    ],
)
def test_an_event_that_does_not_fit_is_named(event: str, words: str) -> None:
    scenario, problems = read(f"{GOOD}[[event]]\n{event}\n")
    assert scenario is None
    assert len(problems) == 1
    assert problems[0].line > GOOD.count("\n")
    assert words in problems[0].render("en")


USER = """\
[[user]]
name = "reader"
auth = "sha256"
auth_key = "eight or more"
"""
BUS = """\
[[device]]
id = "a"
make = "small"
wire = "rtu"
bus = "one"
[[device]]
id = "b"
make = "small"
wire = "rtu"
bus = "one"
unit = 2
"""
V3 = 'snmp = "v3"\nuser = "reader"\n'
MORE = GOOD + V3 + USER + BUS


def test_users_buses_and_traps_are_read() -> None:
    scenario, problems = read(MORE + '[trap]\nto = "127.0.0.1:1162"\ninform = true\n')
    assert not problems
    assert scenario
    assert scenario.users["reader"].auth == "sha256"
    assert scenario.trap
    assert scenario.trap.inform


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        (('auth_key = "eight or more"', 'auth_key = "short"'), "user.0.auth_key", "8 characters or more"),
        (('auth_key = "eight or more"', ""), "user.0.auth_key", "0 characters with sha256"),
        (('auth = "sha256"', 'priv = "aes128"\npriv_key = "eight or more"'), "user.0.priv", "add auth"),
        (('auth = "sha256"', 'auth = "sha3"'), "user.0.auth", "Invalid enum value 'sha3'"),
        (('user = "reader"', 'user = "writer"'), "device.1.user", "one of reader"),
        (('snmp = "v3"\n', ""), "device.1.user", 'only with snmp = "v3"'),
        (("host = 5", "host = 5\nturnaround_ms = 5"), "device.1.turnaround_ms", "wire of megatec, rtu"),
        (('wire = "megatec"', 'wire = "megatec"\ncounters = 32'), "device.0.counters", "wire of snmp"),
        (('wire = "megatec"', 'wire = "megatec"\nbaud = 50'), "device.0.baud", ">= 300"),
        (("host = 5", "host = 5\ncounters = 48"), "device.1.counters", "Invalid enum value 48"),
        (("host = 5", 'host = 5\nengine_id = "80"'), "device.1.engine_id", "regex"),
        (("host = 5", "host = 5\nuptime_days = -1"), "device.1.uptime_days", ">= 0"),
        (("unit = 2", "unit = 1"), "device.3.unit", "a unit only once on a bus"),
        (("unit = 2", "unit = 2\nbaud = 19200"), "device.3.baud", "a line has one rate"),
        (("unit = 2", 'unit = 2\n[trap]\nto = "here"'), "trap.to", "regex"),
    ],
)
def test_a_mistake_in_users_wires_or_traps_is_named(change: tuple[str, str], key: str, words: str) -> None:
    assert change[0] in MORE
    scenario, problems = read(MORE.replace(*change))
    assert scenario is None
    assert [problem.key for problem in problems if words in problem.render("en")] == [key]
    assert problems[0].line > 0


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ('device = "here/ups"\nwire = "deaf"', "deaf, on a megatec wire"),
        ('device = "here/ups"\nwire = "unplugged"\npart = 0.5', "no fault of single replies"),
        ('device = "here/ups"\nwire = "late"\nseconds = 100000', "<= 86400"),
        ('device = "here/one"\nwire = "wrong_unit"\nunit = 300', "<= 255"),
        ('device = "here/one"\nwire = "wrong_source"', "on a rtu wire"),
        ('device = "here/two"\nwire = "silent"', "one of here/ups"),
        ('device = "here/one"\nfault = "fan"', "one of here/ups"),
    ],
)
def test_a_wire_fault_that_does_not_fit_is_named(event: str, words: str) -> None:
    scenario, problems = read(f"{MORE}[[event]]\nat = 1\n{event}\n")
    assert scenario is None
    assert len(problems) == 1
    assert words in problems[0].render("en")


def test_all_mistakes_are_told_at_once() -> None:
    text = GOOD.replace("blocks = 6", 'blocks = "six"') + '[[event]]\nat = 1\nsite = "there"\nmains = false\n'
    keys = {problem.key for problem in read(text)[1]}
    assert {"make.small.blocks", "event.0.site"} <= keys


def test_events_happen_in_order_of_time_however_they_are_written() -> None:
    events = "".join(f'[[event]]\nat = {at}\nsite = "here"\nmains = true\n' for at in (30, 10, 20))
    scenario, _ = read(GOOD + events)
    assert scenario
    assert [event.at for event in scenario.events] == [10, 20, 30]


def test_a_file_that_is_not_there_and_one_that_is_not_toml_are_problems_too(tmp_path: Path) -> None:
    assert len(scenario_file.load(tmp_path / "none.toml")[1]) == 1
    assert "TOML" in read("length_s = = 3")[1][0].render("en")

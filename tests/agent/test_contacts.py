"""Dry contacts: what the agent's file says they mean, what is read of them, and what a wrong file is told."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.config import parse
from agent.links import open_link
from agent.profiles import Profile, Tier, load
from model.problem import Problem
from model.reading import Gap, GapCause, Reading
from tests.services import libmodbus

FILE = """[agent]
site = "a"
collector = "http://127.0.0.1:8620"
[[device]]
id = "io-1"
url = "modbus+tcp://192.0.2.7"
profile = "{profile}"
contacts = {contacts}
"""


def read(contacts: str, profile: str = "dry_contacts") -> tuple[Profile | None, list[Problem]]:
    config, problems = parse(FILE.format(profile=profile, contacts=contacts), Path("agent.toml"))
    assert config
    return (config.devices[0].profile if config.devices else None), problems


@pytest.mark.service
@pytest.mark.parametrize(("profile", "table"), [("dry_contacts", "inputs"), ("dry_contacts_coils", "bits")])
async def test_a_contact_is_told_as_it_is_and_as_what_it_means(profile: str, table: str) -> None:
    meant, problems = read('{ 1 = "alarm.on_battery", 2 = "!alarm.general_fault", 4 = "!alarm.battery_low" }', profile)
    assert not problems
    with libmodbus.serving("tcp", **{table: {0: [1, 1, 1, 0]}}) as place:
        url = DeviceUrl.parse(f"modbus+tcp://{place}?timeout=3")
        with closing(open_link(url)) as link:
            found = await ask_device(link, "a/io-1", url, meant, Tier.STATUS, lambda: 5)
    assert {(one.point, one.index): one.value for one in found if isinstance(one, Reading)} == {
        ("contact.closed", "1"): 1,
        ("alarm.on_battery", None): 1,
        ("contact.closed", "2"): 1,
        ("alarm.general_fault", None): 0,
        ("contact.closed", "4"): 0,
        ("alarm.battery_low", None): 1,
    }


@pytest.mark.service
async def test_a_module_with_eight_inputs_is_asked_for_eight() -> None:
    with libmodbus.serving("tcp", inputs={0: [1, 0] * 4}) as place:
        url = DeviceUrl.parse(f"modbus+tcp://{place}?timeout=3")
        with closing(open_link(url)) as link:
            await ask_device(link, "a/io-1", url, load("dry_contacts"), Tier.STATUS, lambda: 5)
            before = link.account.of("a/io-1").requests
            found = await ask_device(link, "a/io-1", url, load("dry_contacts"), Tier.STATUS, lambda: 6)
            assert link.account.of("a/io-1").requests == before + 1
    assert [one.value for one in found if isinstance(one, Reading)] == [1, 0] * 4
    assert [one.cause for one in found if isinstance(one, Gap)] == [GapCause.NOT_SUPPORTED] * 8


@pytest.mark.parametrize(
    ("contacts", "profile", "got"),
    [
        ('{ 1 = "alarm.on_batery" }', "dry_contacts", "1 = 'alarm.on_batery'"),
        ('{ 17 = "alarm.on_battery" }', "dry_contacts", "`17`"),
        ('{ 1 = "alarm.overload", 2 = "!alarm.overload" }', "dry_contacts", "`alarm.overload` twice"),
        ('{ 1 = "battery.voltage" }', "dry_contacts", "1 = 'battery.voltage'"),
        ("{ 1 = true }", "dry_contacts", "1 = True"),
        ("{}", "dry_contacts", "{}"),
        ('{ 1 = "alarm.overload" }', "huawei_ups2000", "`1`"),
    ],
)
def test_a_wrong_meaning_is_told_with_its_line_and_the_device_is_left_out(
    contacts: str, profile: str, got: str
) -> None:
    left, problems = read(contacts, profile)
    assert left is None
    (problem,) = problems
    assert (problem.line, problem.key, problem.got) == (8, "device.0.contacts", got)
    assert problem.fix.en
    assert problem.fix.zh

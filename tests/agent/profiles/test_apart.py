"""What stands apart in a profile: thresholds with their hysteresis and names, orders that are declared and never sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.address import DeviceUrl
from agent.config import parse
from agent.drivers import DRIVERS
from agent.profiles import PROFILES, Tier, lint, load
from agent.profiles.form import Profile
from tests.agent.drivers.made import of_modbus, profile_of, values

ROOM = """[[value]]
tier = "measure"
point = "ambient.temperature"
at = 1
[[value]]
tier = "measure"
point = "ambient.humidity"
at = 2
"""
HOT = """[[threshold]]
name = "hot_room"
tier = "measure"
point = "ambient.temperature"
above = 35
clear = 33
raises = "alarm.temperature"
"""
DRY = """[[threshold]]
name = "dry_room"
tier = "measure"
point = "ambient.humidity"
below = 20
clear = 25
raises = "alarm.general_fault"
"""
ORDER = """[[order]]
id = "battery_test"
title = { en = "Battery test", zh = "电池自检" }
source = "the maker's manual, page 9"
function = 6
at = 9000
value = 1
"""
HEAD = '[profile]\nid = "x"\ndriver = "modbus"\ntitle = { en = "X", zh = "造" }\nsource = "a manual"\n'


def flags(profile: Profile, temperature: int, humidity: int = 50) -> dict[str, float]:
    found = values(of_modbus(profile, {1: temperature, 2: humidity}))
    return {point: value for (point, _), value in found.items() if point.startswith("alarm.")}


def test_a_threshold_is_raised_beyond_its_limit_and_ends_beyond_its_end_only() -> None:
    profile = profile_of(ROOM + HOT + DRY, "modbus")
    assert flags(profile, 34) == {"alarm.general_fault": 0.0}, "between the two nothing is told: what was told stands"
    assert flags(profile, 36)["alarm.temperature"] == 1.0
    assert flags(profile, 32)["alarm.temperature"] == 0.0
    assert flags(profile, 20, 19)["alarm.general_fault"] == 1.0
    assert "alarm.general_fault" not in flags(profile, 20, 22)
    assert flags(profile, 20, 26)["alarm.general_fault"] == 0.0


def test_the_devices_own_flag_counts_beside_it() -> None:
    own = '[[value]]\ntier = "measure"\npoint = "alarm.temperature"\nat = 3\nstates = { 0 = 0, 1 = 1 }\n'
    profile = profile_of(ROOM + own + HOT, "modbus")

    def told(temperature: int, flag: int) -> float | str | None:
        return values(of_modbus(profile, {1: temperature, 2: 50, 3: flag})).get(("alarm.temperature", None))

    assert [told(20, 0), told(20, 1), told(40, 0), told(40, 1)] == [0.0, 1.0, 1.0, 1.0]
    assert (told(34, 1), told(34, 0)) == (1.0, None)


CONFIG = '[agent]\nsite = "s"\ncollector = "http://127.0.0.1:8620"\n[[device]]\nid = "d"\nurl = "modbus+tcp://192.0.2.1?unit=1"\nprofile = "PROFILE"\n'


def configured(folder: Path, more: str) -> tuple[Profile | None, list[str]]:
    file = folder / "x.toml"
    file.write_text(HEAD + ROOM + HOT + DRY)
    config, problems = parse(CONFIG.replace("PROFILE", str(file)) + more, folder / "agent.toml")
    wrong = [problem.render("en") for problem in problems if problem.severity == "error"]
    return (config.devices[0].profile if config and config.devices else None), wrong


def test_a_device_has_its_own_limits_by_their_names(tmp_path: Path) -> None:
    profile, problems = configured(tmp_path, "thresholds = { hot_room = 40, dry_room = false }\n")
    assert problems == []
    assert profile is not None
    assert flags(profile, 36) == {"alarm.temperature": 0.0}, "the end moved with the limit: 38"
    assert flags(profile, 39) == {}
    assert flags(profile, 41, 1) == {"alarm.temperature": 1.0}
    profile, problems = configured(tmp_path, "thresholds = { dry_room = { limit = 10, clear = 11 } }\n")
    assert problems == []
    assert profile is not None
    assert [flags(profile, 20, n).get("alarm.general_fault") for n in (9, 11, 12)] == [1.0, None, 0.0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("thresholds = { warm_room = 40 }", "one of hot_room, dry_room"),
        ("thresholds = { hot_room = { limit = 40, clear = 41 } }", "its good side"),
        ('thresholds = { hot_room = "40" }', "a number"),
        ("thresholds = 40", "thresholds by name"),
    ],
)
def test_an_override_that_cannot_be_meant_is_told(tmp_path: Path, written: str, expected: str) -> None:
    _, problems = configured(tmp_path, f"{written}\n")
    assert [expected in problem for problem in problems] == [True], problems


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (ROOM + HOT.replace("clear = 33", "clear = 35"), "threshold.0.clear"),
        (ROOM + HOT.replace("above = 35", "above = 35\nbelow = 3"), "threshold.0.above"),
        (ROOM + HOT.replace('"alarm.temperature"', '"ups.load"'), "threshold.0.raises"),
        (ROOM + HOT.replace('"ambient.temperature"', '"ups.load"'), "threshold.0.point"),
        (ROOM + HOT + HOT, "threshold.1.name"),
        (ROOM + ORDER + "enabled = true\n", "order.0.enabled"),
        (ROOM + ORDER.replace("function = 6", "function = 3"), "order.0.function"),
        (ROOM + ORDER + ORDER, "order.1.id"),
        (ROOM + ORDER.replace("at = 9000\n", ""), "order.0.at"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, key: str) -> None:
    profile, problems = lint("x.toml", HEAD + text)
    assert profile is None
    found = {problem.key: problem for problem in problems}
    assert key in found, [problem.render("en") for problem in problems]
    assert found[key].line > 0
    assert found[key].expected.zh
    assert found[key].fix.zh


def test_a_declared_order_is_kept_and_changes_no_question() -> None:
    plain, declared = profile_of(ROOM, "modbus"), profile_of(ROOM + ORDER, "modbus")
    assert [(one.id, one.function, one.at, one.value) for one in declared.orders] == [("battery_test", 6, "9000", 1)]
    url = DeviceUrl.parse("modbus+tcp://192.0.2.1?unit=1")
    for tier in Tier:
        asked = DRIVERS[url.scheme].plan(declared, url, tier)
        assert asked == DRIVERS[url.scheme].plan(plain, url, tier)


def test_a_serial_order_is_no_command_that_asks() -> None:
    head = HEAD.replace('"modbus"', '"megatec"')
    asks = '[[order]]\nid = "x"\ntitle = { en = "x", zh = "x" }\nsource = "s"\ncommand = "Q1"\n'
    _, problems = lint("x.toml", head + asks)
    assert "order.0.command" in [problem.key for problem in problems]


@pytest.mark.parametrize("id", PROFILES)
def test_no_profile_of_ours_declares_an_order_that_is_also_asked(id: str) -> None:
    profile = load(id)
    assert not {order.command for order in profile.orders} & profile.commands.keys()

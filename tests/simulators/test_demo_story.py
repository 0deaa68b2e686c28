"""The demo's twenty minutes, told by the pure model alone."""

from __future__ import annotations

import pytest

from model.points import BatteryStatus, OperStatus, Source
from simulators import scenario_file, world
from simulators.scenario import Scenario
from simulators.world import World
from tests.services.simulated import DEMO

T0 = 1_700_000_000_000
UPSES = ("ups-1", "ups-2", "ups-3", "ups-4", "ups-5")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    read, problems = scenario_file.load(DEMO)
    assert not problems
    assert read
    return read


@pytest.fixture(scope="module")
def story(scenario: Scenario) -> dict[int, World]:
    present = world.begin(world.opening(scenario, T0))
    told = {}
    for at in (0, 44, 46, 61, 89, 119, 121, 181, 610, 420, 1019, 1021, 1055, 1100, 1400):
        told[at] = present = world.advance(scenario, present, T0 + at * 1000)
    return told


def values(scenario: Scenario, present: World, device: str) -> dict[str, float]:
    return world.meters(present, scenario.devices[device])


def flags(scenario: Scenario, present: World, device: str) -> set[str]:
    return {name for name, value in values(scenario, present, device).items() if name.startswith("alarm.") and value}


def silent(scenario: Scenario, present: World) -> set[str]:
    return {id for id, device in scenario.devices.items() if not world.answering(present, device)}


def test_six_sites_of_seven_devices(scenario: Scenario) -> None:
    assert len(scenario.devices) == 42
    assert list(scenario.sites) == ["sz-futian", "sz-nanshan", "gz-tianhe", "hz-xihu", "nb-haishu", "kul-cheras"]


def test_before_anything_happens_nobody_has_a_flag(scenario: Scenario, story: dict[int, World]) -> None:
    assert not any(flags(scenario, story[44], id) for id in scenario.devices)
    assert not silent(scenario, story[44])


def test_one_battery_asks_to_be_replaced_and_one_fan_stops(scenario: Scenario, story: dict[int, World]) -> None:
    flagged = {id: flags(scenario, story[119], id) for id in scenario.devices}
    assert {id: found for id, found in flagged.items() if found} == {
        "nb-haishu/ups-3": {"alarm.replace_battery"},
        "gz-tianhe/ups-5": {"alarm.fan_failure"},
    }


def test_the_outage_puts_five_upses_on_battery_and_no_other_site(scenario: Scenario, story: dict[int, World]) -> None:
    for id, device in scenario.devices.items():
        if device.kind == "ups":
            dark = device.site.id == "sz-futian"
            expected = Source.BATTERY if dark else Source.NORMAL
            assert values(scenario, story[121], id)["ups.source"] == expected
            assert (values(scenario, story[121], id)["input.voltage#1"] == 0) is dark


def test_who_falls_silent_and_when(scenario: Scenario, story: dict[int, World]) -> None:
    assert silent(scenario, story[119]) == set()
    assert silent(scenario, story[121]) == {"sz-futian/sw-2"}
    assert silent(scenario, story[181]) == {"sz-futian/sw-2", "sz-futian/ups-4"}
    assert silent(scenario, story[1021]) == {"sz-futian/sw-2"}  # it boots
    assert silent(scenario, story[1055]) == set()


def test_the_aged_battery_loses_charge_faster_than_its_twin_and_says_nothing(
    scenario: Scenario, story: dict[int, World]
) -> None:
    aged, twin = (values(scenario, story[1019], f"sz-futian/ups-{n}") for n in (1, 2))
    assert aged["battery.charge"] == pytest.approx(35, abs=4)
    assert twin["battery.charge"] == pytest.approx(61, abs=4)
    assert (100 - aged["battery.charge"]) / (100 - twin["battery.charge"]) == pytest.approx(1 / 0.6, rel=0.05)
    assert aged["battery.status"] == BatteryStatus.NORMAL
    assert flags(scenario, story[1019], "sz-futian/ups-1") == flags(scenario, story[1019], "sz-futian/ups-2")


def test_the_ups_believes_in_the_rated_runtime_all_along(scenario: Scenario, story: dict[int, World]) -> None:
    before = values(scenario, story[119], "sz-futian/ups-1")
    assert before["battery.runtime"] == pytest.approx(2230, rel=0.03)
    during = values(scenario, story[420], "sz-futian/ups-1")
    assert during["battery.runtime"] == pytest.approx(2230 * during["battery.charge"] / 100, rel=0.04)


def test_everyone_survives_with_something_in_hand(scenario: Scenario, story: dict[int, World]) -> None:
    for name in UPSES:
        last = values(scenario, story[1019], f"sz-futian/{name}")
        assert last["ups.source"] == Source.BATTERY
        assert last["battery.charge"] > (30 if name == "ups-1" else 48)
        assert last["battery.status"] == BatteryStatus.NORMAL
        assert values(scenario, story[1019], f"sz-futian/{name}")["output.voltage#1"] == 220


def test_after_the_outage_the_batteries_fill_and_the_flags_are_gone(
    scenario: Scenario, story: dict[int, World]
) -> None:
    for name in UPSES:
        device = f"sz-futian/{name}"
        assert values(scenario, story[1100], device)["ups.source"] == Source.NORMAL
        assert not flags(scenario, story[1100], device)
        charges = [values(scenario, story[at], device)["battery.charge"] for at in (1021, 1100, 1400)]
        assert charges == sorted(charges)


def test_port_three_first_sheds_packets_and_then_its_link(scenario: Scenario, story: dict[int, World]) -> None:
    def port(at: int) -> dict[str, float]:
        return values(scenario, story[at], "hz-xihu/sw-1")

    assert port(89)["ifInErrors#3"] == 0
    good = port(181)["ifInUcastPkts#3"] - port(89)["ifInUcastPkts#3"]
    assert port(181)["ifInErrors#3"] / good == pytest.approx(0.005, rel=0.1)
    assert port(181)["ifOperStatus#3"] == OperStatus.UP
    assert port(610)["ifOperStatus#3"] == OperStatus.DOWN
    assert port(1100)["ifHCInOctets#3"] == port(610)["ifHCInOctets#3"]


def test_the_story_is_the_same_in_longer_strides(scenario: Scenario, story: dict[int, World]) -> None:
    strided = world.begin(world.opening(scenario, T0))
    for at in range(7, 1100, 31):
        strided = world.advance(scenario, strided, T0 + at * 1000, 2000)
    strided = world.advance(scenario, strided, T0 + 1_100_000, 2000)
    for id, device in scenario.devices.items():
        ours, theirs = values(scenario, strided, id), values(scenario, story[1100], id)
        assert ours.keys() == theirs.keys()
        if device.kind == "ups":
            assert ours["battery.charge"] == pytest.approx(theirs["battery.charge"], abs=0.3)

"""A story in a scenario file: wires that fail and heal by themselves, traps from the start, counters that wrap."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from simulators import engine, if_mib, scenario_file, world
from simulators.objects import Oid
from simulators.scenario import Scenario
from tests.services.simulated import simulated
from tests.simulators.lines import CHARGE, READ_CHARGE, rtu, serial

WIRES = Path(__file__).with_name("wires.toml").read_text()
IN_32, IN_64 = (1, 3, 6, 1, 2, 1, 2, 2, 1, 10, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6, 1)
UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
STORY = """
[[event]]
at = 10
device = "lab/bus"
wire = "silent"
[[event]]
at = 20
device = "lab/rtu-2"
wire = "none"
[[event]]
at = 30
device = "lab/rtu-1"
wire = "unplugged"
[[event]]
at = 40
device = "lab/rtu-1"
wire = "unplugged"
on = false
[[event]]
at = 50
device = "lab/v3"
wire = "reboot"
"""
SAME = 'engine_id = "80001f8805aabbccdd"\nuser'


def read(text: str) -> Scenario:
    scenario, problems = scenario_file.parse(text, "story.toml")
    assert scenario, problems
    return scenario


def test_wires_fail_and_heal_as_the_story_has_it() -> None:
    scenario = read(WIRES + STORY)
    present = world.begin(world.opening(scenario, 0))
    seen = {}
    for at in (5, 15, 25, 35, 45, 55, 85):
        seen[at] = present = world.advance(scenario, present, at * 1000)
    assert not seen[5].wires
    assert set(seen[15].wires) == {"lab/bus", "lab/rtu-1", "lab/rtu-2"}
    assert set(seen[25].wires) == {"lab/bus", "lab/rtu-1"}
    assert seen[35].unplugged == {"lab/bus"}
    assert not seen[45].unplugged
    device = scenario.devices["lab/v3"]
    assert [world.answering(seen[at], device) for at in (45, 55, 85)] == [True, False, True]
    assert (seen[45].states[device.id].boots, seen[85].states[device.id].boots) == (1, 2)


def shown(scenario: Scenario, present: world.World, device: str, oid: Oid) -> int | None:
    of = scenario.devices[device]
    value = if_mib.objects(of, world.meters(present, of)).get(oid)
    assert value is None or isinstance(value[1], int)
    return value[1] if value else None


def test_a_counter_of_32_bits_and_sys_up_time_wrap_and_the_truth_does_not() -> None:
    scenario = read(WIRES + '[[only]]\ndevice = "lab/v1"\nuptime_days = 497.1026\n')
    before = world.opening(scenario, 0)
    after = world.advance(scenario, before, 60_000)
    for oid in (IN_32, UPTIME):
        was, is_now = (shown(scenario, present, "lab/v1", oid) for present in (before, after))
        assert was is not None
        assert is_now is not None
        assert is_now < was
    assert shown(scenario, before, "lab/v1", IN_64) is None
    assert shown(scenario, before, "lab/v3-switch", IN_64) is not None
    truth = [world.meters(present, scenario.devices["lab/v1"])["ifHCInOctets#1"] for present in (before, after)]
    assert truth[0] == pytest.approx(4_294_967_000, abs=1000)
    assert truth[1] > 2**32


def test_cloned_devices_have_one_engine_id_and_the_others_each_their_own() -> None:
    clones = read(WIRES.replace('user = "reader"', SAME + ' = "reader"')).devices
    ids = {
        id: engine.engine_id(clones[id], 0).hex() for id in ("lab/v3", "lab/v3-switch", "lab/v3-old", "lab/v3-plain")
    }
    assert ids["lab/v3"] == ids["lab/v3-switch"] == "80001f8805aabbccdd"
    assert len(set(ids.values())) == 3
    assert engine.engine_id(clones["lab/v3"], 1).hex() != ids["lab/v3"]


def test_a_story_on_real_wires_sends_its_traps_and_spoils_its_lines(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(10)
        events = '[[event]]\nat = 0\ndevice = "lab/rtu-1"\nwire = "wrong_unit"\nunit = 9\n'
        events += '[[event]]\nat = 0\ndevice = "lab/v1"\nport = 1\nlink = "down"\n'
        path = tmp_path / "story.toml"
        path.write_text(f'{WIRES}{events}[trap]\nto = "127.0.0.1:{ear.getsockname()[1]}"\n')
        with simulated(tmp_path / "wires", scenario=path) as lab:
            lab.order(cmd="start")
            assert b"public\xa4" in ear.recv(2000)  # an SNMPv1 Trap-PDU
            with serial(lab.place("lab/rtu-1")) as bus:
                assert bus.ask(rtu(1, READ_CHARGE), 7) == rtu(9, CHARGE)

"""What agents say unasked, heard by Net-SNMP's snmptrapd, in every version."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators import engine, scenario_file, traps, world
from simulators.scenario import Event, Scenario
from tests.services.simulated import Simulated, simulated
from tests.services.snmptrapd import Receiver, receiving

WIRES = Path(__file__).with_name("wires.toml")
UPS_TRAPS, STANDARD = ".1.3.6.1.2.1.33.2", ".1.3.6.1.6.3.1.1.5"
WORDS = "auth-words-for-tests AES priv-words-for-tests"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    read, problems = scenario_file.load(WIRES)
    assert read, problems
    return read


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory, scenario: Scenario) -> Iterator[Receiver]:
    engines = [engine.engine_id(scenario.devices[f"lab/{id}"], 0).hex() for id in ("v3", "v3-switch")]
    users = [f"-e 0x{id} reader SHA-256 {WORDS}" for id in engines]
    with receiving(tmp_path_factory.mktemp("traps"), *users, f"reader SHA-256 {WORDS}") as running:
        yield running


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("wires"), scenario=WIRES) as running:
        running.order(cmd="traps", to=receiver.place)
        running.truth()
        yield running


def place_of(ear: socket.socket) -> str:
    host, port = ear.getsockname()
    return f"{host}:{port}"


def said(scenario: Scenario, device: str, before: world.World, after: world.World) -> list[str]:
    found = traps.due(scenario.devices[device], before.states[device], after.states[device])
    return [trap.name for trap in found]


def test_on_battery_is_said_at_once_and_each_minute_and_alarms_when_they_come_and_go(scenario: Scenario) -> None:
    def said_by(before: world.World, after: world.World) -> list[str]:
        return said(scenario, "lab/v2c", before, after)

    well = world.opening(scenario, 0)
    dark = world.happen(scenario, well, Event(at=0, site="lab", mains=False))
    assert said_by(well, dark) == ["upsTrapOnBattery", *["upsTrapAlarmEntryAdded"] * 3]
    half = world.advance(scenario, dark, 30_000)
    assert said_by(dark, half) == []
    assert said_by(half, world.advance(scenario, half, 60_500)) == ["upsTrapOnBattery"]
    lit = world.happen(scenario, half, Event(at=0, site="lab", mains=True))
    assert said_by(half, lit) == ["upsTrapAlarmEntryRemoved"] * 3


def test_a_card_that_reboots_on_battery_says_that_and_all_that_stands_anew(scenario: Scenario) -> None:
    dark = world.happen(scenario, world.opening(scenario, 0), Event(at=0, site="lab", mains=False))
    down = world.happen(scenario, dark, Event(at=0, device="lab/v2c", wire="reboot", seconds=5))
    assert said(scenario, "lab/v2c", dark, down) == []
    up = world.advance(scenario, down, 6_000)
    added = ["upsTrapAlarmEntryAdded"] * 3
    assert said(scenario, "lab/v2c", down, up) == ["coldStart", "upsTrapOnBattery", *added]


@pytest.mark.service
def test_the_same_alarm_in_version_2c_and_in_version_3_signed_and_encrypted(lab: Simulated, receiver: Receiver) -> None:
    for device, security in (("lab/v2c", "TRAP2, SNMP v2c, community public"), ("lab/v3", "SNMP v3, user reader")):
        lab.order(cmd="fault", device=device, fault="fan")
        told = lab.heard("event")
        assert (told["event"], told["device"], told["trap"]) == ("trap", device, "upsTrapAlarmEntryAdded")
        line = receiver.wait(security, f"{UPS_TRAPS}.3", ".1.3.6.1.2.1.33.1.6.2.1.2.1 = OID: .1.3.6.1.2.1.33.1.6.3.16")
        assert ".1.3.6.1.2.1.33.1.6.2.1.1.1 = INTEGER: 1" in line
        lab.order(cmd="fault", device=device, fault="fan", on=False)
        assert lab.heard("event")["trap"] == "upsTrapAlarmEntryRemoved"
        receiver.wait(security, f"{UPS_TRAPS}.4", ".1.3.6.1.2.1.33.1.6.3.16")


@pytest.mark.service
def test_a_port_goes_down_in_version_1_with_its_generic_number(lab: Simulated, receiver: Receiver) -> None:
    lab.order(cmd="port", device="lab/v1", port=2, link="down")
    assert " 2 0;" in receiver.wait("got v1 .1.3.6.1.4.1.25506.1.1588 ", ".1.3.6.1.2.1.2.2.1.8.2 = INTEGER: 2")
    lab.order(cmd="port", device="lab/v1", port=2, link="up")
    assert " 3 0;" in receiver.wait("got v1 .1.3.6.1.4.1.25506.1.1588 ", ".1.3.6.1.2.1.2.2.1.8.2 = INTEGER: 1")


@pytest.mark.service
@pytest.mark.parametrize(("device", "fault"), [("lab/v2c", "charger"), ("lab/v3", "charger")])
def test_an_inform_is_acknowledged(lab: Simulated, receiver: Receiver, device: str, fault: str) -> None:
    lab.order(cmd="traps", to=receiver.place, inform=True)
    lab.order(cmd="fault", device=device, fault=fault)
    while (told := lab.heard("event"))["event"] != "inform":
        pass
    assert told == {"event": "inform", "device": device, "trap": "upsTrapAlarmEntryAdded", "acknowledged": True}
    receiver.wait("INFORM", f"{UPS_TRAPS}.3", ".1.3.6.1.2.1.33.1.6.3.13")
    lab.order(cmd="traps", to=receiver.place)
    lab.order(cmd="fault", device=device, fault=fault, on=False)
    assert lab.heard("event")["trap"] == "upsTrapAlarmEntryRemoved"


def test_a_trap_is_lost_on_a_silent_line_and_comes_twice_on_a_doubling_one(lab: Simulated) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(3)
        lab.order(cmd="traps", to=place_of(ear))
        lab.order(cmd="fault", device="lab/v2c", fault="silent")
        lab.order(cmd="fault", device="lab/v2c", fault="general")
        assert lab.heard("event")["trap"] == "upsTrapAlarmEntryAdded"
        lab.order(cmd="fault", device="lab/v2c", fault="duplicated", seconds=0)
        lab.order(cmd="fault", device="lab/v2c", fault="general", on=False)
        first = ear.recv(2000)
        assert bytes.fromhex("2b060102012102 04") in first  # EntryRemoved: the Added before it never came
        assert ear.recv(2000) == first
        lab.order(cmd="fault", device="lab/v2c", fault="none")


def test_informs_to_nobody_end_unacknowledged(lab: Simulated) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        lab.order(cmd="traps", to=place_of(deaf), inform=True)
        lab.order(cmd="port", device="lab/v3-plain", port=1, link="down")
        while (told := lab.heard("event"))["event"] != "inform":
            pass
        assert not told["acknowledged"]
        lab.order(cmd="traps", to="")

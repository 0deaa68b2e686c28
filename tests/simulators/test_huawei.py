"""Registers as the vendor's guide has them, frames as real cards sent them."""

from __future__ import annotations

import re

import msgspec
import pytest
from pymodbus.framer import FramerRTU

from simulators import huawei, modbus, scenario_file, world
from simulators.scenario import Device, Event, Scenario
from simulators.serve_rtu import rtu_length
from simulators.world import World
from tests.services import shared
from tests.services.simulated import DEMO

CARD = "sz-futian/ups-1"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    read, _ = scenario_file.load(DEMO)
    assert read
    return msgspec.structs.replace(read, unrest=0.0)


@pytest.fixture
def present(scenario: Scenario) -> World:
    return world.advance(scenario, world.opening(scenario, 0), 5_000)


def word(scenario: Scenario, present: World, address: int, device: str = CARD) -> int:
    words = huawei.read(world.meters(present, scenario.devices[device]), "V100R001C00", address, 1)
    assert words is not None
    return words[0]


def test_the_first_ups_is_found_with_and_without_its_number(scenario: Scenario, present: World) -> None:
    assert word(scenario, present, 11000) == word(scenario, present, 1000) == 2200
    assert word(scenario, present, 11024) == 2


def test_phases_that_a_single_phase_machine_lacks_are_not_available(scenario: Scenario, present: World) -> None:
    assert word(scenario, present, 11001) == word(scenario, present, 11022) == huawei.NO_SCALED


def test_an_unused_register_of_a_block_reads_zero_and_outside_there_is_none(scenario: Scenario, present: World) -> None:
    meters = world.meters(present, scenario.devices[CARD])
    assert word(scenario, present, 11090) == 0
    for address, count in ((11095, 10), (21000, 1), (300, 1), (65535, 1)):
        assert huawei.read(meters, "", address, count) is None


def test_an_outage_sets_the_bits_of_the_guide_and_no_others(scenario: Scenario, present: World) -> None:
    def standing(of: World) -> set[tuple[int, int]]:
        return {
            (base, bit)
            for base in range(40155, 40184)
            for bit in range(16)
            if word(scenario, of, base + 1024) >> bit & 1
        }

    assert standing(present) == set()
    dark = world.happen(scenario, present, Event(at=0, site="sz-futian", mains=False))
    assert standing(dark) == {(40171, 8), (40155, 10), (40161, 1)}
    assert word(scenario, dark, 11024) == 3
    assert word(scenario, dark, 12002) == 5


@pytest.mark.parametrize(
    ("fault", "base", "bit"),
    [("fan", 40171, 0), ("charger", 40171, 1), ("replace_battery", 40180, 0), ("general", 40182, 1)],
)
def test_each_fault_has_its_bit(scenario: Scenario, present: World, fault: str, base: int, bit: int) -> None:
    event = msgspec.convert({"at": 0, "device": CARD, "fault": fault}, Event)
    assert word(scenario, world.happen(scenario, present, event), base + 1024) == 1 << bit


def reply(scenario: Scenario, present: World, pdu: str, device: Device | None = None) -> str:
    of = device or scenario.devices[CARD]
    return modbus.answer(of, world.meters(present, of), bytes.fromhex(pdu)).hex(" ")


@pytest.mark.parametrize(
    ("pdu", "exception"),
    [
        ("04 2a f8 00 01", "84 01"),
        ("06 2b 15 00 01", "86 01"),
        ("10 2b 15 00 01 02 00 01", "90 01"),
        ("41 00", "c1 01"),
        ("03 01 2c 00 01", "83 02"),
        ("03 2a f8 00 00", "83 03"),
        ("03 2a f8 00 7e", "83 03"),
        ("2b 0e 04 00", "ab 03"),
    ],
)
def test_what_the_card_does_not_do_is_an_exception(
    scenario: Scenario, present: World, pdu: str, exception: str
) -> None:
    assert reply(scenario, present, pdu) == exception


def test_a_request_is_as_long_as_its_function_says() -> None:
    assert rtu_length(bytes.fromhex("11 03")) == 8
    assert rtu_length(bytes.fromhex("01 2b 0e 03 87")) == 7
    assert rtu_length(bytes.fromhex("01 10 05 50 00 02")) is None
    assert rtu_length(bytes.fromhex("01 10 05 50 00 02 04")) == 13
    assert rtu_length(b"\x01") is None


def frames(label: str) -> list[bytes]:
    """The frames in the rows of modbus-frames.md that start with `label`."""
    lines = shared("devices", "wire", "modbus-frames.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith(f"| {label}")]
    return [bytes.fromhex(match[1]) for row in rows for match in [re.search(r"`([0-9A-Fa-f ]+)`", row)] if match]


@pytest.mark.shared
def test_the_vendors_own_requests_are_whole_frames_to_us() -> None:
    requests = frames("> identify") + frames("> input voltage A") + frames("> write single")
    assert len(requests) >= 6
    for frame in requests:
        assert rtu_length(frame) == len(frame)
        assert FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))


@pytest.mark.shared
def test_the_basic_identity_is_the_vendors_byte_for_byte(scenario: Scenario, present: World) -> None:
    (expected,) = frames("< HUAWEI")
    assert reply(scenario, present, "2b 0e 01 00") == expected[1:-2].hex(" ")


def test_the_extended_identity_lists_one_ups_with_its_serial_number(scenario: Scenario, present: World) -> None:
    raw = bytes.fromhex(reply(scenario, present, "2b 0e 03 87"))
    assert raw[:13] == bytes.fromhex("2b 0e 03 03 00 00 02 87 04 00 00 00 01")
    assert scenario.devices[CARD].serial.encode() in raw

"""Q1, F and I as real interfaces send them: column for column."""

from __future__ import annotations

import re

import msgspec
import pytest

from simulators import megatec, scenario_file, world
from simulators.scenario import Device, Event, Scenario
from tests.services import shared
from tests.services.simulated import DEMO

PORT = "sz-futian/ups-4"
Q1 = re.compile(rb"\(\d{3}\.\d \d{3}\.\d \d{3}\.\d \d{3} \d\d\.\d (\d\d\.\d|\d\.\d\d) (\d\d\.\d|--\.-) [01]{8}")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    read, _ = scenario_file.load(DEMO)
    assert read
    return msgspec.structs.replace(read, unrest=0.0)


def ask(scenario: Scenario, command: bytes, *events: Event, device: Device | None = None) -> bytes:
    present = world.advance(scenario, world.opening(scenario, 0), 5_000)
    for event in events:
        present = world.happen(scenario, present, event)
    of = scenario.devices[PORT]
    return megatec.answer(device or of, world.meters(present, of), command)


def test_on_mains_all_is_quiet(scenario: Scenario) -> None:
    assert ask(scenario, b"Q1") == b"(220.0 220.0 220.0 028 50.0 81.7 30.9 00000000"


def test_on_battery_the_first_and_the_last_bit_stand(scenario: Scenario) -> None:
    reply = ask(scenario, b"Q1", Event(at=0, site="sz-futian", mains=False))
    assert reply.startswith(b"(000.0 000.0 220.0 028 00.0 ")
    assert reply.endswith(b" 10000001")


@pytest.mark.parametrize(
    ("fault", "bits"), [("general", b"00010000"), ("inverter", b"00110000"), ("bypass", b"00100000")]
)
def test_a_failed_ups_and_bypass_have_their_bits(scenario: Scenario, fault: str, bits: bytes) -> None:
    event = msgspec.convert({"at": 0, "device": PORT, "fault": fault}, Event)
    assert ask(scenario, b"Q1", event).endswith(b" " + bits)


def test_an_online_ups_may_give_the_volts_of_one_cell(scenario: Scenario) -> None:
    device = scenario.devices[PORT]
    per_cell = msgspec.structs.replace(device, entry=msgspec.structs.replace(device.entry, rated_field="cell"))
    assert b" 2.27 " in ask(scenario, b"Q1", device=per_cell)


def test_the_ratings_and_the_name_plate_have_their_widths(scenario: Scenario) -> None:
    assert ask(scenario, b"F") == b"#220.0 013 72.00 50.0"
    assert ask(scenario, b"I") == b"#SANTAK          C3K        V2.10     "


def test_what_it_does_not_know_it_echoes(scenario: Scenario) -> None:
    assert ask(scenario, b"QMOD") == b"QMOD"


@pytest.mark.shared
def test_our_status_line_has_the_shape_of_the_recorded_ones(scenario: Scenario) -> None:
    rows = shared("devices", "wire", "serial-qx.tsv").read_text().splitlines()[1:]
    recorded = [row.split("\t")[2].encode() for row in rows if row.split("\t")[1] in ("Q1", "QS")]
    whole = [line for line in recorded if len(line) == 46]
    assert len(whole) >= 5
    assert all(Q1.fullmatch(line) for line in whole)
    ours = ask(scenario, b"Q1")
    assert Q1.fullmatch(ours)
    assert len(ours) == 46

"""The running simulators: what they say, what they obey, and what a bad line does."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.framer import FramerRTU

from tests.services.simulated import Simulated, simulated

FAST = 60.0
READ_CHARGE = "03 2e e3 00 01"  # register 12003


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("wires")) as running:
        yield running


def typed(path: str, command: bytes, end: bytes = b"\r", seconds: float = 3.0) -> bytes:
    """Open a serial line, send a command, return what comes until `end` or nothing more comes; close it again."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(port, command)
        heard = b""
        while not (heard and heard.endswith(end)) and select.select([port], [], [], seconds)[0]:
            heard += os.read(port, 256)
        return heard
    finally:
        os.close(port)


def rtu(unit: int, pdu: str) -> bytes:
    frame = bytes([unit]) + bytes.fromhex(pdu)
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


def on_bus(path: str, unit: int, pdu: str = READ_CHARGE, *, seconds: float = 3.0) -> bytes:
    """The reply to a read of one register: seven bytes."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(port, rtu(unit, pdu))
        heard = b""
        while len(heard) < 7 and select.select([port], [], [], seconds)[0]:
            heard += os.read(port, 256)
        return heard
    finally:
        os.close(port)


def over_tcp(place: str, frame: bytes, seconds: float = 3.0) -> bytes:
    host, port = place.split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as line:
        line.sendall(frame)
        try:
            return line.recv(260)
        except TimeoutError:
            return b""


def test_the_ready_line_names_every_device_once(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        assert len(sites.urls) == 42
        assert {device["kind"] for device in sites.devices} == {"ups", "switch"}
        assert sites.urls["sz-futian/ups-2"].startswith(f"modbus+rtu://{tmp_path}/sz-futian-bus1?unit=2")
        assert len(set(sites.urls.values())) == 42


def test_readers_come_and_go_and_the_line_stays(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        path = sites.place("sz-futian/ups-4")
        for _ in range(5):
            assert typed(path, b"Q1\r").startswith(b"(2")
        assert typed(path, b"Q", seconds=0.2) + typed(path, b"1\r") == typed(path, b"Q1\r")


@pytest.mark.parametrize("ending", ["stdin", "stop", "term"])
def test_every_way_to_stop_leaves_nothing_behind(tmp_path: Path, ending: str) -> None:
    with simulated(tmp_path / "wires") as sites:
        assert list((tmp_path / "wires").iterdir())
        if ending == "stop":
            sites.order(cmd="stop")
        elif ending == "term":
            sites.child.send_signal(signal.SIGTERM)
        else:
            assert sites.child.stdin
            sites.child.stdin.close()
        assert sites.child.wait(10) == 0
    assert not list((tmp_path / "wires").iterdir())


def test_the_story_waits_for_its_start_and_then_tells_itself(tmp_path: Path) -> None:
    with simulated(tmp_path, FAST) as sites:
        assert sites.truth()["nb-haishu/ups-3"]["alarm.replace_battery"] == 0
        sites.order(cmd="start")
        told = sites.heard("event")
        assert (told["at"], told["device"], told["fault"]) == (45, "nb-haishu/ups-3", "replace_battery")
        assert sites.truth()["nb-haishu/ups-3"]["alarm.replace_battery"] == 1


def test_mains_off_by_command_darkens_one_site(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        sites.order(cmd="mains", site="hz-xihu", on=False)
        truth = sites.truth()
        assert truth["hz-xihu/ups-1"]["ups.source"] == 5
        assert truth["sz-futian/ups-1"]["ups.source"] == 3
        assert typed(sites.place("hz-xihu/ups-4"), b"Q1\r").endswith(b" 10000001\r")


def test_a_silent_unit_leaves_its_neighbour_on_the_bus_alone(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        bus = sites.place("sz-futian/ups-1")
        sites.order(cmd="fault", device="sz-futian/ups-1", fault="silent")
        sites.truth()
        assert on_bus(bus, 1, seconds=0.3) == b""
        assert on_bus(bus, 2)[:3] == bytes.fromhex("02 03 02")
        sites.order(cmd="fault", device="sz-futian/ups-1", fault="none")
        sites.truth()
        assert on_bus(bus, 1)[:5] == bytes.fromhex("01 03 02 00 64")


def test_a_garbled_line_breaks_the_check_sum_and_a_torn_one_the_frame(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        bus = sites.place("sz-futian/ups-1")
        sites.order(cmd="fault", device="sz-futian/ups-1", fault="garbled")
        sites.truth()
        reply = on_bus(bus, 1)
        assert len(reply) == 7
        assert not FramerRTU.check_CRC(reply[:-2], int.from_bytes(reply[-2:], "big"))
        sites.order(cmd="fault", device="sz-futian/ups-1", fault="torn")
        sites.truth()
        assert 0 < len(on_bus(bus, 1, seconds=0.3)) < 7


def test_a_late_answer_comes_whole_when_no_one_expects_it(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        bus = sites.place("sz-futian/ups-1")
        sites.order(cmd="fault", device="sz-futian/ups-1", fault="late", seconds=1.0)
        sites.truth()
        assert on_bus(bus, 1, seconds=0.1) == b""
        assert on_bus(bus, 9, seconds=5.0)[:3] == bytes.fromhex("01 03 02")


def test_noise_before_a_request_costs_that_request_only(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        bus = sites.place("sz-futian/ups-1")
        assert typed(bus, b"\x5a" + rtu(1, READ_CHARGE), seconds=0.3) == b""
        assert on_bus(bus, 1)[:3] == bytes.fromhex("01 03 02")


def test_a_write_is_refused_and_told(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        reply = over_tcp(sites.place("sz-futian/ups-3"), bytes.fromhex("00 07 00 00 00 06 01 06 2b 15 00 01"))
        assert reply.hex(" ") == "00 07 00 00 00 03 01 86 01"
        told = sites.heard("event")
        assert (told["event"], told["device"], told["request"]) == ("refused", "sz-futian/ups-3", "06 2b 15 00 01")


def test_another_unit_behind_tcp_is_silence_and_another_protocol_is_hung_up_on(tmp_path: Path) -> None:
    with simulated(tmp_path) as sites:
        place = sites.place("sz-futian/ups-3")
        assert over_tcp(place, bytes.fromhex("00 01 00 00 00 06 09 03 2e e3 00 01"), 0.3) == b""
        assert over_tcp(place, b"GET / HTTP/1.0\r\n\r\n") == b""


@pytest.mark.parametrize(
    "command",
    [
        {"cmd": "dance"},
        {"cmd": "fault", "device": "nowhere/ups-1", "fault": "silent"},
        {"cmd": "fault", "device": "sz-futian/sw-1", "fault": "fan"},
        {"cmd": "fault", "device": "sz-futian/ups-1", "fault": "plague"},
        {"cmd": "mains", "site": "atlantis", "on": False},
        {"cmd": "mains", "site": "hz-xihu"},
        {"cmd": "load", "device": "hz-xihu/ups-1", "load": -3},
    ],
)
def test_a_command_that_cannot_be_is_an_error_and_the_rest_goes_on(
    sites: Simulated, command: dict[str, object]
) -> None:
    sites.order(**command)
    assert sites.heard("error")["error"]
    assert sites.truth()["hz-xihu/ups-1"]["ups.source"] == 3


def test_a_scenario_with_mistakes_is_not_started(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[[device]]\nid = "a"\nmake = "none"\nwire = "tcp"\n')
    code = (
        "import sys; from pathlib import Path; from model.timescale import REAL; from simulators.serve import main;"
        "sys.exit(main(Path(sys.argv[1]), REAL, Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, str(bad), str(tmp_path / "wires")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60, check=False
    )
    assert done.returncode == 2
    assert "bad.toml:3: device.0.make" in done.stderr

"""Each fault of a wire, seen by a reader at its other end: the right bytes, at the right place."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.simulated import Simulated, simulated
from tests.simulators.lines import CHARGE, READ_CHARGE, Port, received, rtu, serial, tcp, whole

WIRES = Path(__file__).with_name("wires.toml")
REPLY = rtu(1, CHARGE)
#: Seconds in which nothing is nothing.
QUIET = 0.15
OVER_TCP = bytes.fromhex("00 07 00 00 00 06 01 03 2e e3 00 01")
TCP_REPLY = bytes.fromhex("00 07 00 00 00 05 01 03 02 00 64")
GET_NAME = bytes.fromhex(
    "30 26 02 01 01 04 06 70 75 62 6c 69 63 a0 19 02 01 07 02 01 00 02 01 00 30 0e 30 0c 06 08 2b 06 01 02 01 01 05 00 05 00"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("wires"), scenario=WIRES) as running:
        yield running


@pytest.fixture
def bus(lab: Simulated) -> Iterator[Port]:
    with serial(lab.place("lab/rtu-1")) as port:
        yield port
        heal(lab, "lab/bus")


def fault(lab: Simulated, device: str, fault: str, **rest: object) -> None:
    lab.order(cmd="fault", device=device, fault=fault, **rest)
    lab.truth()


def heal(lab: Simulated, device: str) -> None:
    fault(lab, device, "none")


def ask(bus: Port, size: int = 100, unit: int = 1) -> bytes:
    return bus.ask(rtu(unit, READ_CHARGE), size, QUIET)


def test_an_echoed_request_comes_back_before_the_reply_and_for_absent_units_alone(lab: Simulated, bus: Port) -> None:
    fault(lab, "lab/bus", "echoed")
    assert ask(bus) == rtu(1, READ_CHARGE) + REPLY
    assert ask(bus, unit=9) == rtu(9, READ_CHARGE)


def test_a_duplicated_reply_comes_twice(lab: Simulated, bus: Port) -> None:
    fault(lab, "lab/rtu-1", "duplicated", seconds=0.1)
    assert ask(bus, 7) == REPLY
    assert bus.hear(100, QUIET) == REPLY
    assert ask(bus, unit=2) == rtu(2, CHARGE)


@pytest.mark.parametrize(("asked", "answers"), [(None, 2), (77, 77)])
def test_a_wrong_unit_answers_in_anothers_name(lab: Simulated, bus: Port, asked: int | None, answers: int) -> None:
    fault(lab, "lab/rtu-1", "wrong_unit", unit=asked)
    assert ask(bus) == rtu(answers, CHARGE)


def test_noise_before_and_after_leaves_the_reply_whole_in_its_midst(lab: Simulated, bus: Port) -> None:
    fault(lab, "lab/rtu-1", "noise_before")
    heard = ask(bus)
    assert heard.endswith(REPLY)
    assert 1 <= len(heard) - len(REPLY) <= 4
    fault(lab, "lab/rtu-1", "noise_after")
    heard = ask(bus)
    assert heard.startswith(REPLY)
    assert 1 <= len(heard) - len(REPLY) <= 4


def test_a_slow_unit_answers_everything_in_its_order(lab: Simulated, bus: Port) -> None:
    fault(lab, "lab/rtu-1", "slow", seconds=0.1)
    os.write(bus.number, rtu(1, READ_CHARGE) + rtu(1, "03 00 00 00 01") + rtu(1, READ_CHARGE))
    assert bus.hear(100, 0.3) == REPLY + rtu(1, "83 02") + REPLY


def test_a_share_of_the_replies_is_hit_and_the_same_ones_each_time(tmp_path: Path) -> None:
    def answered(folder: str) -> list[bool]:
        with simulated(tmp_path / folder, scenario=WIRES) as lab, serial(lab.place("lab/rtu-1")) as bus:
            fault(lab, "lab/rtu-1", "silent", part=0.5)
            return [bool(bus.ask(rtu(1, READ_CHARGE), 7, 0.2)) for _ in range(16)]  # a busy machine answers late

    first = answered("one")
    assert 3 < sum(first) < 13
    assert answered("two") == first


def test_an_early_request_is_told_counted_and_lost_on_a_deaf_unit(lab: Simulated, bus: Port) -> None:
    with serial(lab.place("lab/crawl")) as line:  # at 600 Bd t3.5 is 58 ms
        assert line.ask(rtu(1, READ_CHARGE), 7) == REPLY
        assert line.ask(rtu(1, READ_CHARGE), 7) == REPLY  # at once after the last byte
        told = lab.heard("event")
        assert (told["event"], told["wire"], told["unit"], told["count"]) == ("early", "lab/crawl", 1, 1)
    before = early(lab)
    two = rtu(1, READ_CHARGE) + rtu(1, READ_CHARGE)
    assert bus.ask(two, 100, QUIET) == REPLY * 2
    assert early(lab) == before + 1
    fault(lab, "lab/rtu-1", "deaf")
    assert bus.ask(two, 100, QUIET) == REPLY
    assert ask(bus) == REPLY  # after the pause
    assert early(lab) == before + 2


def early(lab: Simulated) -> int:
    lab.order(cmd="truth")
    return int(lab.heard("truth")["wires"]["lab/bus"]["early"])


def test_an_unplugged_port_hangs_up_and_comes_back_by_another_name(lab: Simulated) -> None:
    path = Path(lab.place("lab/rtu-2"))
    with serial(str(path)) as port:
        fault(lab, "lab/rtu-1", "unplugged")
        assert not path.is_symlink()
        with pytest.raises(OSError) as gone:
            os.write(port.number, b"x")
        assert gone.value.errno == errno.EIO
    lab.order(cmd="fault", device="lab/bus", fault="unplugged", on=False, node="usb-1-2")
    told = lab.heard("event")
    assert (told["event"], told["wire"], told["path"]) == ("plugged", "lab/bus", str(path.with_name("usb-1-2")))
    with serial(told["path"]) as port:
        assert ask(port) == REPLY
    fault(lab, "lab/bus", "unplugged")
    lab.order(cmd="fault", device="lab/bus", fault="unplugged", on=False, node=path.name)
    lab.truth()
    assert path.is_symlink()
    assert not path.with_name("usb-1-2").is_symlink()


def test_a_single_serial_line_is_unplugged_and_echoes_too(lab: Simulated) -> None:
    path = lab.place("lab/q1")
    with serial(path) as port:
        fault(lab, "lab/q1", "echoed")
        assert port.ask(b"Q1\r", 100, QUIET).startswith(b"Q1\r(220.0 220.0")
        fault(lab, "lab/q1", "unplugged")
        assert not Path(path).is_symlink()
    heal(lab, "lab/q1")
    with serial(path) as port:
        assert port.ask(b"Q1\r", 100, QUIET).startswith(b"(220.0 220.0")


def test_a_half_open_device_takes_connections_and_says_nothing_until_it_resets_them(lab: Simulated) -> None:
    place = lab.place("lab/tcp")
    with tcp(place) as before:
        before.sendall(OVER_TCP)
        assert received(before) == TCP_REPLY
        fault(lab, "lab/tcp", "half_open")
        before.sendall(OVER_TCP)
        with tcp(place) as during:
            during.sendall(OVER_TCP)
            during.shutdown(socket.SHUT_WR)
            during.settimeout(QUIET)
            with pytest.raises(TimeoutError):
                during.recv(100)
            heal(lab, "lab/tcp")
            for line in (before, during):
                line.settimeout(3)
                with pytest.raises(ConnectionResetError):
                    line.recv(100)
    with tcp(place) as after:
        after.sendall(OVER_TCP)
        assert received(after) == TCP_REPLY


def test_over_tcp_replies_are_doubled_misnamed_and_dirtied_too(lab: Simulated) -> None:
    with tcp(lab.place("lab/tcp")) as line:
        fault(lab, "lab/tcp", "duplicated", seconds=0)
        line.sendall(OVER_TCP)
        assert received(line) + received(line, QUIET) == TCP_REPLY * 2
        fault(lab, "lab/tcp", "wrong_unit", unit=9)
        line.sendall(OVER_TCP)
        assert received(line) == TCP_REPLY[:6] + b"\x09" + TCP_REPLY[7:]
        fault(lab, "lab/tcp", "noise_before")
        line.sendall(OVER_TCP)
        heard = received(line)
        heard += received(line, QUIET)
        assert heard.endswith(TCP_REPLY)
        assert len(heard) > len(TCP_REPLY)
        heal(lab, "lab/tcp")


def test_an_snmp_reply_may_come_from_elsewhere_twice_or_among_rubbish(lab: Simulated) -> None:
    host, port = lab.place("lab/v2c").split(":")
    asked = (host, int(port))

    def heard() -> list[tuple[bytes, tuple[str, int]]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(GET_NAME, asked)
            line.settimeout(3)
            came = [line.recvfrom(2000)]
            line.settimeout(QUIET)
            with contextlib.suppress(TimeoutError):
                came.append(line.recvfrom(2000))
            return came

    ((reply, source),) = heard()
    assert source == asked
    assert b"lab/v2c" in reply
    fault(lab, "lab/v2c", "wrong_source")
    ((astray, source),) = heard()
    assert astray == reply
    assert source[0] == host
    assert source != asked
    fault(lab, "lab/v2c", "duplicated", seconds=0)
    assert heard() == [(reply, asked)] * 2
    fault(lab, "lab/v2c", "noise_before")
    (rubbish, _), (after, _) = heard()
    assert after == reply
    assert len(rubbish) <= 4
    heal(lab, "lab/v2c")


def test_a_rebooting_device_is_silent_for_its_seconds(tmp_path: Path) -> None:
    with simulated(tmp_path, 1.0, WIRES) as lab, serial(lab.place("lab/rtu-1")) as bus:
        fault(lab, "lab/rtu-1", "reboot", seconds=1)
        assert ask(bus) == b""
        assert ask(bus, unit=2) == rtu(2, CHARGE)
        while not (heard := ask(bus)):
            pass
        assert heard == REPLY


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"device": "lab/tcp", "fault": "deaf"}, "deaf, on a tcp wire"),
        ({"device": "lab/rtu-1", "fault": "half_open"}, "half_open, on a rtu wire"),
        ({"device": "lab/v3", "fault": "unplugged"}, "unplugged, on a snmp wire"),
        ({"device": "lab/v2c", "fault": "engine_id"}, 'snmp = "v3"'),
        ({"device": "lab/rtu-1", "fault": "reboot", "part": 0.5}, "no part"),
        ({"device": "lab/rtu-1", "fault": "silent", "part": 1.5}, "<= 1"),
        ({"device": "lab/rtu-1", "fault": "late", "seconds": -1}, ">= 0"),
        ({"device": "lab/rtu-1", "fault": "late", "unit": 3}, "unit only with wrong_unit"),
        ({"device": "lab/rtu-1", "fault": "unplugged", "node": "usb1"}, "node only with"),
        ({"device": "lab/rtu-1", "fault": "unplugged", "on": False, "node": "../x"}, "node"),
        ({"device": "lab/bus9", "fault": "silent"}, "one of lab/rtu-1"),
    ],
)
def test_a_fault_that_a_wire_cannot_have_is_told(lab: Simulated, command: dict[str, object], words: str) -> None:
    lab.order(cmd="fault", **command)
    assert words in lab.heard("error")["error"]


def test_broken_frames_are_never_answered_and_are_counted(lab: Simulated, bus: Port) -> None:
    spoiled = bytearray(rtu(1, READ_CHARGE))
    spoiled[3] ^= 1
    assert bus.ask(bytes(spoiled), 7, QUIET) == b""
    lab.order(cmd="truth")
    assert lab.heard("truth")["wires"]["lab/bus"]["broken"] >= 1
    assert whole(ask(bus))

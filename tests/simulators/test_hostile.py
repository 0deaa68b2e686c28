"""Whatever comes over a wire or on stdin: the simulators answer or do not, and go on."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import ber, engine, envelope, modbus, scenario_file, snmp, usm, v3, world
from simulators.objects import integer, view
from simulators.snmp import Answered
from simulators.usm import AUTH, PRIV, REPORTABLE, Clock
from tests.services.simulated import Simulated, simulated
from tests.simulators.lines import CHARGE, READ_CHARGE, received, rtu, serial, tcp

WIRES = Path(__file__).with_name("wires.toml")
OVER_TCP = bytes.fromhex("00 07 00 00 00 06 01 03 2e e3 00 01")
_SCENARIO, _ = scenario_file.load(WIRES)
assert _SCENARIO
DEVICE = _SCENARIO.devices["lab/v3"]
WORLD = world.opening(_SCENARIO, 0)
ENGINE = engine.engine(_SCENARIO, DEVICE, 0, engine.Started(boots=3, zero_ms=0), 1_000_000)
READER = ENGINE.users[b"reader"]
SHOWN = view({(1, 3, 6, 1, n): integer(n) for n in range(1, 40)}, None)
GET = envelope.pdu("get", 7, ber.sequence(ber.sequence(bytes.fromhex("06032b0601"), b"\x05\x00")))


def secured(flags: int = AUTH | PRIV | REPORTABLE, clock: Clock = ENGINE.clock) -> bytes:
    payload = v3.scoped(ENGINE.id, GET)
    return v3.write(payload, id=9, flags=flags, engine_id=ENGINE.id, clock=clock, user=READER, number=1)


@given(st.binary(max_size=200))
def test_no_datagram_breaks_the_envelopes(raw: bytes) -> None:
    assert envelope.request(raw) is None or raw[0] == ber.SEQUENCE
    v3.Agent().reply(raw, ENGINE, lambda asked: snmp.answer(asked, SHOWN))


@given(seed=st.integers(0, 10_000))
def test_a_bent_v3_message_is_refused_or_dropped_and_never_answered_with_values(seed: int) -> None:
    chance = Random(seed)
    bent = bytearray(secured())
    for _ in range(chance.randint(1, 3)):
        bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)
    asked: list[envelope.Pdu] = []

    def answer(pdu: envelope.Pdu) -> Answered:
        asked.append(pdu)
        return snmp.answer(pdu, SHOWN)

    v3.Agent().reply(bytes(bent), ENGINE, answer)
    assert not asked or bytes(bent) == secured()


@pytest.mark.parametrize(
    ("flags", "clock", "counter"),
    [
        (AUTH | PRIV | REPORTABLE, Clock(2, 1000), 2),
        (AUTH | PRIV | REPORTABLE, Clock(3, 800), 2),
    ],
)
def test_a_message_out_of_its_time_gets_a_signed_report(flags: int, clock: Clock, counter: int) -> None:
    report = v3.Agent().reply(secured(flags, clock), ENGINE, lambda asked: snmp.answer(asked, SHOWN))
    assert report
    message = v3.read(report)
    assert usm.signed(READER, report, message.signature_at, message.signature_octets)
    _, pdu = v3.read_scoped(message.payload)
    assert (pdu.verb, pdu.oids) == ("report", ((1, 3, 6, 1, 6, 3, 15, 1, 1, counter, 0),))
    assert v3.Agent().reply(secured(flags & ~REPORTABLE, clock), ENGINE, lambda a: snmp.answer(a, SHOWN)) is None


@given(st.binary(min_size=1, max_size=80))
def test_no_modbus_request_breaks_the_card(pdu: bytes) -> None:
    device = _SCENARIO.devices["lab/tcp"] if _SCENARIO else DEVICE
    assert modbus.answer(device, world.meters(WORLD, device), pdu)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("wires"), scenario=WIRES) as running:
        yield running


def test_rubbish_on_every_wire_and_on_stdin_leaves_all_wires_answering(lab: Simulated) -> None:
    chance = Random(1)
    for device in ("lab/rtu-1", "lab/q1"):
        with serial(lab.place(device)) as line:
            os.write(line.number, chance.randbytes(1500))
            line.hear(10_000, 0.3)
    for _ in range(50):
        with tcp(lab.place("lab/tcp")) as line:
            line.sendall(chance.randbytes(chance.randint(1, 400)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for device in ("lab/v1", "lab/v2c", "lab/v3"):
            host, port = lab.place(device).split(":")
            for size in (0, 1, 7, 60, 484, 9000):
                sender.sendto(chance.randbytes(size), (host, int(port)))
    assert lab.child.stdin
    for words in ("[]", "{", '{"cmd":5}', '{"cmd":"fault"}', '{"cmd":"traps","to":"nowhere"}', "x" * 100_000):
        lab.child.stdin.write(words + "\n")
        lab.child.stdin.flush()
        assert lab.heard("error")
    lab.truth()
    with serial(lab.place("lab/rtu-1")) as line:
        line.hear(10_000, 0.2)
        assert line.ask(rtu(1, READ_CHARGE), 7) == rtu(1, CHARGE)
    with tcp(lab.place("lab/tcp")) as connection:
        connection.sendall(OVER_TCP)
        assert received(connection)


def test_a_hundred_connections_are_served_and_one_that_never_reads_is_hung_up_on(lab: Simulated) -> None:
    lines = [tcp(lab.place("lab/tcp")) for _ in range(100)]
    for line in lines:
        line.sendall(OVER_TCP)
    assert {len(received(line)) for line in lines} == {11}
    for line in lines:
        line.close()
    with socket.socket() as glutton:
        glutton.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        glutton.settimeout(20)
        host, port = lab.place("lab/tcp").split(":")
        glutton.connect((host, int(port)))
        with pytest.raises(ConnectionError):
            ask_forever(glutton)


def ask_forever(line: socket.socket) -> None:
    while True:
        line.sendall(bytes.fromhex("00 07 00 00 00 06 01 03 2a f8 00 63") * 1000)

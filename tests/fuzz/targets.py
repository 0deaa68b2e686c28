"""Every parser that meets bytes from outside, as a function that takes any bytes and must come back in peace.

A target raises nothing but what its parser promises (a gap, a problem, its own error). Seeds are whole, sound inputs to
start from. `tests/fuzz/test_targets.py` runs them by property in the suite, `python -m tests.fuzz.run` for long and, where
atheris is installed, guided by coverage.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from agent import config
from agent.address import AddressError, DeviceUrl
from agent.drivers import megatec, modbus, records, snmp
from agent.drivers.exchange import (
    Answer,
    Command,
    Exchange,
    Failure,
    GetVariables,
    Line,
    ReadIdentity,
    ReadWords,
    Request,
    Variable,
    Variables,
    WalkVariables,
    Words,
)
from agent.drivers.megatec_frames import crc16, shaped
from agent.drivers.modbus_frames import find_tcp, rtu, tcp
from agent.drivers.rtu_frames import find_rtu
from agent.profiles import PROFILES, Profile, Tier, lint, load
from agent.uplink import outcome_of
from model.batch import Batch, BatchError, decode, encode
from model.points import POINTS, plausible
from model.reading import Gap, GapCause, Reading
from simulators import envelope, scenario_file

Target = Callable[[bytes], None]


class Fuzzed(NamedTuple):
    """One target, sound inputs to begin with."""

    run: Target
    seeds: tuple[bytes, ...]


_ASK = ReadWords(unit=1, function=3, address=11000, count=1)
_COILS = ReadWords(unit=1, function=2, address=0, count=9)
_WHO = ReadIdentity(unit=1)
_URL = DeviceUrl.parse("modbus+tcp://127.0.0.1:502?unit=1")
_LINE_URL = DeviceUrl.parse("megatec:///dev/ttyS0")
_SNMP_URL = DeviceUrl.parse("snmp://127.0.0.1?community=public")
_Q1 = b"(229.4 229.4 229.4 013 49.9 13.1 25.0 00001001"
_QPIGS = b"(238.0 49.9 238.0 49.9 0382 0263 013 476 26.98 000 100 0620 0000 000.0 00.00 00000 10011101 00 04 00000 101"


def _whole(samples: list[Reading | Gap | object]) -> None:
    """What every reading promises, whatever came over the wire."""
    for one in samples:
        if isinstance(one, Reading):
            assert plausible(POINTS[one.point], one.value), one
        elif isinstance(one, Gap):
            assert len(one.raw) <= 200, one


def rtu_reply(data: bytes) -> None:
    """A serial Modbus reply with anything around it."""
    for request in (_ASK, _COILS, _WHO):
        found = find_rtu(data, request)
        if found and isinstance(found[0], Words):
            assert isinstance(request, ReadWords)
            assert len(found[0].values) == request.count


def tcp_reply(data: bytes) -> None:
    """A stream of Modbus TCP frames."""
    for request in (_ASK, _COILS, _WHO):
        rest = data
        for _ in range(64):
            found = find_tcp(rest, request, 1)
            if found is None:
                break
            assert len(found[1]) < len(rest)
            rest = found[1]


def modbus_registers(data: bytes) -> None:
    """Registers of any content through every Modbus profile."""
    words = tuple(int.from_bytes(data[n : n + 2], "big") for n in range(0, len(data) - 1, 2)) or (0,)

    def answer(request: Request) -> Answer | Failure:
        assert isinstance(request, ReadWords | ReadIdentity)
        if isinstance(request, ReadIdentity):
            found = find_rtu(data, request)
            return found[0] if found else Failure(cause=GapCause.GARBLED)
        return Words(tuple(words[(request.address + n) % len(words)] for n in range(request.count)))

    for profile in _profiles("modbus"):
        for tier in Tier:
            exchanges = [Exchange(request=r, answer=answer(r), at=1) for r in modbus.plan(profile, _URL, tier)]
            _whole(list(records(modbus.read(profile, _URL, tier, exchanges), "s/d")))


def megatec_reply(data: bytes) -> None:
    """A line of a serial UPS through every profile of the family; its check sum made right half of the time."""
    for profile in _profiles("megatec"):
        for tier in Tier:
            exchanges = []
            for request in megatec.plan(profile, _LINE_URL, tier):
                assert isinstance(request, Command)
                sound = data + crc16(data) if request.crc and len(data) % 2 else data
                exchanges.append(Exchange(request=request, answer=shaped(sound + b"\r", request), at=1))
                if len(data) % 3 == 0:
                    exchanges.append(Exchange(request=request, answer=Line(data.decode("latin-1")), at=1))
            _whole(list(records(megatec.read(profile, _LINE_URL, tier, exchanges), "s/d")))


#: An input goes through one of so many profiles: which, the input says.
_SHARE = 6


def snmp_variables(data: bytes) -> None:
    """Variables of any type at every place that the SNMP profiles look at; of the many profiles a few each time."""
    profiles = _profiles("snmp")
    for profile in profiles[sum(data) % _SHARE :: _SHARE]:
        for tier in Tier:
            exchanges = [
                Exchange(request=r, answer=_variables(r, data), at=1) for r in snmp.plan(profile, _SNMP_URL, tier)
            ]
            _whole(list(records(snmp.read(profile, _SNMP_URL, tier, exchanges), "s/d")))


def _variables(request: Request, data: bytes) -> Answer | Failure:
    kinds: tuple[Callable[[bytes], Variable], ...] = (
        lambda d: int.from_bytes(d[:9], "big", signed=True),
        lambda d: d,
        lambda d: ".".join(str(byte) for byte in d[:12]),
        lambda d: d.decode("latin-1"),
        lambda _: None,
        lambda d: float(int.from_bytes(d[:4], "big", signed=True)) / 7,
        lambda d: float("nan") if len(d) % 2 else float("inf"),
    )

    def value(n: int) -> Variable:
        piece = data[n % max(len(data), 1) :] or b"\0"
        return kinds[(piece[0] + n) % len(kinds)](piece)

    if isinstance(request, GetVariables):
        return Variables({oid: value(n) for n, oid in enumerate(request.oids)})
    assert isinstance(request, WalkVariables)
    return Variables({f"{request.root}.{n // 3}.{n}": value(n) for n in range(min(len(data), 12))})


def batch(data: bytes) -> None:
    """What an agent sends."""
    with contextlib.suppress(BatchError):
        decode(data)


def receipt(data: bytes) -> None:
    """What a centre, or a captive portal, answers."""
    outcome_of(200, data, "s", 1)


def profile_file(data: bytes) -> None:
    """A profile as a technician writes it."""
    found, problems = lint("fuzz.toml", data.decode("utf-8", "replace"))
    assert (found is None) == bool(problems)


def agent_file(data: bytes) -> None:
    """An agent's file."""
    config.parse(data.decode("utf-8", "replace"), Path("/nowhere/agent.toml"))


def scenario(data: bytes) -> None:
    """A simulator's scenario."""
    scenario_file.parse(data.decode("utf-8", "replace"), "fuzz.toml")


def address(data: bytes) -> None:
    """A device's URL."""
    with contextlib.suppress(AddressError):
        url = DeviceUrl.parse(data.decode("utf-8", "replace"))
        assert url.timeout_s > 0
        assert url.link_key


def simulated_agent(data: bytes) -> None:
    """A datagram at a simulated SNMP agent."""
    envelope.request(data)


def _profiles(driver: str) -> list[Profile]:
    return [profile for profile in map(load, PROFILES) if profile.driver == driver]


def _file(name: str) -> bytes:
    return (Path(__file__).parents[2] / name).read_bytes()


_GET = bytes.fromhex("302902010104067075626c6963a01c020411223344020100020100300e300c06082b060102010101000500")
_BATCH = encode(
    Batch(
        spool="s", row=1, site="s", boot="b", at=1,
        readings=[Reading(device="s/d", point="battery.voltage", index=None, at=1, value=1.0)], gaps=[], events=[],
    )
)  # fmt: skip
_AGENT = b"""[agent]
site = "s"
collector = "http://127.0.0.1:8620"
[[device]]
id = "ups-1"
url = "modbus+rtu:///dev/ttyUSB0?unit=3&baud=9600&parity=N"
profile = "huawei_ups2000"
"""

TARGETS: dict[str, Fuzzed] = {
    "rtu_reply": Fuzzed(rtu_reply, (bytes.fromhex("010302089d7e2d"), rtu(_ASK), bytes.fromhex("0183021031"))),
    "tcp_reply": Fuzzed(tcp_reply, (bytes.fromhex("000100000005010302089d"), tcp(_ASK, 1))),
    "modbus_registers": Fuzzed(modbus_registers, (bytes(range(64)), b"\xff\xff" * 8, b"\x7f\xff\x80\x00")),
    "megatec_reply": Fuzzed(megatec_reply, (_Q1, _QPIGS, b"#220.0 013 72.00 50.0", b"(NAK")),
    "snmp_variables": Fuzzed(snmp_variables, (b"\x00\x00\x08\xfe", b"230", b"-1", b"\xff\xff\xff\xff")),
    "batch": Fuzzed(batch, (_BATCH,)),
    "receipt": Fuzzed(receipt, (b'{"spool": "s", "row": 1}',)),
    "profile_file": Fuzzed(
        profile_file, (_file("agent/profiles/megatec_q1.toml"), _file("agent/profiles/if_mib.toml"))
    ),
    "agent_file": Fuzzed(agent_file, (_AGENT,)),
    "scenario": Fuzzed(scenario, (_file("simulators/scenarios/demo.toml"),)),
    "address": Fuzzed(address, (b"modbus+tcp://192.0.2.5:502?unit=1", b"snmp://[::1]:161?version=2c&community=env:A")),
    "simulated_agent": Fuzzed(simulated_agent, (_GET,)),
}

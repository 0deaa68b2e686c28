"""A recorded line plays what it recorded: in order, byte for byte, silent where it was silent, on wires of every kind."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from agent.address import DeviceUrl
from agent.drivers.exchange import Failure, GetVariables, ReadWords, Request, Variables, WalkVariables, Words
from agent.links import open_link
from model import flight
from model.flight import Asked, Flight, Frame, Header, Octets, Value, Why, Wired
from model.reading import GapCause
from simulators.replay import MEGATEC, TCP, Place, Splitter, Tape
from simulators.serve_replay import Replay
from tests.services.replayed import ROOT, replayed

ID = "sz/ups-1"
_rtu, _tcp = FramerRTU(DecodePDU(is_server=True)), FramerSocket(DecodePDU(is_server=True))


def flown(scheme: str, *frames: Frame, unit: str = "1") -> Flight:
    options = {"unit": unit, "timeout": "0.4"} if scheme.startswith("modbus") else {"timeout": "0.4"}
    header = Header(
        flight=1, agent="0.1.0", site="sz", link="x", devices=(Wired(id=ID, scheme=scheme, options=options),),
        why=Why(kind="asked", device=ID), at=1, event=0,
    )  # fmt: skip
    return Flight(header=header, frames=frames)


def line(scheme: str, *said: tuple[float, str, bytes]) -> Flight:
    frames = [Octets(t=t, way=">" if way == ">" else "<", device=ID, data=data) for t, way, data in said]
    return flown(scheme, *frames)


def text(tape: Tape, request: bytes) -> bytes | None:
    pieces = tape.reply(request)
    return None if pieces is None else b"".join(piece.data for piece in pieces)


def test_equal_requests_get_their_replies_one_after_the_other_and_the_last_one_stays() -> None:
    tape = Tape(
        line(
            MEGATEC,
            (0, ">", b"Q1\r"), (90, "<", b"(on"), (95, "<", b"e\r"), (2000, ">", b"Q1\r"), (4000, ">", b"F\r"),
            (4050, "<", b"#f\r"), (6000, ">", b"Q1\r"), (6050, "<", b"(three\r"),
        )
    )  # fmt: skip
    assert [text(tape, b"Q1\r") for _ in range(4)] == [b"(one\r", b"", b"(three\r", b"(three\r"]
    assert text(tape, b"F\r") == b"#f\r"
    assert text(tape, b"I\r") is None
    assert tape.over


def test_a_reply_comes_as_late_and_in_the_pieces_in_which_it_came() -> None:
    tape = Tape(line(MEGATEC, (10, ">", b"Q1\r"), (100, "<", b"(1 "), (130, "<", b"2\r")))
    assert [(piece.after_ms, piece.data) for piece in tape.reply(b"Q1\r") or []] == [(90, b"(1 "), (120, b"2\r")]


def test_what_is_asked_often_takes_what_is_asked_seldom_along() -> None:
    said = list(itertools.chain.from_iterable(((n * 1000.0, ">", b"Q1\r"), (n * 1000.0 + 9, "<", b"(%d\r" % n)) for n in range(30)))  # fmt: skip
    said += [(n * 1000.0 + 500, ">", b"F\r") for n in range(30)]
    said += [(n * 1000.0 + 509, "<", b"#%d\r" % n) for n in range(30)]
    tape = Tape(line(MEGATEC, *sorted(said)))
    for _ in range(20):
        text(tape, b"Q1\r")
    assert text(tape, b"F\r") == b"#17\r", "not the first one, which is long past; two seconds of disorder are let pass"


def test_what_was_asked_once_late_does_not_move_the_others_there() -> None:
    said: list[tuple[float, str, bytes]] = []
    for n in range(40):
        said += [(n * 1000.0, ">", b"Q1\r"), (n * 1000.0 + 9, "<", b"(%d\r" % n)]
    tape = Tape(line(MEGATEC, *said, (39_500, ">", b"I\r"), (39_600, "<", b"#name\r")))
    assert [text(tape, one) for one in (b"I\r", b"Q1\r", b"Q1\r")] == [b"#name\r", b"(0\r", b"(1\r"]


def test_with_a_clock_the_clock_decides() -> None:
    said = list(itertools.chain.from_iterable(((n * 1000.0, ">", b"Q1\r"), (n * 1000.0 + 9, "<", b"(%d\r" % n)) for n in range(9)))  # fmt: skip
    tape = Tape(line(MEGATEC, *said))
    for now, reply in ((0.0, b"(0\r"), (0.0, b"(0\r"), (3_500.0, b"(4\r"), (60_000.0, b"(8\r")):
        tape.place.tell(now)
        assert text(tape, b"Q1\r") == reply


def words(unit: int, address: int, count: int) -> bytes:
    return bytes((3,)) + address.to_bytes(2, "big") + count.to_bytes(2, "big")


def holding(*values: int) -> bytes:
    return bytes((3, 2 * len(values))) + b"".join(value.to_bytes(2, "big") for value in values)


def test_transaction_numbers_are_those_of_the_asker_and_a_late_reply_stays_late() -> None:
    ask = words(1, 100, 2)
    tape = Tape(
        line(
            TCP,
            (0, ">", _tcp.encode(ask, 1, 7)),
            (10, "<", _tcp.encode(holding(9, 9), 1, 6) + _tcp.encode(holding(1, 2), 1, 7)),
            (2000, ">", _tcp.encode(ask, 1, 8) + _tcp.encode(words(1, 200, 1), 1, 9)),
            (2010, "<", _tcp.encode(holding(5), 1, 9)),
            (2020, "<", _tcp.encode(holding(3, 4), 1, 8)),
        )
    )
    assert text(tape, _tcp.encode(ask, 1, 500)) == _tcp.encode(holding(9, 9), 1, 499) + _tcp.encode(holding(1, 2), 1, 500)  # fmt: skip
    assert text(tape, _tcp.encode(ask, 1, 1)) == _tcp.encode(holding(3, 4), 1, 1)
    assert text(tape, _tcp.encode(words(1, 200, 1), 1, 2)) == _tcp.encode(holding(5), 1, 2)


def rtu(pdu: bytes) -> bytes:
    return bytes(_rtu.encode(pdu, 1, 0))


def test_registers_asked_in_another_shape_are_put_together_and_silence_and_garbage_are_not() -> None:
    ask, reply = rtu(words(1, 100, 4)), rtu(holding(1, 2, 3, 4))
    tape = Tape(
        line(
            "modbus+rtu",
            (0, ">", ask), (30, "<", reply), (1000, ">", ask), (2000, ">", ask), (2030, "<", b"\1\3\7x"),
            (3000, ">", ask), (3030, "<", rtu(holding(5, 6, 7, 8))),
        )
    )  # fmt: skip
    assert text(tape, rtu(words(1, 101, 2))) == rtu(holding(2, 3))
    assert text(tape, rtu(words(1, 100, 3))) == rtu(holding(1, 2, 3))
    assert text(tape, ask) == b""
    assert text(tape, ask) == b"\1\3\7x"
    assert text(tape, rtu(words(1, 100, 2))) == rtu(holding(5, 6))
    assert text(tape, rtu(words(1, 101, 3))) == rtu(holding(6, 7, 8))
    assert text(tape, rtu(words(1, 101, 4))) is None
    assert text(tape, rtu(words(1, 999, 1))) is None


def test_requests_are_found_in_a_stream_whatever_its_pieces() -> None:
    asks = [rtu(words(1, n, 2)) for n in range(3)] + [rtu(b"\x2b\x0e\x01\x00")]
    stream = b"".join(asks)
    for cut in range(1, len(stream)):
        splitter = Splitter("modbus+rtu", {})
        assert [*splitter.feed(stream[:cut]), *splitter.feed(stream[cut:])] == asks
    splitter = Splitter("modbus+rtu", {})
    assert list(splitter.feed(b"\1\3\0")) == []
    splitter.quiet()
    assert list(splitter.feed(asks[0])) == [asks[0]]


@given(
    st.sampled_from(["modbus+rtu", "modbus+tcp", "megatec"]),
    st.lists(st.tuples(st.sampled_from("<>"), st.binary(max_size=16)), max_size=12),
    st.lists(st.binary(max_size=16), max_size=6),
)
def test_whatever_was_recorded_and_whatever_is_asked_the_tape_answers_or_does_not(
    scheme: str, said: list[tuple[str, bytes]], asked_now: list[bytes]
) -> None:
    recorded = line(scheme, *((float(n), way, data) for n, (way, data) in enumerate(said)))
    tape = Tape(recorded)
    splitter = Splitter(scheme, tape.lengths)
    came = {data for way, data in said if way == "<"}
    for data in [*asked_now, *(data for way, data in said if way == ">")]:
        for request in [*splitter.feed(data), data]:
            pieces = tape.reply(request) or []
            assert all(piece.after_ms >= 0 for piece in pieces)
            assert scheme != MEGATEC or {piece.data for piece in pieces} <= came, "nothing that was never said"


def test_a_place_moves_on_and_never_back() -> None:
    place = Place()
    place.served(5_000)
    place.served(3_000)
    place.served(60_000)
    assert place.now == 5_000


async def answers(recorded: Flight, folder: Path, *requests: Request) -> list[object]:
    """What the agent's own link gets of a replayed line."""
    wires = Replay(recorded, folder, None)
    assert await wires.open()
    with contextlib.closing(open_link(DeviceUrl.parse(wires.devices()[0]["url"]))) as link:
        got: list[object] = [await link.ask(request) for request in requests]
    wires.close()
    return got


@pytest.mark.parametrize("scheme", ["modbus+rtu", "modbus+rtuovertcp", "modbus+tcp"])
async def test_every_modbus_wire_plays_to_the_agents_own_link(scheme: str, tmp_path: Path) -> None:
    def framed(pdu: bytes, number: int) -> bytes:
        return bytes(_tcp.encode(pdu, 1, number)) if scheme == "modbus+tcp" else rtu(pdu)

    recorded = line(
        scheme,
        (0, ">", framed(words(1, 100, 2), 1)), (20, "<", framed(holding(1, 2), 1)),
        (500, ">", framed(words(1, 300, 3), 2)), (520, "<", framed(holding(7, 8, 9), 2)),
    )  # fmt: skip
    first, second = ReadWords(unit=1, function=3, address=100, count=2), ReadWords(unit=1, function=3, address=300, count=3)  # fmt: skip
    assert await answers(recorded, tmp_path, first, second) == [Words((1, 2)), Words((7, 8, 9))]


def asked(t: float, verb: str, oid: str, values: dict[str, Value], failure: str = "") -> Asked:
    return Asked(
        t=t, device=ID, verb="get" if verb == "get" else "walk", oids=tuple(oid.split()),
        values=tuple(values.items()), failure=failure,
    )  # fmt: skip


async def test_an_snmp_device_shows_the_recorded_values_exchange_by_exchange(tmp_path: Path) -> None:
    name, up, table = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.2.2.1.8"
    rows = {f"{table}.{n}": 1 for n in range(1, 61)}
    kinds: dict[str, Value] = {"1.3.6.1.4.1.9.1.0": -5, "1.3.6.1.4.1.9.2.0": 2**40, "1.3.6.1.4.1.9.3.0": "1.3.6.1.4", "1.3.6.1.4.1.9.4.0": b"\0\xff"}  # fmt: skip
    recorded = flown(
        "snmp",
        asked(0, "get", f"{name} {up} 1.3.6.1.9.9.0", {name: b"Switch", up: 100}),
        asked(10, "walk", table, rows),
        asked(20, "get", " ".join(kinds), kinds),
        asked(2000, "get", f"{name} {up} 1.3.6.1.9.9.0", {name: b"Switch", up: 300}),
        asked(2010, "walk", table, rows | {f"{table}.2": 2}),
    )
    get, walk = GetVariables(oids=(name, up, "1.3.6.1.9.9.0")), WalkVariables(root=table)
    got = await answers(recorded, tmp_path, get, walk, GetVariables(oids=tuple(kinds)), get, walk, get)
    assert [one.values for one in got if isinstance(one, Variables)] == [
        {name: b"Switch", up: 100}, rows, kinds, {name: b"Switch", up: 300}, rows | {f"{table}.2": 2},
        {name: b"Switch", up: 300},
    ]  # fmt: skip


async def test_an_snmp_device_that_was_silent_is_silent(tmp_path: Path) -> None:
    name = "1.3.6.1.2.1.1.1.0"
    recorded = flown("snmp", asked(0, "get", name, {}, "no_answer"))
    (got,) = await answers(recorded, tmp_path, GetVariables(oids=(name,)))
    assert isinstance(got, Failure)
    assert got.cause is GapCause.NO_ANSWER


def test_the_command_says_where_the_wire_is_what_it_knows_nothing_of_and_what_is_no_recording(tmp_path: Path) -> None:
    file = tmp_path / "x.flight.jsonl"
    file.write_bytes(flight.dump(line(MEGATEC, (0, ">", b"Q1\r"), (10, "<", b"(1\r"))))
    with replayed(file, tmp_path / "wires") as wire:
        assert wire.devices == [
            {"id": ID, "site": "sz", "url": f"megatec://{tmp_path}/wires/replay-sz-ups-1?timeout=0.4", "profile": "", "kind": "recorded"}
        ]  # fmt: skip
        with Path(wire.place(ID)).open("wb", buffering=0) as port:
            port.write(b"QS\r")
        assert wire.heard("event") == {"event": "asked", "request": "51 53 0d"}
        wire.order(cmd="mains")
        assert "stop" in wire.heard("error")["error"]
        wire.order(cmd="stop")
        assert wire.child.wait(10) == 0
    file.write_text(json.dumps({"flight": 9}))
    done = subprocess.run(
        [sys.executable, "-m", "roundsman", "simulate", "--replay", str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 2
    assert f"{file}:1:" in done.stderr


async def test_the_wire_is_gone_when_the_replay_is_over(tmp_path: Path) -> None:
    wires = Replay(line(MEGATEC, (0, ">", b"Q1\r")), tmp_path, None)
    assert await wires.open()
    link = next(tmp_path.iterdir())
    wires.close()
    await asyncio.sleep(0)
    assert not link.exists()

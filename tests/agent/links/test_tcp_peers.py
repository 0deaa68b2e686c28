"""What a Modbus TCP connection goes through: peers that vanish, are full, are silent for one unit, or answer late."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
import uvloop

from agent.address import DeviceUrl
from agent.drivers.exchange import Failure, Objects, ReadIdentity, ReadWords, Words
from agent.links import Link, open_link
from agent.links.ring import CAME, SENT
from model.reading import GapCause
from tests.agent.links.slaves import word_at
from tests.services import free_port

Script = Callable[[bytes], bytes]
_SO_ATTACH_FILTER = 26


def on_both_loops(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The agent runs on uvloop, whose transports are of another making."""

    @pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
    def both(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        run(test())

    both.__name__ = test.__name__
    return both


def ask(address: int, count: int = 2, unit: int = 1, function: int = 3) -> ReadWords:
    return ReadWords(unit=unit, function=function, address=address, count=count)


def right(request: ReadWords) -> Words:
    return Words(tuple(word_at(request.address + n) for n in range(request.count)))


def framed(request: bytes, pdu: bytes) -> bytes:
    """A PDU as the answer to a request."""
    return request[:4] + (len(pdu) + 1).to_bytes(2, "big") + request[6:7] + pdu


def honest(request: bytes) -> bytes:
    address, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
    words = b"".join(word_at(address + n).to_bytes(2, "big") for n in range(count))
    return framed(request, bytes([request[7], 2 * count]) + words)


class Gateway:
    """A Modbus TCP server of its own socket, so that the test can do to it what networks do."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.sockets: list[socket.socket] = []
        self.places: int | None = None  #: connections that it keeps; others it closes at once
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listening)
            if self.places is not None and len(self.sockets) >= self.places:
                connection.close()
                continue
            self.sockets.append(connection)
            task = asyncio.create_task(self._serve(connection))
            self._tasks.add(task)

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while request := await loop.sock_recv(connection, 12 if self.script is not identify else 11):
            if said := self.script(request):
                await loop.sock_sendall(connection, said)

    def vanish(self) -> None:
        """Everything that comes for the open connections is dropped before TCP sees it: no reply, no reset, no ACK."""

        class Program(ctypes.Structure):
            _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

        drop = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: ret 0
        program = Program(1, ctypes.addressof(drop))
        for connection in self.sockets:
            connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for connection in self.sockets:
            connection.close()


@asynccontextmanager
async def gateway(script: Script, timeout_s: float = 0.1) -> AsyncIterator[tuple[Gateway, Link]]:
    served = Gateway(script)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        accepting = asyncio.create_task(served.accept(listening))
        url = f"modbus+tcp://127.0.0.1:{listening.getsockname()[1]}?timeout={timeout_s}"
        try:
            with closing(open_link(DeviceUrl.parse(url))) as link:
                link.device = "a/ups-1"
                yield served, link
        finally:
            accepting.cancel()
            served.end()


def identify(request: bytes) -> bytes:
    """Objects 0 to 2 and 0x80 to 0x83, one a frame."""
    code, first = request[9], request[10]
    known = {0: b"ACME", 1: b"A1", 2: b"V1"} if code == 1 else {n: b"part %d" % n for n in range(0x80, 0x84)}
    rest = [n for n in sorted(known) if n >= first]
    number = rest[0]
    more = bytes([0xFF, rest[1]]) if len(rest) > 1 else b"\x00\x00"
    text = known[number]
    return framed(request, bytes([0x2B, 0x0E, code, 0x83]) + more + bytes([1, number, len(text)]) + text)


@on_both_loops
async def test_a_peer_that_vanished_is_given_up_and_asked_anew() -> None:
    async with gateway(honest, timeout_s=1.5) as (served, link):
        assert await link.ask(ask(1)) == right(ask(1))
        served.vanish()
        answer = await link.ask(ask(2))
        assert isinstance(answer, Failure)
        assert "does not even acknowledge" in answer.raw
        while isinstance(answer, Failure):
            await asyncio.sleep(0.05)
            answer = await link.ask(ask(2))
        assert answer == right(ask(2))
        assert link.account.reopened == 1


@on_both_loops
async def test_a_silent_unit_never_closes_the_connection_that_its_neighbour_uses() -> None:
    def deaf_at_two(request: bytes) -> bytes:
        return b"" if request[6] == 2 else honest(request)

    async with gateway(deaf_at_two) as (served, link):
        for address in (10, 20, 30):
            assert await link.ask(ask(address, unit=2)) == Failure(cause=GapCause.NO_ANSWER)
            assert await link.ask(ask(address)) == right(ask(address))
        assert len(served.sockets) == 1
        assert link.account.reopened == 0


@on_both_loops
async def test_a_late_answer_is_booked_on_the_device_that_it_came_from() -> None:
    kept: list[bytes] = []

    def late_at_two(request: bytes) -> bytes:
        if request[6] == 2:
            kept.append(honest(request))
            return b""
        before, kept[:] = b"".join(kept), []
        return before + honest(request)

    async with gateway(late_at_two) as (_, link):
        link.device = "a/ups-2"
        assert isinstance(await link.ask(ask(10, unit=2)), Failure)
        link.device = "a/ups-1"
        assert await link.ask(ask(20)) == right(ask(20))
        assert link.account.of("a/ups-2").quarantined == 2, "the request and its repetition"
        assert link.account.of("a/ups-1").quarantined == 0


@on_both_loops
async def test_an_answer_doubled_by_a_gateway_is_taken_once() -> None:
    async with gateway(lambda request: honest(request) * 2, timeout_s=5) as (_, link):
        for address in (1, 2, 3):
            assert await link.ask(ask(address)) == right(ask(address))
        assert link.account.of("a/ups-1").quarantined >= 2


@on_both_loops
async def test_a_stream_out_of_step_is_closed_and_opened_anew() -> None:
    replies = [b"\x00\x01\x00\x07", b"\xff" * 20]

    def slipped(request: bytes) -> bytes:
        return replies.pop(0) if replies else honest(request)

    async with gateway(slipped) as (served, link):
        assert isinstance(await link.ask(ask(1)), Failure)
        assert await link.ask(ask(1)) == right(ask(1))
        assert len(served.sockets) == 3
        assert link.account.reopened == 2


@on_both_loops
async def test_a_gateway_whose_places_are_taken_is_not_hammered() -> None:
    async with gateway(honest, timeout_s=5) as (served, link):
        served.places = 0
        first = await link.ask(ask(1))
        assert isinstance(first, Failure)
        assert "lost" in first.raw
        second = await link.ask(ask(1))
        assert isinstance(second, Failure)
        assert "tried again in" in second.raw


@on_both_loops
async def test_bits_come_as_many_as_were_asked_for() -> None:
    def bits(request: bytes) -> bytes:
        return framed(request, bytes([request[7], 2, 0b10110001, 0b00000101]))

    async with gateway(bits, timeout_s=5) as (_, link):
        for function in (1, 2):
            answer = await link.ask(ask(0, 11, function=function))
            assert answer == Words((1, 0, 0, 0, 1, 1, 0, 1, 1, 0, 1))


@on_both_loops
async def test_an_identification_in_parts_is_asked_for_until_it_is_whole() -> None:
    async with gateway(identify, timeout_s=5) as (_, link):
        assert await link.ask(ReadIdentity(unit=1)) == Objects({0: b"ACME", 1: b"A1", 2: b"V1"})
        extended = await link.ask(ReadIdentity(unit=1, code=3, first=0x80))
        assert isinstance(extended, Objects)
        assert sorted(extended.values) == [0x80, 0x81, 0x82, 0x83]


@on_both_loops
async def test_an_identification_that_goes_in_circles_ends() -> None:
    def circle(request: bytes) -> bytes:
        return framed(request, bytes([0x2B, 0x0E, 1, 0x83, 0xFF, 1, 1, 0, 1]) + b"A")

    async with gateway(circle, timeout_s=5) as (_, link):
        assert await link.ask(ReadIdentity(unit=1)) == Objects({0: b"A"})


@on_both_loops
async def test_the_ring_holds_the_frames_as_they_were_on_the_wire() -> None:
    async with gateway(honest, timeout_s=5) as (_, link):
        await link.ask(ask(1))
        sent, came = link.ring
        assert (sent.way, sent.data) == (SENT, bytes.fromhex("000100000006010300010002"))
        assert (came.way, came.data) == (CAME, honest(bytes.fromhex("000100000006010300010002")))


@on_both_loops
async def test_a_gateway_that_is_not_there_is_found_again_when_it_comes() -> None:
    port = free_port()
    with closing(open_link(DeviceUrl.parse(f"modbus+tcp://127.0.0.1:{port}?timeout=5"))) as link:
        assert isinstance(await link.ask(ask(1)), Failure)
        served = Gateway(honest)
        with socket.create_server(("127.0.0.1", port)) as listening:
            listening.setblocking(False)
            accepting = asyncio.create_task(served.accept(listening))
            answer = await link.ask(ask(1))
            while isinstance(answer, Failure):
                await asyncio.sleep(0.02)
                answer = await link.ask(ask(1))
            assert answer == right(ask(1))
            accepting.cancel()
            served.end()

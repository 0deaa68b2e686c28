"""Modbus TCP behind servers that answer late, torn or not at all: the transaction number decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing

import pytest

from agent.address import DeviceUrl
from agent.drivers.exchange import Answer, Failure, ReadWords, Words
from agent.links import Link, open_link
from model.reading import GapCause
from tests.agent.links.slaves import word_at
from tests.services import free_port

Script = Callable[[bytes], bytes]


def ask(address: int, count: int = 2) -> ReadWords:
    return ReadWords(unit=1, function=3, address=address, count=count)


def right(request: ReadWords) -> Words:
    return Words(tuple(word_at(request.address + n) for n in range(request.count)))


def honest(request: bytes) -> bytes:
    address, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
    words = b"".join(word_at(address + n).to_bytes(2, "big") for n in range(count))
    pdu = bytes([request[6], request[7], 2 * count]) + words
    return request[:4] + len(pdu).to_bytes(2, "big") + pdu


@asynccontextmanager
async def served(script: Script, timeout_s: float = 0.1) -> AsyncIterator[Link]:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(12):
            writer.write(script(request))
        writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with closing(open_link(DeviceUrl.parse(f"modbus+tcp://127.0.0.1:{port}?unit=1&timeout={timeout_s}"))) as link:
            yield link


async def twice(link: Link, first: ReadWords, second: ReadWords) -> tuple[Answer | Failure, Answer | Failure]:
    return await link.ask(first), await link.ask(second)


async def test_registers_arrive() -> None:
    async with served(honest, timeout_s=5) as link:
        assert await link.ask(ask(11000, 60)) == right(ask(11000, 60))


async def test_a_late_answer_is_dropped_by_its_number() -> None:
    kept: list[bytes] = []

    def late(request: bytes) -> bytes:
        if len(kept) < 2:
            kept.append(honest(request))
            return b""
        return b"".join(kept) + honest(request)

    async with served(late) as link:
        assert isinstance(await link.ask(ask(100)), Failure)
        assert await link.ask(ask(300)) == right(ask(300))


async def test_an_answer_one_byte_at_a_time_is_whole_in_the_end() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in honest(await reader.read(12)):
            writer.write(bytes([byte]))
            await writer.drain()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    url = DeviceUrl.parse(f"modbus+tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}?timeout=5")
    async with server:
        with closing(open_link(url)) as link:
            assert await link.ask(ask(7)) == right(ask(7))


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", GapCause.GARBLED),
        (b"\x00\x01\x00\x00\x00", GapCause.GARBLED),
        (b"", GapCause.NO_ANSWER),
    ],
)
async def test_what_is_not_modbus_is_a_failure(said: bytes, cause: GapCause) -> None:
    async with served(lambda _: said) as link:
        answer = await link.ask(ask(1))
    assert isinstance(answer, Failure)
    assert answer.cause == cause


async def test_the_exception_of_a_real_gateway_is_a_refusal() -> None:
    async with served(lambda request: request[:2] + bytes.fromhex("000000030183") + b"\x02", timeout_s=5) as link:
        assert await link.ask(ask(0xA03C, 1)) == Failure(cause=GapCause.REFUSED, raw="exception 2 illegal address")


async def test_an_answer_with_another_count_is_garbled() -> None:
    async with served(lambda request: honest(request[:10] + b"\x00\x05")) as link:
        answer = await link.ask(ask(1))
    assert isinstance(answer, Failure)
    assert answer.cause == GapCause.GARBLED


async def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    port = free_port()
    with closing(open_link(DeviceUrl.parse(f"modbus+tcp://127.0.0.1:{port}"))) as link:
        answer = await link.ask(ask(1))
    assert isinstance(answer, Failure)
    assert answer.cause == GapCause.NO_ANSWER
    assert f"127.0.0.1:{port}" in answer.raw

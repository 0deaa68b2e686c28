"""CPU per Modbus TCP transaction of 100 registers, decoded, with the peers in the same run.

    python -m tests.benchmarks.bench_modbus_tcp [--transactions N]

The server is a process of its own on the other core, each client too; a figure is user + system time of the client
over its transactions. Machines are shared: read the ratios. `ask_device` is the whole way of the agent: plan, read,
decode by a profile of 100 rows, records.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import os
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import cast

import uvloop
from pymodbus.client import AsyncModbusTcpClient

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import ReadWords, Words
from agent.links import open_link
from agent.profiles import Profile, Tier
from agent.profiles.form import Value

COUNT, FIRST = 100, 1000
REGISTERS = tuple((7919 * n + 13) % 10000 for n in range(COUNT))
_SAID = b"\x00\x00\x00\x06\x01\x03" + FIRST.to_bytes(2, "big") + COUNT.to_bytes(2, "big")
_REPLY = (
    (3 + 2 * COUNT).to_bytes(2, "big") + bytes([1, 3, 2 * COUNT]) + b"".join(n.to_bytes(2, "big") for n in REGISTERS)
)
BOUND_US = 60.0


class Server(asyncio.Protocol):
    """Answers every request of 12 bytes with the same registers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), 12):
            self._transport.write(data[start : start + 4] + _REPLY)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def _shared_out(connections: int, transactions: int, work: Callable[[int], Awaitable[None]]) -> None:
    each = transactions // connections
    await asyncio.gather(*(work(each) for _ in range(connections)))


async def ours(port: int, connections: int, transactions: int) -> None:
    request = ReadWords(unit=1, function=3, address=FIRST, count=COUNT)

    async def work(times: int) -> None:
        with closing(open_link(DeviceUrl.parse(f"modbus+tcp://127.0.0.1:{port}?unit=1"))) as link:
            for _ in range(times):
                answer = await link.ask(request)
                assert isinstance(answer, Words)
                assert answer.values == REGISTERS

    await _shared_out(connections, transactions, work)


async def profiled(port: int, connections: int, transactions: int) -> None:
    rows = tuple(
        Value(point="input.voltage", at=str(FIRST + n), tier=Tier.MEASURE, index=str(n), scale=0.1)
        for n in range(COUNT)
    )
    profile = Profile(id="bench", driver="modbus", title=("x", "x"), source="x", values=rows)
    url = DeviceUrl.parse(f"modbus+tcp://127.0.0.1:{port}?unit=1")

    async def work(times: int) -> None:
        with closing(open_link(url)) as link:
            for _ in range(times):
                found = await ask_device(link, "a/ups-1", url, profile, Tier.MEASURE, lambda: 7)
                assert len(found) == COUNT

    await _shared_out(connections, transactions, work)


class Raw(asyncio.Protocol):
    """The floor: bytes out, bytes in, unpacked; no check of anything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.answer.set_result(data)

    async def ask(self, number: int) -> tuple[int, ...]:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport.write(number.to_bytes(2, "big") + _SAID)
        return _WORDS.unpack_from(await self.answer, 9)


_WORDS = struct.Struct(f">{COUNT}H")


async def raw(port: int, connections: int, transactions: int) -> None:
    async def work(times: int) -> None:
        transport, protocol = await asyncio.get_running_loop().create_connection(Raw, "127.0.0.1", port)
        for number in range(times):
            assert await protocol.ask(number & 0xFFFF) == REGISTERS
        transport.close()

    await _shared_out(connections, transactions, work)


async def pymodbus(port: int, connections: int, transactions: int) -> None:
    async def work(times: int) -> None:
        client = AsyncModbusTcpClient("127.0.0.1", port=port)
        await client.connect()
        for _ in range(times):
            assert len((await client.read_holding_registers(FIRST, count=COUNT, device_id=1)).registers) == COUNT
        client.close()

    await _shared_out(connections, transactions, work)


async def libmodbus(port: int, connections: int, transactions: int) -> None:
    """Synchronous C, so one connection, whatever is asked; `list` makes the words Python's."""
    library = ctypes.CDLL("libmodbus.so.5")
    library.modbus_new_tcp.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.modbus_new_tcp(b"127.0.0.1", port))
    assert library.modbus_connect(context) == 0
    library.modbus_set_slave(context, 1)
    words = (ctypes.c_uint16 * COUNT)()
    for _ in range(transactions):
        assert library.modbus_read_registers(context, FIRST, COUNT, words) == COUNT
        assert len(tuple(words)) == COUNT
    library.modbus_close(context)


CLIENTS = {one.__name__: one for one in (ours, profiled, raw, pymodbus, libmodbus)}


async def measured(name: str, port: int, connections: int, transactions: int) -> None:
    client = CLIENTS[name]
    await client(port, connections, 2 * connections)
    began, real = time.process_time(), time.monotonic()
    await client(port, connections, transactions)
    spent, took = time.process_time() - began, time.monotonic() - real
    print(f"{spent / transactions * 1e6:.1f} {transactions / took:.0f}", flush=True)


def _child(*arguments: object, core: int) -> subprocess.Popen[str]:
    def pin() -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setaffinity(0, {core})

    command = [sys.executable, "-m", "tests.benchmarks.bench_modbus_tcp", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pin)


def table(transactions: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    server = _child("serve", core=cores[-1])
    assert server.stdout
    port = int(server.stdout.readline())
    runs = [
        ("raw asyncio", "raw", 100), ("raw asyncio", "raw", 1), ("**ours, decoded**", "ours", 100), ("**ours, decoded**", "ours", 1),
        ("pymodbus async", "pymodbus", 100), ("pymodbus async", "pymodbus", 1), ("libmodbus (C, ctypes)", "libmodbus", 1),
        ("ours, `ask_device`, 100 rows to 100 readings", "profiled", 100),
    ]  # fmt: skip
    floor = mine = 0.0
    print(
        "| client (uvloop) | connections | µs CPU per transaction | times the floor | transactions/s |\n|---|---|---|---|---|"
    )
    try:
        for title, name, connections in runs:
            times = transactions // 5 if name == "profiled" else transactions
            done = _child(name, port, connections, times, core=cores[0])
            out, _ = done.communicate()
            spent, rate = (float(part) for part in out.split())
            floor = floor or spent
            mine = spent if (name, connections) == ("ours", 100) else mine
            print(f"| {title} | {connections} | {spent:.1f} | {spent / floor:.2f} | {rate:,.0f} |", flush=True)
    finally:
        server.communicate()
    print(
        f"\nbound: {BOUND_US:g} µs over 100 connections; ours {mine:.1f} µs: {'kept' if mine <= BOUND_US else 'MISSED'}"
    )


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] == "serve":
        uvloop.run(serve())
    elif len(sys.argv) == 5 and sys.argv[1] in CLIENTS:
        uvloop.run(measured(sys.argv[1], *map(int, sys.argv[2:5])))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--transactions", type=int, default=20_000)
        table(parser.parse_args().transactions)


if __name__ == "__main__":
    main()

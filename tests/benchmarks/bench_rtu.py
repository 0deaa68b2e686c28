"""Modbus RTU at 9600 8N1: how near to the line's limit, with 3.5 characters of silence kept; peers in the same run.

A slave process of its own stands for eight units on a pty. It takes each byte's time on the wire, keeps its own 3.5
characters before a reply, hands the reply over byte by byte, and counts requests that begin before the line was silent
long enough; `deaf` it does not hear those at all, as many slaves do. The limit is 960 / (20 + 2 n) reads a second: 8
bytes of request, 5 + 2 n of reply, twice 3.5 characters of silence. With one of eight units dead, the agent's own
rounds (`poll_link`) drive the line and the other seven are compared with rounds without the dead one.

Run: .venv/bin/python tests/benchmarks/bench_rtu.py [SECONDS A ROW]        pinned: taskset -c 1 … --slave-cpu 0
On a machine that does other work: chrt -r 5 .venv/bin/python … (both ends then keep their time; read the ratios else).
Peers: minimalmodbus, pymodbus (async), libmodbus by ctypes (Debian: libmodbus5).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import ctypes.util
import json
import logging
import os
import pty
import resource
import select
import struct
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import minimalmodbus  # type: ignore[import-untyped] # has none
import uvloop
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.framer import FramerRTU

from agent.address import DeviceUrl
from agent.config import WatchedDevice
from agent.drivers.exchange import Failure, ReadWords, Words
from agent.links import open_link
from agent.poll import LinkRounds
from agent.profiles import Tier
from agent.schedule import Pauses
from model.reading import Gap, GapCause, Reading

BAUD = 9600
BYTE_S = 10 / BAUD
SILENCE_S = 3.5 * BYTE_S
UNITS = 8
TIMEOUT_S = 0.5
DEAD = 5
#: Before the dead one is measured, the schedule has to find out that it is dead.
SETTLED_S = 8.0


def word(unit: int, address: int) -> int:
    """What a unit keeps in a register: a number that names both."""
    return unit << 12 | (address * 37 + 11) & 0xFFF


# The slave -----------------------------------------------------------------------------------------------------------


def serve(deaf: bool, dead: int) -> None:
    """Answer until the parent hangs up; then say what was counted."""
    ctypes.CDLL(None).prctl(29, 1, 0, 0, 0)  # PR_SET_TIMERSLACK: sleep as short as asked for
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    print(os.ttyname(slave), flush=True)
    requests = early = deafened = 0
    last_out = 0.0
    while True:
        ready, _, _ = select.select([master, 0], [], [])
        began = time.monotonic()
        if 0 in ready:
            break
        request = os.read(master, 256)
        while len(request) < 8:
            if not select.select([master], [], [], 0.01)[0]:
                break
            request += os.read(master, 256)
        requests += 1
        if began - last_out < SILENCE_S:
            early += 1
            if deaf:
                deafened += 1
                last_out = began + len(request) * BYTE_S
                continue
        last_out = began + len(request) * BYTE_S
        if len(request) == 8 and request[0] != dead and FramerRTU.check_CRC(request[:-2], request[6] << 8 | request[7]):
            last_out = _answer(master, request, last_out + SILENCE_S)
    print(json.dumps({"requests": requests, "early": early, "deafened": deafened}), flush=True)


def _answer(master: int, request: bytes, start: float) -> float:
    unit, function, address, count = struct.unpack(">BBHH", request[:6])
    words = b"".join(word(unit, address + n).to_bytes(2, "big") for n in range(count))
    frame = bytes([unit, function, 2 * count]) + words
    frame += FramerRTU.compute_CRC(frame).to_bytes(2, "big")
    out = start
    for n, byte in enumerate(frame):
        left = start + (n + 1) * BYTE_S - time.monotonic()
        if left > 0:
            time.sleep(left)
        out = time.monotonic()
        os.write(master, bytes([byte]))
    return out


class Slave:
    """The slave process: its pty, and what it counted once it is ended."""

    def __init__(self, child: subprocess.Popen[str], path: str) -> None:
        self.child, self.path = child, path
        self.counted = {"requests": 0, "early": 0, "deafened": 0}


@contextmanager
def slave(cpu: int | None, *, deaf: bool = False, dead: int = 0) -> Iterator[Slave]:
    """A fresh slave."""
    pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
    command = [*pin, sys.executable, __file__, "--serve", "--dead", str(dead), *(["--deaf"] if deaf else [])]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin
    assert child.stdout
    one = Slave(child, child.stdout.readline().strip())
    try:
        yield one
    finally:
        child.stdin.close()
        with contextlib.suppress(ValueError):
            one.counted = json.loads(child.stdout.readline() or "{}")
        child.wait(10)


# The masters ---------------------------------------------------------------------------------------------------------

#: (reads done, reads wrong, reads failed, seconds)
Result = tuple[int, int, int, float]


def rightly(unit: int, values: Sequence[int], n: int) -> bool:
    return list(values) == [word(unit, address) for address in range(n)]


async def ours(path: str, n: int, seconds: float) -> Result:
    link = open_link(DeviceUrl.parse(f"modbus+rtu://{path}?baud={BAUD}&timeout={TIMEOUT_S}"))
    requests = [ReadWords(unit=unit, function=3, address=0, count=n) for unit in range(1, UNITS + 1)]
    await link.ask(requests[0])  # opens the port
    done = wrong = failed = 0
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        request = requests[(done + failed) % UNITS]
        answer = await link.ask(request)
        if isinstance(answer, Words):
            done += 1
            wrong += not rightly(request.unit, answer.values, n)
        else:
            failed += 1
    spent_s = time.monotonic() - began
    link.close()
    return done, wrong, failed, spent_s


def with_minimalmodbus(path: str, n: int, seconds: float) -> Result:
    units = []
    for unit in range(1, UNITS + 1):
        device = minimalmodbus.Instrument(path, unit)
        device.serial.baudrate = BAUD
        device.serial.timeout = TIMEOUT_S
        units.append(device)

    def read(unit: int) -> list[int]:
        return list(units[unit - 1].read_registers(0, n))

    return _loop(read, n, seconds)


def with_libmodbus(path: str, n: int, seconds: float) -> Result:
    library = ctypes.CDLL("libmodbus.so.5")
    library.modbus_new_rtu.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.modbus_new_rtu(path.encode(), BAUD, ctypes.c_char(b"N"), 8, 1))
    library.modbus_set_response_timeout(context, 0, round(TIMEOUT_S * 1e6))
    if library.modbus_connect(context):
        raise OSError("libmodbus cannot open the port")
    words = (ctypes.c_uint16 * n)()

    def read(unit: int) -> list[int]:
        library.modbus_set_slave(context, unit)
        if library.modbus_read_registers(context, 0, n, words) != n:
            library.modbus_flush(context)
            raise OSError("no answer")
        return list(words)

    result = _loop(read, n, seconds)
    library.modbus_close(context)
    library.modbus_free(context)
    return result


def _loop(read: Callable[[int], list[int]], n: int, seconds: float) -> Result:
    done = wrong = failed = 0
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        unit = (done + failed) % UNITS + 1
        try:
            values = read(unit)
        except (OSError, ValueError):
            failed += 1
        else:
            done += 1
            wrong += not rightly(unit, values, n)
    return done, wrong, failed, time.monotonic() - began


async def with_pymodbus(path: str, n: int, seconds: float) -> Result:
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    client: Any = AsyncModbusSerialClient(path, baudrate=BAUD, timeout=TIMEOUT_S, retries=0)
    await client.connect()
    done = wrong = failed = 0
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        unit = (done + failed) % UNITS + 1
        try:
            reply = await client.read_holding_registers(0, count=n, device_id=unit)
        except Exception:
            failed += 1
            if not client.connected:
                await client.connect()
            continue
        if reply.isError():
            failed += 1
        else:
            done += 1
            wrong += not rightly(unit, reply.registers, n)
    spent_s = time.monotonic() - began
    client.close()
    return done, wrong, failed, spent_s


# The dead one --------------------------------------------------------------------------------------------------------


async def rounds(path: str, n: int, seconds: float, units: list[int]) -> tuple[dict[str, int], dict[str, float]]:
    """Reads and airtime by device under the agent's own schedule."""
    link = open_link(DeviceUrl.parse(f"modbus+rtu://{path}?baud={BAUD}&timeout={TIMEOUT_S}"))
    devices = [
        WatchedDevice(id=f"bench/u{unit}", url=DeviceUrl.parse(f"modbus+rtu://{path}?unit={unit}")) for unit in units
    ]
    read: dict[str, int] = dict.fromkeys((device.id for device in devices), 0)

    def now() -> int:
        return time.time_ns() // 1_000_000

    async def ask(device: WatchedDevice, tier: Tier) -> list[Any]:
        link.device = device.id
        answer = await link.ask(ReadWords(unit=device.url.unit, function=3, address=0, count=n))
        if isinstance(answer, Failure):
            return [Gap(device=device.id, point=None, index=None, at=now(), cause=GapCause.NO_ANSWER)]
        read[device.id] += tier is Tier.STATUS
        return [Reading(device=device.id, point="ups.load", index=None, at=now(), value=1.0)]

    stop = asyncio.Event()
    pauses = Pauses(status_s=0.02, measure_s=3600.0, identity_s=3600.0)
    task = asyncio.create_task(LinkRounds(devices, ask, pauses, lambda found: None, now, link).run(stop))
    await asyncio.sleep(SETTLED_S)  # the dead one has been found to be dead
    costs = {device.id: link.account.of(device.id).airtime_s for device in devices}
    before = dict(read)
    await asyncio.sleep(seconds)
    after = dict(read)
    stop.set()
    await asyncio.wait([task], timeout=3)
    task.cancel()
    link.close()
    shares = {id: link.account.of(id).airtime_s - before for id, before in costs.items()}
    return {device: after[device] - before[device] for device in read}, shares


# The table -----------------------------------------------------------------------------------------------------------


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def row(name: str, n: int, run: Callable[[str], Result], cpu: int | None, *, deaf: bool = False) -> float:
    limit = 960 / (20 + 2 * n)
    with slave(cpu, deaf=deaf) as one:
        began = cpu_s()
        done, wrong, failed, spent_s = run(one.path)
        used = cpu_s() - began
    share = 100 * done / spent_s / limit
    print(
        f"{name:24s} {n:4d} {'deaf' if deaf else '':5s} {done / spent_s:8.2f} {share:7.1f} % "
        f"{one.counted.get('early', -1):6d} of {one.counted.get('requests', -1):<5d} {failed:6d} {wrong:6d} {1e3 * used / max(done, 1):9.2f}",
        flush=True,
    )
    return share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=5.0)
    parser.add_argument("--slave-cpu", type=int)
    parser.add_argument("--ours", action="store_true", help="without peers")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--dead", type=int, default=0)
    given = parser.parse_args()
    if given.serve:
        serve(given.deaf, given.dead)
        return 0
    return table(given.seconds, given.slave_cpu, peers=not given.ours)


def table(seconds: float, cpu: int | None, *, peers: bool) -> int:
    print(
        f"{'client':24s} {'n':>4s} {'':5s} {'reads/s':>8s} {'of limit':>9s} {'early starts':>15s} {'failed':>6s} {'wrong':>6s} {'CPU ms/read':>11s}"
    )
    loops: dict[str, Callable[[Coroutine[Any, Any, Result]], Result]] = {"asyncio": asyncio.run, "uvloop": uvloop.run}
    missed = 0
    for n, deaf, bound in ((10, False, 98.0), (100, False, 99.5), (10, True, 98.0), (100, True, 99.5)):
        for name, run in loops.items():
            share = row(f"roundsman, {name}", n, lambda p, r=run, n=n: r(ours(p, n, seconds)), cpu, deaf=deaf)  # type: ignore[misc]
            missed += share < bound
        if peers:
            row("minimalmodbus", n, lambda p, n=n: with_minimalmodbus(p, n, seconds), cpu, deaf=deaf)  # type: ignore[misc]
            row("pymodbus async", n, lambda p, n=n: asyncio.run(with_pymodbus(p, n, seconds)), cpu, deaf=deaf)  # type: ignore[misc]
            if ctypes.util.find_library("modbus"):
                row("libmodbus (C)", n, lambda p, n=n: with_libmodbus(p, n, seconds), cpu, deaf=deaf)  # type: ignore[misc]
    return int(missed > 0) + dead_row(10, max(3 * seconds, 30.0), cpu)


def dead_row(n: int, seconds: float, cpu: int | None) -> int:
    """Seven live units with and without a dead eighth on their line."""
    live = [unit for unit in range(1, UNITS + 1) if unit != DEAD]
    with slave(cpu) as one:
        without, _ = uvloop.run(rounds(one.path, n, seconds, live))
    with slave(cpu, dead=DEAD) as one:
        beside, airtime = uvloop.run(rounds(one.path, n, seconds, list(range(1, UNITS + 1))))
    alone, together = sum(without.values()), sum(count for id, count in beside.items() if not id.endswith(f"u{DEAD}"))
    lost = 100 * (1 - together / alone)
    share = 100 * airtime[f"bench/u{DEAD}"] / sum(airtime.values())
    print(
        f"\none of {UNITS} dead, n={n}: the other 7 gave {together / seconds:.2f} reads/s of {alone / seconds:.2f} without it: "
        f"{lost:.1f} % lost (at most 3); the dead one took {share:.1f} % of the airtime"
    )
    return int(lost > 3)


if __name__ == "__main__":
    sys.exit(main())

"""A flood at the trap port: what a datagram costs the receiver, how its memory stands, and how soon a true trap is heard.

50,000 true v2c traps of one device, 50,000 datagrams of garbage, 50,000 traps of strangers, each as fast as one sender can.
Peer in the same run, with the same floods: net-snmp's snmptrapd (it decodes and logs each; we drop by bucket what is too
much, which is the point). Both sit behind the kernel's own buffer, so each takes what it can: `taken` is counted
by the receiver, and by the lines of snmptrapd's log. After each flood a true trap of another device is sent every 50 ms until heard.

Run: .venv/bin/python tests/benchmarks/bench_traps.py [DATAGRAMS]
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from agent.traps import message
from agent.traps.message import Notice, Ready, Setup, Tally
from agent.traps.settings import TrapSettings
from tests.agent.traps.test_datagrams import v2_trap
from tests.services import free_port

DEVICE, OTHER, STRANGER = "127.0.9.1", "127.0.9.2", "127.0.9.3"
ROOT = Path(__file__).resolve().parents[2]


def floods(count: int) -> dict[str, tuple[str, Callable[[int], bytes]]]:
    grain = random.Random(7)
    junk = [b"\x30" + grain.randbytes(grain.randint(20, 200)) for _ in range(100)]
    trap = v2_trap(name="secret")
    return {
        "a device's traps": (DEVICE, lambda _: trap),
        "garbage": (DEVICE, lambda n: junk[n % 100]),
        "strangers' traps": (STRANGER, lambda _: trap),
    }


def pour(port: int, source: str, datagram: Callable[[int], bytes], count: int) -> float:
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((source, 0))
        for n in range(count):
            wire.sendto(datagram(n), ("127.0.0.1", port))
    return time.monotonic() - began


def until_heard(port: int, heard: Callable[[], bool]) -> float:
    """Seconds until a true trap of another device is through, sent each 50 ms."""
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((OTHER, 0))
        while time.monotonic() - began < 20:
            wire.sendto(v2_trap(name="secret"), ("127.0.0.1", port))
            time.sleep(0.05)
            if heard():
                break
    return time.monotonic() - began


class Ours:
    name = "receiver"

    def __init__(self, folder: Path) -> None:
        setup = Setup(
            settings=TrapSettings(listen=(("127.0.0.1", 0),)),
            hosts=(DEVICE, OTHER),
            communities=(f"file:{folder}/community",),
            engine_file=str(folder / "engine"),
        )
        (folder / "community").write_text("secret")
        self.child = subprocess.Popen(
            [sys.executable, "-m", "agent.traps.receiver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )
        assert self.child.stdin
        assert self.child.stdout
        self.child.stdin.write(message.line_of(setup))
        self.child.stdin.flush()
        ready = message.up(self.child.stdout.readline())
        assert isinstance(ready, Ready)
        self.port = int(ready.listen[0].rpartition(":")[2])
        self.tally = Tally()
        self.others = 0
        os.set_blocking(self.child.stdout.fileno(), False)

    def look(self) -> None:
        assert self.child.stdout
        while line := self.child.stdout.readline():
            said = message.up(line)
            if isinstance(said, Tally):
                self.tally = said
            self.others += isinstance(said, Notice) and said.hosts == (OTHER,)

    def heard(self) -> bool:
        before = self.others
        self.look()
        return self.others > before

    def taken(self) -> int:
        time.sleep(2.5)  # the next tally
        self.look()
        return self.tally.received

    def stop(self) -> None:
        assert self.child.stdin
        self.child.stdin.close()
        self.child.wait(10)


class SnmpTrapd:
    name = "snmptrapd"

    def __init__(self, folder: Path, program: str) -> None:
        (folder / "snmptrapd.conf").write_text("authCommunity log secret\n[snmp] persistentDir /tmp\n")
        self.port = free_port(socket.SOCK_DGRAM)
        self.log = folder / "traps.log"
        options = ["-f", "-C", "-c", str(folder / "snmptrapd.conf"), "-On", "-Lf", str(self.log), "-F", "trap %b\n"]
        self.child = subprocess.Popen(
            [program, *options, f"127.0.0.1:{self.port}"], env={"SNMP_PERSISTENT_DIR": str(folder)}
        )
        time.sleep(1)
        self.others = 0

    def lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()

    def heard(self) -> bool:
        before, self.others = self.others, sum(OTHER in line for line in self.lines())
        return self.others > before

    def taken(self) -> int:
        time.sleep(0.5)
        return sum("trap" in line for line in self.lines())

    def stop(self) -> None:
        self.child.terminate()
        self.child.wait(10)


def run(one: Ours | SnmpTrapd, count: int) -> None:
    process = psutil.Process(one.child.pid)
    for name, (source, datagram) in floods(count).items():
        before_s, before_kb, before = sum(process.cpu_times()[:2]), process.memory_info().rss, one.taken()
        poured_s = pour(one.port, source, datagram, count)
        heard_s = until_heard(one.port, one.heard)
        taken = max(one.taken() - before, 1)
        spent_s = sum(process.cpu_times()[:2]) - before_s
        grown_mb = (process.memory_info().rss - before_kb) / 1e6
        print(
            f"{one.name:10} {name:18} {count:7} in {poured_s:5.2f} s  taken {taken:6}  CPU {spent_s:5.2f} s "
            f"({spent_s / taken * 1e6:6.1f} µs each)  RSS {process.memory_info().rss / 1e6:6.1f} MB ({grown_mb:+.1f})  "
            f"true trap heard after {heard_s:.2f} s"
        )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = shutil.which("snmptrapd", path="/usr/sbin:/usr/bin:/sbin")
        peers: list[Ours | SnmpTrapd] = [Ours(folder), *([SnmpTrapd(folder, program)] if program else [])]
        for one in peers:
            try:
                run(one, count)
            finally:
                one.stop()


if __name__ == "__main__":
    main()

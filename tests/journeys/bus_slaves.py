"""Twelve slaves on one bus, in a process of their own, that go wrong when they are told to. They know the truth.

A register holds a number that names its unit and its address (`word`), so that whoever reads it can tell whose it is.
Words on stdin: `dead 3`, `late 7`, `garbled 9` (from then on), `unplug`, `plug`. What it did comes back on stdout.

late     a tenth of the replies come after the time-out: in whosever turn that is, some of them twice, or just before
         the answer to the next question for that unit, where they do most harm
garbled  a quarter of the replies are flipped, torn, amid noise, doubled (at once, or just before the next answer), of
         another unit, or behind an echo of the request

Run as: python -m tests.journeys.bus_slaves LINK TIMEOUT_S
"""

from __future__ import annotations

import heapq
import os
import pty
import random
import select
import struct
import sys
import time
import tty
from functools import cache
from pathlib import Path

from pymodbus.framer import FramerRTU

UNITS = range(1, 13)
_REQUEST = 8
_OFTEN = {"late": 0.1, "garbled": 0.25}


def word(unit: int, address: int) -> int:
    """What a unit keeps in a register: never the same in neighbours, nor in two units."""
    return unit * 5003 + address


def crc(frame: bytes) -> bytes:
    """The frame with its check sum."""
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


@cache
def honest(request: bytes) -> bytes:
    """The right answer."""
    unit, function, address, count = struct.unpack(">BBHH", request[:6])
    words = [word(unit, address + n) for n in range(count)]
    return crc(struct.pack(f">BBB{count}H", unit, function, 2 * count, *words))


class Bus:
    """The wire and who hangs on it."""

    def __init__(self, link: Path, timeout_s: float) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self._chance = random.Random(3)
        self._wrong: dict[int, str] = {}
        self._ends: tuple[int, int] | None = None
        self._heard = b""
        self._later: list[tuple[float, bytes]] = []
        self._held: dict[int, bytes] = {}
        self.plug()

    def plug(self) -> None:
        """A new adapter: another node under the old name."""
        self._ends = pty.openpty()
        for end in self._ends:
            tty.setraw(end)
        os.set_blocking(self._ends[0], False)
        self._link.symlink_to(os.ttyname(self._ends[1]))

    def unplug(self) -> None:
        self._link.unlink()
        for end in self._ends or ():
            os.close(end)
        self._ends = None
        self._heard = b""
        self._later.clear()
        self._held.clear()

    def serve(self) -> None:
        """Until stdin ends."""
        os.set_blocking(0, False)
        while True:
            wire = [self._ends[0]] if self._ends else []
            wait_s = max(0.0, self._later[0][0] - time.monotonic()) if self._later else None
            ready, _, _ = select.select([0, *wire], [], [], wait_s)
            if 0 in ready:
                said = os.read(0, 4096)
                if not said:
                    return
                for line in said.decode().splitlines():
                    self._told(line)
            elif ready and self._ends:
                self._hear(os.read(self._ends[0], 4096))
            while self._later and self._later[0][0] <= time.monotonic():
                self._say(heapq.heappop(self._later)[1])

    def _told(self, line: str) -> None:
        what, _, unit = line.partition(" ")
        if what == "plug":
            self._taken = pty.openpty()  # another adapter has the old node now
            self.plug()
        elif what == "unplug":
            self.unplug()
        else:
            self._wrong[int(unit)] = what
        print(line, flush=True)

    def _hear(self, data: bytes) -> None:
        self._heard += data
        while len(self._heard) >= _REQUEST:
            request, self._heard = self._heard[:_REQUEST], self._heard[_REQUEST:]
            if FramerRTU.check_CRC(request[:-2], request[6] << 8 | request[7]):
                self._answer(request)
            else:
                self._heard = b""

    def _answer(self, request: bytes) -> None:
        wrong = self._wrong.get(request[0], "")
        if wrong == "dead":
            return
        if self._chance.random() > _OFTEN.get(wrong, 0.0):
            wrong = ""
        self._say(self._held.pop(request[0], b""))
        if wrong == "late" and self._chance.random() < 0.5:
            self._held[request[0]] = honest(request)
        elif wrong == "late":
            due = time.monotonic() + self._timeout_s * self._chance.uniform(1.0, 4.0)
            for copy in range(self._chance.choice((1, 1, 2))):
                heapq.heappush(self._later, (due + copy * self._timeout_s / 3, honest(request)))
        elif wrong == "garbled":
            self._say(self._spoiled(request, honest(request)))
        else:
            self._say(honest(request))

    def _spoiled(self, request: bytes, said: bytes) -> bytes:
        if self._chance.random() < 0.3:
            self._held[request[0]] = said
            return said
        place = self._chance.randrange(len(said))
        return self._chance.choice(
            (
                said[:place] + bytes([said[place] ^ 0x10]) + said[place + 1 :],
                said[:place],
                self._chance.randbytes(5) + said + self._chance.randbytes(2),
                said + said,
                honest(crc(bytes([request[0] % 12 + 1]) + request[1:6])),
                request + said,
            )
        )

    def _say(self, data: bytes) -> None:
        if self._ends and data:
            os.write(self._ends[0], data)


def main() -> None:
    bus = Bus(Path(sys.argv[1]), float(sys.argv[2]))
    print("ready", flush=True)
    bus.serve()


if __name__ == "__main__":
    main()

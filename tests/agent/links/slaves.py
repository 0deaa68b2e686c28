"""Scripted devices on real ptys and sockets: what they say is a function of what they hear, never of time.

A script is called with each whole request and returns the bytes to send, at once. A late reply is one that the
script keeps and sends when the next request comes: that is when it does its harm.
"""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pymodbus.framer import FramerRTU

#: Hears one whole request, says what to send.
Script = Callable[[bytes], bytes]


def crc(frame: bytes) -> bytes:
    """The frame with its CRC."""
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


def word_at(address: int) -> int:
    """What every honest slave of these tests keeps in a register: a number that names the register."""
    return (address * 7919 + 13) % 65521


def honest(request: bytes) -> bytes:
    """The right answer to a request for holding registers."""
    address, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    words = b"".join(word_at(address + n).to_bytes(2, "big") for n in range(count))
    return crc(bytes([request[0], request[1], 2 * count]) + words)


@contextmanager
def on_pty(script: Script, whole: Callable[[bytes], int]) -> Iterator[str]:
    """The path of a pty behind which `script` answers. `whole` gives the length of a whole request, or 0."""
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    stop_out, stop_in = os.pipe()
    thread = threading.Thread(target=_answer, args=(master, stop_out, script, whole), daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.write(stop_in, b".")
        thread.join(10)
        for fd in (master, slave, stop_out, stop_in):
            os.close(fd)


def _answer(master: int, stop: int, script: Script, whole: Callable[[bytes], int]) -> None:
    heard = b""
    while True:
        ready, _, _ = select.select([master, stop], [], [])
        if stop in ready:
            return
        heard += os.read(master, 4096)
        while size := whole(heard):
            request, heard = heard[:size], heard[size:]
            said = script(request)
            if said:
                os.write(master, said)


def rtu_request(heard: bytes) -> int:
    """Requests to read registers are 8 bytes long."""
    return 8 if len(heard) >= 8 else 0


def command(heard: bytes) -> int:
    """Serial commands end with CR."""
    return heard.find(b"\r") + 1

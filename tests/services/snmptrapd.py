"""Net-SNMP's trap receiver: what a third party hears, a line each."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services import free_port, need, running, wait_for


class Receiver:
    """A running snmptrapd on `place` (HOST:PORT)."""

    def __init__(self, place: str, log: Path) -> None:
        self.place = place
        self._log = log

    def heard(self) -> list[str]:
        """Everything received: for v1 enterprise, generic and specific number first, then names and values."""
        return [line for line in self._log.read_text(errors="replace").splitlines() if line.startswith("got ")]

    def wait(self, *words: str, seconds: float = 15) -> str:
        """The first notification that holds all `words`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.heard():
                if all(word in line for word in words):
                    return line
            time.sleep(0.05)
        pytest.fail(f"no trap with {words} in {seconds:g} s, but {self._log.read_text(errors='replace')}")


@contextmanager
def receiving(folder: Path, *users: str) -> Iterator[Receiver]:
    """A receiver of v1 and v2c (community public), and of v3 by the words of `createUser`: [-e ENGINE] NAME …"""
    folder.mkdir(parents=True, exist_ok=True)
    names = {words[2] if words[0] == "-e" else words[0] for words in map(str.split, users)}
    lines = ["authCommunity log public", *(f"createUser {user}" for user in users)]
    lines += [f"authUser log {name} noauth" for name in sorted(names)]
    lines += ["format1 got v1 %N %w %q; %v\\n", "format2 got %P; %v\\n"]
    config = folder / "snmptrapd.conf"
    config.write_text("\n".join(lines) + "\n")
    log = folder / "snmptrapd.log"
    place = f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    command = [need("snmptrapd", "snmptrapd"), "-f", "-Lo", "-On", "-Oe", "-n", "-C", "-c", str(config), f"udp:{place}"]
    with running(command, log, env={"MIBS": "", "SNMP_PERSISTENT_DIR": str(folder)}):
        wait_for(lambda: "NET-SNMP version" in log.read_text(errors="replace"), 20, "snmptrapd")
        yield Receiver(place, log)

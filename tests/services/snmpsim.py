"""snmpsim serving recordings as an SNMP agent: the community is the recording's name.

The recordings are copied to a folder of the test, in OID order and without repeats (a recording may have steps
back, on which GETNEXT would stop). snmpsim 1.2.2 imports pysmi without asking for it: it must be installed too.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gufo.snmp import SnmpError
from gufo.snmp.sync import SnmpSession

from tests.services import free_port, missing, running, wait_for

_PROGRAM = "snmpsim-command-responder"


def program() -> str:
    """The path of the responder, or the test is skipped (failed in CI)."""
    beside = Path(sys.executable).with_name(_PROGRAM)
    elsewhere = shutil.which(_PROGRAM)
    if beside.exists() and importlib.util.find_spec("pysmi"):
        return str(beside)
    if not elsewhere or Path(elsewhere).resolve() == beside.resolve():
        missing(f"{_PROGRAM} with pysmi is not installed: pip install snmpsim pysmi")
    return str(elsewhere)


def ordered(recording: bytes) -> bytes:
    """A recording in OID order, the first of each OID kept."""
    lines: dict[tuple[int, ...], bytes] = {}
    for line in recording.split(b"\n"):
        oid = line.partition(b"|")[0].decode("ascii", "replace").strip(".")
        if oid and all(part.isdigit() for part in oid.split(".")):
            lines.setdefault(tuple(map(int, oid.split("."))), line.rstrip(b"\r"))
    return b"\n".join(lines[oid] for oid in sorted(lines)) + b"\n"


@contextmanager
def serving(recordings: Iterable[Path], folder: Path, edits: dict[str, bytes] | None = None) -> Iterator[int]:
    """The UDP port on 127.0.0.1 at which the recordings are served. `edits`: recordings made by the test."""
    data = folder / "data"
    data.mkdir()
    for path in recordings:
        (data / path.name).write_bytes(ordered(path.read_bytes()))
    for name, text in (edits or {}).items():
        (data / f"{name}.snmprec").write_bytes(ordered(text))
    port = free_port(socket.SOCK_DGRAM)
    command = [program(), f"--data-dir={data}", f"--cache-dir={folder / 'cache'}"]
    command += [f"--agent-udpv4-endpoint=127.0.0.1:{port}", "--max-var-binds=64"]
    if os.getuid() == 0:
        command += ["--process-user=root", "--process-group=root"]
    log = folder / "snmpsim.log"
    with running(command, log):
        wait_for(lambda: b"Listening at UDP/IPv4" in log.read_bytes(), 120, "snmpsim")
        first = min(data.iterdir()).stem
        wait_for(lambda: _answers(port, first), 60, f"an answer of snmpsim for {first}")
        yield port


def _answers(port: int, community: str) -> bool:
    """It says that it listens before it does."""
    try:
        SnmpSession("127.0.0.1", port=port, community=community, timeout=1.0).get("1.3.6.1.2.1.1.2.0")
    except (OSError, SnmpError):
        return False
    return True

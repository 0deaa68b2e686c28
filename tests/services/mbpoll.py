"""mbpoll (libmodbus): what another Modbus master reads."""

from __future__ import annotations

import re
import subprocess

from tests.services import need

_VALUE = re.compile(r"^\[(\d+)\]:\s+(\d+)", re.MULTILINE)


def registers(place: str, unit: int, first: int, count: int, *, baud: int = 9600) -> list[int] | str:
    """`count` holding registers from a serial path or host:port; the words of its error when there are none."""
    program = need("mbpoll", "mbpoll")
    if place.startswith("/"):
        line = ["-m", "rtu", "-b", str(baud), "-P", "none", place]
    else:
        host, port = place.split(":")
        line = ["-m", "tcp", "-p", port, host]
    command = [program, "-1", "-0", "-t", "4", "-o", "1", "-a", str(unit), "-r", str(first), "-c", str(count), *line]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    found = {int(register): int(value) for register, value in _VALUE.findall(done.stdout)}
    if not found:
        return done.stderr.strip()
    return [found[first + n] for n in range(count)]

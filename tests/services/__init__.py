"""Real servers and third-party clients for the tests: started on free ports, stopped by their own process id.

`need("influxd", package="influxdb")` skips a test, with the reason, on a machine that lacks the program;
with CI set nothing may be missing, so there it fails instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
_PLACES = ("/usr/sbin", "/usr/lib/nut", "/lib/nut", "/usr/local/bin")


def missing(reason: str) -> None:
    """Skip the present test with a reason; in CI fail it, because there nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(f"in CI nothing is skipped: {reason}")
    pytest.skip(reason)


def need(program: str, package: str) -> str:
    """The path of a program of the machine, or the test is skipped (failed in CI)."""
    found = shutil.which(program) or shutil.which(program, path=os.pathsep.join(_PLACES))
    if not found:
        missing(f"{program} is not installed (Debian package {package}): tests/services/install.sh installs it")
    return found or program


def shared(*parts: str) -> Path:
    """A path below ../shared (recordings and real servers' data), or the test is skipped (failed in CI)."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        missing(f"../shared/{'/'.join(parts)} is not here: it is test material beside the project, not part of it")
    return path


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_for(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until `ready()`; fails the test naming what did not come."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            pytest.fail(f"{what} did not come within {seconds:g} s")
        time.sleep(0.05)


@contextmanager
def running(
    command: list[str], log: Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own, output to `log`; ended by its own process id, killed after 10 s."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

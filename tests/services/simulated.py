"""Starts the simulators as the product does: a child process, JSON lines both ways."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).resolve().parents[2] / "simulators" / "scenarios" / "demo.toml"
#: Slow enough that nothing moves while a test looks, and not quite still.
FROZEN = 0.001
_RUN = (
    "import sys; from pathlib import Path; from model.timescale import TimeScale; from simulators.serve import main;"
    "sys.exit(main(Path(sys.argv[1]), TimeScale.parse(sys.argv[2]), Path(sys.argv[3])))"
)


class Simulated:
    """A running child. `urls` and `devices` are as its ready line had them."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.devices: list[dict[str, str]] = self.heard("ready", 30)["devices"]
        self.urls = {device["id"]: device["url"] for device in self.devices}

    def _read(self) -> None:
        assert self.child.stdout
        for line in self.child.stdout:
            self._lines.put(line)

    def heard(self, key: str, seconds: float = 20) -> dict[str, Any]:
        """The next line that has `key`; lines before it are dropped."""
        while True:
            try:
                line = json.loads(self._lines.get(timeout=seconds))
            except queue.Empty:
                pytest.fail(f"the simulators said nothing with {key!r} within {seconds:g} s")
            if key in line:
                return dict(line)

    def order(self, **command: object) -> None:
        """Send one command."""
        assert self.child.stdin
        self.child.stdin.write(json.dumps(command) + "\n")
        self.child.stdin.flush()

    def truth(self) -> dict[str, dict[str, float]]:
        """What really is, now."""
        self.order(cmd="truth")
        truth: dict[str, dict[str, float]] = self.heard("truth")["truth"]
        return truth

    def place(self, device: str) -> str:
        """Host and port, or path, of a device's URL."""
        rest = self.urls[device].split("://", 1)[1]
        return rest.split("?", 1)[0]


@contextmanager
def simulated(directory: Path, speed: float = FROZEN, scenario: Path = DEMO) -> Iterator[Simulated]:
    """The scenario on real wires, links in `directory`; stopped by closing its stdin."""
    clock = f"1700000000000:{1700000000000}:{speed:g}"
    child = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(scenario), clock, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        yield Simulated(child)
    finally:
        assert child.stdin
        if not child.stdin.closed:
            child.stdin.close()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

"""Plays a recording as the product does: `roundsman simulate --replay FILE` as a child process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.simulated import Simulated

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def replayed(file: Path, directory: Path, *more: str) -> Iterator[Simulated]:
    """The wire of a recording, links in `directory`; stopped by closing its stdin."""
    command = [sys.executable, "-m", "roundsman", "simulate", "--replay", str(file), "--directory", str(directory)]
    child = subprocess.Popen([*command, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
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

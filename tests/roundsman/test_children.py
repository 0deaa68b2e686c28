"""Children are kept alive, told things, and ended by their own process id."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from roundsman.children import Child

_ECHO = "import sys\nprint('up', flush=True)\nfor line in sys.stdin: print('got', line.strip(), flush=True)\n"


async def _until(condition: object, seconds: float = 20) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not condition():  # type: ignore[operator]
        assert asyncio.get_running_loop().time() < end, "it did not come"
        await asyncio.sleep(0.02)


async def test_a_killed_child_is_started_again_under_a_new_pid(tmp_path: Path) -> None:
    exits: list[tuple[str, int]] = []
    child = Child(
        "sleeper",
        [sys.executable, "-c", "import time; time.sleep(600)"],
        tmp_path / "log",
        on_exit=lambda *e: exits.append(e),
    )
    await child.start()
    first = child.pid
    assert child.kill()
    await _until(lambda: child.pid not in (None, first))
    assert exits == [("sleeper", -9)]
    assert child.deaths == 1
    await child.stop()
    assert child.pid is None


async def test_lines_go_both_ways(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child("echo", [sys.executable, "-c", _ECHO], tmp_path / "log", on_line=said.append)
    await child.start()
    await _until(lambda: "up" in said)
    await child.tell("hello")
    await _until(lambda: "got hello" in said)
    await child.stop()
    assert said == ["up", "got hello"]


async def test_a_child_that_ignores_sigterm_is_killed_in_the_end(tmp_path: Path) -> None:
    deaf = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)\n"
    )
    said: list[str] = []
    child = Child("deaf", [sys.executable, "-c", deaf], tmp_path / "log", on_line=said.append)
    await child.start()
    await _until(lambda: "up" in said)
    await child.stop(patience_s=0.2)
    assert child.pid is None

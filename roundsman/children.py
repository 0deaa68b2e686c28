"""The processes that `run` and `demo` start: kept alive, stopped in order, killed only by their own id.

The parent never shares memory with a child: agents, collector and simulators speak over the real wires,
the real spool and loopback HTTP, exactly as they do on many machines. A child that dies is started
again, as systemd would do, after a pause that grows while it keeps dying.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

#: A child that lived this long (seconds) is taken as healthy: the pause before a restart starts small again.
_HEALTHY_S = 10.0
_LONGEST_PAUSE_S = 5.0


def command(*words: str) -> list[str]:
    """Our own command in a child: the same interpreter, the same code."""
    return [sys.executable, "-m", "roundsman", *words]


class Child:
    """One supervised process. Its output goes to `log`, or line by line to `on_line`."""

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        log: Path,
        *,
        on_line: Callable[[str], None] | None = None,
        on_exit: Callable[[str, int], None] | None = None,
        restart: bool = True,
    ) -> None:
        self.name = name
        self.deaths = 0
        self._words = list(words)
        self._log = log
        self._on_line = on_line
        self._on_exit = on_exit
        self._restart = restart
        self._stopping = False
        self._process: asyncio.subprocess.Process | None = None
        self._killed: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs; None from the moment it was killed."""
        process = self._process
        alive = process is not None and process.returncode is None and process is not self._killed
        return process.pid if process and alive else None

    async def start(self) -> None:
        """Start it and keep it alive until `stop`."""
        await self._spawn()
        self._task = asyncio.create_task(self._supervise(), name=f"child {self.name}")

    async def tell(self, line: str) -> None:
        """Write one line to its standard input (simulators take commands there)."""
        if self._process and self._process.stdin and self._process.returncode is None:
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()

    def kill(self) -> bool:
        """kill -9, as a power cut would; it is started again. False when it was not running."""
        if self.pid is None:
            return False
        os.kill(self.pid, signal.SIGKILL)
        self._killed = self._process
        return True

    async def stop(self, patience_s: float = 15.0) -> None:
        """SIGTERM, then SIGKILL when it does not end in time."""
        self._stopping = True
        process = self._process
        if process and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), patience_s)
            except TimeoutError:
                process.kill()
        if self._task:
            await self._task

    async def _spawn(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.PIPE if self._on_line else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self._on_line else log,
                stderr=log,
                start_new_session=True,
            )

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        pause = 0.2
        while self._process is not None:
            born = loop.time()
            await self._read_lines(self._process)
            code = await self._process.wait()
            if self._stopping:
                return
            self.deaths += 1
            if self._on_exit:
                self._on_exit(self.name, code)
            if not self._restart:
                return
            pause = 0.2 if loop.time() - born > _HEALTHY_S else min(pause * 2, _LONGEST_PAUSE_S)
            await asyncio.sleep(pause)
            if self._stopping:
                return
            await self._spawn()

    async def _read_lines(self, process: asyncio.subprocess.Process) -> None:
        if not (self._on_line and process.stdout):
            return
        async for line in process.stdout:
            self._on_line(line.decode(errors="replace").rstrip("\n"))

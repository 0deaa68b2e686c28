"""`roundsman simulate`: a scenario on real wires, told about on stdout, commanded on stdin. I/O.

First line out: {"ready": true, "devices": [{id, site, url, profile, kind}…]}; later {"event": …},
{"truth": …}, {"error": …}. Lines in: see `commands`. The end of stdin, {"cmd":"stop"}, SIGTERM and SIGINT
all stop it; wires are closed and symlinks removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from model.timescale import TimeScale
from simulators import clock, commands, scenario_file
from simulators.scenario import Event, Scenario
from simulators.stage import Stage
from simulators.wires import Wires

_STDIN = 0
_LONGEST_LINE = 1 << 20
#: The story goes on even when nobody asks: its events are told in time.
_TICK_S = 0.1


def main(scenario: Path, scale: TimeScale, directory: Path) -> int:
    """Serve until told to stop; 2 when the scenario is not valid or a wire cannot be opened."""
    read, problems = scenario_file.load(scenario)
    for problem in problems:
        sys.stderr.write(problem.render("en") + "\n")
    if read is None:
        return 2
    try:
        asyncio.run(_serve(read, scale, directory))
    except OSError as error:
        sys.stderr.write(f"cannot open a wire of {scenario} in {directory}: {error}\n")
        return 2
    return 0


def tell(line: dict[str, object]) -> None:
    """One JSON line on stdout; a reader that went away is no error here, the end of stdin will follow."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()


async def _serve(scenario: Scenario, scale: TimeScale, directory: Path) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    stage = Stage(scenario, scale, clock.real_ms, tell)
    wires = Wires(stage, directory)
    try:
        await wires.open()
        tell({"ready": True, "devices": _devices(scenario, wires)})
        listen(loop, lambda line: _obey(stage, wires, line, stopped.set), stopped.set)
        while not stopped.is_set():
            stage.now()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _TICK_S)
    finally:
        wires.close()


def _devices(scenario: Scenario, wires: Wires) -> list[dict[str, str]]:
    return [
        {
            "id": id,
            "site": device.site.id,
            "url": wires.urls[id],
            "profile": device.model.profile,
            "kind": device.kind,
        }
        for id, device in scenario.devices.items()
    ]


def listen(loop: asyncio.AbstractEventLoop, on_line: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
    """Read stdin in a thread: it may be a pipe, a terminal or a file, and asyncio takes only some of these."""

    def read() -> None:
        rest = b""
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: the loop has closed meanwhile
            while data := os.read(_STDIN, 65536):
                *lines, rest = (rest[-_LONGEST_LINE:] + data).split(b"\n")
                for line in lines:
                    loop.call_soon_threadsafe(on_line, line)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(on_end)

    threading.Thread(target=read, name="stdin", daemon=True).start()


def _obey(stage: Stage, wires: Wires, line: bytes, stop: Callable[[], None]) -> None:
    if not line.strip():
        return
    try:
        order = commands.decode(line)
    except commands.CommandError as error:
        tell({"error": str(error), "line": line.decode(errors="replace")[:200]})
        return
    match order:
        case commands.Start():
            stage.begin()
        case commands.Truth():
            tell({"truth": stage.truth(), "wires": wires.heard()})
        case commands.Stop():
            stop()
        case commands.Traps():
            _send_traps(wires, order)
        case Event():
            misfit = stage.happen(order)
            if misfit:
                expected, fix = misfit.expected.en, misfit.fix.en
                tell({"error": f"{misfit.key}: expected {expected}, got {misfit.got}; {fix}"})


def _send_traps(wires: Wires, order: commands.Traps) -> None:
    try:
        wires.traps.send_to(order.entry())
    except commands.CommandError as error:
        tell({"error": str(error)})

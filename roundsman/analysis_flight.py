"""A flight recorder's file into readings: played on a wire of its kind, read by the agent's own link and driver.

The recording moves on with what is asked, so this takes no longer than asking does. Times are the recording's own: where it was when a
value was asked. What it never held (the name plate, slow tables) stays a gap and no detector sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.backlog import Found
from agent.links import open_link
from agent.profiles import Tier, load
from analytics.watch import blocks_of
from collector.history.days import DAY_MS
from model import flight
from model.flight import Flight
from model.problem import Problem, unreadable
from model.reading import Gap, Reading
from model.text import Text
from roundsman.analysis_readings import Days
from simulators.serve_replay import Replay

#: A recording that is not over after so many real seconds is not going to be.
LONGEST_S = 60.0
_MEASURE_EVERY = 3
_KINDS = Text("a recording of Modbus, Megatec or SNMP", "Modbus、Megatec 或 SNMP 的录波")
_FIX = Text(
    "play it with `roundsman simulate --replay` beside an agent", "用 roundsman simulate --replay 配合采集端回放"
)


def read(path: Path) -> tuple[Days, list[Problem]]:
    """By device and begin of day (ms): columns and gaps."""
    try:
        recorded, problems = flight.read(path.read_bytes(), str(path))
    except OSError as error:
        recorded, problems = None, [unreadable(str(path), error)]
    if recorded is None:
        return {}, problems
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(played(recorded, Path(folder)))
    if found is None:
        got = recorded.header.devices[0].scheme
        return {}, [Problem(file=str(path), line=1, key="devices", expected=_KINDS, got=got, fix=_FIX)]
    return sorted_out(found), problems


async def played(recorded: Flight, folder: Path) -> list[Found] | None:
    """All that the agent reads of the replayed line until its recorded end; None for a kind that cannot be played."""
    wires = Replay(recorded, folder, None)
    if not await wires.open():
        return None
    begin = recorded.header.at - recorded.header.event
    urls = {one["id"]: DeviceUrl.parse(one["url"]) for one in wires.devices()}
    profiles = {one.id: load(one.profiles[0]) if one.profiles else None for one in recorded.header.devices}
    found: list[Found] = []
    last, turn, until = 0, 0, time.monotonic() + LONGEST_S

    def now() -> int:
        nonlocal last
        last = max(last + 1, round(begin + wires.moment))
        return last

    try:
        with contextlib.closing(open_link(next(iter(urls.values())))) as link:
            while not wires.over and time.monotonic() < until:
                tier = Tier.MEASURE if turn % _MEASURE_EVERY == _MEASURE_EVERY - 1 else Tier.STATUS
                turn += 1
                for device, url in urls.items():
                    found += await ask_device(link, device, url, profiles[device], tier, now)
    finally:
        wires.close()
    return found


def sorted_out(found: Iterable[Found]) -> Days:
    """Readings and gaps by device and day."""
    days: Days = {}
    by_day: dict[int, tuple[list[Reading], list[Gap]]] = {}
    for one in found:
        if isinstance(one, Reading):
            by_day.setdefault(one.at // DAY_MS, ([], []))[0].append(one)
        elif isinstance(one, Gap):
            by_day.setdefault(one.at // DAY_MS, ([], []))[1].append(one)
    for day, (readings, gaps) in by_day.items():
        for block in blocks_of(readings, gaps):
            days.setdefault(block.device, {})[day * DAY_MS] = (block.columns, block.gaps)
    return days

"""Many sleepers, one alarm."""

from __future__ import annotations

import asyncio
import time

from agent.ticker import Ticker


async def test_nobody_is_woken_early_and_those_of_one_step_are_woken_together() -> None:
    ticker = Ticker(0.05)
    begin = (int(time.monotonic() / 0.05) + 2) * 0.05
    woken: list[tuple[str, float]] = []
    done = asyncio.Event()
    wanted = {"a": begin + 0.001, "b": begin + 0.03, "past": begin - 10.0, "c": begin + 0.06}
    for name, at in wanted.items():
        ticker.wake(at, lambda name=name: woken.append((name, time.monotonic())))  # type: ignore[misc]
    ticker.wake(begin + 0.11, done.set)
    await done.wait()
    assert [name for name, _ in woken] == ["past", "a", "b", "c"]
    assert all(at >= wanted[name] - 0.002 for name, at in woken)

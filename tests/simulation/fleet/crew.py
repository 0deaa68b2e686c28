"""Devices shared out to processes: each is made from (seed, number), so the order and the number of workers change nothing."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from multiprocessing import get_context

from tests.simulation.fleet import device, run
from tests.simulation.fleet.run import Result

#: seed, number, batteries, years, the only kind of fault or None, whether a crew answers, the detectors that look (none named: all)
Job = tuple[int, int, int, float, str | None, bool, frozenset[str]]


def one(job: Job) -> Result:
    """One device: its story and what the detectors made of it."""
    seed, number, batteries, years, only, answers, names = job
    begun = time.process_time()
    story = device.story(seed, number, batteries, years, only)
    result = run.play(story, seed, time.process_time() - begun, answers=answers, names=names)
    story.answer = None
    gc.collect()
    return result


def _spare() -> None:
    """A story is one long life of plain data without cycles: looking for them costs 7 % of the time. One look at its end is enough (`one`)."""
    gc.freeze()
    gc.disable()


def results(jobs: list[Job], workers: int) -> Iterator[Result]:
    if workers <= 1:
        yield from map(one, jobs)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with get_context("spawn").Pool(workers, initializer=_spare) as pool:
        yield from pool.imap_unordered(one, jobs, chunksize=1)

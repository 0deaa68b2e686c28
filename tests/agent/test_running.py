"""The whole agent as a process: a device on a real pty, a real spool, a real HTTP server, real signals."""

from __future__ import annotations

import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from agent.running import EXIT_CONFIG, EXIT_NOT_ENROLLED, EXIT_TAKEN
from agent.spool import Spool
from agent.spool_reading import read_rows
from model.batch import Batch, EventKind, decode
from model.reading import GapCause
from model.timescale import TimeScale
from tests.agent.centre import Centre, serving
from tests.agent.megatec_pty import Ups, plugged_in
from tests.services import free_port, wait_for

CHILD = """
import sys
from pathlib import Path
from roundsman.cli import agent
sys.exit(agent(Path(sys.argv[1]), clock=sys.argv[2], enrol=(sys.argv[3:] or [None])[0]))
"""
SECRET = "5ec3e7" * 10
#: Questions before the first turn: whether the device speaks this dialect.
_SETTLING = 1


def agent_file(folder: Path, url: str, *ports: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "agent.toml"
    devices = "".join(
        f'[[device]]\nid = "ups-{n}"\nurl = "megatec://{port}?timeout=0.2"\n' for n, port in enumerate(ports, start=1)
    )
    path.write_text(
        f'[agent]\nsite = "sz"\ncollector = "{url}"\nkeep_delivered_h = 1000\n'
        f"[pace]\nstatus_s = 0.1\nmeasure_s = 0.1\n{devices}"
    )
    (folder / "agent.key").write_text(SECRET)
    return path


@contextmanager
def running(path: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The agent of a file. Its log goes to agent.log beside the file."""
    with path.with_name("agent.log").open("ab") as log:
        command = [sys.executable, "-c", CHILD, str(path), TimeScale().dump(), *more]
        child = subprocess.Popen(command, stderr=log, stdout=log)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


def ended(child: subprocess.Popen[bytes], how: int = signal.SIGTERM) -> int:
    child.send_signal(how)
    return child.wait(30)


def spooled(path: Path) -> tuple[list[Batch], list[int]]:
    """Every batch that the spool committed and kept, and the rows still to be delivered."""
    file = path.with_name("spool.sqlite")
    spool = Spool(file, max_mb=512, keep_delivered_ms=10**15)
    spool.open()
    waiting = [row.id for row in spool.undelivered(0, 100_000)]
    spool.close()
    with sqlite3.connect(file) as db:
        return [decode(packed) for (packed,) in db.execute("SELECT packed FROM rows ORDER BY id")], waiting


@pytest.fixture
def centre() -> Iterator[Centre]:
    with serving(Centre()) as one:
        yield one


@pytest.fixture
def ups() -> Iterator[Ups]:
    with plugged_in() as one:
        yield one


def heard(centre: Centre, device: str = "sz/ups-1") -> list[tuple[int, int]]:
    """The rounds of measuring that the centre has of a device (when, which), in the order of rows."""
    return [
        (one.at, round(one.value * 10))
        for _, batch in sorted(centre.kept.items(), key=lambda item: item[0][1])
        for one in batch.readings
        if (one.point, one.device) == ("input.voltage.fault", device)
    ]


def missed(centre: Centre, device: str = "sz/ups-1") -> list[tuple[int, int]]:
    """Measured rounds, each with the next one, between which the device answered another number of questions than was
    kept. A measurement says which answer it is; each other answer is a status, or the one that goes before a name plate."""
    told = [one for batch in centre.kept.values() for one in batch.readings if one.device == device]
    others = sorted(one.at for one in told if one.point in ("ups.source", "input.voltage.nominal"))
    found: list[tuple[int, int]] = []
    for (at, count), (next_at, next_count) in pairwise([(others[0] - 1, _SETTLING), *heard(centre, device)]):
        surely = bisect_left(others, next_at) - bisect_right(others, at)
        at_most = bisect_right(others, next_at) - bisect_left(others, at)  # two turns in one millisecond
        if not surely <= next_count - count - 1 <= at_most:
            found.append((count, next_count))
    return found


def test_what_a_device_says_is_at_the_centre_and_sigterm_leaves_nothing_behind(
    tmp_path: Path, centre: Centre, ups: Ups
) -> None:
    path = agent_file(tmp_path, centre.url, ups.port)
    with running(path) as child:
        centre.wait(lambda: len(heard(centre)) >= 10)
        assert psutil.Process(child.pid).memory_info().rss < 60 * 1024 * 1024
        assert ended(child) == 0
    batches, waiting = spooled(path)
    assert waiting == [], "the last flush was sent too"
    assert {batch.row for batch in batches} == {row for _, row in centre.kept}
    assert missed(centre) == [], "all that the device answered"
    assert SECRET not in path.with_name("agent.log").read_text()
    assert centre.requests[0]["authorization"] == f"Bearer {SECRET}"
    log = [json.loads(line) for line in path.with_name("agent.log").read_text().splitlines()]
    assert [log[0]["event"], log[-1]["event"]] == ["agent_starts", "agent_stopped"]


@pytest.mark.slow
def test_kills_at_random_instants_of_agent_and_collector_lose_nothing_and_double_nothing(
    tmp_path: Path, ups: Ups
) -> None:
    chance, port, centre = random.Random(42), free_port(), Centre()
    path = agent_file(tmp_path, f"http://127.0.0.1:{port}", ups.port)
    for _ in range(5):
        target = len(centre.requests) + chance.randrange(1, 4)
        with running(path) as child:
            with serving(centre, port):
                centre.wait(lambda target=target: len(centre.requests) >= target)
            told = ups.rounds
            wait_for(lambda told=told: ups.rounds > told + chance.randrange(1, 9), 30, "answers while it is down")
            ended(child, signal.SIGKILL)
    with running(path) as child, serving(centre, port):
        told = len(heard(centre))
        centre.wait(lambda: len(heard(centre)) > told)
        # The seconds that a stopping agent goes on sending are for its last rows, not for the backlog of a slow machine.
        spool = path.with_name("spool.sqlite")
        wait_for(lambda: sum(not sent for _, sent in read_rows(spool)) <= 2, 60, "the backlog being delivered")
        assert ended(child) == 0
    batches, waiting = spooled(path)
    assert waiting == []
    assert {(b.spool, b.row): b for b in batches} == centre.kept
    assert centre.changed_bytes == []
    times = [at for at, _ in heard(centre)]
    assert times == sorted(set(times)), "rising and unique over six boots"
    assert len({batch.boot for batch in batches}) == 6


def test_a_full_disk_is_outlived_and_told_by_the_log_alone_when_memory_had_room(
    tmp_path: Path, centre: Centre, ups: Ups
) -> None:
    """The kernel itself refuses: the file size limit of the running process is lowered, then raised again."""
    path = agent_file(tmp_path, centre.url, ups.port)
    log = path.with_name("agent.log")
    with running(path) as child:
        centre.wait(lambda: len(heard(centre)) >= 2)
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
        wait_for(lambda: "spool_refuses" in log.read_text(), 60, "the disk's refusal")
        told = ups.rounds
        wait_for(lambda: ups.rounds > told + 20, 30, "answers while the disk is full")
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_for(lambda: "spool_takes_again" in log.read_text(), 60, "the disk's taking again")
        assert ended(child) == 0
    measured = [count for _, count in heard(centre)]
    assert len(measured) == len(set(measured)), "nothing twice"
    assert missed(centre) == [], (
        "nothing lost: what is read while the disk is full is in memory, and leaves when it can"
    )
    events = [event for batch in centre.kept.values() for event in batch.events]
    assert not [event for event in events if event.kind is EventKind.LOSS]


def test_a_port_that_is_missing_and_a_device_that_is_mute_slow_no_other(
    tmp_path: Path, centre: Centre, ups: Ups
) -> None:
    with plugged_in() as mute:
        mute.mute = True
        path = agent_file(tmp_path, centre.url, ups.port, mute.port, "/dev/ttyNONE")
        with running(path) as child:
            centre.wait(lambda: len(heard(centre)) >= 20)
            gaps = [gap for batch in centre.kept.values() for gap in batch.gaps]
            assert {gap.device for gap in gaps if gap.point is None and gap.cause is GapCause.NO_ANSWER} == {
                "sz/ups-2",
                "sz/ups-3",
            }
            assert ended(child) == 0


def test_an_agent_without_devices_still_says_that_it_lives(tmp_path: Path, centre: Centre) -> None:
    with running(agent_file(tmp_path, centre.url)) as child:
        centre.wait(lambda: len(centre.kept) >= 2)
        assert ended(child) == 0
    assert not any(batch.readings for batch in centre.kept.values())


def test_enrolling_makes_the_key_and_the_agent_runs_with_it(tmp_path: Path, centre: Centre, ups: Ups) -> None:
    path = agent_file(tmp_path, centre.url, ups.port)
    key = path.with_name("agent.key")
    key.unlink()
    with running(path, "code-1") as child:
        centre.wait(lambda: len(centre.kept) >= 1)
        assert ended(child) == 0
    assert centre.requests[0]["authorization"] == f"Bearer {key.read_text().strip()}"
    assert centre.enrolments[0]["code"] == "code-1"
    # Started again with the code that is used up: the key is there, so the agent runs.
    centre.behaviour = lambda batch: None if batch else (403, b"used")
    before = len(centre.kept)
    with running(path, "code-1") as child:
        centre.wait(lambda: len(centre.kept) > before)
        assert ended(child) == 0


def test_a_file_that_cannot_be_used_and_a_spool_that_is_taken_end_with_their_own_codes(
    tmp_path: Path, centre: Centre
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[agent]\nsite = "sz"\n')
    with running(bad) as child:
        assert child.wait(30) == EXIT_CONFIG
    log = (tmp_path / "agent.log").read_text()
    assert "bad.toml:1: agent.collector" in log

    path = agent_file(tmp_path / "good", centre.url)
    with running(path) as first:
        centre.wait(lambda: len(centre.kept) >= 1)
        with running(path) as second:
            assert second.wait(30) == EXIT_TAKEN
        assert ended(first) == 0

    path.with_name("agent.key").unlink()
    centre.behaviour = lambda _: (403, b"no such code")
    with running(path, "wrong") as child:
        assert child.wait(30) == EXIT_NOT_ENROLLED


def test_an_agent_without_a_place_to_write_goes_on_and_spools_when_there_is_one(
    tmp_path: Path, centre: Centre, ups: Ups
) -> None:
    path = agent_file(tmp_path, centre.url, ups.port)
    blocked = tmp_path / "var"
    blocked.write_text("a file where the spool's folder should be")
    path.write_text(path.read_text().replace("[pace]", 'spool = "var/spool.sqlite"\n[pace]'))
    with running(path) as child:
        wait_for(lambda: ups.rounds > 10, 30, "rounds without a spool")
        blocked.unlink()
        centre.wait(lambda: len(heard(centre)) >= 10)
        assert ended(child) == 0
    assert missed(centre) == [], "what was read before there was a spool"

"""A real agent as a child process, watched from outside: its CPU and memory from /proc, its readings from its spool.

As a program it is that child: `python -m tests.benchmarks.watched_agent FILE [PROFILE.toml]` runs what `roundsman agent FILE`
runs, with one more profile known to it.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROOT = Path(__file__).resolve().parents[2]


def cpu_s(pid: int) -> float:
    """User and system seconds of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Memory(msgspec.Struct, frozen=True):
    """Megabytes: resident, and the share that is the process's own."""

    rss: float
    pss: float


def memory(pid: int) -> Memory:
    """What a process holds now."""
    rolled = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in rolled}
    return Memory(sizes["Rss"], sizes["Pss"])


def child(*command: str, quiet: bool = True) -> subprocess.Popen[str]:
    """A child of this interpreter in the project's folder."""
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=_ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
    )


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Ends the child, by its own process id, when the block ends."""
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def free_udp_port() -> int:
    """A UDP port that nobody holds on any address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])


@contextmanager
def fleet(devices: int, *, mute: int = 0, v3: bool = False) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A simulated fleet (snmp_fleet.py) and its port."""
    port = free_udp_port()
    options = ["--devices", str(devices), "--port", str(port), "--dead", str(mute), *(["--v3"] if v3 else [])]
    with ended(child("-m", "tests.benchmarks.snmp_fleet", *options)) as process:
        assert process.stdout
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the fleet does not start: are there enough open files (ulimit -n)?")
        yield port, process


def config(folder: Path, urls: list[str], *, pace: str, profile: str = "") -> Path:
    """The agent's file in a folder of its own. No collector listens at that port: the spool keeps everything."""
    folder.mkdir(parents=True)
    named = f'profile = "{profile}"\n' if profile else ""
    devices = "".join(f'[[device]]\nid = "d{n}"\nurl = "{url}"\n{named}' for n, url in enumerate(urls))
    path = folder / "agent.toml"
    agent = '[agent]\nsite = "bench"\ncollector = "http://127.0.0.1:9"\nkey = "file:agent.key"\nspool_max_mb = 20000\n'
    path.write_text(f"{agent}[pace]\n{pace}\n{devices}", encoding="utf-8")
    (folder / "agent.key").write_text("ab" * 32)
    return path


class Kept(msgspec.Struct, frozen=True):
    """What stands in a spool: rows, readings, and the instant of the last row."""

    rows: int
    readings: int
    gaps: int


def kept(spool: Path) -> Kept:
    """Counted by the spool itself, in a file that its agent holds."""
    if not spool.exists():
        return Kept(0, 0, 0)
    db = sqlite3.connect(f"file:{spool}?mode=ro", uri=True, timeout=10)
    try:
        return Kept(
            *db.execute("SELECT count(*), coalesce(sum(readings),0), coalesce(sum(gaps),0) FROM rows").fetchone()
        )
    except sqlite3.OperationalError:  # it is being made
        return Kept(0, 0, 0)
    finally:
        db.close()


def wait_readings(spool: Path, least: int, seconds: float) -> None:
    """Until so many readings are on the disk."""
    end = time.monotonic() + seconds
    while kept(spool).readings < least:
        if time.monotonic() > end:
            raise RuntimeError(f"only {kept(spool)} after {seconds:g} s")
        time.sleep(0.02)


def main() -> int:
    import agent.profiles as known
    from model.timescale import REAL

    if len(sys.argv) > 2:
        path = Path(sys.argv[2])
        profile, problems = known.lint(path.name, path.read_text(encoding="utf-8"))
        if profile is None:
            raise SystemExit("; ".join(problem.render("en") for problem in problems))
        load = known.load
        known.PROFILES = (*known.PROFILES, profile.id)
        known.load = lambda name: profile if name == profile.id else load(name)  # type: ignore[assignment]
    from roundsman.agent_start import start

    return start(Path(sys.argv[1]), REAL)


if __name__ == "__main__":
    sys.exit(main())

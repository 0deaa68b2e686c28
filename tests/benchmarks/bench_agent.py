"""What an agent costs a small machine: 500 UPS by SNMP at 10 s, CPU and memory over time, and the start.

    .venv/bin/python -m tests.benchmarks.bench_agent [--devices 500] [--minutes 2] [--factor 10] [--status 10] [--measure 10]
    .venv/bin/python -m tests.benchmarks.bench_agent --hour        the issue's hour at ten times the pace, and nothing else

The agent is `roundsman agent FILE` as a child process with the profile rfc1628 (walks, an alarm table, a name plate), its spool on
the disk, no collector: nothing is thrown away. First at the pace of the file, a quarter of the time; then at `--factor` times that
pace, where memory must stay flat. CPU is user + system time of the process as a share of one core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.snmp_fleet import address
from tests.benchmarks.watched_agent import child, config, cpu_s, ended, fleet, kept, memory, wait_readings

CPU, MEGABYTES, FIRST_S = 0.15, 150, 2.0
_LOOKS = 10
#: An agent that fills its books (a place for each series, a ring for each line) grows at first; then it must stand still.
GROWN_MB, HOUR_S = 5.0, 3600.0


def start(folder: Path, urls: list[str], pace: str) -> float:
    """Seconds from the start of the process to the first reading in the spool."""
    file = config(folder, urls, pace=pace, profile="rfc1628")
    began = time.monotonic()
    with ended(child("-m", "roundsman", "agent", str(file))):
        wait_readings(folder / "spool.sqlite", 1, 60)
        return time.monotonic() - began


def run(folder: Path, urls: list[str], pace: str, seconds: float, looks: int = _LOOKS) -> float:
    """Print what the agent takes, look by look. Returns by how many MB it grew from the first third's last look on."""
    file = config(folder, urls, pace=pace, profile="rfc1628")
    spool = folder / "spool.sqlite"
    with ended(child("-m", "roundsman", "agent", str(file))) as process:
        wait_readings(spool, 20 * len(urls), 120)
        time.sleep(min(seconds / 4, 20))
        begin_cpu, begin, begin_kept = cpu_s(process.pid), time.monotonic(), kept(spool).readings
        held = []
        for _ in range(looks):
            spent, at = cpu_s(process.pid), time.monotonic()
            time.sleep(seconds / looks)
            share = (cpu_s(process.pid) - spent) / (time.monotonic() - at)
            held.append(memory(process.pid))
            print(
                f"{time.monotonic() - begin:>8.0f} s{share:>9.1%} CPU{held[-1].rss:>9.1f} RSS{held[-1].pss:>9.1f} PSS MB",
                flush=True,
            )
        share = (cpu_s(process.pid) - begin_cpu) / (time.monotonic() - begin)
        pace_s = (kept(spool).readings - begin_kept) / (time.monotonic() - begin)
    grown = held[-1].rss - held[0].rss
    print(f"all: {share:.1%} of a core, {pace_s:,.0f} readings/s, RSS {held[-1].rss:.0f} MB, {grown:+.1f} MB meanwhile")
    return held[-1].rss - held[looks // 3].rss


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--factor", type=float, default=10)
    parser.add_argument("--status", type=float, default=10, help="seconds between two status rounds")
    parser.add_argument("--measure", type=float, default=10)
    parser.add_argument(
        "--hour", action="store_true", help="an hour at `factor` times the pace; fails when memory grows"
    )
    wishes = parser.parse_args()
    paces = [
        f"status_s = {max(wishes.status / k, 0.1)}\nmeasure_s = {max(wishes.measure / k, 0.1)}\nidentity_s = 86400"
        for k in (1.0, wishes.factor)
    ]
    with tempfile.TemporaryDirectory() as name, fleet(wishes.devices) as (port, _):
        folder = Path(name)
        urls = [f"snmp://{address(n)}:{port}?community=public" for n in range(wishes.devices)]
        if wishes.hour:
            print(f"{wishes.devices} devices at {wishes.factor:g} times {wishes.status:g} s for an hour", flush=True)
            grown = run(folder / "hour", urls, paces[1], HOUR_S, looks=30)
            print(f"grown since the first third: {grown:+.1f} MB; bound {GROWN_MB:g} MB")
            return int(grown > GROWN_MB)
        starts = [start(folder / f"start{n}", urls, paces[0]) for n in range(3)]
        print("start to first reading: " + ", ".join(f"{s:.2f} s" for s in starts) + f"; bound {FIRST_S:g} s\n")
        print(f"{wishes.devices} devices at {wishes.status:g} s; bounds {CPU:.0%} of a core, {MEGABYTES} MB")
        run(folder / "pace", urls, paces[0], wishes.minutes * 15)
        print(f"\n{wishes.devices} devices at {wishes.factor:g} times that pace; memory must stay flat")
        run(folder / "fast", urls, paces[1], wishes.minutes * 45)
    return 0


if __name__ == "__main__":
    sys.exit(main())

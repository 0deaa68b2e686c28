"""Fuzz for long: `python -m tests.fuzz.run [TARGET …] [--seconds N] [--seed N]`.

With atheris installed (`pip install atheris`; it is no dependency) each target runs guided by coverage; without it,
seeds are mutated at random. Prints inputs a second, the slowest input, memory before and after; a failing input is
printed as hex and ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _at_random(name: str, seconds: float, seed: int) -> bool:
    """Mutate for so long. Whether nothing escaped."""
    target, chance = TARGETS[name], Random(seed)
    corpus = list(target.seeds)
    for one in corpus:
        target.run(one)
    before, began, count, slowest = _rss_mb(), time.monotonic(), 0, (0.0, b"")
    while time.monotonic() - began < seconds:
        data = mutated(chance.choice(corpus), chance)
        at = time.monotonic()
        try:
            target.run(data)
        except Exception:
            print(f"{name}: seed {seed}, input {count}: {data.hex()}")
            traceback.print_exc()
            return False
        slowest = max(slowest, (time.monotonic() - at, data))
        count += 1
        if len(corpus) < 500 and chance.random() < 0.01:
            corpus.append(data)
    rate = count / (time.monotonic() - began)
    print(
        f"{name:18} {rate:9.0f} inputs/s  slowest {slowest[0] * 1000:7.1f} ms  memory {before:.0f} -> {_rss_mb():.0f} MB"
    )
    return True


def _guided(name: str, seconds: float, seed: int) -> bool:
    """One target under atheris, in a process of its own: it never comes back from its loop."""
    with tempfile.TemporaryDirectory() as corpus:
        for n, data in enumerate(TARGETS[name].seeds):
            (Path(corpus) / str(n)).write_bytes(data)
        words = [f"-max_total_time={seconds:.0f}", f"-seed={seed}", "-timeout=10", "-rss_limit_mb=2048", corpus]
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.guided", name, f"-artifact_prefix={corpus}/", *words],
            capture_output=True,
            text=True,
        )
    last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
    print(f"{name:18} {'ok' if done.returncode == 0 else 'FAILED'}  {' '.join(last)[-200:]}")
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-3000:])
    return done.returncode == 0


def main() -> int:
    reader = argparse.ArgumentParser()
    reader.add_argument("targets", nargs="*", choices=[[], *TARGETS], default=[])
    reader.add_argument("--seconds", type=float, default=30)
    reader.add_argument("--seed", type=int, default=1)
    asked = reader.parse_args()
    fuzz = _guided if importlib.util.find_spec("atheris") else _at_random
    peaceful = [fuzz(name, asked.seconds, asked.seed) for name in asked.targets or TARGETS]
    return 0 if all(peaceful) else 1


if __name__ == "__main__":
    sys.exit(main())

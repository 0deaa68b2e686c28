"""python -m tests.simulation.fleet --seed 1 --batteries 3000 --switches 200 --years 3 --workers 2 [--json]

Devices 0 … batteries - 1 are UPSs, the next ones switches. `--from N --to M` runs a part; `--out FILE` appends a line of JSON a device and
skips those that stand there already; `--only-score` prints the table of a file. `--kind mains.sag` gives every device that fault.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

import msgspec

from tests.simulation.fleet import score, switch_faults, table, ups_faults
from tests.simulation.fleet.crew import results
from tests.simulation.fleet.run import NAMES, Result


def main(words: list[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.simulation.fleet", description=__doc__)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--batteries", type=int, default=3000)
    ask.add_argument("--switches", type=int, default=200)
    ask.add_argument("--years", type=float, default=3.0)
    ask.add_argument("--workers", type=int, default=2)
    ask.add_argument("--from", dest="first", type=int, default=0)
    ask.add_argument("--to", dest="last", type=int, default=None)
    ask.add_argument("--out", type=Path, default=None)
    ask.add_argument("--only-score", action="store_true")
    ask.add_argument(
        "--small", action="store_true", help="46 batteries and 4 switches over one year: what the suite runs"
    )
    ask.add_argument(
        "--kind",
        default=None,
        help="one kind of fault, to every device that can show it: for whoever tunes its detector",
    )
    ask.add_argument(
        "--crew",
        choices=["answers", "none"],
        default="answers",
        help="whether somebody tests a battery of which a finding asks it",
    )
    ask.add_argument(
        "--detectors",
        default="",
        help="names (battery_verdict,runtime_shortfall) of those that look, for whoever tunes them: what is said of the other kinds says nothing then",
    )
    ask.add_argument("--cases", action="store_true", help="each miss and false ticket with its device and day")
    ask.add_argument("--json", action="store_true")
    say = ask.parse_args(words)
    kinds = {*ups_faults.FAULTS, *switch_faults.FAULTS}
    if say.kind is not None and say.kind not in kinds:
        ask.error(f"--kind: expected one of {', '.join(sorted(kinds))}; got {say.kind}")
    names = frozenset(name for name in say.detectors.split(",") if name)
    if unknown := sorted(names - NAMES):
        ask.error(f"--detectors: expected some of {', '.join(sorted(NAMES))}; got {', '.join(unknown)}")
    if say.small:
        say.batteries, say.switches, say.years = 46, 4, 1.0
    kept: list[Result] = []
    if say.out and say.out.exists():
        kept = [msgspec.json.decode(line, type=Result) for line in say.out.read_bytes().splitlines()]
    known = {r.number for r in kept}
    last = say.batteries + say.switches if say.last is None else say.last
    jobs = [
        (say.seed, n, say.batteries, say.years, say.kind, say.crew == "answers", names)
        for n in range(say.first, last)
        if n not in known
    ]
    if say.only_score:
        jobs = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the pool takes its workers with it
    begun = time.monotonic()
    sink = say.out.open("ab") if say.out else None
    for n, result in enumerate(results(jobs, say.workers)):
        kept.append(result)
        if sink:
            sink.write(msgspec.json.encode(result) + b"\n")
            sink.flush()
        if sys.stderr.isatty() and n % 20 == 0:
            print(f"{n} of {len(jobs)} devices, {time.monotonic() - begun:.0f} s", file=sys.stderr)
    found = score.figures(kept)
    cpu = sum(r.cpu_s + r.make_s for r in kept)
    if say.json:
        print(msgspec.json.encode({"cpu_s": round(cpu, 1), "figures": found}).decode())
    else:
        print(table.page(found))
        if say.cases:
            print("", *score.cases(kept), sep="\n  ")
        print(
            f"\n  {cpu:.0f} CPU-seconds (physics {sum(r.make_s for r in kept):.0f}, detectors and alerts {sum(r.cpu_s for r in kept):.0f})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""python -m tests.simulation.fleet.calibrate FIT.jsonl… [--shown HELD.jsonl…] [--out analytics/calibration.json] [--note TEXT]

Fits what a score is worth (`analytics.calibration`) to the devices of some runs (`--out` of `python -m tests.simulation.fleet`) and shows it on others that it was
not fitted to: Brier score before and after, the reliability bins, and each kind. Without `--shown`: on each tenth device in turn, fitted to the other nine tenths.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import msgspec

from analytics import calibration
from analytics.calibration import Calibration, Case
from tests.simulation.fleet import score
from tests.simulation.fleet.run import Result
from tests.simulation.fleet.score import Share

FOLDS = 10


def read(files: Sequence[Path]) -> list[Result]:
    """The devices of these runs."""
    return [msgspec.json.decode(line, type=Result) for file in files for line in file.read_bytes().splitlines()]


def source(results: Sequence[Result]) -> str:
    """Of what it was made."""
    years = {(r.seed, r.number): (r.to_ms - r.from_ms) / score.YEAR_MS for r in results}
    seeds = ", ".join(map(str, sorted({seed for seed, _ in years})))
    return f"simulated fleet, seeds {seeds}: {len(years)} devices, {sum(years.values()):.0f} device-years"


def crossed(cases: Sequence[Case]) -> list[Case]:
    """Each case with the score that a table gives it which was fitted without its site's tenth."""
    fold = {case.device: crc32("/".join(case.device.split("/")[:2]).encode()) % FOLDS for case in cases}
    tables = [calibration.fit([c for c in cases if fold[c.device] != n], "") for n in range(FOLDS)]
    return [
        msgspec.structs.replace(case, score=calibration.score_of(case, tables[fold[case.device]])) for case in cases
    ]


def page(before: Sequence[Case], after: Sequence[Case], kept: Calibration) -> Iterator[str]:
    """`before` as claimed, `after` the same cases as calibrated."""
    yield f"{len(before)} findings, Brier score as claimed {calibration.brier(before):.4f}, as calibrated {calibration.brier(after):.4f}"
    for title, cases in (("as claimed", before), ("as calibrated", after)):
        yield f"  {title}"
        for one in calibration.bins(cases):
            low, high = Share(k=one.right, n=one.n).interval
            yield f"    from {one.low:4.2f}: says {one.score:5.1%}, right {one.right / one.n:5.1%} ({low:.0%} .. {high:.0%}; {one.right} of {one.n})"
    yield "  kind                     claimed  calibrated  right"
    for kind in sorted({case.kind for case in before}):
        mine = [(a, b) for a, b in zip(before, after, strict=True) if a.kind == kind]
        claimed, shown = (sum(pair[i].score for pair in mine) / len(mine) for i in (0, 1))
        right = sum(a.right for a, _ in mine)
        state = "" if kind in kept.curves else "  judged"
        yield f"  {kind:24s} {claimed:6.1%}  {shown:9.1%}  {right} of {len(mine)} ({right / len(mine):.0%}){state}"


def main(words: list[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.simulation.fleet.calibrate", description=__doc__)
    ask.add_argument("fit", nargs="+", type=Path)
    ask.add_argument("--shown", nargs="+", type=Path, default=[])
    ask.add_argument("--out", type=Path, default=None)
    ask.add_argument("--note", default="", help="what else belongs to its provenance")
    say = ask.parse_args(words)
    results = read(say.fit)
    cases = score.claims(results)
    made = calibration.fit(cases, "; ".join(filter(None, (source(results), say.note))))
    if say.shown:
        before = score.claims(read(say.shown))
        after = [msgspec.structs.replace(case, score=calibration.score_of(case, made)) for case in before]
    else:
        before, after = cases, crossed(cases)
    print(made.source)
    print(*page(before, after, made), sep="\n")
    if say.out:
        say.out.write_bytes(calibration.encode(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())

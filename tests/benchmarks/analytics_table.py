"""Every figure that the analytics are asked for, in one table: what, baseline, record, to reach, ours, seconds, memory.

    make bench-analytics [DIR=folder] [QUICK=1] [ONLY=vrla,xjtu]
    .venv/bin/python -m tests.benchmarks.analytics_table [--data DIR] [--quick] [--only NAME,NAME] [--json]

DIR holds `anomaly/` and `battery/` (by default ../shared/datasets); a set that is not there is said so and left out. Each program is a
child of its own: its CPU seconds and peak memory are those the operating system counted for it. `beside` is a baseline run in the same
minutes on the same data, where one is cheap; `baseline` and `record` are what others published or reached on the whole set.
`--quick` takes a part of each large set: its figures show that all runs, and are not those to quote.
Ends with 1 when a program fails. A figure that is missed is printed as such and is no failure of this command.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks import analytics_parts
from tests.benchmarks.analytics_figures import PROGRAMS, Figure, Program, Row

_WIDTHS = (58, 18, 9, 16, 18, 16, 7, 8, 6)
_HEAD = ("what", "baseline", "beside", "record", "reach", "ours", "", "CPU s", "MB")


@dataclass(frozen=True, kw_only=True)
class Ran:
    rows: list[Row]
    cpu_s: float
    peak_mb: int
    #: Words, when there are no figures.
    why_not: str = ""
    failed: bool = False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/datasets"))
    parser.add_argument("--quick", action="store_true", help="a part of each large set")
    parser.add_argument(
        "--only", default="", help="names of programs, with commas: " + ", ".join(p.name for p in PROGRAMS)
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a figure")
    asked = parser.parse_args()
    wanted = {name for name in asked.only.split(",") if name}
    unknown = wanted - {program.name for program in PROGRAMS}
    if unknown:
        parser.error(f"--only: expected {', '.join(p.name for p in PROGRAMS)}, got {', '.join(sorted(unknown))}")
    if not asked.json:
        print(_line(_HEAD))
    failed = False
    with tempfile.TemporaryDirectory() as spare:
        for program in PROGRAMS:
            if wanted and program.name not in wanted:
                continue
            ran = _ran(program, asked.data, asked.quick, Path(spare))
            failed |= ran.failed
            for words in _told(program, ran, as_json=asked.json):
                print(words, flush=True)
    return int(failed)


def _ran(program: Program, data: Path, quick: bool, spare: Path) -> Ran:
    if not _runs(program.module):
        return Ran(rows=[], cpu_s=0, peak_mb=0, why_not=f"left out: there is no {program.module}")
    arguments = [*program.arguments, *(program.quick if quick else program.whole)]
    if program.folder:
        folder = data / program.folder
        if not folder.is_dir():
            return Ran(rows=[], cpu_s=0, peak_mb=0, why_not=f"left out: {folder} is not there; give --data DIR")
        part = analytics_parts.PARTS.get(program.name)
        if quick and part is not None:
            folder = part(folder, spare / program.name)
        arguments += ["--data", str(folder)]
    return _child([sys.executable, "-m", program.module, *arguments], spare / "out")


def _runs(module: str) -> bool:
    """Whether `python -m module` finds something to run."""
    try:
        found = find_spec(module)
        return found is not None and (
            found.submodule_search_locations is None or find_spec(f"{module}.__main__") is not None
        )
    except ModuleNotFoundError:
        return False


def _child(command: list[str], out: Path) -> Ran:
    """Run to its end; what it printed, and what the operating system counted for it alone."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    with out.open("w+") as told, tempfile.TemporaryFile("w+") as complained:
        child = subprocess.Popen(command, stdout=told, stderr=complained, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = code = os.waitstatus_to_exitcode(status)
        complained.seek(0)
        last = (complained.read().strip().splitlines() or ["no words"])[-1]
    rows = [row for line in out.read_text().splitlines() if (row := _row(line)) is not None]
    return Ran(
        rows=rows,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss // 1024,
        why_not="" if rows else f"FAILED with {code}: {last}",
        failed=not rows,
    )


def _row(line: str) -> Row | None:
    """A JSON object, or a line of words under the key `line`."""
    try:
        found = json.loads(line)
    except ValueError:
        return {"line": line}
    return found if isinstance(found, dict) else {"line": line}


def _told(program: Program, ran: Ran, *, as_json: bool) -> Iterator[str]:
    if ran.why_not:
        if as_json:
            yield json.dumps({"program": program.name, "why_not": ran.why_not})
        else:
            yield f"{program.name}: {ran.why_not}"
        return
    for index, figure in enumerate(program.figures):
        ours = figure.ours(ran.rows)
        beside = figure.beside(ran.rows) if figure.beside else None
        met = None if ours is None or figure.bound is None else figure.meets(ours)
        if as_json:
            yield json.dumps(
                {
                    "program": program.name, "what": figure.what, "baseline": figure.baseline, "beside": beside,
                    "record": figure.record, "reach": figure.reach, "ours": ours, "met": met,
                    "cpu_s": round(ran.cpu_s, 1), "peak_mb": ran.peak_mb,
                }
            )  # fmt: skip
            continue
        cost = (f"{ran.cpu_s:.1f}", str(ran.peak_mb)) if index == 0 else ("", "")
        verdict = {None: "", True: "met", False: "MISSED"}[met]
        yield _line(
            (figure.what, figure.baseline, _number(beside, figure), figure.record, figure.reach, _number(ours, figure), verdict, *cost)
        )  # fmt: skip


def _number(value: float | None, figure: Figure) -> str:
    return "-" if value is None else figure.form.format(value)


def _line(cells: tuple[str, ...]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


if __name__ == "__main__":
    raise SystemExit(main())

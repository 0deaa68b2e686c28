"""What `analytics_table` prints: the programs, the figures taken from their rows, and what is asked of each.

A figure of a program that somebody changes is found by the names in its rows; a name that is gone shows as "-", never as a wrong number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Rows = Sequence[Row]
Pick = Callable[[Rows], float | None]


@dataclass(frozen=True, kw_only=True)
class Figure:
    what: str
    ours: Pick
    baseline: str = "-"
    record: str = "-"
    reach: str = "-"
    #: What is to be reached; none: shown only.
    bound: float | None = None
    #: Whether more is better.
    more: bool = False
    beside: Pick | None = None
    form: str = "{:.2f}"

    def meets(self, value: float) -> bool:
        if self.bound is None:
            return True
        return value >= self.bound if self.more else value <= self.bound


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    module: str
    figures: tuple[Figure, ...]
    #: Below DIR; empty: needs no data.
    folder: str = ""
    arguments: tuple[str, ...] = ("--json",)
    whole: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()


def of(key: str, **where: str) -> Pick:
    """The value under `key` in the last row that has it and all of `where`."""

    def pick(rows: Rows) -> float | None:
        for row in reversed(rows):
            if key in row and all(row.get(name) == wanted for name, wanted in where.items()):
                return None if row[key] is None else float(row[key])
        return None

    return pick


def words(pattern: str) -> Pick:
    """The first number that `pattern` catches in lines that are no JSON."""

    def pick(rows: Rows) -> float | None:
        for row in rows:
            if found := re.search(pattern, str(row.get("line", ""))):
                return float(found.group(1).replace(",", ""))
        return None

    return pick


def counted(name: str, among: str, times: float = 1.0) -> Pick:
    """`k` of `among` under `name` of the fleet's figures, times `times`; nothing counted: no figure."""

    def pick(rows: Rows) -> float | None:
        for row in rows:
            if found := row.get("figures", {}).get(name):
                return times * found["k"] / found[among] if found[among] else None
        return None

    return pick


def _worst(rows: Rows) -> float | None:
    found = [float(row["error"]) for row in rows if row.get("block") == "UB121000" and row.get("counted")]
    return max(found, default=None)


def _cut(name: str, baseline: str, reach: float, aim: float) -> Figure:
    of_what = {"rated": f"{name} capacity", "%": f"{name} of its own"}.get(name.split()[-1], name)
    return Figure(
        what=f"VRLA capacity from {of_what}, MAPE, %",
        ours=of("mape", cut=name), beside=of("prior_mape", cut=name), baseline=baseline, reach=f"{reach:g} (aim {aim:g})", bound=reach,
    )  # fmt: skip


PROGRAMS: tuple[Program, ...] = (
    Program(
        name="nab", module="tests.benchmarks.nab", folder="anomaly/nab",
        figures=(
            Figure(what="NAB standard, one threshold for the corpus", ours=of("standard"), baseline="60", record="74.9", reach="70 (aim 75.5)", bound=70, more=True, form="{:.1f}"),
            Figure(what="NAB standard, 2-fold", ours=of("two_fold"), baseline="60", record="70.5", reach="67 (aim 71)", bound=67, more=True, form="{:.1f}"),
            Figure(what="NAB, the threshold that ships", ours=of("fixed"), form="{:.1f}"),
        ),
    ),
    Program(
        name="tsbad", module="tests.benchmarks.tsbad", folder="anomaly/tsbad",
        figures=(
            Figure(what="TSB-AD U, mean VUS-PR, causal", ours=of("vus_pr_U"), baseline="0.47", record="0.51 (offline)", reach="0.55 (aim 0.60)", bound=0.55, more=True, form="{:.3f}"),
            Figure(what="TSB-AD M, mean VUS-PR, causal", ours=of("vus_pr_M"), baseline="0.30", record="0.37 (offline)", reach="0.40 (aim 0.45)", bound=0.40, more=True, form="{:.3f}"),
        ),
    ),
    Program(
        name="skab", module="tests.benchmarks.skab", folder="anomaly/skab",
        figures=(
            Figure(what="SKAB F1, threshold from training", ours=of("f1"), baseline="0.787", record="0.784", reach="0.82 (aim 0.85)", bound=0.82, more=True, form="{:.3f}"),
            Figure(what="SKAB false-alarm rate at that F1, %", ours=of("far_percent"), baseline="38", record="13.6", reach="15", bound=15, form="{:.1f}"),
        ),
    ),
    Program(
        name="cisco", module="tests.benchmarks.cisco", folder="anomaly/cisco",
        figures=(
            Figure(what="Cisco fabric, events found, %", ours=lambda rows: _share(rows, "found", "events"), baseline="100 (oracle)", reach="100", bound=100, more=True, form="{:.0f}"),
            Figure(what="Cisco fabric, false alarms", ours=of("false_alarms"), baseline="0 (oracle)", reach="0", bound=0, form="{:.0f}"),
            Figure(what="Cisco fabric, median delay, s", ours=of("median_delay_s"), baseline="4-20 (oracle)", reach="10", bound=10, form="{:.1f}"),
            Figure(what="Cisco fabric, right node, %", ours=of("right_node_percent"), reach="90", bound=90, more=True, form="{:.0f}"),
        ),
    ),
    Program(
        name="vrla", module="tests.benchmarks.vrla", folder="battery/sim_pybamm_vrla",
        figures=(
            _cut("3 min", "14.6", 9, 8), _cut("10 % rated", "8.9", 4, 3), _cut("20 % rated", "5.5", 2.5, 2),
            _cut("10 %", "8.9", 4, 3), _cut("20 %", "5.5", 2.5, 2),
        ),
    ),
    Program(
        name="blocks", module="tests.benchmarks.blocks", folder="battery",
        figures=(
            Figure(what="UB121000: time to cut-off from 10 % of depth, error, %", ours=_worst, reach="5", bound=5),
            Figure(what="BBOXX A: the same, mean of its discharges, error, %", ours=of("mean_error", block="unit_A_10days"), reach="8", bound=8),
            Figure(what="BBOXX A: the worst, %", ours=of("worst_error", block="unit_A_10days")),
        ),
    ),
    Program(
        name="severson", module="tests.benchmarks.severson", folder="battery/liion_severson",
        figures=(Figure(what="Severson life, train to test1, RMSE, cycles", ours=of("rmse", estimator="mean"), beside=of("rmse", estimator="variance"), baseline="138", record="100", reach="110 (aim 95)", bound=110, form="{:.1f}"),),
    ),
    Program(
        name="xjtu", module="tests.benchmarks.xjtu", folder="battery/liion_xjtu",
        figures=(Figure(what="XJTU SoH, leave-cells-out MAPE, %", ours=of("mape", estimator="with past"), beside=of("mape", estimator="one charge"), baseline="1.01 (other split)", record="0.85 (with leak)", reach="0.75 (aim 0.70)", bound=0.75),),
    ),
    Program(
        name="core", module="tests.benchmarks.anomaly_core", arguments=(), quick=("--series", "1000", "--steps", "100"),
        figures=(
            Figure(what="streaming core, readings per CPU-second", ours=words(r"([\d,]+) readings per CPU-second"), reach="200,000", bound=200_000, more=True, form="{:,.0f}"),
            Figure(what="streaming core, bytes a series", ours=words(r"([\d,]+) bytes a series"), reach="2,000", bound=2000, form="{:,.0f}"),
        ),
    ),
    Program(
        name="nightly", module="tests.benchmarks.bench_nightly", quick=("--batteries", "10000"),
        figures=(
            Figure(what="nightly scoring, batteries", ours=of("batteries", stage="ALL"), form="{:,.0f}"),
            Figure(what="nightly scoring, CPU minutes", ours=lambda rows: _times(of("cpu_s", stage="ALL")(rows), 1 / 60), reach="10", bound=10),
            Figure(what="nightly scoring, peak MB", ours=of("memory_mb", stage="ALL"), reach="2,048", bound=2048, form="{:,.0f}"),
        ),
    ),
    Program(
        name="fleet", module="tests.simulation.fleet", arguments=("--json", "--small"), quick=("--to", "6"),
        figures=(
            Figure(what="fleet (small): battery failures announced 30 days before, %", ours=counted("announced", "n", 100), reach="95", bound=95, more=True, form="{:.1f}"),
            Figure(what="fleet (small): false jobs per 1,000 battery-years", ours=counted("false_jobs", "per"), reach="1", bound=1),
            Figure(what="fleet (small): other faults in their lead time, %", ours=counted("in_time", "n", 100), reach="90", bound=90, more=True, form="{:.1f}"),
            Figure(what="fleet (small): false tickets per device-year", ours=counted("false_tickets", "per"), reach="0.1", bound=0.1),
        ),
    ),
)  # fmt: skip


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _share(rows: Rows, part: str, whole: str) -> float | None:
    found, every = of(part)(rows), of(whole)(rows)
    return None if found is None or not every else 100 * found / every

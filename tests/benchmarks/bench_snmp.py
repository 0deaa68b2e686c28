"""SNMP through the whole agent: poll, decode, plausibility, spool on the disk; its peers beside it in the same run.

    .venv/bin/python -m tests.benchmarks.bench_snmp [--devices 1000] [--seconds 15] [--pace 0.25] [--only agent,v3,exporter,…]

A reading is one of twenty scalars of a device, asked in one request. CPU-s is user + system time from /proc of the program
that reads (not of the fleet, not of the program that asks the exporter). The agent is a child process with its real file and
its real spool; no collector listens. What each does: the agent decodes, judges, stamps and keeps on the disk with fsync;
prometheus-snmp-exporter decodes and answers HTTP, and keeps nothing; collectd decodes, and its write plugins are left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent.spool_reading import read_rows
from tests.benchmarks import snmp_peers
from tests.benchmarks.snmp_fleet import AUTH, PRIV, SCALARS, USER, address
from tests.benchmarks.watched_agent import child, config, cpu_s, ended, fleet, wait_readings

TARGET, RATIO, V3_SHARE = 120_000, 1.5, 0.60
#: The twenty scalars of the fleet in the words of the house: point, unit on the wire.
TWENTY_POINTS = (
    ("ups.source", ""), ("input.voltage", "0.1 V"), ("input.frequency", "0.1 Hz"), ("output.voltage", "0.1 V"),
    ("output.frequency", "0.1 Hz"), ("output.current", "0.1 A"), ("output.realpower", "W"), ("output.power", "VA"),
    ("ups.load", "%"), ("ups.temperature", "0.1 °C"), ("battery.voltage", "0.1 V"), ("battery.current", "0.1 A"),
    ("battery.charge", "%"), ("battery.runtime", "s"), ("battery.temperature", "0.1 °C"), ("battery.status", ""),
    ("input.bypass.voltage", "0.1 V"), ("input.bypass.frequency", "0.1 Hz"), ("input.current", "0.1 A"),
    ("ups.alarms", ""),
)  # fmt: skip


class Figure(msgspec.Struct, frozen=True):
    """One line of the table."""

    name: str
    readings: int
    cpu_s: float
    wall_s: float

    @property
    def pace(self) -> float:
        return self.readings / self.cpu_s if self.cpu_s else 0.0


def profile_text() -> str:
    """The profile of a device that has twenty scalars and nothing else."""
    base = ".".join(map(str, SCALARS))
    head = '[profile]\nid = "twenty"\ndriver = "snmp"\ntitle = { en = "Twenty scalars", zh = "二十个标量" }\nsource = "benchmark"\n'
    rows = "".join(
        f'[[value]]\ntier = "status"\npoint = "{point}"\nat = "{n}"\n' + (f'unit = "{unit}"\n' if unit else "")
        for n, (point, unit) in enumerate(TWENTY_POINTS, 1)
    )
    return f'{head}base = "{base}"\nmissing = [4294967295, 2147483647, -2147483648]\n{rows}'


def agent(folder: Path, devices: int, seconds: float, pace_s: float, *, v3: bool = False) -> Figure:
    """The whole agent over a fleet; the readings are counted in the spool afterwards, one by one."""
    with fleet(devices, v3=v3) as (port, _):
        options = "community=public"
        if v3:
            (folder / "auth").write_text(AUTH)
            (folder / "priv").write_text(PRIV)
            keys = f"auth_key=file:{folder}/auth&priv_key=file:{folder}/priv"
            options = f"version=3&user={USER}&auth=sha1&priv=aes128&{keys}"
        urls = [f"snmp://{address(n)}:{port}?{options}&timeout=5" for n in range(devices)]
        pace = f"status_s = {pace_s}\nmeasure_s = 86400\nidentity_s = 86400"
        file = config(folder / "agent", urls, pace=pace, profile="twenty")
        (folder / "twenty.toml").write_text(profile_text(), encoding="utf-8")
        spool = file.parent / "spool.sqlite"
        command = ("-m", "tests.benchmarks.watched_agent", str(file), str(folder / "twenty.toml"))
        with ended(child(*command)) as process:
            wait_readings(spool, devices * len(TWENTY_POINTS) * 3, 120)
            before, began = cpu_s(process.pid), time.time() * 1000
            time.sleep(seconds)
            spent, wall = cpu_s(process.pid) - before, time.time() * 1000 - began
    points = {point for point, _ in TWENTY_POINTS}
    until = began + wall
    counted = sum(r.point in points for batch, _ in read_rows(spool) for r in batch.readings if began <= r.at < until)
    return Figure(name="", readings=counted, cpu_s=spent, wall_s=wall / 1000)


def measured(wishes: argparse.Namespace, folder: Path) -> list[Figure]:
    """Every line of the table that is asked for; a peer that is not installed is said to be missing."""
    n, seconds = wishes.devices, wishes.seconds
    works: dict[str, tuple[str, Callable[[Path], Figure]]] = {
        "agent": ("roundsman agent, v2c, spool on disk", lambda f: agent(f, n, seconds, wishes.pace)),
        "v3": ("roundsman agent, v3 authPriv (SHA1, AES128)", lambda f: agent(f, n, seconds, wishes.pace, v3=True)),
        "exporter": ("prometheus-snmp-exporter, v2c", lambda f: Figure("", *snmp_peers.exporter(f, n, seconds))),
        "collectd": (
            "collectd, snmp plugin, v2c, no writer",
            lambda f: Figure("", *snmp_peers.collectd(f, n, seconds)),
        ),
    }
    figures: dict[str, Figure] = {}
    for key, (name, work) in works.items():
        if wishes.only and key not in wishes.only.split(","):
            continue
        (folder / key).mkdir()
        try:
            figure = msgspec.structs.replace(work(folder / key), name=name)
        except snmp_peers.Missing as missing:
            print(f"{name:<48}{missing}", flush=True)
            continue
        except RuntimeError as broken:
            print(f"{name:<48}failed: {broken}", flush=True)
            continue
        figures[key] = figure
        us = figure.cpu_s / max(figure.readings, 1) * 20e6
        print(
            f"{name:<48}{figure.pace:>12,.0f}{us:>14.0f}{figure.readings:>12,}{figure.cpu_s / figure.wall_s:>8.0%}",
            flush=True,
        )
    _ratios(figures)
    return list(figures.values())


def _ratios(figures: dict[str, Figure]) -> None:
    print()
    ours = figures.get("agent")
    if not ours:
        return
    print(f"agent: {ours.pace:,.0f} readings per CPU-s; target {TARGET:,}")
    if "exporter" in figures:
        print(f"agent / exporter: {ours.pace / figures['exporter'].pace:.2f}; target {RATIO}")
    if "collectd" in figures:
        print(f"agent / collectd: {ours.pace / figures['collectd'].pace:.2f}; the mark to close in on")
    if "v3" in figures:
        print(f"v3 authPriv / v2c: {figures['v3'].pace / ours.pace:.0%}; target {V3_SHARE:.0%}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds between two rounds")
    parser.add_argument("--only", default="", help="agent,v3,exporter,collectd")
    wishes = parser.parse_args()
    print(f"{wishes.devices} devices, 20 scalars a request\n")
    print(f"{'':<48}{'per CPU-s':>12}{'µs a request':>14}{'readings':>12}{'core':>8}")
    with tempfile.TemporaryDirectory() as folder:
        measured(wishes, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())

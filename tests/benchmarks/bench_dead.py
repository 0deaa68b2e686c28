"""A round over a thousand SNMP devices of which two hundred are dead, beside one dead device alone.

    .venv/bin/python -m tests.benchmarks.bench_dead [--devices 1000] [--dead 200] [--timeout 1.5]

The whole agent, as in bench_snmp.py. A round lasts from the first datagram at the fleet to the last device's first reading or first
gap, by the agent's own times; it is the hardest one, for every socket is opened and every key resolved in it. A live
device is lost when its first round brought no reading.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from agent.spool_reading import read_rows
from tests.benchmarks import snmp_fleet
from tests.benchmarks.bench_snmp import profile_text
from tests.benchmarks.snmp_fleet import address
from tests.benchmarks.snmp_peers import told
from tests.benchmarks.watched_agent import child, config, ended, fleet, kept

RATIO = 1.05


class Seen(msgspec.Struct, frozen=True):
    """The first round."""

    seconds: float
    devices: int
    lost: int


def first_round(folder: Path, devices: int, dead: int, timeout_s: float) -> Seen:
    """Start an agent over the fleet and look at the first that it says of each device."""
    with fleet(devices, mute=dead) as (port, _):
        urls = [f"snmp://{address(n)}:{port}?community=public&timeout={timeout_s}" for n in range(devices)]
        file = config(
            folder / "agent", urls, pace="status_s = 20\nmeasure_s = 86400\nidentity_s = 86400", profile="twenty"
        )
        (folder / "twenty.toml").write_text(profile_text(), encoding="utf-8")
        spool = file.parent / "spool.sqlite"
        with ended(child("-m", "tests.benchmarks.watched_agent", str(file), str(folder / "twenty.toml"))):
            end = time.monotonic() + 30 + 4 * timeout_s
            while kept(spool).gaps < dead and time.monotonic() < end:
                time.sleep(0.1)
            time.sleep(1.0)
            began = told(port, "first?")
    first: dict[str, tuple[int, bool]] = {}
    for batch, _ in read_rows(spool):
        for gap in batch.gaps:
            first.setdefault(gap.device, (gap.at, False))
        for reading in batch.readings:
            if reading.device.startswith("bench/d"):
                first.setdefault(reading.device, (reading.at, True))
    live = [f"bench/d{n}" for n in range(devices) if not snmp_fleet.dead(n, devices, dead)]
    lost = sum(not first.get(device, (0, False))[1] for device in live)
    return Seen((max(at for at, _ in first.values()) - began) / 1000, len(first), lost)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--dead", type=int, default=200)
    parser.add_argument(
        "--timeout", type=float, default=1.5, help="seconds for one answer; a dead device has two tries"
    )
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "one").mkdir()
        (folder / "all").mkdir()
        alone = first_round(folder / "one", 1, 1, wishes.timeout)
        together = first_round(folder / "all", wishes.devices, wishes.dead, wishes.timeout)
    print(f"{'one dead device alone':<48}{alone.seconds:>8.2f} s")
    print(f"{f'{wishes.devices} devices, {wishes.dead} of them dead':<48}{together.seconds:>8.2f} s")
    print(f"\nround / one dead device: {together.seconds / alone.seconds:.3f}; bound {RATIO}")
    print(f"devices heard of: {together.devices} of {wishes.devices}; live devices lost: {together.lost}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

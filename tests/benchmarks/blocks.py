"""Time to cut-off of two real lead-acid blocks, said from the first 10 % of depth of each discharge.

    python -m tests.benchmarks.blocks --data DIR [--json]        DIR holds iv_full_cycle.csv.gz and unit_*.csv, at any depth

UB121000 (100 Ah AGM, one discharge): the name plate as prior (100 Ah, 20 h; health 1.00 +- 0.08), moved by the match of the part seen to the
reference curve, Peukert 1.15, temperature. The reference curve was fitted to this very block, so the match is no independent proof; the
line `name plate` shows what the prior says without it. Time counts from the instant at which the voltage falls: the set's current
begins 905 s before it does.

BBOXX unit A (field, 12 V, daily cycles): every discharge of 3 Ah or more that ran to below 10.6 V is foretold from the ones before it
(`analytics.battery.runtime`: level and exponent learned). The first has only a guess of 18.5 Ah, so it is shown and not counted.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from datetime import datetime
from pathlib import Path

import numpy as np

from analytics.battery import belief, curve, electrical, runtime
from analytics.battery.cohort import Floats

PART = 0.10
UB, BBOXX = 5.0, 8.0  #: to reach, %
RATED_UB, GUESS_A = 100.0, 18.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = [row for path in sorted(asked.data.rglob("iv_full_cycle.csv.gz")) for row in ub121000(path)]
    units = sorted(asked.data.rglob("unit_*.csv"))
    rows += [row for path in units for row in bboxx(path)]
    if not rows:
        raise SystemExit(f"{asked.data}: expected iv_full_cycle.csv.gz or unit_*.csv somewhere below, got neither")
    for row in rows:
        print(json.dumps(row) if asked.json else _line(row))
    for path in units:
        counted = [float(str(r["error"])) for r in rows if r["block"] == path.stem and r["counted"]]
        if counted:
            told = {"benchmark": "blocks", "block": path.stem, "discharges": len(counted), "target": BBOXX}
            print(json.dumps({**told, "mean_error": round(float(np.mean(counted)), 2), "worst_error": max(counted)}))


def _line(row: dict[str, object]) -> str:
    return f"{row['block']} {row['by']}: said {row['said_s']:.0f} s, real {row['real_s']:.0f} s: {row['error']:.1f} %"


def _row(block: str, by: str, said_s: float, real_s: float, *, counted: bool = True) -> dict[str, object]:
    error = round(100 * abs(said_s / real_s - 1), 2)
    return {
        "benchmark": "blocks", "block": block, "by": by, "said_s": round(said_s), "real_s": round(real_s), "error": error,
        "target": UB if block == "UB121000" else BBOXX, "counted": counted,
    }  # fmt: skip


def ub121000(path: Path) -> list[dict[str, object]]:
    with gzip.open(path, "rt") as file:
        table = list(csv.DictReader(file))
    t, i, v, c = (np.array([float(r[k]) for r in table]) for k in ("t_s", "current_a", "voltage_v", "battery_temp_c"))
    on = np.flatnonzero(i < -5)
    start = on[0] + int(np.argmax(v[on[0] : on[-1]] < 12.9))
    t, v, amps = t[start : on[-1]] - t[start], v[start : on[-1]], float(-np.median(i[on]))
    celsius = float(np.median(c[on]))
    seen = t <= PART * t[-1]
    rate = amps / RATED_UB
    used = electrical.stress(amps, RATED_UB) * amps * t[seen] / 3600 / RATED_UB
    many = [rate] * int(seen.sum())
    warm = electrical.warmth(celsius, rate)
    found = curve.match(list(t[seen]), list(v[seen] / 6), many, list(used), warm)
    prior = belief.prior(1.0, 1e-4, 0)
    now, _ = belief.update(prior, found.soh, found.sd, 0) if found else (prior, None)
    full_s = RATED_UB * warm / electrical.stress(amps, RATED_UB) / amps * 3600
    return [
        _row("UB121000", "name plate", prior.health * full_s, t[-1], counted=False),
        _row(
            "UB121000",
            "name plate and the first 10 %" + ("" if found else " (which tells nothing)"),
            now.health * full_s,
            t[-1],
        ),
    ]


def bboxx(path: Path) -> list[dict[str, object]]:
    with path.open() as file:
        table = [r for r in csv.DictReader(file) if r["voltage_v"] and r["current_a"]]
    t = np.array([datetime.fromisoformat(r["time_utc"]).timestamp() for r in table])
    i, v = (np.array([float(r[k]) for r in table]) for k in ("current_a", "voltage_v"))
    known, rows = None, []
    for a, b in _runs(t, i):
        hours = (t[a:b] - t[a]) / 3600
        if np.trapezoid(i[a:b], hours) < 3 or v[a:b].min() > 10.6:
            continue
        real_s = float(t[b - 1] - t[a])
        seen = t[a:b] - t[a] <= PART * real_s
        load = float(np.median(i[a:b][seen])) * 10  # any number in proportion to the load will do
        at = round(t[a] * 1000)
        if known is None:
            known = runtime.begin(GUESS_A / load * 10 * 3600, load, at, by="ups")
            rows.append(
                _row(path.stem, "a guess of 18.5 Ah", runtime.spread(known, load, 100, at).p50, real_s, counted=False)
            )
        else:
            said = runtime.spread(known, load, 100, at)
            rows.append(_row(path.stem, f"{known.n} discharges before", said.p50, real_s))
        known = runtime.learn(known, real_s, 0.03, load, round(t[b - 1] * 1000))
    return rows


def _runs(t: Floats, i: Floats) -> list[tuple[int, int]]:
    """Stretches of discharge, single odd samples and gaps under half an hour bridged."""
    found, begun = [], None
    for k, on in enumerate(i > 0.1):
        if on and begun is None:
            begun = k
        elif begun is not None and (t[k] - t[k - 1] > 1800 or not (i[k : k + 3] > 0.1).any()):
            found.append((begun, k))
            begun = None
    return found


if __name__ == "__main__":
    main()

"""What a UPS believes of its battery: charge while it discharges, its own runtime. Often stale, by design of its maker.

coulomb   counts what went out, against the capacity that it believes in; that belief changes only by a deep discharge, on
          some machines never; near the end the low voltage corrects it downwards
voltage   reads the charge off the volts under load by the table of a new battery
none      tells volts only (Megatec)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.simulation.fleet import battery
from tests.simulation.fleet.battery import Cells, Now, Run
from tests.simulation.fleet.chance import Floats, Rng

LOADS = (5.0, 10.0, 20.0, 35.0, 55.0, 80.0, 110.0)


@dataclass(kw_only=True)
class Gauge:
    """`belief` is the capacity (of a new one's) that it counts with; `bias` the error of its runtime table."""

    style: str
    belief: float
    learns: bool
    bias: float
    new_s: Floats  #: of a new battery at LOADS
    v_step: float

    def new_runtime(self, load: float) -> float:
        """Seconds that a new battery holds at this load, by the maker's table."""
        return float(np.exp(np.interp(np.log(max(load, 2.0)), np.log(LOADS), np.log(self.new_s))))

    def runtime_s(self, load: float, charge: float) -> float:
        return min(self.new_runtime(load) * self.belief * self.bias * charge, 86_400.0)

    def charge(self, cells: Cells, run: Run, load: float, watts: float, start: float, rng: Rng) -> Floats:
        """0..1 at each time of the run."""
        if self.style == "voltage":
            table = battery.discharge(cells, Now(health=1.0), watts, 1e7, max(self.new_runtime(load) / 150, 1.0))
            left = 1 - table.t / max(table.t[-1], 1.0)
            late = table.t > 180
            if not late.any():
                return np.full(len(run.t), start)
            smooth = np.maximum.accumulate(table.volts[late][::-1])
            told = np.interp(run.volts + rng.normal(0, 0.002 * cells.cells), smooth, left[late][::-1])
            told = np.where(run.t < 180, start - (start - told) * run.t / 180, told)
        else:
            used = run.t / (self.new_runtime(load) * self.belief)
            told = start - used
            sagging = run.volts / cells.cells
            cap = np.interp(sagging, [1.70, 1.80, 1.88], [0.03, 0.12, 1.0])
            told = np.minimum(told, cap)
        return np.asarray(np.clip(np.minimum.accumulate(np.minimum(told, start)), 0.0, 1.0))

    def calibrate(self, true_share: float, depth: float) -> None:
        """After a deep discharge a machine that learns believes what it saw."""
        if self.learns and depth > 0.4:
            self.belief += 0.7 * (true_share - self.belief)


def build(rng: Rng, fresh: Cells, watts_a_pct: float, ah_v: float) -> Gauge:
    style = rng.choice(["coulomb", "voltage", "none"], p=[0.5, 0.42, 0.08])
    new = np.array([battery.lasts(fresh, Now(health=1.0), watts_a_pct * load) for load in LOADS])
    return Gauge(
        style=str(style),
        belief=float(rng.normal(1.0, 0.03)),
        learns=bool(rng.random() < 0.6),
        bias=float(rng.normal(1.0, 0.07)),
        new_s=np.maximum(new, 5.0),
        v_step=ah_v,
    )

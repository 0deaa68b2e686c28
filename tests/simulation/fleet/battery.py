"""Lead-acid blocks: how they age and how they discharge. Equations and constants of its own, each with scatter.

    age        X = ∫ exp(Ea/R (1/298.15 - 1/T)) dt / life + Σ depth^1.3 / cycles       life Weibull 4.6 years at 25 °C
    capacity   C = C0 (1 + g (1 - e^(-t/60 d)) - 0.2 X^p)                              p 2.2 … 4: slow, then fast; 0.8 at X = 1
    ohms       R = R0 (1 + γ (loss / 0.2)^0.9),  γ log-normal around 0.45              1.45 times at 80 %, with scatter
    charge     two wells (Manwell and McGowan): the outer one gives, the inner one follows by diffusion; rate and recovery come from it
    volts      Shepherd in the head h of the outer well: v = 2.135 - 0.145 (1-h) - 0.0105 (1-h)/(h+0.02) - I R - 0.010 ln(1 + 20 I/C)
               + what is left of float in the first seconds - a dip in the first two minutes (coup de fouet)

Besides wear: a jar may short (its 2.1 V are gone) or go open (ohms and capacity of the string go with it), within days.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from tests.simulation.fleet.chance import Floats, Rng

END = 0.80
CUT_V = 1.67
GAS = 8.314


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A bank as built: `cells` in series, `ah` of all strings at the 20 h rate, ohms of the bank when new."""

    cells: int
    ah: float
    ohm: float
    capacity: float  #: new, of the rating
    gain: float
    life_h: float
    power: float
    ea: float
    gamma: float
    outer: float
    follow: float  #: 1/h
    dip_v: float
    cycles: float


def build(rng: Rng, cells: int, ah: float) -> Cells:
    return Cells(
        cells=cells,
        ah=ah,
        ohm=0.030 / ah * cells * float(np.exp(rng.normal(0, 0.10))),
        capacity=float(rng.normal(1.01, 0.02)),
        gain=float(rng.uniform(0.0, 0.04)),
        life_h=float(4.6 * 8766 * rng.weibull(5.0) / 0.918),
        power=float(rng.uniform(2.2, 4.0)),
        ea=float(rng.uniform(46_000, 60_000)),
        gamma=float(0.45 * np.exp(rng.normal(0, 0.18))),
        outer=float(rng.uniform(0.38, 0.44)),
        follow=float(rng.uniform(2.2, 3.2)),
        dip_v=float(rng.uniform(0.01, 0.035)),
        cycles=float(rng.uniform(250, 400)),
    )


def heat(cells: Cells, celsius: Floats) -> Floats:
    """How many hours at 25 °C each hour counts for."""
    return np.asarray(np.exp(cells.ea / GAS * (1 / 298.15 - 1 / (273.15 + celsius))))


def ageing(cells: Cells, celsius: Floats, before_h: float, depths: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    """(capacity of rating, ohms of new) for each hour; `before_h` hours in service already; `depths` (hour, depth 0..1)."""
    factor = heat(cells, celsius)
    x = (before_h * float(np.mean(factor[:8766])) + np.cumsum(factor)) / cells.life_h
    worn = np.zeros(len(celsius))
    for hour, depth in depths:
        worn[min(int(hour), len(worn) - 1)] += depth**1.3 / cells.cycles
    x = x + np.cumsum(worn)
    t = before_h + np.arange(len(celsius))
    loss = (1 - END) * np.power(x, cells.power)
    capacity = cells.capacity * (1 + cells.gain * (1 - np.exp(-t / 1440))) - loss
    ohms = 1 + cells.gamma * np.power(loss / (1 - END), 0.9)
    return np.maximum(capacity, 0.05), np.minimum(ohms, 8.0)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One discharge: seconds, volts of the string, amperes, true charge 0..1; `dry`: it ended because the battery did."""

    t: Floats
    volts: Floats
    amps: Floats
    charge: Floats
    dry: bool


@dataclass(frozen=True, kw_only=True)
class Now:
    """A bank at one moment: health (capacity of rating at 25 °C), ohms of new, °C, charge, float volts; faults of one jar."""

    health: float
    ohms: float = 1.0
    celsius: float = 25.0
    charge: float = 1.0
    float_v: float = 2.27
    shorted: int = 0  #: cells that give nothing
    open_ohm: float = 0.0


def discharge(cells: Cells, now: Now, watts: float, most_s: float, step_s: float, cut_v: float = CUT_V) -> Run:
    """Constant power until `most_s` or until the string is below `cut_v` a cell (of all cells, as the UPS counts)."""
    whole = cells.ah * now.health * (1 + 0.0075 * (min(max(now.celsius, -5.0), 45.0) - 25.0))
    c, k = cells.outer, cells.follow
    inner, outer = (1 - c) * whole * now.charge, c * whole * now.charge
    alive = cells.cells - now.shorted
    ohm = cells.ohm * now.ohms * alive / cells.cells + now.open_ohm
    surface = (now.float_v - 2.135) if now.charge > 0.97 else 0.0
    dip = cells.dip_v if now.charge > 0.97 else 0.0
    volts = 2.0 * alive
    ts, vs, amps, soc = [], [], [], []
    hours, dry, t = step_s / 3600, False, 0.0
    while t <= most_s:
        h = max(outer / (c * whole), 0.0)
        open_v = 2.135 - 0.145 * (1 - h) - 0.0105 * (1 - h) / (h + 0.02)
        open_v += surface * exp(-t / 12) - dip * exp(-t / 45) * (1 - exp(-t / 8))
        for _ in range(2):
            current = watts / max(volts, 1.0)
            volts = alive * (open_v - 0.010 * log(1 + 20 * current / cells.ah)) - current * ohm
        if volts < cut_v * cells.cells or sqrt(max(h, 0.0)) < 0.02:
            dry = True
            break
        ts.append(t)
        vs.append(volts)
        amps.append(current)
        soc.append((outer + inner) / whole)
        move = k * (inner / (1 - c) - outer / c) * c * (1 - c) * hours
        outer += move - current * hours
        inner -= move
        t += step_s
    return Run(t=np.array(ts), volts=np.array(vs), amps=np.array(amps), charge=np.array(soc), dry=dry)


def lasts(cells: Cells, now: Now, watts: float, cut_v: float = CUT_V) -> float:
    """Seconds at constant power from full to the cut-off, to 1 %."""
    rough = cells.ah * now.health * 2 * cells.cells / max(watts, 1.0) * 3600
    run = discharge(cells, now, watts, rough * 1.5, max(rough / 300, 1.0), cut_v)
    return float(run.t[-1]) + max(rough / 300, 1.0) if len(run.t) else 0.0

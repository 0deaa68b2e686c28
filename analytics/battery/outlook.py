"""How long the battery will still last, said anew with every poll of a discharge, and what the discharge taught when it is over.

The prior is what was learned from earlier discharges, else the inventory's promise, else the UPS's own word as the discharge began;
the gauge's pace narrows it (`runtime.narrowed`). Time is counted as effort: seconds at the first load, so that a load that changes is followed.

State (plain data, the caller's own): {"battery": identity, "full": FullRuntime or None,
    "run": {"start", "at", "charge0", "load0", "load", "effort": s, "estimate": s or None, "whole": seen without a gap} or None}
"""

from __future__ import annotations

from typing import Any

import msgspec

from analytics import expectation
from analytics.battery import runtime
from analytics.battery.runtime import FullRuntime, Spread
from analytics.detector import State
from model.inventory import Device

UNSEEN_MS = 600_000
LEAST_USED, LEAST_S = 0.2, 120.0
LEAST_LEFT_S = 0.0


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds left from `at`, at the present load. `n` discharges have taught it; `by`: discharges | inventory | ups."""

    at: int
    p10: float
    p50: float
    p90: float
    n: int
    by: str


def identity(device: Device) -> str:
    return f"{device.serial}|{device.battery.installed if device.battery else None}"


def follow(
    state: State, device: Device, at: int, charge: float | None, load: float | None, estimate: float | None
) -> None:
    """One poll on battery. `estimate`: the UPS's own word, if it was told since the battery took the load."""
    if state.get("battery") != identity(device):
        state.update(battery=identity(device), full=None)
    run = state.get("run")
    if run is None:
        state["run"] = {
            "start": at, "at": at, "charge0": charge, "load0": load, "load": load, "effort": 0.0, "estimate": estimate, "whole": True,
        }  # fmt: skip
        return
    state["run"] = {
        **run,
        "effort": run["effort"] + _effort(run, at),
        "whole": run["whole"] and at - run["at"] <= UNSEEN_MS,
        "at": at,
        "load": load if load is not None else run["load"],
        "load0": run["load0"] if run["load0"] is not None else load,
        "charge0": run["charge0"] if run["charge0"] is not None else charge,
        "estimate": run["estimate"] if run["estimate"] is not None else estimate,
    }


def _effort(run: dict[str, Any], at: int) -> float:
    weight = 1.0 if run["load"] is None or run["load0"] is None else expectation.stretch(run["load"], run["load0"])
    return float((at - run["at"]) / 1000 * weight)


def left(state: State, device: Device, charge: float | None) -> Outlook | None:
    """What is left now; None where nothing was learned, promised or told."""
    run = state.get("run")
    if run is None:
        return None
    full = _full(state, device, run)
    if full is None or run["load0"] is None:
        return None
    charge0 = 100.0 if run["charge0"] is None else max(run["charge0"], 1.0)
    said = runtime.spread(full, run["load0"], charge0, run["start"])
    used = 0.0 if charge is None or run["charge0"] is None else max(charge0 - charge, 0.0) / charge0
    now = runtime.narrowed(said, run["effort"], min(used, 1.0))
    weight = expectation.stretch(run["load"], run["load0"])
    p10, p50, p90 = (max(total - run["effort"], LEAST_LEFT_S) / weight for total in (now.p10, now.p50, now.p90))
    return Outlook(at=run["at"], p10=p10, p50=p50, p90=p90, n=full.n, by=full.by)


def _full(state: State, device: Device, run: dict[str, Any]) -> FullRuntime | None:
    if state.get("full"):
        return msgspec.convert(state["full"], FullRuntime)
    battery = device.battery
    if battery is not None and battery.runtime_s is not None:
        return runtime.begin(battery.runtime_s, battery.runtime_load, run["start"], by="inventory")
    if run["estimate"] and run["load0"] is not None:
        share = (100.0 if run["charge0"] is None else max(run["charge0"], 1.0)) / 100
        return runtime.begin(run["estimate"] / share, run["load0"], run["start"], by="ups")
    return None


def close(state: State, device: Device, at: int, charge: float | None) -> None:
    """The discharge is over: what it showed of a full battery is learned, if it was deep enough and seen without a gap."""
    run = state.get("run")
    state["run"] = None
    if run is None or charge is None or run["charge0"] is None or run["load0"] is None or not run["whole"]:
        return
    used = (run["charge0"] - charge) / 100
    effort = run["effort"] + (_effort(run, at) if at - run["at"] <= UNSEEN_MS else 0.0)
    if used < LEAST_USED or effort < LEAST_S:
        return
    before = _full(state, device, run)
    learned = runtime.learn(before, effort / used, runtime.gauge_sd(used), run["load0"], at)
    state["full"] = msgspec.to_builtins(learned)


def total(outlook: Outlook, start: int) -> Spread:
    """The same from the start of the discharge, in seconds."""
    gone = (outlook.at - start) / 1000
    return Spread(p10=gone + outlook.p10, p50=gone + outlook.p50, p90=gone + outlook.p90)

"""What stands in the file of a battery now, for those who look at it: the judgement as the detector makes it, also where it raised nothing.

Pure and without effect: the state is not changed. None where the file holds no belief yet: a battery that nobody has seen.
"""

from __future__ import annotations

import msgspec

from analytics.battery import ageing, file, recorder, runtime, verdict
from analytics.battery.belief import Belief, predict
from analytics.battery.runtime import Spread
from analytics.battery.verdict import Judgement
from analytics.battery.witnesses import Witness
from analytics.detector import State
from model.inventory import Device


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """`runtime`: s from full at the present load (%), learned from `n` discharges or told `by` inventory or ups. `measured`: ms, None: never."""

    judgement: Judgement
    belief: Belief
    witnesses: tuple[Witness, ...]
    measured: int | None
    seen: int
    runtime: Spread | None
    load: float | None
    n: int
    by: str
    discharging: bool


def of(state: State, device: Device, at: int) -> Present | None:
    """From the state of `battery_verdict`."""
    if "belief" not in state:
        return None
    aged = dict(state)
    file.grow_old(aged, at)
    believed = predict(file.belief_of(aged), at)
    full, load = file.full_of(aged), recorder.newest(aged, recorder.LOAD)
    lasts = runtime.spread(full, load, 100.0, at) if full is not None and load is not None else None
    since = aged["measured"] if aged["measured"] is not None else aged["seen"]
    known = file.witnesses(aged, device, at)
    found = verdict.judge(
        believed,
        known,
        deep=bool(aged["deep"]),
        untested_days=(at - since) / ageing.DAY_MS,
        watched_days=(at - aged["seen"]) / ageing.DAY_MS,
        runtime_p10_s=lasts.p10 if lasts else None,
        required_s=aged.get("required"),
    )
    return Present(
        judgement=found, belief=believed, witnesses=tuple(known), measured=aged["measured"], seen=aged["seen"], runtime=lasts, load=load,
        n=full.n if full else 0, by=full.by if full else "", discharging=bool(aged["run"]),
    )  # fmt: skip

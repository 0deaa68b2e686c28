"""What stands in the file of a battery now. One function judges for the detector that raises findings and for those who only look.

Pure. None where the file holds no belief yet: a battery that nobody has seen.
"""

from __future__ import annotations

from copy import deepcopy

import msgspec

from analytics.battery import ageing, file, life, recorder, runtime, verdict, words
from analytics.battery.belief import Belief, predict
from analytics.battery.runtime import FullRuntime, Spread
from analytics.battery.verdict import Judgement, Verdict
from analytics.battery.witnesses import Witness
from analytics.detector import State
from model.finding import Evidence
from model.inventory import Device
from model.text import Text

KINDS = {
    Verdict.REPLACE: "battery_replace",
    Verdict.UNPROVEN: "battery_unproven",
    Verdict.UNTESTED: "battery_untested",
}
WELL_AGAIN = 0.85


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """`runtime`: s from full at the present load (%), learned from `n` discharges or told `by` inventory or ups. `measured`: ms, None: never."""

    at: int
    judgement: Judgement
    stands: bool  #: an order told before, which the evidence of today alone would not carry: only a good measurement takes it back
    belief: Belief
    witnesses: tuple[Witness, ...]
    measured: int | None
    seen: int
    full: FullRuntime | None
    runtime: Spread | None
    load: float | None
    lithium: bool
    discharging: bool

    @property
    def n(self) -> int:
        return self.full.n if self.full else 0

    @property
    def by(self) -> str:
        return self.full.by if self.full else ""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The conclusion, then what carries it: what a finding says, word for word."""
        return words.evidence(self.judgement, self.belief, list(self.witnesses), self.full, self.load, self.at)

    @property
    def advice(self) -> Text | None:
        """What to do, and what would prove the verdict wrong; None where there is no finding."""
        return (words.ADVICE_LITHIUM if self.lithium else words.ADVICE).get(self.judgement.verdict)


def of(state: State, device: Device, at: int) -> Present | None:
    """From the state of `battery_verdict`, which is not changed."""
    return judged(deepcopy(state), device, at) if "belief" in state else None


def judged(state: State, device: Device, at: int) -> Present:
    """The battery as it stands at `at`. Brings the file, which must hold a belief, up to that time; tells nothing."""
    file.grow_old(state, at)
    file.hear_management(state, device, at)
    if (reckoned := life.reckon(state, at)) is not None:
        file.believe(state, reckoned)
    believed = predict(file.belief_of(state), at)
    full, load = file.full_of(state), recorder.newest(state, recorder.LOAD)
    lasts = runtime.spread(full, load, 100.0, at) if full is not None and load is not None else None
    since = state["measured"] if state["measured"] is not None else state["seen"]
    known = file.witnesses(state, device, at)
    found = verdict.judge(
        believed,
        known,
        deep=bool(state["deep"]),
        untested_days=(at - since) / ageing.DAY_MS,
        watched_days=(at - state["seen"]) / ageing.DAY_MS,
        runtime_p10_s=lasts.p10 if lasts else None,
        required_s=state.get("required"),
        followed=life.followed(state),
        standing=KINDS[Verdict.UNPROVEN] in state.get("told", {}),
    )
    told = KINDS[Verdict.REPLACE] in state.get("told", {})
    stands = told and found.verdict is not Verdict.REPLACE and believed.health < WELL_AGAIN
    return Present(
        at=at, judgement=msgspec.structs.replace(found, verdict=Verdict.REPLACE) if stands else found, stands=stands, belief=believed,
        witnesses=tuple(known), measured=state["measured"], seen=state["seen"], full=full, runtime=lasts, load=load,
        lithium=file.lithium(device), discharging=bool(state["run"]),
    )  # fmt: skip

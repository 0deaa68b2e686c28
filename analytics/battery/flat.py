"""The date at which a battery that nobody charges is flat, kept as `analytics.forecast.Forecast` in a detector's "forecasts", and its answer.

Said once for each fall; answered by the first hour at or below 1.95 V a cell; withdrawn when the voltage is back, or a discharge empties it another way.
P10 and P90 at 0.6 and 1.6 times the time left: own guess of how evenly a battery drains, which the record of these forecasts will show right or wrong.
"""

from __future__ import annotations

from analytics import forecast
from analytics.detector import State
from analytics.forecast import Forecast, Outcome, Quantity

VERSION = "drain-1"
EARLY, LATE = 0.6, 1.6


def said(state: State, device: str, kind: str, at: int, flat: int) -> None:
    """At `at` (ms) it was said that the battery is flat at `flat`. Nothing, where that was said before. `state` is the caller's own."""
    known = forecast.read(state)
    if flat <= at or any(one.outcome is Outcome.OPEN for one in known):
        return
    p10, p90 = (at + round((flat - at) * part) for part in (EARLY, LATE))
    one = Forecast(
        device=device, kind=kind, quantity=Quantity.THRESHOLD, index="flat", made=at, start=at, p10=p10, p50=flat, p90=p90, version=VERSION
    )  # fmt: skip
    state["forecasts"] = forecast.written([*known, one])


def over(state: State, at: int, *, flat: bool) -> None:
    """It is flat, or it can no longer be seen whether it would have been."""
    if not state.get("forecasts"):
        return
    known = forecast.read(state)
    if any(one.outcome is Outcome.OPEN for one in known):
        state["forecasts"] = forecast.written(
            forecast.came(one, at, at) if flat else forecast.withdrawn(one, at) for one in known
        )

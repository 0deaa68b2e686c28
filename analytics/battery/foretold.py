"""What was said of a battery before it came, kept as `analytics.forecast.Forecast` in the file's "forecasts", and its answers.

runtime      one a discharge, a minute into it; answered by a discharge that really ran to its end, withdrawn by any other
end_of_life  one a month while something was measured and the health is above 0.80; answered when a discharge of half depth or more
             measures less: at the instant at which the line from the last such one above crosses 0.80; withdrawn with the battery
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analytics import forecast
from analytics.battery import ageing
from analytics.battery.recorder import Discharge
from analytics.battery.runtime import Spread
from analytics.battery.verdict import Judgement
from analytics.detector import State
from analytics.forecast import Forecast, Outcome, Quantity

KIND = "battery_verdict"
VERSION = "2"
EVERY_MS = 30 * ageing.DAY_MS
DEEP, SURE_SD = 0.5, 0.08


def runtime_said(state: State, device: str, at: int, start: int, said: Spread, by: str) -> None:
    """The end of the discharge that runs, as instants."""
    ends = (start + round(seconds * 1000) for seconds in (said.p10, said.p50, said.p90))
    _add(state, _made(device, Quantity.RUNTIME, at, start, tuple(ends), f"runtime-{VERSION}-{by}"))


def runtime_over(state: State, start: int, end: int, empty: bool) -> None:
    """The discharge that began at `start` is over; `empty`: it ran to the battery's end."""
    _answer(state, lambda one: one.quantity is Quantity.RUNTIME and one.start == start, end if empty else None, end)


def life_said(state: State, device: str, at: int, judged: Judgement) -> None:
    """The end of life, if the last time it was said is a month ago."""
    known = [one["made"] for one in state.get("forecasts", []) if one["quantity"] == Quantity.END_OF_LIFE]
    if known and at - max(known) < EVERY_MS:
        return
    ends = tuple(at + round(d * ageing.DAY_MS) for d in judged.days)
    _add(state, _made(device, Quantity.END_OF_LIFE, at, at, ends, f"life-{VERSION}"))


def measured(state: State, record: Discharge) -> None:
    """A discharge that measured the health may be the end that was foretold. Called before it is filed in "log"."""
    if record.soh is None or record.soh >= ageing.END or not _deep(record.depth, record.soh_sd):
        return
    before = [
        one for one in state["log"]
        if one["soh"] is not None and one["soh"] >= ageing.END and one["end"] >= state["seen"] and _deep(one["depth"], one["soh_sd"])
    ]  # fmt: skip
    real = record.end
    if before:
        last: dict[str, Any] = before[-1]
        share = (last["soh"] - ageing.END) / (last["soh"] - record.soh)
        real = round(last["end"] + share * (record.end - last["end"]))
    _answer(state, lambda one: one.quantity is Quantity.END_OF_LIFE and one.made <= real, real, record.end)


def all_withdrawn(state: State, at: int) -> None:
    """Another battery: what was said was of the old one."""
    _answer(state, lambda _: True, None, at)


def _deep(depth: float | None, sd: float | None) -> bool:
    return depth is not None and depth >= DEEP and sd is not None and sd <= SURE_SD


def _made(device: str, quantity: Quantity, at: int, start: int, ends: tuple[int, ...], version: str) -> Forecast:
    p10, p50, p90 = ends
    return Forecast(
        device=device, kind=KIND, quantity=quantity, made=at, start=start, p10=p10, p50=p50, p90=p90, version=version
    )


def _add(state: State, one: Forecast) -> None:
    state["forecasts"] = forecast.written([*forecast.read(state), one])


def _answer(state: State, which: Callable[[Forecast], bool], real: int | None, at: int) -> None:
    known = forecast.read(state)
    if not any(one.outcome is Outcome.OPEN and which(one) for one in known):
        return
    state["forecasts"] = forecast.written(
        (forecast.withdrawn(one, at) if real is None else forecast.came(one, real, at)) if which(one) else one
        for one in known
    )

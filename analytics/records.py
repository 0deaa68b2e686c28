"""What detectors want kept for good: discharges for the life of the battery, and every forecast with its answer.

A detector keeps its newest ones in its state, under `log` (discharges, with the battery's identity under `battery`) and `forecasts`
(`analytics.forecast`). What a step put there or changed is found by comparing the state before with the one after: a step never changes the
state handed in, so lists that are one object have no news. Who keeps them writes by key, so that a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from analytics.detector import State

#: A discharge is known by its device and start; all else in it may still change (the recharge ends, the health is learned).
LOG, FORECASTS, BATTERY = "log", "forecasts", "battery"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One discharge of one battery; `body` is an `analytics.battery.recorder.Discharge` as builtins."""

    device: str
    battery: str
    body: dict[str, Any]


class Records(msgspec.Struct, kw_only=True):
    """What is new or changed; `forecasts` are `analytics.forecast.Forecast` as builtins."""

    discharges: list[Kept] = []
    forecasts: list[dict[str, Any]] = []

    def __bool__(self) -> bool:
        return bool(self.discharges or self.forecasts)

    def clear(self) -> None:
        """They were written."""
        self.discharges.clear()
        self.forecasts.clear()


def note(records: Records, device: str, before: Mapping[str, State], after: Mapping[str, State]) -> None:
    """Add to `records` what the detectors' states of one device have after a step and had not before."""
    for name, state in after.items():
        old = before.get(name)
        if old is state:
            continue
        log = state.get(LOG)
        if log and (old is None or old.get(LOG) is not log):
            battery = str(state.get(BATTERY, ""))
            records.discharges += [Kept(device=device, battery=battery, body=one) for one in _fresh(old, LOG, log)]
        forecasts = state.get(FORECASTS)
        if forecasts and (old is None or old.get(FORECASTS) is not forecasts):
            records.forecasts += _fresh(old, FORECASTS, forecasts)


def remember(records: Records, states: Mapping[str, Mapping[str, State]]) -> None:
    """Add all that the detectors remember (`Watch.states`): for a database that has nothing yet."""
    for device, after in states.items():
        note(records, device, {}, after)


def _fresh(old: State | None, key: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [] if old is None else old.get(key) or []
    return [row for row in rows if row not in known]

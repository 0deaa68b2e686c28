"""The rows of `analytics.battery.hourly`, made once for all detectors that are in the same phase: those that woke together always are."""

from __future__ import annotations

from analytics.battery import hourly
from analytics.battery.hourly import Row
from analytics.detector import State
from analytics.hours import Hours
from model.inventory import Device


def rows(hours: Hours, phase: State, device: Device) -> list[Row]:
    """As `hourly.rows`: `phase` is the caller's own and is moved on."""
    made: list[tuple[State, State, list[Row]]] = hours.shared.setdefault("battery rows", [])
    for before, after, found in made:
        if before == phase:
            phase.update(after)
            return found
    before = dict(phase)
    found = list(hourly.rows(hours, phase, device))
    made.append((before, dict(phase), found))
    return found

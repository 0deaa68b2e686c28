"""The short way through quiet hours says and remembers what the long way does: each hourly detector that has one is found by itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from analytics.detector import State
from analytics.detectors import HOURLY
from analytics.hours import Hours
from analytics.network import filling
from model.finding import Change
from tests.analytics.timeline import SWITCH, UPS
from tests.contracts.hourly_year import cut, healthy, wild
from tests.contracts.test_hourly_detectors import NEEDS, known

DAYS = 19


def shortcut(name: str) -> tuple[ModuleType, str] | None:
    """Where the short way of a detector is; None: it has none."""
    module = sys.modules[type(HOURLY[name]).__module__]
    if hasattr(module, "_quiet"):
        return module, "_quiet"
    return (filling, "quiet") if hasattr(module, "filling") else None


NAMES = [name for name in sorted(HOURLY) if shortcut(name)]


def stories() -> Iterator[Hours]:
    """Quiet weeks by days and by the hour, then those in which everything happens."""
    for device in (UPS, SWITCH):
        quiet = {key: rows[: DAYS * 24] for key, rows in healthy(device).items()}
        yield from cut(device, quiet, NEEDS, 24)
        yield from cut(device, wild(device, 5, 14 * 24), NEEDS, 24)
        yield from cut(device, wild(device, 6, 14 * 24), NEEDS, 48)


def gone_through(name: str) -> Iterator[tuple[str, State, list[Change]]]:
    states: dict[str, State] = {}
    detector, before = HOURLY[name], 0
    for hours in stories():
        if hours.first_at < before:
            states = {}
        before = hours.first_at
        if not detector.needs.isdisjoint(hours.columns):
            state = states.get(hours.device) or detector.fresh()
            states[hours.device], changes = detector.step(state, hours, known(hours.device), hours.last_at)
            yield hours.device, states[hours.device], changes


@pytest.mark.parametrize("name", NAMES)
def test_the_short_way_says_and_remembers_what_the_long_way_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    short = list(gone_through(name))
    module, way = shortcut(name) or (sys, "")
    taken: list[bool] = []
    monkeypatch.setattr(module, way, lambda *_: taken.append(True))
    assert short == list(gone_through(name))
    assert taken

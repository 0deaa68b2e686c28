"""Every detector of slow things is found and checked by itself: a new line in `HOURLY` needs no new test here."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import msgspec
import pytest

from alerts.kinds import KINDS
from analytics.detector import Context, State
from analytics.detectors import DETECTORS, HOURLY
from analytics.hours import Hours
from analytics.slow.frames import frames
from analytics.usual import gauges
from model.finding import Change, Changed, Cleared, Raised
from model.inventory import Battery
from model.points import POINTS
from tests.analytics.timeline import SWITCH, UPS, context
from tests.contracts.hourly_year import cut, healthy, wild
from tests.contracts.test_detectors import _bilingual

NAMES = sorted(HOURLY)
NEEDS = frozenset().union(*(detector.needs for detector in HOURLY.values()))
WEEK = 7 * 24
DEVICES = (UPS, SWITCH)


def known(device: str) -> Context:
    return context(device, battery=Battery(blocks=16, block_ah=38) if device == UPS else None)


def step(name: str, state: State | None, hours: Hours) -> tuple[State | None, list[Change]]:
    """As `analytics.watch` does it: no hour of its own points, no call."""
    detector = HOURLY[name]
    if detector.needs.isdisjoint(hours.columns):
        return state, []
    return detector.step(detector.fresh() if state is None else state, hours, known(hours.device), hours.last_at)


class Detected(NamedTuple):
    """What came of one detector: what it said, or how it failed."""

    failed: Exception | str | None
    said: list[Change]


@cache
def told(device: str, seed: int | None, every: int) -> dict[str, Detected]:
    """What each detector says of one story (`seed` None: the healthy year), all of them shown the very same hours as in `analytics.watch`."""
    states: dict[str, State | None] = dict.fromkeys(NAMES)
    found = {name: Detected(None, []) for name in NAMES}
    for hours in story(device, seed, every):
        for name in NAMES:
            try:
                states[name], changes = step(name, states[name], hours)
                found[name].said.extend(changes)
            except Exception as error:
                found[name] = Detected(found[name].failed or error, [])
    return found


@cache
def watched(device: str, seed: int) -> dict[str, Detected]:
    """The same by days, each state read back from a snapshot; `failed`: what was changed that must not be."""
    states: dict[str, State | None] = dict.fromkeys(NAMES)
    found = {name: Detected(None, []) for name in NAMES}
    for hours, given in zip(story(device, seed, 24), story(device, seed, 24), strict=True):
        shared = [*frames(given, NEEDS)], gauges.rows(given)
        for name in NAMES:
            before = copy.deepcopy(states[name])
            after, changes = step(name, states[name], hours)
            found[name].said.extend(changes)
            if states[name] != before:
                found[name] = Detected("it changed the state handed in", [])
            if hours.columns != given.columns or ([*frames(hours, NEEDS)], gauges.rows(hours)) != shared:
                found[name] = Detected("it changed the hours, or what all detectors share of them", [])
            # Ordered by keys, as the pipeline writes snapshots: all keys are words, and the order of a dict means nothing.
            states[name] = msgspec.msgpack.decode(msgspec.msgpack.encode(after, order="deterministic"))
    return found


def story(device: str, seed: int | None, every: int) -> Iterator[Hours]:
    return cut(device, healthy(device) if seed is None else wild(device, seed), NEEDS, every)


def told_by(name: str, device: str, seed: int | None, every: int) -> list[Change]:
    failed, said = told(device, seed, every)[name]
    if isinstance(failed, Exception):
        raise failed
    return said


@pytest.mark.parametrize("name", NAMES)
class TestEveryHourlyDetector:
    def test_is_silent_through_a_healthy_year(self, name: str) -> None:
        for device in DEVICES:
            assert told_by(name, device, None, WEEK) == []

    def test_pieces_say_the_same_as_the_whole(self, name: str) -> None:
        for device in DEVICES:
            assert told_by(name, device, 1, 1) == told_by(name, device, 1, 40 * 24)

    def test_is_pure_and_its_state_survives_the_snapshot(self, name: str) -> None:
        for device in DEVICES:
            impure, said = watched(device, 2)[name]
            assert impure is None
            assert said == told_by(name, device, 2, 24), "through the snapshot"

    def test_what_it_says_is_well_formed(self, name: str) -> None:
        for device in DEVICES:
            check_words_and_order(name, told_by(name, device, 3, 24))

    def test_needs_are_points_and_kinds_are_in_the_table(self, name: str) -> None:
        assert HOURLY[name].needs
        assert HOURLY[name].needs <= POINTS.keys()
        assert HOURLY[name].kinds <= KINDS.keys()
        assert name not in DETECTORS, "both tables share the names of the snapshot"


def check_words_and_order(name: str, changes: list[Change]) -> None:
    standing: set[tuple[str, str | None]] = set()
    for change in changes:
        if isinstance(change, Cleared):
            assert (change.kind, change.index) in standing
            standing.discard((change.kind, change.index))
            assert _bilingual(change.why)
            continue
        finding = change.finding
        slot = (finding.kind, finding.index)
        assert (slot in standing) == isinstance(change, Changed)
        if isinstance(change, Raised):
            standing.add(slot)
        assert finding.kind in HOURLY[name].kinds
        assert finding.evidence
        assert 0 <= finding.score <= 1
        assert finding.since <= max(e.at for e in finding.evidence)
        assert all(e.point is None or e.point in POINTS for e in finding.evidence)
        assert [text for text in (finding.advice, *(e.text for e in finding.evidence)) if not _bilingual(text)] == []

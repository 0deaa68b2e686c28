"""Every detector of slow things is found and checked by itself: a new line in `HOURLY` needs no new test here."""

from __future__ import annotations

import copy

import msgspec
import pytest

from alerts.kinds import KINDS
from analytics.detector import Context, State
from analytics.detectors import DETECTORS, HOURLY
from analytics.hours import HourlyDetector, Hours
from model.finding import Change, Changed, Cleared, Raised
from model.inventory import Battery
from model.points import POINTS
from tests.analytics.timeline import SWITCH, UPS, context
from tests.contracts.hourly_year import cut, healthy, wild
from tests.contracts.test_detectors import _bilingual

NAMES = sorted(HOURLY)
WEEK = 7 * 24
DEVICES = (UPS, SWITCH)


def known(device: str) -> Context:
    return context(device, battery=Battery(blocks=16, block_ah=38) if device == UPS else None)


def run(detector: HourlyDetector, some: list[Hours], *, through_snapshot: bool = False) -> list[Change]:
    state: State = detector.fresh()
    told: list[Change] = []
    for hours in some:
        if through_snapshot:
            # Ordered by keys, as the pipeline writes snapshots: all keys are words, and the order of a dict means nothing.
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state, order="deterministic"))
        state, changes = detector.step(state, hours, known(hours.device), hours.last_at)
        told += changes
    return told


@pytest.mark.parametrize("name", NAMES)
class TestEveryHourlyDetector:
    def test_is_silent_through_a_healthy_year(self, name: str) -> None:
        for device in DEVICES:
            assert run(HOURLY[name], cut(device, healthy(device), HOURLY[name].needs, WEEK)) == []

    def test_pieces_say_the_same_as_the_whole(self, name: str) -> None:
        for device in DEVICES:
            whole = run(HOURLY[name], cut(device, wild(device, 1), HOURLY[name].needs, 40 * 24))
            assert run(HOURLY[name], cut(device, wild(device, 1), HOURLY[name].needs, 1)) == whole

    def test_is_pure_and_its_state_survives_the_snapshot(self, name: str) -> None:
        detector = HOURLY[name]
        for device in DEVICES:
            some = cut(device, wild(device, 2), detector.needs, 24)
            state, told = detector.fresh(), []
            for hours in some:
                before, given = copy.deepcopy(state), copy.deepcopy(hours)
                after, changes = detector.step(state, hours, known(device), hours.last_at)
                assert state == before, "a state handed in is not changed"
                assert hours == given, "the hours are not changed"
                state = after
                told += changes
            assert run(detector, some, through_snapshot=True) == told

    def test_what_it_says_is_well_formed(self, name: str) -> None:
        standing: set[tuple[str, str | None]] = set()
        for device in DEVICES:
            standing.clear()
            for change in run(HOURLY[name], cut(device, wild(device, 3), HOURLY[name].needs, 24)):
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
                assert [
                    text for text in (finding.advice, *(e.text for e in finding.evidence)) if not _bilingual(text)
                ] == []

    def test_needs_are_points_and_kinds_are_in_the_table(self, name: str) -> None:
        assert HOURLY[name].needs
        assert HOURLY[name].needs <= POINTS.keys()
        assert HOURLY[name].kinds <= KINDS.keys()
        assert name not in DETECTORS, "both tables share the names of the snapshot"

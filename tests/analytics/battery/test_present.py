"""What a page says of a battery is what the finding says: one function judges for both."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from analytics.battery import present
from analytics.battery.verdict import Verdict
from model.finding import Change
from tests.analytics.battery.cabinet import Cabinet, file_of
from tests.analytics.timeline import UPS, last, raised

JOB = "battery_replace"


class Unrested(Cabinet):
    """Nobody looks again after the discharge."""

    def rest(self, days: float, every_s: float = 6 * 3600) -> list[Change]:
        return super().rest(days, every_s) if not raised(self.changes, JOB) else []


def failing() -> tuple[Cabinet, dict[str, Any]]:
    cabinet = Unrested(soh=0.55)
    cabinet.rest(2)
    cabinet.outage(400)
    return cabinet, file_of(cabinet)


def test_a_page_and_the_finding_of_a_failing_battery_say_the_same() -> None:
    cabinet, state = failing()
    finding = last(cabinet.changes, JOB)
    before = deepcopy(state)
    shown = present.of(state, cabinet.context(UPS).device, finding.evidence[0].at)
    assert shown is not None
    assert shown.evidence == finding.evidence
    assert shown.advice == finding.advice
    assert (shown.judgement.verdict, shown.judgement.score, shown.stands) == (Verdict.REPLACE, finding.score, False)
    assert state == before, "to look changes nothing"


def test_an_order_that_stands_is_shown_although_today_would_not_carry_it() -> None:
    cabinet, state = failing()
    state = {**state, "log": [], "sags": [], "tests": [], "course": None, "estimate": None, "ohms": None}
    shown = present.of(state, cabinet.context(UPS).device, last(cabinet.changes, JOB).evidence[0].at)
    assert shown is not None
    assert (shown.judgement.verdict, shown.stands) == (Verdict.REPLACE, True)
    assert shown.advice


def test_nothing_is_said_of_a_battery_that_nobody_has_seen() -> None:
    assert present.of({}, Cabinet().context(UPS).device, 0) is None

from __future__ import annotations

import msgspec

from analytics.cohort import Summary, snapshot
from analytics.detectors.reboots import WRAP_S
from model.finding import Severity
from tests.analytics.timeline import SWITCH, T0, Line, cleared, context, of, raised, second, tell

KIND = "reboots"
HOUR, DAY = 3600, 86_400
#: T0 is at 10:40 of the site's morning.
NOON = 5000


def uptimes(*starts: float, until: float, every: float = 600, first: float = 1e6, away: float = 180) -> Line:
    """A device that has run for `first` seconds and starts again at each of `starts`, silent for `away` seconds before."""
    line = Line(SWITCH)
    for n in range(round(until / every)):
        at = n * every
        before = [start for start in starts if start <= at]
        if any(start - away <= at < start for start in starts):
            continue
        line.say(at, sysUpTime=at - before[-1] if before else first + at)
    return line


class TestReboots:
    def test_the_second_restart_within_a_month_is_raised(self) -> None:
        [finding] = raised(tell(uptimes(NOON, NOON + 12 * DAY, until=14 * DAY), batch_s=DAY), KIND)
        assert finding.severity is Severity.MAJOR
        assert second(finding.since) == NOON

    def test_one_restart_is_none(self) -> None:
        assert of(tell(uptimes(NOON, until=40 * DAY, every=3600)), KIND) == []

    def test_a_planned_restart_every_quarter_is_none(self) -> None:
        starts = [NOON + quarter * 91 * DAY for quarter in range(4)]
        assert of(tell(uptimes(*starts, until=366 * DAY, every=7200)), KIND) == []

    def test_an_upgrade_that_restarts_twice_is_one_occasion(self) -> None:
        assert of(tell(uptimes(NOON, NOON + 1800, until=DAY)), KIND) == []

    def test_three_within_a_day_are_a_loop(self) -> None:
        [finding] = raised(tell(uptimes(NOON, NOON + 900, NOON + 1800, until=DAY, every=60)), KIND)
        assert finding.score > 0.9

    def test_two_nights_are_shown_and_no_job(self) -> None:
        night = 15 * HOUR
        [finding] = raised(tell(uptimes(night, night + 7 * DAY, until=9 * DAY)), KIND)
        assert finding.severity is Severity.WARNING

    def test_it_is_over_after_a_quiet_fortnight(self) -> None:
        changes = tell(uptimes(NOON, NOON + 3 * DAY, until=20 * DAY, every=3600), batch_s=DAY)
        assert len(cleared(changes, KIND)) == 1

    def test_a_counter_that_wraps_is_no_restart(self) -> None:
        line = Line(SWITCH)
        for n in range(4000):
            line.say(n * 600, sysUpTime=(WRAP_S - 50_000 + n * 600) % WRAP_S)
            line.say(n * 600 + 1, sysUpTime=(WRAP_S - 50_000 + n * 600 + 1) % WRAP_S)
        assert of(tell(line), KIND) == []

    def test_a_restart_in_a_month_of_silence_counts(self) -> None:
        line = uptimes(NOON, 25 * DAY, until=27 * DAY, every=3600)
        line.readings = [r for r in line.readings if not 2 * DAY < (r.at - T0) / 1000 < 26 * DAY]
        assert len(raised(tell(line), KIND)) == 1

    def test_two_controllers_that_answer_in_turn_are_no_restarts(self) -> None:
        line = Line(SWITCH)
        for n in range(100):
            line.say(n * 60, sysUpTime=(1e6 if n % 2 else 9e6) + n * 60)
        assert of(tell(line), KIND) == []

    def test_single_samples_of_nonsense_are_taken_back(self) -> None:
        line = Line(SWITCH)
        for n in range(1000):
            line.say(n * 600, sysUpTime=0 if n % 150 == 149 else 1e6 + n * 600)
        changes = tell(line)
        assert len(raised(changes, KIND)) == len(cleared(changes, KIND)) == 0

    def test_a_clock_put_forward_is_no_restart(self) -> None:
        line = Line(SWITCH)
        for n in range(200):
            line.say(n * 60 + (n // 20) * 7200, sysUpTime=1e6 + n * 60)
        assert of(tell(line), KIND) == []

    def test_what_its_siblings_do_is_told(self) -> None:
        rows = [
            Summary(device=f"s/{n}", customer=f"c{n % 3}", model="X", values={"restarts_a_month": 0.0})
            for n in range(12)
        ]
        known = msgspec.structs.replace(context(SWITCH), cohort=snapshot(rows, made=0).of(SWITCH, "X"))
        line = uptimes(NOON, NOON + 12 * DAY, until=14 * DAY)
        [finding] = raised(tell(line, context_of=lambda _: known), KIND)
        assert "it is this device" in finding.evidence[-1].text.en

    def test_pieces_say_the_same_as_the_whole(self) -> None:
        line = uptimes(NOON, NOON + 900, NOON + 9 * DAY, until=12 * DAY)
        whole = of(tell(line), KIND)
        assert whole
        assert of(tell(line, batch_s=700), KIND) == whole

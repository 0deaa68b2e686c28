"""The plain conditions: persistence, hysteresis, and one sample that proves nothing."""

from __future__ import annotations

import pytest

from model.finding import Severity
from tests.analytics.timeline import Line, cleared, last, raised, second, tell

FLAGS = [
    ("fan", "alarm__fan_failure"),
    ("charger", "alarm__charger_failed"),
    ("bypass", "alarm__on_bypass"),
    ("over_temperature", "alarm__temperature"),
    ("ups_fault", "alarm__inverter_fault"),
    ("ups_fault", "alarm__general_fault"),
    ("battery_flag", "alarm__replace_battery"),
    ("battery_flag", "alarm__battery_bad"),
    ("overload", "alarm__overload"),
    ("mains_failed", "alarm__mains_failed"),
    ("contact", "contact__alarm"),
    ("battery_low", "alarm__battery_low_condition"),
]


@pytest.mark.parametrize(("kind", "flag"), FLAGS)
def test_a_flag_of_one_sample_proves_nothing(kind: str, flag: str) -> None:
    line = Line()
    for s in range(0, 100, 2):
        line.say(s, **{flag: float(s in (10, 40))})
    assert raised(tell(line), kind) == []
    assert raised(tell(line, batch_s=2), kind) == []


@pytest.mark.parametrize(("kind", "flag"), FLAGS)
def test_a_flag_that_stays_is_raised_with_its_true_start_and_cleared_with_its_true_end(kind: str, flag: str) -> None:
    line = Line()
    for s in range(0, 200, 2):
        line.say(s, **{flag: float(10 <= s < 100)})
    changes = tell(line, batch_s=6)
    assert [second(f.since) for f in raised(changes, kind)] == [10]
    assert [second(c.at) for c in cleared(changes, kind)] == [100]


def test_a_single_well_sample_does_not_end_it() -> None:
    line = Line()
    for s in range(0, 100, 2):
        line.say(s, alarm__fan_failure=float(s != 50))
    changes = tell(line, batch_s=2)
    assert len(raised(changes, "fan")) == 1
    assert cleared(changes, "fan") == []


def test_a_battery_flag_alone_says_that_nothing_supports_it() -> None:
    [finding] = raised(tell(Line().flag("alarm__replace_battery", (0, 2, 4))), "battery_flag")
    assert finding.severity is Severity.WARNING
    assert "no other witness" in finding.evidence[0].text.en
    assert "无其他证据" in finding.evidence[0].text.zh


def test_a_load_between_the_limits_changes_nothing() -> None:
    line = Line()
    loads = [90, 105, 104, 103, 99, 97, 101, 98, 94, 94, 94, 94, 99, 99, 99, 99]
    for n, load in enumerate(loads):
        line.say(n * 10, "1", ups__load=load)
    changes = tell(line, batch_s=10)
    assert [second(f.since) for f in raised(changes, "overload")] == [10]
    assert [second(c.at) for c in cleared(changes, "overload")] == [80]


def test_one_overloaded_phase_is_enough_and_is_named() -> None:
    line = Line()
    for s in range(0, 40, 5):
        line.say(s, "1", ups__load=60).say(s, "2", ups__load=110).say(s, "3", ups__load=60)
    [finding] = raised(tell(line), "overload")
    assert finding.evidence[0].index == "2"
    assert finding.evidence[0].value == 110


def test_severity_rises_with_the_value() -> None:
    line = Line()
    for n, load in enumerate([110, 110, 110, 130, 130, 110]):
        line.say(n * 10, "1", ups__load=load)
    changes = tell(line, batch_s=10)
    assert raised(changes, "overload")[0].severity is Severity.MAJOR
    assert last(changes, "overload").severity is Severity.CRITICAL
    assert len(raised(changes, "overload")) == 1


def test_a_second_witness_keeps_the_finding_until_both_are_well() -> None:
    line = Line()
    for s in range(0, 100, 2):
        line.say(s, alarm__on_bypass=float(s < 40), ups__source=4 if s < 60 else 3)
    changes = tell(line, batch_s=2)
    assert len(raised(changes, "bypass")) == 1
    assert [second(c.at) for c in cleared(changes, "bypass")] == [60]


class TestBatteryLow:
    def test_on_battery_and_low_twice_is_raised(self) -> None:
        line = Line().say(0, ups__source=3, alarm__battery_low=0)
        for s in range(2, 10, 2):
            line.say(s, ups__source=5, alarm__battery_low=1, battery__charge=8)
        [finding] = raised(tell(line, batch_s=2), "battery_low")
        assert finding.severity is Severity.CRITICAL

    def test_a_low_flag_on_mains_is_not(self) -> None:
        line = Line()
        for s in range(0, 60, 2):
            line.say(s, ups__source=3, alarm__battery_low=1)
        assert raised(tell(line, batch_s=2), "battery_low") == []

    def test_mains_return_ends_it_though_the_flag_stays(self) -> None:
        line = Line()
        for s in range(0, 60, 2):
            line.say(s, ups__source=5 if s < 30 else 3, battery__status=3)
        changes = tell(line, batch_s=2)
        assert len(raised(changes, "battery_low")) == 1
        assert [second(c.at) for c in cleared(changes, "battery_low")] == [30]

    def test_witnesses_that_contradict_the_flag_are_listed_and_lower_it(self) -> None:
        line = Line()
        for s in range(0, 10, 2):
            line.say(s, battery__charge=99, battery__runtime=1600).say(s, ups__source=5, alarm__battery_low=1)
        [finding] = raised(tell(line), "battery_low")
        assert finding.severity is Severity.MAJOR
        assert finding.score == 0.5
        assert "contradict" in finding.evidence[-1].text.en

    def test_one_low_sample_proves_nothing(self) -> None:
        line = Line()
        for s in range(0, 60, 2):
            line.say(s, ups__source=5, alarm__battery_low=float(s == 20))
        assert raised(tell(line, batch_s=2), "battery_low") == []


class TestNotCharging:
    HOUR = 3600

    def _mains(self, charge_at: dict[int, float], hours: int) -> Line:
        line = Line()
        charge = 0.0
        for half in range(hours * 2):
            charge = charge_at.get(half // 2, charge)
            line.say(half * 1800, ups__source=3, battery__charge=charge)
        return line

    def test_a_charge_that_does_not_rise_for_a_day_on_mains_is_raised(self) -> None:
        changes = tell(self._mains({0: 60}, 30), batch_s=self.HOUR)
        assert len(raised(changes, "not_charging")) == 1

    def test_a_slow_charger_is_not_accused(self) -> None:
        changes = tell(self._mains({h: 50 + h / 2 for h in range(60)}, 60), batch_s=self.HOUR)
        assert raised(changes, "not_charging") == []

    def test_a_rising_charge_ends_it(self) -> None:
        changes = tell(self._mains({0: 60, 30: 63}, 40), batch_s=self.HOUR)
        assert [second(c.at) for c in cleared(changes, "not_charging")] == [30 * self.HOUR]

    def test_zero_is_no_value(self) -> None:
        assert raised(tell(self._mains({0: 0}, 60), batch_s=self.HOUR), "not_charging") == []

    def test_a_day_without_data_is_no_evidence(self) -> None:
        line = Line().say(0, ups__source=3, battery__charge=60).say(30 * self.HOUR, ups__source=3, battery__charge=60)
        assert raised(tell(line), "not_charging") == []

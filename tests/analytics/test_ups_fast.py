"""What a UPS and its feed do within minutes to days: found in time, one finding an episode, and silence on what only looks like it."""

from __future__ import annotations

import msgspec
import pytest

from analytics.detector import Context
from model.finding import Severity
from tests.analytics.timeline import Line, cleared, context, last, raised, second, tell

DAY = 86_400.0


def mains(line: Line, seconds: range, volts: float = 230.0, hertz: float = 50.0, **more: float) -> Line:
    for s in seconds:
        line.say(s, "1", input__voltage=volts, output__voltage=more.get("output", 230.0)).say(
            s, input__frequency=hertz, ups__source=more.get("source", 3)
        )
    return line


class TestInput:
    @pytest.mark.parametrize(
        ("volts", "hertz", "severity"),
        [(202, 50, Severity.MINOR), (262, 50, Severity.MINOR), (190, 50, Severity.MAJOR), (230, 50.7, Severity.MINOR)],
    )
    def test_mains_out_of_tolerance_for_five_minutes(self, volts: float, hertz: float, severity: Severity) -> None:
        line = mains(Line(), range(0, 600, 20))
        mains(line, range(600, 1800, 20), volts, hertz)
        mains(line, range(1800, 3600, 20))
        changes = tell(line, batch_s=60)
        [found] = raised(changes, "input_quality")
        assert second(found.since) == 600
        assert second(found.evidence[0].at) == 900
        assert last(changes, "input_quality").severity is severity
        assert [second(one.at) for one in cleared(changes, "input_quality")] == [1800]

    def test_a_sag_of_a_minute_and_a_mains_that_is_gone_are_not_its_business(self) -> None:
        line = mains(Line(), range(0, 600, 20))
        mains(line, range(600, 660, 20), 190)
        mains(line, range(660, 1200, 20))
        mains(line, range(1200, 3000, 20), 0, 0, source=5)
        assert raised(tell(line, batch_s=60), "input_quality") == []

    def test_the_flag_that_stands_because_the_mains_is_gone_is_the_outage(self) -> None:
        for early in (0, 5):  # the flag is read with the voltage, or a little before it
            line = mains(Line(), range(0, 600, 20)).say(590, alarm__input_bad=0)
            mains(line, range(600, 1800, 20), 0, 0, source=5)
            for s in range(600, 1800, 20):
                line.say(s - early, alarm__input_bad=1)
            mains(line, range(1800, 3600, 20))
            line.say(1810 - early, alarm__input_bad=1)
            for s in range(1820, 3600, 20):
                line.say(s - early, alarm__input_bad=0)
            assert raised(tell(line, batch_s=60), "input_quality") == []

    def test_the_flag_of_a_ups_that_tells_no_input_voltage_is_the_outage_while_it_is_on_battery_and_a_bad_mains_otherwise(
        self,
    ) -> None:
        line = Line().say(0, ups__source=3, alarm__input_bad=0)
        for s in range(600, 3000, 20):
            line.say(s - 5, alarm__input_bad=1).say(s, ups__source=5)
        for s in range(3000, 4200, 20):
            line.say(s - 5, alarm__input_bad=int(s == 3000)).say(s, ups__source=3)
        assert raised(tell(line, batch_s=60), "input_quality") == []
        for s in range(4200, 5400, 20):
            line.say(s - 5, alarm__input_bad=1).say(s, ups__source=3)
        [found] = raised(tell(line, batch_s=60), "input_quality")
        assert second(found.since) == 4195

    @pytest.mark.parametrize(("volts", "hertz"), [(230, 499.9), (230, 5.0), (2300, 50), (436, 50)])
    def test_a_unit_that_slipped_is_no_bad_mains(self, volts: float, hertz: float) -> None:
        line = mains(Line(), range(0, 600, 20))
        mains(line, range(600, 2400, 20), volts, hertz)
        assert raised(tell(line, batch_s=60), "input_quality") == []

    def test_a_site_at_240_or_at_120_volts_is_well_at_its_own(self) -> None:
        for volts in (240.0, 120.0, 400.0):
            assert raised(tell(mains(Line(), range(0, 3000, 20), volts), batch_s=60), "input_quality") == []

    def test_the_devices_own_nominal_counts_when_its_readings_agree(self) -> None:
        line = Line().say(0, input__voltage__nominal=220)
        mains(line, range(0, 600, 20), 226)
        mains(line, range(600, 1800, 20), 246)
        assert "220 V" in raised(tell(line), "input_quality")[0].evidence[0].text.en
        line = Line().say(0, input__voltage__nominal=120)
        mains(line, range(0, 1800, 20), 230)
        assert raised(tell(line), "input_quality") == []


class TestOutput:
    def test_an_output_that_the_input_does_not_explain_is_told(self) -> None:
        line = mains(Line(), range(0, 600, 20))
        mains(line, range(600, 1200, 20), output=214.0)
        [found] = raised(tell(line, batch_s=60), "output_quality")
        assert (second(found.since), found.severity) == (600, Severity.MAJOR)
        assert "input is nominal" in found.evidence[0].text.en

    def test_by_ten_percent_it_is_critical(self) -> None:
        line = mains(Line(), range(0, 600, 20))
        mains(line, range(600, 1200, 20), output=200.0)
        assert last(tell(line, batch_s=60), "output_quality").severity is Severity.CRITICAL

    @pytest.mark.parametrize(
        ("volts", "output", "source"), [(212, 212, 3), (205, 230 * 1.06, 3), (230, 200, 5), (230, 250, 4), (0, 214, 5)]
    )
    def test_what_is_passed_through_tapped_on_bypass_or_on_battery_is_not_judged(
        self, volts: float, output: float, source: float
    ) -> None:
        line = mains(Line(), range(0, 600, 20))
        mains(line, range(600, 1800, 20), volts, output=output, source=source)
        assert raised(tell(line, batch_s=60), "output_quality") == []

    def test_without_an_input_it_says_nothing(self) -> None:
        line = Line()
        for s in range(0, 2000, 20):
            line.say(s, output__voltage=230 if s < 1000 else 200, ups__source=3)
        assert raised(tell(line, batch_s=60), "output_quality") == []


def transfer(line: Line, second: float, *, test: bool = False) -> None:
    line.say(second, ups__source=5, alarm__test_in_progress=float(test))
    line.say(second + 20, ups__source=3, alarm__test_in_progress=0.0)


class TestTransfers:
    def year(self, days: int = 200) -> Line:
        line = Line()
        for day in range(days):
            line.say(day * DAY, ups__source=3, alarm__test_in_progress=0.0, input__line_bads=0)
            if day % 40 == 7:
                transfer(line, day * DAY + 3600)
            if day % 14 == 3:
                transfer(line, day * DAY + 7200, test=True)
        return line

    def test_a_healthy_half_year_with_tests_is_silent(self) -> None:
        assert raised(tell(self.year(), batch_s=DAY), "transfers_rising") == []

    def test_a_few_a_day_are_told_within_days_and_a_quiet_week_ends_it(self) -> None:
        line = self.year()
        for n in range(12):
            transfer(line, 200 * DAY + n * DAY / 2)
        for day in range(206, 216):
            line.say(day * DAY, ups__source=3)
        changes = tell(line, batch_s=DAY)
        [found] = raised(changes, "transfers_rising")
        assert second(found.evidence[0].at) / DAY < 203
        assert found.severity is Severity.MINOR
        assert len(cleared(changes, "transfers_rising")) == 1

    def test_a_storm_of_one_day_is_shown_and_no_job(self) -> None:
        line = self.year()
        for n in range(6):
            transfer(line, 200 * DAY + n * 3600)
        assert last(tell(line, batch_s=DAY), "transfers_rising").severity is Severity.WARNING

    def test_a_device_that_is_not_known_yet_is_not_judged(self) -> None:
        line = Line()
        for n in range(20):
            transfer(line, n * DAY / 3)
        assert raised(tell(line, batch_s=DAY), "transfers_rising") == []

    def test_the_devices_own_count_is_a_witness_and_its_reset_is_not(self) -> None:
        line = self.year()
        for n in range(10):
            line.say(200 * DAY + n * DAY / 2, input__line_bads=1 + n)
        assert "out of tolerance" in raised(tell(line, batch_s=DAY), "transfers_rising")[0].evidence[0].text.en
        line = self.year()
        for n, count in enumerate([900, 3, 800, 2, 700]):
            line.say((200 + n) * DAY, input__line_bads=count)
        assert raised(tell(line, batch_s=DAY), "transfers_rising") == []


class TestRegulating:
    def test_a_day_of_boost_is_told_and_hours_are_not(self) -> None:
        line = Line()
        for hour in range(80):
            line.say(hour * 3600, ups__source=6 if 10 <= hour < 20 or 30 <= hour < 70 else 3)
        changes = tell(line, batch_s=3600)
        [found] = raised(changes, "regulating_long")
        assert second(found.since) == 30 * 3600
        assert second(found.evidence[0].at) == 54 * 3600
        assert second(cleared(changes, "regulating_long")[0].at) == 70 * 3600

    def test_a_silence_of_days_proves_no_boost_between(self) -> None:
        line = Line().say(0, ups__boosting=1).say(5 * DAY, ups__boosting=1).say(5 * DAY + 60, ups__boosting=1)
        assert raised(tell(line, batch_s=3600), "regulating_long") == []

    def test_far_more_switching_than_before_is_shown(self) -> None:
        line, said = Line(), 0.0
        for hour in range(24 * 130):
            often = 3 if hour > 24 * 100 else 30
            said = float(hour % often == 0)
            line.say(hour * 3600, ups__trimming=said).say(hour * 3600 + 600, ups__trimming=0)
        changes = tell(line, batch_s=DAY)
        [found] = raised(changes, "avr_wear")
        assert 100 < second(found.evidence[0].at) / DAY < 120


class TestHeat:
    def test_it_warns_before_the_trip_and_becomes_critical_near_it(self) -> None:
        line = Line()
        for minute in range(200):
            line.say(minute * 60, ups__temperature=min(54.0, 35 + max(0, minute - 60) * 0.3))
        changes = tell(line, batch_s=60)
        [found] = raised(changes, "heating_fast")
        assert found.evidence[0].value is not None
        assert found.evidence[0].value < 48
        assert found.forecast is not None
        assert last(changes, "heating_fast").severity is Severity.CRITICAL
        assert len(cleared(changes, "heating_fast")) == 1

    def test_a_hot_but_steady_one_and_a_leap_of_a_sensor_are_not(self) -> None:
        line = Line()
        for minute in range(300):
            line.say(minute * 60, ups__temperature=46 + minute % 3 * 0.5)
        assert raised(tell(line, batch_s=60), "heating_fast") == []
        line = Line()
        for minute in range(100):
            line.say(minute * 60, ups__temperature=140.0 if minute == 50 else 30.0)
        assert raised(tell(line, batch_s=60), "heating_fast") == []


class TestGenerator:
    @staticmethod
    def of(seconds: float | None) -> Context:
        known = context()
        return msgspec.structs.replace(known, site=msgspec.structs.replace(known.site, generator_s=seconds))

    def story(self, length: int, *, test: bool = False) -> Line:
        line = Line()
        for s in range(0, 600, 10):
            out = 100 <= s < 100 + length
            line.say(s, ups__source=5 if out else 3, alarm__test_in_progress=float(out and test))
        return line

    def test_a_generator_that_does_not_come_is_told_at_once_when_it_is_late(self) -> None:
        changes = tell(self.story(400), context_of=lambda _: self.of(30), batch_s=10)
        [found] = raised(changes, "generator_absent")
        assert (second(found.since), second(found.evidence[0].at)) == (100, 200)
        assert second(cleared(changes, "generator_absent")[0].at) == 500

    def test_one_that_comes_in_time_a_self_test_and_a_site_without_one_are_no_fault(self) -> None:
        assert raised(tell(self.story(60), context_of=lambda _: self.of(30), batch_s=10), "generator_absent") == []
        assert (
            raised(tell(self.story(400, test=True), context_of=lambda _: self.of(30), batch_s=10), "generator_absent")
            == []
        )
        assert raised(tell(self.story(400), context_of=lambda _: self.of(None), batch_s=10), "generator_absent") == []

    def test_on_battery_with_the_mains_there_is_a_test_by_hand(self) -> None:
        for volts, expected in ((230.0, 0), (0.0, 1)):
            line = Line().say(0, "1", input__voltage=230)
            for s in range(10, 600, 10):
                out = 100 <= s < 500
                line.say(s, "1", input__voltage=volts if out else 230).say(s, ups__source=5 if out else 3)
            changes = tell(line, context_of=lambda _: self.of(30), batch_s=10)
            assert len(raised(changes, "generator_absent")) == expected
        hourly = Line().say(0, "1", input__voltage=230)
        for s in range(100, 500, 10):
            hourly.say(s, ups__source=5)
        assert raised(tell(hourly, context_of=lambda _: self.of(30), batch_s=10), "generator_absent") == []

    def test_a_building_without_any_source_is_told_by_its_switch(self) -> None:
        line = Line()
        for s in range(0, 300, 10):
            line.say(s, ats__building__source=0 if 50 <= s < 250 else 1)
        [found] = raised(tell(line, batch_s=10), "generator_absent")
        assert second(found.since) == 50

"""Slow faults of a UPS and of what feeds it: found in the time that the fault list gives, and silence on what only looks like one."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import msgspec
import pytest

from analytics.detectors import HOURLY
from analytics.hours import HourlyDetector, Hours
from model.finding import Cleared, Raised, Severity
from tests.analytics.timeline import cleared, context, last, raised
from tests.analytics.ups_months import Told, day, events, heard, lived

OURS = (
    "cooling_worn",
    "ups_hot",
    "overload_trend",
    "feed",
    "capacitors",
    "rectifier_lost",
    "card_frozen",
    "generator_battery",
)


@cache
def eventful() -> Hours:
    return lived(200, events)


@pytest.mark.parametrize("name", OURS)
def test_seasons_weekdays_outages_a_maintenance_day_gaps_and_a_new_rack_are_no_fault(name: str) -> None:
    assert heard(HOURLY[name], eventful()) == []


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("wrong", [0.0, -1e6, 1e12])
def test_impossible_values_and_a_month_of_silence_raise_no_exception(name: str, wrong: float) -> None:
    def broken(hour: int, told: Told) -> Told:
        if 600 < hour < 1300:
            return {}
        return dict.fromkeys(told, wrong) if hour % 50 < 3 else told

    standing = set[tuple[str, str | None]]()
    for change in heard(HOURLY[name], lived(70, broken)):
        one = change if isinstance(change, Cleared) else change.finding
        assert isinstance(change, Cleared) or 0 <= change.finding.score <= 1
        assert ((one.kind, one.index) in standing) != isinstance(change, Raised)
        (standing.discard if isinstance(change, Cleared) else standing.add)((one.kind, one.index))


def fan_from(hour: int, told: Told) -> Told:
    if hour > 1440:
        worn = 0.35 * min(1.0, (hour - 1440) / 2400)
        told["entity.fan.speed#1"] *= 1 - worn
        told["ups.temperature"] += 8 * worn
    return told


class TestCooling:
    DETECTOR: HourlyDetector = HOURLY["cooling_worn"]

    def test_a_fan_that_wears_is_told_weeks_before_it_stops(self) -> None:
        found = raised(heard(self.DETECTOR, lived(160, fan_from)), "cooling_worn")[0]
        assert 60 < day(found.evidence[0].at) < 115
        assert found.evidence[0].index == "1"
        assert found.severity is Severity.MINOR

    def test_dust_is_told_with_the_date_of_the_limit_and_a_clean_filter_ends_it(self) -> None:
        def dusty(hour: int, told: Told) -> Told:
            told["ups.temperature"] += 10 * max(0, min(1, (hour - 1440) / 960)) if hour < 2640 else 0.0
            return told

        changes = heard(self.DETECTOR, lived(125, dusty))
        first = raised(changes, "cooling_worn")[0]
        assert 78 < day(first.evidence[0].at) < 90
        assert "above the room" in first.evidence[0].text.en
        assert first.forecast is not None
        assert 110 <= day(cleared(changes, "cooling_worn")[0].at) < 118

    def test_a_hot_summer_and_more_load_are_not_dust(self) -> None:
        def summer(hour: int, told: Told) -> Told:
            for name in ("ambient.temperature", "ups.temperature"):
                told[name] += 10 if hour > 1500 else 0
            if hour > 2000:
                for phase in "123":
                    told[f"ups.load#{phase}"] += 25
                told["ups.temperature"] += 6
            return told

        assert heard(self.DETECTOR, lived(150, summer)) == []

    def test_close_to_the_limit_it_is_major(self) -> None:
        def dusty(hour: int, told: Told) -> Told:
            told["ups.temperature"] += 22 if hour > 1440 else 0.0
            return told

        assert last(heard(self.DETECTOR, lived(70, dusty)), "cooling_worn").severity is Severity.MAJOR


class TestHot:
    DETECTOR: HourlyDetector = HOURLY["ups_hot"]

    def test_hotter_than_usual_without_the_room_is_told_in_hours(self) -> None:
        def hot(hour: int, told: Told) -> Told:
            told["ups.temperature"] += 11 if 1000 <= hour < 1010 else 0
            return told

        changes = heard(self.DETECTOR, lived(50, hot))
        [found] = raised(changes, "ups_hot")
        assert 1000 / 24 <= day(found.evidence[0].at) < 1004 / 24
        assert "not the room" in found.evidence[1].text.en
        assert cleared(changes, "ups_hot")

    def test_where_the_room_is_as_hot_it_is_the_rooms(self) -> None:
        def hot(hour: int, told: Told) -> Told:
            for name in ("ambient.temperature", "ups.temperature"):
                told[name] += 11 if hour >= 1000 else 0
            return told

        assert heard(self.DETECTOR, lived(50, hot)) == []

    def test_without_a_room_it_says_that_the_room_is_not_ruled_out(self) -> None:
        def hot(hour: int, told: Told) -> Told:
            told.pop("ambient.temperature")
            told["ups.temperature"] += 16 if hour >= 1000 else 0
            return told

        assert "not ruled out" in last(heard(self.DETECTOR, lived(50, hot)), "heat_unexplained").evidence[1].text.en


class TestLoad:
    DETECTOR: HourlyDetector = HOURLY["overload_trend"]

    def test_growth_is_dated_more_than_a_fortnight_before_the_rating(self) -> None:
        def grows(hour: int, told: Told) -> Told:
            for phase in "123":
                told[f"ups.load#{phase}"] *= 1 + 1.2 * max(0, hour - 1440) / 3000
            return told

        changes = heard(self.DETECTOR, lived(165, grows))
        found = raised(changes, "overload_trend")[0]
        full = (1440 + 3000 * (100 / 48 - 1) / 1.2) / 24
        assert day(found.evidence[0].at) < full - 14
        assert last(changes, "overload_trend").severity is Severity.MAJOR
        assert abs(day(last(changes, "overload_trend").forecast) - full) < 30

    def test_a_step_of_the_load_is_no_trend_and_80_percent_alone_no_job(self) -> None:
        def steps(by: float) -> Callable[[int, Told], Told]:
            def one(hour: int, told: Told) -> Told:
                for phase in "123":
                    told[f"ups.load#{phase}"] += 22 + (by if hour > 1700 else 0)
                return told

            return one

        assert heard(self.DETECTOR, lived(125, steps(7))) == []
        assert last(heard(self.DETECTOR, lived(100, steps(14))), "overload_trend").severity is Severity.WARNING

    def test_one_busy_week_is_no_trend(self) -> None:
        def busy(hour: int, told: Told) -> Told:
            if 1520 < hour < 1660:
                for phase in "123":
                    told[f"ups.load#{phase}"] += 45
            return told

        assert heard(self.DETECTOR, lived(100, busy)) == []

    def test_two_in_parallel_at_60_percent_have_no_spare(self) -> None:
        def more(_: int, told: Told) -> Told:
            for phase in "123":
                told[f"ups.load#{phase}"] += 20
            return told

        known = context()
        own = msgspec.structs.replace(known.device, parallel="A")
        twin = msgspec.structs.replace(own, id="sz-futian/ups-2")
        known = msgspec.structs.replace(known, device=own, siblings=(twin,))
        assert (
            "no spare" in raised(heard(self.DETECTOR, lived(30, more), known), "overload_trend")[0].evidence[0].text.en
        )
        assert heard(self.DETECTOR, lived(30, more)) == []


class TestFeed:
    DETECTOR: HourlyDetector = HOURLY["feed"]

    def test_mirrored_phases_are_a_loose_neutral_within_hours(self) -> None:
        dice = random.Random(2)

        def loose(hour: int, told: Told) -> Told:
            lean = dice.uniform(0.05, 0.1) if hour >= 480 else 0
            told["input.voltage#1"] *= 1 + lean
            told["input.voltage#2"] *= 1 - lean
            return told

        changes = heard(self.DETECTOR, lived(25, loose))
        [found] = raised(changes, "loose_neutral")
        assert day(found.since) == 20
        assert day(found.evidence[0].at) < 20.2
        assert raised(changes, "input_unbalanced") == []

    def test_one_weak_phase_is_unbalanced_and_no_neutral(self) -> None:
        def weak(hour: int, told: Told) -> Told:
            told["input.voltage#2"] *= 0.93 if hour >= 480 else 1
            return told

        changes = heard(self.DETECTOR, lived(25, weak))
        assert len(raised(changes, "input_unbalanced")) == 1
        assert raised(changes, "loose_neutral") == []

    def test_voltage_that_falls_with_the_load_is_a_contact_and_the_evenings_sag_is_not(self) -> None:
        def contact(hour: int, told: Told) -> Told:
            sag = -6 if hour % 24 in range(8, 19) else 0  # the grid's own, from the first day on
            burns = min(1, max(0, hour - 1000) / 600) * 0.1
            for phase in "123":
                told[f"input.voltage#{phase}"] = (told[f"input.voltage#{phase}"] + sag) * (
                    1 - burns * told[f"ups.load#{phase}"] / 100
                )
            return told

        [found] = raised(heard(self.DETECTOR, lived(90, contact)), "feed_contact")
        assert 45 < day(found.evidence[0].at) < 90

    def test_uneven_phase_loads_are_told_after_a_day(self) -> None:
        def uneven(hour: int, told: Told) -> Told:
            told["ups.load#3"] += 35 if hour >= 480 else 0
            return told

        [found] = raised(heard(self.DETECTOR, lived(25, uneven)), "phase_imbalance")
        assert found.evidence[0].index == "3"
        assert 20.9 < day(found.evidence[0].at) < 21.5


class TestCapacitors:
    DETECTOR: HourlyDetector = HOURLY["capacitors"]

    def test_ripple_at_the_same_load_is_told_with_the_date_of_twice(self) -> None:
        def ripple(hour: int, told: Told) -> Told:
            told["dc.ripple"] = (0.5 + 0.01 * told["ups.load#1"]) * (1 + 1.2 * max(0, hour - 1440) / 4000)
            return told

        changes = heard(self.DETECTOR, lived(225, ripple))
        first = raised(changes, "capacitors")[0]
        twice = (1440 + 4000 / 1.2) / 24
        assert day(first.evidence[0].at) < twice - 40
        assert abs(day(first.forecast) - twice) < 25
        assert last(changes, "capacitors").severity is Severity.MAJOR

    def test_a_restless_output_is_told_and_one_that_follows_the_mains_is_not(self) -> None:
        dice = random.Random(4)

        def restless(hour: int, told: Told) -> Told:
            for phase in "123":
                told[f"output.voltage#{phase}"] += dice.gauss(0, 1.2) if hour > 1440 else 0
            return told

        def follows(hour: int, told: Told) -> Told:
            for phase in "123":
                told[f"output.voltage#{phase}"] = told[f"input.voltage#{phase}"] + (
                    dice.gauss(0, 6) if hour > 1440 else 0
                )
            return told

        assert "scatters" in raised(heard(self.DETECTOR, lived(80, restless)), "capacitors")[0].evidence[0].text.en
        assert heard(self.DETECTOR, lived(80, follows)) == []

    def test_dips_when_the_load_leaps_grow(self) -> None:
        def leap(deep: float, hours: range) -> Hours:
            steady = lived(max(hours) / 24)
            for column in steady.columns["ups.load"].values():
                column.high = [mean + (20 if n % 7 == 0 else 1) for n, mean in enumerate(column.mean)]
            for column in steady.columns["output.voltage"].values():
                column.low = [mean - (deep if n in hours and n % 7 == 0 else 2) for n, mean in enumerate(column.mean)]
            return steady

        assert "dips" in raised(heard(self.DETECTOR, leap(12.0, range(800, 1000))), "capacitors")[0].evidence[0].text.en
        assert heard(self.DETECTOR, leap(2.5, range(800, 1000))) == []


class TestRectifiers:
    DETECTOR: HourlyDetector = HOURLY["rectifier_lost"]

    @staticmethod
    def plant(hour: int, *, lost: int, gone: bool = False) -> Told:
        total = 100 + 20 * (hour % 24 in range(8, 19))
        dead = hour >= lost
        told = {f"rectifier.current#{n}": total / (3 if dead else 4) for n in "234"}
        if not (dead and gone):
            told["rectifier.current#1"] = 0.0 if dead else total / 4
        return told

    @pytest.mark.parametrize("gone", [False, True])
    def test_a_module_whose_share_the_others_carry_is_told_after_two_hours(self, gone: bool) -> None:
        changes = heard(self.DETECTOR, lived(12, lambda hour, _: self.plant(hour, lost=240, gone=gone)))
        [found] = raised(changes, "rectifier_lost")
        assert found.evidence[0].index == "1"
        assert day(found.evidence[0].at) < 10.1

    def test_a_module_that_may_sleep_and_a_load_that_falls_are_no_loss(self) -> None:
        asleep = lived(12, lambda hour, _: {**self.plant(hour, lost=240), "rectifier.sleep": 2.0})
        assert heard(self.DETECTOR, asleep) == []
        night = lived(12, lambda hour, _: {f"rectifier.current#{n}": 25.0 if hour < 240 else 5.0 for n in "1234"})
        assert heard(self.DETECTOR, night) == []

    def test_a_count_that_falls_is_told(self) -> None:
        changes = heard(self.DETECTOR, lived(12, lambda hour, _: {"rectifiers": 6.0 if hour < 240 else 5.0}))
        assert "there were 6" in raised(changes, "rectifier_lost")[0].evidence[0].text.en


class TestFrozen:
    DETECTOR: HourlyDetector = HOURLY["card_frozen"]

    @staticmethod
    def stands(hour: int, told: Told, kept: Told, since: int, until: int) -> Told:
        if hour == since:
            kept.update(told)
        return dict(kept) if since <= hour < until else told

    def test_nothing_that_moves_for_six_hours_is_a_frozen_card(self) -> None:
        kept: Told = {}
        changes = heard(self.DETECTOR, lived(12, lambda hour, told: self.stands(hour, told, kept, 200, 230)))
        [found] = raised(changes, "card_frozen")
        assert 206 / 24 <= day(found.evidence[0].at) < 208 / 24
        assert cleared(changes, "card_frozen")

    def test_one_value_that_moves_is_enough_and_so_is_a_young_device(self) -> None:
        kept: Told = {}

        def but_one(hour: int, told: Told) -> Told:
            moving = told["battery.voltage"]
            return {**self.stands(hour, told, kept, 200, 230), "battery.voltage": moving}

        assert heard(self.DETECTOR, lived(12, but_one)) == []
        young: Told = {}
        assert heard(self.DETECTOR, lived(3, lambda hour, told: self.stands(hour, told, young, 40, 70))) == []


class TestStarterBattery:
    DETECTOR: HourlyDetector = HOURLY["generator_battery"]

    def test_a_low_starter_battery_is_told_and_a_charged_one_is_not(self) -> None:
        def weak(hour: int, _: Told) -> Told:
            return {"generator.battery.voltage": 26.8 if hour < 240 else 24.3}

        changes = heard(self.DETECTOR, lived(12, weak))
        assert day(raised(changes, "generator_battery")[0].evidence[0].at) < 10.4
        assert heard(self.DETECTOR, lived(12, lambda hour, _: {"generator.battery.voltage": 13.4})) == []

    def test_a_dip_at_the_starts_is_told(self) -> None:
        def ends(low: float) -> Hours:
            hours = lived(30, lambda hour, _: {"generator.battery.voltage": 26.8})
            for column in hours.columns["generator.battery.voltage"].values():
                column.low = [26.8 if n % 168 else low for n in range(len(column.mean))]
            return hours

        assert raised(heard(self.DETECTOR, ends(16.0)), "generator_battery")
        assert heard(self.DETECTOR, ends(21.0)) == []

from __future__ import annotations

import pytest

from analytics import forecast
from analytics.forecast import Outcome
from analytics.records import Records, remember
from analytics.watch import Watch
from tests.analytics.battery.months import CELLS, DAY, battery, heard, rested, told, unlisted
from tests.analytics.timeline import UPS, cleared, last, raised, second, tell

KIND = "charger_fault"


def dead(since: float, drain_v: float = 0.0, **more: float):  # type: ignore[no-untyped-def]
    def fault(hour: float) -> dict[str, float]:
        return {"battery.voltage": rested(hour - since, drain_v), **more} if hour >= since else {}

    return fault


def resting(first: float, hours: float, every: float, **more: float):  # type: ignore[no-untyped-def]
    def fault(hour: float) -> dict[str, float]:
        into = (hour - first) % every if hour >= first else every
        return {"battery.voltage": rested(into), **more} if into < hours else {}

    return fault


def test_a_charger_that_gives_nothing_is_told_within_two_days_where_the_battery_never_rested() -> None:
    changes = heard(told(60, dead(50 * 24)))
    [found] = raised(changes, KIND)
    assert 0 <= second(found.since) / 3600 - 50 * 24 < 24
    assert second(found.evidence[0].at) / 3600 < 52.5 * 24
    assert "never rested" in found.evidence[1].text.en
    assert "ABM" in found.advice.en


def test_the_fall_of_the_voltage_gives_the_date_at_which_nothing_is_left() -> None:
    found = last(heard(told(24, dead(20 * 24, drain_v=0.002))), KIND)
    assert found.forecast is not None
    hours = second(found.forecast) / 3600 - 20 * 24
    assert 60 < hours < 140, "0.2 V a cell at 2 mV an hour is about 100 h"


@pytest.mark.parametrize(
    ("back", "outcome"), [(None, Outcome.CAME), (24 * 24 + 1, Outcome.WITHDRAWN)], ids=["flat", "charged again"]
)
def test_the_date_is_kept_as_a_forecast_and_answered(back: float | None, outcome: Outcome) -> None:
    fault = dead(20 * 24, drain_v=0.0015)

    def until(hour: float) -> dict[str, float]:
        return {} if back and hour >= back else fault(hour)

    watch = Watch()
    tell(told(28, until, tests=False), batch_s=DAY, watch=watch, context_of=battery())
    [kept] = forecast.read(watch.states[UPS][KIND])
    assert kept.outcome is outcome
    assert kept.p10 < kept.p50 < kept.p90
    if outcome is Outcome.CAME:
        assert kept.inside
    records = Records()
    remember(records, watch.states)
    assert [one["kind"] for one in records.forecasts] == [KIND]


def test_a_battery_at_rest_is_no_fault_neither_when_the_ups_says_so_nor_when_it_comes_back_by_itself() -> None:
    said = resting(4 * 24, 25 * 24, 27 * 24, **{"battery.charger.status": 1})
    assert raised(heard(told(120, said)), KIND) == []
    assert raised(heard(told(120, resting(4 * 24, 25 * 24, 27 * 24))), KIND) == []


def test_a_battery_at_rest_that_stands_too_low_is_one() -> None:
    fault = resting(4 * 24, 25 * 24, 27 * 24, **{"battery.charger.status": 1})

    def low(hour: float) -> dict[str, float]:
        return {**fault(hour), "battery.voltage": CELLS * 2.08} if fault(hour) else {}

    assert "no battery at rest" in last(heard(told(20, low)), KIND).evidence[1].text.en


def test_the_devices_own_word_that_it_floats_contradicts_the_voltage() -> None:
    fault = dead(10 * 24, **{"battery.charger.status": 2})
    assert "says that it charges" in last(heard(told(13, fault)), KIND).evidence[1].text.en


def test_overcharge_is_told_after_a_day_and_a_boost_of_a_day_is_not() -> None:
    def high(since: float, until: float):  # type: ignore[no-untyped-def]
        return lambda hour: {"battery.voltage": CELLS * 2.42} if since <= hour < until else {}

    changes = heard(told(40, high(20 * 24, 25 * 24)))
    [found] = raised(changes, KIND)
    assert "2.42" in found.evidence[1].text.en
    assert len(cleared(changes, KIND)) == 1
    assert raised(heard(told(40, high(20 * 24, 20 * 24 + 22))), KIND) == []


def test_without_an_inventory_the_batterys_own_days_are_the_measure() -> None:
    assert raised(heard(told(60, dead(50 * 24)), unlisted), KIND)
    assert raised(heard(told(60), unlisted), KIND) == []


def test_a_healthy_year_with_seasons_tests_and_outages_is_silent() -> None:
    for seed, offset in ((2, 0.009), (3, -0.009)):
        assert raised(heard(told(365, seed=seed, offset=offset)), KIND) == []


def test_bad_input_is_no_verdict() -> None:
    def ten_times(hour: float) -> dict[str, float]:
        return {"battery.voltage": 2179.0 / 2} if hour > 500 else {}

    def month_of_silence(hour: float) -> dict[str, float]:
        return {"silent": 1.0} if 500 < hour < 1220 else {}

    def zero(hour: float) -> dict[str, float]:
        return {"battery.voltage": 0.0} if hour > 500 else {}

    for fault in (ten_times, month_of_silence, zero):
        assert raised(heard(told(60, fault)), KIND) == []
        assert raised(heard(told(60, fault), unlisted), KIND) == []
    assert raised(heard(told(60, dead(500), drop=("ups.source", "alarm.on_battery"), tests=False)), KIND) == []
    assert raised(heard(told(60, dead(500)), battery(chemistry="lithium")), KIND) == []

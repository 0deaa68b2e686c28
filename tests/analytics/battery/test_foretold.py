"""Every forecast of a battery is kept when it is made and answered when reality comes."""

from __future__ import annotations

from itertools import pairwise

from analytics import forecast
from analytics.forecast import Forecast, Outcome, Quantity
from tests.analytics.battery.cabinet import Cabinet, file_of

DAY_MS = 86_400_000


def kept(cabinet: Cabinet, quantity: Quantity) -> list[Forecast]:
    return [one for one in forecast.read(file_of(cabinet)) if one.quantity is quantity]


def test_a_runtime_is_scored_by_the_discharge_that_ran_to_its_end_and_withdrawn_by_one_that_did_not() -> None:
    cabinet = Cabinet(load=28, soh=0.96, promised_s=23 * 60)
    cabinet.rest(2)
    cabinet.outage(400)
    cabinet.outage(99_999)
    first, second = kept(cabinet, Quantity.RUNTIME)
    assert first.outcome is Outcome.WITHDRAWN
    assert second.outcome is Outcome.CAME
    assert second.inside
    assert second.made - second.start < 120_000
    record = forecast.record([first, second])
    assert record is not None
    assert (record.n, record.withdrawn) == (1, 1)


def test_the_end_of_life_is_said_monthly_and_answered_by_the_discharge_that_measured_it() -> None:
    cabinet = Cabinet(installed="2023-06-01")
    cabinet.rest(1)
    for month in range(9):
        cabinet.soh = 0.97 - 0.03 * month
        cabinet.outage(500)
        cabinet.rest(29, every_s=43_200)
    said = kept(cabinet, Quantity.END_OF_LIFE)
    came = [one for one in said if one.outcome is Outcome.CAME]
    assert len(said) >= 5
    assert came
    assert all(b.made - a.made >= 30 * DAY_MS for a, b in pairwise(said))
    assert all(one.real is not None and one.answered is not None and one.real <= one.answered for one in came)


def test_another_battery_takes_back_what_was_said_of_the_old_one() -> None:
    cabinet = Cabinet()
    cabinet.rest(1)
    cabinet.outage(500)
    cabinet.rest(2)
    cabinet.installed = "2026-02-20"
    cabinet.rest(1)
    assert {one.outcome for one in kept(cabinet, Quantity.END_OF_LIFE)} == {Outcome.WITHDRAWN}

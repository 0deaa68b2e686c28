"""What our readings are in NUT's words, and how long they are told: never longer than they are true."""

from __future__ import annotations

import pytest

from agent.nut_server.shown import Shown
from model.batch import Event, EventKind
from model.points import Source
from model.reading import Gap, GapCause, Quality, Reading

UPS = "sz/ups-1"


def reading(point: str, value: float, index: str | None = None, quality: int = 0) -> Reading:
    return Reading(device=UPS, point=point, index=index, at=1, value=value, quality=quality)


def shown(*found: Reading | Gap | Event, now: float = 0.0, speed: float = 1.0) -> Shown:
    one = Shown([UPS, "sz/sw-1"], measure_s=10, speed=speed)
    one.hear(found, now)
    return one


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"ups.source": Source.NORMAL}, "OL"),
        ({"ups.source": Source.BATTERY, "battery.status": 2}, "OB"),
        ({"ups.source": Source.BATTERY, "battery.status": 3}, "OB LB"),
        ({"ups.source": Source.BATTERY, "alarm.battery_low": 1}, "OB LB"),
        ({"ups.source": Source.BATTERY, "alarm.shutdown_imminent": 1}, "OB LB ALARM"),
        ({"ups.source": Source.NORMAL, "alarm.shutdown_imminent": 1}, "OL ALARM"),
        ({"ups.source": Source.BYPASS, "alarm.on_bypass": 1}, "OL BYPASS"),
        ({"ups.source": Source.BOOSTER, "battery.charger.status": 3}, "OL BOOST CHRG"),
        ({"ups.source": Source.REDUCER, "alarm.overload": 1}, "OL TRIM OVER"),
        ({"ups.source": Source.NONE, "alarm.output_off": 1}, "OFF"),
        ({"ups.source": Source.NORMAL, "alarm.replace_battery": 1, "alarm.fan_failure": 1}, "OL RB ALARM"),
        ({"ups.source": Source.OTHER, "alarm.on_battery": 1}, "OB"),
        ({"alarm.on_battery": 0}, "OL"),
        ({"ups.source": Source.BATTERY, "battery.status": 3, "alarm.test_in_progress": 1}, "OB LB"),
    ],
)
def test_what_feeds_the_load_and_what_is_the_matter_in_words(told: dict[str, float], status: str) -> None:
    one = shown(*(reading(point, value) for point, value in told.items()))
    assert (one.variables("ups-1", 1.0) or {})["ups.status"] == status


def test_numbers_states_and_names_have_nuts_names() -> None:
    one = shown(
        reading("ups.source", 3),
        reading("battery.charge", 97.0),
        reading("battery.runtime", 1200.0),
        reading("input.voltage", 229.84, "1"),
        reading("ups.load", 41.0, "1"),
        reading("ups.test.result", 1),
        reading("ups.beeper.status", 2),
        reading("battery.voltage.nominal", 72),
        Event(kind=EventKind.IDENTITY, device=UPS, at=1, data={"device.model": "C3K", "device.serial": 'A"1'}),
    )
    values = one.variables("ups-1", 1.0)
    assert values == values | {
        "battery.charge": "97",
        "battery.runtime": "1200",
        "input.voltage": "229.84",
        "ups.load": "41",
        "ups.test.result": "Done and passed",
        "ups.beeper.status": "enabled",
        "battery.voltage.nominal": "72",
        "ups.model": "C3K",
        "device.serial": 'A"1',
    }


def test_phases_have_their_names() -> None:
    one = shown(reading("ups.source", 3), *(reading("output.voltage", 229 + n, str(n)) for n in (1, 2, 3)))
    values = one.variables("ups-1", 1.0) or {}
    assert [values[f"output.L{n}-N.voltage"] for n in (1, 2, 3)] == ["230", "231", "232"]


def test_a_ups_that_says_nothing_is_stale_and_an_old_value_is_never_fresh() -> None:
    one = shown(reading("ups.source", 5), reading("battery.charge", 55))
    assert (one.variables("ups-1", 14.0) or {})["battery.charge"] == "55"
    assert one.variables("ups-1", 15.1) is None
    assert shown().variables("ups-1", 0.0) is None, "and so is one that has not spoken yet"


def test_a_measurement_that_was_not_read_again_is_left_out() -> None:
    one = shown(reading("ups.source", 3), reading("battery.charge", 55), reading("input.voltage.nominal", 230))
    one.hear([reading("ups.source", 3)], 12.0)
    one.hear([reading("ups.source", 3)], 24.0)
    one.hear([reading("ups.source", 3)], 36.0)
    values = one.variables("ups-1", 37.0) or {}
    assert "battery.charge" not in values
    assert values["input.voltage.nominal"] == "230"


def test_a_slow_line_is_given_three_of_its_rounds_and_no_more_than_two_minutes() -> None:
    one = shown(reading("ups.source", 3))
    one.hear([reading("ups.source", 3)], 20.0)
    assert one.variables("ups-1", 75.0) is not None
    assert one.variables("ups-1", 81.0) is None
    one.hear([reading("ups.source", 3)], 2000.0)
    assert one.variables("ups-1", 2121.0) is None


def test_a_gap_ends_a_value_at_once_and_another_device_in_its_place_all_of_them() -> None:
    one = shown(reading("ups.source", 3), reading("battery.charge", 55))
    one.hear([Gap(device=UPS, point="battery.charge", index=None, at=2, cause=GapCause.NOT_PLAUSIBLE)], 1.0)
    assert "battery.charge" not in (one.variables("ups-1", 1.0) or {})
    one.hear([Gap(device=UPS, point=None, index=None, at=2, cause=GapCause.STALE)], 2.0)
    assert one.variables("ups-1", 2.0) is None


def test_what_a_trap_said_of_a_silent_ups_is_not_fresh() -> None:
    one = shown(reading("ups.source", 3))
    one.hear([reading("ups.source", 5, quality=Quality.SUSPECT)], 1.0)
    assert (one.variables("ups-1", 2.0) or {})["ups.status"] == "OL"


def test_a_story_twenty_times_as_fast_is_stale_sooner_but_never_below_two_seconds() -> None:
    one = shown(reading("ups.source", 3), speed=20)
    assert one.variables("ups-1", 1.9) is not None
    assert one.variables("ups-1", 2.1) is None


def test_a_switch_is_no_ups_once_it_has_spoken() -> None:
    one = shown()
    assert one.names() == ["ups-1", "sw-1"]
    one.hear([Reading(device="sz/sw-1", point="ifOperStatus", index="1", at=1, value=1)], 0.0)
    assert one.names() == ["ups-1"]
    assert not one.knows("sw-1")
    only = Shown([UPS, "sz/ups-2"], measure_s=10, chosen=["sz/ups-2"])
    assert only.names() == ["ups-2"]

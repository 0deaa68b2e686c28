"""Totals from counters: what the switch of tests/journeys/test_counter_story.py cannot say, engine boots and columns."""

from __future__ import annotations

import pytest

from agent.counters import UPTIME_WRAP_S, Counters
from agent.drivers.exchange import Exchange, GetVariables, Variables
from agent.profiles import Tier, load
from model.batch import Event
from model.reading import Gap, Reading

UP = "1.3.6.1.2.1.1.3.0"
NARROW, WIDE = "1.3.6.1.2.1.2.2.1.10.7", "1.3.6.1.2.1.31.1.1.1.6.7"
OCTETS = "ifHCInOctets"


class Device:
    """Rounds of one device, handed to the counters as the driver would."""

    def __init__(self, story_speed: float = 1.0) -> None:
        self.counters = Counters(story_speed)
        self.told: list[dict[str, str | int | float]] = []

    def round(
        self, second: float, octets: float, uptime_s: float | None, *, wide: bool = False, boots: int | None = None
    ) -> float | Gap | None:
        """The total of port 7 after a round, or its gap."""
        at = round(second * 1000)
        oid = WIDE if wide else NARROW
        values: dict[str, int | float | bytes | str | None] = {oid: int(octets), UP: 1}
        exchange = Exchange(request=GetVariables(oids=(oid, UP)), answer=Variables(values), at=at)
        found: list[Reading | Gap | Event] = [Reading(device="s/d", point=OCTETS, index="7", at=at, value=octets)]
        if uptime_s is not None:
            found.append(Reading(device="s/d", point="sysUpTime", index=None, at=at, value=uptime_s))
        told = self.counters.settle("s/d", Tier.MEASURE, [(load("if_mib"), [exchange])], found, boots)
        self.told += [told] if told else []
        one = found[0]
        return one.value if isinstance(one, Reading) else one if isinstance(one, Gap) else None

    def speed(self, mbit_s: float) -> None:
        found: list[Reading | Gap | Event] = [
            Reading(device="s/d", point="ifHighSpeed", index="7", at=1, value=mbit_s),
        ]
        self.counters.settle("s/d", Tier.IDENTITY, [(load("if_mib"), [])], found)


def test_engine_boots_decide_where_uptime_fits_both() -> None:
    for boots, events in ((4, 0), (5, 1)):
        device = Device()
        device.round(0, 1e6, UPTIME_WRAP_S - 100, boots=4)
        device.round(200, 1e6 + 10, 100, boots=boots)  # 497 days are over, or it rebooted at that very moment
        assert len(device.told) == events


def test_engine_boots_tell_of_a_reboot_when_no_uptime_does() -> None:
    device = Device()
    device.round(0, 4e9, None, boots=1)
    assert device.round(10, 50.0, None, boots=2) == 50.0
    assert device.told == [{"reboot": "engine_boots"}]


def test_a_counter_of_64_bits_that_falls_began_anew() -> None:
    device = Device()
    device.round(0, 9e12, 500, wide=True)
    assert device.round(10, 100.0, 510, wide=True) == 100.0
    assert device.told == []


def test_a_counter_that_changes_its_column_is_not_compared() -> None:
    device = Device()
    device.round(0, 9e12, 500, wide=True)
    assert isinstance(device.round(10, 3e9, 510), Gap)
    assert device.round(20, 3e9 + 70, 520) == 70.0, "a total of its own, below the old one"


@pytest.mark.parametrize(("mbit_s", "sure"), [(10, True), (100, True), (1000, False)])
def test_the_speed_of_the_port_says_how_often_it_can_have_wrapped(mbit_s: float, sure: bool) -> None:
    device = Device()
    device.speed(mbit_s)
    device.round(0, 4.2e9, 500)
    total = device.round(300, 1e7, 800)
    assert isinstance(total, float) is sure
    if sure:
        assert total == 1e7 + 2**32


def test_a_fast_story_jitters_as_fast() -> None:
    for speed, reboots in ((1.0, 1), (600.0, 0)):
        device = Device(speed)
        device.round(0, 100, 5000)
        device.round(6000, 200, 10_500)  # 500 s late: 0.8 s of the wire at this speed
        assert len(device.told) == reboots


def test_a_device_with_a_longer_uptime_than_can_be_is_another_one() -> None:
    device = Device()
    device.round(0, 4e9, 500)
    assert device.round(10, 5.0, 9e6) == 5.0
    assert device.told == []


def test_nothing_is_kept_for_a_profile_that_does_not_count() -> None:
    counters = Counters()
    found: list[Reading | Gap | Event] = [Reading(device="s/u", point="battery.charge", index=None, at=1, value=5.0)]
    counters.settle("s/u", Tier.MEASURE, [(load("huawei_ups2000"), [])], found)
    assert not counters.devices

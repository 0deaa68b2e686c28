"""What NUT's and apcupsd's words mean as points."""

from __future__ import annotations

import pytest

from agent.address import AddressError, DeviceUrl
from agent.drivers import apcupsd, nut, records
from agent.drivers.exchange import AskNamed, Exchange, Failure, Named, Sample
from agent.profiles import Tier
from model.reading import GapCause

URL = DeviceUrl.parse("nut://192.0.2.1/ups")


def told(values: dict[str, str], tier: Tier = Tier.STATUS) -> dict[tuple[str, str | None], Sample]:
    exchange = Exchange(request=AskNamed(name="ups"), answer=Named(values), at=7)
    return {(one.point, one.index): one for one in nut.read(nut.PROFILE, URL, tier, [exchange])}


def value(values: dict[str, str], point: str, index: str | None = None, tier: Tier = Tier.STATUS) -> float | str | None:
    return told(values, tier)[point, index].value


@pytest.mark.parametrize(
    ("status", "source", "raised"),
    [
        ("OL CHRG", 3, set()),
        ("OB DISCHRG LB", 5, {"alarm.on_battery", "alarm.battery_low"}),
        ("OL BYPASS RB", 4, {"alarm.on_bypass", "alarm.replace_battery"}),
        ("OL BOOST OVER", 6, {"alarm.overload"}),
        ("TRIM", 7, set()),
        ("OFF", 2, {"alarm.output_off"}),
        ("OL CAL", 3, {"alarm.test_in_progress"}),
        ("FSD OB LB", 5, {"alarm.on_battery", "alarm.battery_low", "alarm.shutdown_imminent"}),
        ("ALARM OL", 3, {"alarm.general_fault"}),
        ("OL SOMETHING-NEW", 3, set()),
    ],
)
def test_a_status_says_what_feeds_the_load_and_every_flag(status: str, source: int, raised: set[str]) -> None:
    found = told({"ups.status": status})
    assert found["ups.source", None].value == source
    flags = {point: one.value for (point, _), one in found.items() if point.startswith("alarm.")}
    assert {point for point, value in flags.items() if value} == raised
    assert set(flags.values()) <= {0.0, 1.0}


def test_sentences_of_an_alarm_raise_what_they_name_and_only_an_unknown_one_is_a_general_fault() -> None:
    named = told({"ups.status": "ALARM OL RB", "ups.alarm": "Replace battery! Fan failure! "})
    assert named["alarm.fan_failure", None].value == 1
    assert named["alarm.general_fault", None].value == 0
    unknown = told({"ups.status": "ALARM OL", "ups.alarm": "Building alarm!"})
    assert unknown["alarm.general_fault", None].value == 1


def test_on_line_and_on_battery_at_once_is_neither() -> None:
    found = told({"ups.status": "OL DISCHRG OB"})
    assert found["ups.source", None].cause is GapCause.NOT_PLAUSIBLE
    assert found["alarm.on_battery", None].value is None
    assert found["alarm.overload", None].value == 0


def test_a_device_without_a_status_has_no_alarm_told_as_absent() -> None:
    found = told({"device.type": "pdu", "outlet.3.status": "on"})
    assert found["alarm.on_battery", None].cause is GapCause.NOT_SUPPORTED
    assert found["outlet.status", "3"].value == 1


def test_stale_data_are_gaps_and_the_ups_counts_as_lost() -> None:
    failure = Failure(cause=GapCause.STALE, raw="ERR DATA-STALE")
    exchange = Exchange(request=AskNamed(name="ups"), answer=failure, at=7)
    found = {one.point: one for one in nut.read(nut.PROFILE, URL, Tier.STATUS, [exchange])}
    assert found["alarm.communication_lost"].value == 1
    others = [one for point, one in found.items() if point != "alarm.communication_lost"]
    assert {(one.value, one.cause) for one in others} == {(None, GapCause.STALE)}
    assert told({"ups.status": "OL"})["alarm.communication_lost", None].value == 0


def test_a_driver_that_still_waits_for_its_ups_tells_no_alarm_as_absent() -> None:
    for tier in (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY):
        found = told({"ups.status": "WAIT", "battery.charge": "97"}, tier)
        lost = found.pop(("alarm.communication_lost", None), None)
        assert (lost is not None and lost.value == 1) == (tier is Tier.STATUS)
        assert {one.cause for one in found.values()} == {GapCause.STALE}


def test_phases_have_their_number_and_a_sum_over_them_none() -> None:
    three = {
        "output.phases": "3",
        "output.L1.power.percent": "10",
        "output.L2.power.percent": "20",
        "ups.load": "15",
        "ups.power": "900",
    }
    found = told(three, Tier.MEASURE)
    assert [found["ups.load", phase].value for phase in ("1", "2", None)] == [10, 20, 15]
    assert found["ups.power", None].value == 900
    one = told({"ups.load": "15", "ups.power": "150", "input.voltage": "230"}, Tier.MEASURE)
    assert one["ups.load", "1"].value == 15
    assert one["output.power", "1"].value == 150
    assert one["input.voltage", "1"].value == 230


@pytest.mark.parametrize(
    ("values", "point", "index"),
    [
        ({"battery.runtime": "65535"}, "battery.runtime", None),
        ({"battery.runtime": "133200"}, "battery.runtime", None),
        ({"ups.load": "150", "ups.status": "OL"}, "ups.load", "1"),
        ({"battery.voltage": "16.5", "battery.voltage.nominal": "24", "battery.charge": "87"}, "battery.voltage", None),
        ({"battery.voltage": "2.28"}, "battery.voltage", None),
        ({"input.frequency": "5.0"}, "input.frequency", "1"),
        ({"input.frequency": "0", "input.voltage": "230"}, "input.frequency", "1"),
        ({"ups.temperature": "0.0"}, "ups.temperature", None),
        ({"ups.power": "0", "output.current": "0.8", "output.voltage": "230"}, "output.power", "1"),
        ({"input.voltage": "2302"}, "input.voltage", "1"),
        ({"battery.charge": "98%"}, "battery.charge", None),
    ],
)
def test_what_cannot_be_is_a_gap(values: dict[str, str], point: str, index: str | None) -> None:
    for tier in (Tier.STATUS, Tier.MEASURE):
        if (found := told(values, tier).get((point, index))) is not None:
            assert found.value is None
            assert found.raw.startswith(next(iter(values.values())))


def test_what_may_be_is_told() -> None:
    assert value({"ups.load": "118", "ups.status": "OL OVER"}, "ups.load", "1", Tier.MEASURE) == 118
    assert value({"input.frequency": "0.0", "input.voltage": "0.0"}, "input.frequency", "1", Tier.MEASURE) == 0
    assert (
        value({"battery.voltage": "21.4", "battery.voltage.nominal": "24"}, "battery.voltage", None, Tier.MEASURE)
        == 21.4
    )
    assert value({"battery.runtime": " 01406"}, "battery.runtime") == 1406


def test_apcupsd_is_told_in_the_same_words() -> None:
    fields = {
        "STATUS": "ONBATT LOWBATT", "LINEV": "0.0 Volts", "LOADPCT": "23.0 Percent", "BCHARGE": "41.0 Percent", "TIMELEFT": "3.5 Minutes",
        "BATTV": "24.1 Volts", "NOMBATTV": "24.0 Volts", "MODEL": "Smart-UPS 1500", "SERIALNO": "AS0000", "SELFTEST": "NO",
        "NOMPOWER": "980 Watts", "ITEMP": "29.2 C", "HUMIDITY": "41.0 Percent", "BATTDATE": "2020-01-01",
    }  # fmt: skip
    found: dict[tuple[str, str | None], float] = {}
    for tier in (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY):
        exchange = Exchange(request=AskNamed(), answer=Named(fields), at=7)
        samples = apcupsd.read(apcupsd.PROFILE, URL, tier, [exchange])
        found |= {(one.point, one.index): one.value for one in samples if isinstance(one.value, float)}
        records(samples, "site/ups")
    expected = {
        ("ups.source", None): 5, ("alarm.battery_low", None): 1, ("battery.charge", None): 41, ("battery.runtime", None): 210,
        ("ups.load", "1"): 23, ("input.voltage", "1"): 0, ("ups.realpower.nominal", None): 980, ("ups.test.result", None): 6,
        ("ups.temperature", None): 29.2, ("ambient.humidity", None): 41,
    }  # fmt: skip
    assert expected.items() <= found.items()


def test_an_address_names_the_ups() -> None:
    assert (URL.host, URL.port, URL.name) == ("192.0.2.1", 3493, "ups")
    assert DeviceUrl.parse("apcupsd://[2001:db8::1]").port == 3551
    assert URL.link_key == DeviceUrl.parse("nut://192.0.2.1:3493/other?timeout=3").link_key
    for wrong in ("nut://192.0.2.1", "nut:///ups", "nut://192.0.2.1/a b", "nut://192.0.2.1/ups?community=public"):
        with pytest.raises(AddressError):
            DeviceUrl.parse(wrong)

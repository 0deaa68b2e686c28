"""What cards make of RFC 1628, each quirk a story: the numbers are those of real cards or edited from them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.address import DeviceUrl
from agent.drivers import snmp
from agent.drivers.exchange import Exchange, Failure, GetVariables, Sample, Variable, Variables, WalkVariables
from agent.profiles import Tier, load
from model.points import POINTS, plausible
from model.reading import GapCause

RFC1628 = load("rfc1628")
IF_MIB = load("if_mib")
URL = DeviceUrl.parse("snmp://192.0.2.1")
UPS = "1.3.6.1.2.1.33.1."
ALARMS = UPS + "6.2.1.2."


def said(
    values: dict[str, Variable], object_id: str = "1.3.6.1.4.1.1", descr: bytes = b""
) -> dict[tuple[str, str | None], Sample]:
    """All tiers of an RFC 1628 card with these variables (below the UPS-MIB unless they begin with a dot)."""
    tree = {(oid[1:] if oid.startswith(".") else UPS + oid): value for oid, value in values.items()}
    tree |= {snmp.SYS_OBJECT_ID: object_id, snmp.SYS_DESCR: descr}
    out: dict[tuple[str, str | None], Sample] = {}
    for tier in Tier:
        exchanges = [_exchange(request, tree) for request in snmp.plan(RFC1628, URL, tier)]
        out |= {(one.point, one.index): one for one in snmp.read(RFC1628, URL, tier, exchanges)}
    return out


def _exchange(request: object, tree: dict[str, Variable]) -> Exchange:
    if isinstance(request, GetVariables):
        return Exchange(request=request, answer=Variables({o: tree[o] for o in request.oids if o in tree}), at=5)
    assert isinstance(request, WalkVariables)
    below = {oid: value for oid, value in tree.items() if oid.startswith(request.root + ".")}
    return Exchange(request=request, answer=Variables(below), at=5)


def test_a_card_that_keeps_the_rfc_is_read_as_the_rfc_says() -> None:
    found = said({"2.3.0": 72, "2.5.0": 531, "4.4.1.2.1": 229, "4.4.1.3.1": 350, "4.2.0": 499, "3.3.1.2.2": 500})
    assert found["battery.runtime", None].value == 4320.0
    assert found["battery.voltage", None].value == 53.1
    assert found["output.voltage", "1"].value == 229.0
    assert found["output.current", "1"].value == 35.0
    assert found["output.frequency", None].value == 49.9
    assert found["input.frequency", "2"].value == 50.0


def test_tenths_of_a_volt_are_proven_by_a_number_that_can_be_nothing_else() -> None:
    found = said({"4.4.1.2.1": 2302, "3.3.1.3.1": 230, "5.3.1.2.1": 2308})
    assert found["output.voltage", "1"].value == 230.2
    assert found["input.voltage", "1"].value == 230.0
    assert found["input.bypass.voltage", "1"].value == 230.8


def test_all_phases_of_such_a_card_share_the_proof_even_one_that_sags() -> None:
    found = said({"3.3.1.3.1": 2302, "3.3.1.3.2": 612})
    assert found["input.voltage", "2"].value == 61.2


def test_hundredths_of_a_hertz_and_whole_hertz_are_proven_too() -> None:
    found = said({"4.2.0": 4999, "3.3.1.2.1": 60, "5.1.0": 500})
    assert found["output.frequency", None].value == 49.99
    assert found["input.frequency", "1"].value == 60.0
    assert found["input.bypass.frequency", None].value == 50.0


def test_a_400_hertz_machine_is_not_taken_for_one_with_hundredths() -> None:
    assert said({"4.2.0": 4000})["output.frequency", None].value == 400.0


def test_marks_for_not_available_are_gaps_before_they_are_scaled() -> None:
    found = said({"2.3.0": 4294967295, "2.6.0": 2147483647, "5.3.1.3.1": 65535, "2.7.0": -274, "2.4.0": -1})
    assert found["battery.runtime", None].cause == GapCause.NOT_SUPPORTED
    assert found["battery.current", None].cause == GapCause.NOT_SUPPORTED
    assert found["input.bypass.current", "1"].cause == GapCause.NOT_SUPPORTED
    assert found["battery.temperature", None].cause == GapCause.NOT_PLAUSIBLE
    assert found["battery.charge", None].cause == GapCause.NOT_PLAUSIBLE
    assert found["battery.runtime", None].raw == "4294967295"


def test_a_power_of_65535_watts_is_a_value_but_on_a_socomec_card() -> None:
    assert said({"4.4.1.4.1": 65535})["output.realpower", "1"].value == 65535.0
    socomec = said({"4.4.1.4.1": 65535}, object_id="1.3.6.1.4.1.4555.1.1.7")
    assert socomec["output.realpower", "1"].cause == GapCause.NOT_SUPPORTED


def test_minus_one_is_a_current_but_on_a_riello_card() -> None:
    assert said({"2.6.0": -1})["battery.current", None].value == -0.1
    assert said({"2.6.0": -1}, object_id="1.3.6.1.4.1.5491.317")["battery.current", None].value is None


def test_a_huawei_ups2000_sends_kilowatts_and_a_ups5000_tenths_of_them() -> None:
    ups2000 = said({"1.1.0": b"HUAWEI", "1.2.0": b"UPS2000 6kVA", "4.4.1.4.1": 1})
    ups5000 = said({"1.1.0": b"HUAWEI", "1.2.0": b"UPS5000", "4.4.1.4.1": 34})
    assert ups2000["output.realpower", "1"].value == 1000.0
    assert ups5000["output.realpower", "1"].value == 3400.0


def test_tripp_lite_currents_follow_the_version_of_the_agent() -> None:
    for version, amperes in ((b"12.04.0055", 3.0), (b"12.04.0056", 30.0), (b"12.05.0003", 30.0), (b"12.06.0068", 3.0)):
        found = said({"1.4.0": version, "4.4.1.3.1": 30}, object_id="1.3.6.1.4.1.850.1")
        assert found["output.current", "1"].value == amperes, version


def test_an_old_mikrotik_sends_seconds_for_minutes() -> None:
    version = ".1.3.6.1.4.1.14988.1.1.4.4.0"
    assert (
        said({version: b"6.46.8", "2.3.0": 1800}, object_id="1.3.6.1.4.1.14988.1")["battery.runtime", None].value
        == 1800
    )
    assert said({version: b"6.47", "2.3.0": 30}, object_id="1.3.6.1.4.1.14988.1")["battery.runtime", None].value == 1800


def test_a_trailing_zero_behind_a_row_is_not_part_of_the_phase() -> None:
    found = said({"4.4.1.2.1.0": 229, "4.4.1.2.2.0": 230})
    assert (found["output.voltage", "1"].value, found["output.voltage", "2"].value) == (229.0, 230.0)


def test_a_scalar_without_its_zero_is_found() -> None:
    assert said({"2.4": 97})["battery.charge", None].value == 97.0


def test_numbers_sent_as_text_are_numbers() -> None:
    found = said({"2.4.0": b"97", "2.5.0": b"54.1", "4.4.1.2.1": b"230 V", "2.7.0": b"n/a", "2.6.0": b""})
    assert found["battery.charge", None].value == 97.0
    assert found["battery.voltage", None].value == 54.1
    assert found["output.voltage", "1"].value == 230.0
    assert found["battery.temperature", None].cause == GapCause.GARBLED
    assert found["battery.current", None].cause == GapCause.NOT_SUPPORTED


def test_zero_rows_beyond_the_number_of_lines_do_not_exist() -> None:
    found = said({"3.2.0": 1, "3.3.1.3.1": 238, "3.3.1.3.2": 0, "3.3.1.3.3": 0})
    assert ("input.voltage", "1") in found
    assert ("input.voltage", "2") not in found


def test_an_alarm_is_named_by_the_oid_in_its_row_and_not_by_the_row() -> None:
    found = said({"6.1.0": 2, "6.2.1.2.22": UPS + "6.3.2", "6.2.1.2.23": "." + UPS + "6.3.16.0"})
    raised = {point for (point, _), one in found.items() if point.startswith("alarm.") and one.value == 1.0}
    assert raised == {"alarm.on_battery", "alarm.fan_failure"}
    assert found["alarm.on_battery", None].where == ALARMS + "22"
    assert found["alarm.overload", None].value == 0.0


def test_preallocated_rows_are_no_alarms() -> None:
    found = said({"6.1.0": 0, **{f"6.2.1.2.{n}": "0.0" for n in range(1, 25)}})
    assert {one.value for (point, _), one in found.items() if point.startswith("alarm.")} == {0.0}


def test_alarms_that_a_card_counts_but_does_not_name_leave_the_flags_unknown() -> None:
    found = said({"6.1.0": 3})
    assert found["ups.alarms", None].value == 3.0
    assert found["alarm.on_battery", None].cause == GapCause.NOT_SUPPORTED


def test_alarms_that_could_not_be_asked_for_are_gaps_and_not_clear() -> None:
    silent = Failure(cause=GapCause.NO_ANSWER)
    exchanges = [Exchange(request=r, answer=silent, at=5) for r in snmp.plan(RFC1628, URL, Tier.STATUS)]
    causes = {one.cause for one in snmp.read(RFC1628, URL, Tier.STATUS, exchanges)}
    assert causes == {GapCause.NO_ANSWER}


def test_a_32_bit_counter_stands_in_only_where_the_64_bit_one_is_absent() -> None:
    tree: dict[str, Variable] = {
        "1.3.6.1.2.1.31.1.1.1.6.1": 2**40,
        "1.3.6.1.2.1.2.2.1.10.1": 17,
        "1.3.6.1.2.1.2.2.1.10.2": 4294967295,
    }
    exchanges = [_exchange(request, tree) for request in snmp.plan(IF_MIB, URL, Tier.MEASURE)]
    found = {(one.point, one.index): one for one in snmp.read(IF_MIB, URL, Tier.MEASURE, exchanges)}
    assert found["ifHCInOctets", "1"].value == 2.0**40
    assert found["ifHCInOctets", "2"].value == 4294967295.0


_variables = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.binary(max_size=30), st.floats(), st.none(), st.just("1.3.6.1.2.1.33.1.6.3.2")
)
_places = st.sampled_from([row.place for row in RFC1628.values] + [RFC1628.alarms[0].at])


@given(
    st.dictionaries(st.tuples(_places, st.sampled_from([".0", ".1", ".3", ".1.0", "", ".x"])), _variables, max_size=25)
)
def test_whatever_a_card_keeps_every_value_is_plausible_and_nothing_is_raised(
    card: dict[tuple[str, str], Variable],
) -> None:
    for one in said({"." + place + tail: value for (place, tail), value in card.items()}).values():
        assert (one.value is None) == (one.cause is not None)
        if isinstance(one.value, float):
            assert plausible(POINTS[one.point], one.value)


def test_a_32_bit_counter_never_stands_in_for_a_64_bit_one_that_failed() -> None:
    tree: dict[str, Variable] = {"1.3.6.1.2.1.2.2.1.10.1": 17}
    exchanges: list[Exchange] = []
    for request in snmp.plan(IF_MIB, URL, Tier.MEASURE):
        lost = isinstance(request, WalkVariables) and request.root == "1.3.6.1.2.1.31.1.1.1.6"
        failure = Exchange(request=request, answer=Failure(cause=GapCause.NO_ANSWER), at=5)
        exchanges.append(failure if lost else _exchange(request, tree))
    octets = [one for one in snmp.read(IF_MIB, URL, Tier.MEASURE, exchanges) if one.point == "ifHCInOctets"]
    assert [(one.value, one.cause) for one in octets] == [(None, GapCause.NO_ANSWER)]


def test_a_speed_that_cannot_be_is_taken_from_its_second_place_and_a_counter_never() -> None:
    tree: dict[str, Variable] = {
        "1.3.6.1.2.1.31.1.1.1.15.2": 100_000_000,
        "1.3.6.1.2.1.2.2.1.5.2": 100_000_000,
        "1.3.6.1.2.1.31.1.1.1.6.2": b"n/a",
        "1.3.6.1.2.1.2.2.1.10.2": 7,
    }
    found: dict[str, Sample] = {}
    for tier in Tier:
        exchanges = [_exchange(request, tree) for request in snmp.plan(IF_MIB, URL, tier)]
        found |= {one.point: one for one in snmp.read(IF_MIB, URL, tier, exchanges)}
    assert found["ifHighSpeed"].value == 100.0
    assert found["ifHighSpeed"].where == "1.3.6.1.2.1.2.2.1.5.2"
    assert found["ifHCInOctets"].cause == GapCause.GARBLED
